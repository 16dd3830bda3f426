//! The errors that end an example.

use std::fmt;
use std::io;

use auditlink::Error;

#[derive(Debug)]
pub(crate) enum Failure {
    Audit(Error),
    Output(io::Error),
    /// What the example could not do before it began, and the cause.
    #[allow(dead_code, reason = "not all examples that share this file need it")]
    Setup(&'static str, io::Error),
}

impl Failure {
    /// Returns whether the reader of standard output has closed the pipe.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Audit(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audit(error) => write!(f, "{error:?}"),
            Self::Setup(operation, error) => write!(f, "cannot {operation}: {error}"),
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
        }
    }
}
