//! Splitting a line into words.

use crate::rule::RuleError;

/// A word of a line, without its quotes and escapes, and the column at which it stands, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) column: usize,
}

/// Splits a line at white space. A backslash or quotes keep a space in its word.
pub(super) fn split(line: &str) -> Result<Vec<Word>, RuleError> {
    let mut words: Vec<Word> = Vec::new();
    let mut word = None::<Word>;
    let mut quote = None;
    let mut letters = line.chars().enumerate();
    while let Some((index, letter)) = letters.next() {
        if quote.is_none() && letter.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_with(|| Word { text: String::new(), column: index + 1 });
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '\\') => word.text.push(letters.next().map_or('\\', |(_, escaped)| escaped)),
            _ => word.text.push(letter),
        }
    }
    if quote.is_some() {
        return Err(RuleError::syntax(line, "a quote is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<(String, usize)> {
        let words = split(line).expect("closed quotes");
        words.into_iter().map(|word| (word.text, word.column)).collect()
    }

    #[test]
    fn spaces_quotes_and_columns() {
        let word = |text: &str, column| (text.to_owned(), column);
        assert_eq!(texts("  -w  /a"), [word("-w", 3), word("/a", 7)]);
        assert_eq!(texts(r"-w /a\ b c"), [word("-w", 1), word("/a b", 4), word("c", 10)]);
        assert_eq!(texts(r#"x="a b"'c d'"#), [word("x=a bc d", 1)]);
        assert_eq!(texts(r#""""#), [word("", 1)]);
        assert_eq!(texts(r"end\"), [word(r"end\", 1)]);
        assert_eq!(texts(""), []);
        assert!(split("'open").is_err());
    }
}
