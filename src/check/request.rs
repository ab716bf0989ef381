//! A request: what its flags ask for, and how they are spelled.

use core::ffi::c_int;

use super::text::Writer;
use super::words::nth;
use crate::abi::{
    PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_CONTIG, PyBUF_CONTIG_RO, PyBUF_F_CONTIGUOUS,
    PyBUF_FORMAT, PyBUF_FULL, PyBUF_FULL_RO, PyBUF_INDIRECT, PyBUF_ND, PyBUF_RECORDS,
    PyBUF_RECORDS_RO, PyBUF_STRIDED, PyBUF_STRIDED_RO, PyBUF_STRIDES, PyBUF_WRITABLE,
};

/// A request's flags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Request(pub c_int);

impl Request {
    /// Whether all bits of `flag` are set.
    #[inline]
    pub fn has(self, flag: c_int) -> bool {
        self.0 & flag == flag
    }

    /// Whether the documentation defines the flags: they are its constants, and `PyBUF_FORMAT` comes with `PyBUF_ND`.
    #[inline]
    pub fn is_defined(self) -> bool {
        const ALL: c_int = PyBUF_INDIRECT
            | PyBUF_C_CONTIGUOUS
            | PyBUF_F_CONTIGUOUS
            | PyBUF_ANY_CONTIGUOUS
            | PyBUF_FORMAT
            | PyBUF_WRITABLE;
        let knows_strides =
            self.0 & !PyBUF_ND & !PyBUF_FORMAT & !PyBUF_WRITABLE == 0 || self.has(PyBUF_STRIDES);
        self.0 & !ALL == 0 && knows_strides && (self.has(PyBUF_ND) || !self.has(PyBUF_FORMAT))
    }

    /// Spells the request by CPython's names: `PyBUF_FULL_RO`, `PyBUF_C_CONTIGUOUS|PyBUF_FORMAT`.
    #[inline(never)]
    pub fn spell(self, out: &mut Writer) {
        // Flags, and the bit that decides. The most demanding flags come first, and sums before their parts. A name is
        // put if all its flags are set and the bit that decides is not yet part of a name.
        const FLAGS: [(u16, u16); 15] = [
            (PyBUF_FULL as u16, 0x100),
            (PyBUF_FULL_RO as u16, 0x100),
            (PyBUF_INDIRECT as u16, 0x100),
            (PyBUF_C_CONTIGUOUS as u16, 0x20),
            (PyBUF_F_CONTIGUOUS as u16, 0x40),
            (PyBUF_ANY_CONTIGUOUS as u16, 0x80),
            (PyBUF_RECORDS as u16, 0x10),
            (PyBUF_RECORDS_RO as u16, 0x10),
            (PyBUF_STRIDED as u16, 0x10),
            (PyBUF_STRIDED_RO as u16, 0x10),
            ((PyBUF_ND | PyBUF_FORMAT) as u16, PyBUF_ND as u16),
            (PyBUF_CONTIG as u16, PyBUF_ND as u16),
            (PyBUF_CONTIG_RO as u16, PyBUF_ND as u16),
            (PyBUF_WRITABLE as u16, PyBUF_WRITABLE as u16),
            (PyBUF_FORMAT as u16, PyBUF_FORMAT as u16),
        ];
        const NAMES: &str = "FULL\0FULL_RO\0INDIRECT\0C_CONTIGUOUS\0F_CONTIGUOUS\0ANY_CONTIGUOUS\0\
            RECORDS\0RECORDS_RO\0STRIDED\0STRIDED_RO\0ND|PyBUF_FORMAT\0CONTIG\0CONTIG_RO\0WRITABLE\0FORMAT\0";
        let mut rest = self.0;
        let mut separator = "PyBUF_";
        for (i, (flags, deciding)) in FLAGS.into_iter().enumerate() {
            let flags = c_int::from(flags);
            if self.has(flags) && rest & c_int::from(deciding) != 0 {
                out.put(separator).put_c(nth(NAMES, i));
                separator = "|PyBUF_";
                rest &= !flags;
            }
        }
        if rest != 0 {
            out.put(if rest == self.0 { "" } else { "|" }).hex(rest.cast_unsigned() as usize);
        } else if self.0 == 0 {
            out.put("PyBUF_SIMPLE");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::text::shown;

    #[test]
    fn requests_are_spelled_as_people_name_them() {
        for (flags, expected) in [
            (0, "PyBUF_SIMPLE"),
            (1, "PyBUF_WRITABLE"),
            (PyBUF_FULL_RO, "PyBUF_FULL_RO"),
            (PyBUF_FULL, "PyBUF_FULL"),
            (PyBUF_INDIRECT | 1, "PyBUF_INDIRECT|PyBUF_WRITABLE"),
            (PyBUF_RECORDS_RO, "PyBUF_RECORDS_RO"),
            (PyBUF_RECORDS, "PyBUF_RECORDS"),
            (PyBUF_STRIDED, "PyBUF_STRIDED"),
            (PyBUF_STRIDES, "PyBUF_STRIDED_RO"),
            (PyBUF_ND, "PyBUF_CONTIG_RO"),
            (PyBUF_ND | 1, "PyBUF_CONTIG"),
            (PyBUF_ND | 4, "PyBUF_ND|PyBUF_FORMAT"),
            (PyBUF_ND | 5, "PyBUF_ND|PyBUF_FORMAT|PyBUF_WRITABLE"),
            (PyBUF_C_CONTIGUOUS, "PyBUF_C_CONTIGUOUS"),
            (PyBUF_C_CONTIGUOUS | 5, "PyBUF_C_CONTIGUOUS|PyBUF_WRITABLE|PyBUF_FORMAT"),
            (PyBUF_C_CONTIGUOUS | PyBUF_F_CONTIGUOUS, "PyBUF_C_CONTIGUOUS|PyBUF_F_CONTIGUOUS"),
            (PyBUF_INDIRECT | PyBUF_ANY_CONTIGUOUS, "PyBUF_INDIRECT|PyBUF_ANY_CONTIGUOUS"),
            (PyBUF_FULL_RO | PyBUF_C_CONTIGUOUS, "PyBUF_FULL_RO|PyBUF_C_CONTIGUOUS"),
            (0x400, "0x400"),
            (PyBUF_ND | 0x400, "PyBUF_CONTIG_RO|0x400"),
            (0x100, "0x100"),
            (4, "PyBUF_FORMAT"),
        ] {
            assert_eq!(shown(|out| Request(flags).spell(out)), expected);
        }
    }

    #[test]
    fn requests_of_the_documentation_are_defined() {
        for flags in [0, 1, PyBUF_ND, PyBUF_ND | 4, PyBUF_FULL, PyBUF_C_CONTIGUOUS | 5] {
            assert!(Request(flags).is_defined(), "{flags:#x}");
        }
        for flags in [4, 5, 0x10, 0x100, 0x20, 0x400, -1] {
            assert!(!Request(flags).is_defined(), "{flags:#x}");
        }
    }
}
