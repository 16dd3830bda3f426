//! Made-up workloads, the same for the same seed: for tests and benchmarks, here and downstream.

use std::ops::Range;
use std::time::Duration;

use crate::error::Error;
use crate::event::Received;
use crate::message_type::MessageType;
use crate::source::Source;
use crate::time::Tick;
use crate::wire::frame;

/// What the made-up machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mix {
    /// Programs are started: seven records an event.
    Execs,
    /// Connections are made: four records an event.
    Connects,
    /// Both, in equal parts.
    Both,
}

/// Describes a workload; [`generate`](Self::generate) makes it.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a workload is made by generate"]
pub struct Workload {
    seed: u64,
    mix: Mix,
    cpus: usize,
    events: usize,
}

impl Workload {
    /// Describes a workload of 1,000 events of both kinds on two CPUs.
    pub const fn new(seed: u64) -> Self {
        Self { seed, mix: Mix::Both, cpus: 2, events: 1_000 }
    }

    /// Sets what the machine does.
    pub const fn mix(mut self, mix: Mix) -> Self {
        self.mix = mix;
        self
    }

    /// Sets how many CPUs work at once; their records are interleaved.
    pub const fn cpus(mut self, cpus: usize) -> Self {
        self.cpus = if cpus == 0 { 1 } else { cpus };
        self
    }

    /// Sets how many events there are.
    pub const fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// Makes the datagrams, as the kernel would send them to its daemon.
    #[must_use]
    pub fn generate(self) -> Stream {
        let mut stream = Stream { bytes: Vec::new(), datagrams: Vec::new() };
        let mut random = Random(self.seed);
        let mut running: Vec<std::vec::IntoIter<(MessageType, String)>> = Vec::new();
        let mut serial = 0_u32;
        let mut started = 0;
        while started < self.events || !running.is_empty() {
            while running.len() < self.cpus && started < self.events {
                serial = serial.wrapping_add(1);
                running.push(self.event(serial, &mut random).into_iter());
                started += 1;
            }
            let cpu = random.below(running.len());
            match running.get_mut(cpu).and_then(Iterator::next) {
                Some((message_type, text)) => stream.push(message_type, &text),
                None => drop(running.swap_remove(cpu)),
            }
        }
        stream
    }

    fn event(self, serial: u32, random: &mut Random) -> Vec<(MessageType, String)> {
        let execs = match self.mix {
            Mix::Execs => true,
            Mix::Connects => false,
            Mix::Both => random.below(2) == 0,
        };
        // a fixed day, two events a millisecond
        let stamp = format!(
            "audit({}.{:03}:{serial}): ",
            1_700_000_000 + u64::from(serial / 2000),
            serial / 2 % 1000
        );
        let records = if execs { exec(random) } else { connect(random) };
        let stamped = |(message_type, body)| (message_type, format!("{stamp}{body}"));
        records.into_iter().map(stamped).collect()
    }
}

/// Datagrams in one buffer.
#[derive(Clone, Debug)]
pub struct Stream {
    bytes: Vec<u8>,
    datagrams: Vec<Range<usize>>,
}

impl Stream {
    /// Returns how many datagrams there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Returns the length of all datagrams together.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Iterates over the datagrams.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.datagrams.iter().filter_map(|range| self.bytes.get(range.clone()))
    }

    /// Returns a source that hands the datagrams over, 10 µs apart.
    #[must_use]
    pub const fn source(&self) -> StreamSource<'_> {
        StreamSource { stream: self, next: 0, at: Tick::from_nanos(1_700_000_000_000_000_000) }
    }

    /// Adds a record as the kernel sends it to its daemon: the length is that of the text.
    fn push(&mut self, message_type: MessageType, text: &str) {
        let start = self.bytes.len();
        let mut message = frame::message(message_type, 0, text.as_bytes());
        let stated = u32::try_from(text.len()).unwrap_or(u32::MAX).to_ne_bytes();
        if let Some(length) = message.first_chunk_mut() {
            *length = stated;
        }
        self.bytes.append(&mut message);
        self.datagrams.push(start..self.bytes.len());
    }
}

/// Hands over a [`Stream`]; made by [`Stream::source`].
#[derive(Clone, Debug)]
pub struct StreamSource<'a> {
    stream: &'a Stream,
    next: usize,
    at: Tick,
}

impl Source for StreamSource<'_> {
    fn recv(&mut self, _until: Option<Tick>) -> Result<Received<'_>, Error> {
        let at = self.at;
        let Some(range) = self.stream.datagrams.get(self.next) else {
            return Ok(Received::End { at });
        };
        self.next += 1;
        self.at = at.saturating_add(Duration::from_micros(10));
        let bytes = self.stream.bytes.get(range.clone()).unwrap_or_default();
        Ok(Received::Datagram { bytes, needed: bytes.len(), at })
    }
}

/// The generator splitmix64, by Sebastiano Vigna.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or_default()
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.get(self.below(words.len())).copied().unwrap_or_default()
    }
}

fn exec(random: &mut Random) -> Vec<(MessageType, String)> {
    let program = random.pick(&["bash", "ls", "python3", "git", "systemctl", "ssh"]);
    let pid = 1000 + random.below(30_000);
    let arguments = 1 + random.below(6);
    let mut argv = format!("argc={} a0=\"{program}\"", arguments + 1);
    for index in 1..=arguments {
        if random.below(8) == 0 {
            argv.push_str(&format!(" a{index}={}", hex("with a space")));
        } else {
            let word = random.pick(&["-l", "--all", "/etc/hosts", "status", "main", "-c"]);
            argv.push_str(&format!(" a{index}=\"{word}\""));
        }
    }
    let identity = identity(random, pid, program);
    let path = |item: usize, name: &str, inode: usize| {
        format!(
            "item={item} name=\"{name}\" inode={inode} dev=fe:00 mode=0100755 ouid=0 ogid=0 \
             rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"
        )
    };
    vec![
        (
            MessageType::SYSCALL,
            format!(
                "arch=c000003e syscall=59 success=yes exit=0 a0={:x} a1={:x} a2={:x} a3=8 items=2 \
                 {identity}",
                random.next() >> 17,
                random.next() >> 17,
                random.next() >> 17
            ),
        ),
        (MessageType::EXECVE, argv),
        (MessageType::CWD, "cwd=\"/home/user/project\"".to_owned()),
        (MessageType::PATH, path(0, &format!("/usr/bin/{program}"), random.below(1 << 20))),
        (MessageType::PATH, path(1, "/lib64/ld-linux-x86-64.so.2", random.below(1 << 20))),
        (MessageType::PROCTITLE, format!("proctitle={}", hex(&format!("{program}\0-l")))),
        (MessageType::EOE, String::new()),
    ]
}

fn connect(random: &mut Random) -> Vec<(MessageType, String)> {
    let program = random.pick(&["curl", "ssh", "firefox", "node"]);
    let pid = 1000 + random.below(30_000);
    let identity = identity(random, pid, program);
    let address = u32::try_from(random.next() >> 32).unwrap_or_default();
    vec![
        (
            MessageType::SYSCALL,
            format!(
                "arch=c000003e syscall=42 success=no exit=-115 a0={:x} a1={:x} a2=10 a3=0 items=0 \
                 {identity}",
                random.below(64),
                random.next() >> 17
            ),
        ),
        (MessageType::SOCKADDR, format!("saddr=020001BB{address:08X}0000000000000000")),
        (MessageType::PROCTITLE, format!("proctitle=\"{program}\"")),
        (MessageType::EOE, String::new()),
    ]
}

fn identity(random: &mut Random, pid: usize, program: &str) -> String {
    let uid = 1000 + random.below(4);
    format!(
        "ppid={} pid={pid} auid={uid} uid={uid} gid={uid} euid={uid} suid={uid} fsuid={uid} \
         egid={uid} sgid={uid} fsgid={uid} tty=pts0 ses={} comm=\"{program}\" \
         exe=\"/usr/bin/{program}\" subj=unconfined key=\"made\"",
        1 + random.below(1000),
        1 + random.below(9)
    )
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Delivery, EventKind};
    use crate::events::Events;

    #[test]
    fn the_same_seed_makes_the_same_bytes() {
        let stream = |seed| Workload::new(seed).generate();
        assert_eq!(stream(7).bytes, stream(7).bytes);
        assert_ne!(stream(7).bytes, stream(8).bytes);
    }

    #[test]
    fn every_event_is_whole_and_of_its_kind() {
        for (mix, records) in [(Mix::Execs, 7), (Mix::Connects, 4)] {
            let stream = Workload::new(1).mix(mix).cpus(8).events(500).generate();
            assert_eq!(stream.len(), 500 * records);
            let mut count = 0;
            for delivery in Events::new(stream.source()) {
                let Ok(Delivery::Event(event)) = delivery else { panic!("{delivery:?}") };
                assert_eq!(event.missing(), []);
                assert_eq!(event.records().len(), records);
                assert_eq!(matches!(event.kind(), EventKind::Exec(_)), mix == Mix::Execs);
                count += 1;
            }
            assert_eq!(count, 500);
        }
    }

    #[test]
    fn cpus_interleave() {
        let interleaved = |cpus| {
            let stream = Workload::new(3).cpus(cpus).generate();
            let serials: Vec<u32> = stream
                .iter()
                .map(|datagram| {
                    let text = String::from_utf8_lossy(&datagram[16..]).into_owned();
                    let id = text.split(['(', ')']).nth(1).expect("a stamp");
                    id.parse::<crate::record::EventId>().expect("a stamp").serial()
                })
                .collect();
            !serials.is_sorted()
        };
        assert!(!interleaved(1));
        assert!(interleaved(8));
    }
}
