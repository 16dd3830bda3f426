//! Tests of fields.

use super::*;

/// Fields that are read without the usual way.
fn by_any_way(text: &[u8], at: usize) -> Vec<Field<'_>> {
    let mut fields = Fields::of_kernel(text, at);
    std::iter::from_fn(|| fields.any()).collect()
}

#[test]
fn the_usual_way_is_a_way_like_any_other() {
    // all texts of up to four of these pieces, after prefixes that shift the windows
    let pieces = [" ", "=", "\"", "'", "(", ")", "a", "ses=1", "\x1D", "\t", "x=\"y z\" ", "u=1 "];
    let mut count = 0;
    for length in 0..=4_u32 {
        for number in 0..pieces.len().pow(length) {
            let digits = (0..length).map(|digit| number / pieces.len().pow(digit));
            let text: String = digits.map(|digit| pieces[digit % pieces.len()]).collect();
            for head in [0, 60, 62, 64] {
                let text = "x".repeat(head) + &text + "op=z";
                let fields: Vec<_> = Fields::of_kernel(text.as_bytes(), head).collect();
                assert_eq!(fields, by_any_way(text.as_bytes(), head), "{text:?}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 4 * (1 + 12 + 144 + 1728 + 20_736));
    let long =
        "name=\"/usr/bin/true\" mode=0100755 nametype=NORMAL tty=(none) subj=a (b) ".repeat(9);
    for start in 0..long.len() {
        let fields: Vec<_> = Fields::of_kernel(long.as_bytes(), start).collect();
        assert_eq!(fields, by_any_way(long.as_bytes(), start), "from {start}");
    }
}

#[test]
fn fields_of_any_length_are_found_wherever_they_begin() {
    for length in 0..140 {
        for quote in ["", "\""] {
            let long = format!("name={quote}{}{quote}", "v".repeat(length));
            for text in [
                format!("{long} a=1 b=\"2\""),
                format!("a=1 {long} c={quote}3{quote} d=4 e=5"),
                format!("a=1 b=\"2\" {long}"),
                format!("{long} {long} x=1 y=2"),
            ] {
                let fields: Vec<_> = Fields::of_kernel(text.as_bytes(), 0).collect();
                assert_eq!(fields, by_any_way(text.as_bytes(), 0), "{text}");
                assert_eq!(fields.len(), text.split(' ').count(), "{text}");
            }
        }
    }
}

fn kernel(text: &str) -> Vec<(String, Value<'_>)> {
    named(Fields::of_kernel(text.as_bytes(), 0))
}

fn named<'a>(fields: Fields<'a>) -> Vec<(String, Value<'a>)> {
    fields.map(|field| (String::from_utf8_lossy(field.name).into_owned(), field.value)).collect()
}

fn bare(name: &str, value: &'static str) -> (String, Value<'static>) {
    (name.to_owned(), Value::Bare(value.as_bytes()))
}

fn quoted(name: &str, value: &'static str) -> (String, Value<'static>) {
    (name.to_owned(), Value::Quoted(value.as_bytes()))
}

#[test]
fn an_apostrophe_inside_a_user_message() {
    let text = r#"pid=1 msg='cwd="/r" cmd="it's me" res=success'"#;
    let outer = kernel(text);
    let Value::Nested(inner) = outer[1].1 else { panic!("{outer:?}") };
    let inner = named(Fields::of_message(inner));
    assert_eq!(inner, [quoted("cwd", "/r"), quoted("cmd", "it's me"), bare("res", "success")]);
}

#[test]
fn an_operation_with_spaces() {
    let text = br#"op=display aging info id=0 exe="/usr/bin/chage" res=success"#;
    let fields = named(Fields::of_message(text));
    assert_eq!(fields[0], bare("op", "display aging info"));
    assert_eq!(fields[1], bare("id", "0"));
    assert_eq!(fields.len(), 4);
}

#[test]
fn an_empty_value_takes_nothing_from_its_neighbour() {
    assert_eq!(kernel("res= key=(null)"), [bare("res", ""), bare("key", "(null)")]);
    assert_eq!(kernel("subj= "), [bare("subj", "")]);
}

#[test]
fn double_and_leading_spaces() {
    assert_eq!(kernel("  auid=0  ses=1 "), [bare("auid", "0"), bare("ses", "1")]);
}

#[test]
fn words_before_the_first_pair() {
    assert_eq!(kernel("login pid=1"), [bare("", "login"), bare("pid", "1")]);
    assert_eq!(kernel("policy loaded auid=0"), [bare("", "policy loaded"), bare("auid", "0")]);
    assert_eq!(kernel("netlabel: auid=0 ses=1")[0], bare("", "netlabel:"));
    assert_eq!(kernel("  policy loaded auid=0")[0], bare("", "policy loaded"));
    let old = kernel("pid=1 old auid=5 new auid=6");
    assert_eq!((&old[1], &old[3]), (&bare("", "old"), &bare("", "new")));
}

#[test]
fn a_field_given_twice() {
    assert_eq!(kernel("auid=0 auid=1000"), [bare("auid", "0"), bare("auid", "1000")]);
}

#[test]
fn a_backslash_before_the_closing_quote() {
    let fields = kernel(r#"name="x\" inode=5 cwd="/q""#);
    assert_eq!(fields, [quoted("name", r"x\"), bare("inode", "5"), quoted("cwd", "/q")]);
}

#[test]
fn an_equals_sign_inside_a_value() {
    assert_eq!(kernel(r#"name="a=b c" inode=5"#), [quoted("name", "a=b c"), bare("inode", "5")]);
    assert_eq!(kernel("subj==unconfined"), [bare("subj", "=unconfined")]);
}

fn enriched(text: &str) -> Vec<(String, Value<'_>)> {
    named(Fields::of_enrichment(text.as_bytes()))
}

#[test]
fn what_auditd_added_is_kept_apart() {
    let text = "key=(null)\x1DARCH=x86_64 SYSCALL=execve AUID=\"alice\"";
    assert_eq!(kernel(text), [bare("key", "(null)")]);
    let added = [bare("ARCH", "x86_64"), bare("SYSCALL", "execve"), quoted("AUID", "alice")];
    assert_eq!(enriched(text), added);
    assert_eq!(enriched("key=(null)"), []);

    let text = "pid=1 msg='op=it's me res=success'\x1DUID=\"root\"";
    let Value::Nested(inside) = kernel(text)[1].1 else { panic!("{text}") };
    assert_eq!(inside, b"op=it's me res=success");
    assert_eq!(enriched(text), [quoted("UID", "root")]);
    let forged = "pid=1 msg='op=x'\x1DUID=\"root\" res=success'";
    let Value::Nested(inside) = kernel(forged)[1].1 else { panic!("{forged}") };
    assert!(inside.ends_with(b"res=success"), "a program cannot forge it");
    assert_eq!(enriched(forged), []);
}

#[test]
fn an_address_that_auditd_added() {
    let text = "saddr=0100\x1DSADDR={ saddr_fam=local path=/a b} c } X=1";
    assert_eq!(kernel(text), [bare("saddr", "0100")]);
    let address = bare("SADDR", "{ saddr_fam=local path=/a b} c }");
    assert_eq!(enriched(text), [address, bare("X", "1")]);
    let unknown = "saddr=0000\x1DSADDR=unknown family(0)";
    assert_eq!(enriched(unknown), [bare("SADDR", "unknown family(0)")]);
}

#[test]
fn the_words_of_an_avc_are_no_fields() {
    let text =
        r#"avc:  denied  { read write } for  pid=5 comm="x" name="a b" dev="vda3" permissive=0"#;
    let fields = kernel(text);
    assert_eq!(fields[0], bare("", "avc:  denied  { read write } for"));
    assert_eq!(fields[1], bare("pid", "5"));
    assert_eq!(fields[3], quoted("name", "a b"));
    assert_eq!(fields[4], quoted("dev", "vda3"));
}

#[test]
fn a_word_in_parentheses_is_no_field() {
    let text =
        r#"avc:  received policyload notice (seqno=2)  exe="/usr/lib/systemd/systemd" sauid=0"#;
    let fields = named(Fields::of_message(text.as_bytes()));
    assert_eq!(fields[0], bare("", "avc:  received policyload notice (seqno=2)"));
    assert_eq!(fields[1], quoted("exe", "/usr/lib/systemd/systemd"));
}

#[test]
fn apparmor_writes_plain_fields() {
    let text = r#"apparmor="DENIED" operation="open" profile="my app" name="/x" pid=7"#;
    let fields = kernel(text);
    assert_eq!(fields[0], quoted("apparmor", "DENIED"));
    assert_eq!(fields[2], quoted("profile", "my app"));
    assert_eq!(fields.len(), 5);
}

#[test]
fn labels_begin_at_the_first_equals_sign_and_keep_their_mode() {
    assert_eq!(
        kernel("subj==/usr/bin/man//&man_groff (enforce) key=(null)"),
        [bare("subj", "=/usr/bin/man//&man_groff (enforce)"), bare("key", "(null)")]
    );
    assert_eq!(kernel("subj=? x=1"), [bare("subj", "?"), bare("x", "1")]);
    assert_eq!(kernel("subj= x=1"), [bare("subj", ""), bare("x", "1")]);
}

#[test]
fn separators_of_old_pam() {
    let text = r#"PAM: authentication acct="root" : exe="/bin/login" (hostname=?, addr=?, terminal=tty1 res=success)"#;
    let fields = named(Fields::of_message(text.as_bytes()));
    assert_eq!(fields[0], bare("", "PAM: authentication"));
    assert_eq!(fields[1..3], [quoted("acct", "root"), quoted("exe", "/bin/login")]);
    assert_eq!(
        fields[3..],
        [
            bare("hostname", "?"),
            bare("addr", "?"),
            bare("terminal", "tty1"),
            bare("res", "success")
        ]
    );
    assert_eq!(
        named(Fields::of_message(b"subj=u:r:t:s0:c1,c5, x=1"))[0].1,
        Value::Bare(b"u:r:t:s0:c1,c5,")
    );
}

#[test]
fn punctuation_of_old_programs_is_not_part_of_values() {
    let of = |text: &'static str| named(Fields::of_message(text.as_bytes()));
    let tail = [bare("hostname", "h.example"), bare("addr", "10.0.0.1")];
    // RHEL 5: `audit_log_acct_message`, `audit_log_user_message`
    let fields = of(
        r#"PAM: accounting acct=root : exe="/x" (hostname=h.example, addr=10.0.0.1, terminal=cron res=success)"#,
    );
    assert_eq!(fields[1..3], [bare("acct", "root"), quoted("exe", "/x")]);
    assert_eq!(fields[3..5], tail);
    assert_eq!(fields[5..], [bare("terminal", "cron"), bare("res", "success")]);
    let fields = of(r#"uid=848: exe="/bin/login" (hostname=h.example, addr=10.0.0.1, res=failed)"#);
    assert_eq!(fields[..2], [bare("uid", "848"), quoted("exe", "/bin/login")]);
    assert_eq!(fields[2..], [&tail[..], &[bare("res", "failed")]].concat());
    // RHEL 4: Linux-PAM
    let fields = of(
        r#"PAM bad_ident: user=? exe="/x" (hostname=?, addr=?, terminal=? result=User not known to the module)"#,
    );
    assert_eq!(fields[1], bare("user", "?"));
    assert_eq!(
        fields[5..],
        [bare("terminal", "?"), bare("result", "User not known to the module")]
    );
    // RHEL 6: `audit_log_user_avc_message` of dbus-daemon
    let fields = of(
        r#"avc:  denied  { send_msg } for msgtype=method_call dest=:1.5 tclass=dbus : exe="/bin/dbus-daemon" (sauid=81, hostname=?, addr=?, terminal=?)"#,
    );
    assert_eq!(
        fields[1..4],
        [bare("msgtype", "method_call"), bare("dest", ":1.5"), bare("tclass", "dbus")]
    );
    assert_eq!(
        fields[5..],
        ["sauid", "hostname", "addr", "terminal"]
            .map(|name| { bare(name, if name == "sauid" { "81" } else { "?" }) })
    );
    let notice =
        r#"avc:  received setenforce notice (enforcing=0) : exe="/x" (sauid=81, terminal=?)"#;
    assert_eq!(of(notice)[0], bare("", "avc:  received setenforce notice (enforcing=0)"));
    assert_eq!(
        of(r#"acct="root": exe="/x" (res=failed)"#)[..2],
        [quoted("acct", "root"), quoted("exe", "/x")]
    );
    // what looks like it, and is not
    let fields = of("addr=fe80:: op=a (b) unit=x@(y) subj=u:r:t:s0:c1,c5 list=a,b");
    assert_eq!(fields[..3], [bare("addr", "fe80::"), bare("op", "a (b)"), bare("unit", "x@(y)")]);
    assert_eq!(fields[3..], [bare("subj", "u:r:t:s0:c1,c5"), bare("list", "a,b")]);
}

#[test]
fn commas_in_records_of_old_audit_daemons() {
    let of = |text: &'static str| named(Fields::of_daemon(text.as_bytes(), 0));
    assert_eq!(
        of("auditd start, ver=1.2.8, format=raw, auid=0 res=success, auditd pid=1234"),
        [
            bare("", "auditd start,"),
            bare("ver", "1.2.8"),
            bare("format", "raw"),
            bare("auid", "0"),
            bare("res", "success"),
            bare("", "auditd"),
            bare("pid", "1234"),
        ]
    );
    assert_eq!(of("subj=/x (enforce) res=1")[0], bare("subj", "/x (enforce)"));
}

#[test]
fn names_with_hyphens_and_brackets() {
    let fields = kernel("prog-id=75 nl-mcgrp=1 a1[0]=41 old-auid=0");
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["prog-id", "nl-mcgrp", "a1[0]", "old-auid"]);
}

#[test]
fn a_session_that_is_glued_to_the_next_field() {
    // Linux 6.18, CONFIG_CHANGE of a rule whose directory was removed
    assert_eq!(
        kernel("auid=0 ses=4294967295op=remove_rule path=\"/t\""),
        [
            bare("auid", "0"),
            bare("ses", "4294967295"),
            bare("op", "remove_rule"),
            quoted("path", "/t")
        ]
    );
}

#[test]
fn a_quote_that_closes_before_a_long_word_ends() {
    let text = format!("a=\"x\"{} b=1", "y".repeat(300));
    let fields = kernel(&text);
    assert_eq!(fields[0], quoted("a", "x"));
    assert_eq!((fields[1].0.as_str(), fields[2].0.as_str()), ("", "b"));
}

#[test]
fn an_unclosed_quote_is_a_bare_word() {
    assert_eq!(kernel(r#"name="cut off"#), [bare("name", "\"cut"), bare("", "off")]);
    assert_eq!(kernel("msg='cut"), [bare("msg", "'cut")]);
}
