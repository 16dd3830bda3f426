//! Controls the kernel's audit system, with the options of auditctl(8).
//!
//! ```text
//! auditctl -a|-A|-d LIST,ACTION [-F FIELD] [-S CALL] [-k KEY]
//! auditctl -w|-W PATH [-p rwxa] [-k KEY]
//! auditctl -D [-k KEY] | -l [-k KEY] | -s
//! auditctl -b N | -e 0..2 | -f 0..2 | -r N | --backlog_wait_time N | …
//! auditctl -R FILE|FOLDER [--plan] [--merge] [--coverage] [--apply]
//! ```

use std::io::Write;
use std::process::ExitCode;

use auditlink::control::ApplyMode;
use auditlink::rule::{Command, Ownership, Plan, RulesFile};
use auditlink::wire::status::{FailureMode, FeatureSwitches, Status};
use auditlink::{Control, Error, ErrorKind, MessageType, Rule};

/// Prints a line, unless whoever read our output has enough.
macro_rules! say {
    ($($arguments:tt)*) => {
        if writeln!(std::io::stdout(), $($arguments)*).is_err() {
            std::process::exit(0);
        }
    };
}

const USAGE: &str = "\
usage: auditctl [options]
    -a <l,a>               append a rule to <l>ist with <a>ction
    -A <l,a>               add a rule at the beginning of <l>ist with <a>ction
    --apply                with -R: make the loaded rules those of the file, all or nothing
    -b <backlog>           set how many records the kernel queues
    -d <l,a>               delete a rule
    -D                     delete all rules; with -k those with a key
    -e [0..2]              turn auditing off or on, or lock the configuration
    -f [0..2]              what happens when the kernel cannot record:
                           0 nothing, 1 a line in the kernel's log, 2 panic
    -F f=v                 add a condition; operators =, !=, <, >, <=, >=, &, &=
    -c                     in a file: go on after errors, but fail at the end
    -C f=f                 compare two fields; operators =, !=
    -h                     this help
    -i                     in a file: go on after errors
    -k <key>               set the key of a rule
    -l                     list the rules; with -k those with a key
    -m text                send a user-space message
    -p [r|w|x|a]           kinds of access to watch
    -q <mount,subtree>     watch a subtree as its mount point is watched
    -r <rate>              limit the records a second; 0 for no limit
    -R <file>              read rules from a file or folder
    -s                     show the status
    -S <calls>             system calls, by name or number
    -t                     drop watches of trees that are gone
    -v                     show the version
    -w <path>              watch a path
    -W <path>              stop watching a path
    --backlog_wait_time    set how long to wait for room in the queue
    --coverage             with -R: show which calls the rules watch, and what is odd; load nothing
    --loginuid-immutable   let no process change its login user once it is set
    --merge                with -R: join rules that differ in their calls only; load nothing
    --plan                 with -R: show what loading would change; load nothing
    --reset-lost           reset the counter of lost records
    --reset_backlog_wait_time_actual
                           reset the time that processes waited";

fn main() -> ExitCode {
    let (extras, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| EXTRAS.contains(&word.as_str()));
    match words.first().map(String::as_str) {
        None => {
            say!("{USAGE}");
            return ExitCode::from(1);
        }
        Some("-h") => {
            say!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if !extras.is_empty() && !words.iter().any(|word| word == "-R") {
        eprintln!("auditctl: {} goes with -R", extras.join(", "));
        return ExitCode::from(255);
    }
    match run(&words, &extras) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("auditctl: {error:?}");
            match error.kind() {
                ErrorKind::NoPermission { .. } => ExitCode::from(4),
                _ if words.iter().any(|word| word == "-R") => ExitCode::from(1),
                _ => ExitCode::from(255),
            }
        }
    }
}

/// What auditctl does not have: other things to do with the rules of a file.
const EXTRAS: &[&str] = &["--apply", "--coverage", "--merge", "--plan"];

fn run(words: &[String], extras: &[String]) -> Result<(), Error> {
    let command = Command::parse(words, &auditlink::host::UserNames::new())?;
    match command {
        Command::Load(path) if !extras.is_empty() => look(&path, extras),
        _ => carry_out(command, &mut Control::open()?),
    }
}

/// Shows what a rules file would do, and does it if `--apply` is among the extras.
fn look(path: &str, extras: &[String]) -> Result<(), Error> {
    let wants = |option: &str| extras.iter().any(|extra| extra == option);
    let file = RulesFile::load(path)?;
    file.tolerated().iter().for_each(|mistake| eprintln!("auditctl: {mistake}"));
    let mut rules = file.rules();
    if wants("--merge") {
        let merged = rules.merged();
        for (rule, origins) in merged.joined() {
            let numbers: Vec<String> =
                origins.iter().map(|index| (index + 1).to_string()).collect();
            say!("# rules {} joined: {rule}", numbers.join(", "));
        }
        rules = merged.rules;
        if extras.len() == 1 {
            rules.iter().for_each(|rule| say!("{rule}"));
        }
    }
    if wants("--coverage") {
        say!("{}", rules.coverage().to_string().trim_end());
        rules.lint().iter().for_each(|lint| say!("{lint}"));
    }
    if wants("--plan") || wants("--apply") {
        let mut control = Control::open()?;
        let plan = rules.plan(&control.rules()?, &Ownership::All);
        plan.to_string().lines().for_each(|line| say!("{line}"));
        if wants("--apply") {
            return apply(&mut control, &plan);
        }
    }
    Ok(())
}

/// Makes the loaded rules those of a file, all or nothing.
fn apply(control: &mut Control, plan: &Plan) -> Result<(), Error> {
    let mut report = control.apply_plan(plan, ApplyMode::AllOrNothing)?;
    if report.is_locked {
        say!("the configuration is locked: nothing was tried");
        std::process::exit(255);
    }
    match report.failed.pop() {
        Some((_, error)) => {
            say!("the rules that were loaded before were put back");
            Err(error)
        }
        None => Ok(()),
    }
}

/// Carries out the lines of a file, one after the other.
fn load(control: &mut Control, path: &str) -> Result<(), Error> {
    let file = RulesFile::load(path)?;
    let (mut goes_on, mut fails_late, mut first_error) = (false, false, None);
    for mistake in file.tolerated() {
        eprintln!("auditctl: {mistake}");
        first_error.get_or_insert_with(|| Error::from(mistake.error.clone()));
    }
    for line in file.lines() {
        match line.command {
            Command::ContinueOnErrors => (goes_on, fails_late) = (true, true),
            Command::IgnoreErrors => (goes_on, fails_late) = (true, false),
            _ => {}
        }
        if let Err(error) = carry_out(line.command.clone(), control) {
            eprintln!("auditctl: {}:{}: {error:?}", line.file, line.number);
            if !goes_on {
                return Err(error);
            }
            first_error.get_or_insert(error);
        }
    }
    first_error.filter(|_| fails_late).map_or(Ok(()), Err)
}

fn carry_out(command: Command, control: &mut Control) -> Result<(), Error> {
    match command {
        Command::Add(rule) => control.add_rule(&rule),
        Command::Delete(rule) => control.delete_rule(&rule),
        Command::DeleteAll { key } => {
            match &key {
                Some(key) => control.delete_rules_by_key(key)?,
                None => control.delete_all_rules()?,
            };
            list(control, key.as_deref())
        }
        Command::List { key } => list(control, key.as_deref()),
        Command::Status => {
            let status = control.status()?;
            show(&status);
            let features = control.features()?;
            let immutable = FeatureSwitches::LOGINUID_IMMUTABLE;
            let locked = features.locked.contains(immutable);
            say!(
                "loginuid_immutable {} {}",
                u8::from(features.on.contains(immutable)),
                if locked { "locked" } else { "unlocked" }
            );
            Ok(())
        }
        Command::Enabled(2) => {
            control.lock()?;
            set(control)
        }
        Command::Enabled(on) => {
            control.set_enabled(on != 0)?;
            set(control)
        }
        Command::Failure(mode) => {
            match FailureMode::new(mode) {
                FailureMode::PANIC => control.panic_on_loss()?,
                mode => control.set_failure(mode)?,
            }
            set(control)
        }
        Command::BacklogLimit(records) => {
            control.set_backlog_limit(records)?;
            set(control)
        }
        Command::RateLimit(records) => {
            control.set_rate_limit(records)?;
            set(control)
        }
        Command::BacklogWaitTime(ticks) => {
            control.set_backlog_wait_time(ticks)?;
            set(control)
        }
        Command::ResetLost => {
            eprintln!("lost: {}", control.reset_lost()?); // where auditctl says it, too
            Ok(())
        }
        Command::ResetBacklogWaitTimeActual => {
            eprintln!("backlog_wait_time_actual: {}", control.reset_backlog_wait_time_actual()?);
            Ok(())
        }
        Command::LoginuidImmutable => {
            let which = FeatureSwitches::LOGINUID_IMMUTABLE;
            control.set_features(which, which)
        }
        Command::Message(text) => control.user_message(MessageType::USER, text),
        Command::MakeEquivalent { mount, subtree } => control.make_equivalent(mount, subtree),
        Command::Trim => control.trim(),
        Command::ContinueOnErrors | Command::IgnoreErrors => Ok(()),
        Command::Load(path) => load(control, &path),
        Command::Version => {
            say!("auditctl version {} (auditlink)", env!("CARGO_PKG_VERSION"));
            Ok(())
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
        say!("No rules");
    }
    for rule in rules {
        say!("{rule}");
    }
    Ok(())
}

fn show(status: &Status) {
    say!("enabled {}", status.enabled.number());
    say!("failure {}", status.failure.number());
    say!("pid {}", status.pid);
    say!("rate_limit {}", status.rate_limit);
    say!("backlog_limit {}", status.backlog_limit);
    say!("lost {}", status.lost);
    say!("backlog {}", status.backlog);
    if let Some(ticks) = status.backlog_wait_time {
        say!("backlog_wait_time {ticks}");
    }
    if let Some(ticks) = status.backlog_wait_time_actual {
        say!("backlog_wait_time_actual {ticks}");
    }
}
