//! Standard output, standard error and exit codes of the examples.
//!
//! Nothing here panics if a stream cannot be written, as when a pipe is closed or a disk is full.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::failure::Failure;

/// Writes a text to standard output.
pub(crate) fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::Output)
}

/// Writes a line to standard error. A failure is ignored: no other place is left to report it.
pub(crate) fn warn(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Returns the exit code of a result, and reports a failure on standard error.
///
/// A closed pipe is a success: the reader has stopped reading.
pub(crate) fn exit_code(name: &str, result: Result<ExitCode, Failure>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            warn(format_args!("{name}: {failure}"));
            ExitCode::FAILURE
        }
    }
}
