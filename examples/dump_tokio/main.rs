//! The same as `dump`, on tokio: the same command line and the same output.
//!
//! ```text
//! dump_tokio [--demo | --capture FILE | --log FILE | --observer | --daemon]
//!            [--format text|json|log|none] [--key KEY]… [--count N] [--for SECONDS] [--write FILE]
//! ```

#[path = "../support/cli.rs"]
mod cli;
#[path = "../support/failure.rs"]
mod failure;
#[path = "../dump/format.rs"]
mod format;
#[path = "../dump/options.rs"]
mod options;
#[path = "../dump/origin.rs"]
mod origin;
#[path = "../support/stdio.rs"]
mod stdio;
#[path = "../dump/tally.rs"]
mod tally;
#[path = "../dump/text.rs"]
mod text;

use std::io::{self, BufWriter, Write as _};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use auditlink::{EventStream, Source, capture};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::failure::Failure;
use self::format::Printer;
use self::options::Options;
use self::origin::{Finish, Origin};
use self::tally::Tally;

fn main() -> ExitCode {
    match Options::parse("dump_tokio") {
        Ok(options) => stdio::exit_code("dump_tokio", start(&options).map(|()| ExitCode::SUCCESS)),
        Err(code) => code,
    }
}

fn start(options: &Options) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Setup("start the tokio runtime", error))?;
    runtime.block_on(run(options))
}

async fn run(options: &Options) -> Result<(), Failure> {
    // A signal that arrives earlier ends the process, which has changed nothing yet.
    let stop = if options.input.is_live() { Some(StopSignals::new()?) } else { None };
    match (Origin::open(&options.input)?, &options.write) {
        (Origin::Live(live), None) => dump(waiting(*live)?, options, stop).await.map(drop),
        (Origin::Live(live), Some(path)) => {
            let tee = capture::Tee::new(*live, capture::Writer::create(path)?);
            finish(dump(waiting(tee)?, options, stop).await?)
        }
        (file, None) => dump(EventStream::replay(file), options, stop).await.map(drop),
        (file, Some(path)) => {
            let tee = capture::Tee::new(file, capture::Writer::create(path)?);
            finish(dump(EventStream::replay(tee), options, stop).await?)
        }
    }
}

fn waiting<S: Source + AsFd>(source: S) -> Result<EventStream<S>, Failure> {
    EventStream::new(source).map_err(Failure::Audit)
}

/// Writes the rest of a capture.
fn finish<S: Source, W: io::Write>(tee: capture::Tee<S, W>) -> Result<(), Failure> {
    tee.into_parts().1.finish()?;
    Ok(())
}

/// How often the output is flushed.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// Prints deliveries until the stream ends, or until a signal or a limit stops it.
async fn dump<S: Finish>(
    mut stream: EventStream<S>,
    options: &Options,
    stop: Option<StopSignals>,
) -> Result<S, Failure> {
    let mut tally = Tally::default();
    let printer = Printer::new(options.format, options.input.is_live());
    let mut output = BufWriter::new(io::stdout().lock());
    let is_live = stop.is_some();
    let mut flush = interval(FLUSH_INTERVAL);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stopped = stopped(stop, options.seconds.map_or(Duration::MAX, Duration::from_secs));
    tokio::pin!(stopped);

    let mut outcome = Ok(());
    let mut stopping = false;
    loop {
        let enough = options.count.is_some_and(|count| tally.shown >= count);
        if enough && !is_live {
            break;
        }
        if enough && !stopping {
            stopping = true;
            stream.source_mut().finish()?;
        }
        tokio::select! {
            biased;
            () = &mut stopped, if !stopping => {
                stopping = true;
                stream.source_mut().finish()?;
            }
            _ = flush.tick() => output.flush()?,
            // Cancel safe: no delivery is lost when another branch is taken.
            next = stream.next() => match next {
                Some(Ok(delivery)) => {
                    if tally.count(&delivery, options) {
                        printer.write(&mut output, &delivery)?;
                        if options.input.is_pipe() {
                            output.flush()?;
                        }
                    }
                }
                Some(Err(error)) => {
                    outcome = Err(Failure::Audit(error));
                    break;
                }
                None => break,
            }
        }
    }
    output.flush()?;
    tally.report(&stream.stats());
    let (source, _) = stream.into_events().into_parts();
    outcome.map(|()| source)
}

/// SIGINT, SIGTERM and SIGHUP.
struct StopSignals([Signal; 3]);

impl StopSignals {
    fn new() -> Result<Self, Failure> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let listen =
            |kind| signal(kind).map_err(|error| Failure::Setup("listen for signals", error));
        let [interrupt, terminate, hangup] = kinds.map(listen);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }
}

/// Completes on a stop signal or after a duration; never for a file, which has an end.
async fn stopped(stop: Option<StopSignals>, duration: Duration) {
    let Some(StopSignals([mut interrupt, mut terminate, mut hangup])) = stop else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        () = sleep(duration) => {}
    }
}
