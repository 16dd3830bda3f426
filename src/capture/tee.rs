//! Recording the output of a source.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

use super::Writer;
use crate::error::Error;
use crate::event::Received;
use crate::source::Source;
use crate::time::Tick;

/// A source that records the output of another source in a capture.
///
/// # Examples
///
/// ```
/// use auditlink::capture::{Reader, Tee, Writer, synthetic::Workload};
/// use auditlink::Events;
///
/// let stream = Workload::new(1).events(10).generate();
/// let mut tee = Tee::new(stream.source(), Writer::new(Vec::new())?);
/// let live: Vec<_> = Events::new(&mut tee).collect::<Result<_, _>>()?;
/// let capture = tee.into_parts().1.finish()?;
/// let replayed: Vec<_> = Events::new(Reader::new(&capture[..])?).collect::<Result<_, _>>()?;
/// assert_eq!(live, replayed);
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Tee<S, W: Write> {
    source: S,
    writer: Writer<W>,
}

impl<S: Source, W: Write> Tee<S, W> {
    /// Records the output of `source`.
    pub const fn new(source: S, writer: Writer<W>) -> Self {
        Self { source, writer }
    }

    /// Returns the recorded source.
    pub const fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Ends the recording and returns the source and the writer.
    pub fn into_parts(self) -> (S, Writer<W>) {
        (self.source, self.writer)
    }
}

impl<S: Source, W: Write> Source for Tee<S, W> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        let received = self.source.recv(until)?;
        self.writer.write(&received)?;
        Ok(received)
    }

    fn has_end_records(&self) -> bool {
        self.source.has_end_records()
    }

    fn deadline(&self) -> Option<Tick> {
        self.source.deadline()
    }

    fn current_tick(&self) -> Option<Tick> {
        self.source.current_tick()
    }
}

impl<S: AsFd, W: Write> AsFd for Tee<S, W> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}
