//! System call names and numbers: one table of the crate `syscalls` per architecture, what it lacks,
//! and the names that auditctl has for some calls.

use super::Arch;

/// Defines the lookups from a list of architectures and their tables.
macro_rules! tables {
    ($($($arch:ident)|+ => $table:ident,)*) => {
        fn table_name(arch: Arch, number: u32) -> Option<&'static str> {
            let number = usize::try_from(number).ok()?;
            match arch {
                $($(Arch::$arch)|+ => {
                    let name = syscalls::$table::Sysno::new(number)?.name();
                    Some(name.strip_prefix("r#").unwrap_or(name)) // break is a word of Rust, too
                })*
                _ => None,
            }
        }

        fn table_names(arch: Arch) -> Vec<&'static str> {
            match arch {
                $($(Arch::$arch)|+ => {
                    let names = syscalls::$table::Sysno::iter().map(|call| call.name());
                    names.map(|name| name.strip_prefix("r#").unwrap_or(name)).collect()
                })*
                _ => Vec::new(),
            }
        }

        fn table_number(arch: Arch, name: &str) -> Option<u32> {
            let name = match name {
                "break" => "r#break",
                _ if name.contains('#') => return None,
                _ => name,
            };
            match arch {
                $($(Arch::$arch)|+ => {
                    let call = name.parse::<syscalls::$table::Sysno>().ok()?;
                    u32::try_from(call.id()).ok()
                })*
                _ => None,
            }
        }
    };
}

tables! {
    X86_64 => x86_64,
    I386 => x86,
    AARCH64 => aarch64,
    ARM => arm,
    RISCV64 => riscv64,
    RISCV32 => riscv32,
    S390X => s390x,
    PPC64 | PPC64LE => powerpc64,
    PPC => powerpc,
    MIPS64 | MIPSEL64 => mips64,
    MIPS | MIPSEL => mips,
    LOONGARCH64 => loongarch64,
}

/// Returns the kernel's name of a call.
pub(super) fn name(arch: Arch, number: u32) -> Option<&'static str> {
    if arch == Arch::S390 {
        return match find(S390, number) {
            Some(name) => Some(name),
            // 31-bit programs use ipc
            None => table_name(Arch::S390X, number)
                .filter(|name| *name != "semtimedop")
                .or_else(|| newest_name(arch, number)),
        };
    }
    if let Some(name) = find(CORRECTIONS, number).filter(|_| has_generic_stat(arch)) {
        return Some(name);
    }
    table_name(arch, number).or_else(|| newest_name(arch, number))
}

/// Returns the name that auditctl has for a call, which is not always the kernel's.
pub(super) fn auditctl_name(arch: Arch, number: u32) -> Option<&'static str> {
    match find(aliases(arch), number) {
        Some(name) => Some(name),
        None if arch == Arch::PPC64 || arch == Arch::PPC64LE => {
            name(arch, number).or_else(|| table_name(Arch::PPC, number))
        }
        None => name(arch, number),
    }
}

/// Returns the kernel's names of all calls.
pub(super) fn names(arch: Arch) -> Vec<&'static str> {
    let mut names = match arch {
        Arch::S390 => table_names(Arch::S390X),
        _ => table_names(arch),
    };
    if arch == Arch::S390 {
        names.extend(S390.iter().map(|(_, name)| *name));
        names.retain(|name| number(arch, name).is_some());
        names.sort_unstable();
        names.dedup();
    } else if has_generic_stat(arch) {
        for name in &mut names {
            *name = if *name == "fstatat" { "newfstatat" } else { name };
        }
    }
    if !names.is_empty() {
        names.extend(NEWEST.iter().map(|(_, name)| *name));
    }
    names
}

/// Returns the number of a call by the kernel's name or auditctl's.
pub(super) fn number(arch: Arch, name: &str) -> Option<u32> {
    let known = match arch {
        Arch::S390 => {
            let by_name = |number: &u32| self::name(arch, *number) == Some(name);
            find_name(S390, name).or_else(|| table_number(Arch::S390X, name).filter(by_name))
        }
        _ if name == "newfstatat" && has_generic_stat(arch) => find_name(CORRECTIONS, name),
        Arch::PPC64 | Arch::PPC64LE => {
            table_number(arch, name).or_else(|| table_number(Arch::PPC, name))
        }
        _ => table_number(arch, name),
    };
    known
        .or_else(|| find_name(aliases(arch), name))
        .or_else(|| Some(find_name(NEWEST, name)? + first_number(arch)?))
}

fn newest_name(arch: Arch, number: u32) -> Option<&'static str> {
    find(NEWEST, number.checked_sub(first_number(arch)?)?)
}

fn find(names: &[(u32, &'static str)], number: u32) -> Option<&'static str> {
    names.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

fn find_name(names: &[(u32, &'static str)], name: &str) -> Option<u32> {
    names.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}

/// Returns the number at which the calls of a known architecture start.
fn first_number(arch: Arch) -> Option<u32> {
    match arch {
        Arch::MIPS | Arch::MIPSEL => Some(4000),
        Arch::MIPS64 | Arch::MIPSEL64 => Some(5000),
        _ if arch.name().is_some() => Some(0),
        _ => None,
    }
}

/// Returns whether 79 is `newfstatat`, which the crate `syscalls` calls `fstatat`.
fn has_generic_stat(arch: Arch) -> bool {
    arch == Arch::AARCH64 || arch == Arch::LOONGARCH64
}

/// Names that differ from those of the crate `syscalls` where [`has_generic_stat`].
///
/// Source: `include/uapi/asm-generic/unistd.h`.
const CORRECTIONS: &[(u32, &str)] = &[(79, "newfstatat")];

/// Calls that have one number on every architecture, and that the crate `syscalls` lacks.
///
/// Source: `scripts/syscall.tbl`, Linux 6.19 and 7.0.
const NEWEST: &[(u32, &str)] = &[(470, "listns"), (471, "rseq_slice_yield")];

/// Returns the names that auditctl 4.2 has and the kernel has not; the first of a number is the one
/// that auditctl prints.
///
/// Source: `lib/*_table.h` of audit-userspace.
const fn aliases(arch: Arch) -> &'static [(u32, &'static str)] {
    match arch {
        Arch::X86_64 => &[(17, "pread"), (18, "pwrite")],
        Arch::I386 => &[
            (219, "madvise"),
            (219, "madvise1"),
            (283, "sys_kexec_load"),
            (423, "sched_rr_get_interval64"),
        ],
        Arch::AARCH64 => &[(61, "getdents"), (67, "pread"), (68, "pwrite"), (80, "newfstat")],
        Arch::ARM => &[
            (13, "time"),
            (22, "umount"),
            (25, "stime"),
            (27, "alarm"),
            (30, "utime"),
            (76, "getrlimit"),
            (82, "select"),
            (89, "readdir"),
            (90, "mmap"),
            (102, "socketcall"),
            (113, "syscall"),
            (117, "ipc"),
            (140, "llseek"),
            (142, "newselect"),
            (149, "sysctl"),
            (270, "fadvise64_64"),
            (341, "sync_file_range"),
            (423, "sched_rr_get_interval64"),
        ],
        Arch::PPC | Arch::PPC64 | Arch::PPC64LE => &[
            (179, "pread"),
            (180, "pwrite"),
            (291, "fstatat64"),
            (306, "timerfd"),
            (319, "perf_counter_open"),
            (392, "semtimedop"),
        ],
        Arch::S390X | Arch::S390 => &[(180, "pread"), (181, "pwrite")],
        _ => &[],
    }
}

/// The calls of 31-bit IBM Z that s390x does not have at the same number.
///
/// Source: `arch/s390/kernel/syscalls/syscall.tbl`, the lines marked `32`.
const S390: &[(u32, &str)] = &[
    (13, "time"),
    (16, "lchown"),
    (23, "setuid"),
    (24, "getuid"),
    (25, "stime"),
    (46, "setgid"),
    (47, "getgid"),
    (49, "geteuid"),
    (50, "getegid"),
    (70, "setreuid"),
    (71, "setregid"),
    (76, "getrlimit"),
    (80, "getgroups"),
    (81, "setgroups"),
    (95, "fchown"),
    (101, "ioperm"),
    (138, "setfsuid"),
    (139, "setfsgid"),
    (140, "_llseek"),
    (142, "_newselect"),
    (164, "setresuid"),
    (165, "getresuid"),
    (170, "setresgid"),
    (171, "getresgid"),
    (180, "pread64"),
    (181, "pwrite64"),
    (182, "chown"),
    (191, "ugetrlimit"),
    (192, "mmap2"),
    (193, "truncate64"),
    (194, "ftruncate64"),
    (195, "stat64"),
    (196, "lstat64"),
    (197, "fstat64"),
    (198, "lchown32"),
    (199, "getuid32"),
    (200, "getgid32"),
    (201, "geteuid32"),
    (202, "getegid32"),
    (203, "setreuid32"),
    (204, "setregid32"),
    (205, "getgroups32"),
    (206, "setgroups32"),
    (207, "fchown32"),
    (208, "setresuid32"),
    (209, "getresuid32"),
    (210, "setresgid32"),
    (211, "getresgid32"),
    (212, "chown32"),
    (213, "setuid32"),
    (214, "setgid32"),
    (215, "setfsuid32"),
    (216, "setfsgid32"),
    (221, "fcntl64"),
    (223, "sendfile64"),
    (264, "fadvise64_64"),
    (293, "fstatat64"),
    (403, "clock_gettime64"),
    (404, "clock_settime64"),
    (405, "clock_adjtime64"),
    (406, "clock_getres_time64"),
    (407, "clock_nanosleep_time64"),
    (408, "timer_gettime64"),
    (409, "timer_settime64"),
    (410, "timerfd_gettime64"),
    (411, "timerfd_settime64"),
    (412, "utimensat_time64"),
    (413, "pselect6_time64"),
    (414, "ppoll_time64"),
    (416, "io_pgetevents_time64"),
    (417, "recvmmsg_time64"),
    (418, "mq_timedsend_time64"),
    (419, "mq_timedreceive_time64"),
    (420, "semtimedop_time64"),
    (421, "rt_sigtimedwait_time64"),
    (422, "futex_time64"),
    (423, "sched_rr_get_interval_time64"),
];

/// Returns the name of a call of x86_64's x32 interface, whose own numbers start at 512.
///
/// Source: `arch/x86/entry/syscalls/syscall_64.tbl`, the lines marked `x32`.
pub(super) fn x32_name(number: u32) -> Option<&'static str> {
    if number < 512 {
        return name(Arch::X86_64, number);
    }
    let index = usize::try_from(number - 512).ok()?;
    X32.get(index).copied()
}

/// The x32 calls from 512 upwards.
const X32: &[&str] = &[
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn execve_has_its_number_on_every_architecture() {
        for (arch, execve) in [
            (Arch::X86_64, 59),
            (Arch::I386, 11),
            (Arch::AARCH64, 221),
            (Arch::ARM, 11),
            (Arch::RISCV64, 221),
            (Arch::S390X, 11),
            (Arch::PPC64LE, 11),
            (Arch::PPC, 11),
            (Arch::MIPS64, 5057),
            (Arch::MIPS, 4011),
            (Arch::LOONGARCH64, 221),
        ] {
            assert_eq!(number(arch, "execve"), Some(execve), "{arch}");
            assert_eq!(name(arch, execve), Some("execve"), "{arch}");
        }
        assert_eq!(number(Arch::S390, "execve"), Some(11));
        assert_eq!(number(Arch::AARCH64, "fork"), None);
        assert_eq!(name(Arch::X86_64, 9999), None);
    }

    #[test]
    fn names_are_those_of_the_kernel() {
        assert_eq!(name(Arch::I386, 17), Some("break"));
        assert_eq!(number(Arch::I386, "break"), Some(17));
        assert_eq!(number(Arch::I386, "r#break"), None);
        assert_eq!(name(Arch::AARCH64, 79), Some("newfstatat"));
        assert_eq!(number(Arch::AARCH64, "newfstatat"), Some(79));
        assert_eq!(name(Arch::X86_64, 17), Some("pread64"));
        for arch in Arch::named() {
            for name in names(arch) {
                let number = number(arch, name).unwrap_or_else(|| panic!("{arch} {name}"));
                assert_eq!(self::name(arch, number), Some(name), "{arch} {number}");
            }
        }
    }

    #[test]
    fn names_of_auditctl_are_found_and_printed() {
        for (arch, call, name) in [
            (Arch::X86_64, 17, "pread"),
            (Arch::I386, 283, "sys_kexec_load"),
            (Arch::ARM, 102, "socketcall"),
            (Arch::AARCH64, 80, "newfstat"),
            (Arch::PPC64LE, 192, "mmap2"),
            (Arch::PPC64, 319, "perf_counter_open"),
            (Arch::S390, 192, "mmap2"),
            (Arch::S390X, 471, "rseq_slice_yield"),
            (Arch::MIPS64, 5470, "listns"),
        ] {
            assert_eq!(number(arch, name), Some(call), "{arch} {name}");
            assert_eq!(auditctl_name(arch, call), Some(name), "{arch} {call}");
        }
        assert_eq!(auditctl_name(Arch::I386, 219), Some("madvise"));
        assert_eq!(number(Arch::I386, "madvise1"), Some(219));
        assert_eq!(number(Arch::X86_64, "pread64"), Some(17));
    }

    #[test]
    fn ibm_z_has_two_interfaces() {
        assert_eq!(
            (name(Arch::S390, 199), number(Arch::S390, "getuid")),
            (Some("getuid32"), Some(24))
        );
        assert_eq!((name(Arch::S390X, 199), number(Arch::S390, "select")), (Some("getuid"), None));
        assert_eq!(
            (name(Arch::S390, 191), number(Arch::S390, "getrlimit")),
            (Some("ugetrlimit"), Some(76))
        );
        assert_eq!(number(Arch::S390, "no_such_call"), None);
    }

    #[test]
    fn x32_has_own_numbers_from_512() {
        assert_eq!(x32_name(545), Some("execveat"));
        assert_eq!(x32_name(547), Some("pwritev2"));
        assert_eq!(x32_name(548), None);
        assert_eq!(x32_name(39), Some("getpid"));
    }
}
