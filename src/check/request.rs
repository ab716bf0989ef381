//! What a request's flags ask for, and how they are spelled.

use core::ffi::c_int;

use crate::abi::{
    PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT, PyBUF_INDIRECT,
    PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE,
};
use crate::check::text::Room;

/// A request's flags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Request(pub c_int);

impl Request {
    /// Whether all bits of a flag are set.
    #[inline]
    pub fn has(self, flag: c_int) -> bool {
        self.0 & flag == flag
    }

    /// Whether the documentation says what the flags mean: they are made of its constants, and
    /// `PyBUF_FORMAT` is not alone.
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
}

impl Request {
    /// Spells the request as a program does: `PyBUF_C_CONTIGUOUS|PyBUF_FORMAT`.
    #[inline(never)]
    pub fn spell(self, out: &mut Room) {
        // The most demanding first; each takes its bits from those that follow.
        const NAMES: [(u16, &str); 8] = [
            (PyBUF_INDIRECT as u16, "INDIRECT"),
            (PyBUF_C_CONTIGUOUS as u16, "C_CONTIGUOUS"),
            (PyBUF_F_CONTIGUOUS as u16, "F_CONTIGUOUS"),
            (PyBUF_ANY_CONTIGUOUS as u16, "ANY_CONTIGUOUS"),
            (PyBUF_STRIDES as u16, "STRIDES"),
            (PyBUF_ND as u16, "ND"),
            (PyBUF_WRITABLE as u16, "WRITABLE"),
            (PyBUF_FORMAT as u16, "FORMAT"),
        ];
        let mut rest = self.0;
        let mut separator = "PyBUF_";
        for (flag, name) in NAMES {
            let flag = c_int::from(flag);
            if self.has(flag) && rest & flag != 0 {
                out.put(separator).put(name);
                separator = "|PyBUF_";
                rest &= !flag;
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
    use crate::abi::{PyBUF_FULL, PyBUF_FULL_RO, PyBUF_RECORDS_RO};
    use crate::check::text::shown;

    #[test]
    fn requests_are_spelled_as_their_flags() {
        for (flags, expected) in [
            (0, "PyBUF_SIMPLE"),
            (1, "PyBUF_WRITABLE"),
            (PyBUF_FULL_RO, "PyBUF_INDIRECT|PyBUF_FORMAT"),
            (PyBUF_FULL, "PyBUF_INDIRECT|PyBUF_WRITABLE|PyBUF_FORMAT"),
            (PyBUF_RECORDS_RO, "PyBUF_STRIDES|PyBUF_FORMAT"),
            (PyBUF_C_CONTIGUOUS, "PyBUF_C_CONTIGUOUS"),
            (PyBUF_C_CONTIGUOUS | PyBUF_F_CONTIGUOUS, "PyBUF_C_CONTIGUOUS|PyBUF_F_CONTIGUOUS"),
            (PyBUF_INDIRECT | PyBUF_ANY_CONTIGUOUS, "PyBUF_INDIRECT|PyBUF_ANY_CONTIGUOUS"),
            (PyBUF_ND, "PyBUF_ND"),
            (0x400, "0x400"),
            (PyBUF_ND | 0x400, "PyBUF_ND|0x400"),
            (0x100, "0x100"),
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
