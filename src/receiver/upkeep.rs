//! What a receiver sees to besides receiving: congestion, heartbeats, notes of other threads, leaving.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::backpressure::{Congestion, MIN_PAUSE};
use super::heartbeat::Canaries;
use super::marker::Marker;
use super::shutdown::{self, Leaving};
use super::worker::Note;
use super::{Receiver, Role};
use crate::control::Control;
use crate::error::{Error, ErrorKind};
use crate::event::{HealthFaults, Signal};
use crate::host::procfs;
use crate::message_type::MessageType;
use crate::wire::frame;

impl Receiver {
    /// Begins to leave, unless that was begun; what is queued is waited for if `is_orderly`.
    pub(super) fn leave(&mut self, is_orderly: bool) -> Result<(), Error> {
        if !matches!(self.leaving, Leaving::No) {
            return Ok(());
        }
        self.watching = None; // what is given up is not lost
        let permit = Arc::clone(&self.permit);
        self.heartbeats = Canaries::default();
        let post = self.mailbox.post();
        let started = match self.role {
            Role::Daemon => {
                let marker = is_orderly.then(|| Marker::new("finish", self.clock));
                shutdown::as_daemon(post, permit, marker)
            }
            Role::Observer => {
                shutdown::as_observer(post, permit, Arc::clone(&self.socket), is_orderly)
            }
        };
        self.leaving = started.map_err(|error| Error::io("start to leave", error))?;
        Ok(())
    }

    /// Leaves, reading on so that the kernel can move, whatever it has queued.
    pub(super) fn close_now(&mut self) -> Result<(), Error> {
        self.leave(false)?;
        self.leaving.go();
        let end = self.clock.now().saturating_add(CLOSE_LIMIT);
        while !self.leaving.is_left() {
            if self.clock.now() >= end {
                let remedy = "the kernel's queue may be full: see who is slow, with its status";
                return Err(Error::new("close", ErrorKind::Timeout, remedy));
            }
            if self.batch.fill(&self.socket) == Ok(0) {
                self.wait(Some(end))?;
            }
            while let Some(note) = self.next_note() {
                if let Note::Left(result) = note {
                    self.leaving = Leaving::Left;
                    result?;
                }
            }
        }
        Ok(())
    }

    /// Looks whether the next datagram is something that is waited for, or worth a look.
    pub(super) fn look_ahead(&mut self) {
        let Some(datagram) = self.batch.peek().filter(|datagram| datagram.sender == Some(0)) else {
            return;
        };
        let Some(message_type) = frame::message_type(datagram.bytes) else { return };
        if message_type == MessageType::CONFIG_CHANGE
            && let Some(watching) = &self.watching
        {
            watching.look_now();
        }
        // a heartbeat can be here before the word that it was sent was read: that was left before
        if self.watching.is_some() && Marker::can_be_in(message_type) {
            while let Some(note) = self.mailbox.take() {
                match note {
                    Note::Heartbeat(marker, due) => self.heartbeats.send(marker, due),
                    note => self.notes.push_back(note),
                }
            }
        }
        let has = |marker: Option<&Marker>| {
            marker.is_some_and(|marker| marker.is_in(message_type, datagram.bytes))
        };
        let nudged = has(self.congestion.marker());
        let finished = has(self.leaving.marker());
        let heartbeat = self.heartbeats.position(|marker| has(Some(marker)));
        if nudged && self.congestion.marker_came() {
            self.report(Signal::BackpressureEnded);
        }
        if finished {
            self.leaving.marker_came();
        }
        self.go_on_leaving();
        if let Some(position) = heartbeat {
            self.heartbeats.came(position);
            self.tell_faults(self.faults - HealthFaults::HEARTBEAT);
        }
    }

    /// Takes the next note of another thread.
    pub(super) fn next_note(&mut self) -> Option<Note> {
        self.notes.pop_front().or_else(|| self.mailbox.take())
    }

    /// Tells what is wrong with the service, if that has changed.
    fn tell_faults(&mut self, faults: HealthFaults) {
        if faults != self.faults {
            self.faults = faults;
            self.report(Signal::Health { faults });
        }
    }

    /// Reads a note of another thread.
    pub(super) fn read(&mut self, note: Note) -> Result<(), Error> {
        let now = self.clock.now();
        match note {
            // two threads may tell in the wrong order
            Note::LostCounter(_, begun) if begun < self.reading_at => {}
            Note::LostCounter(total, begun) => {
                self.reading_at = begun;
                // it vouches for what came before: so must the socket's own counter
                self.look_at_drops(Duration::ZERO);
                self.signals.push_back((Signal::LostCounter { total }, begun));
            }
            Note::LastReading(total) => self.last_reading = Some(total),
            Note::Heartbeat(marker, due) if self.watching.is_some() => {
                self.heartbeats.send(marker, due)
            }
            Note::Checked(faults) if self.watching.is_some() => {
                let heartbeat = self.faults & HealthFaults::HEARTBEAT;
                self.faults = faults | heartbeat;
                // told even if nothing changed: the records may have said otherwise
                self.report(Signal::Health { faults: self.faults });
            }
            Note::Nudged(Ok(())) => self.congestion.taken(now),
            Note::Nudged(Err(_)) => self.give_up_parked(),
            Note::LastMarker(Ok(true)) => self.leaving.taken(now),
            Note::LastMarker(Ok(false)) => {
                self.leaving.marker_came();
                self.go_on_leaving();
            }
            Note::LastMarker(Err(_)) => self.give_up_last_marker(),
            Note::Left(result) => {
                self.leaving = Leaving::Left;
                result?;
            }
            Note::Wake => self.woken = true,
            Note::Heartbeat(..) | Note::Checked(_) => {}
        }
        Ok(())
    }

    /// Nobody knows when, and whether, the parked records come.
    fn give_up_parked(&mut self) {
        self.congestion = Congestion::None;
        self.report(Signal::Overrun { dropped: None });
    }

    fn give_up_last_marker(&mut self) {
        self.leaving.marker_came();
        self.report(Signal::BackpressureStarted);
        self.go_on_leaving();
    }

    /// Lets the thread that leaves go on, once nothing more is to come before.
    fn go_on_leaving(&mut self) {
        if self.leaving.marker().is_none() && matches!(self.congestion, Congestion::None) {
            self.leaving.go();
        }
    }

    /// Looks, before the socket is read again after a pause, whether the pause was too long.
    pub(super) fn after_pause(&mut self) {
        let now = self.clock.now();
        let pause = now.saturating_duration_since(std::mem::replace(&mut self.read_at, now));
        if self.role == Role::Daemon && pause >= MIN_PAUSE {
            self.look_at_drops(pause);
        }
    }

    /// Looks whether the socket's drop counter moved. For an observer it counts what was dropped,
    /// for a daemon attempts to send that failed.
    fn look_at_drops(&mut self, pause: Duration) {
        match self.role {
            Role::Observer if self.socket.drops() != self.drops => self.overflow(),
            Role::Observer => {}
            Role::Daemon => {
                let Some(failed) = self.moved_drops().filter(|failed| *failed > 0) else { return };
                let gave_up = self.congestion.may_have_given_up(failed, pause);
                self.overflow();
                if gave_up && !procfs::booted_with_audit() {
                    self.report(Signal::Overrun { dropped: None }); // it frees them without counting
                }
            }
        }
    }

    /// Does what is to be done when the socket was read empty.
    pub(super) fn at_empty(&mut self) {
        let now = self.clock.now();
        match self.role {
            Role::Observer => {
                if !matches!(std::mem::take(&mut self.congestion), Congestion::None) {
                    // the counter stood still as of now, and tells how many were dropped
                    let dropped = self.moved_drops().map(u64::from);
                    self.report(Signal::Overrun { dropped });
                    self.report(Signal::BackpressureEnded);
                }
            }
            Role::Daemon => {
                self.look_at_drops(Duration::ZERO);
                if let Some(missed) = self.congestion.wants_marker(now) {
                    self.nudge(missed);
                }
            }
        }
        if self.leaving.deadline().is_some_and(|deadline| deadline <= now) {
            self.give_up_last_marker();
        }
        self.go_on_leaving();
        if self.heartbeats.are_overdue(now) {
            self.tell_faults(self.faults | HealthFaults::HEARTBEAT);
        }
    }

    /// Returns by how much the drop counter moved since it was last looked at.
    fn moved_drops(&mut self) -> Option<u32> {
        let before = std::mem::replace(&mut self.drops, self.socket.drops());
        self.drops.zip(before).map(|(now, before)| now.wrapping_sub(before))
    }

    /// Has a marker sent, so that the kernel sends what it parked, on a thread of its own, since
    /// a request can block.
    fn nudge(&mut self, missed: u8) {
        let marker = Marker::new("nudge", self.clock);
        let (sent, post, clock) = (marker.clone(), self.mailbox.post(), self.clock);
        let nudge = move || {
            let mut control = Control::open()?;
            sent.send(&mut control)?;
            let begun = clock.now();
            Ok((control.status()?, begun))
        };
        let thread = thread::Builder::new().name("auditlink-nudge".to_owned());
        let spawn = || {
            thread.spawn(move || match nudge() {
                Ok((status, begun)) => {
                    post.send(Note::LostCounter(status.lost, begun));
                    post.send(Note::Nudged(Ok(())));
                }
                Err(error) => post.send(Note::Nudged(Err(error))),
            })
        };
        let started = !Congestion::is_hopeless(missed) && spawn().is_ok();
        if started {
            self.congestion.nudge(marker, missed);
        } else {
            self.give_up_parked();
        }
    }

    /// Takes note that the kernel could not send a record.
    pub(super) fn overflow(&mut self) {
        if self.congestion.begin() {
            self.report(Signal::BackpressureStarted);
        }
    }
}

/// How long the kernel may take to let a receiver go.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);
