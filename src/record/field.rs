//! The fields of a record, found one by one in its bytes.

use std::fmt;

use memchr::{memchr, memrchr};

use super::scan::{Window, find, find_within, signs};
use super::value::Value;

/// One `name=value` of a record; text without `=` has an empty name.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a field is a name and a value, for good")]
pub struct Field<'a> {
    /// The bytes before the `=`.
    pub name: &'a [u8],
    /// What follows the `=`.
    pub value: Value<'a>,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}", self.name.escape_ascii(), self.value)
    }
}

/// Iterates over the fields of a record in their order; made by [`Record::fields`].
///
/// Nothing is copied and nothing fails: what is no pair of a name and a value is a field without a
/// name. Words before the first pair are one such field, as in `tty pid=1` or in the text of an AVC
/// record.
///
/// [`Record::fields`]: super::Record::fields
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    text: &'a [u8],
    /// What was read so far.
    at: usize,
    /// Where the first word begins; moved on while there are but spaces.
    start: usize,
    grammar: Grammar,
    /// How much of the text stands behind the last ` }`, which ends an address.
    behind_brace: usize,
    window: Window<b' '>,
    /// Where the last word ends that was looked at: a quote may close before it.
    word_end: usize,
    /// The [`signs`] from `at` on, as far as they are known: none is set behind that.
    signs: u64,
}

/// Who composed a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    /// The kernel.
    Kernel,
    /// A user-space program, where a word without `=` belongs to the value before it.
    Message,
    /// auditd, which adds fields behind those of the record.
    Enrichment,
}

/// Separates a record's own fields from those that auditd adds when it enriches a log.
const ENRICHMENT: u8 = 0x1D;

impl<'a> Fields<'a> {
    /// Iterates over text that the kernel composed, from `body_at` up to what auditd added.
    #[inline]
    pub(crate) const fn of_kernel(text: &'a [u8], body_at: usize) -> Self {
        Self { at: body_at, start: body_at, ..Self::new(text, Grammar::Kernel, 0) }
    }

    /// Iterates over text that a user-space program composed: what stands in `msg='…'`.
    #[must_use]
    pub const fn of_message(text: &'a [u8]) -> Self {
        Self::new(text, Grammar::Message, 0)
    }

    /// Iterates over what auditd added behind the text.
    pub(crate) fn of_enrichment(text: &'a [u8]) -> Self {
        let text = enrichment(text).unwrap_or_default();
        let brace = memchr::memmem::rfind(text, b" }").map_or(0, |at| at + 2);
        Self::new(text, Grammar::Enrichment, text.len() - brace)
    }

    #[inline]
    const fn new(text: &'a [u8], grammar: Grammar, behind_brace: usize) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            grammar,
            behind_brace,
            window: Window::new(),
            word_end: 0,
            signs: 0,
        }
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes `length` bytes off the front.
    #[inline]
    fn take(&mut self, length: usize) -> &'a [u8] {
        let head = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        head
    }

    /// Returns where the word ends that begins or goes on at `from`, which never goes back.
    #[inline(always)]
    fn word_end(&mut self, from: usize) -> usize {
        if from < self.word_end {
            return self.word_end;
        }
        let mut end = self.window.find(self.text, from);
        // other control bytes are no separators
        while !matches!(self.text.get(end), None | Some(b' ' | &ENRICHMENT)) {
            end = self.window.find(self.text, end + 1);
        }
        self.word_end = end;
        end
    }

    /// Takes a field of any form.
    #[inline(never)]
    fn any(&mut self) -> Option<Field<'a>> {
        self.signs = 0;
        while let Some(byte @ (b' ' | &ENRICHMENT)) = self.text.get(self.at) {
            if *byte == ENRICHMENT && self.grammar == Grammar::Kernel {
                return None;
            }
            self.start += usize::from(self.start == self.at);
            self.at += 1;
        }
        let start = self.at;
        let first = self.text.get(start)?;
        let end = self.word_end(start);
        if *first == b'(' {
            return Some(self.parenthesis(end));
        }
        let rest = self.text.get(start..).unwrap_or_default();
        match find_within(rest, end - start, b'=') {
            Some(length) => Some(self.pair(start, length, end)),
            None => Some(self.words(end - start)),
        }
    }

    /// Takes words that are no pairs, of which the first has this length.
    #[inline]
    fn words(&mut self, first: usize) -> Field<'a> {
        // only before the first pair they belong together; between pairs a word is a field
        let is_leading = self.at == self.start;
        let length = if is_leading { continued(self.rest(), first) } else { first };
        Field { name: b"", value: Value::Bare(self.take(length)) }
    }

    /// Takes a pair whose name has this length; `end` is where the word ends.
    #[inline(always)]
    fn pair(&mut self, start: usize, length: usize, end: usize) -> Field<'a> {
        let name = self.text.get(start..start + length).unwrap_or_default();
        self.at = start + length + 1;
        Field { name, value: self.value(name, end) }
    }

    /// Takes a word that begins with a parenthesis: text, or a pair of an old version of PAM.
    #[inline]
    fn parenthesis(&mut self, end: usize) -> Field<'a> {
        let start = self.at + usize::from(self.grammar == Grammar::Message);
        match name_in_parentheses(self.text.get(self.at..end), self.text.get(start..end)) {
            Some(length) => self.pair(start, length, end),
            None => self.words(end - self.at),
        }
    }

    /// Takes what follows an `=`; `end` is where the word ends.
    #[inline(always)]
    fn value(&mut self, name: &[u8], end: usize) -> Value<'a> {
        match self.text.get(self.at) {
            Some(b'"') => {
                let inside = self.text.get(self.at + 1..).unwrap_or_default();
                if let Some(length) = find(inside, b'"') {
                    self.at += length + 2;
                    return Value::Quoted(inside.get(..length).unwrap_or_default());
                }
            }
            Some(b'\'' | b'{') => {
                let braces = match self.grammar {
                    Grammar::Enrichment => self.rest().len().checked_sub(self.behind_brace),
                    _ => None,
                };
                if let Some((length, value)) = delimited(self.rest(), name, braces) {
                    self.at += length;
                    return value;
                }
            }
            _ => {}
        }
        let length = end - self.at;
        match self.grammar {
            // only these can end elsewhere than at a space
            Grammar::Kernel
                if matches!(
                    name,
                    b"ses" | [b's', b'u', b'b', b'j', ..] | [b'o', b'b', b'j', ..]
                ) =>
            {
                let length = bare_of_kernel(self.rest(), name, length);
                Value::Bare(self.take(length))
            }
            Grammar::Kernel => Value::Bare(self.take(length)),
            Grammar::Message | Grammar::Enrichment => {
                let length = continued(self.rest(), length);
                Value::Bare(bare_of_message(name, self.take(length)))
            }
        }
    }
}

/// Reads a field of the form `name=value ` or `name="value" ` whose signs are known, and returns how
/// long it is; almost all fields are such.
#[inline(always)]
fn usual(rest: &[u8], signs: u64) -> Option<(Field<'_>, usize)> {
    let (equals, signs) = (place(signs), signs & signs.wrapping_sub(1));
    if signs == 0 {
        return None; // not enough is known
    }
    let (word, behind) = rest.split_at_checked(place(signs))?;
    let (name, [b'=', value @ ..]) = word.split_at_checked(equals)? else { return None };
    match behind {
        // a parenthesis belongs to a label, perhaps, or is text
        [b' ', next, ..] if *next != b'(' => {
            Some((Field { name, value: Value::Bare(value) }, word.len() + 1))
        }
        [b'"', inside @ ..] if value.is_empty() => {
            let signs = signs & (signs - 1);
            if signs == 0 {
                return None;
            }
            let (value, behind) = inside.split_at_checked(place(signs) - word.len() - 1)?;
            let length = match behind {
                [b'"', b' ', next, ..] if *next != b'(' => 2,
                [b'"'] => 1,
                _ => return None,
            };
            Some((Field { name, value: Value::Quoted(value) }, place(signs) + length))
        }
        [] => Some((Field { name, value: Value::Bare(value) }, word.len())),
        _ => None,
    }
}

/// Returns the place of the first sign.
#[inline(always)]
fn place(signs: u64) -> usize {
    signs.trailing_zeros() as usize
}

/// Moves the end of a word behind those that follow it and are no pairs.
#[cold]
fn continued(text: &[u8], mut end: usize) -> usize {
    loop {
        let (gap, length) = next_word(text, end);
        let word = text.get(end + gap..end + gap + length).unwrap_or_default();
        if gap == 0 || length == 0 || is_pair(word) {
            return end;
        }
        end += gap + length;
    }
}

/// Returns the length of the name in a word that begins with a parenthesis, if it is a pair.
#[cold]
fn name_in_parentheses(word: Option<&[u8]>, inside: Option<&[u8]>) -> Option<usize> {
    find(inside?, b'=').filter(|_| word.is_some_and(is_pair))
}

/// Reads a value in single quotes or, from auditd, in braces, of which the length is given.
#[cold]
fn delimited<'a>(text: &'a [u8], name: &[u8], braces: Option<usize>) -> Option<(usize, Value<'a>)> {
    let inside = text.get(1..)?;
    match text {
        [b'\'', ..] if name == b"msg" => {
            let end = message_end(inside)?;
            Some((end + 2, Value::Nested(inside.get(..end)?)))
        }
        [b'\'', ..] => {
            let end = memchr(b'\'', inside)?;
            Some((end + 2, Value::Quoted(inside.get(..end)?)))
        }
        // an address; its path may hold spaces and braces
        [b'{', b' ', ..] => {
            let length = braces.filter(|length| *length > 0)?;
            Some((length, Value::Bare(text.get(..length)?)))
        }
        _ => None,
    }
}

/// Returns the length of a value of the kernel that may end elsewhere than its word.
#[inline(never)]
fn bare_of_kernel(text: &[u8], name: &[u8], end: usize) -> usize {
    // Linux forgets the space after the session in the notice of a rule that vanished
    if name == b"ses" {
        let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_glued = text.get(digits..).is_some_and(|rest| rest.starts_with(b"op="));
        return if is_glued { digits } else { end };
    }
    // an AppArmor label ends with its mode: `subj=snap.x (enforce)`
    if text.get(end..).is_some_and(|rest| rest.starts_with(b" (")) {
        let (gap, length) = next_word(text, end);
        if text.get(end + gap + length - 1) == Some(&b')') {
            return end + gap + length;
        }
    }
    end
}

/// Cuts off what old versions of PAM wrote between fields:
/// `(hostname=?, addr=?, terminal=tty1 res=success)`.
fn bare_of_message<'a>(name: &[u8], value: &'a [u8]) -> &'a [u8] {
    match (name, value) {
        (b"hostname" | b"addr" | b"terminal", [value @ .., b',']) => value,
        (b"res", [value @ .., b')']) => value,
        _ => value,
    }
}

/// Returns where the message of a program ends, which began with a quote: at the last quote of the
/// record, but before what auditd added.
fn message_end(inside: &[u8]) -> Option<usize> {
    let end = memrchr(b'\'', inside)?;
    let rest = inside.get(end + 1..).unwrap_or_default();
    if rest.iter().all(|byte| *byte == b' ') {
        return Some(end);
    }
    memchr::memmem::rfind(inside, &[b'\'', ENRICHMENT]).or(Some(end))
}

/// Returns what auditd added behind a record's own fields.
fn enrichment(text: &[u8]) -> Option<&[u8]> {
    let first = memchr(ENRICHMENT, text)?;
    let at = match memchr::memmem::find(text, b"msg='") {
        // what a program says may hold the separator too
        Some(message) if message < first => {
            let inside = text.get(message + 5..).unwrap_or_default();
            message + 5 + message_end(inside)? + 1
        }
        _ => first,
    };
    text.get(at..).filter(|rest| rest.first() == Some(&ENRICHMENT))?.get(1..)
}

/// Returns the length of the word at the start of `text`.
fn word_end(text: &[u8]) -> usize {
    text.iter().position(|byte| matches!(*byte, b' ' | ENRICHMENT)).unwrap_or(text.len())
}

/// Returns how many spaces stand at `at`, and the length of the word behind them.
fn next_word(text: &[u8], at: usize) -> (usize, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let gap = rest.iter().take_while(|byte| **byte == b' ').count();
    (gap, word_end(rest.get(gap..).unwrap_or_default()))
}

/// Tells whether a word is a pair; one in parentheses, such as `(seqno=2)`, is text.
fn is_pair(word: &[u8]) -> bool {
    !matches!(word, [b'(', .., b')']) && memchr(b'=', word).is_some()
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let mut is_fresh = self.grammar != Grammar::Kernel;
        loop {
            if let Some((field, length)) = usual(self.rest(), self.signs) {
                self.at += length;
                // one that fills the window, and more, leaves none
                self.signs = if length < 64 { self.signs >> length } else { 0 };
                return Some(field);
            }
            match self.text.get(self.at) {
                None => return None,
                // text, perhaps; what follows a field of the usual form is none
                Some(b'(') => break,
                Some(_) if is_fresh => break,
                Some(_) => {}
            }
            self.signs = signs(self.text, self.at);
            is_fresh = true;
        }
        // a copy, so that the usual way can be kept in registers
        let mut fields = self.clone();
        let field = fields.any();
        *self = fields;
        field
    }
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
