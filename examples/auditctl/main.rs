//! Controls the kernel's audit system, with the options of auditctl(8).
//!
//! ```text
//! auditctl -a|-A|-d LIST,ACTION [-F FIELD] [-S CALL] [-k KEY]
//! auditctl -w|-W PATH [-p rwxa] [-k KEY]
//! auditctl -D [-k KEY] | -l [-k KEY] | -s
//! auditctl -b N | -e 0..2 | -f 0..2 | -r N | --backlog_wait_time N | …
//! auditctl -R FILE|DIRECTORY [--plan] [--merge] [--narrow] [--coverage] [--apply]
//! ```
//!
//! `auditlink::rule::Command` parses the command line, as it parses the lines of a rules file: the
//! order of auditctl's options has a meaning that clap cannot express.

#[path = "../support/failure.rs"]
mod failure;
mod interpret;
mod signal;
#[path = "../support/stdio.rs"]
mod stdio;

use std::process::ExitCode;

use auditlink::control::{ApplyMode, Setting};
use auditlink::host::UserNames;
use auditlink::rule::{Command, Lint, Ownership, Plan, RulesFile};
use auditlink::wire::status::{Enabled, FeatureSwitches, Status};
use auditlink::{Control, Error, ErrorKind, MessageType, Rule, RuleSet, Settings};

use self::failure::Failure;

const USAGE: &str = "\
Usage: auditctl OPTIONS

    -a <l,a>               append a rule to list <l> with action <a>
    -A <l,a>               insert a rule at the beginning of list <l> with action <a>
    --apply                with -R: replace the loaded rules by those of the file, all or nothing,
                           and change the settings that it names
    -b <backlog>           set how many records the kernel queues
    -c                     in a file: continue after errors, but fail at the end
    -C f=f                 compare two fields; operators =, !=
    --coverage             with -R: show which system calls the rules record, and warnings about
                           the rules; load nothing
    -d <l,a>               delete a rule
    -D                     delete all rules; with -k those with a key
    -e [0..2]              turn auditing off or on, or lock the configuration
    -f [0..2]              what the kernel does when it cannot record:
                           0 nothing, 1 print a message, 2 panic
    -F f=v                 add a condition; operators =, !=, <, >, <=, >=, &, &=
    -h, --help             print this help
    -i                     in a file: ignore errors; after -l and -s: interpret numbers
    -k <key>               set the key of a rule
    -l                     list the rules; with -k those with a key
    --loginuid-immutable   let no process change its login user once it is set
    -m text                send a user-space message
    --merge                with -R: merge rules that differ only in their system calls; load nothing
    --narrow               with -R: narrow rules with permissions to the system calls that these
                           match; load nothing
    -p [r|w|x|a]           the kinds of access to watch
    --plan                 with -R: show what loading would change; load nothing
    -q <mount,subtree>     watch a subtree as its mount point is watched
    -r <rate>              limit the records per second; 0 for no limit
    -R <file>              read rules from a file or directory
    -s                     show the status
    -S <calls>             system calls, by name or number
    --signal <signal>      send a signal to the audit daemon: term (stop), hup (reload),
                           usr1 (rotate), usr2 (resume) or cont (state)
    -t                     remove watches on trees that no longer exist
    -v, --version          print the version
    -w <path>              watch a path
    -W <path>              stop watching a path
    --backlog_wait_time    set how long processes wait for room in the queue
    --reset-lost           reset the counter of lost records
    --reset_backlog_wait_time_actual
                           reset the counter of the time that processes waited

Exit codes:
    0    success
    1    no option, a rules file that could not be loaded, a signal that could not be sent, or
         output that could not be written
    2    --signal without an audit daemon
    4    a missing capability
    255  another failure
";

/// Exit codes of auditctl(8).
const FAILED: u8 = 255;
const FAILED_FILE: u8 = 1;
const NO_PERMISSION: u8 = 4;

/// Options that auditctl(8) lacks: other uses of the rules of a file.
const EXTRAS: &[&str] = &["--apply", "--coverage", "--merge", "--narrow", "--plan"];

/// Standard output. A failure to write does not interrupt what the command changes in the kernel:
/// it is reported at the end, unless the reader has closed the pipe.
#[derive(Default)]
struct Output {
    failure: Option<Failure>,
}

impl Output {
    fn line(&mut self, line: impl std::fmt::Display) {
        if self.failure.is_none() {
            self.failure = stdio::write(&format!("{line}\n")).err();
        }
    }

    /// Returns the exit code: the given one, unless the output is incomplete.
    fn finish(self, code: u8) -> ExitCode {
        match self.failure {
            Some(failure) if !failure.is_closed_pipe() => {
                stdio::exit_code("auditctl", Err(failure))
            }
            _ => ExitCode::from(code),
        }
    }
}

fn main() -> ExitCode {
    let mut args = Vec::new();
    for arg in std::env::args_os().skip(1) {
        match arg.into_string() {
            Ok(arg) => args.push(arg),
            Err(arg) => {
                stdio::warn(format_args!("auditctl: {}: not valid UTF-8", arg.display()));
                return ExitCode::from(FAILED);
            }
        }
    }
    let mut output = Output::default();
    let code = run(args, &mut output);
    output.finish(code)
}

/// Carries out the command line, reports errors, and returns the exit code.
fn run(args: Vec<String>, output: &mut Output) -> u8 {
    match args.first().map(String::as_str) {
        None => {
            output.line(USAGE.trim_end());
            return FAILED_FILE;
        }
        Some("-h" | "--help") if args.len() == 1 => {
            output.line(USAGE.trim_end());
            return 0;
        }
        Some("-v" | "--version") => {
            output.line(format_args!("auditctl {} (auditlink)", env!("CARGO_PKG_VERSION")));
            return 0;
        }
        _ => {}
    }
    let (extras, args): (Vec<String>, Vec<String>) =
        args.into_iter().partition(|arg| EXTRAS.contains(&arg.as_str()));
    let loads_file = args.iter().any(|arg| arg == "-R");
    if !extras.is_empty() && !loads_file {
        stdio::warn(format_args!("auditctl: {} requires -R", extras.join(", ")));
        return FAILED;
    }
    let result = Command::parse(&args, &UserNames::new()).map_err(Error::from);
    let result = result.and_then(|command| match command {
        Command::Load(path) if !extras.is_empty() => examine(&path, &extras, output),
        Command::Signal(signal) => Ok(signal::send(Control::open()?.status()?.pid, signal)),
        command => execute(command, &mut Control::open()?, output).map(|()| 0),
    });
    result.unwrap_or_else(|error| {
        stdio::warn(format_args!("auditctl: {error:?}"));
        match error.kind() {
            ErrorKind::NoPermission { .. } => NO_PERMISSION,
            _ if loads_file || args.iter().any(|arg| arg.starts_with("--signal")) => FAILED_FILE,
            _ => FAILED,
        }
    })
}

/// Shows what a rules file would do, and does it if `--apply` is among the extras.
fn examine(path: &str, extras: &[String], output: &mut Output) -> Result<u8, Error> {
    let wants = |option: &str| extras.iter().any(|extra| extra == option);
    let file = RulesFile::load(path)?;
    file.tolerated().iter().for_each(|mistake| stdio::warn(format_args!("auditctl: {mistake}")));
    let mut rules = file.rules();
    if wants("--narrow") {
        rules = rules.narrowed();
    }
    if wants("--merge") {
        let merged = rules.merged();
        for (rule, origins) in merged.joined() {
            let numbers: Vec<String> =
                origins.iter().map(|index| (index + 1).to_string()).collect();
            output.line(format_args!("# rules {} merged: {rule}", numbers.join(", ")));
        }
        rules = merged.rules;
    }
    if extras.iter().all(|extra| ["--merge", "--narrow"].contains(&extra.as_str())) {
        rules.iter().for_each(|rule| output.line(rule));
    }
    if wants("--coverage") {
        output.line(rules.coverage().to_string().trim_end());
        rules.lint().iter().for_each(|lint| output.line(lint));
    }
    if wants("--plan") || wants("--apply") {
        let Some(settings) = settings_of(&file) else { return Ok(FAILED_FILE) };
        let mut control = Control::open()?;
        let plan = rules.plan(&control.rules()?, &Ownership::All);
        plan.to_string().lines().for_each(|line| output.line(line));
        let status = control.status()?;
        for (setting, value) in &settings {
            if status.setting(*setting) != Some(*value) {
                output.line(format_args!("+ {} {value}", setting.option()));
            }
        }
        if wants("--apply") {
            return apply(&mut control, &plan, &settings, output);
        }
    }
    Ok(0)
}

/// Returns the settings of a file, the last value of each; `None` if the file has other commands than
/// rules and settings, which `--plan` and `--apply` cannot carry out, and which are reported.
fn settings_of(file: &RulesFile) -> Option<Vec<(Setting, u32)>> {
    let mut settings = Vec::new();
    let mut is_complete = true;
    for line in file.lines() {
        match &line.command {
            Command::Set(values) => {
                for (setting, value) in values {
                    settings.retain(|(other, _)| other != setting);
                    settings.push((*setting, *value));
                }
            }
            Command::Add(_)
            | Command::Delete(_)
            | Command::DeleteAll { .. }
            | Command::ContinueOnErrors
            | Command::IgnoreErrors => {}
            _ => {
                let (file, number) = (&line.file, line.number);
                stdio::warn(format_args!(
                    "auditctl: {file}:{number}: {}: --plan and --apply take rules and settings only",
                    line.text.trim()
                ));
                is_complete = false;
            }
        }
    }
    is_complete.then_some(settings)
}

/// Replaces the loaded rules by those of a file, all or nothing, between the limits and the enabled
/// flag of the file; returns the exit code.
fn apply(
    control: &mut Control,
    plan: &Plan,
    settings: &[(Setting, u32)],
    output: &mut Output,
) -> Result<u8, Error> {
    let before = control.status()?;
    if before.enabled == Enabled::LOCKED && (!plan.is_done() || !settings.is_empty()) {
        output.line("the configuration is locked: nothing was changed");
        return Ok(FAILED);
    }
    let (last, first): (Vec<_>, Vec<_>) =
        settings.iter().partition(|(setting, _)| *setting == Setting::Enabled);
    let changed = first.iter().try_for_each(|(setting, value)| set(control, *setting, *value));
    let changed = changed.and_then(|()| {
        let mut report = control.apply_plan(plan, ApplyMode::AllOrNothing)?;
        report.failed.pop().map_or(Ok(()), |(_, error)| Err(error))
    });
    if let Err(error) = changed {
        output.line("the previous rules and settings were restored");
        for (setting, _) in first {
            if let Some(value) = before.setting(setting) {
                set(control, setting, value)?;
            }
        }
        return Err(error);
    }
    last.into_iter().try_for_each(|(setting, value)| set(control, setting, value))?;
    Ok(0)
}

/// Changes a setting.
fn set(control: &mut Control, setting: Setting, value: u32) -> Result<(), Error> {
    match (setting, value) {
        (Setting::Enabled, 2) => control.lock(),
        (Setting::Failure, 2) => control.panic_on_loss(),
        _ => control.configure(&Settings::new().with(setting, value)).map(drop),
    }
}

/// Executes the lines of a file in order, up to the first error.
fn load(control: &mut Control, path: &str, output: &mut Output) -> Result<(), Error> {
    let (file, mistakes) = match RulesFile::load(path) {
        Ok(file) => (file, None),
        Err(error) => match error.rule_file_errors() {
            Some(errors) => (errors.before().clone(), Some(error)),
            None => return Err(error),
        },
    };
    let loaded = load_lines(control, &file, output);
    loaded.and_then(|()| mistakes.map_or(Ok(()), Err))
}

fn load_lines(control: &mut Control, file: &RulesFile, output: &mut Output) -> Result<(), Error> {
    let (mut continues, mut fails_late, mut first_error) = (false, false, None);
    for mistake in file.tolerated() {
        stdio::warn(format_args!("auditctl: {mistake}"));
        first_error.get_or_insert_with(|| Error::from(mistake.error.clone()));
    }
    for line in file.lines() {
        match line.command {
            Command::ContinueOnErrors => (continues, fails_late) = (true, true),
            Command::IgnoreErrors => (continues, fails_late) = (true, false),
            _ => {}
        }
        if let Command::Add(rule) = &line.command {
            warn_about_arch(rule, &format!("{}:{}: ", line.file, line.number));
        }
        if let Err(error) = execute(line.command.clone(), control, output) {
            stdio::warn(format_args!("auditctl: {}:{}: {error:?}", line.file, line.number));
            if !continues {
                return Err(error);
            }
            first_error.get_or_insert(error);
        }
    }
    first_error.filter(|_| fails_late).map_or(Ok(()), Err)
}

/// Warns about a rule that names system calls without an arch.
fn warn_about_arch(rule: &Rule, position: &str) {
    for lint in RuleSet::from(rule.clone()).lint() {
        if let Lint::NoArch { .. } = lint {
            stdio::warn(format_args!("auditctl: {position}warning: {lint}"));
        }
    }
}

fn execute(command: Command, control: &mut Control, output: &mut Output) -> Result<(), Error> {
    match command {
        Command::Add(rule) => control.add_rule(&rule),
        Command::Delete(rule) => control.delete_rule(&rule),
        Command::DeleteAll { key } => {
            match &key {
                Some(key) => control.delete_rules_by_key(key)?,
                None => control.delete_all_rules()?,
            };
            list(control, key.as_deref(), false, output)
        }
        Command::List { key, interpreted } => list(control, key.as_deref(), interpreted, output),
        Command::Status { interpreted } => {
            let status = control.status()?;
            match interpreted {
                true => output.line(interpret::status(&status).trim_end()),
                false => show(&status, output),
            }
            let features = control.features()?;
            let immutable = FeatureSwitches::LOGINUID_IMMUTABLE;
            let locked = features.locked.contains(immutable);
            output.line(format_args!(
                "loginuid_immutable {} {}",
                u8::from(features.on.contains(immutable)),
                if locked { "locked" } else { "unlocked" }
            ));
            Ok(())
        }
        Command::Set(settings) => {
            settings.iter().try_for_each(|(setting, value)| set(control, *setting, *value))?;
            show(&control.status()?, output); // as auditctl does
            Ok(())
        }
        Command::ResetLost => {
            // auditctl prints it to standard error, too
            stdio::warn(format_args!("lost: {}", control.reset_lost()?));
            Ok(())
        }
        Command::ResetBacklogWaitTimeActual => {
            let ticks = control.reset_backlog_wait_time_actual()?;
            stdio::warn(format_args!("backlog_wait_time_actual: {ticks}"));
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
        Command::Load(path) => load(control, &path, output),
        Command::Version => {
            output.line(format_args!("auditctl {} (auditlink)", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        Command::Help => {
            output.line(USAGE.trim_end());
            Ok(())
        }
        Command::Signal(signal) => match signal::send(control.status()?.pid, signal) {
            0 => Ok(()),
            _ => std::process::exit(1), // reported; auditctl ends there, too
        },
        other => unreachable!("a command without an implementation: {other:?}"),
    }
}

/// Lists the rules, or those with a key.
fn list(
    control: &mut Control,
    key: Option<&[u8]>,
    interpreted: bool,
    output: &mut Output,
) -> Result<(), Error> {
    let users = UserNames::new();
    let wanted = |rule: &Rule| key.is_none_or(|key| rule.keys().any(|other| other == key));
    let rules: Vec<Rule> = control.rules()?.into_iter().filter(wanted).collect();
    if rules.is_empty() {
        output.line("No rules");
    }
    for rule in rules {
        match interpreted {
            true => output.line(interpret::rule(&rule, &users)),
            false => output.line(rule.display(&users)),
        }
    }
    Ok(())
}

fn show(status: &Status, output: &mut Output) {
    output.line(status.to_string().trim_end());
}
