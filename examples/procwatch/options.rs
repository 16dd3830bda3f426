//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgGroup, Command, value_parser};

use crate::cli;
use crate::same_file::FileId;

const AFTER_HELP: &str = "\
While it runs on the kernel, it turns auditing on and loads rules with the key procwatch. If another
program removes or suppresses them, that is reported as a loss, and removed ones are loaded again. At
the end, also on Ctrl-C or SIGTERM, it restores the settings and removes its rules; after SIGKILL, the
next start removes them.

While its output is not read, it keeps 64 MiB of records. Then, if it is the audit daemon, the kernel
makes processes wait; after minutes, and as an observer at once, records are lost. Each loss that is
detected is reported.

Exit codes:
  0  nothing was missed: the completeness is complete
  1  a failure, which is reported on standard error
  2  a wrong command line
  3  something is, or may be, missing: see the losses and the completeness";

/// Where records come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Daemon,
    Observer,
    /// The audit daemon if no other process is registered, else an observer.
    Live,
    Capture(PathBuf),
    Log(PathBuf),
}

/// The output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Lines,
    Json,
    Tree,
}

/// The options of the command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) input: Input,
    pub(crate) format: Format,
    pub(crate) programs: Vec<String>,
    pub(crate) seconds: Option<u64>,
}

impl Options {
    /// Parses the arguments of the process.
    ///
    /// # Errors
    ///
    /// Returns the exit code after `--help`, `--version`, or a message about a wrong command line.
    pub(crate) fn parse() -> Result<Self, ExitCode> {
        let matches = cli::parse(command())?;
        let path = |option: &str| matches.get_one::<PathBuf>(option).cloned();
        let input = if matches.get_flag("daemon") {
            Input::Daemon
        } else if matches.get_flag("observer") {
            Input::Observer
        } else if let Some(path) = path("capture") {
            Input::Capture(path)
        } else if let Some(path) = path("log") {
            Input::Log(path)
        } else {
            Input::Live
        };
        let file = match &input {
            Input::Capture(path) => FileId::of_path(path),
            Input::Log(path) => FileId::of_input(path),
            Input::Daemon | Input::Observer | Input::Live => None,
        };
        if file.is_some() && file == FileId::of_output() {
            let usage = command().render_usage().to_string();
            return Err(cli::reject("procwatch", "standard output is the input file", &usage));
        }
        let format = match (matches.get_flag("json"), matches.get_flag("tree")) {
            (true, _) => Format::Json,
            (_, true) => Format::Tree,
            _ => Format::Lines,
        };
        Ok(Self {
            input,
            format,
            programs: matches.get_many("exe").unwrap_or_default().cloned().collect(),
            seconds: matches.get_one("for").copied(),
        })
    }
}

fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let option =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    let path = |name| option(name, "FILE").value_parser(value_parser!(PathBuf));
    Command::new("procwatch")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Prints one line for every fork, exec and exit")
        .after_help(AFTER_HELP)
        .args([
            flag("daemon").help("Register as the audit daemon: the kernel queues records"),
            flag("observer").help(
                "Read along with the audit daemon (the default is to be the daemon if no other \
                 process is registered)",
            ),
            path("capture").help("Read a pcap capture instead of the kernel"),
            path("log").help("Read a log of auditd instead of the kernel"),
            flag("json").help("Print one JSON object per line; type is fork, exec, exit or loss"),
            flag("tree").help("Print the process tree at the end, instead of lines"),
            option("exe", "PROGRAM")
                .help("Watch processes that run this program only; may be repeated")
                .action(ArgAction::Append)
                .conflicts_with_all(["capture", "log"]),
            option("for", "SECONDS")
                .help("Stop after a duration")
                .value_parser(value_parser!(u64))
                .conflicts_with_all(["capture", "log"]),
        ])
        .group(ArgGroup::new("input").args(["daemon", "observer", "capture", "log"]))
        .group(ArgGroup::new("format").args(["json", "tree"]))
}
