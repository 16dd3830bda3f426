//! Where records come from.

use crate::error::Error;
use crate::event::Received;
use crate::time::Tick;

/// Something that hands over what can be received: a socket, a capture, a script.
///
/// Wrappers are sources too: `capture::Tee` records what passes through any of them.
pub trait Source {
    /// Waits for the next thing to happen, until `until` at the latest if it is given.
    ///
    /// A source that has nothing at `until` returns [`Signal::Idle`](crate::event::Signal::Idle); one that has something
    /// returns it even if `until` has passed. One that ended returns [`Signal::End`](crate::event::Signal::End), again and
    /// again.
    ///
    /// # Errors
    ///
    /// Whatever stops the source for good. Losses are no errors.
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error>;

    /// Tells whether the end records of events come through; auditd leaves them out of its log.
    fn has_end_records(&self) -> bool {
        true
    }

    /// Returns when [`recv`](Self::recv) is to be called again at the latest, though its file could
    /// not be read; `None` if the source waits for nothing else.
    ///
    /// Only who waits for the file by other means than `recv` needs to know.
    fn deadline(&self) -> Option<Tick> {
        None
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        (**self).recv(until)
    }

    fn has_end_records(&self) -> bool {
        (**self).has_end_records()
    }

    fn deadline(&self) -> Option<Tick> {
        (**self).deadline()
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        (**self).recv(until)
    }

    fn has_end_records(&self) -> bool {
        (**self).has_end_records()
    }

    fn deadline(&self) -> Option<Tick> {
        (**self).deadline()
    }
}
