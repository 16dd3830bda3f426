//! Interpretations of fields of each kind.

use super::*;
use crate::message_type::MessageType;

fn interpret(message_type: MessageType, body: &str, field: &str) -> Interpretation<'static> {
    let text: &'static str = format!("audit(1.000:2): {body}").leak();
    let record = Record::parse(message_type, text.as_bytes()).expect("a header");
    match record.as_user_message().filter(|_| record.field(field).is_none()) {
        Some(message) => {
            let mut interpretations = message.interpretations();
            interpretations.find(|(found, _)| found.name == field.as_bytes()).expect("the field").1
        }
        None => record.interpret(field).expect("the field"),
    }
}

fn printed(message_type: MessageType, body: &str, field: &str) -> String {
    interpret(message_type, body, field).to_string()
}

#[test]
fn fields_without_a_value() {
    let body = "hostname=? exe=\"\" key=(null) tty=(none) subj=";
    let is = |field, absent| {
        assert_eq!(interpret(MessageType::SYSCALL, body, field), Interpretation::Absent(absent));
    };
    is("hostname", Absent::Unknown);
    is("key", Absent::Null);
    is("tty", Absent::None);
    is("subj", Absent::Empty);
    let empty = Interpretation::Text(b"".into());
    assert_eq!(interpret(MessageType::SYSCALL, body, "exe"), empty, "an empty string is a value");
    let title = interpret(MessageType::PROCTITLE, "proctitle=\"(null)\"", "proctitle");
    assert_eq!(title, Interpretation::Absent(Absent::QuotedNull));
}

#[test]
fn the_look_of_a_value_does_not_matter() {
    assert_eq!(interpret(MessageType::SYSCALL, "a0=dad", "a0"), Interpretation::Hex(0xdad));
    let account = interpret(MessageType::USER_AUTH, "pid=1 msg='acct=\"beef\"'", "acct");
    assert_eq!(account, Interpretation::Text(b"beef".into()));
    let title = interpret(MessageType::PROCTITLE, "proctitle=\"dad\"", "proctitle");
    assert_eq!(title, Interpretation::Arguments(vec![b"dad".into()]));
    let device = Interpretation::Device { major: 0xfe, minor: 0 };
    assert_eq!(interpret(MessageType::PATH, "dev=fe:00", "dev"), device);
    let machine = interpret(MessageType::VIRT_CONTROL, "pid=1 msg='vm-ctx=AB vm=?'", "vm-ctx");
    assert_eq!(machine, Interpretation::Label(Label::new(b"AB")));
}

#[test]
fn a_bare_word_that_is_not_hex_is_malformed() {
    let odd = interpret(MessageType::SYSCALL, "comm=abc", "comm");
    assert_eq!(odd, Interpretation::Malformed(b"abc"));
}

#[test]
fn texts_that_the_kernel_writes_for_a_value() {
    let of = |body, field| interpret(MessageType::PATH, body, field);
    assert_eq!(of("name=\"<too_long>\"", "name"), Interpretation::Absent(Absent::TooLong));
    assert_eq!(of("name=\"<no_memory>\"", "name"), Interpretation::Absent(Absent::NoMemory));
    let argument = interpret(MessageType::EXECVE, "argc=2 a0=\"x\" a1=\"(null)\"", "a1");
    assert_eq!(argument, Interpretation::Absent(Absent::QuotedNull));
    let key = interpret(MessageType::SYSCALL, "key=\"<too_long>\"", "key");
    assert_eq!(
        key,
        Interpretation::Keys(vec![b"<too_long>".into()]),
        "the kernel writes keys as they are"
    );
}

#[test]
fn results_and_errors() {
    let exit = |text: &str| printed(MessageType::SYSCALL, &format!("exit={text}"), "exit");
    assert_eq!(exit("-13"), "EACCES(Permission denied)");
    assert_eq!(exit("-512"), "ERESTARTSYS(Restart syscall)");
    assert_eq!(exit("140035712352256"), "140035712352256");
    assert_eq!(exit("-4096"), "-4096");
    assert_eq!(exit("-9223372036854775808"), "-9223372036854775808");
    assert_eq!(exit("0"), "0");
}

#[test]
fn inodes_and_capabilities() {
    let of = |body, field| interpret(MessageType::PATH, body, field);
    assert_eq!(of("inode=18446744073709551615", "inode"), Interpretation::Number(u64::MAX));
    let set = of("cap_fp=00000000a80425fb", "cap_fp");
    assert_eq!(set, Interpretation::Capabilities(CapabilitySet::new(0xa804_25fb)));
    assert!(set.to_string().starts_with("chown,dac_override,"));
    for field in ["cap_fp", "cap_fi", "cap_fe", "cap_fver"] {
        let unknown = of("cap_fe=? cap_fver=? cap_fp=? cap_fi=?", field);
        assert_eq!(unknown, Interpretation::Absent(Absent::Unknown), "{field}");
    }
    assert_eq!(of("cap_frootid=0", "cap_frootid"), Interpretation::User(Some(0)));
}

#[test]
fn records_of_cryptography() {
    let body = "pid=1 uid=0 msg='op=negotiate mac=<implicit> pfs=curve25519-sha256@libssh.org fp=SHA256:02:11 rport=22'";
    for (field, text) in [
        ("mac", "<implicit>"),
        ("pfs", "curve25519-sha256@libssh.org"),
        ("fp", "SHA256:02:11"),
        ("rport", "22"),
    ] {
        let word = interpret(MessageType::CRYPTO_KEY_USER, body, field);
        assert_eq!(word, Interpretation::Word(text.as_bytes()));
    }
}

#[test]
fn arguments_by_their_call() {
    let call = |body: &str, field| printed(MessageType::SYSCALL, body, field);
    let x86 = |number: u32, rest: &str, field| {
        call(&format!("arch=c000003e syscall={number} success=yes exit=0 {rest}"), field)
    };
    let open = "a0=ffffff9c a1=7f a2=80241 a3=1b6 items=1";
    assert_eq!(x86(257, open, "a0"), "AT_FDCWD");
    assert_eq!(x86(257, open, "a1"), "0x7f");
    assert_eq!(x86(257, open, "a2"), "O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC");
    assert_eq!(x86(56, "a0=1200011 a1=0", "a0"), "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD");
    assert_eq!(x86(41, "a0=2 a1=80801 a2=6", "a1"), "SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC");
    assert_eq!(x86(41, "a0=2 a1=80801 a2=6", "a2"), "tcp");
    assert_eq!(x86(41, "a0=10 a1=3 a2=6", "a2"), "0x6", "not a protocol of IP");
    assert_eq!(x86(54, "a0=3 a1=6 a2=1", "a2"), "TCP_NODELAY");
    assert_eq!(x86(62, "a0=ffffffff a1=9", "a1"), "SIGKILL");
    assert_eq!(x86(157, "a0=18 a1=15", "a1"), "sys_admin");
    assert_eq!(x86(117, "a0=ffffffff a1=3e8 a2=0", "a0"), "unset");
    assert_eq!(x86(231, "a0=103", "a0"), "3");
    assert_eq!(x86(4000, "a0=1", "syscall"), "4000");
    // the same call on another architecture
    assert_eq!(
        call("arch=c00000b7 syscall=56 a0=3 a2=84000", "a2"),
        "O_RDONLY|O_DIRECTORY|O_CLOEXEC"
    );
    assert_eq!(call("arch=80000016 syscall=120 a0=0 a1=100", "a1"), "CLONE_VM");
    assert_eq!(call("arch=8 syscall=4037 a0=1 a1=9", "a1"), "0x9", "MIPS has other numbers");
    assert_eq!(call("arch=40000003 syscall=102 a0=3 a1=ff", "a0"), "connect");
    assert_eq!(call("a0=7f", "a0"), "0x7f", "without a call");
}

#[test]
fn a_message_inside_a_message_is_text() {
    let body = "pid=1 msg='op=x msg='pid=2' res=1'";
    let inner = interpret(MessageType::USER, body, "op");
    assert_eq!(inner, Interpretation::Word(b"x"));
    let text = format!("audit(1.000:2): {body}");
    let record = Record::parse(MessageType::USER, text.as_bytes()).expect("a header");
    let message = record.as_user_message().expect("a message");
    let nested = message.interpretations().nth(1).expect("two fields");
    assert_eq!(nested.1, Interpretation::Word(b"pid=2"));
}

#[test]
fn control_bytes_are_escaped() {
    let name = interpret(MessageType::PATH, "name=610A62FF", "name");
    assert_eq!(name.to_string(), "a\\012b\\377");
}

#[test]
fn values_of_another_kind_are_malformed() {
    for (field, body) in [
        ("pid", "pid=x"),
        ("exit", "exit=-"),
        ("dev", "dev=fe"),
        ("arch", "arch=xyz"),
        ("saddr", "saddr=2"),
    ] {
        let message_type = match field {
            "dev" => MessageType::PATH,
            "saddr" => MessageType::SOCKADDR,
            _ => MessageType::SYSCALL,
        };
        let interpretation = interpret(message_type, body, field);
        let raw = body.split_once('=').expect("a pair").1;
        assert_eq!(interpretation, Interpretation::Malformed(raw.as_bytes()), "{body}");
    }
}

#[test]
fn flags_of_each_call_that_takes_a_directory() {
    let flags = |number: u32, index: usize, value: &str| {
        let body = format!("arch=c000003e syscall={number} a0=ffffff9c a{index}={value}");
        printed(MessageType::SYSCALL, &body, &format!("a{index}"))
    };
    assert_eq!(flags(263, 2, "200"), "AT_REMOVEDIR", "unlinkat");
    assert_eq!(flags(439, 3, "200"), "AT_EACCESS", "faccessat2");
    assert_eq!(flags(439, 3, "1300"), "AT_SYMLINK_NOFOLLOW|AT_EACCESS|AT_EMPTY_PATH");
    assert_eq!(flags(269, 3, "200"), "0x200", "faccessat has three arguments");
    assert_eq!(flags(262, 3, "100"), "AT_SYMLINK_NOFOLLOW", "newfstatat");
    assert_eq!(flags(262, 3, "200"), "0x200", "a bit that the call does not know");
    assert_eq!(flags(332, 2, "2000"), "AT_STATX_FORCE_SYNC", "statx");
    assert_eq!(flags(430, 1, "1"), "FSOPEN_CLOEXEC");
    assert_eq!(flags(432, 1, "1"), "FSMOUNT_CLOEXEC");
    assert_eq!(flags(432, 2, "9"), "MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOEXEC", "not MS_*");
    assert_eq!(flags(433, 2, "9"), "FSPICK_CLOEXEC|FSPICK_EMPTY_PATH");
    assert_eq!(flags(428, 2, "80001"), "OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC", "open_tree");
}

#[test]
fn numbers_of_recent_kernels() {
    let x86 = |number: u32, rest: &str, field| {
        let body = format!("arch=c000003e syscall={number} {rest}");
        printed(MessageType::SYSCALL, &body, field)
    };
    for (number, name) in [
        (65, "PR_SET_MDWE"),
        (66, "PR_GET_MDWE"),
        (67, "PR_SET_MEMORY_MERGE"),
        (68, "PR_GET_MEMORY_MERGE"),
        (69, "PR_RISCV_V_SET_CONTROL"),
        (70, "PR_RISCV_V_GET_CONTROL"),
        (81, "PR_SET_CFI"),
        (82, "0x52"),
    ] {
        assert_eq!(x86(157, &format!("a0={number:x} a1=1"), "a0"), name);
    }
    for (level, option, name) in [
        (1, 76, "SO_PASSPIDFD"),
        (1, 77, "SO_PEERPIDFD"),
        (1, 84, "SO_INQ"),
        (6, 38, "TCP_AO_ADD_KEY"),
        (6, 39, "TCP_AO_DEL_KEY"),
        (6, 40, "TCP_AO_INFO"),
        (6, 41, "TCP_AO_GET_KEYS"),
        (6, 42, "TCP_AO_REPAIR"),
        (132, 5, "SCTP_SET_PEER_PRIMARY_ADDR"),
        (263, 24, "PACKET_VNET_HDR_SZ"),
    ] {
        assert_eq!(x86(54, &format!("a0=3 a1={level:x} a2={option:x}"), "a2"), name);
    }
    assert_eq!(x86(54, "a0=3 a1=84 a2=5", "a1"), "sctp");
    for (command, name) in [
        (0, "FSCONFIG_SET_FLAG"),
        (5, "FSCONFIG_SET_FD"),
        (6, "FSCONFIG_CMD_CREATE"),
        (7, "FSCONFIG_CMD_RECONFIGURE"),
        (8, "FSCONFIG_CMD_CREATE_EXCL"),
    ] {
        assert_eq!(x86(431, &format!("a0=3 a1={command}"), "a1"), name);
    }
    let operation = |number: u32| {
        printed(MessageType::URINGOP, &format!("uring_op={number} success=yes"), "uring_op")
    };
    assert_eq!((operation(63), operation(64)), ("nop128".to_owned(), "uring_cmd128".to_owned()));
}

#[test]
fn arguments_of_system_v_ipc() {
    let call = |body: &str, field| printed(MessageType::SYSCALL, body, field);
    let x86 = |number: u32, rest: &str, field| {
        call(&format!("arch=c000003e syscall={number} {rest}"), field)
    };
    assert_eq!(x86(29, "a0=0 a1=1000 a2=b80", "a2"), "IPC_CREAT|SHM_HUGETLB|0600");
    assert_eq!(x86(64, "a0=0 a1=1 a2=b80", "a2"), "IPC_CREAT|IPC_NOWAIT|0600", "semget");
    assert_eq!(x86(68, "a0=0 a1=780", "a1"), "IPC_CREAT|IPC_EXCL|0600", "msgget");
    assert_eq!(x86(31, "a0=1 a1=b", "a1"), "SHM_LOCK", "shmctl");
    assert_eq!(x86(66, "a0=1 a1=0 a2=10", "a2"), "SETVAL", "semctl");
    assert_eq!(x86(71, "a0=1 a1=0", "a1"), "IPC_RMID", "msgctl");
    // through the one call of i386
    let ipc = |rest: &str, field| call(&format!("arch=40000003 syscall=117 {rest}"), field);
    assert_eq!(ipc("a0=2 a1=0 a2=4 a3=b80", "a0"), "semget");
    assert_eq!(ipc("a0=2 a1=0 a2=4 a3=b80", "a2"), "0x4");
    assert_eq!(ipc("a0=2 a1=0 a2=4 a3=b80", "a3"), "IPC_CREAT|IPC_NOWAIT|0600");
    assert_eq!(ipc("a0=17 a1=0 a2=4 a3=b80", "a3"), "IPC_CREAT|SHM_HUGETLB|0600");
    assert_eq!(ipc("a0=18 a1=5 a2=102 a3=0", "a2"), "IPC_STAT", "without IPC_64");
    assert_eq!(ipc("a0=3 a1=5 a2=0 a3=110", "a3"), "SETVAL");
    assert_eq!(ipc("a0=e a1=5 a2=b a3=0", "a2"), "MSG_STAT");
    assert_eq!(ipc("a0=63 a1=5 a2=b a3=0", "a2"), "0xb");
}
