//! A record as a line of a log, in the form of auditd.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::Record;
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
        Self { message_type: record.message_type(), text: Cow::Borrowed(record.text()) }
    }

    /// Reads a line without its line break.
    ///
    /// The form in which the kernel logs records is accepted too: `type=1300 audit(…): …`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Line`] if the line does not start with `[node=NAME ]type=TYPE msg=audit(`, or
    /// if an escape is invalid.
    pub fn parse(line: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(line).ok_or(DecodeError::Line)
    }

    fn read(line: &'a [u8]) -> Option<Self> {
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
        line.extend_from_slice(format!("type={} msg=", self.message_type).as_bytes());
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
