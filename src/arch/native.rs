//! The architecture of the running kernel.

use std::sync::OnceLock;

use nix::sys::utsname::uname;

use super::{Abi, Arch};

impl Arch {
    /// Returns the architecture of the running kernel; `None` if it has no constant here.
    ///
    /// A 64-bit program runs on a 64-bit kernel only. A 32-bit program asks the kernel, which may be
    /// of either word size, for the machine's name (uname(2)). `setarch i686` makes a 64-bit kernel
    /// give the name of a 32-bit one.
    #[must_use]
    pub fn native() -> Option<Self> {
        static NATIVE: OnceLock<Option<Arch>> = OnceLock::new();
        *NATIVE.get_or_init(|| {
            let program = program()?;
            match program.word_size() {
                Abi::B64 => Some(program),
                Abi::B32 => {
                    let name = uname().ok();
                    let machine = name.as_ref().and_then(|name| name.machine().to_str());
                    Some(machine.map_or(program, |machine| kernel(program, machine)))
                }
            }
        })
    }
}

/// Returns the architecture that this crate was compiled for.
const fn program() -> Option<Arch> {
    let little = cfg!(target_endian = "little");
    if cfg!(target_arch = "x86_64") {
        Some(Arch::X86_64)
    } else if cfg!(target_arch = "x86") {
        Some(Arch::I386)
    } else if cfg!(target_arch = "aarch64") {
        Some(Arch::AARCH64)
    } else if cfg!(target_arch = "arm") {
        Some(Arch::ARM)
    } else if cfg!(target_arch = "riscv64") {
        Some(Arch::RISCV64)
    } else if cfg!(target_arch = "riscv32") {
        Some(Arch::RISCV32)
    } else if cfg!(target_arch = "s390x") {
        Some(Arch::S390X)
    } else if cfg!(target_arch = "powerpc64") {
        Some(if little { Arch::PPC64LE } else { Arch::PPC64 })
    } else if cfg!(target_arch = "powerpc") {
        Some(Arch::PPC)
    } else if cfg!(target_arch = "mips64") {
        Some(if little { Arch::MIPSEL64 } else { Arch::MIPS64 })
    } else if cfg!(target_arch = "mips") {
        Some(if little { Arch::MIPSEL } else { Arch::MIPS })
    } else if cfg!(target_arch = "loongarch64") {
        Some(Arch::LOONGARCH64)
    } else {
        None
    }
}

/// Returns the architecture of the kernel that runs a 32-bit program, by the name of its machine.
///
/// Source: `UTS_MACHINE` in the kernel's makefiles, which has one name for both byte orders of MIPS.
fn kernel(program: Arch, machine: &str) -> Arch {
    let kernel = match (machine, program) {
        ("mips64", Arch::MIPSEL) => Some(Arch::MIPSEL64),
        _ => Arch::named().find(|arch| arch.name() == Some(machine)),
    };
    // the names of 32-bit machines, such as i686 and armv7l, are the program's own architecture
    kernel.filter(|kernel| kernel.abi(Abi::B32) == Some(program)).unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_32_bit_program_on_a_64_bit_kernel_has_both_interfaces() {
        for (program, machine, native) in [
            (Arch::I386, "x86_64", Arch::X86_64),
            (Arch::ARM, "aarch64", Arch::AARCH64),
            (Arch::RISCV32, "riscv64", Arch::RISCV64),
            (Arch::PPC, "ppc64", Arch::PPC64),
            (Arch::MIPS, "mips64", Arch::MIPS64),
            (Arch::MIPSEL, "mips64", Arch::MIPSEL64),
        ] {
            assert_eq!(kernel(program, machine), native, "{program} on {machine}");
            assert_eq!(native.abi(Abi::B32), Some(program));
        }
    }

    #[test]
    fn a_32_bit_kernel_has_the_programs_interface() {
        for (program, machine) in [
            (Arch::I386, "i686"),
            (Arch::I386, "i586"),
            (Arch::ARM, "armv7l"),
            (Arch::ARM, "armv8l"),
            (Arch::MIPSEL, "mips"),
            (Arch::PPC, "ppc"),
            (Arch::I386, "aarch64"), // emulated
            (Arch::I386, ""),
        ] {
            assert_eq!(kernel(program, machine), program, "{program} on {machine}");
        }
    }

    #[test]
    fn this_kernel_has_the_interface_of_this_program() {
        let native = Arch::native().expect("a known architecture");
        let program = program().expect("a known architecture");
        assert!(native == program || native.abi(Abi::B32) == Some(program));
        let name = uname().expect("a name");
        if name.machine() == "x86_64" {
            assert_eq!(native, Arch::X86_64);
        }
    }
}
