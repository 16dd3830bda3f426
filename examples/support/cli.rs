//! Parses the command line of an example with clap.

use std::error::Error as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};

use crate::stdio::{exit_code, warn, write};

/// The exit code for a wrong command line.
pub(crate) const USAGE_ERROR: u8 = 2;

/// Parses the arguments of the process.
///
/// # Errors
///
/// Returns the exit code after `--help`, `--version`, or a message about a wrong command line.
pub(crate) fn parse(command: Command) -> Result<ArgMatches, ExitCode> {
    let mut usage = command.clone();
    let name = usage.get_name().to_owned();
    command.try_get_matches_from(std::env::args_os()).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            exit_code(&name, write(&error.render().to_string()).map(|()| ExitCode::SUCCESS))
        }
        _ => reject(&name, &message(&error), &usage.render_usage().to_string()),
    })
}

/// Reports a wrong command line on standard error.
pub(crate) fn reject(name: &str, message: &str, usage: &str) -> ExitCode {
    warn(format_args!(
        "{name}: {message}\n\n{}\n\nFor more information, try '--help'.",
        usage.trim()
    ));
    ExitCode::from(USAGE_ERROR)
}

/// Returns clap's error as one line that names the option first.
fn message(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join("', '"),
        _ => String::new(),
    };
    // clap names an option together with its value: `--count <N>`
    let option = |kind| text(kind).split(' ').next().unwrap_or_default().to_owned();
    let (arg, value) = (option(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let message = match error.kind() {
        ErrorKind::UnknownArgument if arg.starts_with('-') => format!("unknown option '{arg}'"),
        ErrorKind::UnknownArgument => format!("unexpected argument '{arg}'"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{arg} requires a value"),
        ErrorKind::InvalidValue => {
            let valid = text(ContextKind::ValidValue).replace("', '", ", ");
            format!("{arg}: invalid value '{value}': use one of {valid}")
        }
        ErrorKind::ValueValidation => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{arg}: invalid value '{value}'{cause}")
        }
        ErrorKind::TooManyValues => format!("{arg} takes no value, but '{value}' was given"),
        ErrorKind::ArgumentConflict => match option(ContextKind::PriorArg) {
            other if other.is_empty() || other == arg => format!("{arg} was given twice"),
            other => format!("{arg} cannot be used with {other}"),
        },
        _ => {
            let rendered = error.render().to_string();
            let line = rendered.lines().next().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
    };
    let suggestion = [ContextKind::SuggestedArg, ContextKind::SuggestedValue].map(text).concat();
    if suggestion.is_empty() { message } else { format!("{message}; did you mean '{suggestion}'?") }
}
