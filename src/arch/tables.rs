//! System call names and numbers, one table of the crate `syscalls` per architecture.

use super::Arch;

/// Defines the lookups from a list of architectures and their tables.
macro_rules! tables {
    ($($($arch:ident)|+ => $table:ident,)*) => {
        pub(super) fn name(arch: Arch, number: u32) -> Option<&'static str> {
            let number = usize::try_from(number).ok()?;
            match arch {
                $($(Arch::$arch)|+ => syscalls::$table::Sysno::new(number).map(|call| call.name()),)*
                _ => None,
            }
        }

        pub(super) fn names(arch: Arch) -> Vec<&'static str> {
            match arch {
                $($(Arch::$arch)|+ => {
                    syscalls::$table::Sysno::iter().map(|call| call.name()).collect()
                })*
                _ => Vec::new(),
            }
        }

        pub(super) fn number(arch: Arch, name: &str) -> Option<u32> {
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
        assert_eq!(number(Arch::AARCH64, "fork"), None);
        assert_eq!(name(Arch::X86_64, 9999), None);
    }

    #[test]
    fn x32_has_own_numbers_from_512() {
        assert_eq!(x32_name(545), Some("execveat"));
        assert_eq!(x32_name(547), Some("pwritev2"));
        assert_eq!(x32_name(548), None);
        assert_eq!(x32_name(39), Some("getpid"));
    }
}
