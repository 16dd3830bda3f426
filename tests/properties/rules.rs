//! Properties of rules: text and bytes round-trip, and merging changes nothing that is recorded.

use std::fs;
use std::path::Path;

use auditlink::arch::Arch;
use auditlink::rule::{
    Action, CallCoverage, Command, FieldId, Filter, FilterValue, Lint, List, Operator, Ownership,
    Permissions, RulesFile, Step, SyscallMask,
};
use auditlink::wire::rule::{parse, to_bytes};
use auditlink::{ErrorKind, Rule, RuleSet};
use proptest::prelude::*;

/// A rule that can be built, on any list.
fn any_rule() -> impl Strategy<Value = Rule> {
    let list = prop::sample::select(vec![
        List::USER,
        List::TASK,
        List::EXIT,
        List::EXIT,
        List::EXIT,
        List::EXCLUDE,
        List::FILESYSTEM,
        List::IO_URING,
    ]);
    let action = prop::sample::select(vec![Action::NEVER, Action::ALWAYS]);
    let arch = prop::option::of(prop::sample::select(vec![
        Arch::X86_64,
        Arch::I386,
        Arch::AARCH64,
        Arch::S390X,
        Arch::new(0x4242),
    ]));
    let calls = prop::collection::vec(0_u32..2032, 0..5);
    let filters = prop::collection::vec(any_filter(), 0..5);
    let keys = prop::collection::vec("[ -~]{1,12}", 0..3);
    (list, action, any::<bool>(), arch, calls, filters, keys).prop_filter_map(
        "a rule that the builder refuses",
        |(list, action, prepend, arch, calls, filters, keys)| {
            let mut builder = Rule::builder(list, action);
            if prepend {
                builder = builder.prepend();
            }
            if let Some(arch) = arch {
                builder = builder.arch(arch);
            }
            for call in calls {
                builder = builder.syscall_number(call);
            }
            for Filter { field, operator, value } in filters {
                builder = builder.filter(field, operator, value);
            }
            for key in keys {
                builder = builder.key(key);
            }
            builder.build().ok()
        },
    )
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let known: Vec<FieldId> = (0..256)
        .map(FieldId::new)
        .filter(|field| field.name().is_some() && *field != FieldId::KEY && *field != FieldId::ARCH)
        .collect();
    let operator = prop::sample::select(vec![
        Operator::EQUAL,
        Operator::NOT_EQUAL,
        Operator::LESS,
        Operator::LESS_OR_EQUAL,
        Operator::GREATER,
        Operator::GREATER_OR_EQUAL,
        Operator::BIT_MASK,
        Operator::BIT_TEST,
    ]);
    let number = prop_oneof![0_u32..30, any::<u32>(), Just(u32::MAX)];
    let text = prop_oneof!["/[a-z ]{1,8}", "[a-z_:]{1,8}"];
    (prop::sample::select(known), operator, number, text).prop_map(
        |(field, operator, number, text)| {
            let value = match field {
                FieldId::FSTYPE => FilterValue::Number(0x7472_6163),
                FieldId::PERM => FilterValue::Number(number % 15 + 1),
                FieldId::FILETYPE => FilterValue::Number(number & 0o170_000),
                FieldId::FIELD_COMPARE => FilterValue::Number(number % 25 + 1),
                FieldId::SADDR_FAM => FilterValue::Number(number % 46),
                FieldId::SUCCESS | FieldId::AUID_SET => FilterValue::Number(number % 2),
                FieldId::MSGTYPE => FilterValue::Number(number % 3000),
                _ if field.is_text() => FilterValue::Text(text.into_bytes()),
                _ => FilterValue::Number(number),
            };
            Filter { field, operator, value }
        },
    )
}

/// A rule that the kernel can list, loaded by any program: fields in any order, on any list, with any
/// value, keys included, and any system calls.
fn listed_rule() -> impl Strategy<Value = Rule> {
    let lists = [0, 1, 4, 5, 6, 7].map(List::new);
    let action = prop::sample::select(vec![Action::NEVER, Action::ALWAYS]);
    let mask = prop_oneof![
        Just(SyscallMask::NONE),
        Just(SyscallMask::ALL),
        prop::collection::vec(0_u32..2032, 1..5).prop_map(|numbers| {
            let mut mask = SyscallMask::NONE;
            assert!(numbers.into_iter().all(|number| mask.insert(number)));
            mask
        }),
    ];
    let fields: Vec<FieldId> =
        (0..256).map(FieldId::new).filter(|field| field.name().is_some()).collect();
    let operators = [
        Operator::EQUAL,
        Operator::EQUAL,
        Operator::NOT_EQUAL,
        Operator::LESS,
        Operator::GREATER_OR_EQUAL,
        Operator::BIT_MASK,
    ];
    let number = prop_oneof![0_u32..30, any::<u32>(), Just(u32::MAX), Just(Arch::I386.number())];
    let text = prop_oneof![
        "/[a-z \\\\'\"=!]{1,8}/?".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..9),
        "(/etc|/tmp|/|/etc/passwd)".prop_map(String::into_bytes),
    ];
    let filter =
        (prop::sample::select(fields), prop::sample::select(operators.to_vec()), number, text)
            .prop_map(|(field, operator, number, text)| Filter {
                field,
                operator,
                value: match field.is_text() {
                    true => FilterValue::Text(text),
                    false => FilterValue::Number(number),
                },
            });
    let filters = prop::collection::vec(filter, 0..5);
    (prop::sample::select(lists.to_vec()), action, mask, filters).prop_map(
        |(list, action, syscalls, filters)| {
            let mut rule = Rule::builder(list, action).build().expect("no fields");
            (rule.syscalls, rule.filters) = (syscalls, filters);
            rule
        },
    )
}

/// A rule that a watch can express, or nearly.
fn watch_rule() -> impl Strategy<Value = Rule> {
    let object = prop::sample::select(vec![FieldId::PATH, FieldId::DIR]);
    let path = prop::sample::select(vec!["/etc", "/etc/", "/etc/passwd", "/no such", "/", "/tmp"]);
    (object, path, 1_u32..16, prop::option::of("[a-z]{1,3}(\u{1}[a-z])?"), any::<bool>()).prop_map(
        |(field, path, permissions, key, perm_first)| {
            let operator = Operator::EQUAL;
            let mut filters = vec![
                Filter { field, operator, value: path.into() },
                Filter { field: FieldId::PERM, operator, value: permissions.into() },
            ];
            if perm_first {
                filters.reverse();
            }
            filters.extend(key.map(|key| Filter {
                field: FieldId::KEY,
                operator,
                value: key.as_str().into(),
            }));
            let mut rule = Rule::on_exit().build().expect("no fields");
            rule.filters = filters;
            rule
        },
    )
}

/// A system call on a model machine so small that rules overlap: two interfaces, four system
/// calls, two users and two processes.
#[derive(Clone, Copy, Debug)]
struct Call {
    arch: Arch,
    number: u32,
    uid: u32,
    pid: u32,
}

fn small_rule() -> impl Strategy<Value = Rule> {
    let arch = prop::option::of(prop::sample::select(vec![Arch::X86_64, Arch::I386]));
    let action = prop::sample::select(vec![Action::NEVER, Action::ALWAYS, Action::ALWAYS]);
    let calls = prop::collection::btree_set(0_u32..4, 1..3);
    let uid = prop::option::weighted(0.3, 0_u32..2);
    let pid = prop::option::weighted(0.2, 0_u32..2);
    let key = prop::option::weighted(0.8, prop::sample::select(vec!["a", "b"]));
    (arch, action, calls, uid, pid, key).prop_map(|(arch, action, calls, uid, pid, key)| {
        let mut builder = Rule::builder(List::EXIT, action);
        builder = calls.into_iter().fold(builder, |builder, call| builder.syscall_number(call));
        builder = arch.into_iter().fold(builder, |builder, arch| builder.arch(arch));
        builder = uid
            .into_iter()
            .fold(builder, |builder, uid| builder.filter(FieldId::UID, Operator::EQUAL, uid));
        builder = pid.into_iter().fold(builder, |builder, pid| builder.pid(pid));
        key.into_iter().fold(builder, |builder, key| builder.key(key)).build().expect("good")
    })
}

/// Evaluates rules as the kernel does: the first one that matches decides.
fn evaluate(rules: &RuleSet, call: Call) -> Option<(Action, Vec<Vec<u8>>)> {
    let holds = |filter: &Filter| {
        let FilterValue::Number(value) = filter.value else { return true };
        match filter.field {
            FieldId::ARCH => call.arch.number() == value,
            FieldId::UID => call.uid == value,
            FieldId::PID => call.pid == value,
            other => panic!("the model has no {other}"),
        }
    };
    let first = rules
        .iter()
        .find(|rule| rule.syscalls.contains(call.number) && rule.filters.iter().all(holds))?;
    Some((first.action, first.keys().map(<[u8]>::to_vec).collect()))
}

fn all_calls() -> impl Iterator<Item = Call> {
    (0..32_u32).map(|bits| Call {
        arch: if bits & 1 == 0 { Arch::X86_64 } else { Arch::I386 },
        number: bits >> 1 & 3,
        uid: bits >> 3 & 1,
        pid: bits >> 4 & 1,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_rule_is_parsed_back(rule in any_rule()) {
        let printed = rule.to_string();
        let again: Rule = printed
            .parse()
            .map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
        prop_assert_eq!(again, rule, "{}", printed);
    }

    #[test]
    fn what_is_printed_of_any_listed_rule_is_read_back(
        rule in prop_oneof![listed_rule(), watch_rule()],
    ) {
        let users = auditlink::host::UserNames::new();
        for printed in [rule.to_string(), rule.display(&users).to_string()] {
            let again: Rule = printed
                .parse()
                .map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
            prop_assert_eq!(to_bytes(&again), to_bytes(&rule), "{}", printed);
            let lines = RulesFile::parse("listing", &printed, &users).expect("one line");
            prop_assert_eq!(lines.rules().into_iter().collect::<Vec<_>>(), [rule.clone()]);
        }
    }

    #[test]
    fn the_bytes_of_a_rule_are_parsed_back(rule in any_rule()) {
        prop_assert_eq!(parse(&to_bytes(&rule)), Ok(rule));
    }

    #[test]
    fn merging_changes_nothing_that_is_recorded(rules in prop::collection::vec(small_rule(), 0..9)) {
        let rules: RuleSet = rules.into_iter().collect();
        let merged = rules.merged();
        for call in all_calls() {
            let before = evaluate(&rules, call);
            let after = evaluate(&merged.rules, call);
            prop_assert_eq!(before, after, "{:?}\n{:?}\n{:?}", call, rules, merged);
        }
        let mut origins: Vec<usize> = merged.origins.concat();
        origins.sort_unstable();
        prop_assert_eq!(origins, (0..rules.len()).collect::<Vec<_>>(), "each original rule once");
    }

    #[test]
    fn a_shadowed_rule_has_no_effect(rules in prop::collection::vec(small_rule(), 0..9)) {
        let rules: RuleSet = rules.into_iter().collect();
        let shadowed: Vec<usize> = rules.coverage().shadowed.iter().map(|pair| pair.1).collect();
        let kept = rules.iter().enumerate().filter(|(index, _)| !shadowed.contains(index));
        let without: RuleSet = kept.map(|(_, rule)| rule.clone()).collect();
        for call in all_calls() {
            prop_assert_eq!(evaluate(&rules, call), evaluate(&without, call));
        }
    }

    #[test]
    fn a_plan_loads_the_wanted_rules_in_order(
        current in prop::collection::vec(small_rule(), 0..7),
        wanted in prop::collection::vec(small_rule(), 0..7),
    ) {
        // the kernel refuses a rule that is loaded already
        let mut list: Vec<Rule> = Vec::new();
        for rule in current {
            if !list.contains(&rule) {
                list.push(rule);
            }
        }
        let mut goal: Vec<Rule> = Vec::new();
        for rule in &wanted {
            if !goal.contains(rule) {
                goal.push(rule.clone());
            }
        }
        let wanted: RuleSet = wanted.into_iter().collect();
        let plan = wanted.plan(&list, &Ownership::All);
        for step in plan.steps() {
            match step {
                Step::Keep(rule) => prop_assert!(list.contains(rule)),
                Step::Delete(rule) => list.retain(|other| other != rule),
                Step::Add(rule) => {
                    prop_assert!(!list.contains(rule));
                    list.push(rule.clone());
                }
                Step::Move(rule) => {
                    list.retain(|other| other != rule);
                    list.push(rule.clone());
                }
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(&list, &goal);
        prop_assert!(wanted.plan(&list, &Ownership::All).is_done());
    }

    #[test]
    fn every_error_has_a_position_and_a_cause(
        line in "(-[aAdDwWFSCkplsbefrqmRt]|--[a-z_-]{0,9}|always|exit|never|,|=|!=|&|uid|arch|b64|'|[ -~]{0,4}| ){0,16}",
    ) {
        if let Err(errors) = RulesFile::parse("x.rules", &line, &auditlink::user_db::NoLookup) {
            for error in errors.iter() {
                let text = error.to_string();
                let position = format!("x.rules:1:{}: ", error.column);
                prop_assert!(error.column >= 1 && error.column <= line.chars().count() + 1);
                prop_assert!(text.len() > position.len() && text.starts_with(&position), "{}", text);
            }
        }
    }

    #[test]
    fn any_words_are_parsed_without_a_panic(words in prop::collection::vec("[ -~é]{0,9}", 0..6)) {
        let _ = Command::parse(&words, &auditlink::user_db::NoLookup);
    }
}

#[test]
fn plain_values_print_with_a_width_and_serialize_as_text() {
    let rule: Rule = "-w /etc/passwd -p wa -k id".parse().expect("a rule");
    assert_eq!(format!("{:<9}|{:>9}|", rule.filters[1], FieldId::EXE), "perm=wa  |      exe|");
    assert_eq!(
        format!("{:>4}|{:>3}|{:>6}", Operator::EQUAL, List::new(12), Action::NEVER),
        "   =| 12| never"
    );
    let values = serde_json::json!([
        rule,
        rule.filters[1],
        FieldId::EXE,
        Operator::NOT_EQUAL,
        List::EXIT,
        Action::ALWAYS,
        Permissions::READ,
        SyscallMask::ALL,
        CallCoverage::Recorded,
        Lint::X32,
    ]);
    let texts = serde_json::json!([
        "-a always,exit -S all -F path=/etc/passwd -F perm=wa -F key=id",
        "perm=wa",
        "exe",
        "!=",
        "exit",
        "always",
        "r",
        "all",
        "yes",
        "x32 system calls cannot be matched by any rule",
    ]);
    assert_eq!(values, texts);
}

#[test]
fn errors_of_rules_files_name_the_file_and_the_line() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules-files");
    fs::create_dir_all(&folder).expect("a directory");
    fs::write(folder.join("10-a.rules"), "# a comment\n-b\n").expect("a file");
    fs::write(folder.join("9-b.rules"), "-a always,exit -F uidd=0\n").expect("a file");
    fs::write(folder.join("other.txt"), "not rules").expect("a file");
    let error = RulesFile::load(&folder).expect_err("two errors");
    let folder = folder.display();
    assert_eq!(
        error.to_string(),
        format!(
            "{folder}/9-b.rules:1:19: unknown field 'uidd'; did you mean 'uid'?\n\
             {folder}/10-a.rules:2:1: -b requires a number"
        )
    );
    assert_eq!(error.kind(), &ErrorKind::Rule);
    assert_eq!(error.rule_file_errors().map(|errors| errors.iter().count()), Some(2));

    let error = RulesFile::load("/no/such/file").expect_err("no such file");
    assert_eq!(error.to_string(), "/no/such/file: No such file or directory");
    assert_eq!(error.raw_os_error(), Some(2));
}

/// A listing of a newer kernel: unknown fields, lists, actions and operators.
#[test]
fn rules_of_a_newer_kernel_are_printed_and_can_be_deleted() {
    let mut listed: Rule = "-a always,exit -F pid=7 -F exe=/bin/x -k mine".parse().expect("a rule");
    listed.list = List::new(12);
    listed.action = Action::new(9);
    listed.filters[0].field = FieldId::new(150);
    listed.filters[0].operator = Operator::new(0x7700_0000);
    let text = Filter {
        field: FieldId::new(151),
        operator: Operator::EQUAL,
        value: FilterValue::Text(b"some new text".to_vec()),
    };
    listed.filters.insert(1, text);
    let payload = to_bytes(&listed);
    let rule = parse(&payload).expect("a valid rule");
    assert_eq!(
        rule.to_string(),
        "-a 9,12 -F f150?0x77000000?7 -F f151=x736F6D65206E65772074657874 \
         -F exe=/bin/x -F f210=x6D696E65"
    );
    assert_eq!(
        to_bytes(&rule),
        payload,
        "the request that deletes it has the bytes of the listing"
    );
}
