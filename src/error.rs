//! Errors as data: the class of an exception and its text.
//!
//! An `Error` is made where the fault is found, passed outward in a `Result`, and turned into an exception in one
//! place, `runtime::raise`. Nothing here accesses an object or dereferences a pointer.

#![forbid(unsafe_code)]

mod text;

use core::ffi::{CStr, c_char};

pub(crate) use text::message;
pub use text::{Message, Part, Text, digits};

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
    /// A fixed text, usually libpython's own. (A constant `Error` would take its whole size in the library.)
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

    /// An error with a text that is made here, and cut at the capacity of [`Text`].
    #[cold]
    #[inline(never)]
    pub fn text(kind: Kind, message: Message) -> Self {
        Self::Text(kind, Text::of(message))
    }
}
