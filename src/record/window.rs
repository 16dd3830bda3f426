//! Finding separators in 64 bytes at a time.

/// Remembers where the separators are in a window of 64 bytes, so that a record's text is looked
/// at once, however many fields it has.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Where the window begins, and how long it is: nothing before the first look.
    base: usize,
    width: usize,
    /// A bit for each byte of the window that is a space or a control byte, or behind the text.
    marks: u64,
}

impl Window {
    /// Looked at nothing yet.
    pub(super) const fn new() -> Self {
        Self { base: 0, width: 0, marks: 0 }
    }

    /// Returns the place of the first space or control byte from `from` on; the length of the
    /// text if there is none. It is cheap where places are asked for in ascending order.
    #[inline(always)]
    pub(super) fn separator(&mut self, text: &[u8], mut from: usize) -> usize {
        loop {
            let offset = from.wrapping_sub(self.base);
            if offset < self.width {
                let marks = self.marks >> offset;
                if marks != 0 {
                    return from + index(marks);
                }
                from = self.base + self.width;
            }
            *self = Self { base: from, width: WIDTH, marks: marks_from(text, from) };
        }
    }
}

/// Returns the marks of the window that begins at `base`.
#[inline(never)]
fn marks_from(text: &[u8], base: usize) -> u64 {
    let rest = text.get(base..).unwrap_or_default();
    let (window, is_last) = match rest.get(..WIDTH) {
        Some(window) => (window, false),
        None => (rest, true),
    };
    let mut found = 0;
    let mut shift = 0;
    let mut tail = window;
    while let Some((word, behind)) = tail.split_first_chunk() {
        found |= marks(u64::from_le_bytes(*word)) << shift;
        shift += 8;
        tail = behind;
    }
    if is_last {
        found |= u64::MAX << rest.len();
        // the last bytes are read together with those before them
        match (tail.len(), text.last_chunk()) {
            (0, _) => {}
            (left, Some(word)) => {
                found |= marks(u64::from_le_bytes(*word) >> (8 * (8 - left))) << shift;
            }
            (_, None) => {
                let bytes = tail.iter().rev();
                let word = bytes.fold(0, |word, byte| word << 8 | u64::from(*byte));
                found |= marks(word) << shift;
            }
        }
    }
    found
}

/// The bytes of a window, one for each bit.
const WIDTH: usize = 64;

/// Returns a bit for each byte that is a space or a control byte.
///
/// Seven bits of each byte are added to a number that carries into the eighth unless they are 0x20
/// or less; a byte whose eighth bit is set is none of them. No carry leaves its byte.
#[inline]
const fn marks(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = 0x7F * ONES;
    let others = ((word & LOW) + (0x7F - 0x20) * ONES) | word;
    let found = (!others >> 7) & ONES;
    // gathers the lowest bits of the bytes in the highest byte
    found.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Returns the place of the first such byte; made for places that are near.
#[inline(always)]
pub(super) fn find(text: &[u8], wanted: u8) -> Option<usize> {
    let mut rest = text;
    let mut before = 0;
    while let Some((word, tail)) = rest.split_first_chunk() {
        let place = place_in(*word, wanted);
        if place < 8 {
            return Some(before + place);
        }
        rest = tail;
        before += 8;
    }
    rest.iter().position(|byte| *byte == wanted).map(|place| before + place)
}

/// As [`find`], but in the first bytes only; it may look at the first eight all the same.
#[inline(always)]
pub(super) fn find_within(text: &[u8], length: usize, wanted: u8) -> Option<usize> {
    if let Some(word) = text.first_chunk() {
        let place = place_in(*word, wanted);
        if place < 8 || length <= 8 {
            return Some(place).filter(|place| *place < length);
        }
    }
    find(text.get(..length)?, wanted)
}

/// Returns where a byte is among eight; eight if it is not.
#[inline(always)]
fn place_in(word: [u8; 8], wanted: u8) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = 0x7F * ONES;
    let differences = u64::from_le_bytes(word) ^ (u64::from(wanted) * ONES);
    let others = ((differences & LOW) + LOW) | differences | LOW;
    index(!others) / 8
}

#[inline]
fn index(marks: u64) -> usize {
    usize::try_from(marks.trailing_zeros()).unwrap_or(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_rightly() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut word = [b'x'; 8];
                word[place] = byte;
                let expected = if byte <= b' ' { 1 << place } else { 0 };
                assert_eq!(marks(u64::from_le_bytes(word)), expected, "{byte} at {place}");
                let mut word = [0xFF; 8];
                word[place] = byte;
                assert_eq!(
                    marks(u64::from_le_bytes(word)),
                    expected,
                    "{byte} at {place} among others"
                );
            }
        }
    }

    #[test]
    fn bytes_are_found_wherever_they_are() {
        for length in 0..40_usize {
            assert_eq!(find(&vec![b'x'; length], b'='), None);
            for place in 0..length {
                let mut text = vec![0xBD; length]; // an equals sign with the eighth bit set
                text[place] = b'=';
                text[length - 1] = b'=';
                assert_eq!(find(&text, b'='), Some(place));
                for within in 0..=length {
                    let expected = Some(place).filter(|place| *place < within);
                    assert_eq!(find_within(&text, within, b'='), expected);
                }
            }
        }
    }

    #[test]
    fn separators_are_found_wherever_they_are() {
        for length in 0..200_usize {
            for space in 0..=length {
                let mut text = vec![b'x'; length];
                if let Some(byte) = text.get_mut(space) {
                    *byte = b' ';
                }
                for from in [0, 1, 63, 64, 65, 130].into_iter().filter(|from| *from <= length) {
                    let found = Window::new().separator(&text, from);
                    let expected = if from <= space { space } else { length };
                    assert_eq!(found, expected, "{length} {space} {from}");
                }
            }
        }
        let mut window = Window::new();
        let text = "ab cd efgh ".repeat(40);
        let mut found = 0;
        for (place, _) in text.match_indices(' ') {
            found = window.separator(text.as_bytes(), found);
            assert_eq!(found, place);
            found += 1;
        }
        assert_eq!(window.separator(text.as_bytes(), found), text.len());
        assert_eq!(window.separator(text.as_bytes(), 3), 5, "and back again");
    }
}
