//! Building rules in code.

use super::rule::KEY_SEPARATOR;
use super::suggest::nearest;
use super::{
    Action, FieldId, Filter, FilterValue, List, Operator, Permissions, Rule, RuleError, RuleSet,
    SyscallMask, validate,
};
use crate::arch::{Abi, Arch, uring};

/// Builds a [`Rule`]; returned by [`Rule::on_exit`] and [`Rule::builder`].
///
/// Nothing is validated before [`build`](Self::build) or [`for_both_abis`](Self::for_both_abis).
///
/// # Examples
///
/// A watch on the password file, and a rule for programs that users run as root:
///
/// ```
/// use auditlink::Rule;
/// use auditlink::rule::{FieldId, Operator, Permissions};
///
/// let passwd = Rule::on_exit()
///     .watch("/etc/passwd")
///     .perm(Permissions::WRITE | Permissions::ATTRIBUTE)
///     .key("identity")
///     .build()?;
/// assert_eq!(passwd, "-w /etc/passwd -p wa -k identity".parse()?);
///
/// let as_root = Rule::on_exit()
///     .syscalls(["execve", "execveat"])
///     .filter(FieldId::EUID, Operator::EQUAL, 0)
///     .filter(FieldId::AUID, Operator::GREATER_OR_EQUAL, 1000)
///     .key("as-root")
///     .for_both_abis()?;
/// assert!(as_root.iter().all(|rule| rule.to_string().contains("-F euid=0 -F auid>=1000")));
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a builder has no effect until it is built"]
pub struct RuleBuilder {
    list: List,
    action: Action,
    prepend: bool,
    arch: Option<Arch>,
    syscalls: Vec<Syscall>,
    filters: Vec<Filter>,
    watches: bool,
    keys: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Syscall {
    Name(String),
    Number(u32),
    All,
}

impl Rule {
    /// Starts a rule on the list `exit`, which records system calls as they return.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    ///
    /// let rules = Rule::on_exit().syscall("connect").key("net").for_both_abis()?;
    /// assert!(rules.iter().all(|rule| rule.arch().is_some() && rule.keys().eq([b"net"])));
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub const fn on_exit() -> RuleBuilder {
        RuleBuilder::new(List::EXIT, Action::ALWAYS)
    }

    /// Starts a rule on any list.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    /// use auditlink::rule::{Action, FieldId, List, Operator};
    ///
    /// let rule = Rule::builder(List::EXCLUDE, Action::ALWAYS)
    ///     .filter(FieldId::MSGTYPE, Operator::EQUAL, 1327)
    ///     .build()?;
    /// assert_eq!(rule.to_string(), "-a always,exclude -F msgtype=PROCTITLE");
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub const fn builder(list: List, action: Action) -> RuleBuilder {
        RuleBuilder::new(list, action)
    }
}

impl RuleBuilder {
    pub(super) const fn new(list: List, action: Action) -> Self {
        Self {
            list,
            action,
            prepend: false,
            arch: None,
            syscalls: Vec::new(),
            filters: Vec::new(),
            watches: false,
            keys: Vec::new(),
        }
    }

    /// Suppresses what matches, instead of recording it.
    pub const fn never(mut self) -> Self {
        self.action = Action::NEVER;
        self
    }

    /// Puts the rule before the others of its list, as `auditctl -A` does.
    pub const fn prepend(mut self) -> Self {
        self.prepend = true;
        self
    }

    /// Sets the architecture, and with it the system call interface.
    pub const fn arch(mut self, arch: Arch) -> Self {
        self.arch = Some(arch);
        self
    }

    /// Adds a system call by name. Without any system call, a rule applies to all.
    pub fn syscall(mut self, name: impl Into<String>) -> Self {
        self.syscalls.push(Syscall::Name(name.into()));
        self
    }

    /// Adds system calls by name.
    pub fn syscalls<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.syscalls.extend(names.into_iter().map(|name| Syscall::Name(name.into())));
        self
    }

    /// Adds a system call by number.
    pub fn syscall_number(mut self, number: u32) -> Self {
        self.syscalls.push(Syscall::Number(number));
        self
    }

    /// Adds all system calls, as `auditctl -S all` does.
    pub fn all_syscalls(mut self) -> Self {
        self.syscalls.push(Syscall::All);
        self
    }

    /// Adds a condition on any field.
    pub fn filter(
        mut self,
        field: FieldId,
        operator: Operator,
        value: impl Into<FilterValue>,
    ) -> Self {
        self.filters.push(Filter { field, operator, value: value.into() });
        self
    }

    /// Adds the condition that the process runs the executable with this absolute path.
    pub fn exe(self, path: &str) -> Self {
        self.filter(FieldId::EXE, Operator::EQUAL, path)
    }

    /// Adds the condition that the system call is made by this process: its PID, the thread-group
    /// ID.
    pub fn pid(self, pid: u32) -> Self {
        self.filter(FieldId::PID, Operator::EQUAL, pid)
    }

    /// Adds the condition that the login user has this ID.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    ///
    /// let rule = Rule::on_exit().auid(1000).build()?;
    /// assert_eq!(rule.to_string(), "-a always,exit -S all -F auid=1000");
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub fn auid(self, uid: u32) -> Self {
        self.filter(FieldId::AUID, Operator::EQUAL, uid)
    }

    /// Adds the condition that the system call succeeds, or that it fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    ///
    /// let failed = Rule::on_exit().success(false).build()?;
    /// assert_eq!(failed.to_string(), "-a always,exit -S all -F success=0");
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub fn success(self, success: bool) -> Self {
        self.filter(FieldId::SUCCESS, Operator::EQUAL, u32::from(success))
    }

    /// Adds the condition that the system call uses the file with this absolute path.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    ///
    /// let rule = Rule::on_exit().path("/etc/shadow").success(false).build()?;
    /// assert_eq!(rule.to_string(), "-a always,exit -S all -F path=/etc/shadow -F success=0");
    /// assert!(Rule::on_exit().path("shadow").build().is_err());
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub fn path(self, path: &str) -> Self {
        self.filter(FieldId::PATH, Operator::EQUAL, path)
    }

    /// Adds the condition that the system call uses this directory, or anything in the tree below
    /// it.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    /// use auditlink::rule::Permissions;
    ///
    /// let rule = Rule::on_exit().dir("/etc").perm(Permissions::WRITE).auid(1000).build()?;
    /// assert_eq!(rule.to_string(), "-a always,exit -S all -F dir=/etc -F perm=w -F auid=1000");
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub fn dir(self, path: &str) -> Self {
        self.filter(FieldId::DIR, Operator::EQUAL, path)
    }

    /// Adds the condition that the file is accessed in one of these ways.
    pub fn perm(self, permissions: Permissions) -> Self {
        self.filter(FieldId::PERM, Operator::EQUAL, permissions)
    }

    /// Watches a file, or, if the path ends in `/`, a directory and the whole tree below it, as
    /// `auditctl -w` does.
    ///
    /// Unless [`perm`](Self::perm) is given, every kind of access matches.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    ///
    /// let file = Rule::on_exit().watch("/etc/passwd").key("id").build()?;
    /// assert_eq!(file.to_string(), "-w /etc/passwd -p rwxa -k id");
    /// let tree = Rule::on_exit().watch("/etc/ssh/").build()?;
    /// assert_eq!(tree, Rule::on_exit().dir("/etc/ssh").perm(Permissions::ALL).build()?);
    /// # use auditlink::rule::Permissions;
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    #[doc(alias = "-w")]
    pub fn watch(self, path: &str) -> Self {
        self.watch_as(if path.ends_with('/') { FieldId::DIR } else { FieldId::PATH }, path)
    }

    /// Watches a path as a file or as a directory; slashes at the end are dropped.
    pub(super) fn watch_as(mut self, field: FieldId, path: &str) -> Self {
        let trimmed = path.trim_end_matches('/');
        self.watches = true;
        self.filter(field, Operator::EQUAL, if trimmed.is_empty() { path } else { trimmed })
    }

    /// Adds a key, which the events of this rule contain; several keys are joined.
    ///
    /// A key has at least one byte, and does not contain 0x01, which separates keys.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Builds the rule, for the architecture set by [`arch`](Self::arch).
    ///
    /// Without an architecture, names of system calls are those of this machine, and the rule
    /// matches every system call with that *number*, on every interface.
    ///
    /// # Errors
    ///
    /// [`RuleError`] for a system call that the architecture does not have, a field, operator or
    /// value that the list does not take, a path that is not absolute, text that is empty, too
    /// long or contains a NUL, or more than 64 fields.
    pub fn build(self) -> Result<Rule, RuleError> {
        let syscalls = self.mask()?;
        let mut filters = Vec::with_capacity(self.filters.len() + 3);
        filters.extend(self.arch.map(|arch| Filter {
            field: FieldId::ARCH,
            operator: Operator::EQUAL,
            value: arch.number().into(),
        }));
        let is_perm = |filter: &Filter| filter.field == FieldId::PERM;
        let mut all_permissions = (self.watches && !self.filters.iter().any(is_perm)).then(|| {
            let value = Permissions::ALL.into();
            Filter { field: FieldId::PERM, operator: Operator::EQUAL, value }
        });
        for filter in self.filters {
            let is_object = [FieldId::PATH, FieldId::DIR].contains(&filter.field);
            filters.push(filter);
            filters.extend(all_permissions.take_if(|_| is_object));
        }
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

    /// Resolves the system calls, or operations of io_uring.
    fn mask(&self) -> Result<SyscallMask, RuleError> {
        if self.syscalls.is_empty() {
            return Ok(match self.list {
                List::TASK => SyscallMask::NONE,
                _ => SyscallMask::ALL,
            });
        }
        if [List::USER, List::TASK, List::EXCLUDE, List::FILESYSTEM].contains(&self.list) {
            return Err(RuleError::NoSyscalls(self.list));
        }
        let mut mask = SyscallMask::NONE;
        for syscall in &self.syscalls {
            let number = match syscall {
                Syscall::All => {
                    mask = SyscallMask::ALL;
                    continue;
                }
                Syscall::Number(number) => *number,
                Syscall::Name(name) if self.list == List::IO_URING => operation_number(name)?,
                Syscall::Name(name) => syscall_number(
                    name,
                    self.arch.or(Arch::native()).ok_or(RuleError::UnknownArch)?,
                )?,
            };
            if !mask.insert(number) {
                return Err(RuleError::SyscallOutOfRange(number));
            }
        }
        Ok(mask)
    }

    /// Builds the rule twice, for the 64-bit and the 32-bit interface of this machine.
    ///
    /// Each rule contains the system calls that its interface has; one that only the other
    /// interface has is left out, and so is a rule without any system call left. On a machine with
    /// one interface, the result is one rule.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); also for a system call that neither interface has, and after
    /// [`arch`](Self::arch).
    pub fn for_both_abis(self) -> Result<RuleSet, RuleError> {
        let native = Arch::native().ok_or(RuleError::UnknownArch)?;
        if self.arch.is_some() {
            return Err(RuleError::ArchGiven);
        }
        let arches: Vec<Arch> =
            [Abi::B64, Abi::B32].into_iter().filter_map(|abi| native.abi(abi)).collect();
        for syscall in &self.syscalls {
            if let Syscall::Name(name) = syscall
                && !arches.iter().any(|arch| arch.syscall_number(name).is_some())
            {
                let suggestion = suggestion(name, native);
                return Err(RuleError::UnknownSyscallEverywhere { name: name.clone(), suggestion });
            }
        }
        let mut rules = RuleSet::default();
        for arch in arches {
            let mut builder = self.clone().arch(arch);
            builder.syscalls.retain(|syscall| match syscall {
                Syscall::Name(name) => arch.syscall_number(name).is_some(),
                Syscall::Number(_) | Syscall::All => true,
            });
            if self.syscalls.is_empty() || !builder.syscalls.is_empty() {
                rules.push(builder.build()?);
            }
        }
        Ok(rules)
    }
}

fn operation_number(name: &str) -> Result<u32, RuleError> {
    uring::operation_number(name).ok_or_else(|| RuleError::UnknownOperation {
        name: name.to_owned(),
        suggestion: nearest(name, uring::operation_names()).map(str::to_owned),
    })
}

fn syscall_number(name: &str, arch: Arch) -> Result<u32, RuleError> {
    arch.syscall_number(name).ok_or_else(|| RuleError::UnknownSyscall {
        name: name.to_owned(),
        arch,
        suggestion: suggestion(name, arch),
    })
}

/// Returns the nearest name, unless another architecture has a system call of exactly this name.
fn suggestion(name: &str, arch: Arch) -> Option<String> {
    if Arch::named().any(|arch| arch.syscall_number(name).is_some()) {
        return None;
    }
    nearest(name, arch.syscall_names()).map(str::to_owned)
}

/// Starts the rule that records how processes are created, what they execute and how they exit.
///
/// The system calls are clone, clone3, fork, vfork, execve, execveat, exit and exit_group. A process
/// that is killed by a signal makes none of them.
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
    fn each_interface_has_its_own_system_call_numbers() {
        let rules =
            process_lifecycle().key("procs").for_both_abis().expect("all system calls exist");
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
    fn an_interface_without_the_system_call_has_no_rule() {
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
    fn errors_name_the_cause() {
        let arch = Arch::AARCH64;
        let unknown = Rule::on_exit().arch(arch).syscall("fork").build();
        assert_eq!(
            unknown,
            Err(RuleError::UnknownSyscall { name: "fork".into(), arch, suggestion: None })
        );
        let everywhere = Rule::on_exit().syscall("no_such").for_both_abis();
        assert_eq!(
            everywhere,
            Err(RuleError::UnknownSyscallEverywhere { name: "no_such".into(), suggestion: None })
        );
        assert_eq!(
            Rule::on_exit().syscall_number(2032).build(),
            Err(RuleError::SyscallOutOfRange(2032))
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
    fn a_rule_without_system_calls_matches_all_except_on_the_task_list() {
        assert!(Rule::on_exit().build().expect("good").syscalls.is_all());
        let task = Rule::builder(List::TASK, Action::NEVER).build().expect("good");
        assert!(task.syscalls.is_empty());
    }

    #[test]
    fn each_method_builds_the_rule_of_its_auditctl_line() {
        let wa = Permissions::WRITE | Permissions::ATTRIBUTE;
        for (builder, line) in [
            (Rule::on_exit().path("/etc/a"), "-a always,exit -F path=/etc/a"),
            (Rule::on_exit().dir("/etc"), "-a always,exit -F dir=/etc"),
            (Rule::on_exit().path("/a").perm(wa), "-a always,exit -F path=/a -F perm=wa"),
            (Rule::on_exit().auid(1000), "-a always,exit -F auid=1000"),
            (Rule::on_exit().success(true), "-a always,exit -F success=1"),
            (Rule::on_exit().success(false), "-a always,exit -F success=0"),
            (Rule::on_exit().pid(7).exe("/bin/x"), "-a always,exit -F pid=7 -F exe=/bin/x"),
            (Rule::on_exit().watch("/etc/a"), "-w /etc/a"),
            (Rule::on_exit().watch("/etc/a").perm(wa).key("k"), "-w /etc/a -p wa -k k"),
            (Rule::on_exit().watch("/etc/").key("k").key("l"), "-w /etc/ -k k -k l"),
            (Rule::on_exit().watch("/"), "-w /"),
            (Rule::on_exit().watch("/a").auid(0), "-w /a -F auid=0"),
            (
                Rule::on_exit().auid(0).watch("/a"),
                "-a always,exit -F auid=0 -F path=/a -F perm=rwxa",
            ),
            (Rule::on_exit().never().prepend().auid(0), "-A never,exit -F auid=0"),
        ] {
            assert_eq!(builder.build(), line.parse(), "{line}");
        }
        assert_eq!(
            Rule::on_exit().watch("etc").build().expect_err("a relative path").to_string(),
            "invalid value 'etc' for path: expected an absolute path"
        );
    }
}
