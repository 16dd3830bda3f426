//! Synthetic workloads, reproducible by their seed, for tests and benchmarks.

mod random;
mod records;
mod stream;

use self::random::Random;
pub use self::stream::{Lost, Stream, StreamSource};
use crate::message_type::MessageType;
use crate::wire::frame;

/// What the simulated machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mix {
    /// Executes programs: seven records per event, more for long argument lists.
    Execs,
    /// Connects sockets: four records per event.
    Connects,
    /// Opens files: five records per event.
    Files,
    /// PAM reports logins: one record per event.
    Messages,
    /// SELinux denies access: four records per event.
    Denials,
    /// Opens files through io_uring: four records per event.
    Uring,
    /// All of these, in equal parts.
    All,
}

/// A description of a workload, from which [`generate`](Self::generate) makes a stream.
///
/// # Examples
///
/// ```
/// use auditlink::{Delivery, Events, capture::synthetic::Workload};
///
/// let stream = Workload::new(42).cpus(4).events(1_000).generate();
/// let events = Events::new(stream.source());
/// assert_eq!(events.filter(|delivery| matches!(delivery, Ok(Delivery::Event(_)))).count(), 1_000);
/// ```
///
/// The requested losses are reported as a real kernel and socket report them:
///
/// ```
/// use auditlink::{Delivery, Events, capture::synthetic::Workload, event::CauseKind};
///
/// let stream = Workload::new(42).overruns(200, 10).generate();
/// let mut events = Events::new(stream.source());
/// let losses = events.by_ref().filter(|next| matches!(next, Ok(Delivery::Loss(_)))).count();
/// assert!(losses > 0);
/// assert_eq!(events.stats().total(CauseKind::SocketOverrun), stream.lost().overrun);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a workload is made by generate"]
pub struct Workload {
    seed: u64,
    mix: Mix,
    cpus: usize,
    events: usize,
    arguments: usize,
    lose_events: usize,
    lose_records: usize,
    truncate: usize,
    overruns: (usize, usize),
}

impl Workload {
    /// Returns a workload of 1,000 events of all kinds on two CPUs, without losses.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            mix: Mix::All,
            cpus: 2,
            events: 1_000,
            arguments: 0,
            lose_events: 0,
            lose_records: 0,
            truncate: 0,
            overruns: (0, 0),
        }
    }

    /// Sets what the machine does.
    pub const fn mix(mut self, mix: Mix) -> Self {
        self.mix = mix;
        self
    }

    /// Sets the number of CPUs, at least 1; their records are interleaved.
    pub const fn cpus(mut self, cpus: usize) -> Self {
        self.cpus = if cpus == 0 { 1 } else { cpus };
        self
    }

    /// Sets the number of events.
    pub const fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// Sets the minimum length of argument lists in bytes.
    ///
    /// Lists of more than 7,500 bytes take several records. So do arguments of that length, which occur
    /// in lists of twice that length.
    pub const fn arguments(mut self, bytes: usize) -> Self {
        self.arguments = bytes;
        self
    }

    /// Loses about one event in `one_in`, uncounted; none if it is zero.
    pub const fn lose_events(mut self, one_in: usize) -> Self {
        self.lose_events = one_in;
        self
    }

    /// Loses about one record in `one_in`. The kernel's counter of lost records counts them, and is read
    /// before the first record and after the last.
    pub const fn lose_records(mut self, one_in: usize) -> Self {
        self.lose_records = one_in;
        self
    }

    /// Truncates about one record in `one_in`.
    pub const fn truncate(mut self, one_in: usize) -> Self {
        self.truncate = one_in;
        self
    }

    /// Makes the socket drop `records` records, before about one record in `one_in`.
    pub const fn overruns(mut self, one_in: usize, records: usize) -> Self {
        self.overruns = (one_in, records);
        self
    }

    /// Makes the datagrams as the kernel sends them to its daemon.
    #[must_use]
    pub fn generate(self) -> Stream {
        let mut stream = Stream::new();
        let mut random = Random::new(self.seed);
        // separate random numbers, so that losses do not change the events
        let mut fate = Random::new(!self.seed);
        let mut running: Vec<std::vec::IntoIter<(MessageType, String)>> = Vec::new();
        let mut serial = 0_u32;
        let mut started = 0;
        let mut overrun = 0;
        if self.lose_records > 0 {
            stream.push_counter();
        }
        while started < self.events || !running.is_empty() {
            while running.len() < self.cpus && started < self.events {
                serial = serial.wrapping_add(1);
                started += 1;
                let event = self.event(serial, &mut random);
                if fate.one_in(self.lose_events) {
                    stream.lose_event();
                } else {
                    running.push(event.into_iter());
                }
            }
            let cpu = random.below(running.len());
            match running.get_mut(cpu).and_then(Iterator::next) {
                Some(_) if overrun > 0 => {
                    overrun -= 1;
                    if overrun == 0 {
                        stream.push_overrun(self.overruns.1 as u64);
                    }
                }
                Some(_) if fate.one_in(self.lose_records) => stream.lose_record(),
                Some((message_type, text)) => {
                    let datagram = datagram(message_type, &text);
                    let cut = fate.one_in(self.truncate).then_some(datagram.len() * 3 / 4);
                    stream.push(&datagram, cut);
                    if fate.one_in(self.overruns.0) {
                        overrun = self.overruns.1;
                    }
                }
                None if running.is_empty() => {}
                None => drop(running.swap_remove(cpu)),
            }
        }
        if overrun > 0 {
            stream.push_overrun((self.overruns.1 - overrun) as u64);
        }
        if self.lose_records > 0 {
            stream.push_counter();
        }
        stream
    }

    fn event(self, serial: u32, random: &mut Random) -> Vec<(MessageType, String)> {
        // a fixed day, two events per millisecond
        let stamp = format!(
            "audit({}.{:03}:{serial}): ",
            1_700_000_000 + u64::from(serial / 2000),
            serial / 2 % 1000
        );
        let records = records::event(self.mix, self.arguments, random);
        let stamped = |(message_type, body)| (message_type, format!("{stamp}{body}"));
        records.into_iter().map(stamped).collect()
    }
}

/// Makes a datagram as the kernel sends it to its daemon: the header states the length of the text.
fn datagram(message_type: MessageType, text: &str) -> Vec<u8> {
    let mut message = frame::message(message_type, 0, text.as_bytes());
    let stated = u32::try_from(text.len()).unwrap_or(u32::MAX).to_ne_bytes();
    if let Some(length) = message.first_chunk_mut() {
        *length = stated;
    }
    message
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::event::{CauseKind, Delivery, Event, Stats};
    use crate::iter::events::Events;

    fn play(stream: &Stream) -> (Vec<Event>, Stats) {
        let mut events = Events::new(stream.source());
        let deliveries: Vec<_> = events.by_ref().collect::<Result<_, _>>().expect("no error");
        let of_event = |delivery| match delivery {
            Delivery::Event(event) => Some(event),
            Delivery::Loss(_) => None,
        };
        (deliveries.into_iter().filter_map(of_event).collect(), events.stats())
    }

    #[test]
    fn equal_seeds_make_equal_bytes() {
        let bytes = |seed| Workload::new(seed).generate().iter().flatten().copied().collect();
        let first: Vec<u8> = bytes(7);
        assert_eq!(first, bytes(7));
        assert_ne!(first, bytes(8));
    }

    #[test]
    fn every_event_is_whole_and_has_the_kind_of_its_mix() {
        for (mix, records, kinds) in [
            (Mix::Execs, 7, &["exec"][..]),
            (Mix::Connects, 4, &["connect"]),
            (Mix::Files, 5, &["file_open"]),
            (Mix::Messages, 1, &["auth", "account", "session"]),
            (Mix::Denials, 4, &["mac"]),
            (Mix::Uring, 4, &["file_open"]),
        ] {
            for cpus in [1, 8, 64] {
                let stream = Workload::new(1).mix(mix).cpus(cpus).events(500).generate();
                assert_eq!(stream.len(), 500 * records, "{mix:?}");
                let (events, stats) = play(&stream);
                assert_eq!((events.len(), stats.losses), (500, 0), "{mix:?}");
                for event in events {
                    assert_eq!(event.missing(), [], "{event:?}");
                    assert_eq!(event.records().len(), records);
                    assert!(kinds.contains(&event.kind().name()), "{}", event.kind().name());
                }
            }
        }
        let (events, _) = play(&Workload::new(1).generate());
        let kinds: HashSet<_> = events.iter().map(|event| event.kind().name()).collect();
        assert!(kinds.len() >= 5, "{kinds:?}");
    }

    #[test]
    fn records_of_several_cpus_are_interleaved() {
        let is_interleaved = |cpus| {
            let stream = Workload::new(3).cpus(cpus).generate();
            let serials = stream.iter().map(|datagram| {
                let text = String::from_utf8_lossy(&datagram[16..]).into_owned();
                let id = text.split(['(', ')']).nth(1).expect("a stamp");
                id.parse::<crate::record::EventId>().expect("a stamp").serial()
            });
            !serials.is_sorted()
        };
        assert!(!is_interleaved(1));
        assert!(is_interleaved(8));
    }

    #[test]
    fn long_argument_lists_take_several_records_and_are_whole() {
        let stream = Workload::new(5).mix(Mix::Execs).events(20).arguments(60_000).generate();
        let (events, _) = play(&stream);
        for event in &events {
            let execve = event.execve().expect("arguments");
            assert_eq!((execve.missing(), event.missing()), (Some(0), vec![]));
            assert!(event.records_of(MessageType::EXECVE).count() > 3);
            let bytes: usize = execve.arguments().map(|argument| argument.len()).sum();
            assert!(bytes > 30_000, "{bytes}");
        }
        assert!(stream.iter().all(|datagram| datagram.len() < 8970));
        let longest = |event: &Event| {
            let execve = event.execve()?;
            execve.arguments().map(|argument| argument.len()).max()
        };
        assert!(events.iter().filter_map(longest).any(|length| length == 7500));
    }

    #[test]
    fn requested_losses_are_reported() {
        let workload = Workload::new(9).mix(Mix::Execs).cpus(4).events(2_000);
        let stream = workload.lose_events(100).generate();
        let (_, stats) = play(&stream);
        assert!(stream.lost().events > 5);
        assert_eq!(stats.total(CauseKind::SerialGap), stream.lost().events);

        let stream = workload.lose_records(100).generate();
        let (_, stats) = play(&stream);
        assert!(stream.lost().records > 50);
        assert_eq!(stats.total(CauseKind::KernelLost), stream.lost().records);

        let stream = workload.truncate(100).generate();
        let (events, stats) = play(&stream);
        assert!(stream.lost().truncated > 50);
        assert_eq!(stats.total(CauseKind::Truncated), stream.lost().truncated);
        assert!(events.iter().any(|event| !event.is_whole()));

        let stream = workload.overruns(500, 30).generate();
        let (_, stats) = play(&stream);
        assert!(stream.lost().overrun > 100);
        assert_eq!(stats.total(CauseKind::SocketOverrun), stream.lost().overrun);
    }

    #[test]
    fn losses_do_not_change_the_events() {
        let records = |workload: Workload| -> Vec<Vec<u8>> {
            workload.generate().iter().map(<[u8]>::to_vec).collect()
        };
        let whole = records(Workload::new(4).cpus(1));
        let rest = records(Workload::new(4).cpus(1).lose_records(10));
        let whole: HashSet<_> = whole.into_iter().collect();
        assert!(rest.len() < whole.len() && rest.iter().all(|record| whole.contains(record)));
    }
}
