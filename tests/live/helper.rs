//! The helper process of the live tests: it makes the system calls that its arguments name.
//!
//! `helper storm N [b32]`, `helper pair N`, `helper timed N`, `helper programs N`, `helper messages N`,
//! `helper drip N`, `helper spoof PORT`, `helper say TEXT`,
//! `helper life`, `helper variety FOLDER` and its parts `login`, `attach`, `confined`; `helper list
//! BYTES`, `helper consume`, `helper squat PORT`, `helper unprivileged COMMAND…`, `helper unshare user|pid|net
//! COMMAND…`.

use std::io::{Read, Write};
use std::process::{Command, ExitCode};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use auditlink::{Control, Events, Receiver, Rule, Settings};
use netlink_sys::{Socket, SocketAddr};
use nix::sched::CloneFlags;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::kernel_lock::KEY;
use crate::permissions;
use crate::varied_workload;

/// Runs the command of the helper; `None` if the arguments are not for it.
pub(crate) fn run(words: &[String]) -> Option<ExitCode> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["storm", count] => storm(count, || {
            nix::unistd::getppid();
        }),
        ["storm", count, "b32"] => storm(count, getppid_32),
        ["pair", count] => pair(count),
        ["programs", count] => storm(count, || {
            Command::new("/bin/true").status().expect("it starts");
        }),
        ["messages", count] => messages(count, Duration::ZERO),
        ["drip", count] => messages(count, Duration::from_millis(10)),
        ["timed", count] => timed(count),
        ["list", bytes] => list(bytes),
        ["consume"] => consume(),
        ["squat", port] => squat(port),
        ["unprivileged", ref command @ ..] => return Some(as_unprivileged(command)),
        ["unshare", kind, ref command @ ..] => return Some(unshare(kind, command)),
        ["spoof", port] => spoof(port.parse().expect("a port")),
        ["say", text] => say(text),
        ["life"] => life(),
        ["variety", folder] => varied_workload::run(folder),
        ["login"] => varied_workload::login(),
        ["attach"] => varied_workload::attach(),
        ["files", folder] => permissions::use_files(folder),
        ["call", abi, number, ref arguments @ ..] => permissions::call(abi, number, arguments),
        ["confined"] => varied_workload::confined(),
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

fn storm(count: &str, mut call: impl FnMut()) {
    let count: u64 = count.parse().expect("a number");
    for _ in 0..count {
        call();
    }
}

/// Makes calls, and prints how many microseconds the longest took.
fn timed(count: &str) {
    let mut longest = Duration::ZERO;
    storm(count, || {
        let start = Instant::now();
        nix::unistd::getppid();
        longest = longest.max(start.elapsed());
    });
    println!("longest={}", longest.as_micros());
}

/// Lists the rules through a small buffer, and prints how many there are.
fn list(bytes: &str) {
    let mut control = Control::open().expect("a control socket");
    control.set_receive_buffer(bytes.parse().expect("a number")).expect("a buffer");
    println!("rules={}", control.rules().expect("a listing").len());
}

/// A daemon as users write it: changes settings, installs rules, receives, and restores everything on
/// SIGTERM.
fn consume() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.thread_block().expect("a mask");
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let stop = SignalFd::with_flags(&signals, flags).expect("a file");

    // its socket is the first of the process, so its port is the PID
    let receiver = Receiver::daemon().open().expect("the place is free");
    let mut control = Control::open().expect("a control socket");
    let former = control.configure(&Settings::lossless().enabled(true)).expect("good values");
    let rules = Rule::on_exit().syscall("getppid").pid(1).key(KEY).for_both_abis();
    let installed = control.apply(&rules.expect("the call exists")).expect("they are new");
    let mut events = Events::new(receiver);
    println!("ready");
    while stop.read_signal().expect("a file").is_none() {
        let _ = events.next_timeout(Duration::from_millis(5)).expect("no error");
    }
    installed.remove().expect("they are loaded");
    events.source_mut().finish().expect("a thread");
    while events.next().transpose().expect("no error").is_some() {}
    control.configure(&former).expect("they were so before");
    println!("completeness={}", events.completeness());
}

/// Binds a port as an unprivileged user, and prints how many datagrams came until its input ends.
fn squat(port: &str) {
    give_up_root();
    let mut socket = Socket::new(9).expect("a netlink socket");
    let port = port.parse().expect("a port");
    socket.bind(&SocketAddr::new(port, 0)).expect("the port is free");
    socket.set_non_blocking(true).expect("a socket");
    println!("bound");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("it can be read");
    let mut received = 0;
    while socket.recv_from_full().is_ok() {
        received += 1;
    }
    println!("received={received}");
}

fn give_up_root() {
    let unprivileged = 65_534;
    nix::unistd::setgroups(&[]).expect("as root");
    nix::unistd::setgid(unprivileged.into()).expect("as root");
    nix::unistd::setuid(unprivileged.into()).expect("as root");
}

/// Becomes another program as an unprivileged user.
fn as_unprivileged(command: &[&str]) -> ExitCode {
    give_up_root();
    run_to_the_end(command)
}

/// Runs a program in a new namespace.
fn unshare(kind: &str, command: &[&str]) -> ExitCode {
    let flags = match kind {
        "user" => CloneFlags::CLONE_NEWUSER,
        "pid" => CloneFlags::CLONE_NEWPID,
        "net" => CloneFlags::CLONE_NEWNET,
        other => panic!("no namespace {other}"),
    };
    nix::sched::unshare(flags).expect("as root");
    if kind == "user" {
        std::fs::write("/proc/self/setgroups", "deny").expect("a file");
        std::fs::write("/proc/self/uid_map", "0 0 1").expect("a file");
        std::fs::write("/proc/self/gid_map", "0 0 1").expect("a file");
    }
    run_to_the_end(command) // a pid namespace begins with the next child
}

fn run_to_the_end(command: &[&str]) -> ExitCode {
    let [program, words @ ..] = command else { panic!("a command") };
    let status = Command::new(program).args(words).status().expect("it starts");
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255))
}

/// Two threads make calls at the same time, so that their records interleave.
fn pair(count: &str) {
    let start = Barrier::new(2);
    let run = || {
        start.wait();
        storm(count, || {
            nix::unistd::getppid();
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(run);
        run();
    });
}

/// Calls getppid through the 32-bit interface, which needs no 32-bit program.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "no safe function makes a 32-bit call in a 64-bit program")]
fn getppid_32() {
    const GETPPID: u64 = 64;
    // SAFETY: the call takes no pointers and changes nothing but its result; the kernel may
    // clobber r8 to r11 on this entry path.
    unsafe {
        std::arch::asm!(
            "int 0x80",
            inout("rax") GETPPID => _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            options(nostack)
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn getppid_32() {
    panic!("no way to make a 32-bit call on this machine");
}

/// Sends a forged record to the port of another process.
fn spoof(port: u32) {
    let text = b"audit(1700000000.000:1): forged=yes";
    let datagram = auditlink::wire::frame::message(auditlink::MessageType::SYSCALL, 0, text);
    let mut socket = Socket::new(9).expect("a netlink socket");
    socket.bind_auto().expect("a port");
    let sent = socket.send_to(&datagram, &SocketAddr::new(port, 0), 0).expect("it is sent");
    assert_eq!(sent, datagram.len());
}

/// Writes a record into the audit trail.
fn say(text: &str) {
    let mut control = Control::open().expect("a control socket");
    control.user_message(auditlink::MessageType::TEST, text).expect("it is taken");
}

fn messages(count: &str, pause: Duration) {
    let mut control = Control::open().expect("a control socket");
    storm(count, || {
        control.user_message(auditlink::MessageType::TEST, "op=storm res=success").expect("taken");
        std::thread::sleep(pause);
    });
}

/// Starts a process with arguments that the kernel writes in hex, and ends with status 3.
fn life() {
    let status = Command::new("/bin/sh").args(["-c", "exit 3", "a b", "ü"]).status();
    let code = status.expect("a shell").code().expect("a status");
    std::io::stdout().flush().expect("stdout");
    std::process::exit(code);
}
