//! The state of a shutdown.

use super::marker::{AwaitedMarker, Marker};
use crate::time::Tick;

/// How far a shutdown has got.
#[derive(Debug, Default)]
pub(super) enum Shutdown {
    /// No shutdown was requested.
    #[default]
    Running,
    /// A worker shuts down.
    Draining {
        /// The marker that follows all that the kernel has queued, until it has come back or was
        /// given up.
        marker: Option<AwaitedMarker>,
        /// Whether the worker may unregister.
        may_unregister: bool,
    },
    /// The kernel sends nothing more.
    Done,
}

impl Shutdown {
    pub(super) fn begin(marker: Option<Marker>) -> Self {
        // without a marker, the worker does not wait
        let may_unregister = marker.is_none();
        Self::Draining { marker: marker.map(AwaitedMarker::new), may_unregister }
    }

    pub(super) fn marker(&self) -> Option<&Marker> {
        self.awaited().map(AwaitedMarker::marker)
    }

    /// Returns when the marker is given up.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.awaited().and_then(AwaitedMarker::deadline)
    }

    pub(super) fn marker_sent(&mut self, now: Tick) {
        if let Self::Draining { marker: Some(awaited), .. } = self {
            awaited.sent(now);
        }
    }

    /// Stops waiting for the marker.
    pub(super) fn remove_marker(&mut self) {
        if let Self::Draining { marker, .. } = self {
            *marker = None;
        }
    }

    /// Allows the worker to unregister. Returns whether it waits for that.
    pub(super) fn allow_unregister(&mut self) -> bool {
        match self {
            Self::Draining { may_unregister, .. } => !std::mem::replace(may_unregister, true),
            Self::Running | Self::Done => false,
        }
    }

    const fn awaited(&self) -> Option<&AwaitedMarker> {
        match self {
            Self::Draining { marker, .. } => marker.as_ref(),
            Self::Running | Self::Done => None,
        }
    }
}
