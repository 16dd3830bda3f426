//! A record as a line of a log, in the form of auditd.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::Record;
use super::wrapped::{self, Wrapped};
use crate::decode::DecodeError;
use crate::message_type::MessageType;

/// A record as a line of a log: `[node=NAME ]type=TYPE msg=audit(…): …`.
///
/// The message of a program can contain line breaks and other control bytes. auditd writes them as they
/// are, so a program can forge lines. `LogLine` writes the control bytes and backslashes of such a
/// record as `\ooo`, and appends a mark in the form of the fields that auditd appends. It writes all
/// other records as they are, so ausearch can read them. Every record is read back unchanged.
///
/// # Examples
///
/// ```
/// use auditlink::Record;
/// use auditlink::record::LogLine;
/// use auditlink::MessageType;
///
/// let line = LogLine::parse(br#"type=CWD msg=audit(1.000:2): cwd="/root""#)?;
/// let record = line.record()?;
/// assert_eq!(record.message_type(), MessageType::CWD);
/// assert_eq!(LogLine::of(&record).to_bytes(), br#"type=CWD msg=audit(1.000:2): cwd="/root""#);
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    message_type: MessageType,
    text: Cow<'a, [u8]>,
}

/// The mark at the end of a line whose control bytes and backslashes are written as `\ooo`.
const ESCAPED: &[u8] = b"\x1DESCAPED=octal";

/// The byte between a record and the fields that auditd appends; the only control byte in other lines.
const ENRICHMENT: u8 = 0x1D;

impl<'a> LogLine<'a> {
    /// Creates the line of a record.
    #[must_use]
    pub const fn of(record: &Record<'a>) -> Self {
        Self {
            message_type: MessageType::new(record.type_number()),
            text: Cow::Borrowed(record.text()),
        }
    }

    /// Reads a line without its line break.
    ///
    /// The form in which the kernel logs records is accepted too: `type=1300 audit(…): …`, and so are
    /// lines of other logs with either form as their message: of syslog (RFC 3164 and 5424), of the
    /// kernel (`dmesg`), of the journal (text, the field `MESSAGE` of an export, JSON) and of Android.
    /// The machine that such a line names becomes the node, unless the record has one. Any program can
    /// write to these logs, so their records are not more trustworthy than the program.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Line`] if there is no `[node=NAME ]type=TYPE msg=audit(` at the start of the line or
    /// of its message, or if an escape is invalid.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::record::LogLine;
    ///
    /// let line = b"Dec 26 19:37:29 web1 kernel: audit: type=1307 audit(1.000:2): cwd=\"/root\"";
    /// let line = LogLine::parse(line)?;
    /// assert_eq!(line.to_bytes(), b"node=web1 type=CWD msg=audit(1.000:2): cwd=\"/root\"");
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    pub fn parse(line: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(line).ok_or(DecodeError::Line)
    }

    /// Returns whether a line holds no record that could be lost: what stands between records in
    /// the output of ausearch, in the log of a system or in the journal.
    pub(crate) fn is_other(line: &[u8]) -> bool {
        wrapped::is_other(line)
    }

    fn read(line: &'a [u8]) -> Option<Self> {
        if line.starts_with(b"type=") || line.starts_with(b"node=") {
            return Self::read_bare(line);
        }
        let Wrapped { host, inside } = wrapped::unwrap(line)?;
        let Self { message_type, text } = match &inside {
            Cow::Borrowed(inside) => Self::read_bare(inside)?,
            Cow::Owned(inside) => LogLine::read_bare(inside)?.into_owned(),
        };
        let text = match host.filter(|_| !text.starts_with(b"node=")) {
            Some(host) => [b"node=", &host[..], b" ", &text].concat().into(),
            None => text,
        };
        Some(Self { message_type, text })
    }

    fn into_owned<'o>(self) -> LogLine<'o> {
        LogLine { message_type: self.message_type, text: Cow::Owned(self.text.into_owned()) }
    }

    /// Reads a line that nothing precedes.
    fn read_bare(line: &'a [u8]) -> Option<Self> {
        let (node, rest) = match line.strip_prefix(b"node=") {
            Some(after) => {
                let (name, rest) = after.split_at_checked(memchr(b' ', after)?)?;
                (Some(name), rest.get(1..)?)
            }
            None => (None, line),
        };
        let rest = rest.strip_prefix(b"type=")?;
        let (name, rest) = rest.split_at_checked(memchr(b' ', rest)?)?;
        let message_type = std::str::from_utf8(name).ok()?.parse().ok()?;
        let rest = rest.get(1..)?;
        let rest = rest.strip_prefix(b"msg=").unwrap_or(rest);
        if !rest.starts_with(b"audit(") {
            return None;
        }
        let text = match rest.strip_suffix(ESCAPED) {
            Some(escaped) => Cow::Owned(unescape(escaped)?),
            None => Cow::Borrowed(rest),
        };
        let text = match node {
            Some(name) => [b"node=", name, b" ", &text].concat().into(),
            None => text,
        };
        Some(Self { message_type, text })
    }

    /// Returns the type of the record.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        self.message_type
    }

    /// Returns the text of the record, with the node first if the line has one.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Reads the record.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Header`] if the text does not start with a valid header.
    pub fn record(&self) -> Result<Record<'_>, DecodeError> {
        Record::parse(self.message_type, &self.text)
    }

    /// Writes the line, without a line break.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (node, text) = self.node_and_text();
        let mut line = Vec::with_capacity(text.len() + 40);
        if let Some(node) = node {
            line.extend_from_slice(node);
        }
        // where the body contradicts the number, the number alone is read back
        let is_by_body = |record: Record<'_>| record.message_type() != self.message_type;
        let name = match self.record() {
            Ok(record) if is_by_body(record) => format!("UNKNOWN[{}]", self.message_type.number()),
            _ => self.message_type.to_string(),
        };
        line.extend_from_slice(format!("type={name} msg=").as_bytes());
        let is_control = |byte: &u8| byte.is_ascii_control() && *byte != ENRICHMENT;
        if text.ends_with(ESCAPED) || text.iter().any(is_control) {
            for byte in text {
                if byte.is_ascii_control() || *byte == b'\\' {
                    line.extend_from_slice(format!("\\{byte:03o}").as_bytes());
                } else {
                    line.push(*byte);
                }
            }
            line.extend_from_slice(ESCAPED);
        } else {
            line.extend_from_slice(text);
        }
        line
    }

    /// Splits the text into the node, including the space, and the rest.
    fn node_and_text(&self) -> (Option<&[u8]>, &[u8]) {
        let at = if self.text.starts_with(b"node=") {
            memmem::find(&self.text, b" audit(").map(|space| space + 1)
        } else {
            None
        };
        match at.and_then(|at| self.text.split_at_checked(at)) {
            Some((node, text)) => (Some(node), text),
            None => (None, &self.text),
        }
    }
}

/// Reads `\ooo`; `None` if a backslash is followed by other text.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at_checked(at)?;
        bytes.extend_from_slice(plain);
        let (digits, tail) = escape.get(1..)?.split_first_chunk::<3>()?;
        let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 8).ok()?);
        rest = tail;
    }
    bytes.extend_from_slice(rest);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(message_type: MessageType, text: &[u8]) -> Vec<u8> {
        let record = Record::parse(message_type, text).expect("a header");
        let line = LogLine::of(&record).to_bytes();
        assert!(!line.contains(&b'\n'), "one line");
        let again = LogLine::parse(&line).expect("a line");
        assert_eq!(again.record(), Ok(record), "{}", line.escape_ascii());
        line
    }

    #[test]
    fn unknown_types_are_read_back() {
        let line = round_trip(MessageType::new(1499), b"audit(1.000:2): x=y");
        assert_eq!(line, b"type=UNKNOWN[1499] msg=audit(1.000:2): x=y");
    }

    #[test]
    fn a_number_that_the_body_contradicts_is_read_back() {
        let line = round_trip(MessageType::new(1420), b"audit(1.000:2): subj_apparmor=x");
        assert_eq!(line, b"type=UNKNOWN[1420] msg=audit(1.000:2): subj_apparmor=x");
        let line = round_trip(MessageType::IPE_ACCESS, b"audit(1.000:2): ipe_op=EXECUTE");
        assert_eq!(line, b"type=IPE_ACCESS msg=audit(1.000:2): ipe_op=EXECUTE");
    }

    #[test]
    fn the_node_is_written_first() {
        let line = round_trip(MessageType::CWD, b"node=web1 audit(1.000:2): cwd=\"/\"");
        assert_eq!(line, b"node=web1 type=CWD msg=audit(1.000:2): cwd=\"/\"");
    }

    #[test]
    fn a_message_cannot_forge_a_line() {
        let text = b"audit(1.000:2): pid=1 msg='op=x\ntype=SYSCALL msg=audit(1.0:1): uid=0 \\n'";
        let line = round_trip(MessageType::USER, text);
        assert!(
            line.ends_with(b"\\012type=SYSCALL msg=audit(1.0:1): uid=0 \\134n'\x1DESCAPED=octal")
        );
        round_trip(MessageType::USER, b"audit(1.000:2): msg='\0\x7f\r'");
        round_trip(MessageType::USER, b"audit(1.000:2): x\x1DESCAPED=octal");
        round_trip(MessageType::USER, b"audit(1.000:2): \\012\x1DUID=\"root\"");
    }

    #[test]
    fn records_without_control_bytes_are_written_unchanged() {
        for text in [
            &b"audit(1.000:2): "[..],
            b"audit(1.000:2):",
            b"audit(1.000:2): name=\"x\\\" inode=5",
            b"audit(1.000:2): key=(null)\x1DARCH=x86_64 UID=\"caf\xE9\"",
        ] {
            let line = round_trip(MessageType::EOE, text);
            assert_eq!(line, [b"type=EOE msg=", text].concat());
        }
    }

    #[test]
    fn lines_of_the_kernel_log_are_read() {
        let line = LogLine::parse(b"type=1400 audit(1.000:2): avc:  denied").expect("a line");
        assert_eq!(
            (line.message_type(), line.text()),
            (MessageType::AVC, &b"audit(1.000:2): avc:  denied"[..])
        );
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            &b""[..],
            b"# a comment",
            b"type=CWD",
            b"type=NO_SUCH msg=audit(1.000:2): x",
            b"type=CWD msg=cwd",
            b"node=x",
            b"----",
            b"type=CWD msg=audit(1.000:2): \\9\x1DESCAPED=octal",
            b"type=CWD msg=audit(1.000:2): \\777\x1DESCAPED=octal",
        ] {
            assert_eq!(LogLine::parse(line), Err(DecodeError::Line), "{}", line.escape_ascii());
        }
        let interpreted = LogLine::parse(b"type=CWD msg=audit(11/14/23 22:13:20.123:30) : cwd=/");
        assert_eq!(interpreted.expect("a line").record(), Err(DecodeError::Header));
    }
}
