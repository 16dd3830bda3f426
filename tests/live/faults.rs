//! The fault matrix: every fault that can be caused, with counts that add up.
//!
//! Each fault makes a known number of events of three records (`SYSCALL`, `PROCTITLE`, `EOE`) and
//! compares it with what came whole and what was accounted for. Where the kernel's counters allow
//! it, to the unit. A line `matrix` goes into the table of
//! `docs/measurements.md`.

use std::thread::sleep;
use std::time::{Duration, Instant};

use auditlink::event::{Cause, CauseKind, Completeness, Stats, UnverifiedReason};
use auditlink::host::procfs::booted_with_audit;
use auditlink::iter::Next;
use auditlink::iter::Overflow;
use auditlink::{
    Delivery, Event, Events, InstalledRules, Loss, MessageType, Pump, Receiver, Rule, Settings,
    Source,
};

use crate::kernel_lock::{KEY, KernelLock, control, has_matched, wait_until_sent};

/// Records of one event of a storm.
pub(crate) const RECORDS: u64 = 3;

/// A small socket buffer: room for some 66 records.
pub(crate) const SMALL: usize = 32 * 1024;

/// What was received of a storm.
#[derive(Debug, Default)]
pub(crate) struct Harvest {
    /// Events with all their records.
    pub(crate) whole: u64,
    /// Events of which some records came.
    pub(crate) torn: u64,
    /// Records of both.
    pub(crate) records: u64,
    /// Events of which the record of the call came.
    pub(crate) calls: u64,
    /// Records that the latter lack.
    pub(crate) siblings: u64,
    pub(crate) losses: Vec<Loss>,
    pub(crate) last: Option<auditlink::EventId>,
}

impl Harvest {
    pub(crate) fn add(&mut self, delivery: Delivery) {
        let event = match delivery {
            Delivery::Event(event) => event,
            Delivery::Loss(loss) => return self.losses.push(loss),
        };
        self.last = Some(event.id());
        if !is_of_storm(&event) {
            return;
        }
        let records = event.records().len() as u64;
        let called = event.records_of(MessageType::SYSCALL).next().is_some();
        self.records += records;
        self.calls += u64::from(called);
        if event.is_whole() && (records == RECORDS || event.execve().is_some()) {
            self.whole += 1;
        } else {
            // the late rest of a split event is not another event
            self.torn += u64::from(!event.is_continuation());
            self.siblings += if called { RECORDS - records } else { 0 };
        }
    }

    /// Takes what comes until nothing has come for `quiet`.
    pub(crate) fn collect<S: Finish>(&mut self, events: &mut Events<S>, quiet: Duration) {
        loop {
            match events.next_timeout(quiet).expect("no error") {
                Next::Item(delivery) => self.add(delivery),
                Next::Idle | Next::Ended => return,
            }
        }
    }

    /// Shuts down, and takes everything that was queued before.
    pub(crate) fn finish<S: Finish>(self, events: Events<S>) -> (Self, Stats) {
        self.finish_with(events, |_| {})
    }

    /// As [`finish`](Self::finish), passing each delivery to a closure first.
    pub(crate) fn finish_with<S: Finish>(
        mut self,
        mut events: Events<S>,
        mut look: impl FnMut(&Delivery),
    ) -> (Self, Stats) {
        events.source_mut().leave();
        let limit = Instant::now() + Duration::from_secs(60);
        while !events.is_ended() {
            let next = events.next_timeout(Duration::from_secs(1)).expect("no error");
            if let Next::Item(delivery) = next {
                look(&delivery);
                self.add(delivery);
            }
            assert!(Instant::now() < limit, "it does not end: {:?}", events.stats());
        }
        let stats = events.stats();
        (self, stats)
    }

    /// Returns whether everything arrived. A record of the retry queue can come after the end of its
    /// event: then the event is in two pieces, and nothing is missing.
    pub(crate) fn has_all(&self, made: u64) -> bool {
        self.whole == made || self.records == made * RECORDS
    }

    pub(crate) fn has(&self, cause: &Cause) -> bool {
        self.losses.iter().any(|loss| loss.cause() == cause)
    }
}

/// Returns whether an event is of a storm, or may be: the record with the key may be missing.
fn is_of_storm(event: &Event) -> bool {
    let is_part = |message_type| {
        matches!(message_type, MessageType::PROCTITLE | MessageType::EOE | MessageType::SYSCALL)
    };
    let is_torn = event.keys().is_empty()
        && event.records_of(MessageType::SYSCALL).next().is_none()
        && event.records().all(|record| is_part(record.message_type()));
    has_matched(event) || is_torn
}

/// A live source that can be shut down.
pub(crate) trait Finish: Source {
    fn leave(&mut self);
}

impl Finish for Receiver {
    fn leave(&mut self) {
        self.finish().expect("a thread");
    }
}

impl Finish for Pump {
    fn leave(&mut self) {
        self.finish();
    }
}

/// Watches a call that the helper alone makes.
pub(crate) fn watch_getppid(kernel: &KernelLock) -> InstalledRules {
    let helper = kernel.helper();
    let exe = helper.to_str().expect("a plain path");
    let rules = Rule::on_exit().syscall("getppid").exe(exe).key(KEY).for_both_abis();
    control().apply(&rules.expect("the call exists")).expect("the rules are new")
}

/// Checks what must always hold, and prints a line of the matrix.
pub(crate) fn report(fault: &str, made: u64, harvest: &Harvest, stats: &Stats, known: &str) {
    let completeness = stats.completeness();
    assert!(harvest.whole <= made, "{fault}: more than was made: {harvest:?}");
    if !harvest.has_all(made) {
        assert!(!completeness.is_complete(), "{fault}: complete, but {harvest:?}");
    }
    println!("matrix|{fault}|{made}|{}|{known}|{completeness}", harvest.whole);
}

/// Sets the kernel's queue and what happens when it is full.
fn tune(backlog: u32, wait: u32) {
    let settings = Settings::new().backlog_limit(backlog).backlog_wait_time(wait);
    control().configure(&settings).expect("good values");
}

const LONG: Duration = Duration::from_secs(3);

pub(crate) fn no_fault(kernel: &KernelLock) {
    for (name, builder) in [("daemon", Receiver::daemon()), ("observer", Receiver::observer())] {
        let events = Events::new(builder.open().expect("the place is free"));
        let rules = watch_getppid(kernel);
        let made = 2_000;
        kernel.run_helper(&["storm", &made.to_string()]);
        let (harvest, stats) = Harvest::default().finish(events);
        rules.remove().expect("the rules are loaded");
        report(&format!("none, {name}"), made, &harvest, &stats, "nothing");
        assert_eq!((harvest.whole, harvest.losses.len()), (made, 0), "{name}: {harvest:?}");
        assert_eq!(stats.completeness(), Completeness::Complete, "{name}");
    }
}

pub(crate) fn observer_overflow(kernel: &KernelLock) {
    let receiver = Receiver::observer().receive_buffer(SMALL).open().expect("an observer");
    let mut events = Events::new(receiver);
    let rules = watch_getppid(kernel);
    let mut harvest = Harvest::default();
    harvest.collect(&mut events, Duration::from_millis(300));
    let made = 2_000;
    kernel.run_helper(&["storm", &made.to_string()]); // the receiver does not read meanwhile
    wait_until_sent();
    harvest.collect(&mut events, LONG);
    let (harvest, stats) = harvest.finish(events);
    rules.remove().expect("the rules are loaded");
    let dropped = stats.total(CauseKind::SocketOverrun);
    let known = format!("{dropped} records dropped by the socket: exact");
    report("observer that does not read", made, &harvest, &stats, &known);
    assert_eq!(harvest.records + dropped, made * RECORDS, "{harvest:?}");
    assert!(dropped > 0);
    assert_eq!(
        stats.completeness().reasons()[0],
        UnverifiedReason::Lost { cause: CauseKind::SocketOverrun, total: dropped }
    );
}

pub(crate) fn short_stall(kernel: &KernelLock) {
    let receiver = Receiver::daemon().receive_buffer(SMALL).open().expect("the place is free");
    let mut events = Events::new(receiver);
    let rules = watch_getppid(kernel);
    let made = 2_000;
    kernel.run_helper(&["storm", &made.to_string()]);
    sleep(Duration::from_millis(200)); // the receiver does not read for less than half a second
    let mut harvest = Harvest::default();
    harvest.collect(&mut events, Duration::from_millis(500));
    let (harvest, stats) = harvest.finish(events);
    rules.remove().expect("the rules are loaded");
    report(
        "daemon that does not read for 0.2 s",
        made,
        &harvest,
        &stats,
        "nothing: records in the retry queue",
    );
    // on a slow machine the storm itself takes longer than the kernel waits, and what it retries comes
    // after the window
    let is_whole = harvest.has_all(made) && harvest.torn == 0;
    assert_eq!(stats.completeness().is_complete(), is_whole, "{harvest:?}");
}

pub(crate) fn long_stall(kernel: &KernelLock) {
    tune(64, 250);
    let receiver = Receiver::daemon().receive_buffer(SMALL).open().expect("the place is free");
    let mut events = Events::new(receiver);
    let rules = watch_getppid(kernel);
    let made = 300;
    kernel.run_helper(&["storm", &made.to_string()]); // waits, but in the end it does not
    sleep(Duration::from_secs(1));
    let mut harvest = Harvest::default();
    harvest.collect(&mut events, LONG);
    let (harvest, stats) = harvest.finish(events);
    rules.remove().expect("the rules are loaded");
    let (lost, gap) = (stats.total(CauseKind::KernelLost), stats.total(CauseKind::SerialGap));
    let name = "daemon that does not read, processes wait 1 s";
    if booted_with_audit() {
        let known = format!("{lost} records counted by the kernel: exact");
        report(name, made, &harvest, &stats, &known);
        // each record came or is counted, but an event that was refused whole counts as one, and
        // has no serial
        let uncounted = (made * RECORDS).checked_sub(harvest.records + lost).expect("no more");
        let (refused, rest) = (uncounted / (RECORDS - 1), uncounted % (RECORDS - 1));
        assert_eq!(rest, 0, "{harvest:?} {stats:?}");
        // what the kernel could not hold before this daemon came is a gap, too; one near the start has
        // no count
        let serials: u64 = harvest.losses.iter().map(|loss| serials_of(loss.cause())).sum();
        let seen = harvest.whole + harvest.torn;
        assert!(seen + serials + refused >= made, "{harvest:?} {stats:?}");
    } else {
        let known = format!("{gap} events by their serials, {lost} by the counter: at least");
        report(name, made, &harvest, &stats, &known);
        let seen = harvest.whole + harvest.torn;
        assert!(seen + gap <= made, "{harvest:?} {stats:?}");
        assert!(made <= seen + gap + lost, "{harvest:?} {stats:?}");
    }
    assert!(!stats.completeness().is_complete());
}

/// Returns how many serials a gap has.
fn serials_of(cause: &Cause) -> u64 {
    match cause {
        Cause::SerialGap { first, last } => u64::from(last.wrapping_sub(*first)) + 1,
        _ => 0,
    }
}

/// The kernel's queue overflows: what is refused is counted, by the model of `docs/loss.md`.
fn queue_overflow(kernel: &KernelLock, name: &str, backlog: u32, made: u64, reads: bool) {
    tune(backlog, 0);
    let builder = Receiver::daemon();
    let builder = if reads { builder } else { builder.receive_buffer(SMALL) };
    let mut events = Events::new(builder.open().expect("the place is free"));
    let rules = watch_getppid(kernel);
    let mut harvest = Harvest::default();
    let mut helper = kernel.start_helper(&["storm", &made.to_string()]);
    if reads {
        while helper.try_wait().expect("it runs").is_none() {
            harvest.collect(&mut events, Duration::from_millis(20));
        }
    }
    assert!(helper.wait().expect("it ends").success());
    harvest.collect(&mut events, Duration::from_millis(500));
    let (harvest, stats) = harvest.finish(events);
    rules.remove().expect("the rules are loaded");
    let lost = stats.total(CauseKind::KernelLost);
    let refused = made - harvest.calls;
    let known =
        format!("{lost} refused, {} whole events and {} records: ", refused, harvest.siblings);
    // what is refused whole has no serial and counts as one; of the others, each record came or
    // is counted
    let (seen, gap) = (harvest.whole + harvest.torn, stats.total(CauseKind::SerialGap));
    let uncounted = (made * RECORDS).saturating_sub(harvest.records + lost);
    let by_serials = made.checked_sub(seen + gap).map(|refused| refused * (RECORDS - 1));
    let is_plain = gap == 0 && !harvest.has(&Cause::SocketOverrun);
    let is_exact = is_plain || by_serials == Some(uncounted);
    let known = known + if is_exact { "exact" } else { "at least" };
    report(name, made, &harvest, &stats, &known);
    if is_plain {
        assert_eq!(lost, refused + harvest.siblings, "{harvest:?} {stats:?}");
    } else {
        assert!(made <= harvest.calls + gap + lost, "{harvest:?} {stats:?}");
    }
    assert!(lost > 0 && !stats.completeness().is_complete());
}

pub(crate) fn full_queue(kernel: &KernelLock) {
    queue_overflow(kernel, "queue of 64 full, daemon reads", 64, 20_000, true);
    queue_overflow(kernel, "queue of 64 full, daemon does not read", 64, 2_000, false);
    queue_overflow(kernel, "queue of 1 full, daemon reads", 1, 5_000, true);
}

pub(crate) fn rate_limit(kernel: &KernelLock) {
    let mut control = control();
    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let rules = watch_getppid(kernel);
    sleep(Duration::from_millis(1200)); // a window of its own
    control.configure(&Settings::new().rate_limit(200)).expect("a good value");
    sleep(Duration::from_millis(1200));
    let made = 2_000;
    kernel.run_helper(&["storm", &made.to_string()]);
    sleep(Duration::from_millis(1200));
    control.configure(&Settings::new().rate_limit(0)).expect("a good value");
    let mut harvest = Harvest::default();
    harvest.collect(&mut events, LONG);
    let (harvest, stats) = harvest.finish(events);
    rules.remove().expect("the rules are loaded");
    let lost = stats.total(CauseKind::KernelLost);
    let known = format!("{lost} records counted by the kernel: exact");
    report("rate limit of 200", made, &harvest, &stats, &known);
    assert_eq!(harvest.records + lost, made * RECORDS, "{harvest:?} {stats:?}");
}

pub(crate) fn slow_consumer(kernel: &KernelLock) {
    let rules = watch_getppid(kernel); // before the receiver opens: everything received is the storm's
    wait_until_sent();
    let receiver = Receiver::daemon().open().expect("the place is free");
    let pump = Pump::builder(receiver).queue_bytes(64 * 1024).overflow(Overflow::DropNewest);
    let mut events = Events::new(pump.start().expect("a thread"));
    let mut harvest = Harvest::default();
    harvest.collect(&mut events, Duration::from_millis(300));
    let made = 2_000;
    kernel.run_helper(&["storm", &made.to_string()]); // the consumer takes nothing meanwhile
    wait_until_sent();
    harvest.collect(&mut events, LONG);
    let (harvest, stats) = harvest.finish(events);
    rules.remove().expect("the rules are loaded");
    let dropped = stats.total(CauseKind::QueueFull);
    let known = format!("{dropped} records dropped by the queue: exact");
    report("consumer slower than its queue, newest dropped", made, &harvest, &stats, &known);
    assert!(dropped > 0);
    assert_eq!(harvest.records + dropped, made * RECORDS, "{harvest:?} {stats:?}");
}

pub(crate) fn cut_records(kernel: &KernelLock) {
    let receiver = Receiver::observer().record_size(1024).open().expect("an observer");
    let mut events = Events::new(receiver);
    let text = format!("op=long {}", "x".repeat(4_000));
    kernel.run_helper(&["say", &text]);
    let mut harvest = Harvest::default();
    harvest.collect(&mut events, Duration::from_millis(300));
    let (mut harvest, stats) = harvest.finish(events);
    harvest.whole = stats.events - stats.incomplete;
    let known = format!("{} record cut: exact", stats.total(CauseKind::Truncated));
    report("record longer than the reader's buffer", stats.events, &harvest, &stats, &known);
    assert_eq!((stats.total(CauseKind::Truncated), stats.incomplete), (1, 1));
    assert!(harvest.has(&Cause::Truncated));
}

pub(crate) fn auditing_off(kernel: &KernelLock) {
    let mut control = control();
    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let rules = watch_getppid(kernel);
    kernel.run_helper(&["storm", "500"]);
    control.set_enabled(false).expect("not locked");
    kernel.run_helper(&["storm", "500"]);
    control.set_enabled(true).expect("not locked");
    let mut harvest = Harvest::default();
    harvest.collect(&mut events, Duration::from_millis(500));
    let (harvest, stats) = harvest.finish(events);
    rules.remove().expect("the rules are loaded");
    report(
        "auditing off for a while",
        1_000,
        &harvest,
        &stats,
        "service lost: how much is unknown",
    );
    assert_eq!(harvest.whole, 500);
    assert_eq!(stats.total(CauseKind::HealthFault), 1);
}

pub(crate) fn forged(kernel: &KernelLock) {
    let receiver = Receiver::daemon().open().expect("the place is free");
    let port = receiver.port().expect("a port").to_string();
    let events = Events::new(receiver);
    let rules = watch_getppid(kernel);
    kernel.run_helper(&["spoof", &port]);
    kernel.run_helper(&["storm", "500"]);
    let (harvest, stats) = Harvest::default().finish(events);
    rules.remove().expect("the rules are loaded");
    let known = format!("{} forged, refused", stats.refused);
    report("forged datagram", 500, &harvest, &stats, &known);
    assert_eq!((harvest.whole, stats.refused), (500, 1));
    assert_eq!(stats.completeness(), Completeness::Complete, "nothing of the kernel's is missing");
}

/// Numbers that look random, the same for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Random settings, random stalls, random numbers of events: never complete when something is
/// missing, and never fewer losses reported than records are missing.
pub(crate) fn anything_goes(kernel: &KernelLock) {
    let rounds = std::env::var("AUDITLINK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds = rounds.unwrap_or(24);
    let seed = u64::from(std::process::id());
    let mut random = Random(seed);
    let (mut complete, mut unverified) = (0, 0);
    for round in 0..rounds {
        let backlog = random.one_of(&[1, 8, 64, 512, 8192]);
        let wait = random.one_of(&[0, 0, 5, 250, 15_000]);
        let rate = random.one_of(&[0, 0, 0, 300]);
        let buffer = random.one_of(&[8 * 1024, SMALL, 1 << 20, 16 << 20]);
        let is_daemon = random.below(3) > 0;
        let made = random.one_of(&[10, 300, 1_500, 4_000]);
        let stall = Duration::from_millis(random.one_of(&[0, 0, 100, 400, 900, 1_800]));
        let what = format!(
            "seed {seed} round {round}: backlog {backlog} wait {wait} rate {rate} buffer {buffer} \
             daemon {is_daemon} made {made} stall {stall:?}"
        );
        kernel.drain();
        // a stalled reader and a long wait would stop the machine
        let wait = if stall > Duration::from_millis(400) { wait.min(250) } else { wait };
        tune(backlog, wait);
        let builder = if is_daemon { Receiver::daemon() } else { Receiver::observer() };
        let receiver = builder.receive_buffer(buffer).open().expect("the place is free");
        let mut events = Events::new(receiver);
        let rules = watch_getppid(kernel);
        control().configure(&Settings::new().rate_limit(rate)).expect("a good value");
        let mut helper = kernel.start_helper(&["storm", &made.to_string()]);
        sleep(stall);
        let mut harvest = Harvest::default();
        while helper.try_wait().expect("it runs").is_none() {
            harvest.collect(&mut events, Duration::from_millis(20));
        }
        control().configure(&Settings::new().rate_limit(0)).expect("a good value");
        let (harvest, stats) = harvest.finish(events);
        rules.remove().expect("the rules are loaded");
        let completeness = stats.completeness();
        assert!(harvest.whole <= made, "{what}: more than was made: {harvest:?}");
        if completeness.is_complete() {
            complete += 1;
            assert!(harvest.has_all(made), "{what}: complete, but {harvest:?} {stats:?}");
        } else {
            unverified += 1;
        }
        let seen = harvest.whole + harvest.torn;
        let accounted = stats.total(CauseKind::SerialGap)
            + stats.total(CauseKind::KernelLost)
            + stats.total(CauseKind::SocketOverrun);
        assert!(
            made <= seen + accounted || stats.uncounted_losses > 0,
            "{what}: {harvest:?} {stats:?}"
        );
        assert!(
            seen + stats.total(CauseKind::SerialGap) <= made + 16,
            "{what}: absurd: {harvest:?} {stats:?}"
        );
    }
    println!(
        "  {rounds} rounds, seed {seed}: {complete} complete, {unverified} unverified, none wrong"
    );
    let is_many = rounds >= 20;
    assert!(!is_many || (complete > 0 && unverified > 0), "both must occur, or nothing was tested");
}
