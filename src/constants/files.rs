//! Names of files' types, flags and calls.

use std::fmt;

use super::{FlagNames, flags, names};
use crate::arch::Arch;
use crate::macros::pad_with;

/// A file's type and permissions, as in `st_mode`.
///
/// # Examples
///
/// ```
/// use auditlink::constants::Mode;
///
/// let mode = Mode::new(0o104_755);
/// assert_eq!(mode.file_type(), Some("file"));
/// assert_eq!(mode.permissions(), 0o755);
/// assert_eq!(mode.to_string(), "file,suid,755");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mode(u32);

impl Mode {
    /// Makes a mode from `st_mode`.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns all bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns the type as rules spell it, such as `file` or `dir`; `None` if the bits are not a type.
    #[must_use]
    pub fn file_type(self) -> Option<&'static str> {
        FILE_TYPES.name(u64::from(self.0 & 0o170_000))
    }

    /// Returns the nine permission bits.
    #[must_use]
    pub const fn permissions(self) -> u32 {
        self.0 & 0o777
    }

    /// Returns whether the set-user-ID bit is set.
    #[must_use]
    pub const fn is_set_uid(self) -> bool {
        self.0 & 0o4000 != 0
    }

    /// Returns whether the set-group-ID bit is set.
    #[must_use]
    pub const fn is_set_gid(self) -> bool {
        self.0 & 0o2000 != 0
    }

    /// Returns whether the sticky bit is set.
    #[must_use]
    pub const fn is_sticky(self) -> bool {
        self.0 & 0o1000 != 0
    }

    /// Prints the names of the special bits, and the permissions with at least `digits` digits.
    pub(crate) fn print_permissions(self, out: &mut dyn fmt::Write, digits: usize) -> fmt::Result {
        for (is_set, name) in
            [(self.is_set_uid(), "suid"), (self.is_set_gid(), "sgid"), (self.is_sticky(), "sticky")]
        {
            if is_set {
                write!(out, "{name},")?;
            }
        }
        write!(out, "{:0digits$o}", self.permissions())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |out| {
            match self.file_type() {
                Some(name) => write!(out, "{name},")?,
                None => write!(out, "{:03o},", self.0 >> 12 & 0o17)?,
            }
            self.print_permissions(out, 3)
        })
    }
}

/// The file descriptor that stands for the working directory, `AT_FDCWD`.
pub(crate) const AT_FDCWD: i32 = -100;

/// Returns the flags of `open` on an architecture, since some bits differ.
///
/// Source: `arch/*/include/uapi/asm/fcntl.h`.
#[must_use]
pub(crate) const fn open_flags(arch: Arch) -> &'static FlagNames {
    match arch {
        Arch::ARM | Arch::AARCH64 => &OPEN_FLAGS_ARM,
        Arch::PPC | Arch::PPC64 | Arch::PPC64LE => &OPEN_FLAGS_POWERPC,
        Arch::MIPS | Arch::MIPSEL | Arch::MIPS64 | Arch::MIPSEL64 => &OPEN_FLAGS_MIPS,
        _ => &OPEN_FLAGS,
    }
}

flags! {
    /// The flags of `open` on x86, RISC-V, IBM Z and LoongArch; see [`open_flags`].
    OPEN_FLAGS {
        0x3/0 O_RDONLY, 0x3/1 O_WRONLY, 0x3/2 O_RDWR, 0x3/3 O_ACCMODE,
        0x40 O_CREAT, 0x80 O_EXCL, 0x100 O_NOCTTY, 0x200 O_TRUNC, 0x400 O_APPEND,
        0x800 O_NONBLOCK, 0x10_1000 O_SYNC, 0x1000 O_DSYNC, 0x2000 O_ASYNC, 0x4000 O_DIRECT,
        0x8000 O_LARGEFILE, 0x41_0000 O_TMPFILE, 0x1_0000 O_DIRECTORY, 0x2_0000 O_NOFOLLOW,
        0x4_0000 O_NOATIME, 0x8_0000 O_CLOEXEC, 0x20_0000 O_PATH,
    }

    /// The flags of `open` on Arm.
    OPEN_FLAGS_ARM {
        0x3/0 O_RDONLY, 0x3/1 O_WRONLY, 0x3/2 O_RDWR, 0x3/3 O_ACCMODE,
        0x40 O_CREAT, 0x80 O_EXCL, 0x100 O_NOCTTY, 0x200 O_TRUNC, 0x400 O_APPEND,
        0x800 O_NONBLOCK, 0x10_1000 O_SYNC, 0x1000 O_DSYNC, 0x2000 O_ASYNC, 0x1_0000 O_DIRECT,
        0x2_0000 O_LARGEFILE, 0x40_4000 O_TMPFILE, 0x4000 O_DIRECTORY, 0x8000 O_NOFOLLOW,
        0x4_0000 O_NOATIME, 0x8_0000 O_CLOEXEC, 0x20_0000 O_PATH,
    }

    /// The flags of `open` on PowerPC.
    OPEN_FLAGS_POWERPC {
        0x3/0 O_RDONLY, 0x3/1 O_WRONLY, 0x3/2 O_RDWR, 0x3/3 O_ACCMODE,
        0x40 O_CREAT, 0x80 O_EXCL, 0x100 O_NOCTTY, 0x200 O_TRUNC, 0x400 O_APPEND,
        0x800 O_NONBLOCK, 0x10_1000 O_SYNC, 0x1000 O_DSYNC, 0x2000 O_ASYNC, 0x1_0000 O_LARGEFILE,
        0x2_0000 O_DIRECT, 0x40_4000 O_TMPFILE, 0x4000 O_DIRECTORY, 0x8000 O_NOFOLLOW,
        0x4_0000 O_NOATIME, 0x8_0000 O_CLOEXEC, 0x20_0000 O_PATH,
    }

    /// The flags of `open` on MIPS.
    OPEN_FLAGS_MIPS {
        0x3/0 O_RDONLY, 0x3/1 O_WRONLY, 0x3/2 O_RDWR, 0x3/3 O_ACCMODE,
        0x8 O_APPEND, 0x4010 O_SYNC, 0x10 O_DSYNC, 0x80 O_NONBLOCK, 0x100 O_CREAT, 0x200 O_TRUNC,
        0x400 O_EXCL, 0x800 O_NOCTTY, 0x1000 O_ASYNC, 0x2000 O_LARGEFILE, 0x8000 O_DIRECT,
        0x41_0000 O_TMPFILE, 0x1_0000 O_DIRECTORY, 0x2_0000 O_NOFOLLOW, 0x4_0000 O_NOATIME,
        0x8_0000 O_CLOEXEC, 0x20_0000 O_PATH,
    }

    /// The modes of `access`.
    ACCESS_MODES(F_OK) {
        0x1 X_OK, 0x2 W_OK, 0x4 R_OK,
    }

    /// The flags of a file descriptor.
    DESCRIPTOR_FLAGS {
        0x1 FD_CLOEXEC,
    }

    /// The flags of system calls that take a directory and a name (`AT_*`). The bit 0x200 has another
    /// meaning for each call that knows it.
    AT_FLAGS {
        0x100 AT_SYMLINK_NOFOLLOW, 0x400 AT_SYMLINK_FOLLOW,
        0x800 AT_NO_AUTOMOUNT, 0x1000 AT_EMPTY_PATH, 0x2000 AT_STATX_FORCE_SYNC,
        0x4000 AT_STATX_DONT_SYNC, 0x8000 AT_RECURSIVE,
    }

    /// The flags of `unlinkat`.
    AT_UNLINK_FLAGS {
        0x200 AT_REMOVEDIR,
    }

    /// The flags of `faccessat2`.
    AT_ACCESS_FLAGS {
        0x100 AT_SYMLINK_NOFOLLOW, 0x200 AT_EACCESS, 0x1000 AT_EMPTY_PATH,
    }

    /// The flags of `open_tree`, except where `O_CLOEXEC` is another bit.
    OPEN_TREE_FLAGS {
        0x1 OPEN_TREE_CLONE, 0x2 OPEN_TREE_NAMESPACE, 0x100 AT_SYMLINK_NOFOLLOW, 0x800 AT_NO_AUTOMOUNT,
        0x1000 AT_EMPTY_PATH, 0x8000 AT_RECURSIVE, 0x8_0000 OPEN_TREE_CLOEXEC,
    }

    /// The flags of `fsopen`.
    FSOPEN_FLAGS {
        0x1 FSOPEN_CLOEXEC,
    }

    /// The flags of `fsmount`.
    FSMOUNT_FLAGS {
        0x1 FSMOUNT_CLOEXEC, 0x2 FSMOUNT_NAMESPACE,
    }

    /// The flags of `fspick`.
    FSPICK_FLAGS {
        0x1 FSPICK_CLOEXEC, 0x2 FSPICK_SYMLINK_NOFOLLOW, 0x4 FSPICK_NO_AUTOMOUNT,
        0x8 FSPICK_EMPTY_PATH,
    }

    /// The attributes of `fsmount`.
    MOUNT_ATTRIBUTES {
        0x1 MOUNT_ATTR_RDONLY, 0x2 MOUNT_ATTR_NOSUID, 0x4 MOUNT_ATTR_NODEV,
        0x8 MOUNT_ATTR_NOEXEC, 0x10 MOUNT_ATTR_NOATIME, 0x20 MOUNT_ATTR_STRICTATIME,
        0x80 MOUNT_ATTR_NODIRATIME, 0x10_0000 MOUNT_ATTR_IDMAP, 0x20_0000 MOUNT_ATTR_NOSYMFOLLOW,
    }

    /// The flags of `openat2` that restrict path resolution.
    RESOLVE_FLAGS {
        0x1 RESOLVE_NO_XDEV, 0x2 RESOLVE_NO_MAGICLINKS, 0x4 RESOLVE_NO_SYMLINKS,
        0x8 RESOLVE_BENEATH, 0x10 RESOLVE_IN_ROOT, 0x20 RESOLVE_CACHED,
    }

    /// The flags of `mount`.
    MOUNT_FLAGS {
        0x1 MS_RDONLY, 0x2 MS_NOSUID, 0x4 MS_NODEV, 0x8 MS_NOEXEC, 0x10 MS_SYNCHRONOUS,
        0x20 MS_REMOUNT, 0x40 MS_MANDLOCK, 0x80 MS_DIRSYNC, 0x100 MS_NOSYMFOLLOW,
        0x400 MS_NOATIME, 0x800 MS_NODIRATIME, 0x1000 MS_BIND, 0x2000 MS_MOVE, 0x4000 MS_REC,
        0x8000 MS_SILENT, 0x1_0000 MS_POSIXACL, 0x2_0000 MS_UNBINDABLE, 0x4_0000 MS_PRIVATE,
        0x8_0000 MS_SLAVE, 0x10_0000 MS_SHARED, 0x20_0000 MS_RELATIME, 0x40_0000 MS_KERNMOUNT,
        0x80_0000 MS_I_VERSION, 0x100_0000 MS_STRICTATIME, 0x200_0000 MS_LAZYTIME,
        0x400_0000 MS_SUBMOUNT, 0x800_0000 MS_NOREMOTELOCK, 0x1000_0000 MS_NOSEC,
        0x2000_0000 MS_BORN, 0x4000_0000 MS_ACTIVE, 0x8000_0000 MS_NOUSER,
    }

    /// The flags of `umount2`.
    UMOUNT_FLAGS {
        0x1 MNT_FORCE, 0x2 MNT_DETACH, 0x4 MNT_EXPIRE, 0x8 UMOUNT_NOFOLLOW,
        0x8000_0000 UMOUNT_UNUSED,
    }
}

names! {
    /// The origins of `lseek`.
    WHENCE {
        SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2, SEEK_DATA = 3, SEEK_HOLE = 4,
    }

    /// The commands of `fsconfig`.
    FSCONFIG_COMMANDS {
        FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_SET_BINARY = 2,
        FSCONFIG_SET_PATH = 3, FSCONFIG_SET_PATH_EMPTY = 4, FSCONFIG_SET_FD = 5,
        FSCONFIG_CMD_CREATE = 6, FSCONFIG_CMD_RECONFIGURE = 7, FSCONFIG_CMD_CREATE_EXCL = 8,
    }

    /// The types of files, `S_IF*`, as rules spell them.
    FILE_TYPES {
        socket = 0o140_000, link = 0o120_000, file = 0o100_000, block = 0o060_000,
        dir = 0o040_000, character = 0o020_000, fifo = 0o010_000,
    }

    /// The file systems that rules name, by their magic numbers.
    FILE_SYSTEMS {
        debugfs = 0x6462_6720, tracefs = 0x7472_6163, cgroup = 0x27_E0EB, cgroup2 = 0x6367_7270,
    }

    /// The commands of `fcntl`.
    FCNTL_COMMANDS {
        F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETLK = 5,
        F_SETLK = 6, F_SETLKW = 7, F_SETOWN = 8, F_GETOWN = 9, F_SETSIG = 10, F_GETSIG = 11,
        F_SETOWN_EX = 15, F_GETOWN_EX = 16, F_GETOWNER_UIDS = 17, F_OFD_GETLK = 36,
        F_OFD_SETLK = 37, F_OFD_SETLKW = 38, F_SETLEASE = 1024, F_GETLEASE = 1025,
        F_NOTIFY = 1026, F_CANCELLK = 1029, F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ = 1031,
        F_GETPIPE_SZ = 1032, F_ADD_SEALS = 1033, F_GET_SEALS = 1034, F_GET_RW_HINT = 1035,
        F_SET_RW_HINT = 1036, F_GET_FILE_RW_HINT = 1037, F_SET_FILE_RW_HINT = 1038,
        F_GETLK64 = 12, F_SETLK64 = 13, F_SETLKW64 = 14,
    }

    /// Common requests of `ioctl`: terminals, network interfaces, keyboards, file systems.
    IOCTL_REQUESTS {
        TCGETS = 0x5401, TCSETS = 0x5402, TCSETSW = 0x5403, TCSETSF = 0x5404, TCGETA = 0x5405,
        TCSETA = 0x5406, TCSETAW = 0x5407, TCSETAF = 0x5408, TCSBRK = 0x5409, TCXONC = 0x540a,
        TCFLSH = 0x540b, TIOCEXCL = 0x540c, TIOCNXCL = 0x540d, TIOCSCTTY = 0x540e,
        TIOCGPGRP = 0x540f, TIOCSPGRP = 0x5410, TIOCOUTQ = 0x5411, TIOCSTI = 0x5412,
        TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414, TIOCMGET = 0x5415, TIOCMBIS = 0x5416,
        TIOCMBIC = 0x5417, TIOCMSET = 0x5418, TIOCGSOFTCAR = 0x5419, TIOCSSOFTCAR = 0x541a,
        FIONREAD = 0x541b, TIOCLINUX = 0x541c, TIOCCONS = 0x541d, TIOCGSERIAL = 0x541e,
        TIOCSSERIAL = 0x541f, TIOCPKT = 0x5420, FIONBIO = 0x5421, TIOCNOTTY = 0x5422,
        TIOCSETD = 0x5423, TIOCGETD = 0x5424, TCSBRKP = 0x5425, TIOCSBRK = 0x5427,
        TIOCCBRK = 0x5428, TIOCGSID = 0x5429, TIOCGRS485 = 0x542e, TIOCSRS485 = 0x542f,
        TCGETX = 0x5432, TCSETX = 0x5433, TCSETXF = 0x5434, TCSETXW = 0x5435,
        TIOCVHANGUP = 0x5437, TIOCGPTPEER = 0x5441, FIONCLEX = 0x5450, FIOCLEX = 0x5451,
        FIOASYNC = 0x5452, TIOCSERCONFIG = 0x5453, TIOCSERGWILD = 0x5454, TIOCSERSWILD = 0x5455,
        TIOCGLCKTRMIOS = 0x5456, TIOCSLCKTRMIOS = 0x5457, TIOCSERGSTRUCT = 0x5458,
        TIOCSERGETLSR = 0x5459, TIOCSERGETMULTI = 0x545a, TIOCSERSETMULTI = 0x545b,
        TIOCMIWAIT = 0x545c, TIOCGICOUNT = 0x545d, FIOQSIZE = 0x5460, TIOCSPTLCK = 0x4004_5431,
        TIOCSIG = 0x4004_5436, TIOCGPTN = 0x8004_5430, TIOCGDEV = 0x8004_5432,
        TIOCGPKT = 0x8004_5438, TIOCGPTLCK = 0x8004_5439, TIOCGEXCL = 0x8004_5440,
        SIOCADDRT = 0x890b, SIOCDELRT = 0x890c, SIOCGIFNAME = 0x8910, SIOCSIFLINK = 0x8911,
        SIOCGIFCONF = 0x8912, SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914,
        SIOCGIFADDR = 0x8915, SIOCSIFADDR = 0x8916, SIOCGIFMTU = 0x8921, SIOCSIFMTU = 0x8922,
        SIOCSIFHWADDR = 0x8924, SIOCGIFHWADDR = 0x8927, SIOCGIFINDEX = 0x8933,
        SIOCETHTOOL = 0x8946, SIOCBRADDBR = 0x89a0, SIOCBRDELBR = 0x89a1,
        KDSETMODE = 0x4b3a, KDGETMODE = 0x4b3b, KDGKBMODE = 0x4b44, KDSKBMODE = 0x4b45,
        VT_ACTIVATE = 0x5606, BLKGETSIZE64 = 0x8008_1272, FIFREEZE = 0xc004_5877,
        FITHAW = 0xc004_5878, FS_IOC_GETFLAGS = 0x8008_6601, FS_IOC_SETFLAGS = 0x4008_6602,
        TUNSETIFF = 0x4004_54ca, EVIOCGRAB = 0x4004_4590, DRM_IOCTL_VERSION = 0xc040_6400,
    }
}
