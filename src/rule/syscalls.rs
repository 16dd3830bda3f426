//! The set of system calls that a rule applies to.

use std::fmt;

/// A set of system calls, by number: the 2,048 bits of a rule.
///
/// The 16 highest bits stand for classes, which the kernel replaces by the system calls of the class.
///
/// Source: `include/uapi/linux/audit.h`, `AUDIT_BITMASK_SIZE`; `kernel/auditfilter.c`,
/// `audit_match_class_bits`.
///
/// # Examples
///
/// ```
/// use auditlink::rule::SyscallMask;
///
/// let mut mask = SyscallMask::NONE;
/// assert!(mask.insert(59) && mask.insert(322));
/// assert!(!mask.insert(SyscallMask::MAX + 1), "no rule can match it");
/// assert_eq!(mask.to_string(), "59,322");
/// assert_eq!(SyscallMask::ALL.to_string(), "all");
/// ```
#[doc(alias = "AUDIT_BITMASK_SIZE")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SyscallMask([u32; Self::WORDS]);

impl SyscallMask {
    /// The number of words in a rule.
    pub(crate) const WORDS: usize = 64;
    /// The highest number that a rule can match; the bits above it are classes.
    pub const MAX: u32 = 2031;

    /// The empty set.
    pub const NONE: Self = Self([0; Self::WORDS]);
    /// The set of all system calls, as `auditctl -S all` sends it.
    pub const ALL: Self = Self([u32::MAX; Self::WORDS]);

    /// Creates a set from the words that the kernel uses.
    #[must_use]
    pub const fn from_words(words: [u32; Self::WORDS]) -> Self {
        Self(words)
    }

    /// Returns the words that the kernel uses.
    #[must_use]
    pub const fn words(&self) -> &[u32; Self::WORDS] {
        &self.0
    }

    /// Adds a system call; returns `false` if its number is above [`MAX`](Self::MAX), which no rule
    /// can match.
    #[must_use = "a number that is too high is not added"]
    pub fn insert(&mut self, number: u32) -> bool {
        if number > Self::MAX {
            return false;
        }
        let index = usize::try_from(number / 32).unwrap_or(usize::MAX);
        match self.0.get_mut(index) {
            Some(word) => {
                *word |= 1 << (number % 32);
                true
            }
            None => false,
        }
    }

    /// Returns whether the set contains a system call.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        let index = usize::try_from(number / 32).unwrap_or(usize::MAX);
        self.0.get(index).is_some_and(|word| word & 1 << (number % 32) != 0)
    }

    /// Iterates over the numbers in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..=Self::MAX).filter(|number| self.contains(*number))
    }

    /// Returns whether the set contains all system calls; bits of classes, which the kernel clears,
    /// are not considered.
    #[must_use]
    pub fn is_all(&self) -> bool {
        const LAST_CALLS: u32 = 0x0000_FFFF; // the upper half stands for classes
        let [words @ .., last] = &self.0;
        words.iter().all(|word| *word == u32::MAX) && last & LAST_CALLS == LAST_CALLS
    }

    /// Returns the system calls that are in one of two sets.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }

    /// Returns the system calls that are in both sets.
    #[must_use]
    pub fn intersection(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }

    /// Returns whether another set contains all of this one.
    #[must_use]
    pub fn is_subset(self, other: Self) -> bool {
        self.intersection(other) == self
    }

    /// Returns whether the set contains no system call and no class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

impl Default for SyscallMask {
    /// Returns the empty set.
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Display for SyscallMask {
    /// Prints `all`, or the numbers with commas between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.pad("all");
        }
        let numbers: Vec<String> = self.iter().map(|number| number.to_string()).collect();
        f.pad(&numbers.join(","))
    }
}

impl fmt::Debug for SyscallMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() { f.write_str("all") } else { f.debug_set().entries(self.iter()).finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_inserted_and_iterated() {
        let mut mask = SyscallMask::NONE;
        for number in [0, 31, 32, 59, 2031] {
            assert!(mask.insert(number));
        }
        assert!(!mask.insert(2032), "a bit of a class");
        assert!(!mask.insert(0x4000_0027), "x32 system calls cannot be matched");
        assert_eq!(mask.iter().collect::<Vec<_>>(), [0, 31, 32, 59, 2031]);
        assert!(!mask.contains(u32::MAX));
    }

    #[test]
    fn sets_are_combined() {
        let set = |numbers: &[u32]| {
            let mut mask = SyscallMask::NONE;
            assert!(numbers.iter().all(|number| mask.insert(*number)));
            mask
        };
        let (one, other) = (set(&[1, 40, 2031]), set(&[40, 59]));
        assert_eq!(one.union(other), set(&[1, 40, 59, 2031]));
        assert_eq!(one.intersection(other), set(&[40]));
        assert!(set(&[40]).is_subset(one) && !one.is_subset(other));
        assert!(SyscallMask::NONE.is_subset(one) && one.is_subset(SyscallMask::ALL));
    }

    #[test]
    fn all_is_recognized_with_and_without_class_bits() {
        let mut listed = SyscallMask::ALL;
        listed.0[63] = 0x0000_FFFF; // as the kernel lists it
        assert!(listed.is_all() && SyscallMask::ALL.is_all());
        assert!(!SyscallMask::NONE.is_all() && SyscallMask::NONE.is_empty());
        for missing in [0, 31, 32, 2015, 2016, SyscallMask::MAX] {
            let mut words = SyscallMask::ALL.0;
            words[missing as usize / 32] &= !(1 << (missing % 32));
            assert!(!SyscallMask(words).is_all(), "{missing}");
        }
    }
}
