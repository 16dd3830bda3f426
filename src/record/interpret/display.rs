//! Interpretations as text.

use std::fmt;

use super::{Absent, Interpretation};
use crate::bytestr::print_text;
use crate::constants::Errno;
use crate::user_db::UserDb;

impl Interpretation<'_> {
    /// Returns a value that prints like this one, but with the names of users and groups.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::record::Interpretation;
    /// use auditlink::user_db::UserDb;
    ///
    /// struct Root;
    /// impl UserDb for Root {
    ///     fn user_name(&self, id: u32) -> Option<String> {
    ///         (id == 0).then(|| "root".to_owned())
    ///     }
    /// }
    /// assert_eq!(Interpretation::User(Some(0)).with_names(&Root).to_string(), "root");
    /// assert_eq!(Interpretation::Group(Some(0)).with_names(&Root).to_string(), "0");
    /// assert_eq!(Interpretation::User(None).with_names(&Root).to_string(), "unset");
    /// ```
    #[must_use]
    pub fn with_names<'m>(&'m self, users: &'m dyn UserDb) -> WithNames<'m> {
        WithNames { meaning: self, users }
    }
}

/// Prints a [`Interpretation`] with the names of users and groups; made by [`Interpretation::with_names`].
#[derive(Clone, Copy)]
pub struct WithNames<'m> {
    meaning: &'m Interpretation<'m>,
    users: &'m dyn UserDb,
}

impl fmt::Debug for WithNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.meaning, f)
    }
}

impl fmt::Display for WithNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self.meaning {
            Interpretation::User(Some(id)) => self.users.user_name(id),
            Interpretation::Group(Some(id)) => self.users.group_name(id),
            _ => None,
        };
        match name {
            Some(name) => print_text(name.as_bytes(), f),
            None => fmt::Display::fmt(self.meaning, f),
        }
    }
}

impl fmt::Display for Interpretation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(absent) => fmt::Display::fmt(absent, f),
            Self::Text(bytes) | Self::Keystrokes(bytes) => print_text(bytes, f),
            Self::Word(bytes) | Self::Message(bytes) | Self::Malformed(bytes) => {
                print_text(bytes, f)
            }
            Self::Number(number) => write!(f, "{number}"),
            Self::Signed(number) => write!(f, "{number}"),
            Self::Hex(number) => write!(f, "{number:#x}"),
            Self::User(id) | Self::Group(id) | Self::Session(id) => match id {
                Some(id) => write!(f, "{id}"),
                None => f.write_str("unset"),
            },
            Self::Arch(arch) => fmt::Display::fmt(arch, f),
            Self::Syscall { number, name } | Self::Operation { number, name } => match name {
                Some(name) => f.write_str(name),
                None => write!(f, "{number}"),
            },
            Self::Exit(value) => print_exit(*value, f),
            Self::Errno(errno) => fmt::Display::fmt(errno, f),
            Self::Signal(signal) => fmt::Display::fmt(signal, f),
            Self::Mode(mode) => fmt::Display::fmt(mode, f),
            Self::Permissions(mode) => mode.print_permissions(f, 4),
            Self::Device { major, minor } => write!(f, "{major:02x}:{minor:02x}"),
            Self::Capability(capability) => fmt::Display::fmt(capability, f),
            Self::Capabilities(set) => fmt::Display::fmt(set, f),
            Self::Address(address) => fmt::Display::fmt(address, f),
            Self::Boolean(value) => f.write_str(if *value { "yes" } else { "no" }),
            Self::Seccomp { action, data: 0 } => fmt::Display::fmt(action, f),
            Self::Seccomp { action, data } => write!(f, "{action}({data})"),
            Self::Name(name) => fmt::Display::fmt(name, f),
            Self::Flags(flags) => fmt::Display::fmt(flags, f),
            Self::Clone { flags, signal } => match (flags.bits(), signal.number()) {
                (_, 0) => fmt::Display::fmt(flags, f),
                (0, _) => fmt::Display::fmt(signal, f),
                _ => write!(f, "{flags}|{signal}"),
            },
            Self::SharedMemory { flags, permissions } => {
                if flags.bits() != 0 {
                    write!(f, "{flags}|")?;
                }
                permissions.print_permissions(f, 4)
            }
            Self::Directory(None) => f.write_str("AT_FDCWD"),
            Self::Directory(Some(descriptor)) => write!(f, "{descriptor}"),
            Self::ExitStatus(status) => write!(f, "{status}"),
            Self::Keys(keys) => print_joined(keys.iter().map(AsRef::as_ref), ",", f),
            Self::Arguments(arguments) => print_joined(arguments.iter().map(AsRef::as_ref), " ", f),
            Self::Label(label) => fmt::Display::fmt(label, f),
        }
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null | Self::QuotedNull => "(null)",
            Self::None => "(none)",
            Self::Unknown => "?",
            Self::Empty => "",
            Self::TooLong => "<too_long>",
            Self::NoMemory => "<no_memory>",
        })
    }
}

fn print_exit(value: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let errno = value
        .checked_neg()
        .and_then(|code| u32::try_from(code).ok())
        .filter(|code| (1..=Errno::MAX).contains(code))
        .map(Errno::new);
    match errno.and_then(|errno| Some((errno.name()?, errno.description()))) {
        Some((name, Some(description))) => write!(f, "{name}({description})"),
        Some((name, None)) => f.write_str(name),
        None => write!(f, "{value}"),
    }
}

fn print_joined<'b>(
    strings: impl Iterator<Item = &'b [u8]>,
    separator: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, string) in strings.enumerate() {
        f.write_str(if index == 0 { "" } else { separator })?;
        print_text(string, f)?;
    }
    Ok(())
}
