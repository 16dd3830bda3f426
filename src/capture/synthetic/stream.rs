//! The stream of a workload: datagrams and signals in order.

use std::io::Write;
use std::ops::Range;
use std::time::Duration;

use crate::capture::Writer;
use crate::error::Error;
use crate::event::{Received, Signal};
use crate::source::Source;
use crate::time::Tick;

/// The datagrams and signals of a workload; made by [`Workload::generate`](super::Workload::generate).
///
/// # Examples
///
/// ```
/// use auditlink::capture::synthetic::{Mix, Workload};
///
/// let stream = Workload::new(1).mix(Mix::Execs).events(10).generate();
/// assert_eq!((stream.len(), stream.lost().events), (70, 0));
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    datagrams: usize,
    lost: Lost,
}

/// What a workload lost, for tests that check whether the losses are reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lost {
    /// Events without any datagram, which only their missing serials show.
    pub events: u64,
    /// Records that the kernel's counter of lost records counted.
    pub records: u64,
    /// Records that the socket dropped and counted.
    pub overrun: u64,
    /// Truncated records.
    pub truncated: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// Its range in `bytes`, and its length before it was cut.
    Datagram {
        range: Range<usize>,
        needed: usize,
    },
    Signal(Signal),
}

impl Stream {
    pub(super) const fn new() -> Self {
        let lost = Lost { events: 0, records: 0, overrun: 0, truncated: 0 };
        Self { bytes: Vec::new(), entries: Vec::new(), datagrams: 0, lost }
    }

    /// Returns the number of datagrams.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.datagrams
    }

    /// Returns whether there are no datagrams.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.datagrams == 0
    }

    /// Returns the total length of all datagrams.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns what was lost.
    #[must_use]
    pub const fn lost(&self) -> Lost {
        self.lost
    }

    /// Iterates over the datagrams.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Datagram { range, .. } => self.bytes.get(range.clone()),
            Entry::Signal(_) => None,
        })
    }

    /// Returns a source that delivers the stream at intervals of 10 µs, signals included.
    #[must_use]
    pub const fn source(&self) -> StreamSource<'_> {
        StreamSource { stream: self, next: 0, at: Tick::from_nanos(1_700_000_000_000_000_000) }
    }

    /// Writes the stream to a capture, signals included.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::capture::{Reader, Writer, synthetic::Workload};
    /// use auditlink::Events;
    ///
    /// let mut writer = Writer::new(Vec::new())?;
    /// let stream = Workload::new(1).events(100).generate();
    /// stream.write(&mut writer)?;
    /// let capture = writer.finish()?;
    /// let replayed: Result<Vec<_>, _> = Events::new(Reader::new(&capture[..])?).collect();
    /// assert_eq!(replayed?.len(), 100);
    /// # Ok::<(), auditlink::Error>(())
    /// ```
    pub fn write<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), Error> {
        let mut source = self.source();
        loop {
            let received = source.recv(None)?;
            if received.signal() == Some(Signal::End) {
                return Ok(());
            }
            writer.write(&received)?;
        }
    }

    /// Adds a datagram, truncated to a length if one is given.
    pub(super) fn push(&mut self, datagram: &[u8], cut: Option<usize>) {
        let start = self.bytes.len();
        let kept = datagram.get(..cut.unwrap_or(datagram.len())).unwrap_or(datagram);
        self.bytes.extend_from_slice(kept);
        self.lost.truncated += u64::from(kept.len() < datagram.len());
        let range = start..self.bytes.len();
        self.entries.push(Entry::Datagram { range, needed: datagram.len() });
        self.datagrams += 1;
    }

    pub(super) fn push_overrun(&mut self, dropped: u64) {
        self.lost.overrun += dropped;
        self.entries.push(Entry::Signal(Signal::Overrun { dropped: Some(dropped) }));
    }

    pub(super) fn push_counter(&mut self) {
        let total = u32::try_from(self.lost.records).unwrap_or(u32::MAX);
        self.entries.push(Entry::Signal(Signal::LostCounter { total }));
    }

    pub(super) const fn lose_event(&mut self) {
        self.lost.events += 1;
    }

    pub(super) const fn lose_record(&mut self) {
        self.lost.records += 1;
    }
}

/// Delivers a [`Stream`]; made by [`Stream::source`].
#[derive(Clone, Debug)]
pub struct StreamSource<'a> {
    stream: &'a Stream,
    next: usize,
    at: Tick,
}

impl Source for StreamSource<'_> {
    fn recv(&mut self, _until: Option<Tick>) -> Result<Received<'_>, Error> {
        let at = self.at;
        let Some(entry) = self.stream.entries.get(self.next) else {
            return Ok(Signal::End.at(at));
        };
        self.next += 1;
        self.at = at.saturating_add(Duration::from_micros(10));
        Ok(match entry {
            Entry::Datagram { range, needed } => {
                let bytes = self.stream.bytes.get(range.clone()).unwrap_or_default();
                Received::Datagram { bytes, needed: *needed, at }
            }
            Entry::Signal(signal) => signal.at(at),
        })
    }
}
