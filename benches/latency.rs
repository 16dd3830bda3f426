//! Measures the time from the end of an audited system call to the delivery of its event, idle and
//! under load, and compares it with a bare loop of `poll` and `recv` in the same run.
//!
//! Run `AUDITLINK_LIVE=1 cargo bench --bench latency` as root, on a machine without an audit daemon.
//! The benchmark asserts that every call is delivered. It does not judge the times.

#![allow(clippy::print_stdout, reason = "it prints its results")]
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

/// Calls per round.
const CALLS: usize = 1_000;

/// Rounds per reader.
const ROUNDS: usize = 5;

/// Added to the index of a call; the sum is its argument, and higher than any PID.
const BASE: u64 = 0x4000_0000;

/// Calls the function with the first argument of each system call that is delivered, until it
/// returns true. The first call, with 0, announces that the reader is ready.
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
        println!("not run: the latency is measured on the running kernel, with AUDITLINK_LIVE=1");
        return ExitCode::SUCCESS;
    }
    // A private copy of the program: the rule matches its path and so no other process.
    let folder = std::env::temp_dir().join(format!("auditlink-latency-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a directory");
    let caller = folder.join("caller");
    std::fs::copy(std::env::current_exe().expect("a path"), &caller).expect("a copy");
    let mut control = Control::open().expect("as root");
    let former = control.configure(&Settings::lossless().enabled(true)).expect("valid settings");
    let rules =
        Rule::on_exit().syscalls(["getpgid", "getppid"]).exe(caller.to_str().expect("UTF-8"));
    let rules = control.apply(&rules.key("latency").for_both_abis().expect("known calls"));
    let rules = rules.expect("new rules");

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
    rules.remove().expect("loaded rules");
    control.configure(&former).expect("the former settings");
    std::fs::remove_dir_all(&folder).expect("the directory of this benchmark");
    ExitCode::SUCCESS
}

/// Runs a caller and a reader; returns the latency of each call in microseconds.
fn round(caller: &Path, reader: Reader, loaded: bool) -> Vec<f64> {
    let start = |word: &str| -> Child {
        let mut command = Command::new(caller);
        command.arg(word).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program")
    };
    let mut load = loaded.then(|| start("load"));
    let mut calls = start("call");
    let mut begin = calls.stdin.take();
    let mut delivered: HashMap<u64, u64> = HashMap::new();
    reader(&mut |argument| {
        // The first call announces that the reader is ready.
        if let Some(mut begin) = begin.take() {
            begin.write_all(b"go").expect("a waiting caller");
        }
        // getppid has no argument: the register holds any value.
        if (BASE..BASE + CALLS as u64).contains(&argument) {
            delivered.entry(argument - BASE).or_insert_with(now);
        }
        delivered.len() == CALLS
    });
    let mut bytes = Vec::new();
    calls.stdout.take().expect("a pipe").read_to_end(&mut bytes).expect("the times");
    assert!(calls.wait().expect("the caller").success());
    if let Some(load) = &mut load {
        drop(load.stdin.take());
        load.wait().expect("the load");
    }
    let ends = bytes.chunks_exact(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().expect("8")));
    let latencies = ends.enumerate().map(|(index, end)| {
        let delivered = delivered[&u64::try_from(index).expect("a small index")];
        // An event can be delivered before the caller reads the clock.
        delivered.saturating_sub(end) as f64 / 1000.0
    });
    let latencies: Vec<f64> = latencies.collect();
    assert_eq!(latencies.len(), CALLS, "a call was not delivered");
    latencies
}

/// Makes one call per millisecond, and writes the time when each has ended.
fn call() -> ExitCode {
    std::io::stdin().read_exact(&mut [0; 2]).expect("the start");
    let mut ends = Vec::with_capacity(CALLS * 8);
    for index in 0..CALLS {
        std::thread::sleep(Duration::from_millis(1));
        let argument = i32::try_from(index + BASE as usize).expect("a small number");
        let _ = nix::unistd::getpgid(Some(Pid::from_raw(argument)));
        ends.extend_from_slice(&now().to_ne_bytes());
    }
    std::io::stdout().write_all(&ends).expect("a reader");
    ExitCode::SUCCESS
}

/// Makes calls without a pause until standard input ends.
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
    u64::try_from(time.as_nanos()).expect("fewer than 584 years")
}

fn usual(report: &mut dyn FnMut(u64) -> bool) {
    through_events(Receiver::observer().open().expect("as root"), report);
}

fn eager(report: &mut dyn FnMut(u64) -> bool) {
    let receiver = Receiver::observer().coalesce(Duration::ZERO).open();
    through_events(receiver.expect("as root"), report);
}

fn through_events(receiver: Receiver, report: &mut dyn FnMut(u64) -> bool) {
    report(0);
    for delivery in Events::new(receiver) {
        match delivery.expect("no error") {
            Delivery::Event(event) => {
                let argument = event.syscall().and_then(|syscall| syscall.argument(0));
                if argument.is_some_and(&mut *report) {
                    return;
                }
            }
            Delivery::Loss(loss) => panic!("{loss}"),
        }
    }
}

/// The minimal reader: waits, receives, and matches each end record with the call of its event.
fn bare(report: &mut dyn FnMut(u64) -> bool) {
    let mut socket = Socket::new(9).expect("a netlink socket");
    socket.bind_auto().expect("a port");
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &(16 << 20))
        .expect("as root");
    socket.add_membership(1).expect("as root");
    socket.set_non_blocking(true).expect("a socket");
    let mut open: HashMap<u32, u64> = HashMap::new();
    let mut buffer = Vec::with_capacity(16 << 10);
    report(0);
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
                MessageType::EOE if open.remove(&serial).is_some_and(&mut *report) => return,
                _ => {}
            }
        }
    }
}
