//! The class of each system call, such as open, connect or ptrace.

/// What a system call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SyscallClass {
    Exec,
    Fork,
    Exit,
    Open,
    Create,
    Delete,
    Rename,
    Link,
    Attribute,
    Mount,
    Connect,
    Bind,
    Accept,
    Listen,
    Send,
    Identity,
    Kill,
    Ptrace,
    Module,
    Bpf,
    Time,
    Other,
}

impl SyscallClass {
    /// Returns the class of a system call, or of an operation of io_uring, which has the same name.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "execve" | "execveat" => Self::Exec,
            "clone" | "clone2" | "clone3" | "fork" | "vfork" => Self::Fork,
            "exit" | "exit_group" => Self::Exit,
            "open" | "openat" | "openat2" | "open_by_handle_at" | "readlink" | "readlinkat"
            | "truncate" | "truncate64" | "ftruncate" | "ftruncate64" | "access" | "faccessat"
            | "faccessat2" | "stat" | "lstat" | "newfstatat" | "fstatat64" | "statx" | "chdir"
            | "fchdir" | "uselib" | "acct" | "swapon" | "swapoff" | "quotactl" => Self::Open,
            "creat" | "mkdir" | "mkdirat" | "mknod" | "mknodat" | "mq_open" | "memfd_create" => {
                Self::Create
            }
            "unlink" | "unlinkat" | "rmdir" | "mq_unlink" => Self::Delete,
            "rename" | "renameat" | "renameat2" => Self::Rename,
            "link" | "linkat" | "symlink" | "symlinkat" => Self::Link,
            "chmod" | "fchmod" | "fchmodat" | "fchmodat2" | "chown" | "lchown" | "fchown"
            | "fchownat" | "chown32" | "lchown32" | "fchown32" | "setxattr" | "lsetxattr"
            | "fsetxattr" | "setxattrat" | "removexattr" | "lremovexattr" | "fremovexattr"
            | "removexattrat" | "utime" | "utimes" | "futimesat" | "utimensat"
            | "utimensat_time64" | "file_setattr" => Self::Attribute,
            "mount" | "umount" | "umount2" | "oldumount" | "pivot_root" | "chroot" | "fsmount"
            | "fsopen" | "fspick" | "fsconfig" | "move_mount" | "open_tree" | "open_tree_attr"
            | "mount_setattr" => Self::Mount,
            "connect" => Self::Connect,
            "bind" => Self::Bind,
            "accept" | "accept4" => Self::Accept,
            "listen" => Self::Listen,
            "send" | "sendto" | "sendmsg" | "sendmmsg" | "send_zc" | "sendmsg_zc" => Self::Send,
            "setuid" | "setuid32" | "setgid" | "setgid32" | "setreuid" | "setreuid32"
            | "setregid" | "setregid32" | "setresuid" | "setresuid32" | "setresgid"
            | "setresgid32" | "setfsuid" | "setfsuid32" | "setfsgid" | "setfsgid32"
            | "setgroups" | "setgroups32" | "capset" | "setsid" | "setpgid" | "unshare"
            | "setns" => Self::Identity,
            "kill" | "tkill" | "tgkill" | "rt_sigqueueinfo" | "rt_tgsigqueueinfo"
            | "pidfd_send_signal" => Self::Kill,
            "ptrace" | "process_vm_readv" | "process_vm_writev" => Self::Ptrace,
            "init_module" | "finit_module" | "delete_module" | "create_module" => Self::Module,
            "bpf" => Self::Bpf,
            "settimeofday" | "stime" | "adjtimex" | "clock_settime" | "clock_settime64"
            | "clock_adjtime" | "clock_adjtime64" => Self::Time,
            _ => Self::Other,
        }
    }

    /// Returns the class of an operation of i386's `socketcall`.
    pub(super) fn of_socket_call(number: u64) -> Self {
        crate::constants::SOCKET_CALLS.name(number).map_or(Self::Other, Self::of)
    }
}
