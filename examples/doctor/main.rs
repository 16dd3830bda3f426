//! Tells what would be missed on this machine, and how to mend it.
//!
//! ```text
//! doctor [--json] [--rules FILE|FOLDER] [NAME]…
//! ```
//!
//! The names are calls, or groups of calls, that are wanted; without any, `process` is. It exits
//! with 1 if something would be missed.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use auditlink::RuleSet;
use auditlink::preflight::Preflight;

const USAGE: &str = "\
usage: doctor [--json] [--rules FILE|FOLDER] [NAME]...

  NAME      a call such as execve, or a group of calls: process (default), file,
            network, identity, module, time
  --rules   judge the rules of a file or folder instead of those that are loaded
  --json    one JSON object instead of the tables

It exits with 1 if something is or may be missed, with 2 if it was called wrongly.";

#[derive(Default)]
struct Options {
    json: bool,
    rules: Option<String>,
    wants: Vec<String>,
}

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => options.json = true,
            "--rules" => match words.next() {
                Some(path) => options.rules = Some(path),
                None => return usage("--rules needs a file behind it"),
            },
            "-h" | "--help" => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            word if word.starts_with('-') => return usage(&format!("{word} is no option")),
            _ => options.wants.push(word),
        }
    }
    if options.wants.is_empty() {
        options.wants.push("process".to_owned());
    }
    match examine(&options) {
        Ok(true) => ExitCode::from(1),
        Ok(false) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("doctor: {error:?}");
            ExitCode::from(2)
        }
    }
}

fn usage(message: &str) -> ExitCode {
    eprintln!("doctor: {message}\n\n{USAGE}");
    ExitCode::from(2)
}

/// Looks, and shows what was found; tells whether something would be missed.
fn examine(options: &Options) -> Result<bool, Box<dyn Error>> {
    let mut preflight = Preflight::new();
    for name in &options.wants {
        preflight = preflight.wants(name);
    }
    if let Some(path) = &options.rules {
        preflight = preflight.rules(RuleSet::load(path)?);
    }
    let report = preflight.run();
    let text =
        if options.json { serde_json::to_string(&report)? + "\n" } else { report.to_string() };
    // whoever reads our output may have enough
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(report.would_miss())
}
