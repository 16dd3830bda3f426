//! Typed views of records: one file per family of record types.

mod detail;
mod execve;
mod message;
mod path;
mod process;
mod security;
mod sockaddr;
mod syscall;

pub use self::detail::{
    Bpf, DeviceMapper, FdPair, Ipc, KernModule, Mmap, Mq, NetfilterCfg, OpenHow, SocketCall,
    TimeAdj,
};
pub use self::execve::Execve;
pub use self::message::{ConfigChange, UserMessage};
pub use self::path::{Cwd, Path, Proctitle};
pub use self::process::{AnomAbend, EventListener, Login, ObjPid, Tty, UringOp};
pub use self::security::{
    Avc, Capset, Fanotify, FileCapabilities, Integrity, Landlock, MacChange, Seccomp,
};
pub use self::sockaddr::SockAddr;
pub use self::syscall::Syscall;

/// Defines a view of a record type, and the method of [`Record`] that makes it:
/// `View, method, "what records it is for", record, condition`.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident, $method:ident, $of:literal, $record:ident, $when:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a> {
            record: $crate::record::Record<'a>,
        }

        impl<'a> $name<'a> {
            /// Returns the record behind the view.
            #[must_use]
            pub const fn record(&self) -> $crate::record::Record<'a> {
                self.record
            }
        }

        impl<'a> $crate::record::Record<'a> {
            #[doc = concat!("Returns the typed view of ", $of, ", `None` for others.")]
            #[must_use]
            pub fn $method(self) -> Option<$name<'a>> {
                let $record = self;
                if $when { Some($name { record: self }) } else { None }
            }
        }
    };
}

/// Defines getters, each `name, "field", reader -> type, "summary"`.
macro_rules! getters {
    ($name:ident { $($getter:ident, $field:literal, $reader:expr => $type:ty, $doc:literal;)* }) => {
        impl<'a> $name<'a> {
            $(
                #[doc = $doc]
                #[doc = concat!("\n\nThe field `", $field, "`.")]
                #[must_use]
                pub fn $getter(&self) -> Option<$type> {
                    let value: $crate::record::Value<'a> = self.record.field($field)?;
                    $reader(value)
                }
            )*
        }
    };
}

use {getters, view};
