//! The rules that a watchdog expects, and the files that they name.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::control::installed::needed_rules;
use crate::receiver::rule_change::suppressors;
use crate::rule::{FieldId, FilterValue, Operator, Ownership, Plan, Rule, RuleSet};

/// The rules that are expected to be loaded.
#[derive(Debug)]
pub(super) struct ExpectedRules {
    scope: Scope,
    /// The rules that suppressed others at the start.
    suppressors: Vec<Rule>,
    files: Vec<RuleFile>,
}

#[derive(Debug)]
enum Scope {
    /// All rules that were loaded at the start, and no others.
    All(AtStart),
    /// Some of the rules that were loaded at the start.
    Some(AtStart),
    /// Those of the guards of this process.
    Guards,
}

#[derive(Debug)]
struct AtStart {
    rules: Vec<Rule>,
    /// Those of them that guards of this process had installed.
    guarded: Vec<Rule>,
}

/// A file or directory that a rule refers to. The kernel finds it by its inode.
#[derive(Debug)]
struct RuleFile {
    rule: Rule,
    field: FieldId,
    path: PathBuf,
    /// The inode to which the rule refers.
    inode: Option<Inode>,
    /// The inode that was there last.
    last: Option<Inode>,
}

/// The device and the number of an inode.
type Inode = (u64, u64);

/// What has become of the files that rules name.
#[derive(Debug, Default)]
pub(super) struct FileChanges {
    /// Whether a file or directory was replaced, or is gone.
    pub(super) is_any: bool,
    /// The rules that still refer to a directory that was replaced.
    pub(super) stale: Vec<Rule>,
    /// Whether a file is gone.
    pub(super) is_gone: bool,
}

impl ExpectedRules {
    /// Expects rules that are loaded at the start.
    pub(super) fn of(loaded: &[Rule], rules_of: Option<&Ownership>) -> Self {
        let guarded = needed();
        let scope = match rules_of {
            None if !guarded.is_empty() => Scope::Guards,
            None | Some(Ownership::All) => Scope::All(AtStart { rules: loaded.to_vec(), guarded }),
            Some(ownership) => {
                let owned = loaded.iter().filter(|rule| ownership.owns(rule));
                Scope::Some(AtStart { rules: owned.cloned().collect(), guarded })
            }
        };
        let mut expected = Self { scope, suppressors: Vec::new(), files: Vec::new() };
        let rules = expected.rules();
        expected.suppressors = suppressors(loaded, &rules).into_iter().cloned().collect();
        expected.update_files(loaded);
        expected
    }

    /// Returns the rules that are expected now: guards may have added and removed some.
    fn rules(&self) -> Vec<Rule> {
        let needed = needed();
        match &self.scope {
            Scope::All(AtStart { rules, guarded }) | Scope::Some(AtStart { rules, guarded }) => {
                let is_given_up = |rule: &Rule| contains(guarded, rule) && !contains(&needed, rule);
                rules.iter().filter(|rule| !is_given_up(rule)).cloned().collect()
            }
            Scope::Guards => {
                let mut rules: Vec<Rule> = Vec::new();
                for rule in needed {
                    if !contains(&rules, &rule) {
                        rules.push(rule);
                    }
                }
                rules
            }
        }
    }

    /// Returns whether the loaded rules are as expected.
    pub(super) fn are(&self, loaded: &[Rule]) -> bool {
        let expected = self.rules();
        if let Scope::All(AtStart { rules, .. }) = &self.scope {
            let needed = needed();
            let is_new = |rule: &&Rule| contains(&needed, rule) && !contains(rules, rule);
            let old = loaded.iter().filter(|rule| !is_new(rule));
            return old.clone().count() == expected.len()
                && old.zip(&expected).all(|(one, other)| one.is_same(other));
        }
        is_in_order(&expected, loaded)
            && suppressors(loaded, &expected)
                .into_iter()
                .all(|rule| contains(&self.suppressors, rule))
    }

    /// Returns the steps that load what is missing. Deletions among them concern rules of others.
    pub(super) fn plan(&self, loaded: &[Rule]) -> Plan {
        let wanted: RuleSet = self.rules().into_iter().collect();
        wanted.plan(loaded, &Ownership::All)
    }

    /// Looks up the files that the rules name. To be called before the rules are listed: a rule can vanish
    /// with its directory.
    pub(super) fn look_up_files(&mut self) {
        for file in &mut self.files {
            file.last = inode(&file.path);
        }
    }

    /// Compares the files that the loaded rules name with those of the last time.
    ///
    /// Where the executable of `-F exe=` is replaced in its directory, the kernel follows; a rule for a
    /// directory, or for a file in one, continues to refer to the directory that was there.
    ///
    /// Source: `kernel/audit_fsnotify.c`, `audit_mark_handle_event`; `kernel/audit_watch.c`,
    /// `audit_watch_handle_event`; `kernel/audit_tree.c`.
    pub(super) fn compare_files(&mut self, loaded: &[Rule]) -> FileChanges {
        self.update_files(loaded);
        let mut changes = FileChanges::default();
        for file in self.files.iter_mut().filter(|file| file.last != file.inode) {
            changes.is_any = true;
            changes.is_gone |= file.last.is_none();
            if file.field == FieldId::EXE {
                file.inode = file.last.or(file.inode);
            } else if file.last.is_some() {
                changes.stale.push(file.rule.clone());
            }
        }
        changes
    }

    /// Forgets the files of rules that are not loaded, and adds those of rules that are.
    pub(super) fn update_files(&mut self, loaded: &[Rule]) {
        let expected = self.rules();
        // a rule that is loaded again refers to what is there then
        self.files.retain(|file| contains(loaded, &file.rule) && contains(&expected, &file.rule));
        for rule in expected.iter().filter(|rule| contains(loaded, rule)) {
            if !self.files.iter().any(|file| file.rule.is_same(rule)) {
                self.files.extend(files_of(rule));
            }
        }
    }

    /// Forgets the files of rules that are loaded again.
    pub(super) fn forget_files(&mut self, rules: &[Rule]) {
        self.files.retain(|file| !contains(rules, &file.rule));
    }
}

/// Returns the rules of the guards of this process.
fn needed() -> Vec<Rule> {
    needed_rules().iter().map(|needed| needed.rule.clone()).collect()
}

fn contains(rules: &[Rule], rule: &Rule) -> bool {
    rules.iter().any(|other| other.is_same(rule))
}

/// Returns whether all these rules are loaded, those of each list in their order.
fn is_in_order(expected: &[Rule], loaded: &[Rule]) -> bool {
    expected.iter().enumerate().all(|(index, rule)| {
        let before = expected.iter().take(index).rfind(|other| other.list == rule.list);
        let position = |rule: &Rule| loaded.iter().position(|other| other.is_same(rule));
        let before = before.filter(|_| !rule.prepend).map(position);
        position(rule).is_some_and(|at| before.is_none_or(|before| before < Some(at)))
    })
}

/// Returns what a rule refers to: an executable, a directory, or the directory that has a file.
fn files_of(rule: &Rule) -> impl Iterator<Item = RuleFile> {
    rule.filters.iter().filter(|filter| filter.operator == Operator::EQUAL).filter_map(|filter| {
        let FilterValue::Text(text) = &filter.value else { return None };
        let path = Path::new(OsStr::from_bytes(text));
        let path = match filter.field {
            FieldId::EXE | FieldId::DIR => path,
            FieldId::PATH => path.parent()?,
            _ => return None,
        };
        let (rule, field) = (rule.clone(), filter.field);
        let inode = inode(path);
        Some(RuleFile { rule, field, path: path.to_owned(), inode, last: inode })
    })
}

/// Returns the inode of a path, as the kernel looks it up for a rule: a link at the end is not followed.
fn inode(path: &Path) -> Option<Inode> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
