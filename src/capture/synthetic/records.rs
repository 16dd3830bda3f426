//! The texts of synthetic records, as the kernel and PAM write them.

use std::fmt::Write;

use super::Mix;
use super::random::Random;
use crate::message_type::MessageType;

/// Records without their headers.
pub(super) type Bodies = Vec<(MessageType, String)>;

/// The approximate number of bytes of an argument list in one record.
///
/// Source: `kernel/auditsc.c`, `MAX_EXECVE_AUDIT_LEN`.
const RECORD_LIMIT: usize = 7500;

/// Makes an event of one of the kinds in the mix. Programs have at least `arguments` bytes of arguments.
pub(super) fn event(mix: Mix, arguments: usize, random: &mut Random) -> Bodies {
    const ALL: [Mix; 6] =
        [Mix::Execs, Mix::Connects, Mix::Files, Mix::Messages, Mix::Denials, Mix::Uring];
    match mix {
        Mix::Execs => exec(arguments, random),
        Mix::Connects => connect(random),
        Mix::Files => open_file(random),
        Mix::Messages => message(random),
        Mix::Denials => denial(random),
        Mix::Uring => uring(random),
        Mix::All => {
            let mix = ALL.get(random.below(ALL.len())).copied().unwrap_or(Mix::Execs);
            event(mix, arguments, random)
        }
    }
}

fn exec(arguments: usize, random: &mut Random) -> Bodies {
    let program = random.pick(&["bash", "ls", "python3", "git", "systemctl", "ssh"]);
    let registers = [random.address(), random.address(), random.address(), 8];
    let mut records = vec![syscall(59, "yes exit=0", registers, 2, program, random)];
    records.extend(arguments_of(program, arguments, random));
    records.push((MessageType::CWD, "cwd=\"/home/user/project\"".to_owned()));
    records.push(path(0, &format!("/usr/bin/{program}"), random));
    records.push(path(1, "/lib64/ld-linux-x86-64.so.2", random));
    with_title_and_end(records, program)
}

/// Makes an argument list, in one or more records.
fn arguments_of(program: &str, length: usize, random: &mut Random) -> Bodies {
    let mut list = vec![format!("\"{program}\"")];
    let mut total = 0;
    let least = 1 + random.below(6);
    while list.len() <= least || total < length {
        let word = match random.below(8) {
            0 => hex(b"with a space"),
            // an argument that takes two records
            1 if length.saturating_sub(total) > 2 * RECORD_LIMIT => hex(&[b'x'; RECORD_LIMIT]),
            _ => {
                let words = ["-l", "--all", "/etc/hosts", "status", "main", "-c"];
                format!("\"{}\"", random.pick(&words))
            }
        };
        total += word.len();
        list.push(word);
    }
    let mut records = vec![format!("argc={}", list.len())];
    let mut add = |field: String| match records.last_mut() {
        Some(record) if record.len() + field.len() <= RECORD_LIMIT => *record += &field,
        _ => records.push(field),
    };
    for (index, word) in list.iter().enumerate() {
        if word.len() < RECORD_LIMIT {
            add(format!(" a{index}={word}"));
            continue;
        }
        // the stated length is the number of hex digits, twice that of the bytes
        add(format!(" a{index}_len={}", word.len()));
        for (part, digits) in word.as_bytes().chunks(RECORD_LIMIT - 100).enumerate() {
            add(format!(" a{index}[{part}]={}", String::from_utf8_lossy(digits)));
        }
    }
    records.into_iter().map(|text| (MessageType::EXECVE, text)).collect()
}

fn connect(random: &mut Random) -> Bodies {
    let program = random.pick(&["curl", "ssh", "firefox", "node"]);
    let registers = [random.next() % 64, random.address(), 16, 0];
    let address = u32::try_from(random.next() >> 32).unwrap_or_default();
    let records = vec![
        syscall(42, "no exit=-115", registers, 0, program, random),
        (MessageType::SOCKADDR, format!("saddr=020001BB{address:08X}0000000000000000")),
    ];
    with_title_and_end(records, program)
}

fn open_file(random: &mut Random) -> Bodies {
    let program = random.pick(&["cat", "vim", "cron", "rsync"]);
    let name = random.pick(&["/etc/passwd", "/etc/ssh/sshd_config", "/var/log/wtmp", "notes"]);
    let outcome = if random.one_in(4) { "no exit=-13" } else { "yes exit=3" };
    let registers = [0xffff_ff9c, random.address(), 0x8_0000, 0];
    let records = vec![
        syscall(257, outcome, registers, 1, program, random),
        (MessageType::CWD, "cwd=\"/root\"".to_owned()),
        path(0, name, random),
    ];
    with_title_and_end(records, program)
}

fn message(random: &mut Random) -> Bodies {
    let (message_type, op) = match random.below(4) {
        0 => (MessageType::USER_AUTH, "PAM:authentication grantors=pam_unix"),
        1 => (MessageType::USER_ACCT, "PAM:accounting grantors=pam_unix"),
        2 => (MessageType::USER_START, "PAM:session_open grantors=pam_limits,pam_unix"),
        _ => (MessageType::USER_END, "PAM:session_close grantors=pam_limits,pam_unix"),
    };
    let user = random.pick(&["alice", "bob", "root"]);
    let result = if random.one_in(5) { "failed" } else { "success" };
    let text = format!(
        "pid={} uid=0 auid=1000 ses={} subj=unconfined msg='op={op} acct=\"{user}\" \
         exe=\"/usr/sbin/sshd\" hostname=192.0.2.{host} addr=192.0.2.{host} terminal=ssh \
         res={result}'",
        pid(random),
        1 + random.below(9),
        host = 1 + random.below(250),
    );
    vec![(message_type, text)]
}

fn denial(random: &mut Random) -> Bodies {
    let name = random.pick(&["shadow", "sudoers", "key.pem"]);
    let text = format!(
        "avc:  denied  {{ read }} for  pid={} comm=\"httpd\" name=\"{name}\" dev=\"vda1\" ino={} \
         scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:etc_t:s0 \
         tclass=file permissive=0",
        pid(random),
        random.below(1 << 20)
    );
    let registers = [0xffff_ff9c, random.address(), 0, 0];
    let records =
        vec![(MessageType::AVC, text), syscall(257, "no exit=-13", registers, 1, "httpd", random)];
    with_title_and_end(records, "httpd")
}

fn uring(random: &mut Random) -> Bodies {
    let id = 1000 + random.below(4);
    let call = format!(
        "uring_op=18 success=yes exit=0 items=1 ppid={} pid={} uid={id} gid={id} euid={id} \
         suid={id} fsuid={id} egid={id} sgid={id} fsgid={id} subj=unconfined key=\"made\"",
        1 + random.below(1000),
        pid(random)
    );
    vec![
        (MessageType::URINGOP, call),
        (MessageType::CWD, "cwd=\"/srv\"".to_owned()),
        path(0, "/srv/table.db", random),
        (MessageType::EOE, String::new()),
    ]
}

fn syscall(
    number: u32,
    outcome: &str,
    registers: [u64; 4],
    items: usize,
    program: &str,
    random: &mut Random,
) -> (MessageType, String) {
    let pid = pid(random);
    let uid = 1000 + random.below(4);
    let [a0, a1, a2, a3] = registers;
    let text = format!(
        "arch=c000003e syscall={number} success={outcome} a0={a0:x} a1={a1:x} a2={a2:x} a3={a3:x} \
         items={items} ppid={} pid={pid} auid={uid} uid={uid} gid={uid} euid={uid} suid={uid} \
         fsuid={uid} egid={uid} sgid={uid} fsgid={uid} tty=pts0 ses={} comm=\"{program}\" \
         exe=\"/usr/bin/{program}\" subj=unconfined key=\"made\"",
        1 + random.below(1000),
        1 + random.below(9)
    );
    (MessageType::SYSCALL, text)
}

fn path(item: usize, name: &str, random: &mut Random) -> (MessageType, String) {
    let text = format!(
        "item={item} name=\"{name}\" inode={} dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 \
         nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0",
        random.below(1 << 20)
    );
    (MessageType::PATH, text)
}

fn with_title_and_end(mut records: Bodies, program: &str) -> Bodies {
    let title = format!("proctitle={}", hex(format!("{program}\0-l").as_bytes()));
    records.push((MessageType::PROCTITLE, title));
    records.push((MessageType::EOE, String::new()));
    records
}

fn pid(random: &mut Random) -> usize {
    1000 + random.below(30_000)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // writing to a string cannot fail
        let _ = write!(text, "{byte:02X}");
        text
    })
}
