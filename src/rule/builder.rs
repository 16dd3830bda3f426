//! Making rules in code.

use super::suggest::nearest;
use super::{
    Action, FieldId, Filter, FilterValue, KEY_SEPARATOR, List, Operator, Rule, RuleError, RuleSet,
    SyscallMask, validate,
};
use crate::arch::{Abi, Arch, uring};

/// Collects the parts of a rule; started by [`Rule::on_exit`] or [`Rule::on`].
///
/// Nothing is judged before [`build`](Self::build) or [`for_both_abis`](Self::for_both_abis).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a builder does nothing until it is built"]
pub struct RuleBuilder {
    list: List,
    action: Action,
    prepend: bool,
    arch: Option<Arch>,
    calls: Vec<Call>,
    filters: Vec<Filter>,
    keys: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    Named(String),
    Numbered(u32),
    All,
}

impl RuleBuilder {
    pub(super) const fn new(list: List, action: Action) -> Self {
        Self {
            list,
            action,
            prepend: false,
            arch: None,
            calls: Vec::new(),
            filters: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Suppresses what matches, instead of recording it.
    pub const fn never(mut self) -> Self {
        self.action = Action::NEVER;
        self
    }

    /// Puts the rule before the others of its list.
    pub const fn prepend(mut self) -> Self {
        self.prepend = true;
        self
    }

    /// Names the machine whose system calls are meant.
    pub const fn arch(mut self, arch: Arch) -> Self {
        self.arch = Some(arch);
        self
    }

    /// Adds a system call by name. Without any call, a rule applies to all.
    pub fn syscall(mut self, name: impl Into<String>) -> Self {
        self.calls.push(Call::Named(name.into()));
        self
    }

    /// Adds system calls by name.
    pub fn syscalls<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.calls.extend(names.into_iter().map(|name| Call::Named(name.into())));
        self
    }

    /// Adds a system call by number.
    pub fn syscall_number(mut self, number: u32) -> Self {
        self.calls.push(Call::Numbered(number));
        self
    }

    /// Adds every system call, in so many words.
    pub fn all_syscalls(mut self) -> Self {
        self.calls.push(Call::All);
        self
    }

    /// Adds a condition.
    pub fn filter(
        mut self,
        field: FieldId,
        operator: Operator,
        value: impl Into<FilterValue>,
    ) -> Self {
        self.filters.push(Filter { field, operator, value: value.into() });
        self
    }

    /// Adds the condition that a program is run from this absolute path.
    pub fn exe(self, path: &str) -> Self {
        self.filter(FieldId::EXE, Operator::EQUAL, path)
    }

    /// Adds the condition that the caller is this process (thread-group id).
    pub fn pid(self, pid: u32) -> Self {
        self.filter(FieldId::PID, Operator::EQUAL, pid)
    }

    /// Adds a key, which the events of this rule will carry; several keys are joined.
    ///
    /// It has at least one byte, and none is 0x01, which the kernel keeps between keys.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Makes the rule, for the machine named by [`arch`](Self::arch).
    ///
    /// Where no machine is named, names of calls are those of this machine, and the rule applies
    /// to every call of that *number*, on every interface.
    ///
    /// # Errors
    ///
    /// [`RuleError`] for a call that the machine does not have, a path that is not absolute, text
    /// that is empty, too long or holds a NUL, or more than 64 fields.
    pub fn build(self) -> Result<Rule, RuleError> {
        let mut syscalls = SyscallMask::NONE;
        if self.calls.is_empty() && self.list != List::TASK {
            syscalls = SyscallMask::ALL;
        }
        let knows_calls =
            ![List::USER, List::TASK, List::EXCLUDE, List::FILESYSTEM].contains(&self.list);
        if !self.calls.is_empty() && !knows_calls {
            return Err(RuleError::NoSyscalls(self.list));
        }
        for call in &self.calls {
            let number = match call {
                Call::All => {
                    syscalls = SyscallMask::ALL;
                    continue;
                }
                Call::Numbered(number) => *number,
                Call::Named(name) if self.list == List::IO_URING => uring::operation_number(name)
                    .ok_or_else(|| {
                    RuleError::UnknownOperation { name: name.clone(), guess: None }
                        .guess(nearest(name, uring::operation_names()))
                })?,
                Call::Named(name) => {
                    let arch = self.arch.or(Arch::native()).ok_or(RuleError::UnknownMachine)?;
                    arch.syscall_number(name).ok_or_else(|| {
                        RuleError::UnknownSyscall { name: name.clone(), arch, guess: None }
                            .guess(meant(name, arch))
                    })?
                }
            };
            if !syscalls.insert(number) {
                return Err(RuleError::SyscallOutOfReach(number));
            }
        }
        let mut filters = Vec::with_capacity(self.filters.len() + 2);
        filters.extend(self.arch.map(|arch| Filter {
            field: FieldId::ARCH,
            operator: Operator::EQUAL,
            value: arch.number().into(),
        }));
        filters.extend(self.filters);
        if !self.keys.is_empty() {
            self.keys.iter().try_for_each(|key| validate::key(key))?;
            let value = FilterValue::Text(self.keys.join(&KEY_SEPARATOR));
            filters.push(Filter { field: FieldId::KEY, operator: Operator::EQUAL, value });
        }
        let Self { list, action, prepend, .. } = self;
        let rule = Rule { list, action, prepend, syscalls, filters, tail: Vec::new() };
        validate::rule(&rule)?;
        Ok(rule)
    }

    /// Makes the rule twice, for this machine's 64-bit and its 32-bit interface.
    ///
    /// Each rule names the calls that its interface has; a call that only one of them has is left
    /// out of the other, and a rule without any call is left out whole. Where the machine has one
    /// interface only, so has the result.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); also for a call that neither interface has, and where
    /// [`arch`](Self::arch) was given.
    pub fn for_both_abis(self) -> Result<RuleSet, RuleError> {
        let native = Arch::native().ok_or(RuleError::UnknownMachine)?;
        if self.arch.is_some() {
            return Err(RuleError::ArchGiven);
        }
        let arches: Vec<Arch> =
            [Abi::B64, Abi::B32].into_iter().filter_map(|abi| native.abi(abi)).collect();
        for call in &self.calls {
            if let Call::Named(name) = call
                && !arches.iter().any(|arch| arch.syscall_number(name).is_some())
            {
                let error = RuleError::UnknownSyscallEverywhere { name: name.clone(), guess: None };
                return Err(error.guess(meant(name, native)));
            }
        }
        let mut rules = RuleSet::default();
        for arch in arches {
            let mut builder = self.clone().arch(arch);
            builder.calls.retain(|call| match call {
                Call::Named(name) => arch.syscall_number(name).is_some(),
                Call::Numbered(_) | Call::All => true,
            });
            if self.calls.is_empty() || !builder.calls.is_empty() {
                rules.push(builder.build()?);
            }
        }
        Ok(rules)
    }
}

/// Guesses which call was meant, unless the name is that of a call on other machines.
fn meant(name: &str, arch: Arch) -> Option<&'static str> {
    if Arch::named().any(|arch| arch.syscall_number(name).is_some()) {
        return None;
    }
    nearest(name, arch.syscall_names())
}

/// Starts the rule that follows every process: how it is created, what it runs, how it ends.
///
/// The calls are clone, clone3, fork, vfork, execve, execveat, exit and exit_group. A process that
/// a signal kills makes none of them.
///
/// # Examples
///
/// ```
/// use auditlink::arch::Arch;
///
/// let rules = auditlink::rule::process_lifecycle().key("procs").for_both_abis()?;
/// if Arch::native() == Some(Arch::X86_64) {
///     let lines: Vec<_> = rules.iter().map(ToString::to_string).collect();
///     assert_eq!(lines[1], "-a always,exit -F arch=b32 \
///         -S exit,fork,execve,clone,vfork,exit_group,execveat,clone3 -F key=procs");
/// }
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
pub fn process_lifecycle() -> RuleBuilder {
    Rule::on_exit().syscalls([
        "clone",
        "clone3",
        "fork",
        "vfork",
        "execve",
        "execveat",
        "exit",
        "exit_group",
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn both_abis_have_their_own_numbers() {
        let rules = process_lifecycle().key("procs").for_both_abis().expect("all calls exist");
        let [b64, b32]: [Rule; 2] = rules.into_iter().collect::<Vec<_>>().try_into().expect("two");
        assert_eq!(b64.arch(), Some(Arch::X86_64));
        let numbers: Vec<_> = b64.syscalls.iter().collect();
        assert_eq!(numbers, [56, 57, 58, 59, 60, 231, 322, 435]);
        assert_eq!(b32.arch(), Some(Arch::I386));
        let numbers: Vec<_> = b32.syscalls.iter().collect();
        assert_eq!(numbers, [1, 2, 11, 120, 190, 252, 358, 435]);
        assert_eq!(b32.keys().collect::<Vec<_>>(), [b"procs"]);
    }

    #[test]
    fn an_abi_without_the_call_gets_no_rule() {
        if Arch::native() == Some(Arch::X86_64) {
            let rules = Rule::on_exit().syscall("socketcall").for_both_abis().expect("on i386");
            assert_eq!(rules.iter().map(Rule::arch).collect::<Vec<_>>(), [Some(Arch::I386)]);
        }
    }

    #[test]
    fn arch_comes_first_and_the_key_last() {
        let rule = Rule::on_exit()
            .key("a")
            .pid(7)
            .key("b")
            .arch(Arch::AARCH64)
            .syscall("execve")
            .build()
            .expect("a good rule");
        let fields: Vec<_> = rule.filters.iter().map(|filter| filter.field).collect();
        assert_eq!(fields, [FieldId::ARCH, FieldId::PID, FieldId::KEY]);
        assert_eq!(rule.keys().collect::<Vec<_>>(), [b"a", b"b"]);
    }

    #[test]
    fn refusals_say_why() {
        let arch = Arch::AARCH64;
        let unknown = Rule::on_exit().arch(arch).syscall("fork").build();
        assert_eq!(
            unknown,
            Err(RuleError::UnknownSyscall { name: "fork".into(), arch, guess: None })
        );
        let everywhere = Rule::on_exit().syscall("no_such").for_both_abis();
        assert_eq!(
            everywhere,
            Err(RuleError::UnknownSyscallEverywhere { name: "no_such".into(), guess: None })
        );
        assert_eq!(
            Rule::on_exit().syscall_number(2032).build(),
            Err(RuleError::SyscallOutOfReach(2032))
        );
        for builder in [
            Rule::on_exit().exe("bin/x"),
            Rule::on_exit().exe("/bin/"),
            Rule::on_exit().key(""),
            Rule::on_exit().key("first").key(""),
            Rule::on_exit().key("first\u{1}second"),
            Rule::on_exit().key([0_u8]),
            Rule::on_exit().key([b'k'; 257]),
        ] {
            assert!(matches!(builder.clone().build(), Err(RuleError::Value { .. })), "{builder:?}");
        }
        let many = (0..65).fold(Rule::on_exit(), |rule, pid| rule.pid(pid));
        assert_eq!(many.build(), Err(RuleError::TooManyFields(65)));
        assert_eq!(Rule::on_exit().arch(arch).for_both_abis(), Err(RuleError::ArchGiven));
    }

    #[test]
    fn without_calls_a_rule_is_for_all_but_on_the_task_list() {
        assert!(Rule::on_exit().build().expect("good").syscalls.is_all());
        let task = Rule::on(List::TASK, Action::NEVER).build().expect("good");
        assert!(task.syscalls.is_empty());
    }
}
