//! The shutdown worker: it unregisters once all that the kernel has queued was sent.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::{RepairGate, Sender, SharedControl, send_marker};
use crate::control::{Control, registration};
use crate::error::Error;
use crate::netlink::socket::NetlinkSocket;
use crate::receiver::upkeep::{Marker, MarkerResult, WorkerMessage};
use crate::wire::status::Enabled;

/// Starts to unregister the daemon.
///
/// With a marker, the worker sends it, and stays registered until the returned sender is dropped.
pub(super) fn start_daemon(
    sender: Sender,
    repairs: Arc<RepairGate>,
    control: SharedControl,
    marker: Option<Marker>,
) -> io::Result<mpsc::Sender<()>> {
    let (hold, held) = mpsc::channel::<()>();
    spawn(move || {
        if let Some(marker) = marker {
            let result = send_last_marker(&mut control.lock(), &marker);
            let result = result.unwrap_or(MarkerResult::Failed);
            sender.send(WorkerMessage::ShutdownMarker(result));
            let _ = held.recv(); // returns when the sender is dropped
        }
        repairs.close();
        let result = registration::unregister(&mut control.lock());
        report(&sender, &control, result);
    })?;
    Ok(hold)
}

/// Starts to leave the multicast group, in an orderly shutdown after the kernel's queue was sent.
pub(super) fn start_observer(
    sender: Sender,
    repairs: Arc<RepairGate>,
    control: SharedControl,
    socket: Arc<NetlinkSocket>,
    is_orderly: bool,
) -> io::Result<()> {
    spawn(move || {
        if is_orderly {
            wait_for_empty_queue(&mut control.lock());
        }
        repairs.close();
        report(&sender, &control, socket.leave_multicast());
    })
}

fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("auditlink-shutdown".to_owned()).spawn(run).map(drop)
}

/// Sends the marker after which no record is wanted. While auditing is off it would not come back, so
/// the queue is waited for instead.
fn send_last_marker(control: &mut Control, marker: &Marker) -> Result<MarkerResult, Error> {
    if control.status()?.enabled == Enabled::OFF {
        wait_for_empty_queue(control);
        return Ok(MarkerResult::NotNeeded);
    }
    send_marker(control, marker)?;
    Ok(MarkerResult::Sent)
}

/// Reads the counter of lost records, now that the kernel sends nothing more, and reports the result.
fn report(sender: &Sender, control: &SharedControl, result: Result<(), Error>) {
    if let Ok(status) = control.lock().status() {
        sender.send(WorkerMessage::FinalLostCounter(status.lost));
    }
    sender.send(WorkerMessage::ShutdownDone(result));
}

/// Waits until the kernel's queue is empty, if this process may read its length.
///
/// The kernel removes a record from the queue shortly before it sends it, so the queue must be empty
/// twice in a row.
fn wait_for_empty_queue(control: &mut Control) {
    let mut empty = 0;
    for _ in 0..MAX_READINGS {
        match control.status() {
            Ok(status) if status.backlog == 0 => empty += 1,
            Ok(_) => empty = 0,
            Err(_) => return,
        }
        if empty >= 2 {
            return;
        }
        thread::sleep(READING_INTERVAL);
    }
}

/// The time between two readings of the queue's length.
const READING_INTERVAL: Duration = Duration::from_millis(10);

/// The number of readings after which a queue that is not empty is given up: two seconds.
const MAX_READINGS: u32 = 200;
