//! Splitting a line into words.

/// Splits a line at white space, as `auditctl` splits the lines of a file at spaces.
///
/// A backslash before a space or a backslash keeps it in the word; any other backslash, and quotes,
/// are letters.
///
/// Source: `src/auditctl.c` of audit-userspace 4.2, `preprocess`.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        if is_space(letter) {
            words.extend(word.take());
            continue;
        }
        let escaped = letters.next_if(|next| letter == '\\' && is_escaped(*next));
        word.get_or_insert_default().push(escaped.unwrap_or(letter));
    }
    words.extend(word);
    words
}

/// Returns whether a letter ends a word.
fn is_space(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == '\u{b}'
}

/// Returns whether a backslash is written before a letter of a word.
pub(super) fn is_escaped(letter: char) -> bool {
    letter == '\\' || is_space(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_keeps_a_space_and_quotes_are_letters() {
        for (line, words) in [
            ("  -w  /a", &["-w", "/a"][..]),
            (r"-w /a\ b c", &["-w", "/a b", "c"]),
            (r"-k a\\b \\\ c", &["-k", r"a\b", r"\ c"]),
            (r#"-k "a b" 'c"#, &["-k", "\"a", "b\"", "'c"]),
            (r"/dev-disk-by\x2duuid end\", &[r"/dev-disk-by\x2duuid", r"end\"]),
            ("a\u{a0}b\tc\r", &["a\u{a0}b", "c"]),
            ("", &[]),
        ] {
            assert_eq!(split(line), words, "{line}");
        }
    }
}
