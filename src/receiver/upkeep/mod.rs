//! Receiver upkeep: backpressure, heartbeats, the counter of lost records, and shutdown.
//!
//! [`Upkeep`] is a state machine. Its inputs are the `handle_` methods, which take the current time; its
//! outputs are signals for the consumer ([`Upkeep::poll_signal`]) and commands for the receiver
//! ([`Upkeep::poll_command`]). It has no socket, no thread and no clock. The socket's drop counter is
//! passed as a function, because reading it is a system call that most inputs do not need.

mod backpressure;
mod heartbeat;
mod marker;
mod shutdown;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use self::backpressure::{Backpressure, MIN_PAUSE};
use self::heartbeat::Health;
pub(super) use self::marker::Marker;
use self::shutdown::Shutdown;
use super::watchdog::HeartbeatState;
use crate::error::Error;
use crate::event::{HealthFaults, Signal};
use crate::message_type::MessageType;
use crate::time::Tick;

/// How a receiver gets its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// From the multicast group. The socket's drop counter counts lost records.
    Observer,
    /// As the registered audit daemon. The socket's drop counter counts failed attempts to send.
    Daemon,
}

/// What a worker thread reports.
#[derive(Debug)]
pub(super) enum WorkerMessage {
    /// The kernel's counter of lost records was read; the request was sent at `begun`.
    LostCounter { total: u32, begun: Tick },
    /// This heartbeat is about to be sent, and is overdue from `due` on.
    Heartbeat { marker: Marker, due: Tick },
    /// The watchdog checked the audit system.
    Health(HealthFaults),
    /// The kernel refuses heartbeats: none is sent any more.
    HeartbeatRefused,
    /// The marker of a flush was sent, or could not be.
    FlushMarker(MarkerResult),
    /// The marker of an orderly shutdown was sent, or could not be.
    ShutdownMarker(MarkerResult),
    /// The kernel's counter of lost records, read after the kernel sent its last record.
    FinalLostCounter(u32),
    /// The kernel sends nothing more. An error is that of the request to unregister.
    ShutdownDone(Result<(), Error>),
    /// [`Waker::wake`](super::Waker::wake) was called.
    Wake,
}

/// The result of sending a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkerResult {
    /// The kernel accepted the marker.
    Sent,
    /// No marker is needed: auditing is off, so none would come back, and the kernel's queue is
    /// empty.
    NotNeeded,
    /// The request failed.
    Failed,
}

/// What the receiver has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Send this marker from a worker thread, so that the kernel sends its retry queue. The result
    /// is a [`WorkerMessage::FlushMarker`].
    Flush(Marker),
    /// Have the watchdog check the audit system now.
    CheckHealth,
    /// Stop the watchdog and start the shutdown worker. It sends the marker if there is one, waits
    /// for [`Command::Unregister`], and unregisters; without a marker it unregisters at once.
    ShutDown { is_orderly: bool, marker: Option<Marker> },
    /// Let the shutdown worker unregister.
    Unregister,
}

/// The state of a receiver's upkeep; see the [module](self).
#[derive(Debug)]
pub(super) struct Upkeep {
    role: Role,
    /// Whether the kernel keeps records that it could not send (`audit=1`), or else frees them
    /// without counting.
    has_hold_queue: bool,
    /// When the socket was last read, with or without result.
    read_at: Tick,
    /// The socket's drop counter as of the last reading; `None` before Linux 4.12.
    drops: Option<u32>,
    backpressure: Backpressure,
    health: Health,
    shutdown: Shutdown,
    /// When the newest reading of the counter of lost records was begun.
    lost_read_at: Tick,
    /// The reading of that counter that follows the last record.
    final_lost: Option<u32>,
    /// Messages that are to be handled after the datagrams that were received before them.
    deferred: VecDeque<WorkerMessage>,
    is_woken: bool,
    signals: VecDeque<(Signal, Tick)>,
    commands: VecDeque<Command>,
}

impl Upkeep {
    /// Begins the upkeep of a socket whose drop counter is `drops`.
    pub(super) fn new(role: Role, has_hold_queue: bool, drops: Option<u32>, now: Tick) -> Self {
        Self {
            role,
            has_hold_queue,
            read_at: now,
            drops,
            backpressure: Backpressure::None,
            health: Health::default(),
            shutdown: Shutdown::Running,
            lost_read_at: now,
            final_lost: None,
            deferred: VecDeque::new(),
            is_woken: false,
            signals: VecDeque::new(),
            commands: VecDeque::new(),
        }
    }

    /// Handles the first reading of the counter of lost records, begun before the first record.
    pub(super) fn handle_first_lost_counter(&mut self, total: u32, begun: Tick) {
        self.lost_read_at = begun;
        self.signals.push_back((Signal::LostCounter { total }, begun));
    }

    /// Notes that a watchdog runs, whose messages are handled from now on.
    pub(super) const fn handle_watchdog_started(
        &mut self,
        heartbeat: HeartbeatState,
        compares_rules: bool,
    ) {
        self.health.is_watched = true;
        self.health.heartbeat = heartbeat;
        self.health.compares_rules = compares_rules;
    }

    /// Handles a record that rules which this process needs were removed, or may be suppressed.
    pub(super) fn handle_rules_changed(&mut self, now: Tick) {
        if matches!(self.shutdown, Shutdown::Running) {
            self.set_faults(self.health.faults | HealthFaults::RULES, now);
        }
    }

    /// Returns whether heartbeats are sent.
    pub(super) const fn heartbeat_state(&self) -> HeartbeatState {
        self.health.heartbeat
    }

    /// Returns whether [`handle_datagram`](Self::handle_datagram) needs to see records of this type.
    #[inline]
    pub(super) const fn is_relevant(message_type: MessageType) -> bool {
        matches!(message_type, MessageType::CONFIG_CHANGE) || Marker::can_be_in(message_type)
    }

    /// Returns whether the worker's messages must be [deferred](Self::defer) before a datagram of
    /// this type is handled: it may be a heartbeat whose announcement was not taken yet.
    pub(super) const fn needs_announcements(&self, message_type: MessageType) -> bool {
        self.health.is_watched && Marker::can_be_in(message_type)
    }

    /// Takes a message that arrived while received datagrams are still to be handed over.
    ///
    /// Heartbeats are registered at once. The rest is handled after these datagrams, by
    /// [`take_deferred`](Self::take_deferred): a reading of a counter covers what precedes it.
    pub(super) fn defer(&mut self, message: WorkerMessage) {
        match message {
            WorkerMessage::Heartbeat { marker, due } => self.health.add_heartbeat(marker, due),
            other => self.deferred.push_back(other),
        }
    }

    /// Returns the first deferred message, to be [handled](Self::handle_message) now.
    pub(super) fn take_deferred(&mut self) -> Option<WorkerMessage> {
        self.deferred.pop_front()
    }

    /// Handles a datagram from the kernel, before it is handed over.
    pub(super) fn handle_datagram(
        &mut self,
        message_type: MessageType,
        datagram: &[u8],
        now: Tick,
    ) {
        if message_type == MessageType::CONFIG_CHANGE && self.health.is_watched {
            self.commands.push_back(Command::CheckHealth);
        }
        let is_in = |marker: &Marker| marker.is_in(message_type, datagram);
        if self.backpressure.marker().is_some_and(is_in) && self.backpressure.handle_marker() {
            self.signals.push_back((Signal::BackpressureEnded, now));
        }
        if self.shutdown.marker().is_some_and(is_in) {
            self.shutdown.remove_marker();
        }
        if self.health.remove_heartbeat(is_in) {
            self.set_faults(self.health.faults - HealthFaults::HEARTBEAT, now);
        }
        self.unregister_if_complete();
    }

    /// Handles a message of a worker thread.
    ///
    /// # Errors
    ///
    /// The error of the request to unregister.
    pub(super) fn handle_message(
        &mut self,
        message: WorkerMessage,
        drops: impl FnOnce() -> Option<u32>,
        now: Tick,
    ) -> Result<(), Error> {
        match message {
            // readings of two threads can arrive in the wrong order
            WorkerMessage::LostCounter { begun, .. } if begun < self.lost_read_at => {}
            WorkerMessage::LostCounter { total, begun } => {
                self.lost_read_at = begun;
                // the reading covers all earlier records, so the socket's drops must precede it
                self.check_drops(drops, Duration::ZERO, now);
                self.signals.push_back((Signal::LostCounter { total }, begun));
            }
            WorkerMessage::FinalLostCounter(total) => {
                // the watchdog may have begun another reading before it
                self.lost_read_at = now;
                self.final_lost = Some(total);
            }
            WorkerMessage::Heartbeat { marker, due } => self.health.add_heartbeat(marker, due),
            WorkerMessage::Health(faults) if self.health.is_watched => {
                self.health.faults = faults | self.health.faults & self.health.unchecked();
                // reported even if nothing changed: records may have indicated a fault meanwhile
                let faults = self.health.faults;
                self.signals.push_back((Signal::Health { faults }, now));
            }
            WorkerMessage::Health(_) => {}
            WorkerMessage::HeartbeatRefused => {
                self.health.refuse_heartbeats();
                self.set_faults(self.health.faults - HealthFaults::HEARTBEAT, now);
            }
            WorkerMessage::FlushMarker(MarkerResult::Sent) => self.backpressure.marker_sent(now),
            WorkerMessage::FlushMarker(_) => self.give_up_flush(now),
            WorkerMessage::ShutdownMarker(MarkerResult::Sent) => self.shutdown.marker_sent(now),
            WorkerMessage::ShutdownMarker(MarkerResult::NotNeeded) => self.shutdown.remove_marker(),
            WorkerMessage::ShutdownMarker(MarkerResult::Failed) => {
                self.give_up_shutdown_marker(now)
            }
            WorkerMessage::ShutdownDone(result) => {
                self.shutdown = Shutdown::Done;
                result?;
            }
            WorkerMessage::Wake => self.is_woken = true,
        }
        self.unregister_if_complete();
        Ok(())
    }

    /// Handles that the socket is about to be read: the time since the last read may have been so
    /// long that the kernel has discarded records.
    pub(super) fn handle_read(&mut self, drops: impl FnOnce() -> Option<u32>, now: Tick) {
        let pause = now.saturating_duration_since(std::mem::replace(&mut self.read_at, now));
        if self.role == Role::Daemon && pause >= MIN_PAUSE {
            self.check_drops(drops, pause, now);
        }
    }

    /// Handles that the kernel could not send a record.
    pub(super) fn handle_overflow(&mut self, now: Tick) {
        if self.backpressure.begin() {
            self.signals.push_back((Signal::BackpressureStarted, now));
        }
    }

    /// Handles that the socket is drained.
    ///
    /// Emits [`Signal::End`] once shutdown is done, and [`Signal::Idle`] after a
    /// [`WorkerMessage::Wake`], unless something else is reported first.
    pub(super) fn handle_drained(&mut self, drops: impl FnOnce() -> Option<u32>, now: Tick) {
        match self.role {
            Role::Observer if self.backpressure.is_active() => {
                self.backpressure = Backpressure::None;
                // no datagram is left, so the counter covers exactly what was dropped
                let dropped = self.update_drops(drops()).map(u64::from);
                self.signals.push_back((Signal::Overrun { dropped }, now));
                self.signals.push_back((Signal::BackpressureEnded, now));
            }
            Role::Observer => {}
            Role::Daemon => {
                self.check_drops(drops, Duration::ZERO, now);
                self.flush_if_due(now);
            }
        }
        if self.shutdown.deadline().is_some_and(|deadline| deadline <= now) {
            self.give_up_shutdown_marker(now);
        }
        self.unregister_if_complete();
        if self.health.is_overdue(now) {
            self.set_faults(self.health.faults | HealthFaults::HEARTBEAT, now);
        }
        if !self.signals.is_empty() {
            return;
        }
        if self.is_done() {
            let last = self.final_lost.take().map(|total| Signal::LostCounter { total });
            self.signals.push_back((last.unwrap_or(Signal::End), now));
        } else if std::mem::take(&mut self.is_woken) {
            self.signals.push_back((Signal::Idle, now));
        }
    }

    /// Begins to shut down, unless that was begun. In an orderly shutdown, all that the kernel has
    /// queued is still received.
    pub(super) fn shut_down(&mut self, is_orderly: bool, now: Tick) {
        if !matches!(self.shutdown, Shutdown::Running) {
            return;
        }
        self.health.stop(); // what is given up on purpose is not a fault
        let needs_marker = is_orderly && self.role == Role::Daemon;
        let marker = needs_marker.then(|| Marker::new("finish", now));
        self.shutdown = Shutdown::begin(marker.clone());
        self.commands.push_back(Command::ShutDown { is_orderly, marker });
    }

    /// Handles that the shutdown worker could not be started: another attempt is possible.
    pub(super) fn handle_shutdown_failed(&mut self) {
        self.shutdown = Shutdown::Running;
    }

    /// Stops waiting for the kernel's queue: the shutdown worker unregisters at once.
    pub(super) fn abort_waiting(&mut self) {
        if self.shutdown.allow_unregister() {
            self.commands.push_back(Command::Unregister);
        }
    }

    /// Returns the next signal for the consumer, and when it happened.
    pub(super) fn poll_signal(&mut self) -> Option<(Signal, Tick)> {
        self.signals.pop_front()
    }

    /// Returns the next thing that the receiver has to do.
    pub(super) fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Returns when the socket must be read at the latest, though nothing has arrived.
    pub(super) fn poll_timeout(&self, now: Tick) -> Option<Tick> {
        let deadlines =
            [self.health.deadline(now), self.backpressure.deadline(), self.shutdown.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Returns whether a signal waits to be polled.
    pub(super) fn has_signal(&self) -> bool {
        !self.signals.is_empty()
    }

    /// Returns whether the kernel sends nothing more.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self.shutdown, Shutdown::Done)
    }

    pub(super) const fn role(&self) -> Role {
        self.role
    }

    /// Reports the faults if they have changed.
    fn set_faults(&mut self, faults: HealthFaults, now: Tick) {
        if faults != self.health.faults {
            self.health.faults = faults;
            self.signals.push_back((Signal::Health { faults }, now));
        }
    }

    /// Checks whether the drop counter has moved, after nothing was read for `pause`.
    fn check_drops(&mut self, drops: impl FnOnce() -> Option<u32>, pause: Duration, now: Tick) {
        let drops = drops();
        match self.role {
            // the count is reported when the socket is drained
            Role::Observer if drops != self.drops => self.handle_overflow(now),
            Role::Observer => {}
            Role::Daemon => {
                let failed = self.update_drops(drops).unwrap_or(0);
                if failed == 0 {
                    return;
                }
                let has_discarded = self.backpressure.may_have_discarded(failed, pause);
                self.handle_overflow(now);
                if has_discarded && !self.has_hold_queue {
                    self.signals.push_back((Signal::Overrun { dropped: None }, now));
                }
            }
        }
    }

    /// Stores the drop counter, and returns by how much it has moved.
    fn update_drops(&mut self, drops: Option<u32>) -> Option<u32> {
        let before = std::mem::replace(&mut self.drops, drops);
        drops.zip(before).map(|(now, before)| now.wrapping_sub(before))
    }

    /// Sends a marker if one is due, so that the kernel sends its retry queue.
    fn flush_if_due(&mut self, now: Tick) {
        let Some(missed) = self.backpressure.missed_markers(now) else { return };
        if missed >= backpressure::MAX_MISSED {
            return self.give_up_flush(now);
        }
        let marker = Marker::new("flush", now);
        self.backpressure.flush(marker.clone(), missed);
        self.commands.push_back(Command::Flush(marker));
    }

    /// Reports an uncounted loss: it is unknown whether the kernel sends its retry queue.
    fn give_up_flush(&mut self, now: Tick) {
        self.backpressure = Backpressure::None;
        self.signals.push_back((Signal::Overrun { dropped: None }, now));
    }

    /// Reports backpressure that does not end: records may still be in the kernel's queue.
    fn give_up_shutdown_marker(&mut self, now: Tick) {
        self.shutdown.remove_marker();
        self.signals.push_back((Signal::BackpressureStarted, now));
    }

    /// Lets the shutdown worker unregister once all that was queued has been received.
    fn unregister_if_complete(&mut self) {
        if self.shutdown.marker().is_none() && !self.backpressure.is_active() {
            self.abort_waiting();
        }
    }
}
