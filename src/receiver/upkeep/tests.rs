//! Tests of the upkeep without a kernel: inputs in, signals and commands out.

use super::*;
use crate::error::ErrorKind;

/// An upkeep with a socket's drop counter and a clock that the test sets.
struct UpkeepHarness {
    upkeep: Upkeep,
    drops: Option<u32>,
    now: Tick,
}

impl UpkeepHarness {
    fn new(role: Role, has_hold_queue: bool, drops: Option<u32>) -> Self {
        let now = Tick::from_nanos(1_000_000_000_000);
        Self { upkeep: Upkeep::new(role, has_hold_queue, drops, now), drops, now }
    }

    fn observer() -> Self {
        Self::new(Role::Observer, false, Some(0))
    }

    fn daemon() -> Self {
        Self::new(Role::Daemon, false, Some(0))
    }

    fn watched(mut self) -> Self {
        self.upkeep.handle_watchdog_started(HeartbeatState::Sent, true);
        self
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
    }

    fn drop_datagrams(&mut self, count: u32) {
        self.drops = self.drops.map(|drops| drops.wrapping_add(count));
    }

    fn read(&mut self) {
        self.upkeep.handle_read(|| self.drops, self.now);
    }

    fn drain(&mut self) -> Vec<Signal> {
        self.upkeep.handle_drained(|| self.drops, self.now);
        self.signals()
    }

    fn message(&mut self, message: WorkerMessage) {
        let result = self.upkeep.handle_message(message, || self.drops, self.now);
        result.expect("no error of a request");
    }

    fn record(&mut self, message_type: MessageType, text: &str) -> Vec<Signal> {
        assert!(Upkeep::is_relevant(message_type));
        self.upkeep.handle_datagram(message_type, text.as_bytes(), self.now);
        self.signals()
    }

    /// Receives the record of a marker.
    fn return_marker(&mut self, marker: &Marker) -> Vec<Signal> {
        self.record(MessageType::TRUSTED_APP, &marker.text())
    }

    fn signals(&mut self) -> Vec<Signal> {
        std::iter::from_fn(|| self.upkeep.poll_signal()).map(|(signal, _)| signal).collect()
    }

    fn command(&mut self) -> Option<Command> {
        self.upkeep.poll_command()
    }

    /// Takes the command to flush, and has its marker sent.
    fn send_flush(&mut self) -> Marker {
        let Some(Command::Flush(marker)) = self.command() else { panic!("a flush is due") };
        self.message(WorkerMessage::FlushMarker(MarkerResult::Sent));
        marker
    }

    /// Begins an orderly shutdown of a daemon.
    fn shut_down(&mut self) -> Marker {
        self.upkeep.shut_down(true, self.now);
        match self.command() {
            Some(Command::ShutDown { is_orderly: true, marker: Some(marker) }) => marker,
            other => panic!("a shutdown with a marker, not {other:?}"),
        }
    }

    fn heartbeat(&self) -> (Marker, WorkerMessage) {
        let marker = Marker::new("heartbeat", self.now);
        let due = self.now.saturating_add(SECOND);
        (marker.clone(), WorkerMessage::Heartbeat { marker, due })
    }
}

const SECOND: Duration = Duration::from_secs(1);

const UNCOUNTED: Signal = Signal::Overrun { dropped: None };

fn health(faults: HealthFaults) -> Signal {
    Signal::Health { faults }
}

fn lost(total: u32) -> Signal {
    Signal::LostCounter { total }
}

// backpressure

#[test]
fn an_observers_backpressure_ends_with_a_count_when_the_socket_is_drained() {
    let mut observer = UpkeepHarness::observer();
    observer.upkeep.handle_overflow(observer.now);
    observer.upkeep.handle_overflow(observer.now);
    assert_eq!(observer.signals(), [Signal::BackpressureStarted]);
    observer.drop_datagrams(30);
    let dropped = Some(30);
    assert_eq!(observer.drain(), [Signal::Overrun { dropped }, Signal::BackpressureEnded]);
    assert_eq!(observer.drain(), []);
}

#[test]
fn the_drop_counter_may_wrap() {
    let mut observer = UpkeepHarness::new(Role::Observer, false, Some(u32::MAX - 1));
    observer.upkeep.handle_overflow(observer.now);
    observer.drop_datagrams(5);
    assert_eq!(observer.drops, Some(3));
    assert!(observer.drain().contains(&Signal::Overrun { dropped: Some(5) }));

    let mut daemon = UpkeepHarness::new(Role::Daemon, false, Some(u32::MAX));
    daemon.drop_datagrams(1);
    assert_eq!(daemon.drain(), [Signal::BackpressureStarted]);
}

#[test]
fn without_a_drop_counter_the_loss_is_not_counted() {
    let mut observer = UpkeepHarness::new(Role::Observer, false, None);
    observer.upkeep.handle_overflow(observer.now);
    assert!(observer.drain().contains(&UNCOUNTED));
    let mut daemon = UpkeepHarness::new(Role::Daemon, false, None);
    assert_eq!(daemon.drain(), []);
}

#[test]
fn an_observer_does_not_read_the_drop_counter_without_need() {
    let mut observer = UpkeepHarness::observer();
    let now = observer.now;
    observer.upkeep.handle_read(|| panic!("a system call"), now.saturating_add(SECOND));
    observer.upkeep.handle_drained(|| panic!("a system call"), now.saturating_add(SECOND));
}

#[test]
fn a_daemons_backpressure_ends_when_the_marker_comes_back() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.drop_datagrams(1);
    assert_eq!(daemon.drain(), [Signal::BackpressureStarted]);
    let marker = daemon.send_flush();
    assert_eq!(daemon.drain(), [], "one marker is on its way");
    assert_eq!(daemon.command(), None);
    let other = Marker::new("flush", daemon.now);
    assert_eq!(daemon.return_marker(&other), [], "the marker of another process");
    assert_eq!(daemon.return_marker(&marker), [Signal::BackpressureEnded]);
    assert_eq!(daemon.return_marker(&marker), [], "once");
}

#[test]
fn a_marker_that_is_back_before_the_worker_reports_it_counts() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.drop_datagrams(1);
    daemon.drain();
    let Some(Command::Flush(marker)) = daemon.command() else { panic!("a flush is due") };
    assert_eq!(daemon.return_marker(&marker), [Signal::BackpressureEnded]);
    daemon.message(WorkerMessage::FlushMarker(MarkerResult::Sent));
    daemon.pass(5 * SECOND);
    assert_eq!(daemon.drain(), []);
    assert_eq!(daemon.command(), None);
}

#[test]
fn a_failure_during_the_flush_requires_another_one() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.drop_datagrams(1);
    daemon.drain();
    let first = daemon.send_flush();
    daemon.drop_datagrams(1);
    daemon.drain();
    assert_eq!(daemon.return_marker(&first), []);
    daemon.drain();
    let second = daemon.send_flush();
    assert_eq!(daemon.return_marker(&second), [Signal::BackpressureEnded]);
}

#[test]
fn a_flush_that_fails_is_an_uncounted_loss() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.drop_datagrams(1);
    daemon.drain();
    assert!(matches!(daemon.command(), Some(Command::Flush(_))));
    daemon.message(WorkerMessage::FlushMarker(MarkerResult::Failed));
    assert_eq!(daemon.signals(), [UNCOUNTED]);
    assert_eq!(daemon.drain(), []);
}

#[test]
fn a_flush_is_given_up_after_three_markers_that_do_not_come_back() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.drop_datagrams(1);
    daemon.drain();
    for _ in 0..3 {
        daemon.send_flush();
        let due = daemon.now.saturating_add(2 * SECOND);
        assert_eq!(daemon.upkeep.poll_timeout(daemon.now), Some(due));
        daemon.pass(2 * SECOND);
        let signals = daemon.drain();
        assert!(signals.is_empty() || signals == [UNCOUNTED], "{signals:?}");
    }
    assert_eq!(daemon.command(), None);
    assert_eq!(daemon.upkeep.poll_timeout(daemon.now), None);
}

#[test]
fn a_pause_of_the_daemon_that_is_too_long_is_an_uncounted_loss() {
    let after_pause = |has_hold_queue, failed, pause| {
        let mut daemon = UpkeepHarness::new(Role::Daemon, has_hold_queue, Some(7));
        daemon.read();
        daemon.drop_datagrams(failed);
        daemon.pass(pause);
        daemon.read();
        daemon.signals()
    };
    assert_eq!(after_pause(false, 0, SECOND), []);
    assert_eq!(after_pause(false, 5, SECOND), [Signal::BackpressureStarted]);
    assert_eq!(after_pause(false, 6, SECOND), [Signal::BackpressureStarted, UNCOUNTED]);
    assert_eq!(after_pause(true, 6, SECOND), [Signal::BackpressureStarted], "they are held");
    assert_eq!(after_pause(false, 99, SECOND / 5), [], "too short for five attempts");
}

// the counter of lost records

#[test]
fn an_older_reading_of_the_lost_counter_is_ignored() {
    let mut observer = UpkeepHarness::observer();
    let begun = observer.now;
    observer.upkeep.handle_first_lost_counter(3, begun);
    assert_eq!(observer.upkeep.poll_signal(), Some((lost(3), begun)));
    let later = begun.saturating_add(SECOND);
    observer.message(WorkerMessage::LostCounter { total: 5, begun: later });
    observer.message(WorkerMessage::LostCounter { total: 4, begun });
    assert_eq!(observer.signals(), [lost(5)]);
}

#[test]
fn drops_of_the_socket_precede_the_lost_counter() {
    let mut observer = UpkeepHarness::observer();
    observer.drop_datagrams(2);
    observer.message(WorkerMessage::LostCounter { total: 2, begun: observer.now });
    assert_eq!(observer.signals(), [Signal::BackpressureStarted, lost(2)]);
    let dropped = Some(2);
    assert_eq!(observer.drain(), [Signal::Overrun { dropped }, Signal::BackpressureEnded]);
}

// health

#[test]
fn a_lost_heartbeat_is_reported_once_and_so_is_its_return() {
    let mut daemon = UpkeepHarness::daemon().watched();
    let (marker, announcement) = daemon.heartbeat();
    daemon.message(announcement);
    assert_eq!(daemon.drain(), []);
    let due = daemon.upkeep.poll_timeout(daemon.now).expect("a heartbeat is on its way");
    daemon.now = due;
    assert_eq!(daemon.drain(), [health(HealthFaults::HEARTBEAT)]);
    assert_eq!(daemon.drain(), []);
    // the watchdog's own checks do not hide it
    daemon.message(WorkerMessage::Health(HealthFaults::DISABLED));
    let both = HealthFaults::HEARTBEAT | HealthFaults::DISABLED;
    assert_eq!(daemon.signals(), [health(both)]);
    assert_eq!(daemon.return_marker(&marker), [health(HealthFaults::DISABLED)]);
    assert_eq!(daemon.drain(), []);
}

#[test]
fn a_later_heartbeat_makes_up_for_earlier_ones() {
    let mut daemon = UpkeepHarness::daemon().watched();
    let (_, first) = daemon.heartbeat();
    daemon.message(first);
    let (marker, second) = daemon.heartbeat();
    daemon.message(second);
    daemon.return_marker(&marker);
    daemon.pass(2 * SECOND);
    assert_eq!(daemon.drain(), []);
}

#[test]
fn a_heartbeat_may_arrive_before_its_announcement_is_read() {
    let mut daemon = UpkeepHarness::daemon().watched();
    let (marker, announcement) = daemon.heartbeat();
    assert!(daemon.upkeep.needs_announcements(MessageType::TRUSTED_APP));
    let begun = daemon.now;
    daemon.upkeep.defer(WorkerMessage::LostCounter { total: 1, begun });
    daemon.upkeep.defer(announcement);
    daemon.upkeep.defer(WorkerMessage::Wake);
    assert_eq!(daemon.return_marker(&marker), [], "the counter is reported after the datagrams");
    daemon.pass(2 * SECOND);
    assert_eq!(daemon.drain(), [], "the heartbeat is not overdue");
    let deferred = daemon.upkeep.take_deferred().expect("a message");
    daemon.message(deferred);
    assert_eq!(daemon.signals(), [lost(1)]);
    assert!(matches!(daemon.upkeep.take_deferred(), Some(WorkerMessage::Wake)));
    assert!(daemon.upkeep.take_deferred().is_none());
}

#[test]
fn an_execution_can_be_a_heartbeat() {
    let mut daemon = UpkeepHarness::daemon().watched();
    let (marker, announcement) = daemon.heartbeat();
    daemon.message(announcement);
    daemon.record(MessageType::EXECVE, &format!("argc=1 a0=\"{}\"", marker.word()));
    daemon.pass(2 * SECOND);
    assert_eq!(daemon.drain(), []);
}

#[test]
fn health_is_reported_even_if_it_has_not_changed() {
    let mut observer = UpkeepHarness::observer().watched();
    for _ in 0..2 {
        observer.message(WorkerMessage::Health(HealthFaults::empty()));
        assert_eq!(observer.signals(), [health(HealthFaults::empty())]);
    }
}

#[test]
fn a_changed_configuration_is_checked_while_a_watchdog_runs() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.record(MessageType::CONFIG_CHANGE, "audit(1.000:2): op=remove_rule res=1");
    assert_eq!(daemon.command(), None);
    let mut daemon = daemon.watched();
    daemon.record(MessageType::CONFIG_CHANGE, "audit(1.000:2): op=remove_rule res=1");
    assert_eq!(daemon.command(), Some(Command::CheckHealth));
}

#[test]
fn a_refused_heartbeat_is_a_state_and_not_a_fault() {
    let mut observer = UpkeepHarness::observer().watched();
    let (_, announcement) = observer.heartbeat();
    observer.message(announcement);
    observer.message(WorkerMessage::HeartbeatRefused);
    assert_eq!(observer.upkeep.heartbeat_state(), HeartbeatState::Refused);
    observer.pass(100 * SECOND);
    assert_eq!(observer.drain(), []);
}

#[test]
fn a_record_that_needed_rules_were_removed_is_a_fault_until_the_watchdog_finds_none() {
    let rules = HealthFaults::RULES;
    let mut observer = UpkeepHarness::observer();
    observer.upkeep.handle_rules_changed(observer.now);
    observer.upkeep.handle_rules_changed(observer.now);
    assert_eq!(observer.signals(), [Signal::Health { faults: rules }]);
    let none = HealthFaults::empty();
    // one that does not compare the rules does not know
    observer.upkeep.handle_watchdog_started(HeartbeatState::Sent, false);
    observer.message(WorkerMessage::Health(none));
    assert_eq!(observer.signals(), [Signal::Health { faults: rules }]);
    let mut observer = observer.watched();
    observer.message(WorkerMessage::Health(none));
    assert_eq!(observer.signals(), [Signal::Health { faults: none }]);
    // what is given up on purpose is not a fault
    observer.upkeep.shut_down(true, observer.now);
    observer.upkeep.handle_rules_changed(observer.now);
    assert_eq!(observer.signals(), []);
}

#[test]
fn the_watchdog_is_ignored_during_shutdown() {
    let mut daemon = UpkeepHarness::daemon().watched();
    let (_, announcement) = daemon.heartbeat();
    daemon.message(announcement);
    daemon.shut_down();
    daemon.message(WorkerMessage::Health(HealthFaults::REGISTRATION));
    let (_, announcement) = daemon.heartbeat();
    daemon.message(announcement);
    daemon.pass(2 * SECOND);
    assert_eq!(daemon.drain(), []);
}

// shutdown

/// Reports that the kernel sends nothing more, and expects the end of the stream.
fn expect_end(harness: &mut UpkeepHarness) {
    harness.message(WorkerMessage::FinalLostCounter(4));
    harness.message(WorkerMessage::ShutdownDone(Ok(())));
    assert!(harness.upkeep.is_done());
    assert_eq!(harness.drain(), [lost(4)], "the last reading precedes the end");
    assert_eq!(harness.drain(), [Signal::End]);
    assert_eq!(harness.drain(), [Signal::End], "again and again");
}

#[test]
fn the_final_reading_of_the_counter_is_the_last_one() {
    let mut observer = UpkeepHarness::observer().watched();
    observer.upkeep.shut_down(true, observer.now);
    // the watchdog begins a reading, and is late with its result
    let begun = observer.now;
    observer.pass(SECOND);
    observer.message(WorkerMessage::FinalLostCounter(4));
    observer.message(WorkerMessage::ShutdownDone(Ok(())));
    assert_eq!(observer.drain(), [lost(4)]);
    observer.message(WorkerMessage::LostCounter { total: 4, begun });
    assert_eq!(observer.drain(), [Signal::End]);
}

#[test]
fn a_daemon_unregisters_when_its_marker_has_come_back() {
    let mut daemon = UpkeepHarness::daemon();
    let marker = daemon.shut_down();
    daemon.message(WorkerMessage::ShutdownMarker(MarkerResult::Sent));
    assert_eq!(daemon.drain(), []);
    assert_eq!(daemon.command(), None, "records may still be queued");
    assert_eq!(daemon.return_marker(&marker), []);
    assert_eq!(daemon.command(), Some(Command::Unregister));
    daemon.drain();
    assert_eq!(daemon.command(), None, "once");
    expect_end(&mut daemon);
}

#[test]
fn the_marker_of_a_shutdown_may_be_back_before_the_worker_reports_it() {
    let mut daemon = UpkeepHarness::daemon();
    let marker = daemon.shut_down();
    daemon.return_marker(&marker);
    assert_eq!(daemon.command(), Some(Command::Unregister));
    daemon.message(WorkerMessage::ShutdownMarker(MarkerResult::Sent));
    assert_eq!(daemon.upkeep.poll_timeout(daemon.now), None);
    expect_end(&mut daemon);
}

#[test]
fn a_shutdown_marker_that_cannot_be_sent_is_reported_as_backpressure() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.shut_down();
    daemon.message(WorkerMessage::ShutdownMarker(MarkerResult::Failed));
    assert_eq!(daemon.signals(), [Signal::BackpressureStarted]);
    assert_eq!(daemon.command(), Some(Command::Unregister));
    expect_end(&mut daemon);
}

#[test]
fn a_shutdown_marker_that_does_not_come_back_is_given_up() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.shut_down();
    daemon.pass(9 * SECOND);
    assert_eq!(daemon.drain(), [], "the kernel has not accepted it yet");
    daemon.message(WorkerMessage::ShutdownMarker(MarkerResult::Sent));
    daemon.now = daemon.upkeep.poll_timeout(daemon.now).expect("a marker is on its way");
    assert_eq!(daemon.drain(), [Signal::BackpressureStarted]);
    assert_eq!(daemon.command(), Some(Command::Unregister));
    expect_end(&mut daemon);
}

#[test]
fn no_marker_is_awaited_while_auditing_is_off() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.shut_down();
    daemon.message(WorkerMessage::ShutdownMarker(MarkerResult::NotNeeded));
    assert_eq!(daemon.signals(), []);
    assert_eq!(daemon.command(), Some(Command::Unregister));
    expect_end(&mut daemon);
}

#[test]
fn a_daemon_unregisters_only_after_its_retry_queue_was_flushed() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.drop_datagrams(1);
    daemon.drain();
    let flush = daemon.send_flush();
    let last = daemon.shut_down();
    daemon.return_marker(&last);
    assert_eq!(daemon.command(), None);
    assert_eq!(daemon.return_marker(&flush), [Signal::BackpressureEnded]);
    assert_eq!(daemon.command(), Some(Command::Unregister));
    expect_end(&mut daemon);
}

#[test]
fn a_flush_that_fails_does_not_prevent_the_shutdown() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.drop_datagrams(1);
    daemon.drain();
    daemon.send_flush();
    let last = daemon.shut_down();
    daemon.return_marker(&last);
    for _ in 0..3 {
        daemon.pass(2 * SECOND);
        daemon.drain();
        if let Some(Command::Flush(_)) = daemon.upkeep.commands.front() {
            daemon.send_flush();
        }
    }
    assert_eq!(daemon.command(), Some(Command::Unregister));
}

#[test]
fn a_shutdown_without_waiting_needs_no_marker() {
    for mut harness in [UpkeepHarness::daemon(), UpkeepHarness::observer()] {
        harness.upkeep.shut_down(false, harness.now);
        let expected = Command::ShutDown { is_orderly: false, marker: None };
        assert_eq!(harness.command(), Some(expected));
        harness.upkeep.abort_waiting();
        assert_eq!(harness.command(), None, "the worker does not wait");
        expect_end(&mut harness);
    }
}

#[test]
fn waiting_for_the_marker_can_be_aborted() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.shut_down();
    daemon.upkeep.shut_down(false, daemon.now);
    assert_eq!(daemon.command(), None, "a shutdown is under way");
    daemon.upkeep.abort_waiting();
    assert_eq!(daemon.command(), Some(Command::Unregister));
    expect_end(&mut daemon);
}

#[test]
fn an_observer_shuts_down_without_a_marker() {
    let mut observer = UpkeepHarness::observer();
    observer.upkeep.shut_down(true, observer.now);
    let expected = Command::ShutDown { is_orderly: true, marker: None };
    assert_eq!(observer.command(), Some(expected));
    assert_eq!(observer.drain(), []);
    assert_eq!(observer.command(), None);
    expect_end(&mut observer);
}

#[test]
fn a_loss_is_reported_before_the_end() {
    let mut observer = UpkeepHarness::observer();
    observer.upkeep.shut_down(true, observer.now);
    observer.upkeep.handle_overflow(observer.now);
    observer.drop_datagrams(1);
    observer.message(WorkerMessage::ShutdownDone(Ok(())));
    let overrun = Signal::Overrun { dropped: Some(1) };
    let expected = [Signal::BackpressureStarted, overrun, Signal::BackpressureEnded];
    assert_eq!(observer.drain(), expected);
    assert_eq!(observer.drain(), [Signal::End]);
}

#[test]
fn an_error_of_unregistering_is_returned_before_the_end() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.shut_down();
    let error = Error::new("unregister", ErrorKind::Timeout, None);
    let done = WorkerMessage::ShutdownDone(Err(error));
    let result = daemon.upkeep.handle_message(done, || None, daemon.now);
    assert_eq!(result.expect_err("the error").kind(), &ErrorKind::Timeout);
    assert_eq!(daemon.drain(), [Signal::End]);
}

#[test]
fn a_shutdown_whose_worker_does_not_start_can_be_repeated() {
    let mut daemon = UpkeepHarness::daemon();
    daemon.shut_down();
    daemon.upkeep.handle_shutdown_failed();
    daemon.shut_down();
}

#[test]
fn a_wake_up_makes_the_receiver_idle_once() {
    let mut observer = UpkeepHarness::observer();
    observer.message(WorkerMessage::Wake);
    assert_eq!(observer.drain(), [Signal::Idle]);
    assert_eq!(observer.drain(), []);
}
