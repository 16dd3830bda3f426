//! The fields of a record, found one by one in its bytes.

use std::fmt;

use memchr::{memchr, memrchr};

use super::value::Value;
use super::window::{Window, find, find_within};

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
    window: Window,
    /// Where the last word ends that was looked at: a quote may close before it.
    word_end: usize,
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
    #[inline]
    pub(crate) const fn of_kernel(text: &'a [u8]) -> Self {
        Self::new(text, Grammar::Kernel, 0)
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
        Self { text, at: 0, start: 0, grammar, behind_brace, window: Window::new(), word_end: 0 }
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
        let mut end = self.window.separator(self.text, from);
        // other control bytes are no separators
        while !matches!(self.text.get(end), None | Some(b' ' | &ENRICHMENT)) {
            end = self.window.separator(self.text, end + 1);
        }
        self.word_end = end;
        end
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
        assert_eq!(kernel("  policy loaded auid=0")[0], bare("", "policy loaded"));
        let old = kernel("pid=1 old auid=5 new auid=6");
        assert_eq!((&old[1], &old[3]), (&bare("", "old"), &bare("", "new")));
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
}
