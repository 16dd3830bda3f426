//! The text of rules and commands: what is read, what is printed, and what is refused.

use super::Command;
use crate::arch::Arch;
use crate::rule::{Action, FieldId, Filter, FilterValue, List, Operator, Rule, SyscallMask};
use crate::setting::Setting;

/// Rules that auditctl 4.2 prints as they were given to it, on x86_64, but for `filetype=16384`.
#[cfg(target_arch = "x86_64")]
const AS_AUDITCTL_PRINTS: &[&str] = &[
    "-a always,exit -F arch=b64 -S clone,fork -F auid>=1000 -F auid!=-1 -F exe=/tmp/probe -F key=procs -F key=two",
    "-a always,exit -S all -F pid=77 -F exit=-EACCES",
    "-a never,task -F pid=3",
    "-a always,exclude -F msgtype=EOE",
    "-a never,user -F uid=3",
    "-a always,exit -F arch=b32 -S getppid -F a0&0x10 -F a1=0xFFFFFFFF -F success=0 -F filetype=dir -F saddr_fam=2",
];

#[test]
#[cfg(target_arch = "x86_64")]
fn rules_print_as_auditctl_prints_them() {
    for line in AS_AUDITCTL_PRINTS {
        let rule: Rule = line.parse().expect(line);
        assert_eq!(rule.to_string(), *line);
    }
}

#[test]
fn list_and_action_can_be_in_either_order() {
    let one: Rule = "-a always,exit -S execve".parse().expect("good");
    let two: Rule = "-a exit,always -S execve".parse().expect("good");
    assert_eq!(one, two);
}

#[test]
fn spaces_in_values_are_escaped_and_quotes_are_letters() {
    let rule: Rule = r"-w /a\ b -p r -k a\\b".parse().expect("an escaped space");
    assert_eq!(rule.to_string(), r"-a always,exit -S all -F path=/a\ b -F perm=r -F key=a\\b");
    assert_eq!(rule.to_string().parse(), Ok(rule));
    let quoted: Rule = "-a always,exit -S connect -k \"shell\"".parse().expect("as auditctl");
    assert!(quoted.keys().eq([b"\"shell\""]));
    assert!("-w '/a b' -p r".parse::<Rule>().is_err());
    let unit: Rule = r"-w /run/dev-disk\x2duuid -p r".parse().expect("a name of systemd");
    assert_eq!(unit.filters[0].value, r"/run/dev-disk\x2duuid".into());
}

#[test]
fn fields_keep_their_order_and_keys_come_last() {
    let printed = |line: &str| line.parse::<Rule>().expect(line).to_string();
    for (line, text) in [
        (
            "-a always,exit -F exit=-EPERM -F arch=x86_64 -S open -F exe=/usr/bin/true",
            "-a always,exit -F exit=-EPERM -F arch=b64 -S open -F exe=/usr/bin/true",
        ),
        (
            "-a always,exit -F arch=x86_64 -S open -k a -F exe=/usr/bin/true -F key=b",
            "-a always,exit -F arch=b64 -S open -F exe=/usr/bin/true -F key=a -F key=b",
        ),
        (
            "-a always,exit -S all -F uid=0 -p wa -F gid=0 -p x",
            "-a always,exit -S all -F uid=0 -F perm=x -F gid=0",
        ),
    ] {
        if Arch::native() == Some(Arch::X86_64) {
            assert_eq!(printed(line), text, "{line}");
            assert_eq!(printed(text), text);
        }
    }
    let in_place: Rule = "-a always,exit -S all -F KEY=a -F uid=0".parse().expect("a key");
    assert_eq!(in_place.filters[0].field, FieldId::KEY);
    assert_eq!(in_place.to_string().parse(), Ok(in_place));
}

#[test]
fn a_key_without_a_call_a_watch_or_a_file_is_refused() {
    for line in [
        "-a always,exit -k x",
        "-a always,exit -F arch=b64 -k x",
        "-a always,exit -k x -S all",
        "-a always,exit -F pid=1 -F key=x",
        "-a never,user -F uid=0 -k x",
        "-k x -a always,exit -S all",
    ] {
        let error = line.parse::<Command>().expect_err(line).to_string();
        assert!(error.contains("a key requires -S"), "{line}: {error}");
    }
    for line in [
        "-a always,exit -S all -k x",
        "-a always,exit -F key=x -F path=/etc/passwd",
        "-a always,exit -F exe=/bin/true -k x",
        "-a never,filesystem -F fstype=tracefs -k x",
        "-w /etc/passwd -k x",
        "-a always,exit -F uid=0 -p x -k x",
    ] {
        assert!(line.parse::<Rule>().is_ok(), "{line}");
    }
}

#[test]
fn comparisons_are_for_calls_only() {
    for list in ["task", "user", "exclude", "filesystem"] {
        let line = format!("-a always,{list} -C uid!=euid");
        assert!(line.parse::<Rule>().is_err(), "{line}");
    }
    assert!("-a always,exit -S all -C UID!=euid".parse::<Rule>().is_ok());
}

#[test]
fn attached_values_are_those_of_the_next_word() {
    for (attached, apart) in [
        ("-aalways,exit -Sall -Fauid>=1000 -kx", "-a always,exit -S all -F auid>=1000 -k x"),
        ("-w /etc/passwd -pwa -kid", "-w /etc/passwd -p wa -k id"),
        ("-b8192", "-b 8192"),
        ("-b 0x2000", "-b 8192"),
        ("--backlog_wait_time=60000", "--backlog_wait_time 60000"),
        ("-lk mine", "-l -k mine"),
        ("-li", "-l -i"),
        ("-Dkmine", "-D -k mine"),
        ("--signal=HUP", "--signal reload"),
    ] {
        let parsed = attached.parse::<Command>().expect(attached);
        assert_eq!(Ok(parsed), apart.parse(), "{attached}");
    }
}

#[test]
fn names_are_those_of_auditctl_in_any_case() {
    for (line, same) in [
        ("-F arch=i386 -S sys_kexec_load", "-F arch=i386 -S 283"),
        ("-F arch=x86_64 -S pread,LISTNS", "-F arch=x86_64 -S 17,470"),
        ("-F arch=I686 -S 0x10", "-F arch=i386 -S 16"),
        ("-S all -F exit=-eacces -F UID=0", "-S all -F exit=-13 -F uid=0"),
        ("-S all -F uid=-5", "-S all -F uid=4294967291"),
    ] {
        let parse = |options| format!("-a always,exit {options}").parse::<Rule>();
        assert_eq!(parse(line).expect(line), parse(same).expect(same));
    }
    let fields = |text: &str| format!("-a never,FILESYSTEM -F fstype={text}").parse::<Rule>();
    assert_eq!(fields("cgroup2"), fields("0x63677270"));
    assert_eq!(
        fields("cgroup").expect("known").to_string(),
        "-a never,filesystem -F fstype=cgroup"
    );
}

#[test]
fn several_settings_can_stand_in_one_line() {
    let settings = vec![(Setting::BacklogLimit, 64), (Setting::Failure, 1), (Setting::Enabled, 2)];
    assert_eq!("-b 64 -f 1 -e2".parse(), Ok(Command::Set(settings)));
    assert!("-b 64 -a always,exit -S all".parse::<Command>().is_err());
    assert!("-b 64 -k x".parse::<Command>().is_err());
}

/// Rules that other programs can load, and that auditctl's syntax cannot express.
#[test]
fn rules_of_other_programs_are_read_back() {
    let base: Rule = "-a always,exit -S openat -F uid=0".parse().expect("a rule");
    let with = |field, value: FilterValue| {
        let filter = Filter { field, operator: Operator::EQUAL, value };
        let mut rule = base.clone();
        rule.filters.insert(0, filter);
        rule
    };
    let mut rules = vec![
        with(FieldId::KEY, "first".into()),
        with(FieldId::KEY, "two\nlines".into()),
        with(FieldId::KEY, "".into()),
        with(FieldId::PATH, FilterValue::Text(b"/tmp/\xff x".to_vec())),
        with(FieldId::PID, u32::MAX.into()),
        with(FieldId::PERM, 0.into()),
        with(FieldId::SUCCESS, 7.into()),
        with(FieldId::FIELD_COMPARE, 0.into()),
        with(FieldId::new(150), 9.into()),
    ];
    for list in [List::USER, List::TASK, List::EXIT, List::EXCLUDE, List::FILESYSTEM] {
        for syscalls in [SyscallMask::NONE, SyscallMask::ALL, base.syscalls] {
            rules.push(Rule { list, syscalls, filters: Vec::new(), ..base.clone() });
        }
    }
    rules.push(Rule { action: Action::new(7), list: List::new(9), ..base.clone() });
    for rule in rules {
        let text = rule.to_string();
        assert_eq!(text.parse().as_ref(), Ok(&rule), "{text}");
    }
}

#[test]
fn each_command_is_parsed() {
    for (line, command) in [
        ("-e 1", Command::Set(vec![(Setting::Enabled, 1)])),
        ("-f 0", Command::Set(vec![(Setting::Failure, 0)])),
        ("-b 8192", Command::Set(vec![(Setting::BacklogLimit, 8192)])),
        ("-r 0", Command::Set(vec![(Setting::RateLimit, 0)])),
        ("--backlog_wait_time 60", Command::Set(vec![(Setting::BacklogWaitTime, 60)])),
        ("-l", Command::List { key: None, interpreted: false }),
        ("-l -k mine", Command::List { key: Some(b"mine".to_vec()), interpreted: false }),
        ("-s", Command::Status { interpreted: false }),
        ("-D", Command::DeleteAll { key: None }),
        ("-D -k mine", Command::DeleteAll { key: Some(b"mine".to_vec()) }),
    ] {
        assert_eq!(line.parse(), Ok(command), "{line}");
    }
    let add = "-A always,exit -S execve -k x".parse();
    assert!(matches!(add, Ok(Command::Add(Rule { prepend: true, .. }))));
    let delete = "-d always,exit -S execve -k x".parse();
    assert!(matches!(delete, Ok(Command::Delete(Rule { prepend: false, .. }))));
    assert!(matches!("-W /etc/x".parse(), Ok(Command::Delete(_))));
}

#[test]
fn errors_name_the_word_that_is_wrong() {
    for (line, word) in [
        ("-a always,entry -S execve", "entry"),
        ("-a always", "always"),
        ("-a always,exit -F nope=1", "nope"),
        ("-a always,exit -F uid", "uid"),
        ("-F uid=1", "-F"),
        ("-a always,exit -S execve -F arch=b64", "arch=b64"),
        ("-a always,exit -S no_such_call", "no_such_call"),
        ("-e", "-e"),
        ("-b many", "many"),
        ("-l -s", "-s"),
        ("-l -D", "-D"),
        ("-D -k a -k b", "b"),
        ("-a always,exit -l", "-l"),
        ("--nonsense", "--nonsense"),
        ("-w etc/passwd", "etc/passwd"),
        ("-k alone", "alone"),
        ("", "-D"),
    ] {
        let error = line.parse::<Command>().expect_err(line).to_string();
        assert!(error.contains(word), "{line:?}: {error}");
    }
}

#[test]
fn errors_are_worded_as_documented() {
    for (line, message) in [
        ("-b", "-b requires a number"),
        ("-b -5", "invalid value '-5' for -b: expected a number"),
        ("-e 3", "invalid value '3' for -e: expected 0, 1 or 2"),
        ("-w", "-w requires an absolute path"),
        (
            "-w /a -p z",
            "invalid value 'z' for -p: expected one or more of the letters r, w, x and a",
        ),
        ("--foo", "unknown option '--foo'"),
        ("--reset-lots", "unknown option '--reset-lots'; did you mean '--reset-lost'?"),
        (
            "-a always",
            "invalid value 'always' for -a: expected a list and an action, such as always,exit",
        ),
        (
            "-a always,entry",
            "invalid value 'always,entry' for -a: the kernel no longer has the entry list: use exit",
        ),
        ("-a always,exit -F uidd=0", "unknown field 'uidd'; did you mean 'uid'?"),
        (
            "-a always,exit -F uid",
            "invalid value 'uid' for -F: expected a field, an operator and a value, such as uid=0",
        ),
        (
            "-a always,exit -F gid=none",
            "invalid value 'none' for gid: expected a group ID or a group name",
        ),
        (
            "-a always,exit -C uid!=gid",
            "invalid value 'uid!=gid' for -C: the kernel compares only two user IDs or two group IDs",
        ),
        ("-a always,task -S open", "-S cannot be used on the task list"),
        ("-l -s", "'-s': only one command can be given"),
        ("-l -D", "'-D': only one command can be given"),
        (
            "-a always,exit -F arch=x86_64 -S opne",
            "x86_64 has no system call 'opne'; did you mean 'open'?",
        ),
        (
            "-a always,io_uring -S opnat",
            "io_uring has no operation 'opnat'; did you mean 'openat'?",
        ),
    ] {
        assert_eq!(line.parse::<Command>().expect_err(line).to_string(), message, "{line}");
    }
}
