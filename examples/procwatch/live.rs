//! Watching the kernel at work.

use std::time::{Duration, Instant};

use auditlink::iter::Next;

use auditlink::monitor::{MonitorKind, ProcessMonitor};
use auditlink::process::Audited;
use auditlink::rule::process_lifecycle;
use auditlink::{Control, Error, ErrorKind, Processes, Receiver, RuleSet, Settings};

use crate::Printer;
use crate::failure::Failure;
use crate::options::{Input, Options};
use crate::signals::StopSignals;

/// How often the output is flushed, and signals are looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

const KEY: &str = "procwatch";

/// Watches until it is told to stop, and puts everything back, whatever happens.
pub(crate) fn watch(options: &Options, printer: &mut Printer) -> Result<(), Failure> {
    let stop = StopSignals::block()?;
    // listen first, so that nothing slips between
    let (receiver, is_daemon) = open(&options.input)?;
    let monitor = ProcessMonitor::new().open()?;
    if let Some(refusal) = monitor.refusal() {
        eprintln!("procwatch: {refusal:?}");
        let instead = match monitor.kind() {
            MonitorKind::Pidfd => "deaths by signal are told without their reason",
            _ => "deaths by signal are told up to a second late, without their reason",
        };
        eprintln!("procwatch: {instead}, and threads of programs may be told as unsettled");
    }
    let mut control = Control::open()?;
    // beside another daemon its settings are not ours to change
    let settings = if is_daemon { Settings::lossless() } else { Settings::new() };
    let former = control.configure(&settings.enabled(true))?;
    let result = with_rules(options, printer, (&stop, &mut control), receiver, monitor);
    let restored = control.configure(&former);
    result?;
    restored?;
    Ok(())
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
            eprintln!("procwatch: {error}: reading along with it");
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
    receiver: Receiver,
    monitor: ProcessMonitor,
) -> Result<(), Failure> {
    let rules = rules(options).map_err(Error::from)?;
    let installed = control.apply(&rules)?; // removes its rules when it is dropped, too
    let config = monitor.tracker_config().unrecorded(options.programs.is_empty());
    let mut processes = Processes::watch_with(receiver, monitor, config)?;
    say_unaudited(&processes);

    let started = Instant::now();
    let end = options.seconds.map(Duration::from_secs);
    let mut installed = Some(installed);
    let mut wake = Duration::ZERO;
    loop {
        if started.elapsed() >= wake {
            printer.flush()?;
            wake = started.elapsed() + LOOK_INTERVAL;
            let is_over = stop.is_pending() || end.is_some_and(|end| started.elapsed() >= end);
            if let Some(installed) = installed.take_if(|_| is_over) {
                installed.remove()?;
                processes.source_mut().finish()?;
            }
        }
        match processes.next_timeout(LOOK_INTERVAL)? {
            Next::Item(event) => printer.write(event)?,
            Next::Idle => {}
            Next::Ended => break,
        }
    }
    let left = processes.tracker().processes().filter(|process| process.audited == Audited::Yes);
    eprintln!("{} of those seen live on; completeness={}", left.count(), processes.completeness());
    Ok(())
}

/// Says of whom nothing will be recorded.
fn say_unaudited(processes: &Processes<Receiver>) {
    let mut unaudited: Vec<String> = processes
        .tracker()
        .processes()
        .filter(|process| process.audited != Audited::Yes)
        .map(|process| process.pid().to_string())
        .collect();
    unaudited.sort_by_key(|pid| (pid.len(), pid.clone()));
    if !unaudited.is_empty() {
        eprintln!(
            "not seen: what {} processes do that are, or may be, older than auditing; only that they \
             end, and their children's deeds: {} (boot with audit=1 to have them recorded)",
            unaudited.len(),
            unaudited.join(" ")
        );
    }
}
