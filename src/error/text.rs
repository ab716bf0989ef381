//! Texts in place, with numbers and shapes in them. `core::fmt` would take 4 KB of code (D-48).

use core::ffi::CStr;

/// A text of at most 383 bytes, with a terminating NUL, in place.
#[derive(Clone, Debug)]
pub struct Text {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

/// A text with what is known only at run time, which each `{}` of the template stands for: see `message!`.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The text.
    pub template: &'static str,
    /// What its `{}` stand for, in their order.
    pub parts: &'a [Part<'a>],
}

/// What is written in place of a `{}`.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// A number.
    Number(i64),
    /// A byte, as two digits in base 16.
    Byte(u8),
    /// A text as it is.
    Text(&'static str),
    /// A shape or strides, as a Python tuple such as `(2, 3)`; cut after 8 entries.
    Tuple(&'a [isize]),
}

/// A [`Message`]: a template, and a part for each `{}` in it.
macro_rules! message {
    ($template:literal $(, $part:expr)* $(,)?) => {
        $crate::error::Message {
            template: const {
                let parts: &[&str] = &[$(stringify!($part)),*];
                $crate::error::Message::checked($template, parts.len())
            },
            parts: &[$($crate::error::Part::from($part)),*],
        }
    };
}
pub(crate) use message;

impl Message<'_> {
    /// A template that has `n` parts.
    pub const fn checked(template: &'static str, n: usize) -> &'static str {
        let mut rest = template.as_bytes();
        let mut found: usize = 0;
        while let [first, after @ ..] = rest {
            found = found.wrapping_add((*first == b'{') as usize);
            rest = after;
        }
        assert!(found == n, "as many parts as braces");
        template
    }
}

macro_rules! numbers {
    ($($type:ty)+) => {
        $(impl From<$type> for Part<'_> {
            fn from(number: $type) -> Self {
                Self::Number(number as i64)
            }
        })+
    };
}
numbers!(u8 u16 u32 i32 i64 isize usize);

impl From<&'static str> for Part<'_> {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [isize]> for Part<'a> {
    fn from(numbers: &'a [isize]) -> Self {
        Self::Tuple(numbers)
    }
}

/// The digits of a number in base 10 or 16, which are put at the end of `room`.
#[inline(never)]
pub fn digits(number: u64, base: u8, room: &mut [u8; 20]) -> &[u8] {
    let mut rest = number;
    let mut n: usize = 0;
    for digit in room.iter_mut().rev() {
        let low = rest.checked_rem(base.into()).unwrap_or(0) as u8;
        *digit = if low < 10 { b'0'.wrapping_add(low) } else { (b'a' - 10).wrapping_add(low) };
        rest = rest.checked_div(base.into()).unwrap_or(0);
        n = n.wrapping_add(1);
        if rest == 0 {
            break;
        }
    }
    room.get(room.len().saturating_sub(n)..).unwrap_or_default()
}

impl Text {
    const CAPACITY: usize = 384;
    const ELLIPSIS: &'static [u8] = b"...";

    /// An empty text.
    pub const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }

    /// A text known at compile time, which must be shorter than the capacity.
    pub const fn from_ascii(text: &str) -> Self {
        let mut this = Self::new();
        let bytes = text.as_bytes();
        // A copy into a part of an array, in a form that is allowed in a constant.
        if let Some((first, _)) = this.bytes.split_at_mut_checked(bytes.len()) {
            first.copy_from_slice(bytes);
            this.len = bytes.len();
        }
        this
    }

    /// A template with its parts. What does not fit is cut, and the text then ends with an ellipsis.
    #[inline(never)]
    pub fn of(message: Message) -> Self {
        let mut this = Self::new();
        let mut pieces = message.template.as_bytes().split(|byte| *byte == b'{');
        this.put(pieces.next().unwrap_or_default());
        for (part, piece) in message.parts.iter().zip(pieces) {
            this.part(*part);
            // After the brace that closes.
            this.put(piece.get(1..).unwrap_or_default());
        }
        this
    }

    /// A template's text, with `name` in place of its `%.100s` or `%.200s`. The name is cut at 100 or 200 bytes, and
    /// bytes that are not UTF-8 are replaced.
    pub fn with_name(template: &CStr, name: &CStr) -> Self {
        const MARK: &str = "%.n00s";
        let mut this = Self::new();
        let template = template.to_bytes();
        let at = template.iter().position(|byte| *byte == b'%').unwrap_or(template.len());
        let (before, mark) = template.split_at_checked(at).unwrap_or_default();
        this.put(before);
        let name = name.to_bytes();
        let limit = if mark.get(2) == Some(&b'2') { 200 } else { 100 };
        let cut = name.get(..limit);
        this.put_foreign(cut.unwrap_or(name), cut.is_some());
        this.put(mark.get(MARK.len()..).unwrap_or_default());
        this
    }

    /// The text of a C string. Bytes that are not UTF-8 are replaced.
    pub fn from_c_str(text: &CStr) -> Self {
        let mut this = Self::new();
        this.put_foreign(text.to_bytes(), false);
        this
    }

    /// The text with its NUL.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }

    /// Appends bytes, with U+FFFD in place of what is not UTF-8. With `is_cut`, a last character that was cut in two is
    /// left out, as in CPython 3.14 and later.
    #[inline(never)]
    pub fn put_foreign(&mut self, bytes: &[u8], is_cut: bool) {
        for chunk in bytes.utf8_chunks() {
            self.put(chunk.valid().as_bytes());
            let is_halved = is_cut && is_begun_character(chunk.invalid());
            if !chunk.invalid().is_empty() && !is_halved {
                self.put("\u{fffd}".as_bytes());
            }
        }
    }

    /// Appends UTF-8. What does not fit is cut between characters, and the text then ends with an ellipsis.
    #[inline(never)]
    pub fn put(&mut self, piece: &[u8]) {
        if self.len == Self::CAPACITY {
            return;
        }
        let room = Self::CAPACITY
            .saturating_sub(1)
            .saturating_sub(Self::ELLIPSIS.len())
            .saturating_sub(self.len);
        if piece.len() <= room {
            return self.append(piece);
        }
        let mut cut = room;
        while piece.get(cut).is_some_and(|byte| byte & 0xc0 == 0x80) {
            cut = cut.saturating_sub(1);
        }
        self.append(piece.get(..cut).unwrap_or_default());
        self.append(Self::ELLIPSIS);
        // A full text: nothing is appended after the ellipsis. The rest is NUL.
        self.len = Self::CAPACITY;
    }

    fn part(&mut self, part: Part) {
        match part {
            Part::Number(number) => self.number(number),
            Part::Byte(byte) => {
                let room = &mut [0; 20];
                // Two digits.
                let all = digits(u64::from(byte).wrapping_add(0x100), 16, room);
                self.put(all.get(1..).unwrap_or_default());
            }
            Part::Text(text) => self.put(text.as_bytes()),
            Part::Tuple(numbers) => {
                const SHOWN: usize = 8;
                let mut separator: &[u8] = b"(";
                for &number in numbers.iter().take(SHOWN) {
                    self.put(separator);
                    self.number(number as i64);
                    separator = b", ";
                }
                self.put(match numbers.len() {
                    0 => b"()",
                    1 => b",)",
                    n if n > SHOWN => b", ...)",
                    _ => b")",
                });
            }
        }
    }

    #[inline(never)]
    fn number(&mut self, number: i64) {
        if number < 0 {
            self.put(b"-");
        }
        self.put(digits(number.unsigned_abs(), 10, &mut [0; 20]));
    }

    #[inline(never)]
    fn append(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(free) = self.bytes.get_mut(self.len..end) {
            free.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            self.len = end;
        }
    }
}

/// Whether the bytes are the beginning of a character whose end is missing.
fn is_begun_character(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    fn shown(text: &Text) -> String {
        text.as_c_str().to_str().unwrap().to_string()
    }

    #[test]
    fn text_longer_than_its_buffer_is_cut_with_an_ellipsis() {
        let long: &'static str = "x".repeat(1000).leak();
        let text = shown(&Text::of(message!("{}{}", long, long)));
        assert_eq!(text.len(), Text::CAPACITY - 1);
        assert!(text.ends_with("x..."));
    }

    #[test]
    fn nothing_is_written_behind_a_cut() {
        let mut text = Text::new();
        text.put("x".repeat(378).as_bytes());
        text.put("éé".as_bytes());
        text.put(b"z");
        let text = shown(&text);
        assert!(text.ends_with("x...") || text.ends_with("é..."), "{text}");
        let mut broken = Text::from_c_str(c"bad name 'abcd\xc3'");
        broken.put(b"!");
        assert_eq!(shown(&broken), "bad name 'abcd\u{fffd}'!");
    }

    #[test]
    fn text_is_cut_between_characters() {
        let mut text = Text::new();
        text.put("é".repeat(400).as_bytes());
        assert!(shown(&text).ends_with("é..."));
    }

    #[test]
    fn parts_are_shown_as_python_shows_them() {
        let tuple = |numbers: &[isize]| shown(&Text::of(message!("{}", numbers)));
        assert_eq!(tuple(&[]), "()");
        assert_eq!(tuple(&[3]), "(3,)");
        assert_eq!(tuple(&[2, -3]), "(2, -3)");
        assert_eq!(tuple(&[1; 9]), "(1, 1, 1, 1, 1, 1, 1, 1, ...)");
        let numbers = message!("[{}] {}: {}!", i64::MIN, Part::Byte(0xa), "é");
        assert_eq!(shown(&Text::of(numbers)), "[-9223372036854775808] 0a: é!");
        assert_eq!(shown(&Text::of(message!("{}{}", 0_usize, Part::Byte(255)))), "0ff");
    }
}
