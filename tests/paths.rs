//! Every way to read events returns the same deliveries for the same capture.

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

/// The captures, each with the minimum number of its losses.
fn table() -> Vec<(&'static str, Vec<u8>, u64)> {
    let made = |workload: Workload| {
        let mut writer = Writer::new(Vec::new()).expect("writing to memory does not fail");
        workload.generate().write(&mut writer).expect("writing to memory does not fail");
        writer.finish().expect("writing to memory does not fail")
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

/// Feeds the assembler directly, and polls it after each input and at its timeouts.
fn through_the_assembler(capture: &[u8]) -> Outcome {
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
    let writer = Writer::new(Vec::new()).expect("writing to memory does not fail");
    let mut tee = Tee::new(reader(capture), writer);
    let outcome = through(&mut tee);
    let copy = tee.into_parts().1.finish().expect("writing to memory does not fail");
    assert_eq!(through(reader(&copy)), outcome, "the copy has the same deliveries");
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

/// A capture with at least this many deliveries does not arrive at once.
const MANY: usize = 200;

/// A capture whose messages become available through a real socket, one for each byte in it.
///
/// A thread writes bytes only some time after the reader found the socket empty, so that the reader
/// must wait, however slow the machine is.
#[derive(Debug)]
struct Trickle<'a> {
    capture: Reader<&'a [u8]>,
    credit: Credit,
    /// The number of messages that are available.
    available: usize,
}

impl<'a> Trickle<'a> {
    /// Starts the thread, which makes few or many messages available at a time.
    fn start(capture: &'a [u8]) -> Self {
        let (socket, mut peer) = UnixStream::pair().expect("a pair");
        socket.set_nonblocking(true).expect("a socket");
        thread::spawn(move || {
            for round in 0.. {
                // it fails once the reader is dropped
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
            credit: Credit { socket, is_requested: false },
            available: 0,
        }
    }
}

/// The reader's end of the socket.
#[derive(Debug)]
struct Credit {
    socket: UnixStream,
    is_requested: bool,
}

impl Credit {
    /// Requests more bytes, unless a request is pending.
    fn request(&mut self) {
        if !std::mem::replace(&mut self.is_requested, true) {
            self.socket.write_all(&[0]).expect("a socket");
        }
    }
}

impl Source for Trickle<'_> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        while self.available == 0 {
            let mut bytes = [0; 100];
            if let Ok(count) = self.credit.socket.read(&mut bytes) {
                (self.available, self.credit.is_requested) = (count, false);
                break;
            }
            self.credit.request();
            if until == Some(Tick::ZERO) {
                return Ok(Signal::Idle.at(Tick::ZERO));
            }
            let mut files = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            poll(&mut files, PollTimeout::NONE).expect("a socket");
        }
        self.available -= 1;
        let received = self.capture.recv(None)?;
        // a reader that gets `Idle` waits for the socket
        if received.signal() == Some(Signal::Idle) {
            self.available = 0;
            self.credit.request();
        }
        Ok(received)
    }
}

impl AsFd for Trickle<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.credit.socket.as_fd()
    }
}

/// Drops the future of `next` before it is ready, many times.
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

/// Waits with poll, then takes all available deliveries, as a program with its own loop does.
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

/// A source that returns `Idle` twice before each message.
struct Interrupted<S> {
    source: S,
    idle: VecDeque<Tick>,
    at: Tick,
}

impl<S: Source> Source for Interrupted<S> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        if let Some(at) = self.idle.pop_front() {
            return Ok(Signal::Idle.at(at));
        }
        let received = self.source.recv(until)?;
        self.at = self.at.max(received.at());
        self.idle.extend([self.at, self.at]);
        Ok(received)
    }
}

fn through_idle_times(capture: &[u8]) -> Outcome {
    through(Interrupted { source: reader(capture), idle: VecDeque::new(), at: Tick::ZERO })
}

#[test]
fn every_way_to_read_returns_the_same_deliveries() {
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
        ("a source that is idle now and then", through_idle_times),
    ];
    for (name, capture, losses) in table() {
        let expected = through_the_assembler(&capture);
        assert!(expected.1.losses >= losses, "{name}: {:?}", expected.1);
        for (path, play) in paths {
            let outcome = play(&capture);
            assert_eq!(outcome.0.len(), expected.0.len(), "{name} through {path}");
            assert!(outcome == expected, "{name} through {path}");
        }
    }
}

#[test]
fn a_busy_stream_yields_to_other_tasks() {
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
        other.await.expect("it ends")
    });
    assert!(turns > 20);
}

#[test]
fn a_stream_without_a_runtime_is_an_error() {
    let capture = Writer::new(Vec::new()).and_then(Writer::finish).expect("a vector");
    let error = EventStream::new(Trickle::start(&capture)).expect_err("there is none");
    assert!(format!("{error:?}").contains("runtime"), "{error:?}");
}
