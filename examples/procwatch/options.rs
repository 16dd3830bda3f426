//! The command line.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: procwatch [--observer | --daemon | --capture FILE.pcap | --log FILE]
                 [--json | --tree] [--exe PROGRAM]... [--for SECONDS]

Tells of every process that is created, runs a program, and ends: a line each.

  --daemon        be the audit daemon: the kernel keeps records when we are slow
  --observer      read along with the audit daemon
                  (default: daemon if the place is free, else observer)
  --capture FILE  what a capture tells, by its records alone
  --log FILE      what a log of auditd tells
  --json          an object a line: type is fork, exec, exit or loss
  --tree          draw the tree of what was seen, at the end
  --exe PROGRAM   have the kernel record processes that run this program only
  --for SECONDS   stop after a time

Live, it turns auditing on and loads rules with the key procwatch; at the end, also by Ctrl-C or
SIGTERM, everything is as before. As the daemon it loses nothing: if nobody reads its output, the
kernel makes processes wait. It exits with 3 if something is, or may be, missing.";

/// Where records come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Daemon,
    Observer,
    /// The daemon's place if it is free.
    Live,
    Capture(PathBuf),
    Log(PathBuf),
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Lines,
    Json,
    Tree,
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) input: Input,
    pub(crate) form: Form,
    pub(crate) programs: Vec<String>,
    pub(crate) seconds: Option<u64>,
}

impl Options {
    /// Reads the words of the command line, without the program's name; `None` asks for help.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut input, mut form) = (None, None);
        let (mut programs, mut seconds) = (Vec::new(), None);
        while let Some(option) = words.next() {
            let mut argument =
                || words.next().ok_or_else(|| format!("{option} needs something behind it"));
            let chosen = match option.as_str() {
                "--daemon" => input.replace(Input::Daemon).is_some(),
                "--observer" => input.replace(Input::Observer).is_some(),
                "--capture" => input.replace(Input::Capture(argument()?.into())).is_some(),
                "--log" => input.replace(Input::Log(argument()?.into())).is_some(),
                "--json" => form.replace(Form::Json).is_some(),
                "--tree" => form.replace(Form::Tree).is_some(),
                "--exe" => {
                    programs.push(argument()?);
                    false
                }
                "--for" => {
                    let text = argument()?;
                    let number = text.parse().map_err(|_| format!("--for: {text} is no number"))?;
                    seconds.replace(number).is_some()
                }
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("{option} is no option")),
            };
            if chosen {
                return Err(format!("{option}: choose one"));
            }
        }
        let options = Self {
            input: input.unwrap_or(Input::Live),
            form: form.unwrap_or(Form::Lines),
            programs,
            seconds,
        };
        if !options.is_live() && (options.seconds.is_some() || !options.programs.is_empty()) {
            return Err("--for and --exe are for a live kernel".to_owned());
        }
        Ok(Some(options))
    }

    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.input, Input::Daemon | Input::Observer | Input::Live)
    }
}
