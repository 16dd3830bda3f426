//! The other side of a test: a process that makes system calls and does as it is told.
//!
//! `helper storm N [b32]`, `helper pair N`, `helper spoof PORT`, `helper say TEXT`, `helper life`,
//! `helper variety FOLDER` and its parts `login`, `attach`, `confined`.

use std::io::Write;
use std::process::{Command, ExitCode};
use std::sync::Barrier;

use netlink_sys::{Socket, SocketAddr};

use crate::variety;

/// Does what the words say; `None` if they are not for the helper.
pub(crate) fn run(words: &[String]) -> Option<ExitCode> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["storm", count] => storm(count, || {
            nix::unistd::getppid();
        }),
        ["storm", count, "b32"] => storm(count, getppid_32),
        ["pair", count] => pair(count),
        ["spoof", port] => spoof(port.parse().expect("a port")),
        ["say", text] => say(text),
        ["life"] => life(),
        ["variety", folder] => variety::run(folder),
        ["login"] => variety::login(),
        ["attach"] => variety::attach(),
        ["confined"] => variety::confined(),
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

fn storm(count: &str, call: impl Fn()) {
    let count: u64 = count.parse().expect("a number");
    for _ in 0..count {
        call();
    }
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

/// Sends a record of our own invention to somebody's port.
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
    let mut control = auditlink::Control::open().expect("a control socket");
    control.user_message(auditlink::MessageType::TEST, text).expect("it is taken");
}

/// Starts a process with arguments that the kernel writes in hex, and ends with status 3.
fn life() {
    let status = Command::new("/bin/sh").args(["-c", "exit 3", "a b", "ü"]).status();
    let code = status.expect("a shell").code().expect("a status");
    std::io::stdout().flush().expect("stdout");
    std::process::exit(code);
}
