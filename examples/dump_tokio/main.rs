//! The twin of `dump` on tokio: the same command line, the same output.
//!
//! ```text
//! dump_tokio [--demo | --capture FILE.pcap | --log FILE | --observer | --daemon]
//!            [--format text|json|log|none] [--key K]… [--count N] [--for SECONDS] [--write FILE.pcap]
//! ```

#[path = "../dump/failure.rs"]
mod failure;
#[path = "../dump/format.rs"]
mod format;
#[path = "../dump/options.rs"]
mod options;
#[path = "../dump/origin.rs"]
mod origin;
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
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            let usage = options::USAGE.replacen("usage: dump", "usage: dump_tokio", 1);
            eprintln!("dump_tokio: {message}\n\n{usage}");
            return ExitCode::from(2);
        }
    };
    let run = || -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(run(&options))
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS // whoever read our output has enough
        }
        Err(failure) => {
            eprintln!("dump_tokio: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    // a signal before this ends the program, which has nothing to give back yet
    let stop = if options.input.is_live() { Some(Stop::new()?) } else { None };
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

/// Writes what is left of a capture.
fn finish<S: Source, W: io::Write>(tee: capture::Tee<S, W>) -> Result<(), Failure> {
    tee.into_parts().1.finish()?;
    Ok(())
}

/// How often the output is flushed.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// Runs the stream to its end, or until somebody wants it to stop.
async fn dump<S: Finish>(
    mut stream: EventStream<S>,
    options: &Options,
    stop: Option<Stop>,
) -> Result<S, Failure> {
    let mut tally = Tally::default();
    let printer = Printer::new(options.format, options.input.is_live());
    let mut output = BufWriter::new(io::stdout().lock());
    let is_live = stop.is_some();
    let mut flush = interval(FLUSH_INTERVAL);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let over = over(stop, options.seconds.map_or(Duration::MAX, Duration::from_secs));
    tokio::pin!(over);

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
            () = &mut over, if !stopping => {
                stopping = true;
                stream.source_mut().finish()?;
            }
            _ = flush.tick() => output.flush()?,
            // whatever else is chosen, this one has lost nothing
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

/// SIGINT, SIGTERM and SIGHUP: a daemon that dies leaves its place to a stranger.
struct Stop([Signal; 3]);

impl Stop {
    fn new() -> io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }
}

/// Waits for one of the signals, or for so long; forever if there is no end but the source's own.
async fn over(stop: Option<Stop>, time: Duration) {
    let Some(Stop([mut interrupt, mut terminate, mut hangup])) = stop else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        () = sleep(time) => {}
    }
}
