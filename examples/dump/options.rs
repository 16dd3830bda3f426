//! The command line.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use auditlink::{ByteStr, Event};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Arg, ArgAction, ArgGroup, Command, value_parser};

use crate::cli;
use crate::format::Format;
use crate::same_file::FileId;

const EXIT_CODES: &str = "\
Exit codes:
  0  the input ended, or the program was asked to stop
  1  a failure, which is reported on standard error; also if what is received could not be written
  2  a wrong command line

Losses do not change the exit code. The last two lines on standard error say whether anything is
missing, and count what was shown.";

/// Where events come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Demo,
    Capture(PathBuf),
    Log(PathBuf),
    Observer,
    Daemon,
}

impl Input {
    /// Returns whether lines come from standard input.
    pub(crate) fn is_standard_input(&self) -> bool {
        matches!(self, Self::Log(path) if path.as_os_str() == "-")
    }

    /// Returns whether lines come from a pipe or socket, where the next one may arrive much later.
    pub(crate) fn is_pipe(&self) -> bool {
        matches!(self, Self::Log(_)) && self.file().is_none()
    }

    /// Returns the regular file that is read, if it is one.
    pub(crate) fn file(&self) -> Option<FileId> {
        match self {
            Self::Capture(path) => FileId::of_path(path),
            Self::Log(path) => FileId::of_input(path),
            Self::Demo | Self::Observer | Self::Daemon => None,
        }
    }

    /// Returns whether events come from the running kernel, which never ends by itself.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Observer | Self::Daemon)
    }
}

/// The options of the command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) input: Input,
    pub(crate) format: Format,
    pub(crate) keys: Vec<String>,
    pub(crate) count: Option<u64>,
    pub(crate) seconds: Option<u64>,
    pub(crate) write: Option<PathBuf>,
    pub(crate) stop_on_write_error: bool,
}

impl Options {
    /// Parses the arguments of the process.
    ///
    /// # Errors
    ///
    /// Returns the exit code after `--help`, `--version`, or a message about a wrong command line.
    pub(crate) fn parse(name: &'static str) -> Result<Self, ExitCode> {
        let matches = cli::parse(command(name))?;
        let path = |option: &str| matches.get_one::<PathBuf>(option).cloned();
        let input = if matches.get_flag("demo") {
            Input::Demo
        } else if matches.get_flag("daemon") {
            Input::Daemon
        } else if let Some(path) = path("capture") {
            Input::Capture(path)
        } else if let Some(path) = path("log") {
            Input::Log(path)
        } else {
            Input::Observer
        };
        let options = Self {
            input,
            format: matches.get_one("format").copied().unwrap_or(Format::Text),
            keys: matches.get_many("key").unwrap_or_default().cloned().collect(),
            count: matches.get_one("count").copied(),
            seconds: matches.get_one("for").copied(),
            write: path("write"),
            stop_on_write_error: matches.get_flag("stop-on-write-error"),
        };
        match options.conflict() {
            Some(message) => {
                let usage = command(name).render_usage().to_string();
                Err(cli::reject(name, message, &usage))
            }
            None => Ok(options),
        }
    }

    /// Returns why the options contradict each other, if they do.
    fn conflict(&self) -> Option<&'static str> {
        if self.seconds.is_some() && !self.input.is_live() {
            return Some("--for needs --observer or --daemon: a file has an end");
        }
        let input = self.input.file();
        if input.is_some() && input == FileId::of_output() {
            return Some("standard output is the input file");
        }
        let to = self.write.as_ref()?;
        let written = FileId::of_path(to);
        match &self.input {
            Input::Capture(from) | Input::Log(from) if from == to => Some(OVERWRITES_INPUT),
            _ if written.is_none() => None,
            _ if written == input => Some(OVERWRITES_INPUT),
            _ if [FileId::of_output(), FileId::of_open(io::stderr())].contains(&written) => {
                Some("--write would overwrite the file of standard output or standard error")
            }
            _ => None,
        }
    }

    /// Returns whether an event is shown.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let has = |key: &ByteStr<'_>| self.keys.iter().any(|wanted| wanted.as_bytes() == *key);
        self.keys.is_empty() || event.keys().iter().any(has)
    }
}

const OVERWRITES_INPUT: &str = "--write would overwrite the input file";

fn command(name: &'static str) -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let option =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    let path = |name, value| option(name, value).value_parser(value_parser!(PathBuf));
    let number = |name, value| option(name, value).value_parser(value_parser!(u64));
    let formats = PossibleValuesParser::new(Format::names()).try_map(|word| word.parse::<Format>());
    Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Prints the events and losses of the Linux audit system")
        .after_help(EXIT_CODES)
        .args([
            flag("demo").help("Replay a capture that is compiled in"),
            path("capture", "FILE").help("Replay a pcap capture"),
            path("log", "FILE").help("Read a log of auditd, raw or enriched; - is standard input"),
            flag("observer").help("Read along with other readers (default; needs CAP_AUDIT_READ)"),
            flag("daemon").help("Register as the audit daemon (needs CAP_AUDIT_CONTROL)"),
            option("format", "FORMAT")
                .help("Print in this format, text by default")
                .value_parser(formats),
            option("key", "KEY")
                .help("Show events of rules with this key only, and all losses; may be repeated")
                .action(ArgAction::Append),
            number("count", "N").help("Stop after N events"),
            number("for", "SECONDS").help("Stop after a duration"),
            path("write", "FILE").help("Also write what is received to a pcap capture"),
            flag("stop-on-write-error")
                .help("Stop if that fails, instead of going on without the capture")
                .requires("write"),
        ])
        .group(ArgGroup::new("input").args(["demo", "capture", "log", "observer", "daemon"]))
}
