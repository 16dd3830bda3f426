//! Suggestions for a misspelt name.

/// Returns the candidate that is the fewest edits from a word, if it is near enough.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = 1 + word.chars().count() / 4;
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Counts the letters to insert, delete, replace, or swap with the next one.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.len().abs_diff(right.len()) > MAX_LENGTH || left.len() > MAX_LENGTH {
        return usize::MAX;
    }
    // rows of the table of distances between all prefixes: the current one and the two before it
    let mut row_before = vec![0; right.len() + 1];
    let mut row: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (index, letter) in left.iter().enumerate() {
        let mut next = vec![index + 1];
        for (column, other) in right.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let mut best = at(&row, column) + usize::from(letter != other);
            best = best.min(at(&row, column + 1) + 1).min(at(&next, column) + 1);
            let swapped =
                column > 0 && previous == Some(other) && right.get(column - 1) == Some(letter);
            if swapped {
                best = best.min(at(&row_before, column - 1) + 1);
            }
            next.push(best);
        }
        row_before = std::mem::replace(&mut row, next);
        previous = Some(letter);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// Longer than any name.
const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (left, right, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("execve", "execve", 0),
            ("exceve", "execve", 1),
            ("opne", "open", 1),
            ("abc", "xyz", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["uid", "gid", "auid", "msgtype"];
        assert_eq!(nearest("msgtyp", names.into_iter()), Some("msgtype"));
        assert_eq!(nearest("exe", names.into_iter()), None);
        assert_eq!(nearest(&"x".repeat(10_000), names.into_iter()), None);
    }
}
