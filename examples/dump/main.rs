//! Prints what the kernel's audit system records: live, from a capture or from a log.
//!
//! ```text
//! dump [--demo | --capture FILE | --log FILE | --observer | --daemon]
//!      [--format text|json|log|none] [--key KEY]… [--count N] [--for SECONDS]
//!      [--write FILE [--stop-on-write-error]]
//! ```
//!
//! Events and losses go to standard output. The last line on standard error counts them,
//! `events=N records=N losses=N incomplete=N`; the line before it says whether anything is missing.

#[path = "../support/cli.rs"]
mod cli;
#[path = "../support/failure.rs"]
mod failure;
mod format;
mod options;
mod origin;
#[path = "../support/same_file.rs"]
mod same_file;
#[path = "../support/signals.rs"]
mod signals;
#[path = "../support/stdio.rs"]
mod stdio;
mod tally;
mod text;

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use auditlink::iter::Next;
use auditlink::{Events, capture};

use self::failure::Failure;
use self::format::Printer;
use self::options::Options;
use self::origin::{Finish, Origin};
use self::signals::StopSignals;
use self::tally::Tally;

fn main() -> ExitCode {
    match Options::parse("dump") {
        Ok(options) => stdio::exit_code("dump", run(&options).map(|()| ExitCode::SUCCESS)),
        Err(code) => code,
    }
}

/// How often the output is flushed under load, and signals are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

fn run(options: &Options) -> Result<(), Failure> {
    let stop = if options.input.is_live() { Some(block_signals()?) } else { None };
    // Receive before anything else happens, so that no record is missed.
    let origin = Origin::open(&options.input)?;
    match &options.write {
        None => dump(origin, options, stop.as_ref()).1,
        Some(path) => {
            let tee = capture::Tee::new(origin, capture::Writer::create(path)?)
                .stop_on_error(options.stop_on_write_error);
            let (tee, outcome) = dump(tee, options, stop.as_ref());
            let (_, writer) = tee.into_parts();
            let recorded = writer.finish();
            outcome?;
            recorded?;
            Ok(())
        }
    }
}

fn block_signals() -> Result<StopSignals, Failure> {
    StopSignals::block().map_err(|error| Failure::Setup("block signals", error))
}

/// Prints deliveries until the source ends, or until a signal or a limit stops it. Returns the source,
/// too, because what was recorded of it may have to be written.
fn dump<S: Finish>(
    source: S,
    options: &Options,
    stop: Option<&StopSignals>,
) -> (S, Result<(), Failure>) {
    let mut events = Events::new(source);
    let outcome = print(&mut events, options, stop);
    (events.into_parts().0, outcome)
}

#[expect(clippy::disallowed_methods, reason = "a program may read the clock")]
fn print<S: Finish>(
    events: &mut Events<S>,
    options: &Options,
    stop: Option<&StopSignals>,
) -> Result<(), Failure> {
    let mut tally = Tally::default();
    let printer = Printer::new(options.format, options.input.is_live());
    let mut output = BufWriter::new(io::stdout().lock());
    let started = Instant::now();
    let end = options.seconds.map(Duration::from_secs);

    let mut outcome = Ok(());
    let mut stopping = false;
    let mut wake = Duration::ZERO;
    loop {
        let enough = options.count.is_some_and(|count| tally.shown >= count);
        if enough && stop.is_none() {
            break;
        }
        // Checking for signals is a system call, which is too slow for every event.
        let is_due = stop.is_some() && started.elapsed() >= wake;
        if is_due {
            output.flush()?;
            wake = started.elapsed() + CHECK_INTERVAL;
        }
        let over = is_due
            && (stop.is_some_and(StopSignals::is_pending)
                || end.is_some_and(|end| started.elapsed() >= end));
        if (enough || over) && !stopping {
            stopping = true;
            events.source_mut().finish()?;
        }
        let mut next = match stop {
            Some(_) => events.try_next(),
            None => events.next().transpose().map(Next::from),
        };
        if let Ok(Next::Idle) = next {
            // the socket is drained
            output.flush()?;
            next = events.next_timeout(CHECK_INTERVAL);
        }
        tally.note_recording_error(events.source().recording_error());
        match next {
            Ok(Next::Item(delivery)) => {
                if tally.count(&delivery, options) {
                    printer.write(&mut output, &delivery)?;
                    if options.input.is_pipe() {
                        output.flush()?;
                    }
                }
            }
            Ok(Next::Idle) => {}
            Ok(Next::Ended) => break,
            Err(error) => {
                outcome = Err(Failure::Audit(error));
                break;
            }
        }
    }
    output.flush()?;
    tally.report(&events.stats());
    outcome
}
