//! The fields of a record, found one by one in its bytes.

use std::fmt;

use memchr::{memchr, memchr2, memrchr};

use super::value::Value;

/// One `name=value` of a record; a word without `=` has an empty name.
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
/// Nothing is copied and nothing fails: every byte that is not a separator is in some field.
///
/// [`Record::fields`]: super::Record::fields
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    /// In the text of user-space programs a word without `=` belongs to the value before it.
    words_continue: bool,
}

/// Separates a record's own fields from those that auditd adds when it enriches a log.
const ENRICHMENT: u8 = 0x1D;

impl<'a> Fields<'a> {
    /// Iterates over text that the kernel composed.
    pub(crate) const fn of_kernel(text: &'a [u8]) -> Self {
        Self { rest: text, words_continue: false }
    }

    /// Iterates over text that a user-space program composed: what stands in `msg='…'`.
    #[must_use]
    pub const fn of_message(text: &'a [u8]) -> Self {
        Self { rest: text, words_continue: true }
    }

    /// Takes `length` bytes off the front.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        head
    }

    /// Takes what follows an `=`.
    fn value(&mut self) -> Value<'a> {
        match self.rest.first() {
            Some(b'"') => {
                let inside = self.rest.get(1..).unwrap_or_default();
                if let Some(end) = memchr(b'"', inside) {
                    let quoted = self.take(end + 2);
                    return Value::Quoted(quoted.get(1..=end).unwrap_or_default());
                }
            }
            Some(b'\'') => {
                let inside = self.rest.get(1..).unwrap_or_default();
                if let Some(end) = memrchr(b'\'', inside) {
                    let nested = self.take(end + 2);
                    return Value::Nested(nested.get(1..=end).unwrap_or_default());
                }
            }
            _ => {}
        }
        let mut end = word_end(self.rest);
        if self.words_continue {
            end = self.continued(end);
        }
        Value::Bare(self.take(end))
    }

    /// Moves the end of a bare value behind the words that follow it and are no fields.
    fn continued(&self, mut end: usize) -> usize {
        loop {
            let after = self.rest.get(end..).unwrap_or_default();
            let gap = after.iter().take_while(|byte| **byte == b' ').count();
            let word = after.get(gap..).unwrap_or_default();
            let length = word_end(word);
            let is_field = memchr(b'=', word.get(..length).unwrap_or_default()).is_some();
            if gap == 0 || length == 0 || is_field {
                return end;
            }
            end += gap + length;
        }
    }
}

/// Returns the length of the word at the start of `text`.
fn word_end(text: &[u8]) -> usize {
    memchr2(b' ', ENRICHMENT, text).unwrap_or(text.len())
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        while let [b' ' | ENRICHMENT, tail @ ..] = self.rest {
            self.rest = tail;
        }
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr3(b'=', b' ', ENRICHMENT, self.rest).unwrap_or(self.rest.len());
        let name = self.take(end);
        if let [b'=', tail @ ..] = self.rest {
            self.rest = tail;
            Some(Field { name, value: self.value() })
        } else {
            Some(Field { name: b"", value: Value::Bare(name) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(text: &str) -> Vec<(String, Value<'_>)> {
        named(Fields::of_kernel(text.as_bytes()))
    }

    fn named<'a>(fields: Fields<'a>) -> Vec<(String, Value<'a>)> {
        fields
            .map(|field| (String::from_utf8_lossy(field.name).into_owned(), field.value))
            .collect()
    }

    fn bare(name: &str, value: &'static str) -> (String, Value<'static>) {
        (name.to_owned(), Value::Bare(value.as_bytes()))
    }

    fn quoted(name: &str, value: &'static str) -> (String, Value<'static>) {
        (name.to_owned(), Value::Quoted(value.as_bytes()))
    }

    #[test]
    fn trap_28_an_apostrophe_inside_a_user_message() {
        let text = r#"pid=1 msg='cwd="/r" cmd="it's me" res=success'"#;
        let outer = kernel(text);
        let Value::Nested(inner) = outer[1].1 else { panic!("{outer:?}") };
        let inner = named(Fields::of_message(inner));
        assert_eq!(inner, [quoted("cwd", "/r"), quoted("cmd", "it's me"), bare("res", "success")]);
    }

    #[test]
    fn trap_29_an_operation_with_spaces() {
        let text = br#"op=display aging info id=0 exe="/usr/bin/chage" res=success"#;
        let fields = named(Fields::of_message(text));
        assert_eq!(fields[0], bare("op", "display aging info"));
        assert_eq!(fields[1], bare("id", "0"));
        assert_eq!(fields.len(), 4);
    }

    #[test]
    fn trap_37_an_empty_value_takes_nothing_from_its_neighbour() {
        assert_eq!(kernel("res= key=(null)"), [bare("res", ""), bare("key", "(null)")]);
        assert_eq!(kernel("subj= "), [bare("subj", "")]);
    }

    #[test]
    fn trap_40_double_and_leading_spaces() {
        assert_eq!(kernel("  auid=0  ses=1 "), [bare("auid", "0"), bare("ses", "1")]);
    }

    #[test]
    fn trap_41_words_before_the_first_pair() {
        assert_eq!(kernel("login pid=1"), [bare("", "login"), bare("pid", "1")]);
    }

    #[test]
    fn trap_42_a_field_given_twice() {
        assert_eq!(kernel("auid=0 auid=1000"), [bare("auid", "0"), bare("auid", "1000")]);
    }

    #[test]
    fn trap_43_a_backslash_before_the_closing_quote() {
        let fields = kernel(r#"name="x\" inode=5 cwd="/q""#);
        assert_eq!(fields, [quoted("name", r"x\"), bare("inode", "5"), quoted("cwd", "/q")]);
    }

    #[test]
    fn trap_44_an_equals_sign_inside_a_value() {
        assert_eq!(
            kernel(r#"name="a=b c" inode=5"#),
            [quoted("name", "a=b c"), bare("inode", "5")]
        );
        assert_eq!(kernel("subj==unconfined"), [bare("subj", "=unconfined")]);
    }

    #[test]
    fn trap_73_the_enrichment_is_not_part_of_the_last_value() {
        let fields = kernel("key=(null)\x1DARCH=x86_64 AUID=\"alice\"");
        assert_eq!(
            fields,
            [bare("key", "(null)"), bare("ARCH", "x86_64"), quoted("AUID", "alice")]
        );
    }

    #[test]
    fn an_unclosed_quote_is_a_bare_word() {
        assert_eq!(kernel(r#"name="cut off"#), [bare("name", "\"cut"), bare("", "off")]);
        assert_eq!(kernel("msg='cut"), [bare("msg", "'cut")]);
    }
}
