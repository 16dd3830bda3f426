//! Lines of other logs with a record inside: of syslog, the kernel's log, the journal, Android.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// What a line of another log holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrapped<'a> {
    /// The machine that the line names.
    pub(super) host: Option<Cow<'a, [u8]>>,
    /// From `node=` or `type=` on.
    pub(super) inside: Cow<'a, [u8]>,
}

/// Finds the record in a line; `None` if the line has another form, or no record.
///
/// A record begins with the message of the line: text further back is what a program logged.
pub(super) fn unwrap(line: &[u8]) -> Option<Wrapped<'_>> {
    if line.starts_with(b"{") {
        return of_entry(|name| string(line, name));
    }
    let at = start(line)?;
    let (before, inside) = line.split_at_checked(at)?;
    let host = host(before)?.map(Cow::Borrowed);
    Some(Wrapped { host, inside: with_separator(inside) })
}

/// Returns whether a line belongs to the form of a log and holds no record: what ausearch prints between
/// events, the other fields of the journal, and what other programs wrote to the log of the system.
pub(super) fn is_other(line: &[u8]) -> bool {
    if line.starts_with(b"type=") || line.starts_with(b"node=") {
        return false;
    }
    if line == b"----" || line.starts_with(b"time->") {
        return true;
    }
    let is_field = journal_field(line).is_some();
    if is_field && !line.starts_with(b"MESSAGE=") {
        return true;
    }
    let is_of_audit = |text: &[u8]| OF_AUDIT.iter().any(|part| memmem::find(text, part).is_some());
    if is_of_audit(line) {
        return false;
    }
    if line.starts_with(b"{") {
        // the message may be left out (`null`) because it is long, or cut
        return match string(line, "MESSAGE") {
            Some(message) => !is_of_audit(&message),
            None => memmem::find(line, b"\"MESSAGE\"").is_none(),
        };
    }
    is_field || after_time(after_priority(line)).is_some()
}

/// Splits a line of the journal's export form; `None` for other lines.
pub(super) fn journal_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at_checked(memchr(b'=', line)?)?;
    is_journal_name(name).then_some((name, value.get(1..)?))
}

/// Returns whether a text is the name of a field of the journal.
pub(super) fn is_journal_name(name: &[u8]) -> bool {
    let is_in_name = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
    !name.is_empty() && name.iter().all(is_in_name)
}

/// What only a record, or the report of a loss of records, contains.
///
/// Source: `kernel/audit.c`, `audit_log_lost`; `lib/ratelimit.c`; audit-userspace, `auditd-dispatch.c`.
const OF_AUDIT: [&[u8]; 5] =
    [b"audit(", b"_AUDIT_TYPE", b"audit_lost=", b"callbacks suppressed", b"dropping event"];

/// Returns the position of `[node=NAME ]type=`, if it is followed by a header.
fn start(line: &[u8]) -> Option<usize> {
    let at = memmem::find(line, b"type=")?;
    let rest = line.get(at..)?;
    let after = rest.get(memchr(b' ', rest)? + 1..)?;
    if !after.strip_prefix(b"msg=").unwrap_or(after).starts_with(b"audit(") {
        return None;
    }
    let before = line.get(..at)?;
    let word = before.trim_ascii_end();
    let word_at = memchr::memrchr(b' ', word).map_or(0, |space| space + 1);
    let has_node = word.get(word_at..).is_some_and(|word| word.starts_with(b"node="));
    Some(if has_node { word_at } else { at })
}

/// Reads what stands before a record, and returns the machine that it names; `None` if it is not the
/// form of a log.
fn host(before: &[u8]) -> Option<Option<&[u8]>> {
    if before == b"MESSAGE=" {
        return Some(None);
    }
    let text = after_priority(before);
    let is_word = |word: &&[u8]| !word.is_empty();
    if let Some(text) = text.strip_prefix(b"1 ").filter(|_| text.len() < before.len()) {
        // RFC 5424: time, host, program, process, message ID, data
        let host = text.split(|byte| *byte == b' ').nth(1)?;
        return Some(Some(host).filter(|host| *host != b"-"));
    }
    let Some((text, has_host)) = after_time(text) else {
        let is_log = [&b": "[..], b"] ", b"- "].iter().any(|end| before.ends_with(end));
        return is_log.then_some(None);
    };
    let mut words = text.split(|byte| *byte == b' ').filter(is_word);
    let host = words.next().filter(|word| has_host && is_host(word));
    match (host, words.next()) {
        (Some(host), Some(_)) => Some(Some(host)),
        _ => Some(None),
    }
}

/// Returns whether a word after a time can be the name of a machine. It is none if it is the program
/// (`name:`, `name[12]:`), the kernel's time, or a part of Android's form (`12`, `12-34`, `W/name`).
fn is_host(word: &[u8]) -> bool {
    let is_process = word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-'));
    let has_sign = word.iter().any(|byte| matches!(byte, b'[' | b'/'));
    !(is_process || has_sign || word.ends_with(b":"))
}

/// Skips the priority, `<13>`.
fn after_priority(line: &[u8]) -> &[u8] {
    let number = line.strip_prefix(b"<").and_then(|rest| {
        let end = memchr(b'>', rest).filter(|end| (1..=3).contains(end))?;
        let (digits, rest) = rest.split_at_checked(end)?;
        digits.iter().all(u8::is_ascii_digit).then_some(rest.get(1..)?)
    });
    number.unwrap_or(line)
}

/// Skips a time, and returns whether the name of the machine can follow; `None` without a time.
fn after_time(text: &[u8]) -> Option<(&[u8], bool)> {
    if let Some(rest) = text.strip_prefix(b"[") {
        // the kernel's: `[   12.345678] ` or `[Fri Nov 28 12:43:15 2025] `
        let (time, rest) = rest.split_at_checked(memchr(b']', rest)?)?;
        let is_time = time.iter().any(u8::is_ascii_digit) && !time.contains(&b'=');
        return is_time.then_some((rest.get(1..)?.trim_ascii_start(), true));
    }
    let (first, rest) = word(text)?;
    match first {
        // `Dec 26 19:37:29 `, with a year in between or not
        [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z'] => {
            let (day, rest) = word(rest)?;
            let (mut time, mut rest) = word(rest)?;
            if time.len() == 4 && is_number(time) {
                (time, rest) = word(rest)?;
            }
            (is_number(day) && is_clock(time)).then_some((rest, true))
        }
        // `2025-12-26T19:37:29+00:00 `, or with a space instead of the T
        [a, b, c, d, b'-', _, _, b'-', ..] if is_number(&[*a, *b, *c, *d]) => {
            if first.get(10) == Some(&b'T') {
                return is_clock(first.get(11..)?).then_some((rest, true));
            }
            let (time, rest) = word(rest)?;
            let rest = match word(rest) {
                Some(([b'+' | b'-', zone @ ..], rest)) if is_number(zone) => rest,
                _ => rest,
            };
            is_clock(time).then_some((rest, true))
        }
        // Android: `10-27 23:21:21.386 `
        [a, b, b'-', c, d] if is_number(&[*a, *b, *c, *d]) => {
            let (time, rest) = word(rest)?;
            is_clock(time).then_some((rest, false))
        }
        _ => None,
    }
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let (word, rest) = text.split_at_checked(memchr(b' ', text)?)?;
    Some((word, rest.trim_ascii_start()))
}

fn is_number(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(u8::is_ascii_digit)
}

/// Returns whether a word begins with `hh:mm:ss`.
fn is_clock(word: &[u8]) -> bool {
    matches!(word, [a, b, b':', c, d, b':', e, f, ..] if is_number(&[*a, *b, *c, *d, *e, *f]))
}

/// Restores the byte before the fields that auditd appended, which rsyslog writes as `#035`.
fn with_separator(inside: &[u8]) -> Cow<'_, [u8]> {
    const ESCAPE: &[u8] = b"#035";
    let parts = memmem::rfind(inside, ESCAPE).and_then(|at| {
        let (text, rest) = (inside.get(..at)?, inside.get(at + ESCAPE.len()..)?);
        let name = rest.get(..memchr(b'=', rest)?)?;
        let is_in_name = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-');
        (!name.is_empty() && name.iter().all(is_in_name)).then_some((text, rest))
    });
    match parts {
        Some((text, rest)) => [text, b"\x1D", rest].concat().into(),
        None => inside.into(),
    }
}

/// Finds the record in an entry of the journal. One that the journal got from the kernel's audit socket
/// has the parts of the header in fields of their own.
pub(super) fn of_entry(field: impl Fn(&str) -> Option<Vec<u8>>) -> Option<Wrapped<'static>> {
    let host = field("_HOSTNAME").map(Cow::Owned);
    let message = field("MESSAGE")?;
    let from_audit = || {
        let (number, serial) = (field("_AUDIT_TYPE")?, field("_AUDIT_ID")?);
        let time = field("_SOURCE_REALTIME_TIMESTAMP")?;
        let (seconds, micros) = time.split_at_checked(time.len().checked_sub(6)?)?;
        let name_end = memchr(b' ', &message)?;
        let (millis, body) = (micros.get(..3)?, message.get(name_end + 1..)?);
        let seconds = if seconds.is_empty() { b"0" } else { seconds };
        let parts = [
            b"type=",
            &number[..],
            b" msg=audit(",
            seconds,
            b".",
            millis,
            b":",
            &serial,
            b"): ",
            body,
        ];
        Some(parts.concat())
    };
    let inside = match start(&message) {
        Some(at) => {
            host_before(message.get(..at)?)?;
            message.get(at..)?.to_vec()
        }
        None => from_audit()?,
    };
    Some(Wrapped { host, inside: inside.into() })
}

/// Accepts what the kernel writes before a record.
fn host_before(before: &[u8]) -> Option<()> {
    (before.is_empty() || before.ends_with(b": ")).then_some(())
}

/// Returns the string of a member of a JSON object. One with control characters is an array of bytes.
fn string(line: &[u8], name: &str) -> Option<Vec<u8>> {
    let key = format!("\"{name}\"");
    let rest = line.get(memmem::find(line, key.as_bytes())? + key.len()..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b":")?.trim_ascii_start();
    if let Some(rest) = rest.strip_prefix(b"[") {
        let bytes = rest.get(..memchr(b']', rest)?)?.split(|byte| *byte == b',');
        return bytes.map(|byte| std::str::from_utf8(byte).ok()?.trim().parse().ok()).collect();
    }
    let rest = rest.strip_prefix(b"\"")?;
    let mut text = Vec::new();
    let mut bytes = rest.iter();
    loop {
        match bytes.next()? {
            b'"' => return Some(text),
            b'\\' => match bytes.next()? {
                b'n' => text.push(b'\n'),
                b't' => text.push(b'\t'),
                b'r' => text.push(b'\r'),
                b'b' => text.push(8),
                b'f' => text.push(12),
                b'u' => {
                    let digits = bytes.as_slice().get(..4)?;
                    let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
                    let letter = char::from_u32(code)?;
                    text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    bytes = bytes.as_slice().get(4..)?.iter();
                }
                other => text.push(*other),
            },
            byte => text.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "type=1400 audit(1700000000.234:699): apparmor=\"DENIED\" name=\"a: b\"";

    fn host_of(before: &str) -> Option<Option<String>> {
        let line = format!("{before}{RECORD}");
        let wrapped = unwrap(line.as_bytes())?;
        assert_eq!(wrapped.inside, RECORD.as_bytes(), "{before}");
        Some(wrapped.host.map(|host| String::from_utf8(host.into_owned()).expect("text")))
    }

    #[test]
    fn forms_of_logs_and_the_hosts_that_they_name() {
        for before in [
            "audit: ",
            "audispd: ",
            "kernel: audit: ",
            "[ 4169.963126] audit: ",
            "[    3.1] ",
            "<5>[ 4169.963126] audit: ",
            "[Fri Nov 28 12:43:15 2025] audit: ",
            "kern  :notice: [ 4169.963126] audit: ",
            "MESSAGE=audit: ",
            "MESSAGE=",
            "10-27 23:21:21.386  1234  1234 W app: ",
            "10-27 23:21:21.386 W/app ( 1234): ",
            "W/auditd  ( 1234): ",
            "2025-10-27 23:21:21.386  1234  1234 W app: ",
            "2025-10-27 23:21:21.386  4928-4928  com.app   com.app   W  ",
            "           10-27 23:21:21.386 W/app (17088): ",
            "I auditd  : ",
            "Dec 26 19:37:29 audispd: ",
            "Dec 26 19:37:29 audispd[7]: ",
            "<13>1 2025-12-26T19:37:31.000Z - audisp-syslog 812 - - ",
        ] {
            assert_eq!(host_of(before), Some(None), "{before}");
        }
        for before in [
            "Dec 26 19:37:29 host1 kernel: audit: ",
            "Dec  6 19:37:29 host1 kernel: [ 4169.963126] audit: ",
            "Dec 26 19:37:29 host1 kernel: [ 4169.963126] ",
            "<46>Dec 26 19:37:29 host1 audispd[812]: ",
            "Dec 26 2025 19:37:29 host1 audisp-syslog: ",
            "Dec 26 19:37:29 host1 tag_audit_log ",
            "2025-12-26T19:37:29+00:00 host1 auditd ",
            "Dec 26 19:37:29 host1 audit[7]: Audit: ",
            "2025-12-26T19:37:29.123456+00:00 host1 kernel: audit: ",
            "2025-12-26 19:37:29 +0000 host1 audispd: ",
            "2025-12-26 19:37:29.5 host1 audispd: ",
            "[ 4169.963126] host1 kernel: audit: ",
            "<13>1 2025-12-26T19:37:31.000Z host1 audisp-syslog 812 - - ",
            "<13>1 2025-12-26T19:37:31Z host1 kernel - - [a@1 b=\"c d\"][e@2] ",
        ] {
            assert_eq!(host_of(before), Some(Some("host1".to_owned())), "{before}");
        }
        for before in ["said ", "Dec 26 ", "x=", "<13>1 "] {
            assert_eq!(host_of(before), None, "{before}");
        }
    }

    #[test]
    fn the_node_is_part_of_the_record() {
        let line = b"Dec 26 19:37:30 host1 audispd: node=n type=CWD msg=audit(1.000:2): cwd=\"/\"";
        let wrapped = unwrap(line).expect("a record");
        assert!(wrapped.inside.starts_with(b"node=n type=CWD"));
    }

    #[test]
    fn the_separator_that_rsyslog_escapes() {
        let line =
            b"Dec 26 19:37:30 h audispd: type=CWD msg=audit(1.0:2): x='#035y'#035UID=\"root\"";
        let wrapped = unwrap(line).expect("a record");
        assert!(wrapped.inside.ends_with(b"x='#035y'\x1DUID=\"root\""));
    }

    #[test]
    fn entries_of_the_journal_as_json() {
        let entry = br#"{"_HOSTNAME":"host1","MESSAGE":"audit: type=1400 audit(1.000:2): name=\"a\u0041\"","X":1}"#;
        let wrapped = unwrap(entry).expect("a record");
        assert_eq!(wrapped.host.as_deref(), Some(&b"host1"[..]));
        assert_eq!(wrapped.inside, &br#"type=1400 audit(1.000:2): name="aA""#[..]);
        let entry = br#"{"_AUDIT_TYPE":"1307","_AUDIT_ID":"42","_SOURCE_REALTIME_TIMESTAMP":"1700000000234000","MESSAGE":"CWD cwd=\"/\"","_TRANSPORT":"audit"}"#;
        let wrapped = unwrap(entry).expect("a record");
        assert_eq!(wrapped.host, None);
        assert_eq!(wrapped.inside, &br#"type=1307 msg=audit(1700000000.234:42): cwd="/""#[..]);
        let bytes = format!("{:?}", b"audit: type=1307 audit(1.000:2): cwd=\"/\"\x1DX=1");
        let entry = format!(r#"{{"MESSAGE" : {bytes}, "_HOSTNAME":"host1"}}"#);
        let wrapped = unwrap(entry.as_bytes()).expect("a record");
        assert_eq!(wrapped.inside, &b"type=1307 audit(1.000:2): cwd=\"/\"\x1DX=1"[..]);
        for entry in [r#"{"MESSAGE":"hello"}"#, r#"{"MESSAGE":"x"#, r#"{"MESSAGE":"\u12"}"#, "{"] {
            assert_eq!(unwrap(entry.as_bytes()), None, "{entry}");
        }
    }

    #[test]
    fn lines_that_are_no_records_and_no_losses() {
        for line in [
            "----",
            "time->Fri Nov 28 12:43:15 2025",
            "_HOSTNAME=host1",
            "__CURSOR=s=ab;i=1",
            "_AUDIT_ID=7",
            "MESSAGE=Started session",
            "Dec 26 19:37:29 host1 sshd[7]: Accepted",
            "[    0.000000] Linux version 6.18",
            "[    0.010000] audit: initializing netlink subsys (disabled)",
            "Dec 26 19:37:29 host1 auditd[8]: Init complete, auditd 4.0 listening for events",
            r#"{"MESSAGE":"hello"}"#,
            r#"{"MESSAGE":[104,105]}"#,
            r#"{"_PID":"7"}"#,
        ] {
            assert!(is_other(line.as_bytes()), "{line}");
        }
        for line in [
            "nonsense",
            "# LOSS",
            "type=CWD",
            "time",
            "Dec 26 19:37:29 host1 kernel: audit: 12 callbacks suppressed",
            "[ 4169.963126] audit: audit_lost=1 audit_rate_limit=0 audit_backlog_limit=64",
            "Dec 26 19:37:29 host1 kernel: type=9999999 audit(1.000:2): x",
            "MESSAGE=audit: audit_lost=1 audit_rate_limit=0",
            r#"{"MESSAGE":null}"#,
            r#"{"MESSAGE":[97,117,100,105,116,40"#,
            r#"{"MESSAGE":[97,117,100,105,116,40]}"#,
        ] {
            assert!(!is_other(line.as_bytes()), "{line}");
        }
    }
}
