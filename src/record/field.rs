//! The fields of a record, found one by one in its bytes.

use std::fmt;

use memchr::{memchr, memrchr};

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
    rest: &'a [u8],
    grammar: Grammar,
    /// Whether what comes next is the beginning of the text.
    at_start: bool,
    /// How much of the text stands behind the last ` }`, which ends an address.
    behind_brace: usize,
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
    /// Iterates over text that the kernel composed, up to what auditd added.
    pub(crate) const fn of_kernel(text: &'a [u8]) -> Self {
        Self { rest: text, grammar: Grammar::Kernel, at_start: true, behind_brace: 0 }
    }

    /// Iterates over text that a user-space program composed: what stands in `msg='…'`.
    #[must_use]
    pub const fn of_message(text: &'a [u8]) -> Self {
        Self { rest: text, grammar: Grammar::Message, at_start: true, behind_brace: 0 }
    }

    /// Iterates over what auditd added behind the text.
    pub(crate) fn of_enrichment(text: &'a [u8]) -> Self {
        let rest = enrichment(text).unwrap_or_default();
        let brace = memchr::memmem::rfind(rest, b" }").map_or(0, |at| at + 2);
        let behind_brace = rest.len() - brace;
        Self { rest, grammar: Grammar::Enrichment, at_start: false, behind_brace }
    }

    /// Takes `length` bytes off the front.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        head
    }

    /// Takes the words before the first pair.
    fn leading(&mut self) -> Option<Field<'a>> {
        let mut end = 0;
        loop {
            let (gap, length) = next_word(self.rest, end);
            let word = self.rest.get(end + gap..end + gap + length).unwrap_or_default();
            if length == 0 || is_pair(word) {
                break;
            }
            end += gap + length;
        }
        let text = self.take(end);
        (end > 0).then_some(Field { name: b"", value: Value::Bare(text) })
    }

    /// Takes what follows an `=`.
    fn value(&mut self, name: &[u8]) -> Value<'a> {
        match self.rest {
            [b'"', inside @ ..] => {
                if let Some(end) = inside.iter().position(|byte| *byte == b'"') {
                    let quoted = self.take(end + 2);
                    return Value::Quoted(quoted.get(1..=end).unwrap_or_default());
                }
            }
            [b'\'', inside @ ..] => {
                let end = if name == b"msg" { message_end(inside) } else { memchr(b'\'', inside) };
                if let Some(end) = end {
                    let nested = self.take(end + 2).get(1..=end).unwrap_or_default();
                    return if name == b"msg" {
                        Value::Nested(nested)
                    } else {
                        Value::Quoted(nested)
                    };
                }
            }
            // an address; its path may hold spaces and braces
            [b'{', b' ', ..]
                if self.grammar == Grammar::Enrichment && self.rest.len() > self.behind_brace =>
            {
                return Value::Bare(self.take(self.rest.len() - self.behind_brace));
            }
            _ => {}
        }
        Value::Bare(self.bare(name))
    }

    /// Takes a value without quotes.
    fn bare(&mut self, name: &[u8]) -> &'a [u8] {
        let end = word_end(self.rest);
        match self.grammar {
            Grammar::Message | Grammar::Enrichment => self.bare_of_message(name, end),
            // Linux forgets the space after the session in the notice of a rule that vanished
            Grammar::Kernel if name == b"ses" => {
                let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let is_glued = self.rest.get(digits..).is_some_and(|rest| rest.starts_with(b"op="));
                self.take(if is_glued { digits } else { end })
            }
            // an AppArmor label ends with its mode: `subj=snap.x (enforce)`
            Grammar::Kernel if self.rest.get(end..).is_some_and(|rest| rest.starts_with(b" (")) => {
                let (gap, length) = next_word(self.rest, end);
                let is_mode = self.rest.get(end + gap + length - 1) == Some(&b')');
                self.take(if is_mode { end + gap + length } else { end })
            }
            _ => self.take(end),
        }
    }

    /// Takes a value that a program wrote, with the words that follow it and are no pairs.
    fn bare_of_message(&mut self, name: &[u8], mut end: usize) -> &'a [u8] {
        loop {
            let (gap, length) = next_word(self.rest, end);
            let word = self.rest.get(end + gap..end + gap + length).unwrap_or_default();
            if gap == 0 || length == 0 || is_pair(word) {
                break;
            }
            end += gap + length;
        }
        let value = self.take(end);
        // old versions of PAM wrote `(hostname=?, addr=?, terminal=tty1 res=success)`
        match (name, value) {
            (b"hostname" | b"addr" | b"terminal", [value @ .., b',']) => value,
            (b"res", [value @ .., b')']) => value,
            _ => value,
        }
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

    fn next(&mut self) -> Option<Self::Item> {
        while let [b' ' | ENRICHMENT, tail @ ..] = self.rest {
            if self.grammar == Grammar::Kernel && self.rest.first() == Some(&ENRICHMENT) {
                self.rest = b"";
                return None;
            }
            self.rest = tail;
        }
        if std::mem::take(&mut self.at_start) {
            if let Some(leading) = self.leading() {
                return Some(leading);
            }
        }
        if self.rest.is_empty() {
            return None;
        }
        let end = (self.rest.iter().position(|byte| matches!(*byte, b'=' | b' ' | ENRICHMENT)))
            .unwrap_or(self.rest.len());
        let name = self.take(end);
        match self.rest {
            [b'=', tail @ ..] => {
                self.rest = tail;
                let name = match (self.grammar, name) {
                    (Grammar::Message, [b'(', name @ ..]) => name,
                    _ => name,
                };
                Some(Field { name, value: self.value(name) })
            }
            _ => Some(Field { name: b"", value: Value::Bare(name) }),
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
        assert_eq!(kernel("policy loaded auid=0"), [bare("", "policy loaded"), bare("auid", "0")]);
        assert_eq!(kernel("netlabel: auid=0 ses=1")[0], bare("", "netlabel:"));
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

    fn enriched(text: &str) -> Vec<(String, Value<'_>)> {
        named(Fields::of_enrichment(text.as_bytes()))
    }

    #[test]
    fn trap_73_what_auditd_added_is_kept_apart() {
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
    fn trap_74_an_address_that_auditd_added() {
        let text = "saddr=0100\x1DSADDR={ saddr_fam=local path=/a b} c } X=1";
        assert_eq!(kernel(text), [bare("saddr", "0100")]);
        let address = bare("SADDR", "{ saddr_fam=local path=/a b} c }");
        assert_eq!(enriched(text), [address, bare("X", "1")]);
        let unknown = "saddr=0000\x1DSADDR=unknown family(0)";
        assert_eq!(enriched(unknown), [bare("SADDR", "unknown family(0)")]);
    }

    #[test]
    fn trap_30_the_words_of_an_avc_are_no_fields() {
        let text = r#"avc:  denied  { read write } for  pid=5 comm="x" name="a b" dev="vda3" permissive=0"#;
        let fields = kernel(text);
        assert_eq!(fields[0], bare("", "avc:  denied  { read write } for"));
        assert_eq!(fields[1], bare("pid", "5"));
        assert_eq!(fields[3], quoted("name", "a b"));
        assert_eq!(fields[4], quoted("dev", "vda3"));
    }

    #[test]
    fn trap_31_a_word_in_parentheses_is_no_field() {
        let text =
            r#"avc:  received policyload notice (seqno=2)  exe="/usr/lib/systemd/systemd" sauid=0"#;
        let fields = named(Fields::of_message(text.as_bytes()));
        assert_eq!(fields[0], bare("", "avc:  received policyload notice (seqno=2)"));
        assert_eq!(fields[1], quoted("exe", "/usr/lib/systemd/systemd"));
    }

    #[test]
    fn trap_32_apparmor_writes_plain_fields() {
        let text = r#"apparmor="DENIED" operation="open" profile="my app" name="/x" pid=7"#;
        let fields = kernel(text);
        assert_eq!(fields[0], quoted("apparmor", "DENIED"));
        assert_eq!(fields[2], quoted("profile", "my app"));
        assert_eq!(fields.len(), 5);
    }

    #[test]
    fn trap_36_labels_begin_at_the_first_equals_sign_and_keep_their_mode() {
        assert_eq!(
            kernel("subj==/usr/bin/man//&man_groff (enforce) key=(null)"),
            [bare("subj", "=/usr/bin/man//&man_groff (enforce)"), bare("key", "(null)")]
        );
        assert_eq!(kernel("subj=? x=1"), [bare("subj", "?"), bare("x", "1")]);
        assert_eq!(kernel("subj= x=1"), [bare("subj", ""), bare("x", "1")]);
    }

    #[test]
    fn trap_39_separators_of_old_pam() {
        let text = r#"PAM: authentication acct="root" : exe="/bin/login" (hostname=?, addr=?, terminal=tty1 res=success)"#;
        let fields = named(Fields::of_message(text.as_bytes()));
        assert_eq!(fields[0], bare("", "PAM: authentication"));
        assert_eq!(fields[3], quoted("exe", "/bin/login"));
        assert_eq!(
            fields[4..],
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
    fn trap_76_names_with_hyphens_and_brackets() {
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
    fn an_unclosed_quote_is_a_bare_word() {
        assert_eq!(kernel(r#"name="cut off"#), [bare("name", "\"cut"), bare("", "off")]);
        assert_eq!(kernel("msg='cut"), [bare("msg", "'cut")]);
    }
}
