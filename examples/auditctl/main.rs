//! Controls the kernel's audit system, with the options of auditctl(8).
//!
//! ```text
//! auditctl -a|-A|-d LIST,ACTION [-F FIELD] [-S CALL] [-k KEY]
//! auditctl -w|-W PATH [-p rwxa] [-k KEY]
//! auditctl -D [-k KEY] | -l [-k KEY] | -s
//! auditctl -b N | -e 0..2 | -f 0..2 | -r N | --backlog_wait_time N
//! ```

use std::process::ExitCode;

use auditlink::rule::Command;
use auditlink::wire::status::{FailureMode, FeatureSwitches, Status};
use auditlink::{Control, Error, ErrorKind, Rule};

const USAGE: &str = "\
usage: auditctl [options]
    -a <l,a>               append a rule to <l>ist with <a>ction
    -A <l,a>               add a rule at the beginning of <l>ist with <a>ction
    -b <backlog>           set how many records the kernel queues
    -d <l,a>               delete a rule
    -D                     delete all rules; with -k those with a key
    -e [0..2]              turn auditing off or on, or lock the configuration
    -f [0..2]              what happens when the kernel cannot record:
                           0 nothing, 1 a line in the kernel's log, 2 panic
    -F f=v                 add a condition; operators =, !=, <, >, <=, >=, &, &=
    -h                     this help
    -k <key>               set the key of a rule
    -l                     list the rules; with -k those with a key
    -p [r|w|x|a]           kinds of access to watch
    -r <rate>              limit the records a second; 0 for no limit
    -s                     show the status
    -S <calls>             system calls, by name or number
    -w <path>              watch a path
    -W <path>              stop watching a path
    --backlog_wait_time    set how long to wait for room in the queue";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        None => {
            println!("{USAGE}");
            return ExitCode::from(1);
        }
        Some("-h") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("auditctl: {error:?}");
            match error.kind() {
                ErrorKind::NoPermission { .. } => ExitCode::from(4),
                _ => ExitCode::from(255),
            }
        }
    }
}

fn run(words: &[String]) -> Result<(), Error> {
    let is_directory = |path: &str| std::path::Path::new(path).is_dir();
    let command = Command::parse(words, is_directory)?;
    let mut control = Control::open()?;
    match command {
        Command::Add(rule) => control.add_rule(&rule),
        Command::Delete(rule) => control.delete_rule(&rule),
        Command::DeleteAll { key } => {
            match &key {
                Some(key) => control.delete_rules_by_key(key)?,
                None => control.delete_all_rules()?,
            };
            list(&mut control, key.as_deref())
        }
        Command::List { key } => list(&mut control, key.as_deref()),
        Command::Status => {
            let status = control.status()?;
            show(&status);
            let features = control.features()?;
            let immutable = FeatureSwitches::LOGINUID_IMMUTABLE;
            let locked = features.locked.contains(immutable);
            println!(
                "loginuid_immutable {} {}",
                u8::from(features.on.contains(immutable)),
                if locked { "locked" } else { "unlocked" }
            );
            Ok(())
        }
        Command::Enabled(2) => {
            control.lock()?;
            set(&mut control)
        }
        Command::Enabled(on) => {
            control.set_enabled(on != 0)?;
            set(&mut control)
        }
        Command::Failure(mode) => {
            control.set_failure(FailureMode::new(mode))?;
            set(&mut control)
        }
        Command::BacklogLimit(records) => {
            control.set_backlog_limit(records)?;
            set(&mut control)
        }
        Command::RateLimit(records) => {
            control.set_rate_limit(records)?;
            set(&mut control)
        }
        Command::BacklogWaitTime(ticks) => {
            control.set_backlog_wait_time(ticks)?;
            set(&mut control)
        }
        other => unreachable!("a command that this example does not know: {other:?}"),
    }
}

/// Shows the status after a setting was changed, as auditctl does.
fn set(control: &mut Control) -> Result<(), Error> {
    show(&control.status()?);
    Ok(())
}

fn list(control: &mut Control, key: Option<&[u8]>) -> Result<(), Error> {
    let wanted = |rule: &Rule| key.is_none_or(|key| rule.keys().any(|other| other == key));
    let rules: Vec<Rule> = control.rules()?.into_iter().filter(wanted).collect();
    if rules.is_empty() {
        println!("No rules");
    }
    for rule in rules {
        println!("{rule}");
    }
    Ok(())
}

fn show(status: &Status) {
    println!("enabled {}", status.enabled.number());
    println!("failure {}", status.failure.number());
    println!("pid {}", status.pid);
    println!("rate_limit {}", status.rate_limit);
    println!("backlog_limit {}", status.backlog_limit);
    println!("lost {}", status.lost);
    println!("backlog {}", status.backlog);
    if let Some(ticks) = status.backlog_wait_time {
        println!("backlog_wait_time {ticks}");
    }
    if let Some(ticks) = status.backlog_wait_time_actual {
        println!("backlog_wait_time_actual {ticks}");
    }
}
