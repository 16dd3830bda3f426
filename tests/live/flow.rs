//! Reception: storms of events, stalled readers, forged datagrams.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use auditlink::arch::Arch;
use auditlink::capture::{Reader, Tee, Writer};
use auditlink::event::{Cause, Count, EventKind, Missing, Unit};
use auditlink::iter::Next;
use auditlink::rule::process_lifecycle;
use auditlink::{Delivery, EventStream, Events, Receiver};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::faults::watch_getppid;
use crate::kernel_lock::{Collected, KEY, KernelLock, control, count_of, wait_until_sent};
use crate::support::example;

/// System calls of a storm.
const STORM: u64 = 200_000;

/// Records of one event of a storm: SYSCALL, PROCTITLE, EOE.
const RECORDS: u64 = 3;

/// Starts `dump` as the daemon, and waits until it is.
fn start_dump(program: &str, words: &[&str]) -> Child {
    let mut child = Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    for _ in 0..200 {
        if control().status().expect("a status").pid != 0 {
            return child;
        }
        sleep(Duration::from_millis(50));
    }
    child.kill().expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    panic!("dump did not become the daemon: {output:?}");
}

/// Stops `dump` and returns its output.
fn stop_dump(child: Child, pid: i32) -> String {
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// Waits until the daemon has nothing left to read, by its file of netlink sockets.
fn wait_until_read(status_pid: u32) {
    let mut still = 0;
    while still < 4 {
        sleep(Duration::from_millis(100));
        let table = fs::read_to_string("/proc/net/netlink").expect("a table");
        let waiting = table.lines().skip(1).any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words[1] == "9" && words[2] == status_pid.to_string() && words[4] != "0"
        });
        let queued = control().status().expect("a status").backlog;
        still = if waiting || queued > 0 { 0 } else { still + 1 };
    }
}

pub(crate) fn both_abis(kernel: &KernelLock) {
    let mut events = Events::new(Receiver::observer().open().expect("an observer"));
    let rules = watch_getppid(kernel);
    kernel.run_helper(&["storm", "2"]);
    kernel.run_helper(&["storm", "3", "b32"]);
    let mut collected = Collected::default();
    collected.collect(&mut events, Duration::from_millis(300));
    rules.remove().expect("the rules are loaded");
    let calls = |arch: Arch| {
        let is_of = |event: &&auditlink::Event| {
            let call = event.syscall().expect("a call");
            assert_eq!(call.name(), Some("getppid"));
            call.arch() == Some(arch)
        };
        collected.ours().filter(is_of).count()
    };
    assert_eq!((calls(Arch::X86_64), calls(Arch::I386)), (2, 3));
    assert_eq!(collected.losses, []);
}

pub(crate) fn lifecycle(kernel: &KernelLock) {
    let mut events = Events::new(Receiver::observer().open().expect("an observer"));
    let helper = kernel.helper();
    // the shell that the helper starts is another program: follow the helper's children by uid
    let rules = process_lifecycle()
        .filter(auditlink::rule::FieldId::UID, auditlink::rule::Operator::EQUAL, LIFE_UID)
        .key(KEY)
        .for_both_abis()
        .expect("all calls exist");
    let installed = control().apply(&rules).expect("the rules are new");
    let status = Command::new("setpriv")
        .args(["--reuid", &LIFE_UID.to_string(), "--clear-groups"])
        .arg(&helper)
        .arg("life")
        .status()
        .expect("setpriv starts");
    assert_eq!(status.code(), Some(3));
    let mut collected = Collected::default();
    collected.collect(&mut events, Duration::from_millis(300));
    installed.remove().expect("the rules are loaded");

    assert_eq!(collected.losses, []);
    let mut observed = Vec::new();
    for event in collected.ours() {
        assert_eq!(event.missing(), [], "{event:?}");
        match event.kind() {
            EventKind::Exec(exec) => {
                observed.push(format!("exec {:?}", exec.args().unwrap_or_default()))
            }
            EventKind::Fork(fork) => {
                assert!(fork.child() > 1);
                observed.push("fork".to_owned());
            }
            EventKind::Exit(exit) => observed.push(format!("exit {:?}", exit.status())),
            _ => {}
        }
    }
    let shell = r#"exec ["/bin/sh", "-c", "exit 3", "a b", "ü"]"#;
    assert!(observed.iter().any(|line| line.ends_with(r#""life"]"#)), "{observed:?}");
    assert!(observed.contains(&"fork".to_owned()), "{observed:?}");
    assert!(observed.contains(&shell.to_owned()), "{observed:?}");
    assert_eq!(observed.iter().filter(|line| *line == "exit Some(3)").count(), 2, "{observed:?}");
}

/// A user that no program of the machine runs as.
const LIFE_UID: u32 = 61_234;

pub(crate) fn storm(kernel: &KernelLock) {
    storm_through(kernel, "dump");
}

pub(crate) fn storm_on_tokio(kernel: &KernelLock) {
    storm_through(kernel, "dump_tokio");
}

fn storm_through(kernel: &KernelLock, program: &str) {
    let rules = watch_getppid(kernel);
    let dump = example(program);
    let words = ["--daemon", "--format", "none", "--key", KEY];
    let child = start_dump(dump.to_str().expect("a plain path"), &words);
    let pid = child.id();
    kernel.run_helper(&["storm", &STORM.to_string()]);
    wait_until_read(pid);
    let said = stop_dump(child, i32::try_from(pid).expect("a pid"));
    rules.remove().expect("the rules are loaded");
    println!("  {}", said.trim().replace('\n', "; "));
    let last = said.lines().last().expect("a line of counts");
    assert_eq!(count_of(last, "events"), STORM);
    assert!(said.contains("completeness=complete"), "{said}");
    assert_eq!((count_of(last, "losses"), count_of(last, "incomplete")), (0, 0));
    assert!(!said.contains("registration_probes"), "only this process asked to register");
}

/// Events that come one by one are written one by one, not when a timer says so.
pub(crate) fn written_at_once(kernel: &KernelLock) {
    let dump = example("dump");
    let table = kernel.path("strace");
    let table = table.to_str().expect("a plain path");
    let dump = dump.to_str().expect("a plain path");
    let words = ["-f", "-e", "trace=write", "-o", table, dump, "--daemon", "--format", "log"];
    let child = start_dump("strace", &words);
    let pid = control().status().expect("a status").pid;
    kernel.run_helper(&["drip", "100"]); // in a second
    wait_until_read(pid);
    stop_dump(child, i32::try_from(pid).expect("a pid"));
    let calls = fs::read_to_string(table).expect("strace wrote it");
    let writes = calls.lines().filter(|line| line.contains("write(1, ")).count();
    println!("  {writes} writes for 100 events");
    assert!(writes > 60, "a timer of 50 ms would write 20 times: {writes}");
}

pub(crate) fn few_calls(kernel: &KernelLock) {
    let rules = watch_getppid(kernel);
    let dump = example("dump");
    let table = kernel.path("strace");
    let words = [
        "-f",
        "-c",
        "-o",
        table.to_str().expect("a plain path"),
        dump.to_str().expect("a plain path"),
        "--daemon",
        "--format",
        "none",
    ];
    let child = start_dump("strace", &words);
    let pid = control().status().expect("a status").pid;
    kernel.run_helper(&["storm", &STORM.to_string()]);
    wait_until_read(pid);
    let said = stop_dump(child, i32::try_from(pid).expect("a pid"));
    rules.remove().expect("the rules are loaded");
    let records = count_of(said.lines().last().expect("counts"), "records");
    assert!(records >= STORM * RECORDS, "{said}");
    let table = BufReader::new(fs::File::open(&table).expect("strace wrote a table"));
    let receives: u64 = table
        .lines()
        .map(|line| line.expect("text"))
        .filter(|line| line.split_whitespace().last().is_some_and(|name| name.starts_with("recv")))
        .map(|line| {
            line.split_whitespace().nth(3).expect("calls").parse::<u64>().expect("a number")
        })
        .sum();
    println!("  {receives} receive calls for {records} records");
    assert!(receives > 0);
    assert!(receives * 8 < records, "{receives} calls for {records} records");
}

pub(crate) fn stalled_observer(kernel: &KernelLock) {
    let observer = Receiver::observer().receive_buffer(32 * 1024).open().expect("an observer");
    assert!(observer.receive_buffer() < 256 * 1024);
    let mut events = Events::new(observer);
    let rules = watch_getppid(kernel);
    let mut before = Collected::default();
    before.collect(&mut events, Duration::from_millis(300));
    assert_eq!(before.losses, []);

    let made = 2_000;
    kernel.run_helper(&["storm", &made.to_string()]); // the receiver does not read meanwhile
    wait_until_sent(); // or what is still queued could overflow the buffer a second time
    let mut collected = Collected::default();
    // long enough for the event that was split, and for its serial gap to expire
    collected.collect(&mut events, Duration::from_secs(3));
    // an event whose first record was dropped has no key
    let torn = collected.events.iter().filter(|event| event.missing().contains(&Missing::Opener));
    let received: u64 =
        collected.ours().chain(torn).map(|event| event.records().len() as u64).sum();
    let [loss] = &collected.losses[..] else { panic!("one loss, not {:?}", collected.losses) };
    assert_eq!((loss.cause(), loss.unit()), (&Cause::SocketOverrun, Unit::Records));
    let Count::Exactly(lost) = loss.count() else { panic!("{loss:?}") };
    println!("  made {}, received {received}, reported {lost}", made * RECORDS);
    assert_eq!(received + lost, made * RECORDS);
    assert!(received > 0 && lost > 0);

    kernel.run_helper(&["storm", "5"]);
    let mut after = Collected::default();
    after.collect(&mut events, Duration::from_secs(3));
    rules.remove().expect("the rules are loaded");
    assert_eq!(after.ours().count(), 5, "the stream continues");
    assert_eq!(after.losses, []);
    assert!(after.ours().all(|event| event.missing().is_empty()));
}

pub(crate) fn stalled_stream(kernel: &KernelLock) {
    let observer = Receiver::observer().receive_buffer(32 * 1024).open().expect("an observer");
    let rules = watch_getppid(kernel);
    let made = 2_000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let collected = runtime.expect("a runtime").block_on(async {
        let mut stream = EventStream::new(observer).expect("a stream");
        kernel.run_helper(&["storm", &made.to_string()]); // the stream is not polled meanwhile
        wait_until_sent();
        let mut collected = Collected::default();
        // as in a program that has other work: each wait is cancelled after a moment
        let mut silences = 0;
        while silences < 60 {
            tokio::select! {
                next = stream.next() => match next.expect("the stream continues").expect("no error") {
                    Delivery::Event(event) => collected.events.push(event),
                    Delivery::Loss(loss) => collected.losses.push(loss),
                },
                () = tokio::time::sleep(Duration::from_millis(50)) => silences += 1,
            }
        }
        collected
    });
    rules.remove().expect("the rules are loaded");
    let torn = collected.events.iter().filter(|event| event.missing().contains(&Missing::Opener));
    let received: u64 =
        collected.ours().chain(torn).map(|event| event.records().len() as u64).sum();
    let [loss] = &collected.losses[..] else { panic!("one loss, not {:?}", collected.losses) };
    let Count::Exactly(lost) = loss.count() else { panic!("{loss:?}") };
    println!("  made {}, received {received}, reported {lost}", made * RECORDS);
    assert_eq!(received + lost, made * RECORDS);
    assert!(received > 0 && lost > 0);
}

pub(crate) fn stalled_daemon(kernel: &KernelLock) {
    let daemon = Receiver::daemon().receive_buffer(32 * 1024).open().expect("the place is free");
    let mut events = Events::new(daemon);
    let rules = watch_getppid(kernel);
    let made = 2_000;
    let mut helper = kernel.start_helper(&["storm", &made.to_string()]);
    sleep(Duration::from_millis(500)); // the receiver does not read meanwhile
    let mut collected = Collected::default();
    collected.collect(&mut events, Duration::from_secs(3));
    assert!(helper.wait().expect("it ends").success());
    collected.collect(&mut events, Duration::from_secs(3));
    rules.remove().expect("the rules are loaded");
    assert_eq!(collected.losses, []);
    assert_eq!(collected.ours().count(), made);
    assert!(collected.ours().all(|event| event.missing().is_empty()));
    let flushes = collected
        .events
        .iter()
        .filter_map(|event| match event.kind() {
            EventKind::User(message) => message.op().map(|op| op.into_owned()),
            _ => None,
        })
        .filter(|op| op == b"auditlink:flush")
        .count();
    println!("  {made} events received, after {flushes} flushes");
    assert!(flushes > 0, "the kernel had to be woken up");

    let (receiver, _) = events.into_parts();
    receiver.close().expect("it unregisters");
    assert_eq!(control().status().expect("a status").pid, 0);
}

pub(crate) fn spoofed(kernel: &KernelLock) {
    for (name, receiver) in [
        ("daemon", Receiver::daemon().open().expect("the place is free")),
        ("observer", Receiver::observer().open().expect("an observer")),
    ] {
        let port = receiver.port().expect("a port").to_string();
        let mut events = Events::new(receiver);
        kernel.run_helper(&["spoof", &port]);
        let mut collected = Collected::default();
        collected.collect(&mut events, Duration::from_millis(500));
        assert_eq!(events.stats().refused, 1, "{name}");
        let forged = collected.events.iter().flat_map(|event| event.records());
        assert_eq!(forged.filter(|record| record.field("forged").is_some()).count(), 0, "{name}");
        assert_eq!(collected.losses, [], "{name}");
    }
    assert_eq!(control().status().expect("a status").pid, 0, "a dropped daemon unregisters");
}

pub(crate) fn truncated(kernel: &KernelLock) {
    let observer = Receiver::observer().record_size(1024).open().expect("an observer");
    let mut events = Events::new(observer);
    let text = format!("op=long {}", "x".repeat(4_000));
    kernel.run_helper(&["say", &text]);
    let mut collected = Collected::default();
    collected.collect(&mut events, Duration::from_millis(300));
    let [loss] = &collected.losses[..] else { panic!("one loss, not {:?}", collected.losses) };
    assert_eq!((loss.cause(), loss.unit()), (&Cause::Truncated, Unit::Bytes));
    let Count::Exactly(lacking) = loss.count() else { panic!("{loss:?}") };
    assert!((3_000..4_000).contains(&lacking), "{loss}");
    let cut =
        collected.events.iter().find(|event| !event.missing().is_empty()).expect("the record");
    assert_eq!(cut.missing(), [Missing::Tails(1)]);
    let length = cut.records().next().expect("a record").text().len() as u64;
    assert_eq!(length, 1024 - 16);
    println!("  {length} bytes received, {lacking} reported");
}

pub(crate) fn replay(kernel: &KernelLock) {
    let path = kernel.path("live.pcap");
    let observer = Receiver::observer().receive_buffer(32 * 1024).open().expect("an observer");
    let tee = Tee::new(observer, Writer::create(&path).expect("a file"));
    let mut events = Events::new(tee);
    let rules = watch_getppid(kernel);
    kernel.run_helper(&["storm", "10", "b32"]);
    kernel.run_helper(&["storm", "1000"]);
    wait_until_sent(); // the kernel's thread may run only when this one waits
    let mut live = Vec::new();
    loop {
        match events.next_timeout(Duration::from_secs(3)) {
            Ok(Next::Item(delivery)) => live.push(delivery),
            Ok(Next::Idle | Next::Ended) => break,
            Err(error) => panic!("{error:?}"),
        }
    }
    rules.remove().expect("the rules are loaded");
    let (tee, _) = events.into_parts();
    drop(tee.into_parts().1.finish().expect("it is written"));
    assert!(live.iter().any(|delivery| matches!(delivery, Delivery::Loss(_))), "an overrun");

    let replayed: Vec<Delivery> = Events::new(Reader::open(&path).expect("a capture"))
        .collect::<Result<_, _>>()
        .expect("it is whole");
    let shape = |delivery: &Delivery| match delivery {
        Delivery::Event(event) => {
            format!("{} {:?}", event.id(), event.records().collect::<Vec<_>>())
        }
        Delivery::Loss(loss) => loss.to_string(),
    };
    // an event that the window closed live may be closed by the end of the file
    let sorted = |deliveries: &[Delivery]| {
        let mut lines: Vec<String> = deliveries.iter().map(shape).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&replayed), sorted(&live));
}
