//! Prints one line for every fork, exec and exit: live, from a capture or from a log.
//!
//! ```text
//! procwatch [--observer | --daemon | --capture FILE | --log FILE]
//!           [--json | --tree] [--exe PROGRAM]… [--for SECONDS]
//! ```
//!
//! Process events go to standard output. Warnings, whether anything may be missing (`completeness=…`), and
//! the counts `forks=N execs=N exits=N losses=N` go to standard error.

#[path = "../support/cli.rs"]
mod cli;
#[path = "../support/failure.rs"]
mod failure;
mod live;
mod options;
#[path = "../support/same_file.rs"]
mod same_file;
#[path = "../support/signals.rs"]
mod signals;
#[path = "../support/stdio.rs"]
mod stdio;
mod tree;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use auditlink::event::Completeness;
use auditlink::process::{Exec, ProcessEvent};
use auditlink::{Processes, Source, capture, log};

use self::failure::Failure;
use self::options::{Format, Input, Options};
use self::tree::Tree;

/// The exit code if something is, or may be, missing.
const LOSS: u8 = 3;

fn main() -> ExitCode {
    match Options::parse() {
        Ok(options) => stdio::exit_code("procwatch", run(&options)),
        Err(code) => code,
    }
}

fn run(options: &Options) -> Result<ExitCode, Failure> {
    let mut printer = Printer::new(options.format);
    let completeness = match &options.input {
        Input::Capture(path) => replay(capture::Reader::open(path)?, &mut printer)?,
        Input::Log(path) => replay(log::Reader::open(path)?, &mut printer)?,
        Input::Daemon | Input::Observer | Input::Live => live::watch(options, &mut printer)?,
    };
    printer.finish(&completeness)?;
    Ok(if completeness.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(LOSS) })
}

/// Prints the process events of a file.
fn replay<S: Source>(source: S, printer: &mut Printer) -> Result<Completeness, Failure> {
    let mut processes = Processes::replay(source);
    for event in &mut processes {
        printer.write(event?)?;
    }
    stdio::warn(format_args!(
        "warning: a file lacks the processes that ran before it, the start times of processes, and \
         most exits by signal"
    ));
    Ok(processes.lifecycle_completeness())
}

/// Prints process events in a format, and counts them.
struct Printer {
    format: Format,
    output: BufWriter<io::StdoutLock<'static>>,
    tree: Tree,
    forks: u64,
    execs: u64,
    exits: u64,
    losses: u64,
}

impl Printer {
    fn new(format: Format) -> Self {
        let output = BufWriter::new(io::stdout().lock());
        Self { format, output, tree: Tree::default(), forks: 0, execs: 0, exits: 0, losses: 0 }
    }

    fn write(&mut self, event: ProcessEvent) -> io::Result<()> {
        match &event {
            ProcessEvent::Fork(_) => self.forks += 1,
            ProcessEvent::Exec(_) => self.execs += 1,
            ProcessEvent::Exit(_) => self.exits += 1,
            ProcessEvent::Loss(loss) => {
                self.losses += 1;
                if self.format == Format::Tree {
                    stdio::warn(format_args!("loss: {loss}"));
                }
            }
        }
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut self.output, &event)?;
                writeln!(self.output)
            }
            Format::Tree => {
                self.tree.add(event);
                Ok(())
            }
            Format::Lines => match time(&event) {
                Some(time) => writeln!(self.output, "{} {event}", time.rfc3339()),
                None => writeln!(self.output, "{:24} {event}", "-"),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    fn finish(&mut self, completeness: &Completeness) -> io::Result<()> {
        if self.format == Format::Tree {
            self.tree.draw(&mut self.output)?;
        }
        self.flush()?;
        stdio::warn(format_args!("completeness={completeness}"));
        let Self { forks, execs, exits, losses, .. } = self;
        stdio::warn(format_args!("forks={forks} execs={execs} exits={exits} losses={losses}"));
        Ok(())
    }
}

/// Returns the time of the record that reports an event, if there is one.
fn time(event: &ProcessEvent) -> Option<auditlink::time::Timestamp> {
    let id = match event {
        ProcessEvent::Fork(fork) => fork.event,
        ProcessEvent::Exec(Exec { event, .. }) => event.as_ref().map(auditlink::Event::id),
        ProcessEvent::Exit(exit) => exit.event.or(exit.abend),
        ProcessEvent::Loss(_) => None,
    };
    id.map(auditlink::EventId::time)
}
