//! The fields of a record, found one by one in its text.

use std::fmt;

use memchr::{memchr, memrchr};

use super::scan::{ByteScanner, find, find_within, signs};
use super::value::Value;

/// One `name=value` of a record; text without `=` has an empty name.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a field is a name and a value")]
pub struct Field<'a> {
    /// The bytes before the `=`.
    pub name: &'a [u8],
    /// The value after the `=`.
    pub value: Value<'a>,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}", self.name.escape_ascii(), self.value)
    }
}

/// Iterates over the fields of a record in their order; made by [`Record::fields`].
///
/// Nothing is copied, and no text is an error: a word without `=` is a field without a name. The words
/// before the first pair are one such field, such as `tty` in `tty pid=1`, or the text of an AVC
/// record.
///
/// # Examples
///
/// ```
/// use auditlink::record::Value;
/// use auditlink::{MessageType, Record};
///
/// let record = Record::parse(MessageType::TTY, b"audit(1.000:2): tty pid=9 comm=\"sh\"")?;
/// let fields: Vec<_> = record.fields().map(|field| (field.name, field.value)).collect();
/// assert_eq!(fields[0], (&b""[..], Value::Bare(b"tty")));
/// assert_eq!(fields[1], (&b"pid"[..], Value::Bare(b"9")));
/// assert_eq!(fields[2], (&b"comm"[..], Value::Quoted(b"sh")));
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
///
/// [`Record::fields`]: super::Record::fields
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    text: &'a [u8],
    /// The position of the next field.
    at: usize,
    /// The position of the first word; it advances over leading spaces.
    start: usize,
    grammar: Grammar,
    /// The length of the text after the last ` }`, which ends an address.
    after_brace: usize,
    scanner: ByteScanner<b' '>,
    /// The end of the last word that was scanned; a quote can close before it.
    word_end: usize,
    /// The [`signs`] from `at` on, as far as they were scanned; the bits after that are 0.
    signs: u64,
}

/// The writer of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    /// The kernel.
    Kernel,
    /// The audit daemon, about itself: commas of old versions separate values.
    Daemon,
    /// A user-space program: a word without `=` belongs to the value before it.
    Message,
    /// auditd, which appends fields to a record.
    Enrichment,
}

/// Separates the fields of a record from those that auditd appends in an enriched log.
const ENRICHMENT: u8 = 0x1D;

impl<'a> Fields<'a> {
    /// Iterates over text that the kernel wrote, from `body_at` to the fields that auditd appended.
    #[inline]
    pub(crate) const fn of_kernel(text: &'a [u8], body_at: usize) -> Self {
        Self { at: body_at, start: body_at, ..Self::new(text, Grammar::Kernel, 0) }
    }

    /// Iterates over text that the audit daemon wrote about itself.
    pub(crate) const fn of_daemon(text: &'a [u8], body_at: usize) -> Self {
        Self { grammar: Grammar::Daemon, ..Self::of_kernel(text, body_at) }
    }

    /// Iterates over text that a user-space program wrote: the content of `msg='…'`.
    ///
    /// Old versions of libaudit and PAM wrote punctuation around their values, as in
    /// `acct=root : exe="/bin/login" (hostname=?, addr=?, terminal=tty1 res=success)`. It is not part of
    /// them.
    #[must_use]
    pub const fn of_message(text: &'a [u8]) -> Self {
        Self::new(text, Grammar::Message, 0)
    }

    /// Iterates over the fields that auditd appended to the text.
    pub(crate) fn of_enrichment(text: &'a [u8]) -> Self {
        let text = enrichment(text).unwrap_or_default();
        let brace = memchr::memmem::rfind(text, b" }").map_or(0, |at| at + 2);
        Self::new(text, Grammar::Enrichment, text.len() - brace)
    }

    #[inline]
    const fn new(text: &'a [u8], grammar: Grammar, after_brace: usize) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            grammar,
            after_brace,
            scanner: ByteScanner::new(),
            word_end: 0,
            signs: 0,
        }
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes the next `length` bytes.
    #[inline]
    fn take(&mut self, length: usize) -> &'a [u8] {
        let head = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        head
    }

    /// Returns the end of the word at `from`; `from` must not decrease from call to call.
    #[inline(always)]
    fn word_end(&mut self, from: usize) -> usize {
        if from < self.word_end {
            return self.word_end;
        }
        let mut end = self.scanner.find(self.text, from);
        // other control bytes are not separators
        while !matches!(self.text.get(end), None | Some(b' ' | &ENRICHMENT)) {
            end = self.scanner.find(self.text, end + 1);
        }
        self.word_end = end;
        end
    }

    /// Takes a field of any form.
    #[inline(never)]
    fn any(&mut self) -> Option<Field<'a>> {
        self.signs = 0;
        while let Some(byte @ (b' ' | &ENRICHMENT)) = self.text.get(self.at) {
            if *byte == ENRICHMENT && matches!(self.grammar, Grammar::Kernel | Grammar::Daemon) {
                return None;
            }
            self.start += usize::from(self.start == self.at);
            self.at += 1;
        }
        let start = self.at;
        let first = self.text.get(start)?;
        let end = self.word_end(start);
        if self.grammar == Grammar::Message && end == start + 1 && matches!(first, b':' | b',') {
            self.at = end;
            return self.any_after_punctuation();
        }
        if *first == b'(' {
            return Some(self.parenthesis(end));
        }
        let rest = self.text.get(start..).unwrap_or_default();
        match find_within(rest, end - start, b'=') {
            Some(length) => Some(self.pair(start, length, end)),
            None => Some(self.words(end - start)),
        }
    }

    /// Takes the field after a word of one sign, which separates two fields.
    fn any_after_punctuation(&mut self) -> Option<Field<'a>> {
        while let Some(b' ' | b':' | b',') = self.text.get(self.at) {
            self.at += 1;
        }
        self.any()
    }

    /// Takes words without `=`; the first has this length.
    #[inline]
    fn words(&mut self, first: usize) -> Field<'a> {
        // words before the first pair are one field, words between pairs are one field each
        let is_leading = self.at == self.start;
        let length = if is_leading { continued(self.rest(), first) } else { first };
        let words = self.take(length);
        let words = match words {
            [words @ .., b' ', b':'] if self.grammar == Grammar::Message => words,
            words => words,
        };
        Field { name: b"", value: Value::Bare(words) }
    }

    /// Takes a pair whose name has this length; the word ends at `end`.
    #[inline(always)]
    fn pair(&mut self, start: usize, length: usize, end: usize) -> Field<'a> {
        let name = self.text.get(start..start + length).unwrap_or_default();
        self.at = start + length + 1;
        Field { name, value: self.value(name, end) }
    }

    /// Takes a word that begins with a parenthesis: text, or a pair that an old version of PAM wrote.
    #[inline]
    fn parenthesis(&mut self, end: usize) -> Field<'a> {
        let start = self.at + usize::from(self.grammar == Grammar::Message);
        match name_in_parentheses(self.text.get(self.at..end), self.text.get(start..end)) {
            Some(length) => self.pair(start, length, end),
            None => self.words(end - self.at),
        }
    }

    /// Takes the value after an `=`; the word ends at `end`.
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
                    Grammar::Enrichment => self.rest().len().checked_sub(self.after_brace),
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
            // only these can end at another byte than a space
            Grammar::Kernel | Grammar::Daemon
                if matches!(
                    name,
                    b"ses" | [b's', b'u', b'b', b'j', ..] | [b'o', b'b', b'j', ..]
                ) =>
            {
                let length = bare_of_kernel(self.rest(), name, length);
                Value::Bare(self.take(length))
            }
            Grammar::Kernel => Value::Bare(self.take(length)),
            Grammar::Daemon => Value::Bare(without(self.take(length), b',')),
            Grammar::Message | Grammar::Enrichment => {
                let length = continued(self.rest(), length);
                let value = self.take(length);
                let is_of_program = self.grammar == Grammar::Message;
                Value::Bare(if is_of_program { bare_of_message(name, value) } else { value })
            }
        }
    }
}

/// Reads a field of the form `name=value ` or `name="value" `, which almost all fields have, from the
/// positions of its signs; returns the field and its length.
#[inline(always)]
fn usual(rest: &[u8], signs: u64) -> Option<(Field<'_>, usize)> {
    let (equals, signs) = (place(signs), signs & signs.wrapping_sub(1));
    if signs == 0 {
        return None; // the window ends within the field
    }
    let (word, after) = rest.split_at_checked(place(signs))?;
    let (name, [b'=', value @ ..]) = word.split_at_checked(equals)? else { return None };
    match after {
        // a parenthesis can belong to a label
        [b' ', next, ..] if *next != b'(' => {
            Some((Field { name, value: Value::Bare(value) }, word.len() + 1))
        }
        [b'"', inside @ ..] if value.is_empty() => {
            let signs = signs & (signs - 1);
            if signs == 0 {
                return None;
            }
            let (value, after) = inside.split_at_checked(place(signs) - word.len() - 1)?;
            let length = match after {
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

/// Returns the position of the first sign.
#[inline(always)]
fn place(signs: u64) -> usize {
    signs.trailing_zeros() as usize
}

/// Extends a word over the words after it that are not pairs, and returns the new end.
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

/// Returns the length of the name in a word that begins with a parenthesis; `None` if it is text.
#[cold]
fn name_in_parentheses(word: Option<&[u8]>, inside: Option<&[u8]>) -> Option<usize> {
    find(inside?, b'=').filter(|_| word.is_some_and(is_pair))
}

/// Reads a value in single quotes or, from auditd, in braces; `braces` is the length of the latter.
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
        // an address; its path can contain spaces and braces
        [b'{', b' ', ..] => {
            let length = braces.filter(|length| *length > 0)?;
            Some((length, Value::Bare(text.get(..length)?)))
        }
        _ => None,
    }
}

/// Returns the length of a value of the kernel that can end before or after its word.
#[inline(never)]
fn bare_of_kernel(text: &[u8], name: &[u8], end: usize) -> usize {
    // `kernel/audit_watch.c`, `audit_watch_log_rule_change`, writes no space after `ses=`
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

/// Cuts off what old versions of libaudit and PAM wrote between fields:
/// `uid=0: exe="/bin/login" (hostname=?, addr=?, terminal=tty1 res=success)`.
///
/// Source: audit-userspace 1.0 to 2.0, `lib/audit_logging.c`; Linux-PAM 0.78 to 1.1, `_pam_audit_writelog`.
fn bare_of_message<'a>(name: &[u8], value: &'a [u8]) -> &'a [u8] {
    let value = match value {
        [.., b':', b':'] => value, // an IPv6 address
        _ => without(value, b':'),
    };
    // a comma can end the categories of a label
    let is_label = name.ends_with(b"subj") || name.ends_with(b"obj") || name.ends_with(b"context");
    let value = if is_label { value } else { without(value, b',') };
    match value {
        [inside @ .., b')'] if memchr(b'(', inside).is_none() => inside,
        _ => value,
    }
}

/// Returns a value without a sign at its end, and without spaces before it.
fn without(value: &[u8], sign: u8) -> &[u8] {
    match value.split_last() {
        Some((last, inside)) if *last == sign => inside.trim_ascii_end(),
        _ => value,
    }
}

/// Returns the end of a program's message, which began with a quote: the last quote of the record
/// before the fields that auditd appended.
fn message_end(inside: &[u8]) -> Option<usize> {
    let end = memrchr(b'\'', inside)?;
    let rest = inside.get(end + 1..).unwrap_or_default();
    if rest.iter().all(|byte| *byte == b' ') {
        return Some(end);
    }
    memchr::memmem::rfind(inside, &[b'\'', ENRICHMENT]).or(Some(end))
}

/// Returns the fields that auditd appended to a record.
fn enrichment(text: &[u8]) -> Option<&[u8]> {
    let first = memchr(ENRICHMENT, text)?;
    let at = match memchr::memmem::find(text, b"msg='") {
        // a program's message can contain the separator
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

/// Returns the number of spaces at `at`, and the length of the word after them.
fn next_word(text: &[u8], at: usize) -> (usize, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let gap = rest.iter().take_while(|byte| **byte == b' ').count();
    (gap, word_end(rest.get(gap..).unwrap_or_default()))
}

/// Returns whether a word is a pair; a word in parentheses, such as `(seqno=2)`, is text.
fn is_pair(word: &[u8]) -> bool {
    !matches!(word, [b'(', .., b')']) && memchr(b'=', word).is_some()
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let mut is_fresh = self.grammar != Grammar::Kernel; // the usual form is the kernel's
        loop {
            if let Some((field, length)) = usual(self.rest(), self.signs) {
                self.at += length;
                // a field as long as the window leaves no signs
                self.signs = if length < 64 { self.signs >> length } else { 0 };
                return Some(field);
            }
            match self.text.get(self.at) {
                None => return None,
                // it can be text: `usual` does not read past a parenthesis
                Some(b'(') => break,
                Some(_) if is_fresh => break,
                Some(_) => {}
            }
            self.signs = signs(self.text, self.at);
            is_fresh = true;
        }
        // a copy, so that the iterator stays in registers for fields of the usual form
        let mut fields = self.clone();
        let field = fields.any();
        *self = fields;
        field
    }
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
