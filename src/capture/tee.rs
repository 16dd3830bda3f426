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
/// If the capture cannot be written, as on a full disk, the recording ends and the source continues:
/// [`recording_error`](Self::recording_error) returns the error, and so does [`Writer::finish`].
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
/// assert!(tee.recording_error().is_none());
/// let capture = tee.into_parts().1.finish()?;
/// let replayed: Vec<_> = Events::new(Reader::new(&capture[..])?).collect::<Result<_, _>>()?;
/// assert_eq!(live, replayed);
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Tee<S, W: Write> {
    source: S,
    writer: Writer<W>,
    stops_on_error: bool,
}

impl<S: Source, W: Write> Tee<S, W> {
    /// Records the output of `source`.
    pub const fn new(source: S, writer: Writer<W>) -> Self {
        Self { source, writer, stops_on_error: false }
    }

    /// Sets whether [`recv`](Source::recv) returns an error of the recording, after everything that was
    /// received before. Default no.
    #[must_use]
    pub const fn stop_on_error(mut self, stops: bool) -> Self {
        self.stops_on_error = stops;
        self
    }

    /// Returns the error that ended the recording.
    #[must_use]
    pub const fn recording_error(&self) -> Option<&Error> {
        self.writer.failure.as_ref()
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
        if self.stops_on_error
            && let Some(error) = self.writer.failure.take()
        {
            self.writer.failure = Some(Writer::<W>::is_incomplete());
            return Err(error);
        }
        let received = self.source.recv(until)?;
        if self.writer.failure.is_none() {
            self.writer.failure = self.writer.write(&received).err();
        }
        Ok(received)
    }

    fn has_end_records(&self) -> bool {
        self.source.has_end_records()
    }

    fn has_lost_counter(&self) -> bool {
        self.source.has_lost_counter()
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

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;
    use crate::Events;
    use crate::capture::synthetic::Workload;

    /// A disk with room for this number of bytes.
    struct Disk(usize);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_not_the_stream() {
        let stream = Workload::new(1).events(10).generate();
        let all = Events::new(stream.source()).count();
        let tee = |disk| Tee::new(stream.source(), Writer::new(disk).expect("the header fits"));
        let mut full = tee(Disk(1000));
        assert_eq!(Events::new(&mut full).filter(Result::is_ok).count(), all);
        let error = full.recording_error().expect("the disk is full");
        assert_eq!(error.operation(), "write the capture");
        assert!(full.into_parts().1.finish().is_err(), "the capture is not complete");
        let mut large = tee(Disk(1 << 20));
        assert_eq!(Events::new(&mut large).count(), all);
        assert!(large.recording_error().is_none() && large.into_parts().1.finish().is_ok());
    }

    #[test]
    fn a_tee_that_stops_returns_what_was_received_and_then_the_error() {
        let stream = Workload::new(1).events(10).generate();
        let writer = Writer::new(Disk(1000)).expect("the header fits");
        let mut tee = Tee::new(stream.source(), writer).stop_on_error(true);
        let mut received = 0;
        let error = loop {
            match tee.recv(None) {
                Ok(received_now) if received_now.signal() == Some(crate::event::Signal::End) => {
                    panic!("the disk is full before")
                }
                Ok(_) => received += 1,
                Err(error) => break error,
            }
        };
        assert!(received > 1, "{received}");
        assert_eq!(error.kind(), &crate::ErrorKind::Io);
        assert!(tee.recv(None).is_err() && tee.into_parts().1.finish().is_err());
    }
}
