//! The meaning of the first four arguments of a system call.

use crate::arch::Arch;
use crate::constants::{
    ACCESS_MODES, ADDRESS_FAMILIES, AT_ACCESS_FLAGS, AT_FLAGS, AT_UNLINK_FLAGS, BPF_COMMANDS,
    CLOCKS, CLONE_FLAGS, DESCRIPTOR_FLAGS, EPOLL_OPERATIONS, FCNTL_COMMANDS, FSCONFIG_COMMANDS,
    FSMOUNT_FLAGS, FSOPEN_FLAGS, FSPICK_FLAGS, IOCTL_REQUESTS, IP_OPTIONS, IPC_CALLS, IPC_FLAGS,
    IPV6_OPTIONS, KEYCTL_OPERATIONS, MAP_FLAGS, MESSAGE_FLAGS, MOUNT_ATTRIBUTES, MOUNT_FLAGS,
    MSG_COMMANDS, Names, OPEN_TREE_FLAGS, PACKET_OPTIONS, PERSONALITIES, PRCTL_OPTIONS,
    PROTECTION_FLAGS, PROTOCOLS, PTRACE_REQUESTS, RESOURCE_LIMITS, SCHEDULER_POLICIES,
    SCTP_OPTIONS, SECCOMP_OPERATIONS, SEM_COMMANDS, SHM_COMMANDS, SHM_FLAGS, SOCKET_CALLS,
    SOCKET_OPTIONS, SOCKET_TYPE_FLAGS, TCP_OPTIONS, UDP_OPTIONS, UMOUNT_FLAGS, WHENCE,
    has_generic_numbers,
};
use crate::record::schema::{HEX, Kind, Radix};

/// The system call of a record, as far as its fields have it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Call {
    pub(super) arch: Option<Arch>,
    pub(super) number: Option<u32>,
    pub(super) name: Option<&'static str>,
    /// The first two arguments: the meaning of later ones can depend on them.
    pub(super) first: Option<u64>,
    pub(super) second: Option<u64>,
    /// The protocol family of a record of netfilter.
    pub(super) family: Option<u64>,
}

const MODE: Kind = Kind::Permissions(Radix::HalfHex);
const SIGNAL: Kind = Kind::Signal(Radix::HalfHex);
const OPEN: Kind = Kind::OpenFlags(Radix::Hex);

const fn named(names: &'static Names) -> Kind {
    Kind::Name(Radix::HalfHex, names)
}

/// Returns what an argument holds; a number if nothing more is known.
///
/// The tables of flags are those of architectures that use `asm-generic`. MIPS does not, so most of
/// its arguments stay numbers.
pub(super) fn of(call: Call, index: usize) -> Kind {
    let Some(name) = call.name else { return HEX };
    if !call.arch.is_some_and(has_generic_numbers) {
        return everywhere(call, name, index);
    }
    match (name, index) {
        ("clone", _) if Some(index) == call.arch.map(Arch::clone_flags_index) => Kind::CloneFlags,
        ("mmap" | "mmap2", 2) | ("mprotect" | "pkey_mprotect", 2) => {
            Kind::Flags(Radix::Hex, &PROTECTION_FLAGS)
        }
        ("mmap" | "mmap2", 3) => Kind::Flags(Radix::Hex, &MAP_FLAGS),
        ("kill" | "tkill" | "rt_sigqueueinfo" | "pidfd_send_signal", 1)
        | ("tgkill" | "rt_tgsigqueueinfo", 2)
        | ("rt_sigaction" | "sigaction" | "signal", 0) => SIGNAL,
        ("socket" | "socketpair", 1) => Kind::Flags(Radix::Hex, &SOCKET_TYPE_FLAGS),
        ("accept4", 3) => Kind::Flags(Radix::Hex, &SOCKET_TYPE_FLAGS),
        ("setsockopt" | "getsockopt", 1) => Kind::SocketLevel,
        ("setsockopt" | "getsockopt", 2) => socket_option(call.second),
        ("prctl", 1) if call.first == Some(1) => SIGNAL, // PR_SET_PDEATHSIG
        _ => everywhere(call, name, index),
    }
}

/// Returns what an argument holds whose numbers are the same on all architectures.
fn everywhere(call: Call, name: &str, index: usize) -> Kind {
    match (name, index) {
        ("open" | "mq_open", 1) | ("openat" | "open_by_handle_at", 2) => OPEN,
        ("open" | "mq_open", 2) if creates(call.second) => MODE,
        ("creat" | "mkdir" | "chmod" | "fchmod", 1)
        | ("mkdirat" | "fchmodat" | "fchmodat2", 2)
        | ("umask", 0) => MODE,
        ("mknod", 1) | ("mknodat", 2) => Kind::Mode(Radix::HalfHex),
        (
            "openat" | "openat2" | "mkdirat" | "mknodat" | "fchownat" | "futimesat" | "utimensat"
            | "utimensat_time64" | "newfstatat" | "fstatat64" | "unlinkat" | "renameat"
            | "renameat2" | "linkat" | "readlinkat" | "fchmodat" | "fchmodat2" | "faccessat"
            | "faccessat2" | "name_to_handle_at" | "execveat" | "statx" | "setxattrat"
            | "getxattrat" | "listxattrat" | "removexattrat" | "file_getattr" | "file_setattr"
            | "open_tree" | "open_tree_attr" | "move_mount" | "mount_setattr" | "fspick",
            0,
        )
        | ("renameat" | "renameat2" | "linkat" | "move_mount", 2)
        | ("symlinkat", 1) => Kind::Directory,
        ("access", 1) | ("faccessat" | "faccessat2", 2) => Kind::Flags(Radix::Hex, &ACCESS_MODES),
        ("unlinkat", 2) => Kind::Flags(Radix::Hex, &AT_UNLINK_FLAGS),
        ("faccessat2", 3) => Kind::Flags(Radix::Hex, &AT_ACCESS_FLAGS),
        ("statx" | "mount_setattr", 2)
        | ("fchmodat2" | "newfstatat" | "fstatat64" | "utimensat" | "utimensat_time64", 3) => {
            Kind::Flags(Radix::Hex, &AT_FLAGS)
        }
        ("open_tree" | "open_tree_attr", 2) => Kind::Flags(Radix::Hex, &OPEN_TREE_FLAGS),
        ("fsopen", 1) => Kind::Flags(Radix::Hex, &FSOPEN_FLAGS),
        ("fsmount", 1) => Kind::Flags(Radix::Hex, &FSMOUNT_FLAGS),
        ("fsmount", 2) => Kind::Flags(Radix::Hex, &MOUNT_ATTRIBUTES),
        ("fspick", 2) => Kind::Flags(Radix::Hex, &FSPICK_FLAGS),
        ("fsconfig", 1) => named(&FSCONFIG_COMMANDS),
        ("lseek", 2) => named(&WHENCE),
        ("fcntl" | "fcntl64", 1) => named(&FCNTL_COMMANDS),
        ("fcntl" | "fcntl64", 2) => match call.second {
            Some(2) => Kind::Flags(Radix::Hex, &DESCRIPTOR_FLAGS), // F_SETFD
            Some(4) => OPEN,                                       // F_SETFL
            _ => HEX,
        },
        ("ioctl", 1) => named(&IOCTL_REQUESTS),
        ("mount", 3) => Kind::Flags(Radix::Hex, &MOUNT_FLAGS),
        ("umount2", 1) => Kind::Flags(Radix::Hex, &UMOUNT_FLAGS),
        ("unshare", 0) | ("setns", 1) => Kind::Flags(Radix::Hex, &CLONE_FLAGS),
        ("socket" | "socketpair", 0) => named(&ADDRESS_FAMILIES),
        ("socket" | "socketpair", 2) if matches!(call.first, Some(2 | 10)) => named(&PROTOCOLS),
        ("sendto" | "recvfrom" | "sendmmsg" | "recvmmsg" | "send" | "recv", 3)
        | ("sendmsg" | "recvmsg", 2) => Kind::Flags(Radix::Hex, &MESSAGE_FLAGS),
        ("socketcall", 0) => named(&SOCKET_CALLS),
        ("ipc", 0) => Kind::IpcCall,
        // its arguments are those of the call that it makes
        ("ipc", 1..) => match call.first.and_then(|first| IPC_CALLS.name(first & 0xFFFF)) {
            Some(name) => everywhere(call, name, index - 1),
            None => HEX,
        },
        ("shmget", 2) => Kind::IpcFlags(&SHM_FLAGS),
        ("semget", 2) | ("msgget", 1) => Kind::IpcFlags(&IPC_FLAGS),
        ("shmctl", 1) => Kind::IpcCommand(&SHM_COMMANDS),
        ("semctl", 2) => Kind::IpcCommand(&SEM_COMMANDS),
        ("msgctl", 1) => Kind::IpcCommand(&MSG_COMMANDS),
        ("setuid" | "setreuid" | "setresuid" | "setfsuid", _) if index < ids(name) => {
            Kind::UserArgument
        }
        ("setgid" | "setregid" | "setresgid" | "setfsgid", _) if index < ids(name) => {
            Kind::GroupArgument
        }
        ("chown" | "lchown" | "fchown", 1) | ("fchownat", 2) => Kind::UserArgument,
        ("chown" | "lchown" | "fchown", 2) | ("fchownat", 3) => Kind::GroupArgument,
        ("getrlimit" | "setrlimit", 0) | ("prlimit64", 1) => named(&RESOURCE_LIMITS),
        ("sched_setscheduler", 1) => named(&SCHEDULER_POLICIES),
        ("clock_settime" | "clock_settime64" | "clock_adjtime" | "clock_adjtime64", 0) => {
            named(&CLOCKS)
        }
        ("ptrace", 0) => named(&PTRACE_REQUESTS),
        ("prctl", 0) => named(&PRCTL_OPTIONS),
        // PR_CAPBSET_READ, PR_CAPBSET_DROP
        ("prctl", 1) if matches!(call.first, Some(23 | 24)) => Kind::Capability(Radix::HalfHex),
        ("personality", 0) => Kind::Flags(Radix::Hex, &PERSONALITIES),
        ("bpf", 0) => named(&BPF_COMMANDS),
        ("seccomp", 0) => named(&SECCOMP_OPERATIONS),
        ("keyctl", 0) => named(&KEYCTL_OPERATIONS),
        ("epoll_ctl", 1) => named(&EPOLL_OPERATIONS),
        ("exit" | "exit_group", 0) => Kind::ExitStatus,
        _ => HEX,
    }
}

/// Returns how many of the arguments are users or groups.
fn ids(name: &str) -> usize {
    if name.starts_with("setres") {
        3
    } else if name.starts_with("setre") {
        2
    } else {
        1
    }
}

/// Returns whether flags of `open` create a file: only then the call has a mode.
fn creates(flags: Option<u64>) -> bool {
    const CREAT: u64 = 0x40;
    const TMPFILE: u64 = 0x40_0000;
    flags.is_some_and(|flags| flags & (CREAT | TMPFILE) != 0)
}

fn socket_option(level: Option<u64>) -> Kind {
    match level {
        Some(0) => named(&IP_OPTIONS),
        Some(1) => named(&SOCKET_OPTIONS),
        Some(6) => named(&TCP_OPTIONS),
        Some(17) => named(&UDP_OPTIONS),
        Some(41) => named(&IPV6_OPTIONS),
        Some(132) => named(&SCTP_OPTIONS),
        Some(263) => named(&PACKET_OPTIONS),
        _ => HEX,
    }
}
