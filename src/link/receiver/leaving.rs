//! Leaving: what was queued before still comes, then the kernel sends nothing more.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::link::control::Control;
use crate::link::mailbox::{Note, Post};
use crate::link::marker::Marker;
use crate::link::slot;
use crate::link::socket::AuditSocket;
use crate::link::watchdog::Permit;
use crate::time::Tick;
use crate::wire::status::Enabled;

/// Where leaving stands.
#[derive(Debug, Default)]
pub(super) enum Leaving {
    /// It was not asked for.
    #[default]
    No,
    /// A thread is at it.
    UnderWay {
        /// The marker that comes last, until it came or was given up.
        last: Option<Marker>,
        /// When the kernel took it.
        taken_at: Option<Tick>,
        /// Tells the thread that nothing more is waited for; so does dropping it.
        go: Option<mpsc::Sender<()>>,
    },
    /// The kernel sends nothing more.
    Left,
}

impl Leaving {
    pub(super) const fn is_left(&self) -> bool {
        matches!(self, Self::Left)
    }

    pub(super) const fn marker(&self) -> Option<&Marker> {
        match self {
            Self::UnderWay { last, .. } => last.as_ref(),
            _ => None,
        }
    }

    /// When the last marker is given up.
    pub(super) fn deadline(&self, limit: Duration) -> Option<Tick> {
        match self {
            Self::UnderWay { last: Some(_), taken_at, .. } => {
                taken_at.map(|at| at.saturating_add(limit))
            }
            _ => None,
        }
    }

    /// The kernel took the last marker.
    pub(super) fn taken(&mut self, now: Tick) {
        if let Self::UnderWay { taken_at, .. } = self {
            *taken_at = Some(now);
        }
    }

    /// The last marker came, or is given up.
    pub(super) fn marker_came(&mut self) {
        if let Self::UnderWay { last, .. } = self {
            *last = None;
        }
    }

    /// Waits for nothing more.
    pub(super) fn go(&mut self) {
        if let Self::UnderWay { go, .. } = self {
            *go = None;
        }
    }
}

/// Gives a daemon's place back, on a thread of its own: a request can block in the kernel.
///
/// With a marker, it is sent first, and the place kept until [`Leaving::go`].
pub(super) fn as_daemon(
    post: Post,
    permit: Arc<Permit>,
    marker: Option<Marker>,
) -> io::Result<Leaving> {
    let (go, gone) = mpsc::channel();
    let last = marker.clone();
    thread::Builder::new().name("auditlink-leave".to_owned()).spawn(move || {
        if let Some(marker) = marker {
            send_last(&marker, &post);
            let _ = gone.recv(); // ends when the sender is dropped
        }
        permit.revoke();
        let left = slot::release();
        finish(&post, left);
    })?;
    Ok(Leaving::UnderWay { last, taken_at: None, go: Some(go) })
}

/// Sends the marker behind which nothing more is wanted.
fn send_last(marker: &Marker, post: &Post) {
    let is_off = |control: &mut Control| Ok(control.status()?.enabled == Enabled::OFF);
    let note = match Control::open() {
        Err(error) => Note::LastMarker(Err(error)),
        Ok(mut control) => match is_off(&mut control) {
            Err(error) => Note::LastMarker(Err(error)),
            Ok(false) => Note::LastMarker(marker.send(&mut control)),
            Ok(true) => {
                wait_until_sent();
                Note::NoMarker
            }
        },
    };
    post.send(note);
}

/// Leaves the multicast group, on a thread of its own, once the kernel has sent what it queued.
pub(super) fn as_observer(
    post: Post,
    permit: Arc<Permit>,
    socket: Arc<AuditSocket>,
    is_orderly: bool,
) -> io::Result<Leaving> {
    thread::Builder::new().name("auditlink-leave".to_owned()).spawn(move || {
        if is_orderly {
            wait_until_sent();
        }
        permit.revoke();
        let left = socket.leave_multicast();
        finish(&post, left);
    })?;
    Ok(Leaving::UnderWay { last: None, taken_at: None, go: None })
}

/// Reads the counter once more, and says that all is over.
fn finish(post: &Post, left: Result<(), Error>) {
    if let Ok(status) = Control::open().and_then(|mut control| control.status()) {
        post.send(Note::LastReading(status.lost));
    }
    post.send(Note::Left(left));
}

/// Waits until the kernel's queue is empty, where this process may ask.
///
/// The kernel takes a record off the queue a moment before it sends it, hence the second look.
fn wait_until_sent() {
    let Ok(mut control) = Control::open() else { return };
    let mut empty = 0;
    for _ in 0..LOOKS {
        match control.status() {
            Ok(status) if status.backlog == 0 => empty += 1,
            Ok(_) => empty = 0,
            Err(_) => return,
        }
        if empty >= 2 {
            return;
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// How often, and how many times, an observer looks whether the kernel's queue is empty.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
const LOOKS: u32 = 200;
