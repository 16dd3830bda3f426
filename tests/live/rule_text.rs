//! The text of rules, with the newest auditctl as the oracle.
//!
//! Lines are loaded as files by both tools; then the kernel's listing must be the same to the byte,
//! and so must be which lines both refuse. What ours prints of the listing must load the same again
//! in both. Auditing is off meanwhile, so the rules record nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use auditlink::arch::{Abi, Arch};
use auditlink::rule::{
    Action, FieldId, Filter, FilterValue, List, Operator, RuleError, RulesFile, SyscallMask,
};
use auditlink::wire::rule::to_bytes;
use auditlink::{Rule, Settings};

use crate::kernel_lock::{KernelLock, control, run, stderr, stdout};
use crate::newest::newest;
use crate::random::Random;
use crate::support::example;

/// How many rules are made up.
const GENERATED: usize = 2_000;

/// auditctl 3.0.9 and 4.2 report errors of a file to syslog, until a rule was added.
const FIRST: &str = "-i\n-a never,exit -S all -F pid=1 -F exe=/auditlink-first\n";

/// What a tool made of a file: what the kernel lists, what the tool prints of it, and the numbers
/// of the lines that it refused.
#[derive(Debug)]
struct Outcome {
    listing: Vec<Rule>,
    printed: String,
    refused: BTreeSet<usize>,
}

fn by_reference(file: &Path) -> Outcome {
    let path = file.to_str().expect("a plain path");
    let tool = newest().join("auditctl");
    let said = stderr(&run(&tool, &["-R", path]));
    let refused = said
        .lines()
        .filter_map(|line| line.strip_prefix("There was an error in line ")?.split(' ').next())
        .map(|number| number.parse().expect("a number"))
        .collect();
    outcome(tool, refused)
}

fn by_us(file: &Path) -> Outcome {
    // line by line, to know which are refused
    let text = fs::read_to_string(file).expect("a file");
    let mut refused = BTreeSet::new();
    let mut control = control();
    for (index, line) in text.lines().enumerate() {
        match line.parse() {
            Ok(auditlink::rule::Command::Add(rule)) if control.add_rule(&rule).is_ok() => {}
            Ok(auditlink::rule::Command::IgnoreErrors) => {}
            _ => drop(refused.insert(index + 1)),
        }
    }
    outcome(example("auditctl"), refused)
}

fn outcome(tool: PathBuf, refused: BTreeSet<usize>) -> Outcome {
    let listing = control().rules().expect("a listing");
    let printed = stdout(&run(tool, &["-l"]));
    control().delete_all_rules().expect("they are ours");
    Outcome { listing, printed, refused }
}

/// Asserts that two listings have the same bytes.
fn assert_same(ours: &[Rule], theirs: &[Rule], what: &str) {
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!(to_bytes(ours) == to_bytes(theirs), "{what}: ours {ours}, theirs {theirs}");
    }
    assert_eq!(ours.len(), theirs.len(), "{what}");
}

/// Returns what auditctl prints where we print something else on purpose; `docs/rules.md` lists it.
pub(crate) fn as_auditctl_prints(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    for index in 0..words.len() {
        if index > 0 && words[index - 1] == "-w" && words[index].len() > 1 {
            words[index] = words[index].trim_end_matches('/').to_owned();
        }
        for (name, number) in [
            ("socket", 0o140_000),
            ("link", 0o120_000),
            ("file", 0o100_000),
            ("block", 0o060_000),
            ("dir", 0o040_000),
            ("character", 0o020_000),
            ("fifo", 0o010_000),
        ] {
            if words[index].starts_with("filetype") && words[index].ends_with(&format!("={name}")) {
                words[index] = words[index].replace(&format!("={name}"), &format!("={number}"));
            }
        }
    }
    words.join(" ").replace("\\\\", "\\").replace("\\ ", " ")
}

/// Returns whether auditctl prints a rule in another order or form than its fields have.
fn is_reordered(rule: &Rule) -> bool {
    let has = |field| rule.filters.iter().any(|filter| filter.field == field);
    rule.filters.iter().skip(1).any(|filter| filter.field == FieldId::ARCH)
        // its table of calls depends on the rules before
        || (!has(FieldId::ARCH) && !rule.syscalls.is_all())
        // it prints ` -p x-w /path`, or a watch without a path
        || (has(FieldId::PERM) && rule.filters[0].field == FieldId::PERM)
        || rule.filters.iter().filter(|filter| filter.field == FieldId::PERM).count() > 1
}

/// Compares what both tools make of these lines; returns how many rules were loaded.
fn compare(kernel: &KernelLock, lines: &[String]) -> usize {
    control().configure(&Settings::new().enabled(false)).expect("a setting");
    let path = kernel.path("generated.rules");
    let text = format!("{FIRST}{}\n", lines.join("\n"));
    fs::write(&path, &text).expect("a file");
    let theirs = by_reference(&path);
    let ours = by_us(&path);
    let line = |number: &usize| text.lines().nth(number - 1).unwrap_or_default().to_owned();
    let only = |left: &BTreeSet<usize>, right: &BTreeSet<usize>| {
        left.difference(right).map(line).collect::<Vec<_>>()
    };
    assert_eq!(only(&theirs.refused, &ours.refused), [""; 0], "refused by the reference only");
    assert_eq!(only(&ours.refused, &theirs.refused), [""; 0], "refused by us only");
    assert_same(&ours.listing, &theirs.listing, "loaded");
    let printed = ours.printed.lines().zip(theirs.printed.lines()).zip(&ours.listing);
    for ((ours, theirs), rule) in printed {
        // with named calls, text that auditctl reads as another rule
        let is_other = ours.contains(" -p ") && !ours.starts_with("-w");
        if !is_reordered(rule) && !is_other {
            assert_eq!(as_auditctl_prints(ours), theirs, "printed");
        }
    }
    assert_eq!(ours.printed.lines().count(), theirs.printed.lines().count());

    let listing = kernel.path("listing.rules");
    fs::write(&listing, format!("-i\n{}", ours.printed)).expect("a file");
    let again = by_us(&listing);
    assert_eq!(again.refused, BTreeSet::new(), "our listing, refused by us");
    assert_same(&again.listing, &ours.listing, "our listing, loaded by us");
    let again = by_reference(&listing);
    let refused: Vec<&str> = again
        .refused
        .iter()
        .map(|number| ours.printed.lines().nth(number - 2).unwrap_or(""))
        .collect();
    assert_eq!(refused, [""; 0], "our listing, refused by the reference");
    assert_same(&again.listing, &ours.listing, "our listing, loaded by the reference");
    ours.listing.len()
}

pub(crate) fn generated(kernel: &KernelLock) {
    let mut random = Random::new(20_261_122);
    let mut lines = BTreeSet::new();
    while lines.len() < GENERATED {
        let line = random.rule();
        let parsed = line.parse::<Rule>();
        // the kernel does not evaluate the field, and ends the list: refused by us only
        let ends_list = matches!(
            parsed,
            Err(RuleError::FieldNotOnList { list: List::EXCLUDE, field }) if field != FieldId::KEY
        );
        if !ends_list {
            lines.insert(line);
        }
    }
    let lines: Vec<String> = lines.into_iter().collect();
    // deleting takes the kernel time that grows with nothing but the number of rules
    let loaded: usize = lines.chunks(500).map(|lines| compare(kernel, lines)).sum();
    println!("  {GENERATED} rules generated, {loaded} loaded, the others refused by both");
    assert!(loaded > GENERATED / 3, "too few good rules among them");
    assert!(loaded < GENERATED, "no bad rules among them");
}

impl Random {
    fn rule(&mut self) -> String {
        let mut options = match self.below(12) {
            0 => self.watch(),
            1 => self.elsewhere(),
            _ => self.on_exit(),
        };
        if self.below(4) == 0 {
            self.shuffle(&mut options);
        }
        let attached = self.below(4) == 0;
        let words = options.iter().map(|option| match option.split_at(2) {
            (letter, value) if attached => format!("{letter}{value}"),
            (letter, value) => format!("{letter} {value}"),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Puts the options after the first one into another order.
    fn shuffle(&mut self, options: &mut [String]) {
        for index in (2..options.len()).rev() {
            options.swap(index, 1 + self.below(index));
        }
    }

    fn watch(&mut self) -> Vec<String> {
        let path = ["/tmp", "/tmp/", "/etc/passwd", "/etc", "/tmp/no-such-file", "relative", "/"];
        let mut options = vec![format!("-w{}", self.pick(&path))];
        if self.below(4) > 0 {
            let permissions = ["r", "w", "x", "a", "rw", "wa", "rwxa", "ax", "z", "XW", "rrrrr"];
            options.push(format!("-p{}", self.pick(&permissions)));
        }
        options.push(format!("-kw{}", self.below(10_000)));
        for _ in 0..self.below(2) {
            options.push(self.field(true));
        }
        options
    }

    fn elsewhere(&mut self) -> Vec<String> {
        let list = self.pick(&["user", "task", "exclude", "filesystem", "entry", "USER"]);
        let action = self.pick(&["always", "never", "possible"]);
        let mut options =
            vec![format!("-a{action},{list}"), format!("-Fpid={}", self.below(10_000))];
        if list == "filesystem" {
            let names = ["tracefs", "debugfs", "cgroup", "CGROUP2", "7"];
            options[1] = format!("-Ffstype={}", self.pick(&names));
            options.push(format!("-kf{}", self.below(10_000)));
        }
        for _ in 0..self.below(3) {
            options.push(self.field(false));
        }
        if self.below(6) == 0 {
            options.push(self.comparison());
        }
        options
    }

    fn comparison(&mut self) -> String {
        let pairs =
            ["auid!=obj_uid", "uid=euid", "obj_gid!=gid", "suid=fsuid", "uid!=gid", "uid=pid"];
        format!("-C{}", self.pick(&pairs))
    }

    fn on_exit(&mut self) -> Vec<String> {
        let action = self.pick(&["always,exit", "exit,always", "never,exit", "always,EXIT"]);
        let letter = self.pick(&["-a", "-a", "-a", "-A"]);
        let mut options = vec![format!("{letter}{action}")];
        let arch = self.pick(&["", "b64", "b32", "x86_64", "i386", "I686", "B64"]);
        if !arch.is_empty() {
            options.push(format!("-Farch={arch}"));
        }
        for _ in 0..self.below(3) {
            let names = [
                "open",
                "openat",
                "read,write",
                "execve,execveat",
                "all",
                "clone3",
                "no_such",
                "OPEN",
                "pread",
                "sys_kexec_load",
                "listns",
                "break",
            ];
            let numbers = ["1", "59", "2031", "400,401", "0x10", "010"];
            let call = if self.below(4) == 0 { self.pick(&numbers) } else { self.pick(&names) };
            options.push(format!("-S{call}"));
        }
        options.push(format!("-Fpid={}", self.below(1_000_000)));
        for _ in 0..self.below(4) {
            options.push(self.field(true));
        }
        if self.below(4) == 0 {
            options.push(self.comparison());
        }
        for _ in 0..self.below(3) {
            let form = self.pick(&["-kkey", "-Fkey=key", "-k\"key", "-Fkey=a\\ ", "-kx\\y"]);
            options.push(format!("{form}{}", self.below(100)));
        }
        if self.below(8) == 0 {
            options.push(format!("-p{}", self.pick(&["r", "wa", "q"])));
        }
        options
    }

    /// Adds a condition, mostly a good one.
    fn field(&mut self, may_have_permissions: bool) -> String {
        let order = ["=", "!=", "<", "<=", ">", ">="];
        let all = ["=", "!=", "<", "<=", ">", ">=", "&", "&="];
        let equality = ["=", "!="];
        let (names, operators, values): (&[&str], &[&str], &[&str]) = match self.below(18) {
            0 => (
                &["uid", "euid", "suid", "fsuid", "obj_uid"],
                &order,
                &["0", "1000", "root", "nosuchuser", "0x10"],
            ),
            1 => (
                &["gid", "egid", "sgid", "fsgid", "obj_gid"],
                &order,
                &["0", "100", "root", "nosuchgroup"],
            ),
            2 => (&["auid", "loginuid"], &equality, &["unset", "-1", "4294967295", "1000"]),
            3 => (&["auid"], &order, &["1000", "0"]),
            4 => (&["ppid", "sessionid"], &order, &["1", "77"]),
            5 => (
                &["exit"],
                &order,
                &[
                    "-EACCES",
                    "-EPERM",
                    "0",
                    "-5",
                    "3",
                    "ENOENT",
                    "-ENOSUCH",
                    "-eacces",
                    "-EWOULDBLOCK",
                ],
            ),
            6 => (&["success", "SUCCESS"], &equality, &["0", "1", "yes"]),
            7 => (&["a0", "a1", "a2", "a3"], &all, &["0", "-1", "0x10", "010", "4294967295", "zz"]),
            8 => (&["devmajor", "devminor"], &order, &["8", "0x8", "-1"]),
            9 => (&["inode"], &all, &["5", "123456"]),
            10 => (
                &["filetype"],
                &equality,
                &["file", "dir", "socket", "link", "character", "block", "fifo", "tree"],
            ),
            11 => (&["path"], &equality, &["/etc/passwd", "/tmp/none"]),
            12 => (&["dir"], &["="], &["/etc", "/tmp/", "/no/such/dir"]),
            13 if may_have_permissions => (&["perm"], &equality, &["r", "wa", "rwxa", "q"]),
            14 => (&["exe"], &["="], &["/bin/ls", "/usr/bin/env"]),
            15 => (&["saddr_fam"], &order, &["2", "10", "1", "99"]),
            16 => (&["pers"], &all, &["8", "0x400000"]),
            _ => (
                &["subj_user", "subj_type", "obj_role", "subj_sen", "msgtype", "fstype", "nosuch"],
                &order,
                &["a_t", "CWD", "5"],
            ),
        };
        let (name, operator, value) = (self.pick(names), self.pick(operators), self.pick(values));
        format!("-F{name}{operator}{value}")
    }
}

/// The rules files that come with the newest auditctl.
pub(crate) fn examples(_: &KernelLock) -> Vec<PathBuf> {
    let folder = newest().join("tree/usr/share/doc/auditd/examples/audit-rules");
    let entries = fs::read_dir(folder).expect("the examples of the package auditd").flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rules"))
        .collect();
    files.sort();
    files
}

pub(crate) fn shipped(kernel: &KernelLock) {
    let files = examples(kernel);
    assert!(files.len() > 20, "{files:?}");
    let mut lines = Vec::new();
    for path in &files {
        if let Err(error) = RulesFile::load(path) {
            // the files name users that not every machine has
            let said = format!("{error:?}");
            let others = said.matches(".rules:").count()
                - said.matches("expected a user ID or a user name").count();
            assert_eq!(others, 0, "{said}");
        }
        let text = fs::read_to_string(path).expect("a file");
        let is_rule = |line: &&str| {
            ["-a ", "-A ", "-w "].iter().any(|start| line.trim_start().starts_with(start))
        };
        lines.extend(text.lines().filter(is_rule).map(str::to_owned));
    }
    assert!(lines.len() > 150);
    let loaded = compare(kernel, &lines);
    println!("  {} rules of {} files, {loaded} loaded by both", lines.len(), files.len());
}

/// Every name of a system call that auditctl has, on every machine that it has.
pub(crate) fn call_names(_: &KernelLock) {
    let mut count = 0;
    for machine in [
        "x86_64", "i386", "aarch64", "arm", "ppc", "ppc64", "ppc64le", "s390x", "s390", "riscv64",
        "riscv32",
    ] {
        let arch: Arch = machine.parse().expect("a machine");
        let table = stdout(&run(newest().join("ausyscall"), &[machine, "--dump"]));
        for line in table.lines().skip(1) {
            let (number, name) = line.split_once('\t').expect("a number and a name");
            let number = number.parse().ok();
            assert_eq!(arch.syscall_number(name), number, "{machine} {name}");
            let line = format!("-a always,exit -F arch={machine} -S {name}");
            let rule: Rule = line.parse().expect(&line);
            if arch.abi(Abi::B64) != Some(Arch::X86_64) && arch != Arch::I386 {
                assert_eq!(rule.to_string(), line);
            }
            count += 1;
        }
    }
    println!("  {count} names");
    assert!(count > 3_500, "{count}");
}

/// Rules as other programs can load them: every field, on every list, with the keys before others.
pub(crate) fn of_other_programs(kernel: &KernelLock) {
    let mut control = control();
    control.configure(&Settings::new().enabled(false)).expect("a setting");
    let equal = |field, value: FilterValue| Filter { field, operator: Operator::EQUAL, value };
    let fields = [
        equal(FieldId::KEY, "first".into()),
        equal(FieldId::KEY, FilterValue::Text(b"a\xff\n \\\"".to_vec())),
        equal(FieldId::KEY, "a\u{1}b".into()),
        equal(FieldId::PERM, 0.into()),
        equal(FieldId::PERM, 1.into()),
        equal(FieldId::PATH, "/etc".into()),
        equal(FieldId::PATH, "/tmp/a b\\c".into()),
        equal(FieldId::DIR, "/etc/".into()),
        equal(FieldId::DIR, "/etc/passwd".into()),
        equal(FieldId::DIR, "/etc".into()),
        equal(FieldId::EXE, "/bin/true".into()),
        equal(FieldId::PID, u32::MAX.into()),
        equal(FieldId::SUCCESS, 7.into()),
        equal(FieldId::FIELD_COMPARE, 0.into()),
        equal(FieldId::FIELD_COMPARE, 5.into()),
        equal(FieldId::FILETYPE, 0o050_000.into()),
        equal(FieldId::ARCH, Arch::I386.number().into()),
        equal(FieldId::ARCH, 0x4242.into()),
        equal(FieldId::AUID, u32::MAX.into()),
        equal(FieldId::A1, 0x10.into()),
        equal(FieldId::FSTYPE, 0x6367_7270.into()),
        equal(FieldId::MSGTYPE, 1999.into()),
    ];
    let mut calls = SyscallMask::NONE;
    assert!(calls.insert(283) && calls.insert(2031));
    let permissions = equal(FieldId::PERM, 10.into());
    let mut loaded = 0;
    for list in [List::USER, List::TASK, List::EXIT, List::EXCLUDE, List::FILESYSTEM] {
        for syscalls in [SyscallMask::ALL, SyscallMask::NONE, calls] {
            for (index, field) in fields.iter().enumerate() {
                let other = &fields[(index * 7 + 3) % fields.len()];
                for filters in [
                    vec![field.clone()],
                    vec![field.clone(), permissions.clone()],
                    vec![permissions.clone(), field.clone()],
                    vec![field.clone(), other.clone()],
                ] {
                    let mut rule = Rule::builder(list, Action::ALWAYS).build().expect("empty");
                    (rule.syscalls, rule.filters) = (syscalls, filters);
                    if control.add_rule(&rule).is_err() {
                        continue;
                    }
                    loaded += 1;
                    let [listed]: [Rule; 1] =
                        control.rules().expect("a listing").try_into().expect("one rule");
                    let printed = stdout(&run(example("auditctl"), &["-l"]));
                    for text in [printed.trim_end_matches('\n').to_owned(), listed.to_string()] {
                        let read: Rule =
                            text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
                        assert!(read.is_same(&listed), "{text}");
                        control
                            .delete_rule(&read)
                            .unwrap_or_else(|error| panic!("{text}: {error}"));
                        control.add_rule(&read).unwrap_or_else(|error| panic!("{text}: {error}"));
                        let again = control.rules().expect("a listing");
                        assert!(to_bytes(&again[0]) == to_bytes(&listed), "{text}");
                    }
                    if let Some(watch) = printed.strip_prefix("-w ") {
                        let file = kernel.path("unwatch.rules");
                        fs::write(&file, format!("-W {watch}")).expect("a file");
                        let done = run(example("auditctl"), &["-R", file.to_str().expect("plain")]);
                        assert!(done.status.success(), "-W {watch}: {}", stderr(&done));
                        assert_eq!(control.rules().expect("a listing"), []);
                    }
                    control.delete_all_rules().expect("it is ours");
                }
            }
        }
    }
    println!("  {loaded} rules");
    assert!(loaded > 200, "{loaded}");
}
