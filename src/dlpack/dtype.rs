//! Formats and DLPack's data types.

use core::ffi::CStr;
use core::fmt::{self, Write};
use core::mem::MaybeUninit;

use crate::abi::{DLDataType, pybuffer_format_field};
use crate::error::{Error, Kind};
use crate::format::codes::kind;
use crate::format::parse::{Fields, parse};

/// A data type of one value.
pub struct Known {
    code: u8,
    bits: u8,
    /// Its name in NumPy, PyTorch and ml_dtypes.
    name: &'static CStr,
    /// The format of a memoryview. A type that has no letter is bytes that mean nothing: exporters use letters of their
    /// own, which others read as other types. Empty for items of less than a byte.
    pub format: &'static CStr,
}

const fn known(code: u8, bits: u8, name: &'static CStr, format: &'static CStr) -> Known {
    Known { code, bits, name, format }
}

const INT: u8 = 0;
const UINT: u8 = 1;
const FLOAT: u8 = 2;
const HANDLE: u8 = 3;
const BFLOAT: u8 = 4;
const COMPLEX: u8 = 5;
const BOOL: u8 = 6;

static KNOWN: [Known; 32] = [
    known(INT, 8, c"int8", c"b"),
    known(INT, 16, c"int16", c"h"),
    known(INT, 32, c"int32", c"i"),
    known(INT, 64, c"int64", c"q"),
    known(UINT, 8, c"uint8", c"B"),
    known(UINT, 16, c"uint16", c"H"),
    known(UINT, 32, c"uint32", c"I"),
    known(UINT, 64, c"uint64", c"Q"),
    known(FLOAT, 16, c"float16", c"e"),
    known(FLOAT, 32, c"float32", c"f"),
    known(FLOAT, 64, c"float64", c"d"),
    known(FLOAT, 128, c"float128", c"16x"),
    known(COMPLEX, 32, c"complex32", c"Ze"),
    known(COMPLEX, 64, c"complex64", c"Zf"),
    known(COMPLEX, 128, c"complex128", c"Zd"),
    known(BOOL, 8, c"bool", c"?"),
    known(BFLOAT, 16, c"bfloat16", c"2x"),
    known(HANDLE, 8, c"handle8", c"x"),
    known(HANDLE, 16, c"handle16", c"2x"),
    known(HANDLE, 32, c"handle32", c"4x"),
    known(HANDLE, 64, c"handle64", c"8x"),
    known(7, 8, c"float8_e3m4", c"x"),
    known(8, 8, c"float8_e4m3", c"x"),
    known(9, 8, c"float8_e4m3b11fnuz", c"x"),
    known(10, 8, c"float8_e4m3fn", c"x"),
    known(11, 8, c"float8_e4m3fnuz", c"x"),
    known(12, 8, c"float8_e5m2", c"x"),
    known(13, 8, c"float8_e5m2fnuz", c"x"),
    known(14, 8, c"float8_e8m0fnu", c"x"),
    known(15, 6, c"float6_e2m3fn", c""),
    known(16, 6, c"float6_e3m2fn", c""),
    known(17, 4, c"float4_e2m1fn", c""),
];

/// What is known of a type; `None` for several lanes too.
pub fn find(dtype: DLDataType) -> Option<&'static Known> {
    KNOWN
        .iter()
        .find(|known| dtype.lanes == 1 && (known.code, known.bits) == (dtype.code, dtype.bits))
}

/// The name of a type; `None` if it is not known.
pub fn name(dtype: DLDataType) -> Option<&'static CStr> {
    find(dtype).map(|known| known.name)
}

const NATIVE: u8 = if cfg!(target_endian = "little") { b'<' } else { b'>' };

/// The data type of items of this format and size.
#[inline(never)]
pub fn of_format(format: &CStr, itemsize: isize) -> Result<DLDataType, Error> {
    let mut room = [MaybeUninit::uninit()];
    let mut found = Fields { room: &mut room, format: format.as_ptr(), ..Fields::default() };
    let item = parse(format.to_bytes(), &mut found).map_err(|problem| problem.of("the format"))?;
    let n = found.n;
    let [first] = room;
    // SAFETY: the parser stores the first field, if there is one.
    let field = (n > 0).then(|| unsafe { first.assume_init() });
    if item.end != itemsize {
        return Err(refusal(
            format,
            &format_args!(
                "its items have {} bytes, and Py_buffer.itemsize is {itemsize}",
                item.end
            ),
        ));
    }
    let code = field.as_ref().filter(|_| n == 1).and_then(code_of);
    match (code, field) {
        (Some(code), Some(field)) if itemsize == 1 || field.byte_order as u8 == NATIVE => {
            // At most 16 bytes (`code_of`).
            Ok(DLDataType { code, bits: itemsize.wrapping_mul(8) as u8, lanes: 1 })
        }
        (Some(_), _) => {
            Err(refusal(format, &Plain("it is not in native byte order: convert the items first")))
        }
        (None, field) => {
            let items = Plain(what(field.as_ref(), n));
            let help = Plain("view the same memory with a format of numbers first");
            Err(refusal(format, &format_args!("its items are {items}: {help}")))
        }
    }
}

/// The code of a format's one field.
fn code_of(field: &pybuffer_format_field) -> Option<u8> {
    if field.ndim != 0 || field.count != 1 || field.offset != 0 {
        return None;
    }
    // Larger ones are long doubles, of which no two kinds of machine have the same.
    match (field.kind as u8, field.itemsize) {
        (kind::SIGNED, 1 | 2 | 4 | 8) => Some(INT),
        (kind::UNSIGNED, 1 | 2 | 4 | 8) => Some(UINT),
        (kind::FLOAT, 2 | 4 | 8) => Some(FLOAT),
        (kind::COMPLEX, 4 | 8 | 16) => Some(COMPLEX),
        (kind::BOOL, 1) => Some(BOOL),
        _ => None,
    }
}

/// What the items of a format are, of which the first of `n` fields is this one.
fn what(field: Option<&pybuffer_format_field>, n: usize) -> &'static str {
    let Some(field) = field else { return "bytes without a meaning" };
    match field.kind as u8 {
        kind::STRUCT => "structs",
        _ if n > 1 => "structs",
        kind::OBJECT => "references to Python objects",
        kind::POINTER | kind::FUNCTION => "addresses",
        kind::BITS => "bits",
        kind::VOID => "bytes without a meaning",
        kind::BYTES | kind::PASCAL | kind::UNICODE => "text",
        _ if field.ndim != 0 || field.count != 1 => "arrays",
        kind::FLOAT | kind::COMPLEX => "long doubles, which differ between machines",
        _ => "complex integers",
    }
}

#[cold]
fn refusal(format: &CStr, why: &dyn fmt::Display) -> Error {
    let format = Shown(format);
    Error::text(Kind::Buffer, format_args!("format '{format}' has no DLPack type: {why}"))
}

/// A text that is shown as it is. The `Display` of `str` also pads, which costs 3 KiB of code.
struct Plain(&'static str);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The first bytes of a format, with a question mark for each that is not printable ASCII.
struct Shown<'a>(&'a CStr);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 60;
        let bytes = self.0.to_bytes();
        for byte in bytes.iter().take(MOST) {
            let is_shown = matches!(byte, b' '..=b'~');
            f.write_char(if is_shown { char::from(*byte) } else { '?' })?;
        }
        f.write_str(if bytes.len() > MOST { "..." } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn every_letter_is_read_as_the_type_that_it_stands_for() {
        for known in KNOWN.iter().filter(|known| known.format.to_bytes().len() < 3) {
            let dtype = DLDataType { code: known.code, bits: known.bits, lanes: 1 };
            let read = of_format(known.format, isize::from(known.bits / 8));
            if known.format.to_bytes().last().is_some_and(|letter| *letter != b'x') {
                assert!(read.unwrap() == dtype, "{:?}", known.name);
            } else {
                assert!(read.is_err(), "{:?}", known.name);
            }
        }
    }

    #[test]
    fn types_are_known_once() {
        for (i, one) in KNOWN.iter().enumerate() {
            let is_same = |other: &&Known| (other.code, other.bits) == (one.code, one.bits);
            assert_eq!(KNOWN.iter().filter(is_same).count(), 1);
            assert!(KNOWN[..i].iter().all(|other| other.name != one.name));
            assert_eq!(one.format.is_empty(), one.bits % 8 != 0);
        }
    }

    #[test]
    fn formats_are_shown_in_part() {
        let long = std::ffi::CString::new("\u{e9}x".repeat(40)).unwrap();
        let shown = Shown(&long).to_string();
        assert!(shown.starts_with("??x??x") && shown.ends_with("..."), "{shown}");
        assert_eq!(shown.len(), 63);
    }
}
