//! Where an iterator stands: before the end of its source, at it, or past it.

use super::next::Next;
use crate::error::Error;

/// The state of an iterator over a source.
#[derive(Debug)]
pub(super) enum State {
    Running,
    /// The source ended or failed; what remains is returned first.
    Draining(Option<Error>),
    Done,
}

impl State {
    /// Returns how the iteration ends once nothing remains: the error is returned once, then
    /// [`Next::Ended`]. `None` while the source runs.
    pub(super) fn end<T>(&mut self) -> Option<Result<Next<T>, Error>> {
        match self {
            Self::Running => None,
            Self::Draining(error) => {
                let error = error.take();
                *self = Self::Done;
                Some(error.map_or(Ok(Next::Ended), Err))
            }
            Self::Done => Some(Ok(Next::Ended)),
        }
    }

    /// Returns whether everything was returned, the error included.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}
