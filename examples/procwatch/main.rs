//! Tells of every process that is created, runs a program, and ends, live or from a capture.
//!
//! ```text
//! procwatch [--observer | --daemon | --capture FILE.pcap | --log FILE]
//!           [--json | --tree] [--exe PROGRAM]… [--for SECONDS]
//! ```
//!
//! Changes go to stdout; what could not be seen, and the counts
//! `forks=N execs=N exits=N losses=N`, go to stderr.

#[path = "../dump/failure.rs"]
mod failure;
mod live;
mod options;
#[path = "../dump/signals.rs"]
mod signals;
mod tree;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use auditlink::process::{Exec, ProcessEvent};
use auditlink::{Processes, Source, capture, log};

use self::failure::Failure;
use self::options::{Form, Input, Options};
use self::tree::Tree;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("procwatch: {message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut printer = Printer::new(options.form);
    let result = match &options.input {
        Input::Capture(path) => capture::Reader::open(path)
            .map_err(Failure::from)
            .and_then(|reader| replay(reader, &mut printer)),
        Input::Log(path) => log::Reader::open(path)
            .map_err(Failure::from)
            .and_then(|reader| replay(reader, &mut printer)),
        Input::Daemon | Input::Observer | Input::Live => live::watch(&options, &mut printer),
    };
    let result = result.and_then(|()| printer.finish().map_err(Failure::from));
    match result {
        Ok(()) if printer.losses > 0 => ExitCode::from(3),
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS // whoever read our output has enough
        }
        Err(failure) => {
            eprintln!("procwatch: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Tells what a file tells.
fn replay<S: Source>(source: S, printer: &mut Printer) -> Result<(), Failure> {
    let mut processes = Processes::replay(source);
    for change in &mut processes {
        printer.write(change?)?;
    }
    eprintln!(
        "not seen in a file: who was there before, when processes were started, and most deaths by signal"
    );
    Ok(())
}

/// Writes changes in a form, and counts them.
struct Printer {
    form: Form,
    output: BufWriter<io::StdoutLock<'static>>,
    tree: Tree,
    forks: u64,
    execs: u64,
    exits: u64,
    losses: u64,
}

impl Printer {
    fn new(form: Form) -> Self {
        let output = BufWriter::new(io::stdout().lock());
        Self { form, output, tree: Tree::default(), forks: 0, execs: 0, exits: 0, losses: 0 }
    }

    fn write(&mut self, change: ProcessEvent) -> io::Result<()> {
        match &change {
            ProcessEvent::Fork(_) => self.forks += 1,
            ProcessEvent::Exec(_) => self.execs += 1,
            ProcessEvent::Exit(_) => self.exits += 1,
            ProcessEvent::Loss(gap) => {
                self.losses += 1;
                if self.form == Form::Tree {
                    eprintln!("loss: {gap}");
                }
            }
        }
        match self.form {
            Form::Json => {
                serde_json::to_writer(&mut self.output, &change)?;
                writeln!(self.output)
            }
            Form::Tree => {
                self.tree.add(change);
                Ok(())
            }
            Form::Lines => match time(&change) {
                Some(time) => writeln!(self.output, "{} {change}", time.rfc3339()),
                None => writeln!(self.output, "{:24} {change}", "-"),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.form == Form::Tree {
            self.tree.draw(&mut self.output)?;
        }
        self.flush()?;
        let Self { forks, execs, exits, losses, .. } = self;
        eprintln!("forks={forks} execs={execs} exits={exits} losses={losses}");
        Ok(())
    }
}

/// The kernel's time of a change, where a record tells it.
fn time(change: &ProcessEvent) -> Option<auditlink::time::Timestamp> {
    let event = match change {
        ProcessEvent::Fork(fork) => fork.event,
        ProcessEvent::Exec(Exec { event, .. }) => event.as_ref().map(auditlink::Event::id),
        ProcessEvent::Exit(exit) => exit.event.or(exit.abend),
        ProcessEvent::Loss(_) => None,
    };
    event.map(auditlink::EventId::time)
}
