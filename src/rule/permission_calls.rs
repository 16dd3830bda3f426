//! The system calls of a permission: those that auditctl names, and those that the kernel matches.

use super::{FieldId, Filter, FilterValue, List, Operator, Permissions, Rule, SyscallMask};
use crate::arch::{Abi, Arch};

/// Which calls of a system call the condition `perm` matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PermissionMatch {
    /// None.
    None,
    /// Those with some arguments: opening a file is a read or a write.
    ByArgument,
    /// All.
    All,
}

impl Permissions {
    /// Returns the system calls by which auditctl 4 replaces these permissions in a rule that states
    /// an arch.
    ///
    /// They are the names in audit-userspace 4.2 that the architecture has. On 32-bit interfaces
    /// they are fewer than [those that the kernel matches](Self::kernel_calls): `chown32` and
    /// `truncate64` are missing.
    ///
    /// Source: `lib/permtab.h`; `lib/libaudit.c`, `audit_add_perm_syscalls`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::arch::Arch;
    /// use auditlink::rule::Permissions;
    ///
    /// assert_eq!(Permissions::EXECUTE.auditctl_calls(Arch::X86_64).to_string(), "59,322");
    /// ```
    #[must_use]
    pub fn auditctl_calls(self, arch: Arch) -> SyscallMask {
        let lists = AUDITCTL.iter().filter(|(permission, _)| self.contains(*permission));
        let names = lists.flat_map(|(_, names)| names.split(' '));
        mask(arch, names.filter(|name| !OTHER_NAMES.contains(&(arch, *name))))
    }

    /// Returns the system calls that these permissions can match; the kernel matches no other.
    ///
    /// They are those of Linux 7.2; earlier kernels have fewer.
    ///
    /// Source: `kernel/auditsc.c`, `audit_match_perm`; `include/asm-generic/audit_read.h`,
    /// `audit_write.h`, `audit_dir_write.h`, `audit_change_attr.h`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::arch::Arch;
    /// use auditlink::rule::Permissions;
    ///
    /// let calls = Permissions::ATTRIBUTE.kernel_calls(Arch::I386);
    /// let chown32 = Arch::I386.syscall_number("chown32").expect("a call of i386");
    /// assert!(calls.contains(chown32));
    /// assert!(!Permissions::ATTRIBUTE.auditctl_calls(Arch::I386).contains(chown32));
    /// ```
    #[must_use]
    pub fn kernel_calls(self, arch: Arch) -> SyscallMask {
        let names = KERNEL.iter().flat_map(|(_, names)| names.split(' '));
        mask(arch, names.filter(|call| self.matches(call) != PermissionMatch::None))
    }

    /// Returns which calls of a system call the kernel matches.
    pub(super) fn matches(self, call: &str) -> PermissionMatch {
        let has = |permission| self.contains(permission);
        match call {
            "open" | "openat" | "openat2" => match (has(Self::READ), has(Self::WRITE)) {
                (true, true) => PermissionMatch::All,
                (false, false) => PermissionMatch::None,
                _ => PermissionMatch::ByArgument,
            },
            // bind, one of the calls that it stands for
            "socketcall" if has(Self::WRITE) => PermissionMatch::ByArgument,
            "socketcall" => PermissionMatch::None,
            _ => {
                let is_in = |names: &str| names.split(' ').any(|name| name == call);
                let mut lists = KERNEL.iter().filter(|(permission, _)| has(*permission));
                let matches = lists.any(|(_, names)| is_in(names));
                if matches { PermissionMatch::All } else { PermissionMatch::None }
            }
        }
    }
}

impl Filter {
    /// Returns the permissions of a condition `perm`.
    pub(super) fn permissions(&self) -> Option<Permissions> {
        match self.value {
            FilterValue::Number(bits) if self.field == FieldId::PERM => {
                Permissions::from_bits(bits)
            }
            _ => None,
        }
    }

    /// Returns the permissions of which a call must have one, if this is a condition `perm=`.
    pub(super) fn required_permissions(&self) -> Option<Permissions> {
        self.permissions().filter(|_| self.operator == Operator::EQUAL)
    }
}

impl Rule {
    /// Returns the system calls that the rule can match: of those that it names, those that its
    /// permissions match.
    ///
    /// A rule without an arch is evaluated on all interfaces of this machine.
    pub(super) fn matched_calls(&self) -> SyscallMask {
        match self.arch() {
            Some(arch) => self.matched_calls_of(arch),
            None => match Arch::native() {
                Some(native) => {
                    let arches = [Abi::B64, Abi::B32].into_iter().filter_map(|abi| native.abi(abi));
                    let calls = arches.map(|arch| self.matched_calls_of(arch));
                    calls.fold(SyscallMask::NONE, SyscallMask::union)
                }
                None => self.syscalls,
            },
        }
    }

    /// Returns the system calls that the rule can match on one interface.
    pub(super) fn matched_calls_of(&self, arch: Arch) -> SyscallMask {
        if self.list != List::EXIT || arch.syscall_names().next().is_none() {
            return self.syscalls;
        }
        let permissions = self.filters.iter().filter_map(Filter::required_permissions);
        permissions
            .map(|permissions| permissions.kernel_calls(arch))
            .fold(self.syscalls, SyscallMask::intersection)
    }
}

/// Returns the system calls that an architecture has.
fn mask<'n>(arch: Arch, names: impl Iterator<Item = &'n str>) -> SyscallMask {
    let mut mask = SyscallMask::NONE;
    for number in names.filter_map(|name| arch.syscall_number(name)) {
        // no rule can match a number that is too high, as those of MIPS are
        let _ = mask.insert(number);
    }
    mask
}

/// The names of auditctl.
const AUDITCTL: &[(Permissions, &str)] = &[
    (Permissions::EXECUTE, "execve execveat"),
    (
        Permissions::WRITE,
        "open openat openat2 creat mkdir mkdirat mknod mknodat link linkat symlink symlinkat \
         rename renameat renameat2 unlink unlinkat rmdir truncate ftruncate fallocate acct swapon \
         quotactl quotactl_fd bind",
    ),
    (
        Permissions::READ,
        "open openat openat2 readlink readlinkat stat lstat fstat newfstatat statx getxattr \
         lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat file_getattr \
         quotactl quotactl_fd",
    ),
    (
        Permissions::ATTRIBUTE,
        "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setxattr lsetxattr fsetxattr \
         setxattrat removexattr lremovexattr fremovexattr removexattrat file_setattr link linkat",
    ),
];

/// Calls that have another name in auditctl.
const OTHER_NAMES: &[(Arch, &str)] =
    &[(Arch::AARCH64, "fstat"), (Arch::PPC64, "newfstatat"), (Arch::PPC64LE, "newfstatat")];

/// The classes of the kernel, and what `audit_match_perm` matches besides.
const KERNEL: &[(Permissions, &str)] = &[
    (Permissions::EXECUTE, "execve execveat"),
    (
        Permissions::WRITE,
        "open openat openat2 creat mkdir mkdirat mknod mknodat link linkat symlink symlinkat \
         rename renameat renameat2 unlink unlinkat rmdir truncate truncate64 ftruncate ftruncate64 \
         fallocate acct swapon quotactl bind socketcall",
    ),
    (
        Permissions::READ,
        "open openat openat2 readlink readlinkat getxattr lgetxattr fgetxattr getxattrat listxattr \
         llistxattr flistxattr listxattrat quotactl",
    ),
    (
        Permissions::ATTRIBUTE,
        "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat chown32 fchown32 lchown32 \
         setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr \
         removexattrat link linkat",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Command;

    #[test]
    fn the_calls_of_auditctl_are_those_that_it_sends() {
        for line in include_str!("../../tests/data/rules/permission-calls.txt").lines() {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("three words");
            let arch: Arch = word().parse().expect("an architecture");
            let permissions = Permissions::from_letters(word()).expect("a letter");
            assert_eq!(permissions.auditctl_calls(arch).to_string(), word(), "{line}");
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn text_is_narrowed_where_auditctl_narrows_it() {
        // what auditctl 4.2.1 sends, but for arch!=b64, of which it sends the calls of b64
        for (fields, calls) in [
            ("-F arch=b64 -F perm=x", "59,322"),
            ("-F arch=b32 -F perm=x", "11,358"),
            ("-F arch=b64 -F uid=0 -F perm=x -F perm=x", "59,322"),
            ("-F perm=x -F arch=b64", "all"),
            ("-F perm=x", "all"),
            ("-F arch=b64 -p x", "all"),
            ("-F arch!=b64 -F perm=x", "all"),
            ("-F arch=b64 -S all -F perm=x", "all"),
            ("-F arch=b64 -F perm=x -S open", "2,59,322"),
            ("-F arch=b64 -S open -F perm=x", "2,59,322"),
            ("-S open -F perm=x", "2,59,322"),
            ("-F perm=x -S open", "2"),
            ("-F arch=b64 -S open -p x", "2"),
            (
                "-F arch=b64 -F perm=a -p x",
                "86,90,91,92,93,94,188,189,190,197,198,199,260,265,268,452,463,466,469",
            ),
            (
                "-F arch=aarch64 -F perm=w",
                "33,34,35,36,37,38,45,46,47,56,60,89,200,224,276,437,443",
            ),
        ] {
            let rule = |verb: &str| format!("{verb} always,exit {fields}").parse::<Command>();
            let [Ok(Command::Add(rule)), Ok(Command::Delete(deleted))] = [rule("-a"), rule("-d")]
            else {
                panic!("{fields}")
            };
            assert_eq!(rule.syscalls.to_string(), calls, "{fields}");
            assert_eq!(deleted, rule);
            let printed = rule.to_string();
            assert_eq!(printed.parse(), Ok(rule), "{printed}");
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_watch_is_for_all_calls() {
        let watch: Rule = "-w /etc/passwd -p wa -k k".parse().expect("a rule");
        assert!(watch.syscalls.is_all());
    }

    #[test]
    fn opening_is_matched_by_its_flags() {
        for (letters, call, expected) in [
            ("r", "openat", PermissionMatch::ByArgument),
            ("wa", "open", PermissionMatch::ByArgument),
            ("rw", "openat2", PermissionMatch::All),
            ("xa", "open", PermissionMatch::None),
            ("x", "execve", PermissionMatch::All),
            ("rwa", "execve", PermissionMatch::None),
            ("w", "unlink", PermissionMatch::All),
            ("a", "linkat", PermissionMatch::All),
            ("r", "stat", PermissionMatch::None),
            ("w", "write", PermissionMatch::None),
            ("w", "socketcall", PermissionMatch::ByArgument),
            ("r", "socketcall", PermissionMatch::None),
        ] {
            let permissions = Permissions::from_letters(letters).expect("letters");
            assert_eq!(permissions.matches(call), expected, "{letters} {call}");
        }
    }

    #[test]
    fn on_64_bit_interfaces_auditctl_names_all_that_the_kernel_matches() {
        for arch in [Arch::X86_64, Arch::AARCH64, Arch::RISCV64] {
            for bits in 1..16 {
                let permissions = Permissions::from_bits(bits).expect("bits");
                let kernel = permissions.kernel_calls(arch);
                let auditctl = permissions.auditctl_calls(arch);
                assert!(kernel.iter().all(|call| auditctl.contains(call)), "{permissions} {arch}");
            }
        }
        let calls = |names: &[&str]| mask(Arch::I386, names.iter().copied());
        let missing = Permissions::ALL.kernel_calls(Arch::I386).iter().collect::<Vec<_>>();
        let named = Permissions::ALL.auditctl_calls(Arch::I386);
        let missing: Vec<u32> = missing.into_iter().filter(|call| !named.contains(*call)).collect();
        let expected =
            calls(&["truncate64", "ftruncate64", "chown32", "fchown32", "lchown32", "socketcall"]);
        assert_eq!(missing, expected.iter().collect::<Vec<_>>());
    }
}
