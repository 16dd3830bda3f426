//! Leaving: what was queued before still comes, then the kernel sends nothing more.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::marker::{Awaited, Marker};
use super::watchdog::Permit;
use super::worker::{Note, Post};
use crate::control::Control;
use crate::control::registration;
use crate::error::Error;
use crate::netlink::socket::NetlinkSocket;
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
        last: Option<Awaited>,
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

    pub(super) fn marker(&self) -> Option<&Marker> {
        self.last().map(Awaited::marker)
    }

    /// When the last marker is given up.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.last().and_then(Awaited::deadline)
    }

    const fn last(&self) -> Option<&Awaited> {
        match self {
            Self::UnderWay { last, .. } => last.as_ref(),
            _ => None,
        }
    }

    /// The kernel took the last marker.
    pub(super) fn taken(&mut self, now: Tick) {
        if let Self::UnderWay { last: Some(last), .. } = self {
            last.taken(now);
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
    let last = marker.clone().map(Awaited::new);
    thread::Builder::new().name("auditlink-leave".to_owned()).spawn(move || {
        if let Some(marker) = marker {
            post.send(Note::LastMarker(send_last(&marker)));
            let _ = gone.recv(); // ends when the sender is dropped
        }
        permit.revoke();
        let left = registration::release();
        finish(&post, left);
    })?;
    Ok(Leaving::UnderWay { last, go: Some(go) })
}

/// Sends the marker behind which nothing more is wanted. While auditing is off none would come back:
/// then it waits until the kernel's queue is empty, and returns `false`.
fn send_last(marker: &Marker) -> Result<bool, Error> {
    let mut control = Control::open()?;
    if control.status()?.enabled == Enabled::OFF {
        wait_until_sent(&mut control);
        return Ok(false);
    }
    marker.send(&mut control)?;
    Ok(true)
}

/// Leaves the multicast group, on a thread of its own, once the kernel has sent what it queued.
pub(super) fn as_observer(
    post: Post,
    permit: Arc<Permit>,
    socket: Arc<NetlinkSocket>,
    is_orderly: bool,
) -> io::Result<Leaving> {
    thread::Builder::new().name("auditlink-leave".to_owned()).spawn(move || {
        if is_orderly && let Ok(mut control) = Control::open() {
            wait_until_sent(&mut control);
        }
        permit.revoke();
        let left = socket.leave_multicast();
        finish(&post, left);
    })?;
    Ok(Leaving::UnderWay { last: None, go: None })
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
fn wait_until_sent(control: &mut Control) {
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
