//! Building rules in code.

use super::rule::KEY_SEPARATOR;
use super::suggest::nearest;
use super::{
    Action, FieldId, Filter, FilterValue, List, Lookup, Operator, Permissions, Rule, RuleError,
    RuleSet, SyscallMask, validate,
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
///     .path("/etc/passwd")
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
    /// A watched path of which the lookup does not know whether it is a directory.
    unresolved: Option<String>,
    keys: Vec<Vec<u8>>,
    exact_mask: Option<SyscallMask>,
    unchecked: bool,
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
            unresolved: None,
            keys: Vec::new(),
            exact_mask: None,
            unchecked: false,
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

    /// Watches a file, or a directory and the whole tree below it, as `auditctl -w` does.
    ///
    /// The lookup decides which of them the path is: [`host::UserNames`](crate::host::UserNames)
    /// looks at the file system; [`path`](Self::path) and [`dir`](Self::dir) look at nothing. Unless
    /// [`perm`](Self::perm) is given, every kind of access matches.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    /// use auditlink::host::UserNames;
    /// use auditlink::rule::Permissions;
    ///
    /// let rule = Rule::on_exit().watch("/etc", &UserNames::new()).key("id").build()?;
    /// assert_eq!(rule, "-w /etc -k id".parse()?);
    /// assert_eq!(rule, Rule::on_exit().dir("/etc").perm(Permissions::ALL).key("id").build()?);
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    #[doc(alias = "-w")]
    pub fn watch(mut self, path: &str, lookup: &dyn Lookup) -> Self {
        match Self::watched(path, lookup) {
            Ok(field) => {
                let [object, _] = Self::watch_filters(field, path);
                self.filters.push(object);
                self.watches = true;
            }
            Err(_) => self.unresolved = Some(path.to_owned()),
        }
        self
    }

    /// Returns the field that `-w` has for a path.
    pub(super) fn watched(path: &str, lookup: &dyn Lookup) -> Result<FieldId, RuleError> {
        match lookup.is_directory(path) {
            // only an absolute path can be watched, whatever it is
            _ if !path.starts_with('/') => Ok(FieldId::PATH),
            Some(true) => Ok(FieldId::DIR),
            Some(false) => Ok(FieldId::PATH),
            None => Err(RuleError::NeedsLookup(path.to_owned())),
        }
    }

    /// Returns the filters of `-w`: the path, without slashes at its end, and every kind of access.
    pub(super) fn watch_filters(field: FieldId, path: &str) -> [Filter; 2] {
        let trimmed = path.trim_end_matches('/');
        let path = match path {
            "/" | "//" => path,
            _ if trimmed.is_empty() && !path.is_empty() => "/",
            _ => trimmed,
        };
        let operator = Operator::EQUAL;
        [
            Filter { field, operator, value: path.into() },
            Filter { field: FieldId::PERM, operator, value: Permissions::ALL.into() },
        ]
    }

    /// Adds conditions.
    pub(super) fn filters(mut self, filters: Vec<Filter>) -> Self {
        self.filters.extend(filters);
        self
    }

    /// Sets the system calls as the kernel has them, on any list.
    pub(super) const fn exact_mask(mut self, mask: SyscallMask) -> Self {
        self.exact_mask = Some(mask);
        self
    }

    /// Leaves it to the kernel to judge the fields.
    pub(super) const fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
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
        if let Some(path) = self.unresolved {
            return Err(RuleError::NeedsLookup(path));
        }
        let syscalls = match self.exact_mask {
            Some(mask) => mask,
            None => self.mask()?,
        };
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
        let Self { list, action, prepend, unchecked, .. } = self;
        let rule = Rule { list, action, prepend, syscalls, filters, tail: Vec::new() };
        if !unchecked {
            validate::rule(&rule)?;
        }
        Ok(rule)
    }

    /// Returns the architecture that determines the names of system calls.
    fn given_arch(&self) -> Option<Arch> {
        Rule::last_arch(&self.filters).or(self.arch)
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
                    self.given_arch().or_else(Arch::native).ok_or(RuleError::UnknownArch)?,
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
        if self.given_arch().is_some() {
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
