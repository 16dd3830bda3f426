//! How long after the end of an audited call its event is delivered: idle and under load, beside a
//! bare loop of `poll` and `recv` in the same run.
//!
//! `AUDITLINK_LIVE=1 cargo bench --bench latency`, as root, on a machine without an audit daemon. It
//! asserts that every call was delivered; it judges no time.

#![allow(clippy::print_stdout, reason = "it reports")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use auditlink::wire::frame::Frame;
use auditlink::{Control, Delivery, Events, MessageType, Receiver, Rule, Settings};
use netlink_sys::Socket;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// Calls of a round, and rounds of each reader.
const CALLS: usize = 1_000;
const ROUNDS: usize = 5;

/// Added to the number of a call, so that it is no process's.
const BASE: u64 = 0x4000_0000;

/// Reads until as many calls have come as were made, and tells when each came.
type Reader = fn(&mut dyn FnMut(u64) -> bool);

const READERS: [(&str, Reader); 3] =
    [("bare poll+recv", bare), ("auditlink", usual), ("auditlink, coalesce 0", eager)];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("call") => return call(),
        Some("load") => load(),
        _ => {}
    }
    if std::env::var("AUDITLINK_LIVE").as_deref() != Ok("1") {
        println!("the latency is measured on the live kernel: not run without AUDITLINK_LIVE=1");
        return ExitCode::SUCCESS;
    }
    // a copy of our own, so that a rule with its path catches nobody else
    let folder = std::env::temp_dir().join(format!("auditlink-latency-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let caller = folder.join("caller");
    std::fs::copy(std::env::current_exe().expect("a path"), &caller).expect("it is copied");
    let mut control = Control::open().expect("as root");
    let former = control.configure(&Settings::lossless().enabled(true)).expect("good values");
    let rules =
        Rule::on_exit().syscalls(["getpgid", "getppid"]).exe(caller.to_str().expect("UTF-8"));
    let rules = control.apply(&rules.key("latency").for_both_abis().expect("they exist"));
    let rules = rules.expect("they are new");

    println!("microseconds from the end of a call to its delivery, {} calls each", CALLS * ROUNDS);
    for loaded in [false, true] {
        let mut times: Vec<Vec<f64>> = READERS.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for ((_, reader), times) in READERS.iter().zip(&mut times) {
                times.extend(round(&caller, *reader, loaded));
            }
        }
        let condition = if loaded { "under load" } else { "idle" };
        let mut floor = None;
        for ((name, _), times) in READERS.iter().zip(&mut times) {
            times.sort_by(f64::total_cmp);
            let at = |share: usize| times[(times.len() - 1) * share / 1000];
            let floor = *floor.get_or_insert_with(|| at(500));
            println!(
                "{condition:10}  {name:22}  p50 {:6.0}  p99 {:6.0}  p99.9 {:6.0}  p50 of the bare loop's: {:.2}",
                at(500),
                at(990),
                at(999),
                at(500) / floor
            );
        }
    }
    rules.remove().expect("they are loaded");
    control.configure(&former).expect("they were so before");
    std::fs::remove_dir_all(&folder).expect("it is ours");
    ExitCode::SUCCESS
}

/// Makes calls and has them read; returns how late each came, in microseconds.
fn round(caller: &Path, reader: Reader, loaded: bool) -> Vec<f64> {
    let start = |word: &str| -> Child {
        let mut command = Command::new(caller);
        command.arg(word).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts")
    };
    let mut load = loaded.then(|| start("load"));
    let mut calls = start("call");
    let mut begin = calls.stdin.take();
    let mut came: HashMap<u64, u64> = HashMap::new();
    reader(&mut |number| {
        // the first one only says that the reader listens
        if let Some(mut begin) = begin.take() {
            begin.write_all(b"go").expect("it waits");
        }
        // the other call leaves in the register what was there
        if (BASE..BASE + CALLS as u64).contains(&number) {
            came.entry(number - BASE).or_insert_with(now);
        }
        came.len() == CALLS
    });
    let mut bytes = Vec::new();
    calls.stdout.take().expect("a pipe").read_to_end(&mut bytes).expect("it writes");
    assert!(calls.wait().expect("it runs").success());
    if let Some(load) = &mut load {
        drop(load.stdin.take());
        load.wait().expect("it ends");
    }
    let ends = bytes.chunks_exact(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().expect("8")));
    let late = ends.enumerate().map(|(number, end)| {
        let came = came[&u64::try_from(number).expect("small")];
        // a delivery can be ahead of the caller's own look at the clock
        came.saturating_sub(end) as f64 / 1000.0
    });
    let late: Vec<f64> = late.collect();
    assert_eq!(late.len(), CALLS, "each call was made and came");
    late
}

/// Makes calls, one a millisecond, and tells when each had ended.
fn call() -> ExitCode {
    std::io::stdin().read_exact(&mut [0; 2]).expect("somebody listens");
    let mut ends = Vec::with_capacity(CALLS * 8);
    for number in 0..CALLS {
        std::thread::sleep(Duration::from_millis(1));
        let number = i32::try_from(number + BASE as usize).expect("it fits");
        let _ = nix::unistd::getpgid(Some(Pid::from_raw(number)));
        ends.extend_from_slice(&now().to_ne_bytes());
    }
    std::io::stdout().write_all(&ends).expect("somebody reads");
    ExitCode::SUCCESS
}

/// Makes calls as fast as can be, until its input ends.
fn load() -> ! {
    let input = std::io::stdin();
    loop {
        for _ in 0..1_000 {
            nix::unistd::getppid();
        }
        let mut files = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        if poll(&mut files, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
            std::process::exit(0);
        }
    }
}

fn now() -> u64 {
    let time = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock"));
    u64::try_from(time.as_nanos()).expect("some centuries")
}

fn usual(tell: &mut dyn FnMut(u64) -> bool) {
    through_events(Receiver::observer().open().expect("as root"), tell);
}

fn eager(tell: &mut dyn FnMut(u64) -> bool) {
    let receiver = Receiver::observer().coalesce(Duration::ZERO).open();
    through_events(receiver.expect("as root"), tell);
}

fn through_events(receiver: Receiver, tell: &mut dyn FnMut(u64) -> bool) {
    tell(0);
    for delivery in Events::new(receiver) {
        match delivery.expect("no error") {
            Delivery::Event(event) => {
                let number = event.syscall().and_then(|syscall| syscall.argument(0));
                if number.is_some_and(&mut *tell) {
                    return;
                }
            }
            Delivery::Loss(loss) => panic!("{loss}"),
        }
    }
}

/// The least that a reader can do: it waits, receives, and takes an end record for the end of the
/// event whose call it saw.
fn bare(tell: &mut dyn FnMut(u64) -> bool) {
    let mut socket = Socket::new(9).expect("a netlink socket");
    socket.bind_auto().expect("a port");
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &(16 << 20))
        .expect("as root");
    socket.add_membership(1).expect("as root");
    socket.set_non_blocking(true).expect("a socket");
    let mut open: HashMap<u32, u64> = HashMap::new();
    let mut buffer = Vec::with_capacity(16 << 10);
    tell(0);
    loop {
        let mut files = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        poll(&mut files, PollTimeout::NONE).expect("a socket");
        loop {
            buffer.clear();
            match socket.recv_from(&mut buffer, 0) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
            let Ok(Frame::Record { message_type, text }) = Frame::parse(&buffer) else { continue };
            let record = auditlink::Record::parse(message_type, text).expect("a record");
            let serial = record.id().serial();
            match message_type {
                MessageType::SYSCALL => {
                    let number = record.field("a0").and_then(|value| value.hexadecimal());
                    open.insert(serial, number.unwrap_or_default());
                }
                MessageType::EOE if open.remove(&serial).is_some_and(&mut *tell) => return,
                _ => {}
            }
        }
    }
}
