//! The text form of interpretations.

use std::fmt;

use super::{Absent, Interpretation};
use crate::bytestr::{ByteStr, print_text};
use crate::constants::Errno;
use crate::macros::pad_with;
use crate::user_db::UserDb;

impl Interpretation<'_> {
    /// Returns a value that prints like this one, with the names of users and groups.
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
        WithNames { interpretation: self, users }
    }
}

/// Prints an [`Interpretation`] with the names of users and groups; made by
/// [`Interpretation::with_names`].
#[derive(Clone, Copy)]
pub struct WithNames<'m> {
    interpretation: &'m Interpretation<'m>,
    users: &'m dyn UserDb,
}

impl fmt::Debug for WithNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.interpretation, f)
    }
}

impl fmt::Display for WithNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self.interpretation {
            Interpretation::User(Some(id)) => self.users.user_name(id),
            Interpretation::Group(Some(id)) => self.users.group_name(id),
            _ => None,
        };
        match name {
            Some(name) => fmt::Display::fmt(&ByteStr::from(name), f),
            None => fmt::Display::fmt(self.interpretation, f),
        }
    }
}

impl fmt::Display for Interpretation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |out| self.print(out))
    }
}

impl Interpretation<'_> {
    fn print(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self {
            Self::Absent(absent) => write!(out, "{absent}"),
            Self::Text(bytes) | Self::Keystrokes(bytes) => print_text(bytes, out),
            Self::Word(bytes) | Self::Message(bytes) | Self::Malformed(bytes) => {
                print_text(bytes, out)
            }
            Self::Number(number) => write!(out, "{number}"),
            Self::Signed(number) => write!(out, "{number}"),
            Self::Hex(number) => write!(out, "{number:#x}"),
            Self::User(id) | Self::Group(id) | Self::Session(id) => match id {
                Some(id) => write!(out, "{id}"),
                None => out.write_str("unset"),
            },
            Self::Arch(arch) => write!(out, "{arch}"),
            Self::Syscall { number, name } | Self::Operation { number, name } => match name {
                Some(name) => out.write_str(name),
                None => write!(out, "{number}"),
            },
            Self::Exit(value) => print_exit(*value, out),
            Self::Errno(errno) => write!(out, "{errno}"),
            Self::Signal(signal) => write!(out, "{signal}"),
            Self::Mode(mode) => write!(out, "{mode}"),
            Self::Permissions(mode) => mode.print_permissions(out, 4),
            Self::Device { major, minor } => write!(out, "{major:02x}:{minor:02x}"),
            Self::Capability(capability) => write!(out, "{capability}"),
            Self::Capabilities(set) => write!(out, "{set}"),
            Self::Address(address) => write!(out, "{address}"),
            Self::Bit(value) => write!(out, "{}", u8::from(*value)),
            Self::Ip(address) => write!(out, "{address}"),
            Self::Boolean(value) => out.write_str(if *value { "yes" } else { "no" }),
            Self::Seccomp { action, data: 0 } => write!(out, "{action}"),
            Self::Seccomp { action, data } => write!(out, "{action}({data})"),
            Self::Name(name) => write!(out, "{name}"),
            Self::Flags(flags) => write!(out, "{flags}"),
            Self::Clone { flags, signal } => match (flags.bits(), signal.number()) {
                (_, 0) => write!(out, "{flags}"),
                (0, _) => write!(out, "{signal}"),
                _ => write!(out, "{flags}|{signal}"),
            },
            Self::SharedMemory { flags, permissions } => {
                if flags.bits() != 0 {
                    write!(out, "{flags}|")?;
                }
                permissions.print_permissions(out, 4)
            }
            Self::Directory(None) => out.write_str("AT_FDCWD"),
            Self::Directory(Some(descriptor)) => write!(out, "{descriptor}"),
            Self::ExitStatus(status) => write!(out, "{status}"),
            Self::Keys(keys) => print_joined(keys.iter().map(AsRef::as_ref), ",", out),
            Self::Arguments(arguments) => {
                print_joined(arguments.iter().map(AsRef::as_ref), " ", out)
            }
            Self::Label(label) => write!(out, "{label}"),
        }
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Null | Self::QuotedNull => "(null)",
            Self::None => "(none)",
            Self::Unknown => "?",
            Self::Empty => "",
            Self::TooLong => "<too_long>",
            Self::NoMemory => "<no_memory>",
        })
    }
}

fn print_exit(value: i64, out: &mut dyn fmt::Write) -> fmt::Result {
    let errno = value
        .checked_neg()
        .and_then(|code| u32::try_from(code).ok())
        .filter(|code| (1..=Errno::MAX).contains(code))
        .map(Errno::new);
    match errno.and_then(|errno| Some((errno.name()?, errno.description()))) {
        Some((name, Some(description))) => write!(out, "{name}({description})"),
        Some((name, None)) => out.write_str(name),
        None => write!(out, "{value}"),
    }
}

fn print_joined<'b>(
    strings: impl Iterator<Item = &'b [u8]>,
    separator: &str,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    for (index, string) in strings.enumerate() {
        out.write_str(if index == 0 { "" } else { separator })?;
        print_text(string, out)?;
    }
    Ok(())
}
