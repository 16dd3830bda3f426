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
#[expect(clippy::disallowed_methods, reason = "a program may read the clock")]
fn dump<S: Finish>(source: S, options: &Options, stop: Option<&StopSignals>) -> Result<S, Failure> {
    let mut events = Events::new(source);
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
        let next = match stop {
            Some(_) => events.next_timeout(CHECK_INTERVAL),
            None => events.next().transpose().map(Next::from),
        };
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
    let (source, _) = events.into_parts();
    outcome.map(|()| source)
}
