//! Finding separators in 64 bytes at a time.

/// Remembers where the bytes up to `LAST` are in a window of 64 bytes, so that a record's text is
/// looked at once, however many fields it has. Up to a space: what separates fields; up to a quote:
/// what ends a value as well.
#[derive(Clone, Debug)]
pub(crate) struct Window<const LAST: u8> {
    /// Where the window begins, and how long it is: nothing before the first look.
    base: usize,
    width: usize,
    /// A bit for each byte of the window that is `LAST` or below, or behind the text.
    marks: u64,
}

impl<const LAST: u8> Window<LAST> {
    /// Looked at nothing yet.
    pub(crate) const fn new() -> Self {
        Self { base: 0, width: 0, marks: 0 }
    }

    /// Returns the place of the first such byte from `from` on; the length of the text if there is
    /// none. It is cheap where places are asked for in ascending order.
    #[inline(always)]
    pub(crate) fn find(&mut self, text: &[u8], mut from: usize) -> usize {
        loop {
            let offset = from.wrapping_sub(self.base);
            if offset < self.width {
                let marks = self.marks >> offset;
                if marks != 0 {
                    return from + index(marks);
                }
                from = self.base + self.width;
            }
            *self = Self { base: from, width: WIDTH, marks: marks(text, from, bits_up_to::<LAST>) };
        }
    }
}

/// Returns a bit for each of the 64 bytes from `at` on that divides a field from another, a name from
/// its value, or is below that: a quote, above all; or is behind the text.
#[inline(always)]
pub(super) fn signs(text: &[u8], at: usize) -> u64 {
    marks(text, at, sign_bits)
}

/// Returns a bit for each of the 64 bytes from `at` on that is wanted, or is behind the text.
#[inline(always)]
fn marks(text: &[u8], at: usize, bits: fn(&[u8; WIDTH]) -> u64) -> u64 {
    match text.get(at..).and_then(<[u8]>::first_chunk) {
        Some(window) => bits(window),
        None => last_marks(text, at, bits),
    }
}

/// As [`marks`], where the text ends within the window.
#[inline(never)]
fn last_marks(text: &[u8], at: usize, bits: fn(&[u8; WIDTH]) -> u64) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    let left = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    let found = match text.last_chunk() {
        // the last bytes are read together with those before them
        Some(window) => bits(window).checked_shr(u64::BITS.saturating_sub(left)).unwrap_or(0),
        None => {
            let mut window = [0; WIDTH];
            let (head, _) = window.split_at_mut(rest.len());
            head.copy_from_slice(rest);
            bits(&window)
        }
    };
    found | u64::MAX.checked_shl(left).unwrap_or(0)
}

#[inline(never)]
fn bits_up_to<const LAST: u8>(window: &[u8; WIDTH]) -> u64 {
    bits(window, |byte| byte <= LAST)
}

#[inline(never)]
fn sign_bits(window: &[u8; WIDTH]) -> u64 {
    bits(window, |byte| (byte <= b'\'') | (byte == b'='))
}

/// Returns a bit for each byte that is wanted.
///
/// It is written so that the compiler makes vectors of it: each wanted byte is replaced by its bit
/// among eight, and eight neighbours are added up.
#[inline(always)]
fn bits(window: &[u8; WIDTH], wanted: impl Fn(u8) -> bool) -> u64 {
    let mut flags = [0; WIDTH];
    for (place, (flag, byte)) in flags.iter_mut().zip(window).enumerate() {
        *flag = if wanted(*byte) { 1_u8 << (place % 8) } else { 0 };
    }
    let mut sums = [0; 8];
    for (sum, flags) in sums.iter_mut().zip(flags.chunks_exact(8)) {
        let wide: u32 = flags.iter().map(|flag| u32::from(*flag)).sum();
        *sum = wide.to_le_bytes()[0];
    }
    u64::from_le_bytes(sums)
}

/// The bytes of a window, one for each bit.
const WIDTH: usize = 64;

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
            for place in 0..WIDTH {
                for others in [b'x', 0xFF] {
                    let mut window = [others; WIDTH];
                    window[place] = byte;
                    let expected = |wanted: bool| u64::from(wanted) << place;
                    assert_eq!(
                        bits_up_to::<b' '>(&window),
                        expected(byte <= b' '),
                        "{byte} {place}"
                    );
                    assert_eq!(
                        bits_up_to::<b'"'>(&window),
                        expected(byte <= b'"'),
                        "{byte} {place}"
                    );
                    let is_sign = byte <= b'\'' || byte == b'=';
                    assert_eq!(sign_bits(&window), expected(is_sign), "{byte} {place}");
                }
            }
        }
    }

    #[test]
    fn what_is_behind_the_text_is_marked() {
        for length in 0..200_usize {
            let text = vec![b'x'; length];
            for at in 0..=length {
                let left = length - at;
                let expected = if left < WIDTH { u64::MAX << left } else { 0 };
                assert_eq!(signs(&text, at), expected, "{at} of {length}");
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
                    let found = Window::<b' '>::new().find(&text, from);
                    let expected = if from <= space { space } else { length };
                    assert_eq!(found, expected, "{length} {space} {from}");
                }
            }
        }
        let mut window = Window::<b' '>::new();
        let text = "ab cd efgh ".repeat(40);
        let mut found = 0;
        for (place, _) in text.match_indices(' ') {
            found = window.find(text.as_bytes(), found);
            assert_eq!(found, place);
            found += 1;
        }
        assert_eq!(window.find(text.as_bytes(), found), text.len());
        assert_eq!(window.find(text.as_bytes(), 3), 5, "and back again");
    }
}
