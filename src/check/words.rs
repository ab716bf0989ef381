//! Fixed texts by number. All texts of a kind are in one string, so that findings hold small numbers, and no table
//! of pointers has to be relocated.

use core::ffi::CStr;

/// The `n`th of `texts`, each of which ends in a NUL; the last one if there are fewer.
#[inline(never)]
pub fn nth(texts: &'static str, n: usize) -> &'static CStr {
    let mut text = CStr::from_bytes_until_nul(texts.as_bytes()).unwrap_or(c"");
    let mut rest = texts.len();
    for _ in 0..n {
        let size = text.count_bytes().wrapping_add(1);
        rest = rest.saturating_sub(size);
        if rest == 0 {
            break;
        }
        let next = text.as_ptr().wrapping_add(size);
        // SAFETY: `rest` is not 0, so another text follows, which ends in a NUL as all of them do.
        text = unsafe { CStr::from_ptr(next) };
    }
    text
}

macro_rules! words {
    ($(#[$attribute:meta])* $kind:ident: $($word:ident $text:literal,)+) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $kind {
            $(#[doc = $text] $word,)+
        }

        impl $kind {
            /// All of them.
            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$word),+];
            const TEXTS: &str = concat!($($text, "\0"),+);

            /// Its text.
            pub fn text(self) -> &'static CStr {
                nth(Self::TEXTS, self as usize)
            }
        }
    };
}

words! {
    /// What can be wrong with an answer: a member of `Py_buffer`, or something else.
    Field:
    Buf "buf",
    Len "len",
    Itemsize "itemsize",
    Readonly "readonly",
    Ndim "ndim",
    Shape "shape",
    Strides "strides",
    Suboffsets "suboffsets",
    Format "format",
    Obj "obj",
    Request "request",
    Result "result",
    Exception "exception",
    References "references",
}

impl Field {
    /// Those by which two views are compared.
    pub const COMPARED: [Self; 9] = [
        Self::Buf,
        Self::Len,
        Self::Itemsize,
        Self::Readonly,
        Self::Ndim,
        Self::Shape,
        Self::Strides,
        Self::Suboffsets,
        Self::Format,
    ];
}

words! {
    /// What is found, or expected.
    Word:
    Null "NULL",
    Exporter "the exporter",
    NewReference "a new reference to the exporter",
    NoReference "the exporter, but no reference",
    WhatWasThere "what was in it",
    FirstItem "the first item",
    AllOfMemory "memory that is there, all of it",
    NotNegative "0 or more",
    FitsMemory "product(shape) * itemsize below 2**63",
    ReadonlyOrNot "1 or 0",
    Writable "0, or BufferError",
    NdimInBounds "0 to 64",
    OneDimension "1, as len is not itemsize",
    NullForScalar "NULL, as ndim is 0",
    ArrayOfNdim "an array of ndim numbers",
    Readable "an address that can be read",
    WithinBlock "strides within the memory block",
    COrder "C-contiguous memory, or BufferError",
    FortranOrder "Fortran-contiguous memory, or BufferError",
    AnyOrder "contiguous memory, or BufferError",
    AFormat "a format",
    KnownFormat "a format of struct or PEP 3118",
    NoPointers "BufferError, as there are pointers to follow",
    None "none",
    BufferError "BufferError",
    ZeroOrMinusOne "0 or -1",
    Refused "refused",
    Met "met",
    MetAsBefore "met, as before",
    RefusedAsBefore "refused, as before",
    NoneMore "as many as before: 0 more",
    AnotherAddress "another address",
    AddressBefore "the address that was shown before",
    OneMet "at least one that is met",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_own_texts() {
        assert_eq!(Field::Buf.text(), c"buf");
        assert_eq!(Field::References.text(), c"references");
        assert_eq!(Word::Null.text(), c"NULL");
        assert_eq!(Word::OneMet.text(), c"at least one that is met");
        assert!(Word::ALL.iter().all(|word| !word.text().is_empty()));
        assert_eq!(Field::COMPARED[..], Field::ALL[..9]);
    }
}
