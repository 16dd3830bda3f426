//! The command line.

use std::path::PathBuf;

use auditlink::{ByteStr, Event};

use crate::format::Format;

pub(crate) const USAGE: &str = "\
usage: dump [--demo | --capture FILE.pcap | --log FILE | --observer | --daemon]
            [--format text|json|log|none] [--key K]... [--count N] [--for SECONDS]
            [--write FILE.pcap]

  --demo          replay a capture that is compiled in
  --capture FILE  replay a capture
  --log FILE      read a log of auditd, raw or enriched; - is the standard input
  --observer      read along with others, changing nothing (default; needs CAP_AUDIT_READ)
  --daemon        be the audit daemon (needs CAP_AUDIT_CONTROL)
  --format        how to show events and losses (default text)
  --key K         show events of rules with this key only; losses are always shown
  --count N       stop after N events
  --for SECONDS   stop after a time
  --write FILE    record what comes as a capture";

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
    /// Tells whether lines come from the standard input, where the next may be long in coming.
    pub(crate) fn is_pipe(&self) -> bool {
        matches!(self, Self::Log(path) if path.as_os_str() == "-")
    }

    /// Tells whether it is the kernel, which has no end of its own.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Observer | Self::Daemon)
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) input: Input,
    pub(crate) format: Format,
    pub(crate) keys: Vec<String>,
    pub(crate) count: Option<u64>,
    pub(crate) seconds: Option<u64>,
    pub(crate) write: Option<PathBuf>,
}

impl Options {
    /// Reads the words of the command line, without the program's name.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words = words;
        let mut input = None;
        let mut options = Self {
            input: Input::Observer,
            format: Format::Text,
            keys: Vec::new(),
            count: None,
            seconds: None,
            write: None,
        };
        while let Some(option) = words.next() {
            let mut argument =
                || words.next().ok_or_else(|| format!("{option} needs something behind it"));
            let mut choose = |choice| match input.replace(choice) {
                None => Ok(()),
                Some(_) => Err(format!("{option}: choose one source of events")),
            };
            match option.as_str() {
                "--demo" => choose(Input::Demo)?,
                "--observer" => choose(Input::Observer)?,
                "--daemon" => choose(Input::Daemon)?,
                "--capture" => choose(Input::Capture(argument()?.into()))?,
                "--log" => choose(Input::Log(argument()?.into()))?,
                "--format" => options.format = argument()?.parse()?,
                "--key" => options.keys.push(argument()?),
                "--count" => options.count = Some(number(&option, &argument()?)?),
                "--for" => options.seconds = Some(number(&option, &argument()?)?),
                "--write" => options.write = Some(argument()?.into()),
                _ => return Err(format!("{option} is no option")),
            }
        }
        if let Some(input) = input {
            options.input = input;
        }
        if options.seconds.is_some() && !options.input.is_live() {
            return Err("--for is for a live kernel: a file has its own end".to_owned());
        }
        match (&options.input, &options.write) {
            (Input::Capture(from) | Input::Log(from), Some(to)) if from == to => {
                Err("--write would empty the file that is read".to_owned())
            }
            _ => Ok(options),
        }
    }

    /// Tells whether an event is to be shown.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let has = |key: &ByteStr<'_>| self.keys.iter().any(|wanted| wanted.as_bytes() == *key);
        self.keys.is_empty() || event.keys().iter().any(has)
    }
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{option} needs a number, not {text:?}"))
}
