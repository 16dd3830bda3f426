//! Architectures as audit names them, and their system calls.
//!
//! Each architecture numbers its system calls differently: 11 is `execve` on i386 and `munmap` on
//! x86_64. The names come from the crate `syscalls`.

mod native;
mod tables;
pub mod uring;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::macros::{kernel_number, pad};

kernel_number! {
    /// An architecture of a system call (`AUDIT_ARCH_*`): an ELF machine with bits for word size and
    /// byte order.
    ///
    /// It prints the name that auditctl uses, or the number in hexadecimal.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::arch::Arch;
    ///
    /// let arch: Arch = "x86_64".parse()?;
    /// assert_eq!(arch, Arch::X86_64);
    /// assert_eq!(arch.syscall_number("execve"), Some(59));
    /// assert_eq!(Arch::new(0x1234).to_string(), "0x1234");
    /// # Ok::<(), auditlink::arch::UnknownArch>(())
    /// ```
    ///
    /// Source: `include/uapi/linux/audit.h`.
    Arch(u32)
}

/// The two system call interfaces of a 64-bit kernel, as `auditctl -F arch=` names them.
///
/// # Examples
///
/// ```
/// use auditlink::arch::{Abi, Arch};
///
/// assert_eq!(Arch::X86_64.abi(Abi::B32), Some(Arch::I386));
/// assert_eq!(Abi::B32.to_string(), "b32");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Abi {
    /// The native 64-bit interface.
    B64,
    /// The 32-bit interface.
    B32,
}

/// The bit of a system call number that marks x86_64's x32 interface.
const X32_BIT: u32 = 0x4000_0000;

impl Arch {
    /// 64-bit x86.
    #[doc(alias = "AUDIT_ARCH_X86_64")]
    pub const X86_64: Self = Self(0xC000_003E);
    /// 32-bit x86.
    #[doc(alias = "AUDIT_ARCH_I386")]
    pub const I386: Self = Self(0x4000_0003);
    /// 64-bit Arm.
    #[doc(alias = "AUDIT_ARCH_AARCH64")]
    pub const AARCH64: Self = Self(0xC000_00B7);
    /// 32-bit Arm, little-endian.
    #[doc(alias = "AUDIT_ARCH_ARM")]
    pub const ARM: Self = Self(0x4000_0028);
    /// 64-bit RISC-V.
    #[doc(alias = "AUDIT_ARCH_RISCV64")]
    pub const RISCV64: Self = Self(0xC000_00F3);
    /// 32-bit RISC-V.
    #[doc(alias = "AUDIT_ARCH_RISCV32")]
    pub const RISCV32: Self = Self(0x4000_00F3);
    /// 64-bit IBM Z.
    #[doc(alias = "AUDIT_ARCH_S390X")]
    pub const S390X: Self = Self(0x8000_0016);
    /// 31-bit IBM Z.
    #[doc(alias = "AUDIT_ARCH_S390")]
    pub const S390: Self = Self(0x0000_0016);
    /// 64-bit PowerPC, big-endian.
    #[doc(alias = "AUDIT_ARCH_PPC64")]
    pub const PPC64: Self = Self(0x8000_0015);
    /// 64-bit PowerPC, little-endian.
    #[doc(alias = "AUDIT_ARCH_PPC64LE")]
    pub const PPC64LE: Self = Self(0xC000_0015);
    /// 32-bit PowerPC.
    #[doc(alias = "AUDIT_ARCH_PPC")]
    pub const PPC: Self = Self(0x0000_0014);
    /// 64-bit MIPS, big-endian.
    #[doc(alias = "AUDIT_ARCH_MIPS64")]
    pub const MIPS64: Self = Self(0x8000_0008);
    /// 64-bit MIPS, little-endian.
    #[doc(alias = "AUDIT_ARCH_MIPSEL64")]
    pub const MIPSEL64: Self = Self(0xC000_0008);
    /// 32-bit MIPS, big-endian.
    #[doc(alias = "AUDIT_ARCH_MIPS")]
    pub const MIPS: Self = Self(0x0000_0008);
    /// 32-bit MIPS, little-endian.
    #[doc(alias = "AUDIT_ARCH_MIPSEL")]
    pub const MIPSEL: Self = Self(0x4000_0008);
    /// 64-bit LoongArch.
    #[doc(alias = "AUDIT_ARCH_LOONGARCH64")]
    pub const LOONGARCH64: Self = Self(0xC000_0102);

    /// The bit of 64-bit architectures (`__AUDIT_ARCH_64BIT`).
    const BITS_64: u32 = 0x8000_0000;

    /// Returns the architecture that `b64` or `b32` stands for on a kernel of this architecture.
    ///
    /// `None` if the kernel has no such interface, such as `b32` on LoongArch.
    #[must_use]
    pub const fn abi(self, abi: Abi) -> Option<Self> {
        match abi {
            Abi::B64 if self.0 & Self::BITS_64 != 0 => Some(self),
            Abi::B64 => None,
            Abi::B32 if self.0 & Self::BITS_64 == 0 => Some(self),
            Abi::B32 => match self {
                Self::X86_64 => Some(Self::I386),
                Self::AARCH64 => Some(Self::ARM),
                Self::RISCV64 => Some(Self::RISCV32),
                Self::S390X => Some(Self::S390),
                Self::PPC64 => Some(Self::PPC),
                Self::MIPS64 => Some(Self::MIPS),
                Self::MIPSEL64 => Some(Self::MIPSEL),
                _ => None,
            },
        }
    }

    /// Returns whether the interface is the 64-bit or the 32-bit one.
    #[must_use]
    pub const fn word_size(self) -> Abi {
        if self.0 & Self::BITS_64 != 0 { Abi::B64 } else { Abi::B32 }
    }

    /// Returns the index of the flags among the arguments of `clone`: 1 on IBM Z, else 0.
    #[must_use]
    pub const fn clone_flags_index(self) -> usize {
        match self {
            Self::S390X | Self::S390 => 1,
            _ => 0,
        }
    }

    /// Returns the name that `auditctl -F arch=` accepts, or `None` for an unknown number.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(arch, _)| *arch == self).map(|(_, name)| *name)
    }

    /// Iterates over the named architectures.
    pub fn named() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(arch, _)| *arch)
    }

    /// Returns the name of a system call; `None` if the number has none.
    ///
    /// On x86_64, a number with the bit 0x40000000 is a call of the x32 interface.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::arch::Arch;
    ///
    /// assert_eq!(Arch::I386.syscall_name(11), Some("execve"));
    /// assert_eq!(Arch::X86_64.syscall_name(11), Some("munmap"));
    /// assert_eq!(Arch::X86_64.syscall_name(0x4000_0000 | 520), Some("execve"));
    /// ```
    #[must_use]
    pub fn syscall_name(self, number: u32) -> Option<&'static str> {
        if self == Self::X86_64 && number & X32_BIT != 0 {
            return tables::x32_name(number & !X32_BIT);
        }
        tables::name(self, number)
    }

    /// Iterates over the names of the architecture's system calls.
    pub fn syscall_names(self) -> impl Iterator<Item = &'static str> {
        tables::names(self).into_iter()
    }

    /// Returns the name that auditctl prints for a system call.
    pub(crate) fn auditctl_name(self, number: u32) -> Option<&'static str> {
        tables::auditctl_name(self, number)
    }

    /// Returns the number of a system call; `None` if the architecture has no call of this name.
    ///
    /// auditctl's names are known, too: `pread` is the kernel's `pread64` on x86_64.
    #[must_use]
    pub fn syscall_number(self, name: &str) -> Option<u32> {
        tables::number(self, name)
    }
}

/// The architectures with their names in auditctl.
const NAMES: &[(Arch, &str)] = &[
    (Arch::X86_64, "x86_64"),
    (Arch::I386, "i386"),
    (Arch::AARCH64, "aarch64"),
    (Arch::ARM, "arm"),
    (Arch::RISCV64, "riscv64"),
    (Arch::RISCV32, "riscv32"),
    (Arch::S390X, "s390x"),
    (Arch::S390, "s390"),
    (Arch::PPC64, "ppc64"),
    (Arch::PPC64LE, "ppc64le"),
    (Arch::PPC, "ppc"),
    (Arch::MIPS64, "mips64"),
    (Arch::MIPSEL64, "mipsel64"),
    (Arch::MIPS, "mips"),
    (Arch::MIPSEL, "mipsel"),
    (Arch::LOONGARCH64, "loongarch64"),
];

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => pad(f, format_args!("{:#x}", self.0)),
        }
    }
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::B64 => "b64",
            Self::B32 => "b32",
        })
    }
}

/// The error of a text that does not name an architecture.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown architecture {0:?}: use b64, b32, a name such as x86_64, or a number in hex")]
pub struct UnknownArch(String);

impl FromStr for Arch {
    type Err = UnknownArch;

    /// Parses `b64` and `b32` (of the running kernel's architecture), a name, or a number in hex.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownArch(text.to_owned());
        let native = |abi| Self::native().and_then(|arch| arch.abi(abi)).ok_or_else(unknown);
        match text {
            "b64" => native(Abi::B64),
            "b32" => native(Abi::B32),
            "i486" | "i586" | "i686" => Ok(Self::I386),
            "armeb" | "armv5tejl" | "armv5tel" | "armv6l" | "armv7l" => Ok(Self::ARM),
            "armv8l" => Ok(Self::AARCH64),
            _ => {
                if let Some((arch, _)) = NAMES.iter().find(|(_, name)| *name == text) {
                    return Ok(*arch);
                }
                let digits = text.strip_prefix("0x").unwrap_or(text);
                u32::from_str_radix(digits, 16).map(Self).map_err(|_| unknown())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_parses_from_what_it_prints() {
        for (arch, name) in NAMES {
            assert_eq!(arch.to_string(), *name);
            assert_eq!(name.parse(), Ok(*arch));
        }
        assert_eq!(Arch::new(0xC000_9026).to_string().parse(), Ok(Arch::new(0xC000_9026)));
        assert!("b16".parse::<Arch>().is_ok(), "b16 is a hexadecimal number");
        assert!("sparkly".parse::<Arch>().is_err());
    }

    #[test]
    fn each_architecture_has_its_32_bit_one() {
        assert_eq!(Arch::X86_64.abi(Abi::B32), Some(Arch::I386));
        assert_eq!(Arch::I386.abi(Abi::B64), None);
        assert_eq!(Arch::LOONGARCH64.abi(Abi::B32), None);
        assert_eq!(Arch::AARCH64.abi(Abi::B32), Some(Arch::ARM));
    }

    #[test]
    fn constants_agree_with_netlink_packet_audit() {
        use netlink_packet_audit::constants as theirs;
        for (ours, theirs) in [
            (Arch::X86_64, theirs::AUDIT_ARCH_X86_64),
            (Arch::I386, theirs::AUDIT_ARCH_I386),
            (Arch::AARCH64, theirs::AUDIT_ARCH_AARCH64),
            (Arch::ARM, theirs::AUDIT_ARCH_ARM),
            (Arch::S390X, theirs::AUDIT_ARCH_S390X),
            (Arch::S390, theirs::AUDIT_ARCH_S390),
            (Arch::PPC64, theirs::AUDIT_ARCH_PPC64),
            (Arch::PPC64LE, theirs::AUDIT_ARCH_PPC64LE),
            (Arch::PPC, theirs::AUDIT_ARCH_PPC),
            (Arch::MIPS64, theirs::AUDIT_ARCH_MIPS64),
            (Arch::MIPSEL, theirs::AUDIT_ARCH_MIPSEL),
        ] {
            assert_eq!(ours.number(), theirs, "{ours}");
        }
    }
}
