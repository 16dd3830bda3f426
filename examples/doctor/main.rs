//! Reports what would be missed on this machine, and how to fix it.
//!
//! ```text
//! doctor [--json] [--rules FILE|DIRECTORY] [NAME]…
//! ```
//!
//! The names are system calls, or groups of system calls, that must be recorded; `process` by
//! default. The exit code is 1 if something would be missed.

#[path = "../support/cli.rs"]
mod cli;
#[path = "../support/failure.rs"]
mod failure;
#[path = "../support/stdio.rs"]
mod stdio;

use std::io;
use std::process::ExitCode;

use auditlink::RuleSet;
use auditlink::preflight::Preflight;
use clap::{Arg, ArgAction, Command};

use self::failure::Failure;

const AFTER_HELP: &str = "\
Exit codes:
  0  nothing would be missed
  1  something is, or may be, missed
  2  a wrong command line, rules that cannot be read, or output that cannot be written";

struct Options {
    json: bool,
    rules: Option<String>,
    names: Vec<String>,
}

fn main() -> ExitCode {
    let options = match parse() {
        Ok(options) => options,
        Err(code) => return code,
    };
    match examine(&options) {
        Ok((would_miss, text)) => {
            let code = u8::from(would_miss);
            match stdio::write(&text) {
                Err(error) if !error.is_closed_pipe() => fail(&error),
                _ => ExitCode::from(code),
            }
        }
        Err(error) => fail(&error),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    stdio::warn(format_args!("doctor: {failure}"));
    ExitCode::from(2)
}

fn parse() -> Result<Options, ExitCode> {
    let command = Command::new("doctor")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Reports what would be missed on this machine, and how to fix it")
        .after_help(AFTER_HELP)
        .args([
            Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print one JSON object"),
            Arg::new("rules")
                .long("rules")
                .value_name("FILE|DIRECTORY")
                .help("Check these rules instead of the loaded ones"),
            Arg::new("names").value_name("NAME").num_args(0..).default_value("process").help(
                "A system call such as execve, or a group: process, file, network, identity, \
                 module, time",
            ),
        ]);
    let matches = cli::parse(command)?;
    Ok(Options {
        json: matches.get_flag("json"),
        rules: matches.get_one("rules").cloned(),
        names: matches.get_many("names").unwrap_or_default().cloned().collect(),
    })
}

/// Runs the checks; returns whether something would be missed, and the report.
fn examine(options: &Options) -> Result<(bool, String), Failure> {
    let mut preflight = Preflight::new();
    for name in &options.names {
        preflight = preflight.wants(name);
    }
    if let Some(path) = &options.rules {
        preflight = preflight.rules(RuleSet::load(path)?);
    }
    let report = preflight.run();
    let text = if options.json {
        serde_json::to_string(&report).map_err(io::Error::from)? + "\n"
    } else {
        report.to_string()
    };
    Ok((report.would_miss(), text))
}
