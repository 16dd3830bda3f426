//! Search for separators, 64 bytes at a time.

/// Finds the bytes up to `LAST`, and remembers their positions in a window of 64 bytes.
///
/// So the text of a record is scanned once, for any number of fields. Bytes up to a space separate
/// fields; bytes up to a quote also end values.
#[derive(Clone, Debug)]
pub(crate) struct ByteScanner<const LAST: u8> {
    /// The start and length of the window; the length is 0 before the first search.
    base: usize,
    width: usize,
    /// One bit for each byte of the window that is at most `LAST`, or after the text.
    marks: u64,
}

impl<const LAST: u8> ByteScanner<LAST> {
    /// Creates a scanner for one text.
    pub(crate) const fn new() -> Self {
        Self { base: 0, width: 0, marks: 0 }
    }

    /// Returns the position of the first such byte from `from` on; the length of the text if it has
    /// none. It is fast if `from` ascends from call to call.
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

/// Returns one bit for each of the 64 bytes from `at` on that is a sign (`=`, or a byte up to `'`,
/// such as a space or a quote), or is after the text.
#[inline(always)]
pub(super) fn signs(text: &[u8], at: usize) -> u64 {
    marks(text, at, sign_bits)
}

/// Returns one bit for each of the 64 bytes from `at` on that is wanted, or is after the text.
#[inline(always)]
fn marks(text: &[u8], at: usize, bits: fn(&[u8; WIDTH]) -> u64) -> u64 {
    match text.get(at..).and_then(<[u8]>::first_chunk) {
        Some(window) => bits(window),
        None => last_marks(text, at, bits),
    }
}

/// Returns the same as [`marks`] where the text ends within the window.
#[inline(never)]
fn last_marks(text: &[u8], at: usize, bits: fn(&[u8; WIDTH]) -> u64) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    let left = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    let found = match text.last_chunk() {
        // read the last bytes together with those before them
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

/// Returns one bit for each byte that is wanted.
///
/// The loops are written for vectorization: each wanted byte is replaced by its bit among eight, and
/// eight neighbours are added up.
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

/// The number of bytes in a window, one for each bit.
const WIDTH: usize = 64;

/// Returns the position of the first such byte; fast for near positions.
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

/// Returns the same as [`find`] within the first `length` bytes.
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

/// Returns the position of a byte among eight; 8 if it is not there.
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
    fn every_byte_is_classified() {
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
    fn bytes_after_the_text_are_marked() {
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
    fn bytes_are_found_at_every_position() {
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
    fn separators_are_found_at_every_position() {
        for length in 0..200_usize {
            for space in 0..=length {
                let mut text = vec![b'x'; length];
                if let Some(byte) = text.get_mut(space) {
                    *byte = b' ';
                }
                for from in [0, 1, 63, 64, 65, 130].into_iter().filter(|from| *from <= length) {
                    let found = ByteScanner::<b' '>::new().find(&text, from);
                    let expected = if from <= space { space } else { length };
                    assert_eq!(found, expected, "{length} {space} {from}");
                }
            }
        }
        let mut window = ByteScanner::<b' '>::new();
        let text = "ab cd efgh ".repeat(40);
        let mut found = 0;
        for (place, _) in text.match_indices(' ') {
            found = window.find(text.as_bytes(), found);
            assert_eq!(found, place);
            found += 1;
        }
        assert_eq!(window.find(text.as_bytes(), found), text.len());
        assert_eq!(window.find(text.as_bytes(), 3), 5);
    }
}
