//! A thread that reads the process connector into a queue.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::connector::Connector;
use crate::error::Error;
use crate::process::Observation;

/// The process connector, which a thread reads, too: its socket does not overflow while the consumer is slow.
#[derive(Debug)]
pub(super) struct ConnectorThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    shall_end: AtomicBool,
}

#[derive(Debug)]
struct Queue {
    connector: Connector,
    observations: Vec<Observation>,
    error: Option<Error>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // no code panics while it holds the lock; the queue would be consistent even then
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Reads everything that the kernel has sent.
    fn fill(&mut self) {
        let observations = &mut self.observations;
        if let Err(error) = self.connector.drain(|seen| observations.push(seen)) {
            self.error.get_or_insert(error);
        }
    }
}

impl ConnectorThread {
    /// Starts the thread, which calls `wake` when there are observations.
    pub(super) fn start(
        connector: Connector,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Self, Error> {
        let file = connector.as_fd().try_clone_to_owned();
        let file = file.map_err(|error| Error::io("duplicate a file descriptor", error))?;
        let queue = Queue { connector, observations: Vec::new(), error: None };
        let shared =
            Arc::new(Shared { queue: Mutex::new(queue), shall_end: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        let run = move || {
            while !of_thread.shall_end.load(Ordering::Relaxed) {
                let mut files = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
                if poll(&mut files, PollTimeout::from(END_INTERVAL)) == Ok(0) {
                    continue;
                }
                let mut queue = of_thread.lock();
                let has_room = queue.observations.len() < LIMIT && queue.error.is_none();
                if has_room {
                    queue.fill();
                }
                drop(queue);
                wake();
                // otherwise the socket takes some more, and the kernel counts what it drops
                thread::sleep(if has_room { GATHERING } else { GATHERING * 10 });
            }
        };
        let thread = thread::Builder::new()
            .name("auditlink-monitor".to_owned())
            .spawn(run)
            .map_err(|error| Error::io("start the thread of the process monitor", error))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Takes everything that was observed until now.
    pub(super) fn drain(&self, observations: &mut Vec<Observation>) -> Result<(), Error> {
        let mut queue = self.shared.lock();
        queue.fill();
        observations.append(&mut queue.observations);
        queue.error.take().map_or(Ok(()), Err)
    }
}

impl Drop for ConnectorThread {
    fn drop(&mut self) {
        self.shared.shall_end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How many observations are queued at most: 64 MB.
const LIMIT: usize = 1 << 20;

/// How long observations gather before the next read. The socket has room for far more.
const GATHERING: Duration = Duration::from_millis(10);

/// How often the thread checks whether it shall end, in milliseconds.
const END_INTERVAL: u8 = 100;
