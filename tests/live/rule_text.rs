//! The text of rules, with auditctl as the oracle.
//!
//! Lines are loaded as files by both tools; then the kernel's listing must be the same to the byte,
//! and so must be what both print of it, and which lines both refuse.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use auditlink::Rule;
use auditlink::rule::RulesFile;
use auditlink::wire::rule::to_bytes;

use crate::kernel_lock::{KernelLock, control, run, stderr, stdout};
use crate::support::example;

/// How many rules are made up.
const GENERATED: usize = 2_000;

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
    let said = stderr(&run("auditctl", &["-R", path]));
    let refused = said
        .lines()
        .filter_map(|line| line.strip_prefix("There was an error in line ")?.split(' ').next())
        .map(|number| number.parse().expect("a number"))
        .collect();
    outcome("auditctl".into(), refused)
}

fn by_us(file: &Path) -> Outcome {
    // line by line, since a file with mistakes is refused whole
    let text = fs::read_to_string(file).expect("a file");
    let mut refused = BTreeSet::new();
    let mut control = control();
    for (index, line) in text.lines().enumerate() {
        match auditlink::rule::Command::parse_line(line, &auditlink::host::UserNames::new()) {
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

/// Compares what both tools make of these lines; returns how many rules were loaded.
fn compare(kernel: &KernelLock, lines: &[String]) -> usize {
    let path = kernel.path("generated.rules");
    let text = format!("-i\n{}\n", lines.join("\n"));
    fs::write(&path, &text).expect("a file");
    let theirs = by_reference(&path);
    let ours = by_us(&path);
    let line = |number: &usize| text.lines().nth(number - 1).unwrap_or_default().to_owned();
    let only = |left: &BTreeSet<usize>, right: &BTreeSet<usize>| {
        left.difference(right).map(line).collect::<Vec<_>>()
    };
    assert_eq!(only(&theirs.refused, &ours.refused), [""; 0], "refused by the reference only");
    assert_eq!(only(&ours.refused, &theirs.refused), [""; 0], "refused by us only");
    for (ours, theirs) in ours.listing.iter().zip(&theirs.listing) {
        assert_eq!(to_bytes(ours), to_bytes(theirs), "ours {ours}, theirs {theirs}");
    }
    assert_eq!(ours.listing.len(), theirs.listing.len());
    for (ours, theirs) in ours.printed.lines().zip(theirs.printed.lines()) {
        // a watch whose perm= was given first is printed in that order, which auditctl cannot read back
        if !theirs.starts_with(" -p ") {
            assert_eq!(ours, theirs, "printed");
        }
    }
    assert_eq!(ours.printed.lines().count(), theirs.printed.lines().count());
    ours.listing.len()
}

pub(crate) fn generated(kernel: &KernelLock) {
    let mut random = Random(20_261_122);
    let mut lines = BTreeSet::new();
    while lines.len() < GENERATED {
        lines.insert(random.rule());
    }
    let lines: Vec<String> = lines.into_iter().collect();
    // deleting takes the kernel time that grows with nothing but the number of rules
    let loaded: usize = lines.chunks(500).map(|lines| compare(kernel, lines)).sum();
    println!("  {GENERATED} rules generated, {loaded} loaded, the others refused by both");
    assert!(loaded > GENERATED / 2, "too few good rules among them");
    assert!(loaded < GENERATED, "no bad rules among them");
}

/// The generator splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % limit
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn rule(&mut self) -> String {
        match self.below(12) {
            0 => self.watch(),
            1 => self.elsewhere(),
            _ => self.on_exit(),
        }
    }

    fn watch(&mut self) -> String {
        let path = ["/tmp", "/tmp/", "/etc/passwd", "/etc", "/tmp/no-such-file", "relative"];
        let mut line = format!("-w {}", self.pick(&path));
        if self.below(4) > 0 {
            let permissions = ["r", "w", "x", "a", "rw", "wa", "rwxa", "ax", "z"];
            write!(line, " -p {}", self.pick(&permissions)).expect("memory");
        }
        write!(line, " -k w{}", self.below(10_000)).expect("memory");
        line
    }

    fn elsewhere(&mut self) -> String {
        let list = self.pick(&["user", "task", "exclude", "filesystem", "entry"]);
        let action = self.pick(&["always", "never", "possible"]);
        let mut line = format!("-a {action},{list} -F pid={}", self.below(10_000));
        if list == "filesystem" {
            line =
                format!("-a {action},{list} -F fstype={}", self.pick(&["tracefs", "debugfs", "7"]));
        }
        for _ in 0..self.below(3) {
            self.field(&mut line);
        }
        line
    }

    fn on_exit(&mut self) -> String {
        let action = self.pick(&["always,exit", "exit,always", "never,exit"]);
        let letter = self.pick(&["-a", "-a", "-a", "-A"]);
        let mut line = format!("{letter} {action}");
        let arch = self.pick(&["", "b64", "b32", "x86_64", "i386"]);
        if !arch.is_empty() {
            write!(line, " -F arch={arch}").expect("memory");
        }
        let mut calls = false;
        for _ in 0..self.below(3) {
            // without an arch, the reference tool prints names out of another table
            let names =
                ["open", "openat", "read,write", "execve,execveat", "all", "clone3", "no_such"];
            let numbers = ["1", "59", "2031", "400,401"];
            let call = if arch.is_empty() {
                "all"
            } else if self.below(4) == 0 {
                self.pick(&numbers)
            } else {
                self.pick(&names)
            };
            write!(line, " -S {call}").expect("memory");
            calls = true;
        }
        write!(line, " -F pid={}", self.below(1_000_000)).expect("memory");
        for _ in 0..self.below(4) {
            self.field(&mut line);
        }
        if self.below(4) == 0 {
            let pairs =
                ["auid!=obj_uid", "uid=euid", "obj_gid!=gid", "suid=fsuid", "uid!=gid", "uid=pid"];
            write!(line, " -C {}", self.pick(&pairs)).expect("memory");
        }
        if calls {
            for _ in 0..self.below(3) {
                write!(line, " -k key{}", self.below(100)).expect("memory");
            }
        }
        line
    }

    /// Adds a condition, mostly a good one.
    fn field(&mut self, line: &mut String) {
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
            5 => (&["exit"], &order, &["-EACCES", "-EPERM", "0", "-5", "3", "ENOENT", "-ENOSUCH"]),
            6 => (&["success"], &equality, &["0", "1", "yes"]),
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
            13 => (&["perm"], &equality, &["r", "wa", "rwxa", "q"]),
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
        write!(line, " -F {name}{operator}{value}").expect("memory");
    }
}

/// The rules files that come with the reference tool, unpacked.
pub(crate) fn examples(kernel: &KernelLock) -> Vec<PathBuf> {
    let folder = Path::new("/usr/share/doc/auditd/examples/rules");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("Debian's package auditd is installed").flatten() {
        let name = entry.file_name().into_string().expect("a plain name");
        let target = kernel.path(name.trim_end_matches(".gz"));
        if name.ends_with(".rules.gz") {
            let unpacked = run("gzip", &["-dc", entry.path().to_str().expect("a plain path")]);
            fs::write(&target, unpacked.stdout).expect("a file");
        } else if name.ends_with(".rules") {
            fs::copy(entry.path(), &target).expect("a file");
        } else {
            continue;
        }
        files.push(target);
    }
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
