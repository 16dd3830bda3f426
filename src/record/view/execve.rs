//! The `EXECVE` records: the arguments of a program, joined from one or more records.

use std::collections::BTreeMap;

use crate::bytestr::ByteStr;
use crate::message_type::MessageType;
use crate::record::schema::{DECIMAL, Kind, Schema, common};
use crate::record::{Field, Record};

/// The argument list that the kernel logged for `execve` or `execveat`.
///
/// The kernel writes about 7,500 bytes per record: a long list continues in further records of
/// the same event, and a long argument comes in pieces, `a1_len=… a1[0]=… a1[1]=…`.
///
/// Source: `kernel/auditsc.c`, `audit_log_execve_info`.
///
/// [`Event::execve`](crate::Event::execve) returns it.
///
/// # Examples
///
/// ```
/// use auditlink::capture::synthetic::{Mix, Workload};
/// use auditlink::Events;
///
/// let stream = Workload::new(1).mix(Mix::Execs).events(1).generate();
/// let events = Events::new(stream.source());
/// let event = events.ignore_losses().next().ok_or("no event")??;
/// let list = event.execve().ok_or("another event")?;
/// assert_eq!(list.missing(), Some(0));
/// assert_eq!(list.argc(), u32::try_from(list.arguments().count()).ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "AUDIT_EXECVE")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execve<'a> {
    argc: Option<u32>,
    arguments: BTreeMap<u32, Argument<'a>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Argument<'a> {
    /// What `aN_len` announced: bytes, or twice as many hex digits.
    announced: Option<u64>,
    /// What arrived, by piece, with its length on the wire.
    pieces: BTreeMap<u32, (ByteStr<'a>, u64)>,
}

impl<'a> Execve<'a> {
    pub(super) const SCHEMA: Schema = Schema {
        has: |message_type| matches!(message_type, MessageType::EXECVE),
        fields: &[(b"argc", DECIMAL)],
        others: |name| match name {
            [b'a', b'0'..=b'9', rest @ ..] if !rest.ends_with(b"_len") => Some(Kind::Text),
            _ => common::kind(name),
        },
    };

    #[cfg(test)]
    pub(super) const GETTERS: &'static [super::tests::Getter] = &[];

    /// Joins the `EXECVE` records of one event, given in their order.
    pub(crate) fn join(records: impl Iterator<Item = Record<'a>>) -> Self {
        let mut list = Self::default();
        for field in records.flat_map(|record| record.fields()) {
            list.add(field);
        }
        list
    }

    fn add(&mut self, field: Field<'a>) {
        if field.name == b"argc" {
            self.argc = self.argc.or_else(|| field.value.decimal());
            return;
        }
        let Some(name) = ArgumentName::parse(field.name) else {
            return;
        };
        let argument = self.arguments.entry(name.index).or_default();
        match name.part {
            Part::Length => argument.announced = field.value.decimal(),
            Part::Piece(piece) => {
                let length = field.value.bytes().len() as u64;
                let bytes = match field.value.untrusted().bytes() {
                    Some(bytes) => bytes,
                    None => field.value.bytes().into(),
                };
                argument.pieces.insert(piece, (bytes, length));
            }
        }
    }

    /// Returns how many arguments the program was given; `None` if the first record is missing.
    #[must_use]
    pub const fn argc(&self) -> Option<u32> {
        self.argc
    }

    /// Iterates over the arguments that arrived, in the order of their indices.
    ///
    /// An argument whose pieces did not all arrive is returned as far as it arrived;
    /// [`Event::missing`](crate::Event::missing) counts them.
    pub fn arguments(&self) -> impl Iterator<Item = ByteStr<'_>> {
        self.arguments.values().map(Argument::join)
    }

    /// As [`arguments`](Self::arguments), with the lifetime of the records.
    pub(crate) fn into_arguments(self) -> impl Iterator<Item = ByteStr<'a>> {
        self.arguments.into_values().map(Argument::into_bytes)
    }

    /// Returns how many arguments are missing or incomplete; `None` if [`argc`](Self::argc) is.
    #[must_use]
    pub fn missing(&self) -> Option<u32> {
        let argc = self.argc?;
        let whole = self.arguments.range(..argc).filter(|(_, argument)| argument.is_whole());
        Some(argc.saturating_sub(u32::try_from(whole.count()).unwrap_or(u32::MAX)))
    }
}

impl<'a> Argument<'a> {
    fn into_bytes(mut self) -> ByteStr<'a> {
        match self.pieces.pop_first() {
            Some((_, (only, _))) if self.pieces.is_empty() => only,
            Some((_, (first, _))) => {
                let mut bytes = first.into_bytes();
                self.pieces.values().for_each(|(more, _)| bytes.extend_from_slice(more));
                bytes.into()
            }
            None => ByteStr::default(),
        }
    }

    fn join(&self) -> ByteStr<'_> {
        match self.pieces.first_key_value() {
            Some((_, (only, _))) if self.pieces.len() == 1 => ByteStr::borrowed(only),
            _ => {
                let bytes = self.pieces.values().flat_map(|(bytes, _)| bytes.iter().copied());
                bytes.collect::<Vec<_>>().into()
            }
        }
    }

    /// Returns whether all pieces arrived and are as long as announced.
    fn is_whole(&self) -> bool {
        let contiguous = self.pieces.keys().zip(0_u32..).all(|(piece, index)| *piece == index);
        let received: u64 = self.pieces.values().map(|(_, length)| *length).sum();
        !self.pieces.is_empty()
            && contiguous
            && self.announced.is_none_or(|announced| announced == received)
    }
}

/// The name of a field of an `EXECVE` record: `a7`, `a7_len`, or `a7[2]`.
struct ArgumentName {
    index: u32,
    part: Part,
}

enum Part {
    Length,
    Piece(u32),
}

impl ArgumentName {
    fn parse(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?.strip_prefix('a')?;
        let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
        let (index, rest) = name.split_at(end);
        let index = index.parse().ok()?;
        let part = match rest {
            "" => Part::Piece(0),
            "_len" => Part::Length,
            _ => Part::Piece(rest.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?),
        };
        Some(Self { index, part })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(bodies: &[&str]) -> Execve<'static> {
        let records = bodies.iter().map(|body| {
            let text: &'static str = format!("audit(1.000:2): {body}").leak();
            Record::parse(MessageType::EXECVE, text.as_bytes()).expect("a header")
        });
        Execve::join(records)
    }

    fn strings(list: &Execve<'_>) -> Vec<String> {
        list.arguments().map(|arg| String::from_utf8_lossy(&arg).into_owned()).collect()
    }

    #[test]
    fn ten_and_more_arguments() {
        let list = join(&[r#"argc=12 a0="x" a1="1" a10="y" a11="z" a2="2""#]);
        assert_eq!(strings(&list), ["x", "1", "2", "y", "z"]);
        assert_eq!(list.missing(), Some(7));
    }

    #[test]
    fn a_split_argument() {
        let list = join(&[r#"argc=2 a0="cat" a1_len=6 a1[0]="AAA""#, r#" a1[1]="BBB""#]);
        assert_eq!(strings(&list), ["cat", "AAABBB"]);
        assert_eq!(list.missing(), Some(0));
        let cut = join(&[r#"argc=2 a0="cat" a1_len=6 a1[0]="AAA""#]);
        assert_eq!(cut.missing(), Some(1));
    }

    #[test]
    fn a_split_in_the_middle_of_a_character() {
        let list = join(&["argc=1 a0_len=4 a0[0]=C3 a0[1]=A9"]);
        assert_eq!(strings(&list), ["é"]);
        assert_eq!(list.missing(), Some(0), "hex counts digits");
    }

    #[test]
    fn pieces_mixed_with_whole_arguments() {
        let list = join(&[r#"argc=3 a0="c" a1_len=4 a1[0]="ab""#, r#" a1[1]="cd" a2="--flag""#]);
        assert_eq!(strings(&list), ["c", "abcd", "--flag"]);
        assert_eq!(list.missing(), Some(0));
    }

    #[test]
    fn an_empty_argument() {
        let list = join(&[r#"argc=3 a0="sh" a1="" a2="x""#]);
        assert_eq!(strings(&list), ["sh", "", "x"]);
        assert_eq!(list.missing(), Some(0));
    }

    #[test]
    fn no_arguments() {
        let list = join(&["argc=0"]);
        assert_eq!((list.argc(), list.missing(), strings(&list).len()), (Some(0), Some(0), 0));
        assert_eq!(join(&[r#"a1="tail""#]).missing(), None);
    }

    #[test]
    fn absurd_indices_cost_nothing() {
        let list =
            join(&[r#"argc=4294967295 a4294967295="x" a99999999999="y" a0[4294967295]="z""#]);
        assert_eq!(list.missing(), Some(u32::MAX));
    }

    #[test]
    fn text_that_is_no_argument_is_left_out() {
        assert_eq!(ArgumentName::parse(b"a1[x]").map(|name| name.index), None);
        assert_eq!(strings(&join(&["argc=1 auid=0 a=1 a0=\"k\""])), ["k"]);
    }
}
