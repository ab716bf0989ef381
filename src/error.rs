//! Errors as data: the class of an exception and its text.
//!
//! An `Error` is made where the fault is found, passed outward in a `Result`, and turned into an exception in one
//! place, `runtime::raise`. Nothing here accesses an object or dereferences a pointer.

#![forbid(unsafe_code)]

use core::ffi::{CStr, c_char};
use core::fmt::{self, Write};

macro_rules! kinds {
    ($($kind:ident: $name:literal $(, $base:ident)?;)+) => {
        /// The exception classes that the library raises, or that an exporter's source may name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(
                #[doc = concat!("`", stringify!($kind), "`")]
                $kind,
            )+
        }

        impl Kind {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$kind),+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Python's name for the class.
            pub const fn name(self) -> &'static CStr {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            /// Its base class, among these.
            pub const fn base(self) -> Option<Self> {
                match self {
                    $(Self::$kind => kinds!(@base $($base)?),)+
                }
            }
        }
    };
    (@base) => { None };
    (@base $base:ident) => { Some(Self::$base) };
}

// Each class with Python's name for it and its base class.
kinds! {
    Exception: c"Exception";
    Arithmetic: c"ArithmeticError", Exception;
    Attribute: c"AttributeError", Exception;
    Buffer: c"BufferError", Exception;
    Lookup: c"LookupError", Exception;
    Index: c"IndexError", Lookup;
    Key: c"KeyError", Lookup;
    Memory: c"MemoryError", Exception;
    Os: c"OSError", Exception;
    Overflow: c"OverflowError", Arithmetic;
    Runtime: c"RuntimeError", Exception;
    NotImplemented: c"NotImplementedError", Runtime;
    System: c"SystemError", Exception;
    Type: c"TypeError", Exception;
    Value: c"ValueError", Exception;
    UnicodeDecode: c"UnicodeDecodeError", Value;
    Struct: c"struct.error", Exception;
}

impl Kind {
    /// The class with this name, if there is one.
    #[inline(never)]
    pub fn by_name(name: &CStr) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// A fault on its way to becoming an exception.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a text in place, as the library allocates nothing")]
pub enum Error {
    /// The exporter or libpython has already set an exception.
    Raised,
    /// A null pointer where none is allowed. An exception that is already set stays.
    NullArgument,
    /// Memory was refused.
    NoMemory,
    /// A fixed text, usually libpython's own.
    Fixed(Kind, &'static CStr),
    /// A TypeError whose text names the type of an object: a template with one `%.100s` or `%.200s`, and a
    /// pointer to the type's name, which must stay valid until the error is raised.
    TypeName(&'static CStr, *const c_char),
    /// A formatted text.
    Text(Kind, Text),
}

/// Memory was refused: the error of functions that can fail in no other way.
#[derive(Clone, Copy, Debug)]
pub struct NoMemory;

/// An error that was raised already: an exception is set, unless the thread can have none. It takes no room.
#[derive(Clone, Copy, Debug)]
pub struct Raised;

impl Error {
    /// libpython's text for a null pointer.
    pub const NULL_ARGUMENT: &CStr = c"null argument to internal routine";

    /// An error with a formatted text, which is cut at the capacity of [`Text`].
    #[cold]
    pub fn text(kind: Kind, arguments: fmt::Arguments) -> Self {
        let mut text = Text::new();
        // A text that does not fit is cut, and ends with an ellipsis.
        let _ = text.write_fmt(arguments);
        Self::Text(kind, text)
    }
}

/// A text of at most 383 bytes, with a terminating NUL, in place.
#[derive(Clone, Debug)]
pub struct Text {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Text {
    const CAPACITY: usize = 384;
    const ELLIPSIS: &'static str = "...";

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

    /// A template's text, with `name` in place of its `%.100s` or `%.200s`. The name is cut at 100 or 200 bytes, and
    /// bytes that are not UTF-8 are replaced.
    pub fn with_name(template: &CStr, name: &CStr) -> Self {
        const MARK: &str = "%.n00s";
        let mut this = Self::new();
        let template = template.to_str().unwrap_or("");
        let is_mark = |i: &usize| template.get(*i..).is_some_and(|rest| rest.starts_with("%."));
        let at = (0..template.len()).find(is_mark).unwrap_or(template.len());
        let (before, mark) = template.split_at_checked(at).unwrap_or_default();
        let after = mark.get(MARK.len()..).unwrap_or("");
        // A text that does not fit is cut.
        let _ = this.write_str(before);
        let name = name.to_bytes();
        let limit = if mark.starts_with("%.2") { 200 } else { 100 };
        let cut = name.get(..limit);
        this.write_bytes(cut.unwrap_or(name), cut.is_some());
        let _ = this.write_str(after);
        this
    }

    /// The text of a C string. Bytes that are not UTF-8 are replaced.
    pub fn from_c_str(text: &CStr) -> Self {
        let mut this = Self::new();
        this.write_bytes(text.to_bytes(), false);
        this
    }

    /// Appends bytes, with U+FFFD in place of what is not UTF-8. With `is_cut`, a last character that was cut in two is
    /// left out, as in CPython 3.14 and later.
    fn write_bytes(&mut self, bytes: &[u8], is_cut: bool) {
        for chunk in bytes.utf8_chunks() {
            // A text that does not fit is cut.
            let _ = self.write_str(chunk.valid());
            let is_halved = is_cut && is_begun_character(chunk.invalid());
            if !chunk.invalid().is_empty() && !is_halved {
                let _ = self.write_char(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// The text with its NUL.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
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

impl Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.len == Self::CAPACITY {
            return Err(fmt::Error);
        }
        let room = Self::CAPACITY
            .saturating_sub(1)
            .saturating_sub(Self::ELLIPSIS.len())
            .saturating_sub(self.len);
        if piece.len() <= room {
            self.append(piece.as_bytes());
            return Ok(());
        }
        let mut cut = room;
        while !piece.is_char_boundary(cut) {
            cut = cut.saturating_sub(1);
        }
        self.append(piece.get(..cut).unwrap_or("").as_bytes());
        self.append(Self::ELLIPSIS.as_bytes());
        // A full text: nothing is appended after the ellipsis. The rest is NUL.
        self.len = Self::CAPACITY;
        Err(fmt::Error)
    }
}

/// A text that is shown as it is. The `Display` of `str` also pads, which costs 3 KiB of code.
pub struct Plain(pub &'static str);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A shape or strides, displayed as a Python tuple such as `(2, 3)`, and cut after 8 entries.
pub struct Tuple<'a>(pub &'a [isize]);

impl fmt::Display for Tuple<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        f.write_str("(")?;
        for (i, n) in self.0.iter().take(SHOWN).enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            n.fmt(f)?;
        }
        f.write_str(match self.0.len() {
            1 => ",)",
            n if n > SHOWN => ", ...)",
            _ => ")",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn text_longer_than_its_buffer_is_cut_with_an_ellipsis() {
        let long = "x".repeat(1000);
        let Error::Text(_, text) = Error::text(Kind::Value, format_args!("{long}{long}")) else {
            panic!("not a text")
        };
        let shown = text.as_c_str().to_str().unwrap();
        assert_eq!(shown.len(), Text::CAPACITY - 1);
        assert!(shown.ends_with("x..."));
    }

    #[test]
    fn nothing_is_written_behind_a_cut() {
        let mut text = Text::new();
        let _ = text.write_str(&"x".repeat(378));
        let _ = text.write_str("éé");
        let _ = text.write_str("z");
        let shown = text.as_c_str().to_str().unwrap();
        assert!(shown.ends_with("x...") || shown.ends_with("é..."), "{shown}");
        let mut broken = Text::from_c_str(c"bad name 'abcd\xc3'");
        let _ = broken.write_str("!");
        assert_eq!(broken.as_c_str().to_str().unwrap(), "bad name 'abcd\u{fffd}'!");
    }

    #[test]
    fn text_is_cut_between_characters() {
        let long = "é".repeat(400);
        let mut text = Text::new();
        let _ = text.write_str(&long);
        let shown = text.as_c_str().to_str().unwrap();
        assert!(shown.ends_with("é..."));
    }

    #[test]
    fn tuple_is_shown_as_python_shows_it() {
        assert_eq!(format!("{}", Tuple(&[])), "()");
        assert_eq!(format!("{}", Tuple(&[3])), "(3,)");
        assert_eq!(format!("{}", Tuple(&[2, -3])), "(2, -3)");
        assert_eq!(format!("{}", Tuple(&[1; 9])), "(1, 1, 1, 1, 1, 1, 1, 1, ...)");
    }
}
