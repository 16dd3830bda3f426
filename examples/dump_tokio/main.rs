//! The same as `dump`, on tokio: the same command line and the same output.
//!
//! ```text
//! dump_tokio [--demo | --capture FILE | --log FILE | --observer | --daemon]
//!            [--format text|json|log|none] [--key KEY]… [--count N] [--for SECONDS]
//!            [--write FILE [--stop-on-write-error]]
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
#[path = "../support/same_file.rs"]
mod same_file;
#[path = "../support/stdio.rs"]
mod stdio;
#[path = "../dump/tally.rs"]
mod tally;
#[path = "../dump/text.rs"]
mod text;

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use auditlink::{EventStream, Source, capture};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

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
        (Origin::Live(live), None) => dump(waiting(*live)?, options, stop).await.1,
        (Origin::Live(live), Some(path)) => {
            let tee = tee(*live, path, options)?;
            finish(dump(waiting(tee)?, options, stop).await)
        }
        (file, None) => dump(EventStream::replay(file), options, stop).await.1,
        (file, Some(path)) => {
            let tee = tee(file, path, options)?;
            finish(dump(EventStream::replay(tee), options, stop).await)
        }
    }
}

type Recorded<S> = capture::Tee<S, BufWriter<File>>;

fn tee<S: Source>(source: S, path: &Path, options: &Options) -> Result<Recorded<S>, Failure> {
    let tee = capture::Tee::new(source, capture::Writer::create(path)?);
    Ok(tee.stop_on_error(options.stop_on_write_error))
}

fn waiting<S: Source + AsFd>(source: S) -> Result<EventStream<S>, Failure> {
    EventStream::new(source).map_err(Failure::Audit)
}

/// Writes the rest of a capture.
fn finish<S: Source>((tee, outcome): (Recorded<S>, Result<(), Failure>)) -> Result<(), Failure> {
    let (_, writer) = tee.into_parts();
    let recorded = writer.finish();
    outcome?;
    recorded?;
    Ok(())
}

/// Prints deliveries until the stream ends, or until a signal or a limit stops it. Returns the source,
/// too, because what was recorded of it may have to be written.
async fn dump<S: Finish>(
    mut stream: EventStream<S>,
    options: &Options,
    stop: Option<StopSignals>,
) -> (S, Result<(), Failure>) {
    let outcome = print(&mut stream, options, stop).await;
    (stream.into_events().into_parts().0, outcome)
}

async fn print<S: Finish>(
    stream: &mut EventStream<S>,
    options: &Options,
    stop: Option<StopSignals>,
) -> Result<(), Failure> {
    let mut tally = Tally::default();
    let printer = Printer::new(options.format, options.input.is_live());
    let mut output = BufWriter::new(io::stdout().lock());
    let is_live = stop.is_some();
    let mut is_flushed = true;
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
            // Cancel safe: no delivery is lost when another branch is taken.
            next = stream.next() => match next {
                Some(Ok(delivery)) => {
                    if tally.count(&delivery, options) {
                        printer.write(&mut output, &delivery)?;
                        is_flushed = false;
                        if options.input.is_pipe() {
                            output.flush()?;
                        }
                    }
                    tally.note_recording_error(stream.source().recording_error());
                }
                Some(Err(error)) => {
                    outcome = Err(Failure::Audit(error));
                    break;
                }
                None => break,
            },
            // The stream waits: the socket is drained, or other tasks have their turn.
            () = std::future::ready(()), if !is_flushed => {
                output.flush()?;
                is_flushed = true;
            }
        }
    }
    output.flush()?;
    tally.report(&stream.stats());
    outcome
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
