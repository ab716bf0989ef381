//! The version of a libpython, from its `Py_GetVersion`.

use core::ffi::CStr;

use super::symbols::Symbols;

/// "3.13.0 (main, ...) [GCC ...]"; available before Py_Initialize too.
pub fn text(symbols: &Symbols) -> Option<&'static CStr> {
    let get_version = symbols.Py_GetVersion?;
    // SAFETY: it has no arguments and may be called at any time.
    let text = unsafe { get_version() };
    // SAFETY: a static C string.
    Some(unsafe { CStr::from_ptr(text) })
}

/// The two numbers before the second dot of "3.13.0 (...)".
pub fn parse(text: &CStr) -> Option<(u32, u32)> {
    let mut bytes = text.to_bytes().iter();
    let mut number = || {
        let digits = bytes.by_ref().map_while(|byte| char::from(*byte).to_digit(10));
        digits.map(Some).reduce(|number, digit| number?.checked_mul(10)?.checked_add(digit?))?
    };
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_what_stands_before_the_second_dot() {
        assert_eq!(parse(c"3.13.0 (main, Nov 1 2026) [GCC 12]"), Some((3, 13)));
        assert_eq!(parse(c"3.15.0rc1+ free-threading build"), Some((3, 15)));
        assert_eq!(parse(c"nonsense"), None);
    }
}
