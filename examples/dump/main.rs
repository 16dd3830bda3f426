//! Shows what the kernel's audit system records, live, from a capture or from a log.
//!
//! ```text
//! dump [--demo | --capture FILE.pcap | --log FILE | --observer | --daemon]
//!      [--format text|json|log|none] [--key K]… [--count N] [--for SECONDS] [--write FILE.pcap]
//! ```
//!
//! Deliveries go to stdout. The last line on stderr counts them:
//! `events=N records=N losses=N incomplete=N`; the one before says whether anything is missing.

mod failure;
mod format;
mod options;
mod origin;
mod signals;
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
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("dump: {message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS // whoever read our output has enough
        }
        Err(failure) => {
            eprintln!("dump: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// How often the output is flushed, and signals are looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

fn run(options: &Options) -> Result<(), Failure> {
    let stop = if options.input.is_live() { Some(StopSignals::block()?) } else { None };
    // listen before anything else, so that nothing slips between
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

/// Runs the source to its end, or until a signal or an option stops it.
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
        // a look at the signals is a system call: not for every event
        let is_time = stop.is_some() && started.elapsed() >= wake;
        if is_time {
            output.flush()?;
            wake = started.elapsed() + LOOK_INTERVAL;
        }
        let over = is_time
            && (stop.is_some_and(StopSignals::is_pending)
                || end.is_some_and(|end| started.elapsed() >= end));
        if (enough || over) && !stopping {
            stopping = true;
            events.source_mut().finish()?;
        }
        let next = match stop {
            Some(_) => events.next_timeout(LOOK_INTERVAL),
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
