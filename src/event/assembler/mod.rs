//! The assembler: datagrams and signals in, events and losses out.

mod config;
mod key;
mod open_events;
mod recently_closed;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use self::config::AssemblerConfig;
use self::key::EventKey;
use self::open_events::OpenEvents;
use self::recently_closed::RecentlyClosed;
use crate::decode::DecodeError;
use crate::event::event::RecordPrefix;
use crate::event::loss::{FirstRecord, LossTracker, SerialOrder, Serials};
use crate::event::missing::is_of_call;
use crate::event::{
    Cause, ClosedBy, Count, CounterReading, Delivery, Event, Received, Signal, Stats, Unit,
};
use crate::message_type::{MessageType, RecordRole};
use crate::record::{Header, Record};
use crate::time::{Tick, nanos};
use crate::wire::frame::Frame;

/// Assembles events from records, and reports what is missing.
///
/// It has no socket, clock or thread: [`handle`](Self::handle) takes what a source delivered, and
/// [`poll`](Self::poll) returns events and losses until there are no more.
/// [`Events`](crate::Events) runs this loop over a source.
///
/// # When an event is delivered
///
/// - at once, when its end record (`EOE`) is received or its record is of a
///   [standalone](RecordRole::Standalone) type;
/// - when no record was received for the [window](AssemblerConfig::window), even if the source is
///   idle;
/// - when too many events are open: the least recently active one first;
/// - when the input ends.
///
/// A record that is received after its event was delivered is late. It is delivered too, as a
/// [continuation](Event::is_continuation).
///
/// # Examples
///
/// ```
/// use auditlink::Delivery;
/// use auditlink::event::{Assembler, ClosedBy, Received};
/// use auditlink::time::Tick;
/// use auditlink::{MessageType, wire::frame};
///
/// let mut assembler = Assembler::new();
/// for message_type in [MessageType::SYSCALL, MessageType::CWD, MessageType::EOE] {
///     let bytes = &frame::message(message_type, 0, b"audit(1.000:2): ");
///     let needed = bytes.len();
///     assembler.handle(Received::Datagram { bytes, needed, at: Tick::ZERO });
/// }
/// let Some(Delivery::Event(event)) = assembler.poll() else { panic!("an event") };
/// assert_eq!((event.records().len(), event.closed_by()), (3, ClosedBy::EndRecord));
/// assert_eq!(assembler.poll(), None);
/// ```
#[derive(Debug)]
pub struct Assembler {
    /// In nanoseconds, as ticks are.
    window: u64,
    max_open_events: usize,
    max_open_bytes: usize,
    open: OpenEvents,
    closed: RecentlyClosed,
    /// The names of the machines; the index plus one is the number in an [`EventKey`].
    nodes: Vec<Box<[u8]>>,
    /// The serials of each machine, first those of records that name none.
    serials: Vec<Serials>,
    losses: LossTracker,
    now: Tick,
    /// When the reader last continued after a pause.
    resumed_at: Tick,
    /// Nothing expires before this.
    next_expiry: Tick,
    /// Whether a call without an end record is incomplete.
    end_expected: bool,
}

impl Default for Assembler {
    fn default() -> Self {
        Self::new()
    }
}

impl Assembler {
    /// The maximum number of machines whose records one input may contain.
    const MAX_NODES: usize = 4096;

    /// Makes an assembler with the default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(AssemblerConfig::new())
    }

    /// Makes an assembler.
    #[must_use]
    pub fn with_config(config: AssemblerConfig) -> Self {
        let (mut serials, mut losses) = (Serials::default(), LossTracker::default());
        if let Some(id) = config.resume_after {
            serials.resume(id);
            losses.resume(id);
        }
        losses.lost_counter = config.lost_before;
        if !config.lost_counter {
            losses.stats.counter = CounterReading::Absent;
        }
        Self {
            window: nanos(config.window),
            max_open_events: config.max_open_events,
            max_open_bytes: config.max_open_bytes,
            open: OpenEvents::default(),
            closed: RecentlyClosed::default(),
            nodes: Vec::new(),
            serials: vec![serials],
            losses,
            now: Tick::ZERO,
            resumed_at: Tick::ZERO,
            next_expiry: Tick::ZERO,
            end_expected: config.end_records,
        }
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
            Signal::Health { faults } => self.losses.health(faults),
            Signal::Refused { .. } => self.losses.stats.refused += 1,
            Signal::LostCounter { total } => self.losses.lost_counter(total, found_at),
            Signal::Idle => self.expire(at, true),
            Signal::End => self.end(),
        }
    }

    /// Returns the next event or loss; `None` until more input is handled.
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

    /// Returns whether the kernel could not send some records in time.
    pub(crate) const fn has_backpressure(&self) -> bool {
        self.losses.stats.has_backpressure
    }

    /// Returns the statistics up to now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            open_events: self.open.len() as u64,
            pending_serials: self.serials.iter().map(Serials::pending).sum(),
            ..self.losses.stats
        }
    }

    /// Moves the clock forward, never back. `may_be_behind` states whether a long step means that the
    /// reader paused.
    #[inline(always)]
    fn advance(&mut self, at: Tick, may_be_behind: bool) -> Tick {
        if may_be_behind && at > later(self.now, self.grace()) {
            self.resumed_at = at;
        }
        self.now = self.now.max(at);
        self.now
    }

    /// Returns how long a reader may take to catch up after a pause before events expire.
    const fn grace(&self) -> u64 {
        self.window / 4
    }

    #[inline(always)]
    fn datagram(&mut self, bytes: &[u8], needed: usize, at: Tick) {
        let truncated = needed > bytes.len();
        if truncated {
            let count = match needed {
                Received::UNKNOWN_LENGTH => Count::Unknown,
                _ => Count::Exactly((needed - bytes.len()) as u64),
            };
            self.losses.lose(Cause::Truncated, count, Unit::Bytes);
        }
        match Frame::parse(bytes) {
            Ok(Frame::Record { message_type, text }) => {
                if let Some((slot_index, header)) = self.open.find_by_header(text) {
                    let record = Record::from_parts(message_type, header, text);
                    self.losses.record(&record, at);
                    self.add(slot_index, &record, truncated, at);
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

    /// Adds a record to the event of its timestamp and serial; opens one if necessary.
    fn record(&mut self, record: &Record<'_>, truncated: bool, at: Tick) {
        let Some(node) = self.node(record.node()) else {
            self.losses.undecodable(record.text());
            return;
        };
        self.losses.record(record, at);
        let key = EventKey::new(record.id(), node);
        let role = record.message_type().role();
        let slot_index = match self.open.find(key) {
            Some(slot_index) => slot_index,
            None => {
                let is_late = self.begins(key, record.message_type(), at);
                if role == RecordRole::Standalone && !is_late {
                    self.deliver_standalone(key, record, truncated, at);
                    self.losses.last = Some(key.id());
                    return;
                }
                self.open.open(key, is_late, at)
            }
        };
        self.add(slot_index, record, truncated, at);
    }

    /// Adds a record to an open event. The event is closed if the record ends it (`EOE`) or is
    /// standalone.
    #[inline(always)]
    fn add(&mut self, slot_index: usize, record: &Record<'_>, truncated: bool, at: Tick) {
        self.losses.last = Some(record.id());
        self.open.add(slot_index, record, truncated, at);
        let role = record.message_type().role();
        if role == RecordRole::End {
            self.end_expected = true;
            self.close(slot_index, ClosedBy::EndRecord);
        } else if role == RecordRole::Standalone {
            self.close(slot_index, ClosedBy::Standalone);
        } else if self.exceeds_limits() {
            self.evict();
        }
    }

    /// Handles the first record of an event that is not open. Returns whether the record is late: its
    /// event was closed recently.
    fn begins(&mut self, key: EventKey, message_type: MessageType, at: Tick) -> bool {
        let deadline = later(at, self.window);
        self.next_expiry = self.next_expiry.min(deadline);
        if self.closed.contains(key) {
            return true;
        }
        // auditd numbers its own records independently of the kernel
        if matches!(message_type.number(), 1200..=1299) {
            return false;
        }
        let index = usize::try_from(key.node()).unwrap_or(usize::MAX);
        let Some(serials) = self.serials.get_mut(index) else {
            return false;
        };
        let role = message_type.role();
        let first = FirstRecord {
            id: key.id(),
            is_head: matches!(role, RecordRole::Head | RecordRole::Standalone),
            is_follower: role == RecordRole::End || is_of_call(message_type),
            deadline,
        };
        match serials.add(first) {
            SerialOrder::Ascending | SerialOrder::Old => {}
            SerialOrder::Skipped => self.losses.stats.healed_serials += 1,
            SerialOrder::Restart => {
                self.report_all_gaps(index);
                self.losses.lose(Cause::SerialRestart, Count::Unknown, Unit::Events);
            }
        }
        if let Some(gap) = self.serials.get_mut(index).and_then(Serials::take_excess) {
            self.losses.serial_gap(gap);
        }
        // CPUs interleave, so a dropped serial can also be higher than this one
        self.losses.explain_until(later(deadline, self.grace()));
        false
    }

    /// Returns the number of a machine, 0 without a name; `None` if there are too many machines.
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

    /// Closes events and reports gaps whose window has passed.
    ///
    /// After a pause of the reader, their records may still be in the socket. Nothing expires until the
    /// socket was drained or the reader had time to catch up.
    fn expire(&mut self, at: Tick, is_drained: bool) {
        let caught_up = later(self.resumed_at, self.grace());
        if at < caught_up && !is_drained {
            self.next_expiry = caught_up;
            return;
        }
        // in the order of their deadlines, so that the interval between calls does not matter
        let mut gap = self.next_gap();
        loop {
            let event = self.open.oldest();
            let event = event.map(|(index, event)| (later(event.last_at, self.window), index));
            match (event, gap) {
                (Some((due, slot_index)), _)
                    if due <= at && gap.is_none_or(|(first, _)| due <= first) =>
                {
                    self.close(slot_index, ClosedBy::Window);
                }
                (_, Some((due, index))) if due <= at => {
                    let serials = self.serials.get_mut(index);
                    if let Some(expired) = serials.and_then(|serials| serials.take_expired(at)) {
                        self.losses.serial_gap(expired);
                    }
                    gap = self.next_gap();
                }
                _ => break,
            }
        }
        self.losses.expire(at);
        let waits = [self.poll_timeout(), self.losses.explained_until()];
        self.next_expiry = waits.into_iter().flatten().min().unwrap_or(Tick::from_nanos(u64::MAX));
    }

    /// Returns the deadline of the next gap, and the index of its machine.
    fn next_gap(&self) -> Option<(Tick, usize)> {
        let deadlines = self.serials.iter().enumerate();
        deadlines.filter_map(|(index, serials)| Some((serials.deadline()?, index))).min()
    }

    /// Reports all gaps of a machine.
    fn report_all_gaps(&mut self, index: usize) {
        let last = Tick::from_nanos(u64::MAX);
        let serials = |assembler: &mut Self| assembler.serials.get_mut(index)?.take_expired(last);
        while let Some(gap) = serials(self) {
            self.losses.serial_gap(gap);
        }
    }

    fn exceeds_limits(&self) -> bool {
        self.open.len() > self.max_open_events || self.open.held_bytes() > self.max_open_bytes
    }

    /// Closes the least recently active events until the limits hold.
    fn evict(&mut self) {
        while self.exceeds_limits() {
            let Some((slot_index, _)) = self.open.oldest() else {
                return;
            };
            self.losses.stats.evicted += 1;
            self.close(slot_index, ClosedBy::Evicted);
        }
    }

    fn end(&mut self) {
        while let Some((slot_index, _)) = self.open.oldest() {
            self.close(slot_index, ClosedBy::End);
        }
        for index in 0..self.serials.len() {
            self.report_all_gaps(index);
        }
    }

    fn close(&mut self, slot_index: usize, closed_by: ClosedBy) {
        let Some(open) = self.open.close(slot_index) else {
            return;
        };
        let event = Event {
            id: open.key.id(),
            // one allocation of the exact size; the slot keeps its buffer
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
        self.open.recycle(slot_index);
        self.losses.stats.continuations += u64::from(event.continuation);
        self.losses.push(event, is_whole);
    }

    /// Delivers an event of one record, without opening it.
    fn deliver_standalone(
        &mut self,
        key: EventKey,
        record: &Record<'_>,
        truncated: bool,
        at: Tick,
    ) {
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

/// Returns the tick `nanos` later.
#[inline]
const fn later(tick: Tick, nanos: u64) -> Tick {
    Tick::from_nanos(tick.as_nanos().saturating_add(nanos))
}
