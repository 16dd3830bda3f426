//! The values that getters of views return, made from interpretations.

use std::net::IpAddr;

use super::{Absent, Interpretation};
use crate::arch::Arch;
use crate::bytestr::ByteStr;
use crate::constants::{Capability, CapabilitySet, Errno, Flags, Mode, Named, Signal};
use crate::record::schema::Kind;
use crate::record::{Label, SocketAddress, Value};

/// A type that getters return.
pub(in crate::record) trait FromInterpretation<'a>: Sized {
    /// Returns the value; `None` if it is absent or of another kind.
    fn from_interpretation(interpretation: Interpretation<'a>) -> Option<Self>;
}

/// Reads a field for a getter.
pub(in crate::record) fn get<'a, T: FromInterpretation<'a>>(
    kind: Kind,
    value: Value<'a>,
) -> Option<T> {
    T::from_interpretation(super::value(kind, value))
}

/// Implements the trait for types that are in a variant.
macro_rules! from_variants {
    ($($type:ty: $($pattern:pat => $value:expr),+;)*) => {
        $(
            impl<'a> FromInterpretation<'a> for $type {
                fn from_interpretation(interpretation: Interpretation<'a>) -> Option<Self> {
                    match interpretation {
                        $($pattern => Some($value),)+
                        _ => None,
                    }
                }
            }
        )*
    };
}

from_variants! {
    bool: Interpretation::Boolean(value) | Interpretation::Bit(value) => value;
    Arch: Interpretation::Arch(arch) => arch;
    Errno: Interpretation::Errno(errno) => errno;
    Signal: Interpretation::Signal(signal) => signal;
    Mode: Interpretation::Mode(mode) | Interpretation::Permissions(mode) => mode;
    (u32, u32): Interpretation::Device { major, minor } => (major, minor);
    Capability: Interpretation::Capability(capability) => capability;
    CapabilitySet: Interpretation::Capabilities(set) => set;
    SocketAddress: Interpretation::Address(address) => address;
    IpAddr: Interpretation::Ip(address) => address;
    Named: Interpretation::Name(named) => named;
    Flags: Interpretation::Flags(flags) => flags;
    Label<'a>: Interpretation::Label(label) => label;
    ByteStr<'a>:
        Interpretation::Text(text) | Interpretation::Keystrokes(text) => text,
        Interpretation::Word(bytes) | Interpretation::Malformed(bytes) => bytes.into(),
        Interpretation::Absent(Absent::QuotedNull) => "(null)".into(),
        Interpretation::Absent(Absent::TooLong) => "<too_long>".into(),
        Interpretation::Absent(Absent::NoMemory) => "<no_memory>".into();
}

/// Implements the trait for integers; one that does not fit is `None`.
macro_rules! from_integers {
    ($($type:ty),*) => {
        $(
            impl<'a> FromInterpretation<'a> for $type {
                fn from_interpretation(interpretation: Interpretation<'a>) -> Option<Self> {
                    integer(&interpretation)?.try_into().ok()
                }
            }
        )*
    };
}

from_integers!(u8, u16, u32, u64, i32, i64);

fn integer(interpretation: &Interpretation<'_>) -> Option<i128> {
    match *interpretation {
        Interpretation::Number(number) | Interpretation::Hex(number) => Some(number.into()),
        Interpretation::Signed(number) | Interpretation::Exit(number) => Some(number.into()),
        Interpretation::User(id) | Interpretation::Group(id) | Interpretation::Session(id) => {
            id.map(i128::from)
        }
        Interpretation::Syscall { number, .. } | Interpretation::Operation { number, .. } => {
            Some(number.into())
        }
        Interpretation::Name(named) => Some(named.number().into()),
        Interpretation::Seccomp { action, data } => {
            Some(i128::from(action.number()) | i128::from(data))
        }
        _ => None,
    }
}
