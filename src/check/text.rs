//! Writes texts into arrays of the caller's. `core::fmt` would take twice the code.

use core::ffi::{CStr, c_char};

use crate::error::digits;

/// A C string that is being written. What does not fit is left out, but counted.
pub struct Writer<'a> {
    text: &'a mut [c_char],
    /// The length that the text would have if all of it fit.
    pub len: usize,
}

impl<'a> Writer<'a> {
    /// An empty text in an array, which may itself be empty.
    pub fn new(text: &'a mut [c_char]) -> Self {
        if let Some(first) = text.first_mut() {
            *first = 0;
        }
        Self { text, len: 0 }
    }

    #[inline(never)]
    fn byte(&mut self, byte: u8) {
        let end = self.len.wrapping_add(1);
        // Only if there is room for the NUL, too.
        if let Some([last, nul]) = self.text.get_mut(self.len..end.wrapping_add(1)) {
            *last = byte as c_char;
            *nul = 0;
        }
        self.len = end;
    }

    /// Appends a text.
    pub fn put(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Appends a C string.
    pub fn put_c(&mut self, text: &CStr) -> &mut Self {
        self.bytes(text.to_bytes())
    }

    /// Appends the text in an array of characters, up to its NUL.
    #[inline(never)]
    pub fn put_array(&mut self, text: &[c_char]) -> &mut Self {
        text.iter().take_while(|byte| **byte != 0).for_each(|byte| self.byte(*byte as u8));
        self
    }

    /// Appends bytes as they are.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        bytes.iter().for_each(|&byte| self.byte(byte));
        self
    }

    /// Appends bytes, with `?` for what is not printable ASCII.
    #[inline(never)]
    pub fn printable(&mut self, bytes: &[u8]) -> &mut Self {
        let shown = |&byte| if matches!(byte, b' '..=b'~') { byte } else { b'?' };
        bytes.iter().for_each(|byte| self.byte(shown(byte)));
        self
    }

    /// Appends a text from outside the library as one line: control characters become spaces. One that is not UTF-8
    /// is appended as [`printable`](Self::printable).
    pub fn line(&mut self, text: &CStr) -> &mut Self {
        if text.to_str().is_err() {
            return self.printable(text.to_bytes());
        }
        let shown = |byte| if matches!(byte, ..b' ' | 0x7f) { b' ' } else { byte };
        text.to_bytes().iter().for_each(|byte| self.byte(shown(*byte)));
        self
    }

    /// Appends a number.
    #[inline(never)]
    pub fn number(&mut self, number: isize) -> &mut Self {
        if number < 0 {
            self.byte(b'-');
        }
        self.bytes(digits(number.unsigned_abs() as u64, 10, &mut [0; 20]))
    }

    /// Appends a number in base 16.
    #[inline(never)]
    pub fn hex(&mut self, number: usize) -> &mut Self {
        self.put("0x").bytes(digits(number as u64, 16, &mut [0; 20]))
    }

    /// Appends numbers as Python shows a tuple, `(2, 3)`; a long one is cut after 8 entries.
    #[inline(never)]
    pub fn tuple(&mut self, numbers: &[isize]) -> &mut Self {
        const SHOWN: usize = 8;
        let mut separator = "(";
        for &number in numbers.iter().take(SHOWN) {
            self.put(separator).number(number);
            separator = ", ";
        }
        self.put(match numbers.len() {
            0 => "()",
            1 => ",)",
            n if n > SHOWN => ", ...)",
            _ => ")",
        })
    }
}

/// Removes an incomplete UTF-8 character from the end of a text that was cut.
#[inline(never)]
pub fn end_with_a_character(text: &mut [c_char]) {
    let len = text.iter().position(|byte| *byte == 0).unwrap_or(0);
    let bytes = text.get_mut(..len).unwrap_or_default();
    // The last character begins at most four bytes before the end.
    let is_first = |byte: &c_char| *byte as u8 & 0xc0 != 0x80;
    let Some(last) = bytes.iter().rposition(is_first) else { return };
    let Some(last) = bytes.get_mut(last..) else { return };
    let size = match last.first().map_or(0, |byte| *byte as u8) {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    };
    if last.len() < size
        && let Some(first) = last.first_mut()
    {
        *first = 0;
    }
}

/// What `write` writes, in up to 4095 bytes.
#[cfg(test)]
pub fn shown(write: impl FnOnce(&mut Writer)) -> std::string::String {
    let mut text = [1; 4096];
    write(&mut Writer::new(&mut text));
    let mut out = std::vec![1; 4096];
    Writer::new(&mut out).put_array(&text);
    let bytes: std::vec::Vec<u8> = out.iter().map(|c| *c as u8).collect();
    CStr::from_bytes_until_nul(&bytes).unwrap().to_str().unwrap().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(
            shown(|out| {
                out.number(0);
            }),
            "0"
        );
        assert_eq!(
            shown(|out| {
                out.number(isize::MIN);
            }),
            std::format!("{}", isize::MIN)
        );
        assert_eq!(
            shown(|out| {
                out.hex(usize::MAX);
            }),
            std::format!("{:#x}", usize::MAX)
        );
        assert_eq!(
            shown(|out| {
                out.tuple(&[]);
            }),
            "()"
        );
        assert_eq!(
            shown(|out| {
                out.tuple(&[3]);
            }),
            "(3,)"
        );
        assert_eq!(
            shown(|out| {
                out.tuple(&[2, -3]);
            }),
            "(2, -3)"
        );
        assert_eq!(
            shown(|out| {
                out.tuple(&[1; 9]);
            }),
            "(1, 1, 1, 1, 1, 1, 1, 1, ...)"
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_left_out() {
        let mut text = [7; 4];
        let mut out = Writer::new(&mut text);
        out.put("ab").put("cde").put("f");
        assert_eq!(out.len, 6);
        assert_eq!(text.map(|c| c as u8), *b"abc\0");
        let mut out = Writer::new(&mut []);
        out.put("ab");
        assert_eq!(out.len, 2);
    }

    #[test]
    fn text_that_is_cut_ends_with_a_whole_character() {
        let text = "a\u{e9}\u{20ac}\u{1f40d}";
        for size in 1..=text.len() + 1 {
            let mut cut = std::vec![7; size];
            Writer::new(&mut cut).put(text);
            end_with_a_character(&mut cut);
            let bytes: std::vec::Vec<u8> = cut.iter().map(|c| *c as u8).collect();
            let cut = CStr::from_bytes_until_nul(&bytes).unwrap().to_str().unwrap();
            assert!(text.starts_with(cut) && cut.len() + 4 >= size.min(text.len()), "{cut:?}");
        }
    }

    #[test]
    fn text_of_others_stays_in_its_line() {
        assert_eq!(
            shown(|out| {
                out.line(c"one\ntwo \u{e9}").line(c"\xff!");
            }),
            "one two \u{e9}?!"
        );
        assert_eq!(
            shown(|out| {
                out.printable(b"T{<i:\n\xc3:}");
            }),
            "T{<i:??:}"
        );
    }
}
