//! Receiving datagrams in batches.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::sys::socket::{self, MsgFlags, MultiHeaders, NetlinkAddr};

use super::socket::NetlinkSocket;

/// The position of a datagram in a [`Batch`].
#[derive(Clone, Copy, Debug)]
struct Slot {
    length: usize,
    needed: usize,
    sender: Option<u32>,
}

/// A datagram of a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    /// The received bytes.
    pub(crate) bytes: &'a [u8],
    /// The full length, which exceeds that of `bytes` if the buffer was too short.
    pub(crate) needed: usize,
    /// The netlink port of the sender, 0 for the kernel; `None` if the address is not a netlink address.
    pub(crate) sender: Option<u32>,
}

/// Buffers for the datagrams that one system call receives.
pub(crate) struct Batch {
    buffers: Box<[u8]>,
    buffer_size: usize,
    slots: Vec<Slot>,
    next: usize,
}

impl Batch {
    pub(crate) fn new(datagrams: usize, buffer_size: usize) -> Self {
        Self {
            buffers: vec![0; datagrams * buffer_size].into_boxed_slice(),
            buffer_size,
            slots: Vec::with_capacity(datagrams),
            next: 0,
        }
    }

    /// Receives datagrams without waiting, and returns their number; 0 if the socket is drained.
    ///
    /// With `MSG_TRUNC`, the kernel returns the full length of a datagram that did not fit.
    pub(crate) fn fill(&mut self, socket: &NetlinkSocket) -> Result<usize, Errno> {
        self.slots.clear();
        self.next = 0;
        let buffer_size = self.buffer_size;
        let mut vectors: Vec<[IoSliceMut<'_>; 1]> =
            self.buffers.chunks_mut(buffer_size).map(|chunk| [IoSliceMut::new(chunk)]).collect();
        let mut headers = MultiHeaders::<NetlinkAddr>::preallocate(vectors.len(), None);
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        let descriptor = socket.as_fd().as_raw_fd();
        let received =
            match socket::recvmmsg(descriptor, &mut headers, vectors.iter_mut(), flags, None) {
                Err(Errno::EAGAIN) => return Ok(0),
                other => other?,
            };
        self.slots.extend(received.map(|message| Slot {
            length: message.bytes.min(buffer_size),
            needed: message.bytes,
            sender: message.address.map(|address| address.pid()),
        }));
        Ok(self.slots.len())
    }

    /// Returns whether a datagram is left.
    pub(crate) fn has_next(&self) -> bool {
        self.next < self.slots.len()
    }

    /// Returns the next datagram without removing it.
    pub(crate) fn peek(&self) -> Option<Datagram<'_>> {
        self.get(self.next)
    }

    /// Removes and returns the next datagram.
    pub(crate) fn next(&mut self) -> Option<Datagram<'_>> {
        self.next += 1;
        self.get(self.next - 1)
    }

    /// Removes the next datagram if `predicate` holds for it. Returns whether it was removed.
    pub(crate) fn skip_if(&mut self, predicate: impl FnOnce(Datagram<'_>) -> bool) -> bool {
        let skip = self.get(self.next).is_some_and(predicate);
        self.next += usize::from(skip);
        skip
    }

    fn get(&self, index: usize) -> Option<Datagram<'_>> {
        let slot = self.slots.get(index)?;
        let start = index * self.buffer_size;
        let bytes = self.buffers.get(start..start + slot.length)?;
        Some(Datagram { bytes, needed: slot.needed, sender: slot.sender })
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (received, next) = (self.slots.len(), self.next);
        f.debug_struct("Batch").field("received", &received).field("next", &next).finish()
    }
}
