//! The size of the item that a format describes, in the grammar of the module `struct`.
//!
//! `format := [prefix] { space | [count] code }`. The format is scanned from left to right, and the first problem is
//! reported. The rules are those of CPython's `struct.calcsize`: native items are aligned, there is no padding at the
//! end, and neither a size nor the number of items exceeds `PY_SSIZE_T_MAX`. (Older CPythons, 3.13.0 among them, do not
//! limit the number of items, so a format that exceeds it is not one that every CPython accepts.)

use super::codes::{self, Code};
use crate::error::{Error, Kind};

pub use super::codes::Grammar;

/// Why a format has no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// A byte that is not a code, or not one under this prefix.
    BadCode,
    /// A count at the end of the format.
    CountWithoutCode,
    /// A count, a size or a number of items that overflows.
    TooLong,
}

impl From<FormatError> for Error {
    fn from(error: FormatError) -> Self {
        Self::Fixed(
            Kind::Struct,
            match error {
                FormatError::BadCode => c"bad char in struct format",
                FormatError::CountWithoutCode => c"repeat count given without format specifier",
                FormatError::TooLong => c"total struct size too long",
            },
        )
    }
}

/// The size in bytes of the item that `format` describes; 0 for an empty format.
#[inline(never)]
pub fn size(format: &[u8], grammar: Grammar) -> Result<isize, FormatError> {
    let (is_native, codes) = match format {
        [b'@', codes @ ..] => (true, codes),
        [b'=' | b'<' | b'>' | b'!', codes @ ..] => (false, codes),
        codes => (true, codes),
    };
    scan::<false>(codes, is_native, grammar)
}

#[cold]
#[inline(never)]
fn counted(codes: &[u8], is_native: bool, grammar: Grammar) -> Result<isize, FormatError> {
    scan::<true>(codes, is_native, grammar)
}

/// The size of the items after the prefix. `COUNTS` says whether the items are counted, too. Counting takes a tenth of
/// the time of a short format, and matters only if some items have no bytes: otherwise the size overflows first.
#[inline(always)]
fn scan<const COUNTS: bool>(
    all: &[u8],
    is_native: bool,
    grammar: Grammar,
) -> Result<isize, FormatError> {
    let mut codes = all.iter().copied();
    let mut total: isize = 0;
    let mut n_items: isize = 0;
    while let Some(byte) = codes.next() {
        if is_space(byte) {
            continue;
        }
        let (count, byte) = match digit(byte) {
            Some(first) => count(first, &mut codes)?,
            None => (1, byte),
        };
        let code = if byte == b'Z' && grammar == Grammar::Newest {
            codes.next().and_then(complex)
        } else {
            codes::find(byte, grammar)
        };
        let code = code.ok_or(FormatError::BadCode)?;
        let size = if is_native {
            total = aligned(total, code.align).ok_or(FormatError::TooLong)?;
            code.size
        } else if code.standard != 0 {
            code.standard
        } else {
            return Err(FormatError::BadCode);
        };
        if COUNTS {
            n_items = n_items.checked_add(items(byte, count)).ok_or(FormatError::TooLong)?;
        }
        let bytes = count.checked_mul(size.into()).ok_or(FormatError::TooLong)?;
        if !COUNTS && bytes == 0 {
            return counted(all, is_native, grammar);
        }
        total = total.checked_add(bytes).ok_or(FormatError::TooLong)?;
    }
    Ok(total)
}

/// The number of items that a code with a count stands for.
fn items(code: u8, count: isize) -> isize {
    match code {
        // The count is the length of one string.
        b's' | b'p' => 1,
        b'x' => 0,
        _ => count,
    }
}

/// Whether a byte is a space, which may stand between items.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// The value of a digit.
pub fn digit(byte: u8) -> Option<isize> {
    byte.is_ascii_digit().then(|| isize::from(byte.wrapping_sub(b'0')))
}

/// Reads the rest of a count, and the code after it.
fn count(first: isize, rest: &mut impl Iterator<Item = u8>) -> Result<(isize, u8), FormatError> {
    let mut count = first;
    for byte in rest {
        let Some(digit) = digit(byte) else { return Ok((count, byte)) };
        count = count
            .checked_mul(10)
            .and_then(|count| count.checked_add(digit))
            .ok_or(FormatError::TooLong)?;
    }
    Err(FormatError::CountWithoutCode)
}

/// `offset` rounded up to a multiple of `align`, a power of two; `None` if that overflows.
pub fn aligned(offset: isize, align: u8) -> Option<isize> {
    let mask = isize::from(align).wrapping_sub(1);
    Some(offset.checked_add(mask)? & !mask)
}

/// The complex code that `Z` and `code` form.
fn complex(code: u8) -> Option<Code> {
    matches!(code, b'f' | b'd').then(|| codes::find(code, Grammar::Common))?.map(Code::doubled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(format: &str) -> Result<isize, FormatError> {
        size(format.as_bytes(), Grammar::Common)
    }

    #[test]
    fn native_items_are_aligned_but_not_padded_at_the_end() {
        assert_eq!(common("ib"), Ok(5));
        assert_eq!(common("ib0i"), Ok(8));
        assert_eq!(common("bhb"), Ok(5));
        assert_eq!(common("0q"), Ok(0));
        assert_eq!(common(" 3d \n2h"), Ok(28));
    }

    #[test]
    fn standard_items_are_neither() {
        assert_eq!(common("<bhb"), Ok(4));
        assert_eq!(common("=l"), Ok(4));
        assert_eq!(common("<n"), Err(FormatError::BadCode));
    }

    #[test]
    fn limits_are_those_of_a_ssize_t() {
        let max = isize::MAX;
        assert_eq!(common(&std::format!("{max}b")), Ok(max));
        assert_eq!(common(&std::format!("{}b", max.unsigned_abs() + 1)), Err(FormatError::TooLong));
        assert_eq!(common(&std::format!("{}h", max / 2 + 1)), Err(FormatError::TooLong));
        assert_eq!(common(&std::format!("{max}bh")), Err(FormatError::TooLong));
    }

    /// A string is one item, even one of no bytes; padding is none.
    #[test]
    fn number_of_items_is_limited_too() {
        let max = isize::MAX;
        for format in ["0s{max}c", "0p{max}c", "{max}c0s", "<{max}c0p", "0s{max}c~"] {
            let format = format.replace("{max}", &std::format!("{max}"));
            assert_eq!(common(&format), Err(FormatError::TooLong), "{format}");
        }
        for format in ["0s{max}s", "0s{max}x", "0x{max}c", "{max}c0x", "{max}x0s", "0i{max}c"] {
            let format = format.replace("{max}", &std::format!("{max}"));
            assert_eq!(common(&format), Ok(max), "{format}");
        }
        assert_eq!(common(&std::format!("0s{}c", max - 1)), Ok(max - 1));
        assert_eq!(common(&std::format!("0s0p{}c", max - 1)), Err(FormatError::TooLong));
    }

    #[test]
    fn the_first_problem_wins() {
        assert_eq!(common("i2"), Err(FormatError::CountWithoutCode));
        assert_eq!(common("99999999999999999999!"), Err(FormatError::TooLong));
        assert_eq!(common("2 i"), Err(FormatError::BadCode));
        assert_eq!(common(" @i"), Err(FormatError::BadCode));
        assert_eq!(common("T{i}"), Err(FormatError::BadCode));
    }

    #[test]
    fn complex_numbers_are_of_the_newest_grammar() {
        for (format, expected) in [("F", 8), ("D", 16), ("3Zd", 48), ("bZf", 12), ("<bZf", 9)] {
            assert_eq!(common(format), Err(FormatError::BadCode));
            assert_eq!(size(format.as_bytes(), Grammar::Newest), Ok(expected));
        }
        for format in ["Z", "Zi", "Z f", "Z3f", "ZF"] {
            assert_eq!(size(format.as_bytes(), Grammar::Newest), Err(FormatError::BadCode));
        }
    }
}
