//! Shows what the kernel's audit system records, live or from a capture.
//!
//! ```text
//! dump [--demo | --capture FILE.pcap | --observer | --daemon] [--format text|json|log|none]
//!      [--key K]… [--count N] [--for SECONDS] [--write FILE.pcap]
//! ```
//!
//! Deliveries go to stdout. The last line on stderr counts them:
//! `events=N records=N losses=N incomplete=N`.

mod format;
mod options;
mod signals;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use auditlink::event::{Event, EventKind, Received};
use auditlink::link::Clock;
use auditlink::time::Tick;
use auditlink::{Control, Delivery, Error, Events, Receiver, Source, capture};

use self::options::{Input, Options};
use self::signals::StopSignals;

/// Recorded on a real kernel; see `PROVENANCE.md` beside it.
const DEMO: &[u8] = include_bytes!("demo.pcap");

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
        Err(Failure::Output(error)) => fail(&format!("cannot write to stdout: {error}")),
        Err(Failure::Audit(error)) => fail(&format!("{error:?}")),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("dump: {message}");
    ExitCode::FAILURE
}

/// How often the output is flushed, and signals are looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What can stop a dump before its time.
#[derive(Debug)]
enum Failure {
    Audit(Error),
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Audit(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A live kernel or a file.
enum Origin {
    Live(Box<Receiver>),
    Demo(Box<capture::Reader<&'static [u8]>>),
    Capture(Box<capture::Reader<File>>),
}

impl Origin {
    fn open(input: &Input) -> Result<Self, Error> {
        Ok(match input {
            Input::Observer => Self::Live(Box::new(Receiver::observer().open()?)),
            Input::Daemon => Self::Live(Box::new(Receiver::daemon().open()?)),
            Input::Demo => Self::Demo(Box::new(capture::Reader::new(DEMO)?)),
            Input::Capture(path) => Self::Capture(Box::new(capture::Reader::open(path)?)),
        })
    }
}

impl Source for Origin {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, Error> {
        match self {
            Self::Live(receiver) => receiver.recv(until),
            Self::Demo(reader) => reader.recv(until),
            Self::Capture(reader) => reader.recv(until),
        }
    }
}

/// A source that can be told to stop: what it has still comes, then its end.
trait Finish: Source {
    fn finish(&mut self) -> Result<(), Error>;
}

impl Finish for Origin {
    fn finish(&mut self) -> Result<(), Error> {
        match self {
            Self::Live(receiver) => receiver.finish(),
            Self::Demo(_) | Self::Capture(_) => Ok(()),
        }
    }
}

impl<W: Write> Finish for capture::Tee<Origin, W> {
    fn finish(&mut self) -> Result<(), Error> {
        self.source_mut().finish()
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopSignals::block()?;
    let live = matches!(options.input, Input::Observer | Input::Daemon);
    // listen before anything else, so that nothing slips between
    let origin = Origin::open(&options.input)?;
    match &options.write {
        None => dump(origin, options, live.then_some(&stop)).map(drop),
        Some(path) => {
            let tee = capture::Tee::new(origin, capture::Writer::create(path)?);
            let tee = dump(tee, options, live.then_some(&stop))?;
            tee.into_parts().1.finish()?;
            Ok(())
        }
    }
}

/// Runs the source to its end, or until somebody wants it to stop.
fn dump<S: Finish>(source: S, options: &Options, stop: Option<&StopSignals>) -> Result<S, Failure> {
    let mut events = Events::new(source);
    let mut tally = Tally::default();
    let mut output = BufWriter::new(io::stdout().lock());
    let lost_counter = stop.map(|_| LostCounter::open());
    if let Some(Ok(total)) = lost_counter.as_ref().map(|counter| counter.first()) {
        events.lost_counter(total);
    }
    let clock = Clock::start();
    let end = options
        .seconds
        .map(|seconds| clock.now().saturating_add(Duration::from_secs(seconds)));

    let mut outcome = Ok(());
    let mut stopping = false;
    let mut wake = clock.now();
    loop {
        let enough = options.count.is_some_and(|count| tally.shown >= count);
        if enough && stop.is_none() {
            break;
        }
        // a look at the signals is a system call: not for every event
        let is_time = stop.is_some() && clock.now() >= wake;
        if is_time {
            output.flush()?;
            wake = clock.now().saturating_add(LOOK_INTERVAL);
        }
        let over = is_time
            && (stop.is_some_and(StopSignals::is_pending)
                || end.is_some_and(|end| clock.now() >= end));
        if (enough || over) && !stopping {
            stopping = true;
            events.source_mut().finish()?;
        }
        match events.next_until(stop.map(|_| wake)) {
            Ok(Some(delivery)) => {
                if tally.count(&delivery, options) {
                    options.format.write(&mut output, &delivery)?;
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
    // losses that only the kernel's counter knows of
    match lost_counter.as_ref().map(LostCounter::read) {
        Some(Ok(total)) => events.lost_counter(total),
        Some(Err(error)) => {
            eprintln!("dump: the kernel's lost counter is not known: {error}");
        }
        None => {}
    }
    if outcome.is_ok() {
        while let Some(delivery) = events.next_until(Some(Tick::ZERO)).unwrap_or(None) {
            if tally.count(&delivery, options) {
                options.format.write(&mut output, &delivery)?;
            }
        }
    }
    output.flush()?;
    tally.report(&events.account());
    let (source, _) = events.into_parts();
    outcome.map(|()| source)
}

/// Reads the kernel's counter of lost records, where this process may.
struct LostCounter {
    first: Result<u32, Error>,
}

impl LostCounter {
    fn open() -> Self {
        Self { first: Self::ask() }
    }

    fn ask() -> Result<u32, Error> {
        Ok(Control::open()?.status()?.lost)
    }

    fn first(&self) -> Result<u32, &Error> {
        self.first.as_ref().copied()
    }

    fn read(&self) -> Result<u32, Error> {
        Self::ask()
    }
}

/// The counts of the last line.
#[derive(Default)]
struct Tally {
    shown: u64,
    records: u64,
    losses: u64,
    incomplete: u64,
    config_changes: u64,
}

impl Tally {
    /// Counts a delivery; tells whether it is to be shown.
    fn count(&mut self, delivery: &Delivery, options: &Options) -> bool {
        match delivery {
            Delivery::Loss(_) => {
                self.losses += 1;
                true
            }
            Delivery::Event(event) if options.wants(event) => {
                if options.count.is_some_and(|count| self.shown >= count) {
                    return false;
                }
                self.shown += 1;
                self.add(event);
                true
            }
            Delivery::Event(_) => false,
        }
    }

    fn add(&mut self, event: &Event) {
        self.records += u64::try_from(event.records().len()).unwrap_or(u64::MAX);
        self.incomplete += u64::from(!event.missing().is_empty());
        self.config_changes += u64::from(matches!(event.kind(), EventKind::Config(_)));
    }

    fn report(&self, account: &auditlink::event::Account) {
        if self.config_changes > 0 {
            eprintln!("config_change={} of the events", self.config_changes);
        }
        if account.refused > 0 {
            eprintln!(
                "refused={} datagrams that the kernel did not send",
                account.refused
            );
        }
        if account.slot_probes > 0 {
            eprintln!(
                "slot_probes={} attempts to take the daemon's place",
                account.slot_probes
            );
        }
        eprintln!(
            "events={} records={} losses={} incomplete={}",
            self.shown, self.records, self.losses, self.incomplete
        );
    }
}
