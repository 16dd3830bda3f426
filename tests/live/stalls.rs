//! Consumers that stop reading: how long the host and the library may block.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use auditlink::event::CauseKind;
use auditlink::iter::Overflow;
use auditlink::{Events, Pump, Receiver, Rule, RuleSet, Settings};

use crate::faults::{Harvest, RECORDS, SMALL, report, watch_getppid};
use crate::kernel_lock::{KEY, KernelLock, control, count_of};

/// A wait time of one second at HZ=250.
const WAIT: u32 = 250;

/// The helper's storm, which blocks while no receiver reads.
fn storm(kernel: &KernelLock, made: u64) -> std::process::Child {
    let child = kernel.start_helper(&["timed", &made.to_string()]);
    sleep(Duration::from_millis(400));
    child
}

fn longest(child: std::process::Child) -> Duration {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    Duration::from_micros(count_of(&String::from_utf8_lossy(&output.stdout), "longest"))
}

pub(crate) fn close_never_hangs(kernel: &KernelLock) {
    let rules = watch_getppid(kernel);
    control()
        .configure(&Settings::new().backlog_limit(64).backlog_wait_time(WAIT))
        .expect("good values");
    let daemon = Receiver::daemon().receive_buffer(SMALL).open().expect("the place is free");
    let child = storm(kernel, 3_000);
    // a request may wait in the kernel, but only for a limited time
    let start = Instant::now();
    let status = control().status().expect("a status");
    let asked = start.elapsed();
    let start = Instant::now();
    daemon.close().expect("it is the daemon");
    let closed = start.elapsed();
    println!(
        "  queue {}/{}: status in {asked:?}, closed in {closed:?}",
        status.backlog, status.backlog_limit
    );
    assert!(closed < Duration::from_secs(5) && asked < Duration::from_secs(5));
    assert_eq!(control().status().expect("a status").pid, 0);
    println!("  longest call {:?}", longest(child));

    // a daemon that is dropped, as when an error ends the program
    let daemon = Receiver::daemon().receive_buffer(SMALL).open().expect("the place is free");
    let child = storm(kernel, 3_000);
    let start = Instant::now();
    drop(daemon);
    println!("  dropped in {:?}, longest call {:?}", start.elapsed(), longest(child));
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_eq!(control().status().expect("a status").pid, 0);

    // a pump whose queue is full, and whose thread waits for room
    let daemon = Receiver::daemon().receive_buffer(SMALL).open().expect("the place is free");
    let pump = Pump::builder(daemon).queue_bytes(4_096).start().expect("a thread");
    let child = storm(kernel, 3_000);
    let start = Instant::now();
    pump.close().expect("it is the daemon");
    println!("  pump closed in {:?}, longest call {:?}", start.elapsed(), longest(child));
    assert_eq!(control().status().expect("a status").pid, 0);
    rules.remove().expect("the rules are loaded");
}

/// With the policy to drop, the host never waits; with the one to block, no call waits for longer
/// than the wait time, and nothing is lost.
pub(crate) fn what_the_host_waits(kernel: &KernelLock) {
    let rules = watch_getppid(kernel);
    control()
        .configure(&Settings::new().backlog_limit(64).backlog_wait_time(WAIT))
        .expect("good values");
    let made = 5_000;
    for overflow in [Overflow::DropNewest, Overflow::Block] {
        kernel.drain();
        let daemon = Receiver::daemon().receive_buffer(SMALL).open().expect("the place is free");
        let pump = Pump::builder(daemon).queue_bytes(128 * 1024).overflow(overflow);
        let mut events = Events::new(pump.start().expect("a thread"));
        let mut child = kernel.start_helper(&["timed", &made.to_string()]);
        sleep(Duration::from_millis(300)); // the consumer does nothing meanwhile
        let is_waiting = child.try_wait().expect("it runs").is_none();
        let mut harvest = Harvest::default();
        harvest.collect(&mut events, Duration::from_secs(1));
        let longest = longest(child);
        let (harvest, stats) = harvest.finish(events);
        let reported =
            format!("{} records dropped by the queue: exact", stats.total(CauseKind::QueueFull));
        let name = format!("consumer stops for 0.3 s, {overflow:?}");
        report(&name, made, &harvest, &stats, &reported);
        println!("  {overflow:?}: longest call {longest:?}, storm waited: {is_waiting}");
        // one tick and the scheduler's share on top of the wait time
        assert!(longest < Duration::from_millis(1_500), "{longest:?}");
        match overflow {
            Overflow::DropNewest => {
                assert!(stats.total(CauseKind::QueueFull) > 0, "{stats:?}");
                assert_eq!(
                    harvest.records + stats.total(CauseKind::QueueFull),
                    made * RECORDS,
                    "{stats:?}"
                );
            }
            _ => assert_eq!(stats.total(CauseKind::QueueFull), 0),
        }
    }
    rules.remove().expect("the rules are loaded");
}

/// A listing through a buffer that is too small for it: asked for again, and whole in the end, or
/// an error; never short.
pub(crate) fn short_listing(kernel: &KernelLock) {
    let rule = |pid: u32| Rule::on_exit().syscall("getppid").pid(pid).key(KEY).build();
    let many: RuleSet = (0..600).map(|pid| rule(100_000 + pid).expect("a good rule")).collect();
    let installed = control().apply(&many).expect("they are new");
    let helper = kernel.helper();
    let table = kernel.path("strace");
    // the reader sleeps before its first and its third receive call: the first two listings are cut
    for (calls, wanted) in [("1", Some(600)), ("1..9", None)] {
        let output = Command::new("strace")
            .args(["-e", &format!("inject=recvmmsg:delay_enter=1500000:when={calls}"), "-o"])
            .arg(&table)
            .arg(&helper)
            .args(["list", "65536"])
            .output()
            .expect("strace starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let calls = std::fs::read_to_string(&table).expect("a table");
        assert!(calls.contains("ENOBUFS"), "nothing was dropped: {said} {error}");
        let requests = calls.lines().filter(|line| line.contains("sendto(")).count();
        println!(
            "  {} after {requests} requests",
            if said.is_empty() { "an error" } else { said.trim() }
        );
        match wanted {
            Some(rules) => {
                assert_eq!(count_of(&said, "rules"), rules, "{said} {error}");
                assert!(requests > 1, "asked again");
            }
            None => assert!(
                count_of(&said, "rules") == 600 || error.contains("cannot list the audit rules"),
                "{said} {error}"
            ),
        }
    }
    installed.remove().expect("they are loaded");
}

/// The figure: a million audited calls, lossless.
pub(crate) fn million(kernel: &KernelLock) {
    control().configure(&Settings::lossless()).expect("good values");
    let receiver = Receiver::daemon().receive_buffer(32 << 20).open().expect("the place is free");
    let pump = Pump::builder(receiver).queue_bytes(256 << 20).nice(-4).start().expect("as root");
    let mut events = Events::new(pump);
    let rules = watch_getppid(kernel);
    let made = 1_000_000;
    let start = Instant::now();
    let mut child = kernel.start_helper(&["pair", &(made / 2).to_string()]);
    let mut harvest = Harvest::default();
    while child.try_wait().expect("it runs").is_none() {
        harvest.collect(&mut events, Duration::from_millis(100));
    }
    let (harvest, stats) = harvest.finish(events);
    let seconds = start.elapsed().as_secs_f64();
    rules.remove().expect("the rules are loaded");
    report("none, a million calls, lossless profile", made, &harvest, &stats, "nothing");
    println!("  {} records in {seconds:.1} s", stats.records);
    assert_eq!((harvest.whole, harvest.losses.len()), (made, 0));
    assert!(stats.completeness().is_complete());
}
