//! The contract of an exporter, rule by rule: what CPython's documentation of the buffer protocol and
//! PEP 3118 demand of a view, of an answer, and of all answers together.
//!
//! A rule's number never changes: a rule that is removed leaves a gap, and a new one gets a new number. `make
//! rules` writes this table to `docs/rules.md`.

use core::ffi::CStr;

use super::text::Writer;
use super::words::nth;

/// The severity of breaking a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The protocol leaves it open, or most exporters do otherwise, but it causes mistakes in consumers.
    Advice = 0,
    /// The protocol forbids it.
    Must = 1,
}

macro_rules! rules {
    ($($rule:ident $severity:ident $name:literal: $sentence:literal, $source:literal, $fix:literal;)+) => {
        /// A rule of the contract. Its number is its position in the table, from 1 on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Rule {
            /// Not a rule: makes the first one number 1.
            #[doc(hidden)]
            None,
            $(#[doc = $sentence] $rule,)+
        }

        impl Rule {
            /// All rules, by number.
            pub const ALL: &[Self] = &[$(Self::$rule),+];

            /// A bit for each number: set if the rule is advice.
            const ADVICE: u64 = 0 $(| ((Severity::$severity as u64 ^ 1) << Self::$rule as u64))+;

            /// Four texts for each rule, all in one string: a table of pointers would be three times as large.
            const TEXTS: &str =
                concat!($($name, "\0", $sentence, "\0", $source, "\0", $fix, "\0"),+);
        }
    };
}

rules! {
    // One view.
    Obj Must "obj": "obj of a view that is handed out is a new reference to its exporter.",
        "PyObject_GetBuffer; Buffer structure: obj",
        "Py_INCREF the exporter and store it in view->obj before you return 0.";
    Buf Must "buf": "buf is the address of the first item, and all items lie in memory that exists.",
        "Request-independent fields; Buffer structure: buf",
        "Point view->buf at the first item, and keep the memory until the view is released.";
    Len Must "len": "len is product(shape) * itemsize.",
        "Request-independent fields; Buffer structure: len, shape",
        "Set view->len to the product of the extents times itemsize, even if the memory has gaps.";
    Itemsize Must "itemsize": "itemsize is the size of one item in bytes.",
        "Request-independent fields; Buffer structure: itemsize",
        "Set view->itemsize to the size of one item, which is not negative.";
    FormatSize Must "format-size": "itemsize is the size of the item that format describes.",
        "Buffer structure: itemsize, format",
        "Make view->format describe every byte of the item, padding (x) included.";
    FormatSyntax Must "format-syntax": "format is in the syntax of struct or of PEP 3118.",
        "Buffer structure: format; PEP 3118",
        "Spell view->format in the codes of struct, or as T{...}.";
    Ndim Must "ndim": "ndim is the number of dimensions, from 0 to PyBUF_MAX_NDIM (64).",
        "Request-independent fields; Buffer structure: ndim",
        "Set view->ndim to the number of dimensions, and refuse arrays with more than 64.";
    Scalar Must "scalar": "ndim 0 is a single item: no shape, strides or suboffsets, and len is itemsize.",
        "Buffer structure: ndim",
        "If ndim is 0, set all three to NULL. Without PyBUF_ND, set ndim to 1 if there is more than one item.";
    Extent Must "extent": "No extent is negative.",
        "Buffer structure: shape",
        "Set view->shape[i] to the number of items along dimension i, 0 or more.";
    Readonly Advice "readonly": "readonly is 1 or 0.",
        "Buffer structure: readonly; compound requests",
        "Set view->readonly to 1 or 0: PyBuffer_FillInfo compares it with 1.";
    NoSuboffsets Must "no-suboffsets": "suboffsets is NULL if all of its entries would be negative, unless there are no items.",
        "Buffer structure: suboffsets",
        "Set view->suboffsets = NULL if no dimension has pointers to follow.";
    Structure Must "structure": "No item that shape and strides reach lies outside the memory block.",
        "NumPy-style: shape and strides (verify_structure)",
        "Compare shape and strides with the size of the memory block.";
    // An answer and its request.
    Shape Must "shape": "shape has ndim entries if PyBUF_ND is asked for, and is NULL otherwise.",
        "Buffer request types: shape, strides, suboffsets",
        "Set view->shape if (flags & PyBUF_ND) == PyBUF_ND and to NULL if not.";
    Strides Must "strides": "strides has ndim entries if PyBUF_STRIDES is asked for, and is NULL otherwise.",
        "Buffer request types: shape, strides, suboffsets",
        "Set view->strides if (flags & PyBUF_STRIDES) == PyBUF_STRIDES and to NULL if not.";
    Suboffsets Must "suboffsets": "Only PyBUF_INDIRECT is shown memory behind pointers; without it suboffsets is NULL.",
        "Buffer request types: shape, strides, suboffsets",
        "Set view->suboffsets = NULL without PyBUF_INDIRECT; raise BufferError if they are needed.";
    Format Must "format": "format is set if PyBUF_FORMAT is asked for, and is NULL otherwise.",
        "Buffer request types: readonly, format",
        "Set view->format if flags & PyBUF_FORMAT and to NULL if not.";
    Writable Must "writable": "PyBUF_WRITABLE is answered with writable memory, or refused.",
        "Buffer request types: readonly, format",
        "Raise BufferError if flags & PyBUF_WRITABLE and the memory is read-only.";
    Contiguity Must "contiguity": "Items are contiguous in the order asked for, and in C order without PyBUF_STRIDES.",
        "Buffer request types: contiguity requests",
        "Raise BufferError if the memory is not contiguous as flags ask: test PyBuffer_IsContiguous.";
    // What the slot does besides.
    Result Must "result": "bf_getbuffer returns 0 or -1.",
        "PyObject_GetBuffer; bf_getbuffer",
        "Return 0 with the view filled, or -1 with an exception set.";
    ExceptionMissing Must "exception-missing": "A request that is refused sets an exception.",
        "PyObject_GetBuffer",
        "Call PyErr_SetString(PyExc_BufferError, ...) before you return -1.";
    ExceptionLeft Must "exception-left": "A request that is met leaves no exception, nor does a release.",
        "PyObject_GetBuffer; bf_releasebuffer",
        "Handle or clear the exception before you return.";
    BufferError Must "buffer-error": "A request that cannot be met is refused with BufferError.",
        "PyObject_GetBuffer; bf_getbuffer",
        "Raise BufferError where other requests are met.";
    ObjOnFailure Must "obj-on-failure": "A request that is refused leaves no object in obj.",
        "PyObject_GetBuffer; bf_getbuffer",
        "Set view->obj = NULL before you return -1.";
    ObjUntouched Advice "obj-untouched": "A request that is refused sets obj to NULL, whatever was in it.",
        "PyObject_GetBuffer; bf_getbuffer",
        "Set view->obj = NULL before you return -1: a consumer may release what it never filled.";
    // All answers together.
    SameMemory Must "same-memory": "All requests are shown the same memory: fields that they ask for are the same, except that ndim may be 1 without PyBUF_ND.",
        "Request-independent fields",
        "Set the field from the object, whatever flags are.";
    SameReadonly Must "same-readonly": "readonly is the same for all requests that do not ask for writable memory.",
        "Buffer request types: readonly, format",
        "Set view->readonly from the object, not from flags.";
    Reproducible Must "reproducible": "A request that is repeated has the same answer.",
        "Buffer request types (all fields are unambiguously defined by the request type)",
        "Do not let one request change the answer to the next.";
    Refusal Advice "refusal": "A request that asks for less than one that is met is met as well.",
        "Buffer request types",
        "Test (flags & PyBUF_X) == PyBUF_X, and refuse only what the memory cannot do.";
    Stable Must "stable": "A view's fields and arrays stay as they are until it is released.",
        "PEP 3118 (memory is valid until releasebuffer is called)",
        "Keep the arrays in the object or in view->internal, not in memory that requests share.";
    References Must "references": "After a release, or a refusal, the exporter has as many references as before.",
        "bf_getbuffer; bf_releasebuffer (must not decrement view->obj)",
        "Take one reference for view->obj, and drop none: PyBuffer_Release does.";
    NothingMet Must "nothing-met": "An exporter meets at least one request.",
        "PyObject_GetBuffer; bf_getbuffer",
        "Correct what it raises; a closed or released object has no buffer to check.";
    // Several threads.
    Threads Must "threads": "Threads that request and release views at the same time get the answers that one thread gets.",
        "PEP 703; PyObject_GetBuffer; bf_releasebuffer (an exporter may count its views)",
        "Count views by atomic operations or under a lock (Py_BEGIN_CRITICAL_SECTION), and let no two views share what is written.";
}

const _: () = assert!(Rule::ALL.len() < 64, "a bit for each number");

impl Rule {
    /// The rule with a number.
    pub fn by_number(number: usize) -> Option<Self> {
        Self::ALL.get(number.wrapping_sub(1)).copied()
    }

    /// The severity of breaking it.
    pub fn severity(self) -> Severity {
        if (Self::ADVICE >> self as u8) & 1 == 1 { Severity::Advice } else { Severity::Must }
    }

    /// Writes its severity, number and name: `MUST 3 len: `.
    pub fn put_name(self, out: &mut Writer) {
        out.put(if self.severity() == Severity::Must { "MUST " } else { "advice " });
        out.number(self as isize).put(" ").put_c(self.name()).put(": ");
    }

    /// Its name, a word or two.
    pub fn name(self) -> &'static CStr {
        self.text(0)
    }

    /// What it demands, in one sentence.
    pub fn sentence(self) -> &'static CStr {
        self.text(1)
    }

    /// Where the documentation of the buffer protocol says so: a heading of its page, a function, a slot.
    pub fn source(self) -> &'static CStr {
        self.text(2)
    }

    /// What the author of an exporter in C should do, in one sentence.
    pub fn fix(self) -> &'static CStr {
        self.text(3)
    }

    /// What the author of a Python class with `__buffer__` should do, in one sentence.
    pub fn fix_in_python(self) -> &'static CStr {
        match self {
            Self::NothingMet => {
                c"Correct what __buffer__ raises, and return a memoryview; a closed object has no buffer to check."
            }
            Self::BufferError => {
                c"Raise BufferError in __buffer__, or return a memoryview whatever flags are: it refuses by itself."
            }
            Self::Refusal => {
                c"Return a memoryview from __buffer__ whatever flags are: it refuses by itself what it cannot do."
            }
            Self::Threads => {
                c"Take a lock in __buffer__ and __release_buffer__ around what they share: several threads may run them at once."
            }
            Self::SameMemory | Self::SameReadonly | Self::Reproducible | Self::Stable => {
                c"Return a memoryview of the same memory from __buffer__ each time and whatever flags are."
            }
            _ => c"Return a memoryview from __buffer__ that keeps this rule: fix the object that it is a memoryview of.",
        }
    }

    fn text(self, part: usize) -> &'static CStr {
        nth(Self::TEXTS, (self as usize).wrapping_sub(1).wrapping_mul(4).wrapping_add(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_their_own_texts_and_severities() {
        assert_eq!(Rule::Obj as u8, 1);
        assert_eq!(Rule::by_number(1), Some(Rule::Obj));
        assert_eq!(Rule::by_number(Rule::ALL.len()), Some(Rule::Threads));
        assert_eq!(Rule::by_number(0), None);
        assert_eq!(Rule::by_number(Rule::ALL.len() + 1), None);
        assert_eq!(Rule::Obj.name(), c"obj");
        assert_eq!(Rule::References.name(), c"references");
        assert_eq!(Rule::Readonly.severity(), Severity::Advice);
        assert_eq!(Rule::Refusal.severity(), Severity::Advice);
        assert_eq!(Rule::Len.severity(), Severity::Must);
    }

    #[test]
    fn every_rule_is_a_sentence_with_a_source_and_a_fix() {
        for rule in Rule::ALL {
            for text in [rule.sentence(), rule.fix(), rule.fix_in_python()] {
                assert!(text.to_bytes().ends_with(b"."), "{rule:?}: {text:?}");
            }
            assert!(!rule.source().is_empty(), "{rule:?}");
            let in_python = rule.fix_in_python().to_str().unwrap();
            for word in ["view->", "bf_", "Py_", "PyErr", "NULL"] {
                assert!(!in_python.contains(word), "{in_python}");
            }
        }
    }
}
