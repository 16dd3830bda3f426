//! Rules that are built in code.

use super::*;
use crate::arch::Arch;

#[test]
#[cfg(target_arch = "x86_64")]
fn each_interface_has_its_own_system_call_numbers() {
    let rules = process_lifecycle().key("procs").for_both_abis().expect("all system calls exist");
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
fn a_watch_needs_a_lookup_that_knows_the_path() {
    let build = |path: &str| Rule::on_exit().watch(path, &crate::user_db::NoLookup).build();
    assert_eq!(build("/etc"), Err(RuleError::NeedsLookup("/etc".to_owned())));
    let fields = build("/etc/").expect("a directory").filters;
    assert_eq!(
        fields[0],
        Filter { field: FieldId::DIR, operator: Operator::EQUAL, value: "/etc".into() }
    );
}

#[test]
fn an_arch_among_the_filters_determines_the_names() {
    let arch = |arch: Arch| {
        Rule::on_exit().filter(FieldId::ARCH, Operator::EQUAL, arch.number()).syscall("execve")
    };
    let rule = arch(Arch::AARCH64).build().expect("a call");
    assert_eq!(rule.syscalls.iter().collect::<Vec<_>>(), [221]);
    assert_eq!(arch(Arch::AARCH64).for_both_abis(), Err(RuleError::ArchGiven));
}

#[test]
fn each_method_builds_the_rule_of_its_auditctl_line() {
    let wa = Permissions::WRITE | Permissions::ATTRIBUTE;
    let host = crate::host::UserNames::new();
    let watch = |path: &str| Rule::on_exit().watch(path, &host);
    for (builder, line) in [
        (Rule::on_exit().path("/etc/a"), "-a always,exit -F path=/etc/a"),
        (Rule::on_exit().dir("/etc"), "-a always,exit -F dir=/etc"),
        (Rule::on_exit().path("/a").perm(wa), "-a always,exit -F path=/a -F perm=wa"),
        (Rule::on_exit().auid(1000), "-a always,exit -F auid=1000"),
        (Rule::on_exit().success(true), "-a always,exit -F success=1"),
        (Rule::on_exit().success(false), "-a always,exit -F success=0"),
        (Rule::on_exit().pid(7).exe("/bin/x"), "-a always,exit -F pid=7 -F exe=/bin/x"),
        (watch("/etc/a"), "-w /etc/a"),
        (watch("/etc/a").perm(wa).key("k"), "-w /etc/a -p wa -k k"),
        (watch("/etc").key("k").key("l"), "-w /etc/ -k k -k l"),
        (watch("/"), "-w /"),
        (watch("/a").auid(0), "-w /a -F auid=0"),
        (
            Rule::on_exit().auid(0).watch("/a", &host),
            "-a always,exit -F auid=0 -F path=/a -F perm=rwxa",
        ),
        (Rule::on_exit().never().prepend().auid(0), "-A never,exit -F auid=0"),
    ] {
        assert_eq!(builder.build(), line.parse(), "{line}");
    }
    assert_eq!(
        watch("etc").build().expect_err("a relative path").to_string(),
        "invalid value 'etc' for path: expected an absolute path"
    );
}
