//! CPython's error texts for a format that is not ASCII.

use crate::error::{Error, Kind, Part, message};

/// Refuses bytes that are not UTF-8, and then characters that are not ASCII, as CPython 3.15 does.
pub fn check(format: &[u8]) -> Result<(), Error> {
    match core::str::from_utf8(format) {
        Ok(text) if text.is_ascii() => Ok(()),
        Ok(_) => Err(Error::Fixed(Kind::Value, c"non-ASCII character in struct format")),
        Err(error) => Err(undecodable(format, error)),
    }
}

fn undecodable(format: &[u8], error: core::str::Utf8Error) -> Error {
    let start = error.valid_up_to();
    let first = format.get(start).copied().unwrap_or(0);
    let (wrong, reason) = match error.error_len() {
        None => (format.len().saturating_sub(start), "unexpected end of data"),
        Some(len) if matches!(first, 0xc2..=0xf4) => (len, "invalid continuation byte"),
        Some(len) => (len, "invalid start byte"),
    };
    if wrong > 1 {
        let last = start.saturating_add(wrong).saturating_sub(1);
        return Error::text(
            Kind::UnicodeDecode,
            message!("'utf-8' codec can't decode bytes in position {}-{}: {}", start, last, reason),
        );
    }
    Error::text(
        Kind::UnicodeDecode,
        message!(
            "'utf-8' codec can't decode byte 0x{} in position {}: {}",
            Part::Byte(first),
            start,
            reason
        ),
    )
}
