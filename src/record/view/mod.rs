//! Typed views of records, one file per family of record types.
//!
//! A view declares the fields of its record types, each with what it holds and, where it has one,
//! its getter. [`Record::interpret`] is made from the same declaration, so
//! both always agree.

mod anomaly;
mod avc;
mod bpf;
mod capability;
mod config_change;
mod cwd;
mod device_mapper;
mod event_listener;
mod execve;
mod fanotify;
mod fd;
mod integrity;
mod ipc;
mod kernel_module;
mod landlock;
mod login;
mod mac;
mod mac_contexts;
mod mmap;
mod mq;
mod netfilter;
mod obj_pid;
mod openat2;
mod path;
mod proctitle;
mod seccomp;
mod sockaddr;
mod socketcall;
mod syscall;
#[cfg(test)]
mod tests;
mod time;
mod tty;
mod uring;
mod user_message;

use super::schema::Schema;
use super::{Interpretation, Interpretations, Record};
use crate::message_type::MessageType;

/// Exports the views, and lists their schemas.
macro_rules! views {
    ($($file:ident: $($name:ident),+;)*) => {
        $(pub use self::$file::{$($name),+};)*

        static SCHEMAS: &[Schema] = &[$($($name::SCHEMA),+),*];

        #[cfg(test)]
        const GETTERS: &[&[tests::Getter]] = &[$($($name::GETTERS),+),*];
    };
}

// in the order of the look-up: frequent types first
views! {
    syscall: Syscall;
    path: Path;
    proctitle: Proctitle;
    cwd: Cwd;
    execve: Execve;
    sockaddr: SockAddr;
    user_message: UserMessage;
    config_change: ConfigChange;
    login: Login;
    avc: Avc;
    seccomp: Seccomp;
    obj_pid: ObjPid;
    uring: UringOp;
    bpf: Bpf;
    netfilter: NetfilterCfg, NetfilterPkt;
    mmap: Mmap;
    fd: FdPair;
    ipc: Ipc;
    mq: Mq;
    openat2: OpenHow;
    socketcall: SocketCall;
    kernel_module: KernModule;
    time: TimeAdj;
    tty: Tty;
    capability: Capset, FileCapabilities;
    mac: MacChange;
    mac_contexts: MacContexts;
    landlock: Landlock;
    integrity: Integrity;
    fanotify: Fanotify;
    anomaly: AnomAbend, AnomPromiscuous;
    device_mapper: DeviceMapper;
    event_listener: EventListener;
}

impl<'a> Record<'a> {
    /// Iterates over the fields, each with its interpretation.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::record::Interpretation;
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1.000:2): arch=c000003e syscall=257 success=no exit=-2 a2=80000";
    /// let record = Record::parse(MessageType::SYSCALL, text)?;
    /// let printed: Vec<_> = record.interpretations().map(|(_, it)| it.to_string()).collect();
    /// assert_eq!(printed[1], "openat");
    /// assert_eq!(printed[3], "ENOENT(No such file or directory)");
    /// assert_eq!(printed[4], "O_RDONLY|O_CLOEXEC");
    /// assert_eq!(record.interpret("exit"), Some(Interpretation::Exit(-2)));
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    #[must_use]
    pub fn interpretations(&self) -> Interpretations<'a> {
        Interpretations::of_kernel(*self, schema(self.message_type()))
    }

    /// Returns the interpretation of the first field with this name.
    #[doc(alias = "auparse_interpret_field")]
    #[must_use]
    pub fn interpret(&self, name: &str) -> Option<Interpretation<'a>> {
        self.interpretations()
            .find(|(field, _)| field.name == name.as_bytes())
            .map(|(_, interpretation)| interpretation)
    }
}

/// Returns what the fields of a record type hold.
fn schema(message_type: MessageType) -> &'static Schema {
    SCHEMAS.iter().find(|schema| (schema.has)(message_type)).unwrap_or(&Schema::COMMON)
}

/// Declares a view of record types: the view, the method of [`Record`](super::Record) that returns
/// it, what its records are called, the record types, and the fields.
///
/// A field is `"name": kind => getter -> type, "summary";`. The kind is left out where the name means
/// what it means in all records, the getter where there is none. A getter of a field that is not in
/// the schema does not compile.
macro_rules! view {
    (
        $(#[$doc:meta])*
        $name:ident, $method:ident, $of:literal, [$($message_type:ident),+];
        $($fields:tt)*
    ) => {
        $crate::record::view::view! {
            $(#[$doc])*
            $name, $method, $of,
            (message_type => matches!(
                message_type,
                $($crate::message_type::MessageType::$message_type)|+
            ));
            $($fields)*
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident, $method:ident, $of:literal, ($message_type:ident => $has:expr);
        $(
            $field:literal $(: $kind:expr)? $(=> $getter:ident -> $type:ty, $summary:literal)?;
        )*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a> {
            record: $crate::record::Record<'a>,
        }

        impl<'a> $crate::record::Record<'a> {
            #[doc = concat!("Returns the typed view of ", $of, "; `None` for other records.")]
            #[must_use]
            pub fn $method(self) -> Option<$name<'a>> {
                ($name::SCHEMA.has)(self.message_type()).then_some($name { record: self })
            }
        }

        impl<'a> $name<'a> {
            const FIELDS: &'static [(&'static [u8], $crate::record::schema::Kind)] =
                &[$($(($field.as_bytes(), $kind),)?)*];

            pub(super) const SCHEMA: $crate::record::schema::Schema =
                $crate::record::schema::Schema {
                    has: |$message_type| $has,
                    fields: Self::FIELDS,
                    others: $crate::record::schema::common::kind,
                };

            /// Returns the record.
            #[must_use]
            pub const fn record(&self) -> $crate::record::Record<'a> {
                self.record
            }

            $($(
                #[doc = $summary]
                #[doc = concat!("\n\nThe field `", $field, "`.")]
                #[must_use]
                pub fn $getter(&self) -> Option<$type> {
                    const KIND: $crate::record::schema::Kind =
                        $crate::record::schema::kind_of($name::FIELDS, $field);
                    $crate::record::interpret::get(KIND, self.record.field($field)?)
                }
            )?)*

            #[cfg(test)]
            pub(super) const GETTERS: &'static [$crate::record::view::tests::Getter] = &[$($(
                $crate::record::view::tests::Getter {
                    view: stringify!($name),
                    has: $name::SCHEMA.has,
                    field: $field,
                    kind: $crate::record::schema::kind_of($name::FIELDS, $field),
                    call: |record| Some(format!("{:?}", record.$method()?.$getter()?)),
                    interpret: |interpretation| {
                        use $crate::record::interpret::FromInterpretation;
                        let value = <$type>::from_interpretation(interpretation)?;
                        Some(format!("{value:?}"))
                    },
                },
            )?)*];
        }
    };
}

use view;
