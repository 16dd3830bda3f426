//! Settings, counters, features and rules, by request.

use std::time::Duration;

use auditlink::rule::process_lifecycle;
use auditlink::wire::status::{Enabled, FailureMode, FeatureSwitches};
use auditlink::{ErrorKind, MessageType, Rule, RuleSet, Settings};

use crate::kernel_lock::{KEY, KernelLock, control};

pub(crate) fn changed_and_put_back(_: &KernelLock) {
    let mut control = control();
    let before = control.status().expect("a status");
    assert_eq!(before.enabled, Enabled::ON);
    let settings = Settings::new()
        .backlog_limit(777)
        .backlog_wait_time(1234)
        .rate_limit(99_999)
        .failure(FailureMode::SILENT)
        .enabled(false);
    let former = control.configure(&settings).expect("good values");
    let changed = control.status().expect("a status");
    assert_eq!((changed.backlog_limit, changed.rate_limit), (777, 99_999));
    assert_eq!(changed.backlog_wait_time, Some(1234));
    assert_eq!((changed.failure, changed.enabled), (FailureMode::SILENT, Enabled::OFF));
    control.configure(&former).expect("the former values");
    let after = control.status().expect("a status");
    assert_eq!((after.backlog_limit, after.rate_limit), (before.backlog_limit, before.rate_limit));
    assert_eq!(after.backlog_wait_time, before.backlog_wait_time);
    assert_eq!((after.failure, after.enabled), (before.failure, before.enabled));
}

pub(crate) fn all_or_none(_: &KernelLock) {
    let mut control = control();
    let before = control.status().expect("a status");
    let ten_minutes_at_any_speed = 1_000_000_000;
    let settings = Settings::new().backlog_limit(777).backlog_wait_time(ten_minutes_at_any_speed);
    let error = control.configure(&settings).expect_err("too long");
    assert_eq!(*error.kind(), ErrorKind::Invalid);
    assert_eq!(error.operation(), "set the backlog wait time");
    let after = control.status().expect("a status");
    assert_eq!(after.backlog_limit, before.backlog_limit, "the first change was taken back");
    assert_eq!(after.backlog_wait_time, before.backlog_wait_time);
}

pub(crate) fn counters_and_features(_: &KernelLock) {
    let mut control = control();
    let lost = control.status().expect("a status").lost;
    assert_eq!(control.reset_lost().expect("a reset"), lost);
    assert_eq!(control.status().expect("a status").lost, 0);
    let waited = control.status().expect("a status").backlog_wait_time_actual;
    assert_eq!(Some(control.reset_backlog_wait_time_actual().expect("a reset")), waited);
    let features = control.features().expect("features");
    let which = FeatureSwitches::ONLY_UNSET_LOGINUID;
    if !features.locked.contains(which) {
        let other = features.on ^ which;
        control.set_features(which, other & which).expect("not locked");
        assert_eq!(control.features().expect("features").on, other);
        control.set_features(which, features.on & which).expect("not locked");
    }
    assert_eq!(control.features().expect("features"), features);
    control.user_message(MessageType::TEST, "op=auditlink res=success").expect("it is taken");
    let error = control.user_message(MessageType::SYSCALL, "no").expect_err("not a user's type");
    assert_eq!(*error.kind(), ErrorKind::Invalid);
}

pub(crate) fn late_answer(_: &KernelLock) {
    let mut control = control();
    control.set_time_limit(Duration::ZERO);
    let error = control.status().expect_err("no time at all");
    assert_eq!(*error.kind(), ErrorKind::Timeout);
    assert!(format!("{error}").contains("read the audit status"), "{error}");
    control.set_time_limit(Duration::from_secs(5));
    // the socket holds the answer to the first request, with another sequence number
    assert_eq!(control.features().expect("features").locked, FeatureSwitches::empty());
    assert_eq!(control.status().expect("a status").backlog_limit, 8192);
}

pub(crate) fn rule_pair(_: &KernelLock) {
    let mut control = control();
    let never_there = "/auditlink-no-such-folder/../tmp";
    let rules = process_lifecycle().exe("/tmp/auditlink-unused").key(KEY).for_both_abis();
    let rules = rules.expect("all calls exist");
    assert_eq!(rules.len(), if cfg!(target_arch = "x86_64") { 2 } else { rules.len() });
    for rule in &rules {
        control.add_rule(rule).expect("it is new");
        let error = control.add_rule(rule).expect_err("it is loaded");
        assert_eq!(*error.kind(), ErrorKind::RuleExists);
    }
    let listed: RuleSet = control.rules().expect("a listing").into_iter().collect();
    assert_eq!(listed, rules);
    for rule in &rules {
        control.delete_rule(rule).expect("it is loaded");
        let error = control.delete_rule(rule).expect_err("it is gone");
        assert_eq!(*error.kind(), ErrorKind::RuleNotFound);
    }
    assert_eq!(control.rules().expect("a listing"), []);
    let rule = Rule::on_exit().exe(never_there).key(KEY).build().expect("a good rule");
    let error = control.add_rule(&rule).expect_err("the folder does not exist");
    assert_eq!(*error.kind(), ErrorKind::NoSuchPath);
}

pub(crate) fn keys_and_guards(_: &KernelLock) {
    let mut control = control();
    let rule = |pid: u32, key: &str| {
        Rule::on_exit().syscall("getppid").pid(pid).key(key).build().expect("a good rule")
    };
    let mine = [rule(1, KEY), rule(2, KEY)];
    let other = Rule::on_exit().syscall("getppid").pid(3).build().expect("a good rule");
    for rule in mine.iter().chain([&other]) {
        control.add_rule(rule).expect("it is new");
    }
    assert_eq!(control.delete_rules_by_key(KEY).expect("they are loaded"), 2);
    assert_eq!(control.rules().expect("a listing"), std::slice::from_ref(&other));

    // the key says whose a loaded rule is
    control.add_rule(&rule(4, KEY)).expect("it is new");
    let set: RuleSet = [other.clone(), rule(4, KEY), rule(5, KEY)].into_iter().collect();
    let installed = control.apply(&set).expect("two are loaded, one is new");
    assert_eq!(installed.rules(), [rule(4, KEY), rule(5, KEY)]);
    installed.remove().expect("they are loaded");
    assert_eq!(
        control.rules().expect("a listing"),
        std::slice::from_ref(&other),
        "what was there without a key stays"
    );
    drop(control.apply(&set).expect("again"));
    assert_eq!(
        control.rules().expect("a listing"),
        std::slice::from_ref(&other),
        "a dropped guard removes"
    );

    let mut bad = rule(5, KEY);
    bad.filters[0].field = auditlink::rule::FieldId::new(99);
    let set: RuleSet = [rule(4, KEY), bad].into_iter().collect();
    let error = control.apply(&set).expect_err("no field has the number 99");
    assert_eq!(*error.kind(), ErrorKind::Invalid);
    assert_eq!(control.rules().expect("a listing"), [other], "all or none");
    assert_eq!(control.delete_all_rules().expect("one is left"), 1);

    // more rules than fit into one batch, and than an unprepared buffer could hold
    let many: RuleSet = (0..600).map(|pid| rule(100_000 + pid, KEY)).collect();
    let installed = control.apply(&many).expect("they are new");
    let listed: RuleSet = control.rules().expect("a listing").into_iter().collect();
    assert_eq!(listed, many);
    installed.remove().expect("they are loaded");
}
