//! Watching the running kernel.

use std::time::{Duration, Instant};

use auditlink::event::Completeness;
use auditlink::iter::Next;
use auditlink::monitor::{MonitorKind, ProcessMonitor};
use auditlink::process::Audited;
use auditlink::receiver::{HeartbeatState, Repair, WatchdogConfig};
use auditlink::rule::process_lifecycle;
use auditlink::{Control, Error, ErrorKind, Processes, Pump, Receiver, RuleSet, Settings};

use crate::Printer;
use crate::failure::Failure;
use crate::options::{Input, Options};
use crate::signals::StopSignals;
use crate::stdio;

/// How often the output is flushed and signals are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// How long a heartbeat may take on a machine that is busy with creating processes.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);

/// The key of the rules.
const KEY: &str = "procwatch";

/// Prints process events until a signal or the time limit, then restores settings and rules, also
/// after an error.
pub(crate) fn watch(options: &Options, printer: &mut Printer) -> Result<Completeness, Failure> {
    let stop = StopSignals::block().map_err(|error| Failure::Setup("block signals", error))?;
    // Receive before auditing is turned on, so that no record is missed.
    let (receiver, is_daemon) = open(&options.input)?;
    let monitor = ProcessMonitor::builder().open()?;
    if let Some(refusal) = monitor.refusal() {
        let delay = match monitor.kind() {
            MonitorKind::Pidfd => "",
            _ => " up to a second late and",
        };
        stdio::warn(format_args!("warning: {refusal:?}"));
        stdio::warn(format_args!(
            "warning: exits by signal are reported{delay} without their reason, and threads may be \
             reported as unconfirmed processes"
        ));
    }
    let mut control = Control::open()?;
    // The settings belong to the audit daemon if another process is registered.
    let settings = if is_daemon { Settings::lossless() } else { Settings::new() };
    let former = control.configure(&settings.enabled(true))?;
    let result = with_rules(options, printer, (&stop, &mut control), receiver, monitor);
    let restored = control.configure(&former);
    let completeness = result?;
    restored?;
    Ok(completeness)
}

fn open(input: &Input) -> Result<(Receiver, bool), Error> {
    if *input == Input::Observer {
        return Ok((Receiver::observer().open()?, false));
    }
    match Receiver::daemon().open() {
        Ok(receiver) => Ok((receiver, true)),
        Err(error)
            if *input == Input::Live
                && matches!(error.kind(), ErrorKind::AlreadyRegistered { .. }) =>
        {
            stdio::warn(format_args!("procwatch: {error}: continuing as an observer"));
            Ok((Receiver::observer().open()?, false))
        }
        Err(error) => Err(error),
    }
}

fn rules(options: &Options) -> Result<RuleSet, auditlink::rule::RuleError> {
    let mut rules = RuleSet::default();
    for program in &options.programs {
        rules.extend(process_lifecycle().exe(program).key(KEY).for_both_abis()?);
    }
    if options.programs.is_empty() {
        rules.extend(process_lifecycle().key(KEY).for_both_abis()?);
    }
    Ok(rules)
}

#[expect(clippy::disallowed_methods, reason = "a program may read the clock")]
fn with_rules(
    options: &Options,
    printer: &mut Printer,
    (stop, control): (&StopSignals, &mut Control),
    mut receiver: Receiver,
    monitor: ProcessMonitor,
) -> Result<Completeness, Failure> {
    let rules = rules(options).map_err(Error::from)?;
    control.delete_rules_by_key(KEY)?; // of a predecessor that was killed
    let installed = control.apply(&rules)?; // a guard: dropping it removes the rules
    let watchdog =
        WatchdogConfig::new().reapply_rules(Repair::Always).heartbeat_timeout(HEARTBEAT_TIMEOUT);
    if receiver.watch(&watchdog)? == HeartbeatState::Refused {
        stdio::warn(format_args!(
            "warning: CAP_AUDIT_WRITE is missing: no heartbeat shows whether records still arrive"
        ));
    }
    let config = monitor.tracker_config().unrecorded(options.programs.is_empty());
    // the output may not be read for a while: threads receive meanwhile
    let mut processes = Processes::watch_pump(Pump::builder(receiver), monitor, config)?;
    warn_of_unaudited(&processes);

    let started = Instant::now();
    let end = options.seconds.map(Duration::from_secs);
    let mut installed = Some(installed);
    let mut wake = Duration::ZERO;
    loop {
        if started.elapsed() >= wake {
            printer.flush()?;
            wake = started.elapsed() + CHECK_INTERVAL;
            let is_stopping = stop.is_pending() || end.is_some_and(|end| started.elapsed() >= end);
            if let Some(installed) = installed.take_if(|_| is_stopping) {
                installed.remove()?;
                processes.source_mut().finish();
            }
        }
        match processes.next_timeout(CHECK_INTERVAL)? {
            Next::Item(event) => printer.write(event)?,
            Next::Idle => {}
            Next::Ended => break,
        }
    }
    let running = processes.tracker().processes().filter(|process| process.audited == Audited::Yes);
    stdio::warn(format_args!("{} still running", count(running.count(), "observed process")));
    Ok(processes.lifecycle_completeness())
}

/// Warns of the processes whose system calls are not recorded.
fn warn_of_unaudited(processes: &Processes<Pump>) {
    let mut unaudited: Vec<u32> = processes
        .tracker()
        .processes()
        .filter(|process| process.audited != Audited::Yes)
        .map(|process| process.pid())
        .collect();
    if unaudited.is_empty() {
        return;
    }
    unaudited.sort_unstable();
    let pids: Vec<String> = unaudited.iter().map(ToString::to_string).collect();
    stdio::warn(format_args!(
        "warning: {} started, or may have started, before auditing was enabled; only their exits and \
         their children are reported (boot with audit=1 to cover them): {}",
        count(unaudited.len(), "process"),
        pids.join(" ")
    ));
}

/// Returns a count with its noun, which ends in "process".
fn count(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "es" })
}
