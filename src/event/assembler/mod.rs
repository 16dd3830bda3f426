//! The engine: it is told what happened, and hands out events and losses.

mod open_events;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

use self::open_events::{Closed, Key, OpenEvents};
use crate::decode::DecodeError;
use crate::event::loss::{LossTracker, Seen, Serials};
use crate::event::{ClosedBy, Delivery, Event, Received, RecordPrefix, Signal, Stats};
use crate::message_type::{MessageType, RecordRole};
use crate::record::{EventId, Header, Record};
use crate::time::{Tick, nanos};
use crate::wire::frame::Frame;

/// Puts records together to events, and keeps account of what is missing.
///
/// It owns no socket, no clock and no thread: it is told everything through
/// [`handle`](Self::handle), and asked through [`poll`](Self::poll) until there is nothing more.
/// [`Events`](crate::Events) runs this loop over a source.
///
/// # When an event is handed out
///
/// - its end record comes, or its only record is of a type that stands alone: at once;
/// - no record came for the [window](Self::window): after that, also when the line is silent;
/// - too many events are open: the one that was quiet the longest goes first;
/// - the input ends.
///
/// A record that comes after its event was handed out is handed out too, as a
/// [continuation](Event::is_continuation).
#[derive(Debug)]
pub struct Assembler {
    /// In nanoseconds, as ticks are.
    window: u64,
    max_open_events: usize,
    max_open_bytes: usize,
    open: OpenEvents,
    closed: Closed,
    nodes: Vec<Box<[u8]>>,
    serials: Vec<Serials>,
    losses: LossTracker,
    now: Tick,
    resumed_at: Tick,
    /// Before this nothing expires.
    next_expiry: Tick,
    /// Whether an event without an end record lacks it.
    end_expected: bool,
}

impl Default for Assembler {
    fn default() -> Self {
        Self::new()
    }
}

impl Assembler {
    /// How many machines one input may come from.
    const MAX_NODES: usize = 4096;

    /// Makes an engine with the default limits, whose reasons are in
    /// [the manual](crate::manual::defaults).
    #[must_use]
    pub fn new() -> Self {
        Self {
            window: 2_000_000_000,
            max_open_events: 8192,
            max_open_bytes: 64 << 20,
            open: OpenEvents::default(),
            closed: Closed::default(),
            nodes: Vec::new(),
            serials: vec![Serials::default()],
            losses: LossTracker::default(),
            now: Tick::ZERO,
            resumed_at: Tick::ZERO,
            next_expiry: Tick::ZERO,
            end_expected: true,
        }
    }

    /// Sets how long an event is kept open after its last record, and a skipped serial waited for.
    ///
    /// It is receive time: what the kernel's stamps say plays no part. Default 2 s.
    #[must_use]
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = nanos(window);
        self
    }

    /// Sets how many events may be open. Default 8,192.
    #[must_use]
    pub const fn max_open_events(mut self, events: usize) -> Self {
        self.max_open_events = events;
        self
    }

    /// Sets how many bytes the open events may hold together. Default 64 MiB.
    #[must_use]
    pub const fn max_open_bytes(mut self, bytes: usize) -> Self {
        self.max_open_bytes = bytes;
        self
    }

    /// Sets whether events have end records. Default yes.
    ///
    /// The log of auditd has none: an event without one then only lacks it if others were seen to
    /// have one. [`Events`](crate::Events) asks its source.
    #[must_use]
    pub const fn end_records(mut self, expected: bool) -> Self {
        self.end_expected = expected;
        self
    }

    /// Goes on behind an event that was received earlier, by another reader.
    ///
    /// For a daemon that takes over from one that died: what the kernel recorded in between and
    /// did not keep then shows as skipped serials. Without it, what came before the first record
    /// is nobody's business.
    #[must_use]
    pub fn resume_after(mut self, id: EventId) -> Self {
        if let Some(serials) = self.serials.first_mut() {
            serials.resume(id);
        }
        self.losses.last = Some(id);
        self
    }

    /// Processes what a source delivered.
    pub fn handle(&mut self, received: Received<'_>) {
        match received {
            Received::Datagram { bytes, needed, at } => {
                let at = self.advance(at, true);
                self.losses.stats.datagrams += 1;
                self.datagram(bytes, needed, at);
                if at >= self.next_expiry {
                    self.expire(at, false);
                }
            }
            Received::Undecodable { bytes, at } => {
                self.advance(at, true);
                self.losses.undecodable(bytes);
            }
            Received::Signal { signal, at } => self.handle_signal(signal, at),
        }
    }

    #[inline(never)]
    fn handle_signal(&mut self, signal: Signal, found_at: Tick) {
        // a reader that drained the socket has nothing to catch up with
        let at = self.advance(found_at, signal != Signal::Idle);
        match signal {
            Signal::Overrun { dropped } => self.overrun(dropped, at),
            Signal::QueueFull { dropped } => self.queue_full(dropped, at),
            Signal::BackpressureStarted => self.losses.stats.has_backpressure = true,
            Signal::BackpressureEnded => self.losses.stats.has_backpressure = false,
            Signal::Health { faults } => self.losses.service(faults),
            Signal::Refused { .. } => self.losses.stats.refused += 1,
            Signal::LostCounter { total } => self.losses.lost_counter(total, found_at),
            Signal::Idle => self.expire(at, true),
            Signal::End => self.end(),
        }
    }

    /// Returns the next event or loss, `None` until something more is handled.
    #[inline]
    pub fn poll(&mut self) -> Option<Delivery> {
        self.losses.poll()
    }

    /// Returns by when [`Signal::Idle`] must be handled; `None` if nothing waits.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let event = self.open.oldest().map(|(_, event)| later(event.last_at, self.window));
        let gap = self.next_gap().map(|(deadline, _)| deadline);
        [event, gap].into_iter().flatten().min()
    }

    /// Tells whether the kernel holds records back.
    pub(crate) const fn has_backpressure(&self) -> bool {
        self.losses.stats.has_backpressure
    }

    /// Returns the counts of what passed so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            open_events: self.open.len() as u64,
            pending_serials: self.serials.iter().map(Serials::pending).sum(),
            ..self.losses.stats
        }
    }

    /// Moves the clock forward, never back, and notices when nobody read for a while.
    #[inline(always)]
    fn advance(&mut self, at: Tick, is_behind: bool) -> Tick {
        if is_behind && at > later(self.now, self.grace()) {
            self.resumed_at = at;
        }
        self.now = self.now.max(at);
        self.now
    }

    /// How long a reader that resumes may take to catch up before silence counts as silence.
    const fn grace(&self) -> u64 {
        self.window / 4
    }

    #[inline(always)]
    fn datagram(&mut self, bytes: &[u8], needed: usize, at: Tick) {
        let truncated = needed > bytes.len();
        if truncated {
            self.losses.truncated(needed - bytes.len());
        }
        match Frame::parse(bytes) {
            Ok(Frame::Record { message_type, text }) => {
                if let Some((slot, header)) = self.open.with_head_of(text) {
                    let record = Record::from_parts(message_type, header, text);
                    self.losses.record(&record, at);
                    self.add(slot, &record, truncated, at);
                } else if let Some(header) = Header::usual(text) {
                    let record = Record::from_parts(message_type, header, text);
                    self.record(&record, truncated, at);
                } else {
                    match Record::parse(message_type, text) {
                        Ok(record) => self.record(&record, truncated, at),
                        Err(_) => self.losses.undecodable(bytes),
                    }
                }
            }
            frame => self.control(frame, bytes, at),
        }
    }

    /// Handles a message that is not a record.
    #[inline(never)]
    fn control(&mut self, frame: Result<Frame<'_>, DecodeError>, bytes: &[u8], at: Tick) {
        let Ok(frame) = frame else {
            self.losses.undecodable(bytes);
            return;
        };
        if let Some(signal) = Signal::from_frame(&frame) {
            self.handle_signal(signal, at);
            return;
        }
        match frame {
            Frame::Replace { .. } => self.losses.stats.registration_probes += 1,
            // the status is too short; records and overruns are handled before
            Frame::Reply { message_type: MessageType::GET, .. }
            | Frame::Record { .. }
            | Frame::Overrun { .. } => self.losses.undecodable(bytes),
            Frame::Reply { .. } | Frame::Ack { .. } | Frame::Done { .. } | Frame::Noop { .. } => {
                self.losses.stats.control_messages += 1;
            }
        }
    }

    /// Files a record under its stamp.
    fn record(&mut self, record: &Record<'_>, truncated: bool, at: Tick) {
        let Some(node) = self.node(record.node()) else {
            self.losses.undecodable(record.text());
            return;
        };
        self.losses.record(record, at);
        let key = Key::new(record.id(), node);
        let role = record.message_type().role();
        let slot = match self.open.find(key) {
            Some(slot) => slot,
            None => {
                let continuation = self.first_of(key, record.message_type(), at);
                if role == RecordRole::Standalone && !continuation {
                    self.hand_out_alone(key, record, truncated, at);
                    self.losses.last = Some(key.id());
                    return;
                }
                self.open.open(key, continuation, at)
            }
        };
        self.add(slot, record, truncated, at);
    }

    /// Adds a record to its event.
    #[inline(always)]
    fn add(&mut self, slot: usize, record: &Record<'_>, truncated: bool, at: Tick) {
        self.losses.last = Some(record.id());
        self.open.add(slot, record, truncated, at);
        let role = record.message_type().role();
        if role == RecordRole::End {
            self.end_expected = true;
            self.close(slot, ClosedBy::EndRecord);
        } else if role == RecordRole::Standalone {
            self.close(slot, ClosedBy::Standalone);
        } else if self.is_too_much() {
            self.evict();
        }
    }

    /// Takes note of an event that is not open; tells whether it was closed before.
    fn first_of(&mut self, key: Key, message_type: MessageType, at: Tick) -> bool {
        let deadline = later(at, self.window);
        self.next_expiry = self.next_expiry.min(deadline);
        if self.closed.contains(key) {
            return true;
        }
        // auditd gives its own records serials of its own invention
        if matches!(message_type.number(), 1200..=1299) {
            return false;
        }
        let index = usize::try_from(key.node()).unwrap_or(usize::MAX);
        let Some(serials) = self.serials.get_mut(index) else {
            return false;
        };
        // a record that joins can come first, but then nobody knows what came before it
        let is_head = matches!(message_type.role(), RecordRole::Head | RecordRole::Standalone);
        let seen = serials.see(key.id(), is_head, deadline);
        match seen {
            Seen::InOrder | Seen::Old => {}
            Seen::Healed => self.losses.stats.healed_serials += 1,
            Seen::Restart => {
                self.give_up_gaps(index);
                self.losses.restart();
            }
        }
        if let Some(gap) = self.serials.get_mut(index).and_then(Serials::give_up) {
            self.losses.report(gap);
        }
        // CPUs interleave: not every serial that was dropped lies before this one
        self.losses.explain_until(later(deadline, self.grace()));
        false
    }

    /// Returns the number of a machine: 0 for none, `None` if there are too many.
    fn node(&mut self, name: Option<&[u8]>) -> Option<u32> {
        let Some(name) = name else { return Some(0) };
        let index = match self.nodes.iter().position(|known| **known == *name) {
            Some(index) => index,
            None if self.nodes.len() < Self::MAX_NODES => {
                self.nodes.push(name.into());
                self.serials.push(Serials::default());
                self.nodes.len() - 1
            }
            None => return None,
        };
        u32::try_from(index + 1).ok()
    }

    fn overrun(&mut self, dropped: Option<u64>, at: Tick) {
        if dropped != Some(0) {
            self.losses.overrun(dropped);
            self.expire(at, false);
        }
    }

    fn queue_full(&mut self, dropped: u64, at: Tick) {
        if dropped > 0 {
            self.losses.queue_full(dropped);
            self.expire(at, false);
        }
    }

    /// Closes what has been quiet for long enough.
    ///
    /// After a pause in reading, what is overdue may lie in the socket still. So until the line
    /// was found empty, or the reader had time to catch up, nothing expires.
    fn expire(&mut self, at: Tick, line_is_empty: bool) {
        let caught_up = later(self.resumed_at, self.grace());
        if at < caught_up && !line_is_empty {
            self.next_expiry = caught_up;
            return;
        }
        // in the order of their times: how often somebody looks makes no difference
        let mut gap = self.next_gap();
        loop {
            let event = self.open.oldest();
            let event = event.map(|(slot, event)| (later(event.last_at, self.window), slot));
            match (event, gap) {
                (Some((due, slot)), _)
                    if due <= at && gap.is_none_or(|(first, _)| due <= first) =>
                {
                    self.close(slot, ClosedBy::Window);
                }
                (_, Some((due, index))) if due <= at => {
                    let settled =
                        self.serials.get_mut(index).and_then(|serials| serials.settle(at));
                    settled.into_iter().for_each(|gap| self.losses.report(gap));
                    gap = self.next_gap();
                }
                _ => break,
            }
        }
        self.losses.expire(at);
        let waits = [self.poll_timeout(), self.losses.explained_until()];
        self.next_expiry = waits.into_iter().flatten().min().unwrap_or(Tick::from_nanos(u64::MAX));
    }

    /// Returns when the next gap is to be given up, and of which machine.
    fn next_gap(&self) -> Option<(Tick, usize)> {
        let deadlines = self.serials.iter().enumerate();
        deadlines.filter_map(|(index, serials)| Some((serials.deadline()?, index))).min()
    }

    /// Gives up all gaps of a machine.
    fn give_up_gaps(&mut self, index: usize) {
        let last = Tick::from_nanos(u64::MAX);
        while let Some(gap) = self.serials.get_mut(index).and_then(|serials| serials.settle(last)) {
            self.losses.report(gap);
        }
    }

    fn is_too_much(&self) -> bool {
        self.open.len() > self.max_open_events || self.open.held_bytes() > self.max_open_bytes
    }

    /// Hands out the events that are too many.
    fn evict(&mut self) {
        while self.is_too_much() {
            let Some((slot, _)) = self.open.oldest() else {
                return;
            };
            self.losses.stats.evicted += 1;
            self.close(slot, ClosedBy::Evicted);
        }
    }

    fn end(&mut self) {
        while let Some((slot, _)) = self.open.oldest() {
            self.close(slot, ClosedBy::End);
        }
        for index in 0..self.serials.len() {
            self.give_up_gaps(index);
        }
    }

    fn close(&mut self, slot: usize, closed_by: ClosedBy) {
        let Some(open) = self.open.close(slot) else {
            return;
        };
        let event = Event {
            id: open.key.id(),
            // one allocation, of exact size; the open event's buffer is used again
            bytes: Bytes::copy_from_slice(&open.bytes),
            records: open.records,
            closed_by,
            continuation: open.continuation,
            end_expected: self.end_expected,
            first_at: open.first_at,
            last_at: open.last_at,
        };
        let is_whole = event.is_whole_after(open.progress);
        self.closed.insert(open.key);
        self.open.recycle(slot);
        self.losses.stats.continuations += u64::from(event.continuation);
        self.losses.push(event, is_whole);
    }

    /// Hands out an event of one record that never was open.
    fn hand_out_alone(&mut self, key: Key, record: &Record<'_>, truncated: bool, at: Tick) {
        let mut bytes = Vec::new();
        RecordPrefix::append(&mut bytes, record, truncated);
        self.closed.insert(key);
        let event = Event {
            id: key.id(),
            bytes: bytes.into(),
            records: 1,
            closed_by: ClosedBy::Standalone,
            continuation: false,
            end_expected: false,
            first_at: at,
            last_at: at,
        };
        self.losses.push(event, !truncated);
    }
}

/// Returns the tick that comes so many nanoseconds later.
#[inline]
const fn later(tick: Tick, nanos: u64) -> Tick {
    Tick::from_nanos(tick.as_nanos().saturating_add(nanos))
}
