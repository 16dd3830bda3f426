//! Prints what the kernel's audit system records: live, from a capture or from a log.
//!
//! ```text
//! dump [--demo | --capture FILE | --log FILE | --observer | --daemon]
//!      [--format text|json|log|none] [--key KEY]… [--count N] [--for SECONDS] [--write FILE]
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
#[path = "../support/signals.rs"]
mod signals;
#[path = "../support/stdio.rs"]
mod stdio;
mod tally;
mod text;

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use auditlink::host::Clock;
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

/// How often the output is flushed and signals are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

fn run(options: &Options) -> Result<(), Failure> {
    let stop = if options.input.is_live() { Some(block_signals()?) } else { None };
    // Receive before anything else happens, so that no record is missed.
    let origin = Origin::open(&options.input)?;
    match &options.write {
        None => dump(origin, options, stop.as_ref()).map(drop),
        Some(path) => {
            let tee = capture::Tee::new(origin, capture::Writer::create(path)?);
            let tee = dump(tee, options, stop.as_ref())?;
            tee.into_parts().1.finish()?;
            Ok(())
        }
    }
}

fn block_signals() -> Result<StopSignals, Failure> {
    StopSignals::block().map_err(|error| Failure::Setup("block signals", error))
}

/// Prints deliveries until the source ends, or until a signal or a limit stops it.
fn dump<S: Finish>(source: S, options: &Options, stop: Option<&StopSignals>) -> Result<S, Failure> {
    let mut events = Events::new(source);
    let mut tally = Tally::default();
    let printer = Printer::new(options.format, options.input.is_live());
    let mut output = BufWriter::new(io::stdout().lock());
    let clock = Clock::start();
    let end =
        options.seconds.map(|seconds| clock.now().saturating_add(Duration::from_secs(seconds)));

    let mut outcome = Ok(());
    let mut stopping = false;
    let mut wake = clock.now();
    loop {
        let enough = options.count.is_some_and(|count| tally.shown >= count);
        if enough && stop.is_none() {
            break;
        }
        // Checking for signals is a system call, which is too slow for every event.
        let is_due = stop.is_some() && clock.now() >= wake;
        if is_due {
            output.flush()?;
            wake = clock.now().saturating_add(CHECK_INTERVAL);
        }
        let over = is_due
            && (stop.is_some_and(StopSignals::is_pending)
                || end.is_some_and(|end| clock.now() >= end));
        if (enough || over) && !stopping {
            stopping = true;
            events.source_mut().finish()?;
        }
        match events.next_until(stop.map(|_| wake)) {
            Ok(Some(delivery)) => {
                if tally.count(&delivery, options) {
                    printer.write(&mut output, &delivery)?;
                    if options.input.is_pipe() {
                        output.flush()?;
                    }
                }
            }
            Ok(None) if events.is_ended() => break,
            Ok(None) => {}
            Err(error) => {
                outcome = Err(Failure::Audit(error));
                break;
            }
        }
    }
    output.flush()?;
    tally.report(&events.stats());
    let (source, _) = events.into_parts();
    outcome.map(|()| source)
}
