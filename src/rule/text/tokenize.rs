//! Splitting a line into words.

use crate::rule::RuleError;

/// Splits a line at white space, and removes quotes and escapes.
///
/// A backslash before a space, and quotes around it, keep the space in the word.
pub(super) fn split(line: &str) -> Result<Vec<String>, RuleError> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if quote.is_none() && letter.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '\\') => word.push(letters.next().unwrap_or('\\')),
            _ => word.push(letter),
        }
    }
    if quote.is_some() {
        return Err(RuleError::syntax(line, "the closing quote is missing"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_keep_spaces() {
        for (line, words) in [
            ("  -w  /a", &["-w", "/a"][..]),
            (r"-w /a\ b c", &["-w", "/a b", "c"]),
            (r#"x="a b"'c d'"#, &["x=a bc d"]),
            (r#""""#, &[""]),
            (r"end\", &[r"end\"]),
            ("", &[]),
        ] {
            assert_eq!(split(line).expect("closed quotes"), words, "{line}");
        }
        assert!(split("'open").is_err());
    }
}
