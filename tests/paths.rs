//! Replays a table of captures through every path; the deliveries must be equal.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use auditlink::capture::synthetic::{Mix, Workload};
use auditlink::capture::{Reader, Tee, Writer};
use auditlink::event::{Assembler, Received, Signal, Stats};
use auditlink::iter::Next;
use auditlink::time::Tick;
use auditlink::{Delivery, Error, EventStream, Events, Source};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Returns the captures, each with the least number of its losses.
fn table() -> Vec<(&'static str, Vec<u8>, u64)> {
    let made = |workload: Workload| {
        let mut writer = Writer::new(Vec::new()).expect("writing to a vector");
        workload.generate().write(&mut writer).expect("writing to a vector");
        writer.finish().expect("writing to a vector")
    };
    let all = Workload::new(1).events(300);
    vec![
        ("a real machine", include_bytes!("../examples/dump/demo.pcap").to_vec(), 0),
        ("all kinds of events", made(all), 0),
        ("64 CPUs", made(all.cpus(64)), 0),
        ("long arguments", made(all.mix(Mix::Execs).events(30).arguments(40_000)), 0),
        ("lost events", made(all.lose_events(30)), 3),
        ("lost records", made(all.lose_records(30)), 1),
        ("cut records", made(all.truncate(20)), 5),
        ("overruns", made(all.overruns(100, 20)), 2),
        ("everything at once", made(all.cpus(8).lose_events(50).truncate(50).overruns(200, 9)), 9),
        ("nothing", made(all.events(0)), 0),
    ]
}

type Outcome = (Vec<Delivery>, Stats);

fn reader(capture: &[u8]) -> Reader<&[u8]> {
    Reader::new(capture).expect("a capture")
}

/// Drives the assembler directly.
fn by_hand(capture: &[u8]) -> Outcome {
    let (mut source, mut assembler) = (reader(capture), Assembler::new());
    let mut deliveries = Vec::new();
    loop {
        let received = source.recv(assembler.poll_timeout()).expect("a capture");
        let is_end = received.signal() == Some(Signal::End);
        assembler.handle(received);
        deliveries.extend(std::iter::from_fn(|| assembler.poll()));
        if is_end {
            return (deliveries, assembler.stats());
        }
    }
}

fn through<S: Source>(source: S) -> Outcome {
    let mut events = Events::new(source);
    let deliveries = events.by_ref().collect::<Result<_, _>>().expect("a capture");
    (deliveries, events.stats())
}

fn through_a_tee(capture: &[u8]) -> Outcome {
    let writer = Writer::new(Vec::new()).expect("writing to a vector");
    let mut tee = Tee::new(reader(capture), writer);
    let outcome = through(&mut tee);
    let copy = tee.into_parts().1.finish().expect("writing to a vector");
    assert_eq!(through(reader(&copy)), outcome, "the copy of a tee has the same deliveries");
    outcome
}

fn through_a_stream(capture: &[u8]) -> Outcome {
    let mut stream = EventStream::replay(reader(capture));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let deliveries = runtime.block_on(async {
        let mut deliveries = Vec::new();
        while let Some(delivery) = stream.next().await {
            deliveries.push(delivery.expect("a capture"));
        }
        deliveries
    });
    (deliveries, stream.stats())
}

/// A reader of this number of deliveries has to wait at least once.
const MANY: usize = 200;

/// A capture with a socket that becomes readable: one byte arrives for each item to receive.
///
/// Bytes arrive only after the reader has found the socket empty and requested more, with a delay: the
/// reader has to wait, however slow the machine is.
#[derive(Debug)]
struct Trickle<'a> {
    capture: Reader<&'a [u8]>,
    waker: Waker,
    available: usize,
}

impl<'a> Trickle<'a> {
    /// Starts the thread that writes bytes: sometimes many at once, sometimes few.
    fn start(capture: &'a [u8]) -> Self {
        let (socket, mut peer) = UnixStream::pair().expect("a pair");
        socket.set_nonblocking(true).expect("a socket");
        thread::spawn(move || {
            for round in 0.. {
                // The reader is gone if this fails.
                if peer.read_exact(&mut [0]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_micros(300));
                let count = if round % 3 == 2 { 100 } else { 7 };
                if peer.write_all(&vec![0; count]).is_err() {
                    return;
                }
            }
        });
        Self {
            capture: reader(capture),
            waker: Waker { socket, has_requested: false },
            available: 0,
        }
    }
}

/// The socket of the reader.
#[derive(Debug)]
struct Waker {
    socket: UnixStream,
    has_requested: bool,
}

impl Waker {
    /// Requests more bytes, once.
    fn request(&mut self) {
        if !std::mem::replace(&mut self.has_requested, true) {
            self.socket.write_all(&[0]).expect("a socket");
        }
    }
}

impl Source for Trickle<'_> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        while self.available == 0 {
            let mut bytes = [0; 100];
            if let Ok(count) = self.waker.socket.read(&mut bytes) {
                (self.available, self.waker.has_requested) = (count, false);
                break;
            }
            self.waker.request();
            if until == Some(Tick::ZERO) {
                return Ok(Signal::Idle.at(Tick::ZERO));
            }
            let mut files = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            poll(&mut files, PollTimeout::NONE).expect("a socket");
        }
        self.available -= 1;
        let received = self.capture.recv(None)?;
        // After Idle, the reader waits until the socket becomes readable.
        if received.signal() == Some(Signal::Idle) {
            self.available = 0;
            self.waker.request();
        }
        Ok(received)
    }
}

impl AsFd for Trickle<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.waker.socket.as_fd()
    }
}

/// Drops `next` repeatedly before it is ready.
fn through_a_stream_that_is_cancelled(capture: &[u8]) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut stream = EventStream::new(Trickle::start(capture)).expect("a stream");
        let mut deliveries = Vec::new();
        let mut cancelled = 0;
        loop {
            tokio::select! {
                biased;
                next = stream.next() => match next {
                    Some(delivery) => deliveries.push(delivery.expect("a capture")),
                    None => break,
                },
                () = tokio::task::yield_now() => cancelled += 1,
            }
        }
        assert!(cancelled > 0 || deliveries.len() < MANY, "it was never cancelled");
        (deliveries, stream.stats())
    })
}

/// Polls the descriptor and takes all deliveries, as an embedding event loop does.
fn through_poll(capture: &[u8]) -> Outcome {
    let mut events = Events::new(Trickle::start(capture));
    let mut deliveries = Vec::new();
    let mut waits = 0;
    loop {
        while let Next::Item(delivery) = events.try_next().expect("a capture") {
            deliveries.push(delivery);
        }
        if events.is_ended() {
            assert!(waits > 0 || deliveries.len() < MANY, "it never waited");
            return (deliveries, events.stats());
        }
        let left = events.time_left().map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut files = [PollFd::new(events.source().as_fd(), PollFlags::POLLIN)];
        poll(&mut files, left).expect("a socket");
        waits += 1;
    }
}

/// Reports idle twice before each item.
struct IdleBefore<S> {
    source: S,
    idles: VecDeque<Tick>,
    at: Tick,
}

impl<S: Source> Source for IdleBefore<S> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        if let Some(at) = self.idles.pop_front() {
            return Ok(Signal::Idle.at(at));
        }
        let received = self.source.recv(until)?;
        self.at = self.at.max(received.at());
        self.idles.extend([self.at, self.at]);
        Ok(received)
    }
}

fn through_idle_signals(capture: &[u8]) -> Outcome {
    through(IdleBefore { source: reader(capture), idles: VecDeque::new(), at: Tick::ZERO })
}

#[test]
fn every_path_delivers_the_same() {
    type Path = fn(&[u8]) -> Outcome;
    let paths: [(&str, Path); 7] = [
        ("Events over a capture", |capture| through(reader(capture))),
        ("Events over a boxed source", |capture| {
            through(Box::new(reader(capture)) as Box<dyn Source + '_>)
        }),
        ("a tee", through_a_tee),
        ("EventStream over a capture", through_a_stream),
        ("EventStream over a socket, cancelled", through_a_stream_that_is_cancelled),
        ("try_next over a socket", through_poll),
        ("a source that is idle at times", through_idle_signals),
    ];
    for (name, capture, losses) in table() {
        let expected = by_hand(&capture);
        assert!(expected.1.losses >= losses, "{name}: {:?}", expected.1);
        for (path, play) in paths {
            let outcome = play(&capture);
            assert_eq!(outcome.0.len(), expected.0.len(), "{name} through {path}");
            assert!(outcome == expected, "{name} through {path}");
        }
    }
}

#[test]
fn a_stream_that_is_always_ready_yields_to_other_tasks() {
    let stream = Workload::new(1).events(5_000).generate();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let turns = runtime.block_on(async {
        let other = tokio::spawn(async {
            for turns in 0_u32.. {
                tokio::task::yield_now().await;
                if turns > 20 {
                    return turns;
                }
            }
            0
        });
        let mut events = EventStream::replay(stream.source());
        let mut left = 5_000_u32;
        while !other.is_finished() && left > 0 {
            events.next().await.expect("an event").expect("no error");
            left -= 1;
        }
        assert!(left > 1_000, "the other task had no turn until {left} events were left");
        other.await.expect("the other task")
    });
    assert!(turns > 20);
}

#[test]
fn a_stream_without_a_runtime_is_an_error() {
    let capture = Writer::new(Vec::new()).and_then(Writer::finish).expect("a vector");
    let error = EventStream::new(Trickle::start(&capture)).expect_err("no runtime is here");
    assert!(format!("{error:?}").contains("runtime"), "{error:?}");
}
