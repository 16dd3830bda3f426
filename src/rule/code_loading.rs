//! System calls by which a process runs code without executing a file.

use super::{FieldId, Operator, Rule, RuleBuilder, RuleError};
use crate::arch::{Abi, Arch};

/// A system call by which a process runs code that no `execve` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CodeCall {
    /// The name of the system call.
    pub(super) name: &'static str,
    /// The argument that makes it one, unless it always is.
    pub(super) argument: Option<Argument>,
}

/// A flag among the arguments of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    /// The field of a rule that has the argument.
    pub(super) field: FieldId,
    /// The bit.
    pub(super) bit: u32,
    /// The name of the bit.
    pub(super) name: &'static str,
}

impl CodeCall {
    /// Returns the argument that a rule can compare on one interface.
    ///
    /// The first `mmap` of i386, and both on IBM Z, take their arguments in memory.
    ///
    /// Source: `mm/mmap.c`, `old_mmap`; `arch/s390/kernel/syscall.c`, `mmap2`.
    pub(super) fn argument_on(&self, arch: Arch) -> Option<Argument> {
        match (arch, self.name) {
            (Arch::I386, "mmap") | (Arch::S390 | Arch::S390X, "mmap" | "mmap2") => None,
            _ => self.argument,
        }
    }
}

const EXECUTABLE_PAGES: Argument = Argument { field: FieldId::A2, bit: 0x4, name: "PROT_EXEC" };
const EXECUTABLE_SEGMENT: Argument = Argument { field: FieldId::A2, bit: 0x8000, name: "SHM_EXEC" };
const EXECUTABLE_IF_READABLE: Argument =
    Argument { field: FieldId::A0, bit: 0x40_0000, name: "READ_IMPLIES_EXEC" };

const fn always(name: &'static str) -> CodeCall {
    CodeCall { name, argument: None }
}

const fn with(name: &'static str, argument: Argument) -> CodeCall {
    CodeCall { name, argument: Some(argument) }
}

/// The system calls.
pub(super) const CODE_CALLS: &[CodeCall] = &[
    with("mmap", EXECUTABLE_PAGES),
    with("mmap2", EXECUTABLE_PAGES),
    with("mprotect", EXECUTABLE_PAGES),
    with("pkey_mprotect", EXECUTABLE_PAGES),
    with("shmat", EXECUTABLE_SEGMENT),
    with("ipc", EXECUTABLE_SEGMENT),
    with("personality", EXECUTABLE_IF_READABLE),
    always("memfd_create"),
    always("ptrace"),
    always("process_vm_writev"),
    always("userfaultfd"),
    always("uselib"),
    always("bpf"),
    always("init_module"),
    always("finit_module"),
    always("kexec_load"),
    always("kexec_file_load"),
];

/// Starts the rules that record how a process runs code without executing a file, for each interface
/// of this machine.
///
/// The system calls are mmap, mmap2, mprotect and pkey_mprotect with `PROT_EXEC`; shmat and ipc with
/// `SHM_EXEC`; personality with `READ_IMPLIES_EXEC`; and memfd_create, ptrace, process_vm_writev,
/// userfaultfd, uselib, bpf, init_module, finit_module, kexec_load and kexec_file_load.
///
/// The loader maps every library with `PROT_EXEC`, so each program makes a few such events as it
/// starts.
///
/// What no rule on a system call records:
///
/// - Writing the memory of a process through `/proc/PID/mem`: only that the file is opened.
/// - Scripts that an interpreter reads, and code that a program generates in pages which it may write
///   and execute: only how it got the pages.
/// - A library that an audited program is made to load, by `LD_PRELOAD` or by replacing the file: it is
///   mapped as any other; watch the files.
///
/// # Errors
///
/// [`RuleError::UnknownArch`] on an architecture that this crate does not know.
///
/// # Examples
///
/// ```
/// use auditlink::RuleSet;
/// use auditlink::arch::Arch;
/// use auditlink::rule::code_loading;
///
/// let rules = code_loading()?.into_iter().map(|rule| rule.key("code").build());
/// let rules: RuleSet = rules.collect::<Result<_, _>>()?;
/// if Arch::native() == Some(Arch::X86_64) {
///     let lines: Vec<_> = rules.iter().map(ToString::to_string).collect();
///     assert_eq!(lines[0], "-a always,exit -F arch=b64 -S mmap,mprotect,pkey_mprotect \
///         -F a2&0x4 -F key=code");
/// }
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
pub fn code_loading() -> Result<Vec<RuleBuilder>, RuleError> {
    let native = Arch::native().ok_or(RuleError::UnknownArch)?;
    let mut builders = Vec::new();
    for arch in [Abi::B64, Abi::B32].into_iter().filter_map(|abi| native.abi(abi)) {
        let conditions =
            [Some(EXECUTABLE_PAGES), Some(EXECUTABLE_SEGMENT), Some(EXECUTABLE_IF_READABLE), None];
        for condition in conditions {
            let calls = CODE_CALLS.iter().filter(|call| {
                call.argument_on(arch) == condition && arch.syscall_number(call.name).is_some()
            });
            let names: Vec<&str> = calls.map(|call| call.name).collect();
            if names.is_empty() {
                continue;
            }
            let builder = Rule::on_exit().arch(arch).syscalls(names);
            builders.push(match condition {
                Some(Argument { field, bit, .. }) => builder.filter(field, Operator::BIT_MASK, bit),
                None => builder,
            });
        }
    }
    Ok(builders)
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_recorded_with_the_argument_that_a_rule_can_compare() {
        let rules = code_loading().expect("x86_64").into_iter().map(RuleBuilder::build);
        let lines: Vec<String> = rules.map(|rule| rule.expect("valid").to_string()).collect();
        assert_eq!(
            lines,
            [
                "-a always,exit -F arch=b64 -S mmap,mprotect,pkey_mprotect -F a2&0x4",
                "-a always,exit -F arch=b64 -S shmat -F a2&0x8000",
                "-a always,exit -F arch=b64 -S personality -F a0&0x400000",
                "-a always,exit -F arch=b64 -S ptrace,uselib,init_module,kexec_load,\
                 process_vm_writev,finit_module,memfd_create,kexec_file_load,bpf,userfaultfd",
                "-a always,exit -F arch=b32 -S mprotect,mmap2,pkey_mprotect -F a2&0x4",
                "-a always,exit -F arch=b32 -S ipc,shmat -F a2&0x8000",
                "-a always,exit -F arch=b32 -S personality -F a0&0x400000",
                "-a always,exit -F arch=b32 -S ptrace,uselib,mmap,init_module,\
                 sys_kexec_load,process_vm_writev,finit_module,memfd_create,bpf,userfaultfd",
            ]
        );
    }
}
