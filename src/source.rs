//! The trait of everything that records are received from.

use crate::error::Error;
use crate::event::Received;
use crate::time::Tick;

/// A source of datagrams and of what is known about their loss: a socket, a capture, a log.
///
/// Wrappers are sources, too: `capture::Tee` records what any source returns.
///
/// # Examples
///
/// A source that returns prepared datagrams:
///
/// ```
/// use auditlink::event::{Received, Signal};
/// use auditlink::time::Tick;
/// use auditlink::{Error, Source};
///
/// struct Script {
///     datagrams: Vec<Vec<u8>>,
///     position: usize,
/// }
///
/// impl Source for Script {
///     fn recv(&mut self, _deadline: Option<Tick>) -> Result<Received<'_>, Error> {
///         let at = Tick::ZERO;
///         let Some(bytes) = self.datagrams.get(self.position) else {
///             return Ok(Signal::End.at(at));
///         };
///         self.position += 1;
///         Ok(Received::Datagram { bytes, needed: bytes.len(), at })
///     }
/// }
///
/// let mut script = Script { datagrams: vec![vec![0; 16]], position: 0 };
/// assert!(matches!(script.recv(None)?, Received::Datagram { needed: 16, .. }));
/// assert_eq!(script.recv(None)?, Signal::End.at(Tick::ZERO));
/// # Ok::<(), Error>(())
/// ```
pub trait Source {
    /// Waits for the next datagram or signal, until `deadline` if it is given.
    ///
    /// Returns [`Signal::Idle`](crate::event::Signal::Idle) if there is nothing by then. What is
    /// available is returned even if the deadline has passed. After the end, every call returns
    /// [`Signal::End`](crate::event::Signal::End).
    ///
    /// # Errors
    ///
    /// An error after which the source cannot continue. A loss is not an error.
    fn recv(&mut self, deadline: Option<Tick>) -> Result<Received<'_>, Error>;

    /// Returns whether events have their end records; auditd does not write them to its log.
    fn has_end_records(&self) -> bool {
        true
    }

    /// Returns whether the kernel's counter of lost records is read; a log does not have it.
    fn has_lost_counter(&self) -> bool {
        true
    }

    /// Returns the latest tick at which [`recv`](Self::recv) must be called even if the source's file
    /// is not readable; `None` if it need not be called.
    ///
    /// Only a program that waits for the file itself needs it.
    fn deadline(&self) -> Option<Tick> {
        None
    }

    /// Returns the current tick of the clock by which [`recv`](Self::recv) waits; `None` if the time
    /// is that of the records, as in a capture.
    fn current_tick(&self) -> Option<Tick> {
        None
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    fn recv(&mut self, deadline: Option<Tick>) -> Result<Received<'_>, Error> {
        (**self).recv(deadline)
    }

    fn has_end_records(&self) -> bool {
        (**self).has_end_records()
    }

    fn has_lost_counter(&self) -> bool {
        (**self).has_lost_counter()
    }

    fn deadline(&self) -> Option<Tick> {
        (**self).deadline()
    }

    fn current_tick(&self) -> Option<Tick> {
        (**self).current_tick()
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn recv(&mut self, deadline: Option<Tick>) -> Result<Received<'_>, Error> {
        (**self).recv(deadline)
    }

    fn has_end_records(&self) -> bool {
        (**self).has_end_records()
    }

    fn has_lost_counter(&self) -> bool {
        (**self).has_lost_counter()
    }

    fn deadline(&self) -> Option<Tick> {
        (**self).deadline()
    }

    fn current_tick(&self) -> Option<Tick> {
        (**self).current_tick()
    }
}
