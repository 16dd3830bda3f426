//! The options of a command line, as getopt_long(3) reads them.

use crate::rule::RuleError;
use crate::rule::suggest::nearest;

/// Options and their arguments, in their order.
///
/// An argument is the rest of the option's word (`-pwa`, `--signal=term`) or the next word, options
/// without an argument can share one word, and a long option can be shortened.
#[derive(Debug)]
pub(super) struct Options<'w, 'a> {
    words: &'w [&'a str],
    /// The rest of a word of several short options.
    rest: &'a str,
}

/// An option and its argument; the argument is empty if the option takes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given<'a> {
    pub(super) option: &'static str,
    pub(super) argument: &'a str,
}

impl<'w, 'a> Options<'w, 'a> {
    pub(super) fn new(words: &'w [&'a str]) -> Self {
        Self { words, rest: "" }
    }

    fn next_word(&mut self) -> Option<&'a str> {
        let (first, others) = self.words.split_first()?;
        self.words = others;
        Some(first)
    }

    /// Takes the argument of an option: what is attached to it, or the next word.
    fn argument(&mut self, spec: &Spec, attached: Option<&'a str>) -> Result<Given<'a>, RuleError> {
        let option = spec.option;
        let argument = match (spec.argument, attached) {
            (None, None) => "",
            (None, Some(text)) => return Err(RuleError::syntax(text, NO_ARGUMENT)),
            (Some(_), Some(text)) => text,
            (Some(what), None) => {
                self.next_word().ok_or_else(|| RuleError::missing(option, what))?
            }
        };
        Ok(Given { option, argument })
    }

    fn long(&mut self, word: &'a str) -> Result<Given<'a>, RuleError> {
        let (name, attached) = match word.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (word, None),
        };
        let mut matching = OPTIONS.iter().filter(|spec| spec.option.starts_with(name));
        let exact = OPTIONS.iter().find(|spec| spec.option == name);
        match exact
            .or_else(|| matching.next().filter(|_| name != "--" && matching.next().is_none()))
        {
            Some(spec) => self.argument(spec, attached),
            None => Err(unknown(name)),
        }
    }

    fn short(&mut self, letters: &'a str) -> Result<Given<'a>, RuleError> {
        let length = letters.chars().next().map_or(0, char::len_utf8);
        let (letter, rest) = letters.split_at_checked(length).unwrap_or((letters, ""));
        let spec = OPTIONS.iter().find(|spec| spec.option.strip_prefix('-') == Some(letter));
        let Some(spec) = spec else { return Err(unknown(&format!("-{letter}"))) };
        let attached = Some(rest).filter(|rest| spec.argument.is_some() && !rest.is_empty());
        if attached.is_none() {
            self.rest = rest;
        }
        self.argument(spec, attached)
    }
}

impl<'a> Iterator for Options<'_, 'a> {
    type Item = Result<Given<'a>, RuleError>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.rest.is_empty() {
            let letters = std::mem::take(&mut self.rest);
            return Some(self.short(letters));
        }
        let word = self.next_word()?;
        Some(match word.strip_prefix('-') {
            Some(rest) if rest.starts_with('-') => self.long(word),
            Some(letters) if !letters.is_empty() => self.short(letters),
            _ => Err(RuleError::syntax(word, NO_OPTION)),
        })
    }
}

fn unknown(option: &str) -> RuleError {
    let long = OPTIONS.iter().map(|spec| spec.option).filter(|option| option.starts_with("--"));
    let suggestion = nearest(option, long).map(str::to_owned);
    RuleError::UnknownOption { option: option.to_owned(), suggestion }
}

const NO_ARGUMENT: &str = "the option takes no argument";
const NO_OPTION: &str =
    r"no option takes this word; a space in a value is written as a backslash and a space";

/// An option, and what its argument is, for messages.
#[derive(Debug)]
struct Spec {
    option: &'static str,
    argument: Option<&'static str>,
}

const fn plain(option: &'static str) -> Spec {
    Spec { option, argument: None }
}

const fn taking(option: &'static str, argument: &'static str) -> Spec {
    Spec { option, argument: Some(argument) }
}

const LIST: &str = "a list and an action, such as always,exit";
const PATH: &str = "an absolute path";
const MODE: &str = "0, 1 or 2";

const OPTIONS: &[Spec] = &[
    taking("-a", LIST),
    taking("-A", LIST),
    taking("-d", LIST),
    taking("-w", PATH),
    taking("-W", PATH),
    taking("-p", "one or more of the letters r, w, x and a"),
    taking("-F", "a field, an operator and a value, such as uid=0"),
    taking("-C", "two fields, such as uid!=euid"),
    taking("-S", "system calls, or all"),
    taking("-k", "a key"),
    plain("-D"),
    plain("-l"),
    plain("-s"),
    plain("-i"),
    plain("-c"),
    plain("-t"),
    plain("-v"),
    plain("-h"),
    plain("--help"),
    taking("-b", "a number"),
    taking("-r", "a number"),
    taking("--backlog_wait_time", "a number"),
    taking("-e", MODE),
    taking("-f", MODE),
    taking("-m", "a text"),
    taking("-q", "a mount point and a subtree"),
    taking("-R", "a file"),
    taking("--signal", "a signal, such as hup"),
    plain("--loginuid-immutable"),
    plain("--reset-lost"),
    plain("--reset_backlog_wait_time_actual"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Setting;

    fn read<'a>(words: &[&'a str]) -> Result<Vec<(&'static str, &'a str)>, RuleError> {
        Options::new(words).map(|given| given.map(|given| (given.option, given.argument))).collect()
    }

    #[test]
    fn arguments_are_attached_or_the_next_word() {
        for (words, expected) in [
            (&["-pwa", "-k", "-x"][..], &[("-p", "wa"), ("-k", "-x")][..]),
            (&["-b8192", "-lk", "mine"], &[("-b", "8192"), ("-l", ""), ("-k", "mine")]),
            (&["-likmine"], &[("-l", ""), ("-i", ""), ("-k", "mine")]),
            (&["--signal=term"], &[("--signal", "term")]),
            (&["--backlog", "5"], &[("--backlog_wait_time", "5")]),
            (&["--reset-lost"], &[("--reset-lost", "")]),
        ] {
            assert_eq!(read(words).expect("known options"), expected, "{words:?}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        for (words, message) in [
            (&["-b"][..], "-b requires a number"),
            (&["--reset"], "unknown option '--reset'"),
            (&["--"], "unknown option '--'"),
            (&["-é"], "unknown option '-é'"),
            (&["--reset-lost=1"], "'1': the option takes no argument"),
        ] {
            let error = read(words).expect_err("a wrong word").to_string();
            assert!(error.starts_with(message), "{words:?}: {error}");
        }
        for word in ["-", "word", ""] {
            assert!(matches!(read(&["-t", word]), Err(RuleError::Syntax { .. })), "{word:?}");
        }
    }

    #[test]
    fn every_setting_has_its_option() {
        for setting in Setting::ALL {
            let known = OPTIONS.iter().find(|spec| spec.option == setting.option());
            assert!(known.is_some_and(|spec| spec.argument.is_some()), "{setting}");
        }
    }
}
