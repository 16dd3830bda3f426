//! Names of errors and signals, and of the arguments of calls about processes.

use std::fmt;

use super::{flags, names};
use crate::arch::Arch;
use crate::macros::kernel_number;
use crate::macros::pad_with;

kernel_number! {
    /// An error number, positive as in `errno`.
    ///
    /// Numbers from 512 are internal to the kernel: a record has one when a call is restarted, a
    /// program never sees it.
    ///
    /// Source: `include/uapi/asm-generic/errno.h`, `include/linux/errno.h`. MIPS has other
    /// numbers from 35 on, which have no names here.
    #[doc(alias = "errno")]
    Errno(u32)
}

impl Errno {
    /// The largest error number that a system call can return, `MAX_ERRNO`.
    pub const MAX: u32 = 4095;

    /// Returns the name, such as `ENOENT`.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        if self == EFTYPE {
            return Some("EFTYPE");
        }
        syscalls::Errno::new(i32::try_from(self.0).ok()?).name()
    }

    /// Returns the description, such as `No such file or directory`.
    #[must_use]
    pub fn description(self) -> Option<&'static str> {
        if self == EFTYPE {
            return Some("Wrong file type for the intended operation");
        }
        syscalls::Errno::new(i32::try_from(self.0).ok()?).description()
    }

    /// Returns the error with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        (1..=Self::MAX).map(Self).find(|errno| errno.name() == Some(name))
    }
}

/// An error of Linux 7, which the crate `syscalls` does not name.
const EFTYPE: Errno = Errno(134);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => pad_with(f, |out| write!(out, "{}", self.0)),
        }
    }
}

kernel_number! {
    /// A signal; numbers from 32 are real-time signals.
    ///
    /// Source: `include/uapi/asm-generic/signal.h`, which x86 and Arm
    /// share. MIPS has other numbers.
    Signal(u32)
}

impl Signal {
    /// Returns the name, such as `SIGKILL`; real-time signals have none.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        SIGNALS.name(u64::from(self.0))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.0) {
            (Some(name), _) => f.pad(name),
            (None, number @ 32..=64) => pad_with(f, |out| write!(out, "SIGRT{}", number - 32)),
            (None, number) => pad_with(f, |out| write!(out, "{number}")),
        }
    }
}

/// Returns whether an architecture uses the numbers of `asm-generic` for signals, errors, sockets
/// and memory maps. MIPS does not.
pub(crate) const fn has_generic_numbers(arch: Arch) -> bool {
    !matches!(arch, Arch::MIPS | Arch::MIPSEL | Arch::MIPS64 | Arch::MIPSEL64)
}

flags! {
    /// The flags of `clone`, `unshare` and `setns`; the low byte of `clone`'s flags is a signal.
    CLONE_FLAGS {
        0x80 CLONE_NEWTIME, 0x100 CLONE_VM, 0x200 CLONE_FS, 0x400 CLONE_FILES,
        0x800 CLONE_SIGHAND, 0x1000 CLONE_PIDFD, 0x2000 CLONE_PTRACE, 0x4000 CLONE_VFORK,
        0x8000 CLONE_PARENT, 0x1_0000 CLONE_THREAD, 0x2_0000 CLONE_NEWNS, 0x4_0000 CLONE_SYSVSEM,
        0x8_0000 CLONE_SETTLS, 0x10_0000 CLONE_PARENT_SETTID, 0x20_0000 CLONE_CHILD_CLEARTID,
        0x40_0000 CLONE_DETACHED, 0x80_0000 CLONE_UNTRACED, 0x100_0000 CLONE_CHILD_SETTID,
        0x200_0000 CLONE_NEWCGROUP, 0x400_0000 CLONE_NEWUTS, 0x800_0000 CLONE_NEWIPC,
        0x1000_0000 CLONE_NEWUSER, 0x2000_0000 CLONE_NEWPID, 0x4000_0000 CLONE_NEWNET,
        0x8000_0000 CLONE_IO, 0x1_0000_0000 CLONE_CLEAR_SIGHAND, 0x2_0000_0000 CLONE_INTO_CGROUP,
        0x4_0000_0000 CLONE_AUTOREAP, 0x8_0000_0000 CLONE_NNP,
        0x10_0000_0000 CLONE_PIDFD_AUTOKILL, 0x20_0000_0000 CLONE_EMPTY_MNTNS,
    }

    /// The memory protection of `mmap` and `mprotect`.
    PROTECTION_FLAGS(PROT_NONE) {
        0x1 PROT_READ, 0x2 PROT_WRITE, 0x4 PROT_EXEC, 0x8 PROT_SEM, 0x100_0000 PROT_GROWSDOWN,
        0x200_0000 PROT_GROWSUP,
    }

    /// The flags of `mmap`, except on MIPS and PowerPC.
    MAP_FLAGS(MAP_FILE) {
        0xF/3 MAP_SHARED_VALIDATE, 0x1 MAP_SHARED, 0x2 MAP_PRIVATE, 0x10 MAP_FIXED,
        0x20 MAP_ANONYMOUS, 0x40 MAP_32BIT, 0x100 MAP_GROWSDOWN, 0x800 MAP_DENYWRITE,
        0x1000 MAP_EXECUTABLE, 0x2000 MAP_LOCKED, 0x4000 MAP_NORESERVE, 0x8000 MAP_POPULATE,
        0x1_0000 MAP_NONBLOCK, 0x2_0000 MAP_STACK, 0x4_0000 MAP_HUGETLB, 0x8_0000 MAP_SYNC,
        0x10_0000 MAP_FIXED_NOREPLACE, 0x400_0000 MAP_UNINITIALIZED,
    }

    /// The execution domain and flags of `personality`.
    PERSONALITIES {
        0xFF/0 PER_LINUX, 0xFF/1 PER_SVR4, 0xFF/2 PER_SVR3, 0xFF/3 PER_SCOSVR3,
        0xFF/4 PER_WYSEV386, 0xFF/5 PER_ISCR4, 0xFF/6 PER_BSD, 0xFF/7 PER_XENIX,
        0xFF/8 PER_LINUX32, 0xFF/9 PER_IRIX32, 0xFF/10 PER_IRIXN32, 0xFF/11 PER_IRIX64,
        0xFF/12 PER_RISCOS, 0xFF/13 PER_SOLARIS, 0xFF/14 PER_UW7, 0xFF/15 PER_OSF4,
        0xFF/16 PER_HPUX, 0x2_0000 UNAME26, 0x4_0000 ADDR_NO_RANDOMIZE, 0x8_0000 FDPIC_FUNCPTRS,
        0x10_0000 MMAP_PAGE_ZERO, 0x20_0000 ADDR_COMPAT_LAYOUT, 0x40_0000 READ_IMPLIES_EXEC,
        0x80_0000 ADDR_LIMIT_32BIT, 0x100_0000 SHORT_INODE, 0x200_0000 WHOLE_SECONDS,
        0x400_0000 STICKY_TIMEOUTS, 0x800_0000 ADDR_LIMIT_3GB,
    }

    /// The flags of `shmget`, `semget` and `msgget`, without the permissions.
    SHM_FLAGS {
        0x200 IPC_CREAT, 0x400 IPC_EXCL, 0x800 SHM_HUGETLB, 0x1000 SHM_NORESERVE,
    }

    /// The flags of `semget` and `msgget`, without the permissions.
    IPC_FLAGS {
        0x200 IPC_CREAT, 0x400 IPC_EXCL, 0x800 IPC_NOWAIT,
    }
}

names! {
    /// The signals.
    SIGNALS {
        SIG0 = 0, SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6,
        SIGBUS = 7, SIGFPE = 8, SIGKILL = 9, SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12,
        SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15, SIGSTKFLT = 16, SIGCHLD = 17, SIGCONT = 18,
        SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGURG = 23, SIGXCPU = 24,
        SIGXFSZ = 25, SIGVTALRM = 26, SIGPROF = 27, SIGWINCH = 28, SIGIO = 29, SIGPWR = 30,
        SIGSYS = 31,
    }

    /// The resources of `setrlimit`.
    RESOURCE_LIMITS {
        RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_DATA = 2, RLIMIT_STACK = 3, RLIMIT_CORE = 4,
        RLIMIT_RSS = 5, RLIMIT_NPROC = 6, RLIMIT_NOFILE = 7, RLIMIT_MEMLOCK = 8, RLIMIT_AS = 9,
        RLIMIT_LOCKS = 10, RLIMIT_SIGPENDING = 11, RLIMIT_MSGQUEUE = 12, RLIMIT_NICE = 13,
        RLIMIT_RTPRIO = 14, RLIMIT_RTTIME = 15,
    }

    /// The policies of `sched_setscheduler`.
    SCHEDULER_POLICIES {
        SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5,
        SCHED_DEADLINE = 6, SCHED_EXT = 7,
    }

    /// The clocks of `clock_settime`.
    CLOCKS {
        CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2,
        CLOCK_THREAD_CPUTIME_ID = 3, CLOCK_MONOTONIC_RAW = 4, CLOCK_REALTIME_COARSE = 5,
        CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7, CLOCK_REALTIME_ALARM = 8,
        CLOCK_BOOTTIME_ALARM = 9, CLOCK_SGI_CYCLE = 10, CLOCK_TAI = 11,
    }

    /// The operations of `epoll_ctl`.
    EPOLL_OPERATIONS {
        EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3,
    }

    /// The operations of `ipc`.
    IPC_CALLS {
        semop = 1, semget = 2, semctl = 3, semtimedop = 4, msgsnd = 11, msgrcv = 12, msgget = 13,
        msgctl = 14, shmat = 21, shmdt = 22, shmget = 23, shmctl = 24,
    }

    /// The commands of `shmctl`.
    SHM_COMMANDS {
        IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, SHM_LOCK = 11, SHM_UNLOCK = 12,
        SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15,
    }

    /// The commands of `semctl`.
    SEM_COMMANDS {
        IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, GETPID = 11, GETVAL = 12,
        GETALL = 13, GETNCNT = 14, GETZCNT = 15, SETVAL = 16, SETALL = 17, SEM_STAT = 18,
        SEM_INFO = 19, SEM_STAT_ANY = 20,
    }

    /// The commands of `msgctl`.
    MSG_COMMANDS {
        IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, MSG_STAT = 11, MSG_INFO = 12,
        MSG_STAT_ANY = 13,
    }

    /// The options of `prctl`.
    PRCTL_OPTIONS {
        PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4,
        PR_GET_UNALIGN = 5, PR_SET_UNALIGN = 6, PR_GET_KEEPCAPS = 7, PR_SET_KEEPCAPS = 8,
        PR_GET_FPEMU = 9, PR_SET_FPEMU = 10, PR_GET_FPEXC = 11, PR_SET_FPEXC = 12,
        PR_GET_TIMING = 13, PR_SET_TIMING = 14, PR_SET_NAME = 15, PR_GET_NAME = 16,
        PR_GET_ENDIAN = 19, PR_SET_ENDIAN = 20, PR_GET_SECCOMP = 21, PR_SET_SECCOMP = 22,
        PR_CAPBSET_READ = 23, PR_CAPBSET_DROP = 24, PR_GET_TSC = 25, PR_SET_TSC = 26,
        PR_GET_SECUREBITS = 27, PR_SET_SECUREBITS = 28, PR_SET_TIMERSLACK = 29,
        PR_GET_TIMERSLACK = 30, PR_TASK_PERF_EVENTS_DISABLE = 31,
        PR_TASK_PERF_EVENTS_ENABLE = 32, PR_MCE_KILL = 33, PR_MCE_KILL_GET = 34, PR_SET_MM = 35,
        PR_SET_CHILD_SUBREAPER = 36, PR_GET_CHILD_SUBREAPER = 37, PR_SET_NO_NEW_PRIVS = 38,
        PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40, PR_SET_THP_DISABLE = 41,
        PR_GET_THP_DISABLE = 42, PR_MPX_ENABLE_MANAGEMENT = 43, PR_MPX_DISABLE_MANAGEMENT = 44,
        PR_SET_FP_MODE = 45, PR_GET_FP_MODE = 46, PR_CAP_AMBIENT = 47, PR_SVE_SET_VL = 50,
        PR_SVE_GET_VL = 51, PR_GET_SPECULATION_CTRL = 52, PR_SET_SPECULATION_CTRL = 53,
        PR_PAC_RESET_KEYS = 54, PR_SET_TAGGED_ADDR_CTRL = 55, PR_GET_TAGGED_ADDR_CTRL = 56,
        PR_SET_IO_FLUSHER = 57, PR_GET_IO_FLUSHER = 58, PR_SET_SYSCALL_USER_DISPATCH = 59,
        PR_PAC_SET_ENABLED_KEYS = 60, PR_PAC_GET_ENABLED_KEYS = 61, PR_SCHED_CORE = 62,
        PR_SME_SET_VL = 63, PR_SME_GET_VL = 64, PR_SET_MDWE = 65, PR_GET_MDWE = 66,
        PR_SET_MEMORY_MERGE = 67, PR_GET_MEMORY_MERGE = 68, PR_RISCV_V_SET_CONTROL = 69,
        PR_RISCV_V_GET_CONTROL = 70, PR_RISCV_SET_ICACHE_FLUSH_CTX = 71,
        PR_PPC_GET_DEXCR = 72, PR_PPC_SET_DEXCR = 73, PR_GET_SHADOW_STACK_STATUS = 74,
        PR_SET_SHADOW_STACK_STATUS = 75, PR_LOCK_SHADOW_STACK_STATUS = 76,
        PR_TIMER_CREATE_RESTORE_IDS = 77, PR_FUTEX_HASH = 78, PR_RSEQ_SLICE_EXTENSION = 79,
        PR_GET_CFI = 80, PR_SET_CFI = 81, PR_GET_AUXV = 0x4155_5856, PR_SET_VMA = 0x5356_4d41,
        PR_SET_PTRACER = 0x5961_6d61,
    }

    /// The requests of `ptrace`, including those of x86.
    PTRACE_REQUESTS {
        PTRACE_TRACEME = 0, PTRACE_PEEKTEXT = 1, PTRACE_PEEKDATA = 2, PTRACE_PEEKUSER = 3,
        PTRACE_POKETEXT = 4, PTRACE_POKEDATA = 5, PTRACE_POKEUSER = 6, PTRACE_CONT = 7,
        PTRACE_KILL = 8, PTRACE_SINGLESTEP = 9, PTRACE_GETREGS = 12, PTRACE_SETREGS = 13,
        PTRACE_GETFPREGS = 14, PTRACE_SETFPREGS = 15, PTRACE_ATTACH = 16, PTRACE_DETACH = 17,
        PTRACE_GETFPXREGS = 18, PTRACE_SETFPXREGS = 19, PTRACE_OLDSETOPTIONS = 21,
        PTRACE_SYSCALL = 24, PTRACE_GET_THREAD_AREA = 25, PTRACE_SET_THREAD_AREA = 26,
        PTRACE_ARCH_PRCTL = 30, PTRACE_SYSEMU = 31, PTRACE_SYSEMU_SINGLESTEP = 32,
        PTRACE_SINGLEBLOCK = 33, PTRACE_SETOPTIONS = 16896, PTRACE_GETEVENTMSG = 16897,
        PTRACE_GETSIGINFO = 16898, PTRACE_SETSIGINFO = 16899, PTRACE_GETREGSET = 16900,
        PTRACE_SETREGSET = 16901, PTRACE_SEIZE = 16902, PTRACE_INTERRUPT = 16903,
        PTRACE_LISTEN = 16904, PTRACE_PEEKSIGINFO = 16905, PTRACE_GETSIGMASK = 16906,
        PTRACE_SETSIGMASK = 16907, PTRACE_SECCOMP_GET_FILTER = 16908,
        PTRACE_SECCOMP_GET_METADATA = 16909, PTRACE_GET_SYSCALL_INFO = 16910,
        PTRACE_GET_RSEQ_CONFIGURATION = 16911,
    }

    /// The operations of `keyctl`.
    KEYCTL_OPERATIONS {
        KEYCTL_GET_KEYRING_ID = 0, KEYCTL_JOIN_SESSION_KEYRING = 1, KEYCTL_UPDATE = 2,
        KEYCTL_REVOKE = 3, KEYCTL_CHOWN = 4, KEYCTL_SETPERM = 5, KEYCTL_DESCRIBE = 6,
        KEYCTL_CLEAR = 7, KEYCTL_LINK = 8, KEYCTL_UNLINK = 9, KEYCTL_SEARCH = 10,
        KEYCTL_READ = 11, KEYCTL_INSTANTIATE = 12, KEYCTL_NEGATE = 13,
        KEYCTL_SET_REQKEY_KEYRING = 14, KEYCTL_SET_TIMEOUT = 15, KEYCTL_ASSUME_AUTHORITY = 16,
        KEYCTL_GET_SECURITY = 17, KEYCTL_SESSION_TO_PARENT = 18, KEYCTL_REJECT = 19,
        KEYCTL_INSTANTIATE_IOV = 20, KEYCTL_INVALIDATE = 21, KEYCTL_GET_PERSISTENT = 22,
        KEYCTL_DH_COMPUTE = 23, KEYCTL_PKEY_QUERY = 24, KEYCTL_PKEY_ENCRYPT = 25,
        KEYCTL_PKEY_DECRYPT = 26, KEYCTL_PKEY_SIGN = 27, KEYCTL_PKEY_VERIFY = 28,
        KEYCTL_RESTRICT_KEYRING = 29, KEYCTL_MOVE = 30, KEYCTL_CAPABILITIES = 31,
        KEYCTL_WATCH_KEY = 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_kernel_have_names_too() {
        for (code, name) in [(2, "ENOENT"), (512, "ERESTARTSYS"), (529, "EIOCBQUEUED")] {
            assert_eq!(Errno::new(code).name(), Some(name));
            assert_eq!(Errno::from_name(name), Some(Errno::new(code)));
        }
        assert_eq!(Errno::new(134).to_string(), "EFTYPE");
        assert_eq!(Errno::from_name("EFTYPE"), Some(EFTYPE));
        assert_eq!(Errno::new(4000).to_string(), "4000");
        assert_eq!(Errno::from_name("EFOO"), None);
        assert_eq!(Signal::new(35).to_string(), "SIGRT3");
        assert_eq!(Signal::new(99).to_string(), "99");
    }
}
