//! The table of format codes, for both grammars.
//!
//! `size` uses it with the grammar of the module `struct`, everything else in this room with that of PEP 3118. A
//! code's *kind* is the kind of value that its bytes hold, whatever their number; the letters are NumPy's.

use core::ffi::{c_int, c_long, c_longlong, c_short, c_void};

/// A grammar, as the set of codes that it knows. Each grammar also knows the codes of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Grammar {
    /// The codes that `struct` has in every CPython since 3.8.
    Common,
    /// The codes of `struct` in CPython 3.15: also the complex `F`, `D`, `Zf` and `Zd`.
    Newest,
    /// The codes of PEP 3118, and of exporters that go beyond it.
    Pep3118,
}

/// The kinds of values.
pub mod kind {
    /// A truth value.
    pub const BOOL: u8 = b'b';
    /// A signed integer.
    pub const SIGNED: u8 = b'i';
    /// An unsigned integer.
    pub const UNSIGNED: u8 = b'u';
    /// A floating-point number.
    pub const FLOAT: u8 = b'f';
    /// A complex number.
    pub const COMPLEX: u8 = b'c';
    /// A complex number of two signed integers.
    pub const COMPLEX_SIGNED: u8 = b'j';
    /// A complex number of two unsigned integers.
    pub const COMPLEX_UNSIGNED: u8 = b'J';
    /// Bytes that are characters.
    pub const BYTES: u8 = b'S';
    /// A Pascal string: its length in the first byte.
    pub const PASCAL: u8 = b'p';
    /// Characters of Unicode.
    pub const UNICODE: u8 = b'U';
    /// A reference to a Python object.
    pub const OBJECT: u8 = b'O';
    /// The address of data.
    pub const POINTER: u8 = b'P';
    /// The address of a function.
    pub const FUNCTION: u8 = b'X';
    /// A struct.
    pub const STRUCT: u8 = b'T';
    /// Bits.
    pub const BITS: u8 = b't';
    /// Bytes of no known meaning.
    pub const VOID: u8 = b'V';
}

/// A code.
#[derive(Clone, Copy)]
pub struct Code {
    /// One of [`kind`]; 0 if there is no such code.
    pub kind: u8,
    /// The size in bytes of its C type.
    pub size: u8,
    /// The alignment in bytes of its C type.
    pub align: u8,
    /// The standard size in bytes, in force under `=`, `<`, `>` and `!`; 0 if it has none.
    pub standard: u8,
    /// The first grammar that knows the code.
    pub grammar: Grammar,
}

/// What `code` stands for in `grammar`; `None` if that grammar does not know it.
#[inline]
pub fn find(code: u8, grammar: Grammar) -> Option<Code> {
    let found = *CODES.get(usize::from(code.wrapping_sub(FIRST)))?;
    (found.kind != 0 && found.grammar <= grammar).then_some(found)
}

impl Code {
    const NONE: Self = Self { kind: 0, size: 0, align: 1, standard: 0, grammar: Grammar::Common };

    /// A code whose C type is `T`, and whose standard size is `standard`.
    const fn like<T>(kind: u8, standard: u8) -> Self {
        let (size, align) = (size_of::<T>() as u8, align_of::<T>() as u8);
        Self { kind, size, align, standard, grammar: Grammar::Common }
    }

    const fn of(self, grammar: Grammar) -> Self {
        Self { grammar, ..self }
    }

    /// The complex number of two such values. It has a standard size only if the single value has one.
    pub const fn doubled(self) -> Self {
        Self {
            kind: match self.kind {
                kind::SIGNED => kind::COMPLEX_SIGNED,
                kind::UNSIGNED => kind::COMPLEX_UNSIGNED,
                _ => kind::COMPLEX,
            },
            size: self.size.wrapping_mul(2),
            standard: self.standard.wrapping_mul(2),
            ..self
        }
    }

    /// Whether `Z` before this code makes it complex.
    pub const fn is_number(self) -> bool {
        matches!(self.kind, kind::SIGNED | kind::UNSIGNED | kind::FLOAT)
    }
}

/// The size and alignment of C's `long double`, which Rust does not have. The C suite compares them with the C
/// compiler's.
const LONG_DOUBLE: (u8, u8) = if cfg!(target_arch = "x86") {
    (12, 4)
} else if cfg!(target_arch = "arm") {
    (8, align_of::<f64>() as u8)
} else if cfg!(target_arch = "s390x") {
    (16, 8)
} else {
    (16, 16)
};

/// The first and the last code of the table.
const FIRST: u8 = b'&';
const LAST: u8 = b'z';

#[expect(clippy::indexing_slicing, reason = "an error here is one of compilation")]
static CODES: [Code; (LAST - FIRST + 1) as usize] = {
    use Grammar::{Newest, Pep3118};
    type Pointer = *const c_void;
    let byte = Code::like::<u8>(kind::BYTES, 1);
    let long_double = Code { size: LONG_DOUBLE.0, align: LONG_DOUBLE.1, ..byte };
    let long_double = Code { kind: kind::FLOAT, standard: 0, ..long_double }.of(Pep3118);
    let pointer = Code::like::<Pointer>(kind::POINTER, 0);
    let object = Code { kind: kind::OBJECT, ..pointer };
    let function = Code { kind: kind::FUNCTION, ..pointer };
    let wide = Code { kind: kind::UNICODE, ..Code::like::<libc::wchar_t>(0, 0) };
    let text = Code::like::<u32>(kind::UNICODE, 4);
    let none = Code { kind: kind::VOID, size: 0, standard: 0, ..byte };
    let codes = [
        (b'x', Code { kind: kind::VOID, ..byte }),
        (b'c', byte),
        (b's', byte),
        (b'p', Code { kind: kind::PASCAL, ..byte }),
        (b'?', Code { kind: kind::BOOL, ..byte }),
        (b'b', Code::like::<i8>(kind::SIGNED, 1)),
        (b'B', Code::like::<u8>(kind::UNSIGNED, 1)),
        (b'h', Code::like::<c_short>(kind::SIGNED, 2)),
        (b'H', Code::like::<c_short>(kind::UNSIGNED, 2)),
        (b'i', Code::like::<c_int>(kind::SIGNED, 4)),
        (b'I', Code::like::<c_int>(kind::UNSIGNED, 4)),
        (b'l', Code::like::<c_long>(kind::SIGNED, 4)),
        (b'L', Code::like::<c_long>(kind::UNSIGNED, 4)),
        (b'q', Code::like::<c_longlong>(kind::SIGNED, 8)),
        (b'Q', Code::like::<c_longlong>(kind::UNSIGNED, 8)),
        (b'n', Code::like::<isize>(kind::SIGNED, 0)),
        (b'N', Code::like::<isize>(kind::UNSIGNED, 0)),
        (b'P', pointer),
        (b'e', Code::like::<c_short>(kind::FLOAT, 2)),
        (b'f', Code::like::<f32>(kind::FLOAT, 4)),
        (b'd', Code::like::<f64>(kind::FLOAT, 8)),
        (b'F', Code::like::<f32>(kind::FLOAT, 4).doubled().of(Newest)),
        (b'D', Code::like::<f64>(kind::FLOAT, 8).doubled().of(Newest)),
        (b'g', long_double),
        (b'G', long_double.doubled()),
        (b'u', wide.of(Pep3118)),
        (b'w', text.of(Pep3118)),
        (b'O', object.of(Pep3118)),
        (b'z', pointer.of(Pep3118)),
        (b'Z', pointer.of(Pep3118)),
        (b'&', pointer.of(Pep3118)),
        (b'X', function.of(Pep3118)),
        (b'T', Code { kind: kind::STRUCT, ..none }.of(Pep3118)),
        (b't', Code { kind: kind::BITS, ..none }.of(Pep3118)),
    ];
    let mut table = [Code::NONE; (LAST - FIRST + 1) as usize];
    let mut i = 0;
    while i < codes.len() {
        table[(codes[i].0 - FIRST) as usize] = codes[i].1;
        i += 1;
    }
    table
};
