//! One record: its type, its stamp, and its fields as bytes.
//!
//! A record is text that the kernel composed, or that a user-space program sent through the
//! kernel. It is kept as the bytes that came; fields are found when they are asked for, and a
//! field that makes no sense fails alone, never the record.

mod field;
pub(crate) mod header;
mod interpret;
mod keys;
mod label;
mod log_line;
pub(crate) mod record;
mod scan;
mod sockaddr;
mod value;
mod view;

pub use self::field::{Field, Fields};
pub(crate) use self::header::{EventId, Header};
pub use self::interpret::{Absent, Interpretation, Interpretations, WithNames};
pub use self::keys::Keys;
pub use self::label::{Label, SelinuxLabel};
pub use self::log_line::LogLine;
pub(crate) use self::record::Record;
pub(crate) use self::scan::Window;
pub use self::sockaddr::SocketAddress;
pub use self::value::{Untrusted, Value};
pub use self::view::{
    AnomAbend, Avc, Bpf, Capset, ConfigChange, Cwd, DeviceMapper, EventListener, Execve, Fanotify,
    FdPair, FileCapabilities, Integrity, Ipc, KernModule, Landlock, Login, MacChange, Mmap, Mq,
    NetfilterCfg, ObjPid, OpenHow, Path, Proctitle, Seccomp, SockAddr, SocketCall, Syscall,
    TimeAdj, Tty, UringOp, UserMessage,
};
