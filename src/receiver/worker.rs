//! Notes from other threads to the one that receives, which wake it up.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, mpsc};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::marker::Marker;
use crate::error::Error;
use crate::event::HealthFaults;
use crate::time::Tick;

/// What another thread has to say to the receiver.
#[derive(Debug)]
pub(super) enum Note {
    /// The kernel's counter of lost records stands at this; reading it was begun at that time.
    LostCounter(u32, Tick),
    /// This marker is about to be sent as a heartbeat, and is due at that time.
    Heartbeat(Marker, Tick),
    /// The service was looked at.
    Checked(HealthFaults),
    /// The kernel was asked to send what it holds back.
    Nudged(Result<(), Error>),
    /// The marker behind which nothing more is wanted was sent, need not be (`false`), or cannot be.
    LastMarker(Result<bool, Error>),
    /// So it stood when the kernel had stopped to send.
    LastReading(u32),
    /// The kernel sends nothing more.
    Left(Result<(), Error>),
    /// It is time to look whether to go on.
    Wake,
}

/// The receiver's side.
#[derive(Debug)]
pub(super) struct Mailbox {
    notes: mpsc::Receiver<Note>,
    post: Post,
}

/// The side of the other threads.
#[derive(Clone, Debug)]
pub(super) struct Post {
    notes: mpsc::Sender<Note>,
    bell: Arc<EventFd>,
}

impl Mailbox {
    pub(super) fn new() -> Result<Self, Error> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let bell = EventFd::from_value_and_flags(0, flags)
            .map_err(|error| Error::io("make a file to be woken by", error.into()))?;
        let (sender, notes) = mpsc::channel();
        Ok(Self { notes, post: Post { notes: sender, bell: Arc::new(bell) } })
    }

    pub(super) fn post(&self) -> Post {
        self.post.clone()
    }

    /// Makes a file that can be read when there are notes, or the other file can be.
    pub(super) fn joined_with(&self, other: BorrowedFd<'_>) -> Result<Epoll, Error> {
        let join = || {
            let joined = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
            joined.add(other, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
            joined.add(self, EpollEvent::new(EpollFlags::EPOLLIN, 1))?;
            Ok(joined)
        };
        join().map_err(|error: Errno| Error::io("join the files to wait for", error.into()))
    }

    /// Takes a note, without waiting.
    pub(super) fn take(&self) -> Option<Note> {
        if let Ok(note) = self.notes.try_recv() {
            return Some(note);
        }
        // quiet the bell only when the box is empty, and look once more: a note that was put in
        // meanwhile rang it before
        let _ = self.post.bell.read();
        self.notes.try_recv().ok()
    }
}

impl Post {
    /// Leaves a note and rings. Nobody may be there any more.
    pub(super) fn send(&self, note: Note) {
        if self.notes.send(note).is_ok() {
            // the counter of the bell cannot overflow, so it cannot block either
            let _ = self.bell.write(1);
        }
    }
}

impl AsFd for Mailbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.post.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    fn rings(mailbox: &Mailbox) -> bool {
        let mut files = [PollFd::new(mailbox.as_fd(), PollFlags::POLLIN)];
        poll(&mut files, PollTimeout::ZERO).expect("a file") > 0
    }

    #[test]
    fn notes_ring_until_they_are_taken() {
        let mailbox = Mailbox::new().expect("a mailbox");
        assert!(!rings(&mailbox));
        let post = mailbox.post();
        std::thread::spawn(move || {
            post.send(Note::LostCounter(1, Tick::ZERO));
            post.send(Note::Wake);
        })
        .join()
        .expect("it ends");
        assert!(rings(&mailbox));
        assert!(matches!(mailbox.take(), Some(Note::LostCounter(1, _))));
        assert!(matches!(mailbox.take(), Some(Note::Wake)));
        assert!(mailbox.take().is_none());
        assert!(!rings(&mailbox));
    }
}
