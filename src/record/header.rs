//! The header of a record: `[node=NAME ]audit(SECONDS.MILLIS:SERIAL): `.

use std::fmt;

use memchr::memchr;

use crate::decode::DecodeError;
use crate::macros::pad_with;
use crate::time::Timestamp;

/// The identity of an event, which all its records share: the kernel's time and serial number.
///
/// The serial number starts at 1 on each boot and wraps after 2³². It identifies an event only
/// together with the time.
///
/// Source: `kernel/audit.c`, `audit_log_start` and `audit_serial`.
///
/// # Examples
///
/// ```
/// use auditlink::EventId;
///
/// let id: EventId = "1700000000.123:30".parse()?;
/// assert_eq!((id.time().millis(), id.serial()), (123, 30));
/// assert_eq!(id.to_string(), "1700000000.123:30");
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    time: Timestamp,
    serial: u32,
}

impl EventId {
    /// Creates an ID from its two parts.
    #[inline]
    #[must_use]
    pub const fn new(time: Timestamp, serial: u32) -> Self {
        Self { time, serial }
    }

    /// Returns the kernel's time of the event.
    #[inline]
    #[must_use]
    pub const fn time(self) -> Timestamp {
        self.time
    }

    /// Returns the kernel's serial number of the event.
    #[inline]
    #[must_use]
    pub const fn serial(self) -> u32 {
        self.serial
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |out| write!(out, "{}:{}", self.time, self.serial))
    }
}

impl std::str::FromStr for EventId {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, rest) = stamp(text.as_bytes()).ok_or(DecodeError::Header)?;
        if rest.is_empty() { Ok(id) } else { Err(DecodeError::Header) }
    }
}

/// The parts of a record's header, and the position of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) node: Option<&'a [u8]>,
    pub(crate) id: EventId,
    pub(crate) body_at: usize,
}

impl<'a> Header<'a> {
    /// Reads a header of the usual form; `None` does not rule out other forms.
    #[inline]
    pub(crate) fn usual(text: &'a [u8]) -> Option<Self> {
        let (id, body_at) = usual(text)?;
        Some(Self { node: None, id, body_at })
    }

    /// Returns the last three digits of the serial number, if the header has the usual form.
    ///
    /// The form is not checked: for another header the digits are arbitrary.
    #[inline]
    pub(crate) fn last_digits_if_usual(text: &[u8]) -> Option<usize> {
        let (word, count) = serial_word(text)?;
        let digits = match count {
            1..=7 => word << (8 * (8 - count)),
            8 => u64::from_le_bytes(*text.get(..serial(text)?.1)?.last_chunk()?),
            _ => return None,
        };
        let digit = |place: u64| digits >> (8 * place) & 0xF;
        usize::try_from(digit(5) * 100 + digit(6) * 10 + digit(7)).ok()
    }

    /// Reads a header of any form.
    #[inline(never)]
    pub(crate) fn parse_any(text: &'a [u8]) -> Result<Self, DecodeError> {
        let mut rest = text;
        let mut node = None;
        if let Some(after) = rest.strip_prefix(b"node=") {
            let end = memchr(b' ', after).ok_or(DecodeError::Header)?;
            let (name, tail) = after.split_at(end);
            node = Some(name);
            rest = tail.get(1..).unwrap_or_default();
        }
        let rest = rest.strip_prefix(b"audit(").ok_or(DecodeError::Header)?;
        let (id, rest) = stamp(rest).ok_or(DecodeError::Header)?;
        // auditd up to 2.7 wrote no colon in records about itself; some programs drop it before an empty body
        let rest = rest.strip_prefix(b")").ok_or(DecodeError::Header)?;
        let rest = match rest {
            [b':', rest @ ..] => rest,
            [b' ', ..] | [] => rest,
            _ => return Err(DecodeError::Header),
        };
        let body = rest.strip_prefix(b" ").unwrap_or(rest);
        Ok(Self { node, id, body_at: text.len() - body.len() })
    }
}

/// Reads a header of the usual form, with ten digits of seconds, eight digits at a time. `None` does
/// not rule out other forms.
#[inline]
fn usual(text: &[u8]) -> Option<(EventId, usize)> {
    let head = text.first_chunk::<SERIAL_AT>()?;
    let word = |at: usize| Some(u64::from_le_bytes(*head.get(at..)?.first_chunk()?));
    // the words overlap: `audit(ss`, `ssssssss`, `ssss.mmm`; of the last, only new digits are read
    let (name, upper, lower) = (word(0)?, word(6)?, word(12)?);
    let is_named = name << 16 == u64::from_le_bytes(*b"\0\0audit(") && head[20] == b':';
    let has_point = lower >> 32 & 0xFF == u64::from(b'.');
    let lower = lower & 0xFFFF_FF00_FFFF_0000 | ZEROS & 0x0000_00FF_0000_FFFF;
    let (serial, end) = serial(text)?;
    let [b')', b':', b' ', ..] = text.get(end..)? else { return None };
    if !(is_named && has_point && others(upper) | others(lower) == 0) {
        return None;
    }
    let (units, millis) = twice_four_digits(lower);
    let seconds = eight_digits(upper) * 100 + units;
    let time = Timestamp::new(seconds, u16::try_from(millis).ok()?)?;
    Some((EventId::new(time, u32::try_from(serial).ok()?), end + 3))
}

/// The position of the serial number in a header of the usual form.
const SERIAL_AT: usize = 21;

/// Reads the serial number of a header of the usual form, and returns its end.
#[inline]
fn serial(text: &[u8]) -> Option<(u64, usize)> {
    let (word, count) = serial_word(text)?;
    if count == 0 {
        return None;
    }
    // shift the digits to the end, and fill with zeros before them
    let mut serial = eight_digits(word << (8 * (8 - count)) | ZEROS >> 8 >> (8 * (count - 1)));
    let mut end = SERIAL_AT + count;
    if count == 8 {
        // numbers of 32 bits have up to ten
        for digit in text.get(end..).unwrap_or_default().iter().take(2) {
            if !digit.is_ascii_digit() {
                break;
            }
            serial = serial * 10 + u64::from(digit - b'0');
            end += 1;
        }
    }
    Some((serial, end))
}

/// Returns the first eight bytes of the serial number, and how many of them are digits.
#[inline(always)]
fn serial_word(text: &[u8]) -> Option<(u64, usize)> {
    let rest = text.get(SERIAL_AT..)?;
    let word = match rest.first_chunk() {
        Some(serial) => u64::from_le_bytes(*serial),
        None if rest.is_empty() => return None,
        None => u64::from_le_bytes(*text.last_chunk()?) >> (64 - 8 * rest.len()),
    };
    Some((word, others(word).trailing_zeros() as usize / 8))
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Eight digits `0`.
const ZEROS: u64 = ONES * 0x30;

/// Returns a word with the eighth bit set in each byte that is not a digit.
#[inline]
const fn others(word: u64) -> u64 {
    let digits = word ^ ZEROS;
    (((digits & (0x7F * ONES)) + 0x76 * ONES) | digits) & (0x80 * ONES)
}

/// Reads eight digits, the first in the lowest byte.
#[inline]
const fn eight_digits(word: u64) -> u64 {
    let (high, low) = twice_four_digits(word);
    high * 10_000 + low
}

/// Reads eight digits as two numbers: digits are combined to pairs, pairs to fours.
#[inline]
const fn twice_four_digits(word: u64) -> (u64, u64) {
    let digits = word ^ ZEROS;
    let pairs = digits * 10 + (digits >> 8);
    let fours = (pairs & 0x00FF_00FF_00FF_00FF) * 100 + ((pairs >> 16) & 0x00FF_00FF_00FF_00FF);
    (fours & 0xFFFF, (fours >> 32) & 0xFFFF)
}

/// Reads `SECONDS.MILLIS:SERIAL`, and returns the rest of the text.
fn stamp(text: &[u8]) -> Option<(EventId, &[u8])> {
    let (seconds, rest) = digits(text)?;
    let rest = rest.strip_prefix(b".")?;
    let (millis, after) = digits(rest)?;
    // the kernel writes three digits, padded with zeros; Android's log daemon replaces the time by 0.0
    if rest.len() - after.len() != 3 && !text.starts_with(b"0.0:") {
        return None;
    }
    let rest = after.strip_prefix(b":")?;
    let (serial, rest) = digits(rest)?;
    let time = Timestamp::new(seconds, u16::try_from(millis).ok()?)?;
    Some((EventId::new(time, u32::try_from(serial).ok()?), rest))
}

/// Reads one or more decimal digits, and returns the rest; `None` if the number overflows.
fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    let mut rest = text;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        rest = tail;
    }
    if rest.len() == text.len() { None } else { Some((number, rest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Header<'_>, DecodeError> {
        Header::usual(text).map_or_else(|| Header::parse_any(text), Ok)
    }

    fn id(seconds: u64, millis: u16, serial: u32) -> EventId {
        EventId::new(Timestamp::new(seconds, millis).expect("millis below 1000"), serial)
    }

    #[test]
    fn seconds_with_fewer_than_ten_digits() {
        let header = parse(b"audit(0.360:3): pid=1").expect("a header");
        assert_eq!(header, Header { node: None, id: id(0, 360, 3), body_at: 16 });
    }

    #[test]
    fn android_has_no_time() {
        assert_eq!(parse(b"audit(0.0:741): avc: x").map(|header| header.id), Ok(id(0, 0, 741)));
        assert_eq!(parse(b"audit(0.00:741): x"), Err(DecodeError::Header));
        assert_eq!(parse(b"audit(1.0:741): x"), Err(DecodeError::Header));
    }

    #[test]
    fn milliseconds_are_digits_not_a_float() {
        assert_eq!(parse(b"audit(1700000000.007:9): x").map(|h| h.id), Ok(id(1_700_000_000, 7, 9)));
        assert_eq!(parse(b"audit(1700000000.7:9): x"), Err(DecodeError::Header));
        assert_eq!(parse(b"audit(1700000000.0007:9): x"), Err(DecodeError::Header));
    }

    #[test]
    fn a_header_without_colon() {
        let text = b"audit(1490239800.477:34) config changed, auid=0";
        let header = parse(text).expect("a header");
        assert_eq!(
            (header.id.serial(), &text[header.body_at..]),
            (34, &b"config changed, auid=0"[..])
        );
        assert_eq!(parse(b"audit(5.001:2)").map(|header| header.body_at), Ok(14));
        assert_eq!(parse(b"audit(5.001:2)x: y"), Err(DecodeError::Header));
    }

    #[test]
    fn formatted_dates_are_refused() {
        let text = b"audit(11/14/23 22:13:20.123:30) : x";
        assert_eq!(parse(text), Err(DecodeError::Header));
    }

    #[test]
    fn the_node_is_read() {
        let header = parse(b"node=web1 audit(5.001:2): x").expect("a header");
        assert_eq!(header.node, Some(&b"web1"[..]));
        assert_eq!(header.body_at, 26);
    }

    #[test]
    fn an_eoe_record_has_an_empty_body() {
        let text = b"audit(5.001:2): ";
        assert_eq!(parse(text).map(|h| h.body_at), Ok(text.len()));
        assert_eq!(parse(b"audit(5.001:2):").map(|h| h.body_at), Ok(15));
    }

    #[test]
    fn serials_are_32_bits_wide() {
        assert_eq!(parse(b"audit(5.001:4294967295): ").map(|h| h.id.serial()), Ok(u32::MAX));
        assert_eq!(parse(b"audit(5.001:4294967296): "), Err(DecodeError::Header));
        assert!(parse(b"audit(99999999999999999999.001:1): ").is_err());
    }

    #[test]
    fn headers_of_the_usual_form_are_read_like_all_others() {
        for seconds in [1_000_000_000_u64, 1_234_567_890, 1_700_000_000, 9_999_999_999] {
            for millis in [0, 7, 42, 123, 999] {
                for serial in
                    [1_u32, 9, 10, 987, 4242, 30_303, 654_321, 9_999_999, 12_345_678, u32::MAX]
                {
                    let text = format!("audit({seconds}.{millis:03}:{serial}): pid=1 uid=0");
                    let expected = Header::parse_any(text.as_bytes());
                    assert_eq!(parse(text.as_bytes()), expected, "{text}");
                    assert_eq!(expected.map(|header| header.id), Ok(id(seconds, millis, serial)));
                    assert!(usual(text.as_bytes()).is_some(), "{text}");
                    let last_digits = Header::last_digits_if_usual(text.as_bytes());
                    assert_eq!(last_digits, Some(serial as usize % 1000));
                    let bare = &text[..text.len() - 11];
                    assert_eq!(
                        parse(bare.as_bytes()).map(|head| head.id),
                        expected.map(|head| head.id)
                    );
                }
            }
        }
        let good = b"audit(1700000000.123:4242): pid=1";
        for at in 0..28 {
            for byte in 0..=u8::MAX {
                let mut text = *good;
                text[at] = byte;
                assert_eq!(parse(&text), Header::parse_any(&text), "{}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn every_truncation_is_refused_until_the_parenthesis() {
        let text = b"node=a audit(1700000000.123:30)";
        for end in 0..text.len() {
            assert_eq!(parse(&text[..end]), Err(DecodeError::Header), "{end}");
        }
        assert!(parse(text).is_ok());
    }
}
