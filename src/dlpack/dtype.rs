//! Formats and DLPack's data types.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use crate::abi::{DLDataType, pybuffer_format_field};
use crate::error::{Error, Kind, Raised, Text};
use crate::format::codes::kind;
use crate::format::parse::{Fields, parse};
use crate::format::problem::Problem;
use crate::runtime::raised;

const INT: u8 = 0;
const UINT: u8 = 1;
const FLOAT: u8 = 2;
const COMPLEX: u8 = 5;
const BOOL: u8 = 6;

/// The types of DLPack 1.3, of one value each: the code, the bits, the name in NumPy, PyTorch and ml_dtypes with a NUL,
/// and the format of a memoryview with a NUL. (References would take twice as many bytes, and a relocation each.)
///
/// A type that has no letter is bytes that mean nothing: exporters use letters of their own, which others read as
/// other types. Items of less than a byte have no format.
const KNOWN: &[u8] = b"\
    \x00\x08int8\0b\0\x00\x10int16\0h\0\x00\x20int32\0i\0\x00\x40int64\0q\0\
    \x01\x08uint8\0B\0\x01\x10uint16\0H\0\x01\x20uint32\0I\0\x01\x40uint64\0Q\0\
    \x02\x10float16\0e\0\x02\x20float32\0f\0\x02\x40float64\0d\0\x02\x80float128\x0016x\0\
    \x05\x20complex32\0Ze\0\x05\x40complex64\0Zf\0\x05\x80complex128\0Zd\0\
    \x06\x08bool\0?\0\x04\x10bfloat16\x002x\0\
    \x07\x08float8_e3m4\0x\0\x08\x08float8_e4m3\0x\0\x09\x08float8_e4m3b11fnuz\0x\0\
    \x0a\x08float8_e4m3fn\0x\0\x0b\x08float8_e4m3fnuz\0x\0\x0c\x08float8_e5m2\0x\0\
    \x0d\x08float8_e5m2fnuz\0x\0\x0e\x08float8_e8m0fnu\0x\0\
    \x0f\x06float6_e2m3fn\0\0\x10\x06float6_e3m2fn\0\0\x11\x04float4_e2m1fn\0\0";

/// The name of a type, and its format, which is empty if there is none; `None` if it is not known, or of several lanes.
#[inline(never)]
pub fn find(dtype: DLDataType) -> Option<(&'static CStr, &'static CStr)> {
    let mut rest = KNOWN;
    while let [code, bits, texts @ ..] = rest {
        let name = CStr::from_bytes_until_nul(texts).ok()?;
        let after = texts.get(name.count_bytes().saturating_add(1)..)?;
        let format = CStr::from_bytes_until_nul(after).ok()?;
        if dtype == (DLDataType { code: *code, bits: *bits, lanes: 1 }) {
            return Some((name, format));
        }
        rest = after.get(format.count_bytes().saturating_add(1)..)?;
    }
    None
}

const NATIVE: u8 = if cfg!(target_endian = "little") { b'<' } else { b'>' };

/// The data type of items of this format and size.
#[inline(never)]
pub fn of_format(format: &CStr, itemsize: isize) -> Result<DLDataType, Raised> {
    let mut room = [MaybeUninit::uninit()];
    let mut found = Fields { room: &mut room, format: format.as_ptr(), ..Fields::default() };
    let item = parse(format.to_bytes(), &mut found).map_err(wrong)?;
    let n = found.n;
    let [first] = room;
    // SAFETY: the parser stores the first field, if there is one.
    let field = (n > 0).then(|| unsafe { first.assume_init() });
    let code = field.as_ref().filter(|_| n == 1).and_then(code_of);
    let why = match (&field, code) {
        _ if item.end != itemsize => "not of Py_buffer.itemsize bytes",
        (Some(field), Some(_)) if field.itemsize != itemsize => "padded",
        (Some(field), Some(_)) if itemsize > 1 && field.byte_order as u8 != NATIVE => {
            "not in native byte order"
        }
        // At most 16 bytes (`code_of`).
        (_, Some(code)) => {
            return Ok(DLDataType { code, bits: (itemsize as u8).wrapping_mul(8), lanes: 1 });
        }
        (field, None) => what(field.as_ref(), n),
    };
    Err(refused(format, why))
}

#[cold]
#[inline(never)]
fn refused(format: &CStr, why: &'static str) -> Raised {
    let mut text =
        Text::with_name(c"format '%.100s' has no DLPack type, as its items are ", format);
    text.put(why.as_bytes());
    text.put(b": view them as native numbers");
    raised(&Error::Text(Kind::Buffer, text))
}

#[cold]
#[inline(never)]
fn wrong(problem: Problem) -> Raised {
    raised(&problem.of("the format"))
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
    let Some(field) = field.filter(|_| n == 1) else { return "structs" };
    match field.kind as u8 {
        kind::STRUCT => "structs",
        kind::OBJECT => "references to objects",
        kind::BYTES | kind::PASCAL | kind::UNICODE => "text",
        _ if field.ndim != 0 || field.count != 1 => "arrays",
        _ => "no numbers that DLPack has",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// All types: code, bits, name and format.
    fn known() -> Vec<(u8, u8, &'static str, &'static str)> {
        let all = (0..=u8::MAX).flat_map(|code| (0..=u8::MAX).map(move |bits| (code, bits)));
        all.filter_map(|(code, bits)| {
            let (name, format) = find(DLDataType { code, bits, lanes: 1 })?;
            Some((code, bits, name.to_str().unwrap(), format.to_str().unwrap()))
        })
        .collect()
    }

    #[test]
    fn every_letter_is_read_as_the_type_that_it_stands_for() {
        for (code, bits, name, format) in known() {
            let text = std::ffi::CString::new(format).unwrap();
            match of_format(&text, isize::from(bits / 8)) {
                Ok(dtype) => assert!(dtype == DLDataType { code, bits, lanes: 1 }, "{name}"),
                Err(_) => assert!(format.is_empty() || format.ends_with('x'), "{name}"),
            }
        }
    }

    #[test]
    fn every_type_is_found() {
        let known = known();
        assert_eq!(known.len(), 28);
        assert_eq!(KNOWN.iter().filter(|byte| **byte == 0).count(), 2 * 28 + 4, "four codes are 0");
        for (_, bits, name, format) in known {
            assert!(name.ends_with(&bits.to_string()) || bits == 8 || name.starts_with("float"));
            let size = format.trim_end_matches('x').parse().unwrap_or(1);
            assert!(!format.ends_with('x') || size * 8 == i32::from(bits), "{name}");
            assert_eq!(format.is_empty(), bits % 8 != 0, "{name}");
        }
        assert!(find(DLDataType { code: 2, bits: 32, lanes: 2 }).is_none());
    }
}
