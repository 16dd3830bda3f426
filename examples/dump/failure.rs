//! What can stop an example before its time.

use std::fmt;
use std::io;

use auditlink::Error;

#[derive(Debug)]
pub(crate) enum Failure {
    Audit(Error),
    Output(io::Error),
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
            Self::Output(error) => write!(f, "cannot write to stdout: {error}"),
        }
    }
}
