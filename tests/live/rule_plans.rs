//! Rule plans: applied, rolled back, and merged rules on the real filter.

use std::time::Duration;

use auditlink::control::ApplyMode;
use auditlink::rule::{FieldId, Ownership, RulesFile, Step};
use auditlink::{Events, Receiver, Rule, RuleSet};

use crate::kernel_lock::{Collected, KEY, KernelLock, control};
use crate::rule_text;

/// A rule that every kernel refuses: field 99 does not exist.
fn refused() -> Rule {
    let mut rule: Rule = "-a always,exit -S all -F pid=77 -k bad".parse().expect("a rule");
    rule.filters[0].field = FieldId::new(99);
    rule
}

/// Rules that are there before, in an order that is not the wanted one.
fn foreign() -> Vec<Rule> {
    ["-w /tmp/auditlink-z -p w -k foreign", "-a never,exit -F pid=78", "-a never,task -F pid=79"]
        .map(|line| line.parse().expect("a rule"))
        .to_vec()
}

/// Checks that the kernel has these rules, in this order.
fn assert_loaded(wanted: &[Rule]) {
    let loaded = listing();
    let is_same = loaded.len() == wanted.len()
        && loaded.iter().zip(wanted).all(|(one, other)| one.is_same(other));
    assert!(is_same, "loaded {loaded:?}, wanted {wanted:?}");
}

fn listing() -> Vec<Rule> {
    control().rules().expect("a listing")
}

/// The rules of the files that ship with the reference tool and that this machine can have.
fn shipped(kernel: &KernelLock) -> Vec<RuleSet> {
    let mut sets = Vec::new();
    for path in rule_text::examples(kernel) {
        // the files name users and programs that not every machine has
        let text = std::fs::read_to_string(&path).expect("a file");
        let good = text.lines().filter(|line| {
            RulesFile::parse("", line, &auditlink::host::UserNames::new())
                .is_ok_and(|file| file.rules().iter().all(|rule| control().add_rule(rule).is_ok()))
        });
        let good: Vec<&str> = good.collect();
        control().delete_all_rules().expect("they are ours");
        let file = RulesFile::parse("", &good.join("\n"), &auditlink::host::UserNames::new());
        sets.push(file.expect("good lines").rules());
    }
    sets
}

pub(crate) fn all_or_nothing(kernel: &KernelLock) {
    let sets = shipped(kernel);
    let mut control = control();
    for rule in foreign() {
        control.add_rule(&rule).expect("it is new");
    }
    let before = listing();

    let whole: RuleSet = sets.iter().flatten().cloned().collect();
    let plan = whole.plan(&before, &Ownership::KeyPrefix(b"none of these".to_vec()));
    let report = control.apply_plan(&plan, ApplyMode::AllOrNothing).expect("it is tried");
    assert!(report.is_complete(), "{report:?}");
    let loaded = listing();
    assert!(whole.iter().all(|rule| loaded.iter().any(|other| other.is_same(rule))));
    println!("  {} rules of {} files loaded, all or nothing", loaded.len(), sets.len());
    let foreign_set: RuleSet = before.iter().cloned().collect();
    let back = foreign_set.plan(&loaded, &Ownership::All);
    let report = control.apply_plan(&back, ApplyMode::Strict).expect("it is tried");
    assert!(report.is_complete());
    assert_eq!(listing(), before, "a plan leads back, too");

    let mut positions = 0;
    for set in &sets {
        for position in 0..=set.len() {
            let mut rules: Vec<Rule> = set.iter().cloned().collect();
            rules.insert(position, refused());
            let wanted: RuleSet = rules.into_iter().collect();
            let plan = wanted.plan(&before, &Ownership::All);
            let report = control.apply_plan(&plan, ApplyMode::AllOrNothing).expect("it is tried");
            assert!(report.is_rolled_back && !report.is_complete());
            assert_eq!(report.failed.len(), 1);
            assert_eq!(listing(), before, "position {position} of {set:?}");
            positions += 1;
        }
    }
    println!("  {positions} forced failures rolled back");
    assert!(positions > 150);
}

pub(crate) fn modes(_: &KernelLock) {
    let rule = |pid: u32| Rule::on_exit().pid(pid).build().expect("a rule");
    let wanted: RuleSet = [rule(1), refused(), rule(2)].into_iter().collect();
    let plan = wanted.plan(&listing(), &Ownership::All);
    let mut control = control();
    let report = control.apply_plan(&plan, ApplyMode::Strict).expect("it is tried");
    assert_eq!((report.done.len(), report.failed.len()), (1, 1));
    assert_loaded(&[rule(1)]);
    let report = control.apply_plan(&plan, ApplyMode::BestEffort).expect("it is tried");
    assert_eq!(
        (report.done.len(), report.failed.len()),
        (2, 1),
        "an existing rule is not a failure"
    );
    assert_loaded(&[rule(1), rule(2)]);
    let other: RuleSet = [rule(2), rule(1)].into_iter().collect();
    let plan = other.plan(&listing(), &Ownership::All);
    assert!(matches!(plan.steps(), [Step::Keep(_), Step::Move(_)]), "{plan}");
    assert!(control.apply_plan(&plan, ApplyMode::AllOrNothing).expect("it is tried").is_complete());
    assert_loaded(&[rule(2), rule(1)]);
}

pub(crate) fn merged(kernel: &KernelLock) {
    let helper = kernel.helper();
    let exe = helper.to_str().expect("a plain path");
    let rule = |call: &str, action: &str, key: &str| -> Rule {
        let line = format!("-a {action},exit -F arch=b64 -S {call} -F exe={exe} -k {key}");
        line.parse().expect("a rule")
    };
    let rules: RuleSet = [
        rule("getppid", "always", KEY),
        rule("getuid", "never", "other"),
        rule("execve", "always", KEY),
        rule("getuid", "always", KEY),
        rule("exit_group", "always", KEY),
    ]
    .into_iter()
    .collect();
    let merged = rules.merged();
    assert_eq!(merged.rules.len(), 3, "getuid cannot pass the rule that suppresses it");
    let seen = |rules: &RuleSet| {
        let mut events = Events::new(Receiver::observer().open().expect("an observer"));
        let installed = control().apply(rules).expect("the rules are new");
        kernel.run_helper(&["storm", "3"]);
        let mut collected = Collected::default();
        collected.collect(&mut events, Duration::from_millis(300));
        installed.remove().expect("the rules are loaded");
        assert_eq!(collected.losses, []);
        let calls = collected.ours().map(|event| event.syscall().and_then(|call| call.name()));
        calls.collect::<Vec<_>>()
    };
    let (before, after) = (seen(&rules), seen(&merged.rules));
    assert_eq!(before, after);
    assert_eq!(before.iter().filter(|call| **call == Some("getppid")).count(), 3);
    println!(
        "  {} events of {} rules, the same of {}",
        before.len(),
        rules.len(),
        merged.rules.len()
    );
}
