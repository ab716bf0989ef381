//! A correct view, and changes to it that each break one rule.

use core::ffi::c_int;
use core::ptr;
use std::string::String;
use std::vec::Vec;

use super::text::shown;
use super::{Rule, view};
use crate::abi::*;
use crate::view::plain::EMPTY;

/// A 2 by 3 array of `i`, and the arrays that its view points to.
struct Scene {
    items: [i32; 6],
    shape: [isize; 2],
    strides: [isize; 2],
    suboffsets: [isize; 2],
    view: Py_buffer,
}

impl Scene {
    fn new() -> std::boxed::Box<Self> {
        let mut this = std::boxed::Box::new(Self {
            items: [0; 6],
            shape: [2, 3],
            strides: [12, 4],
            suboffsets: [-1, -1],
            view: EMPTY,
        });
        this.view = Py_buffer {
            buf: this.items.as_mut_ptr().cast(),
            obj: ptr::dangling_mut(),
            len: 24,
            itemsize: 4,
            ndim: 2,
            ..EMPTY
        };
        this
    }

    /// The answer to a request.
    fn answer(flags: c_int) -> std::boxed::Box<Self> {
        let mut this = Self::new();
        if flags & PyBUF_ND == PyBUF_ND {
            this.view.shape = this.shape.as_mut_ptr();
        }
        if flags & PyBUF_STRIDES == PyBUF_STRIDES {
            this.view.strides = this.strides.as_mut_ptr();
        }
        if flags & PyBUF_FORMAT == PyBUF_FORMAT {
            this.view.format = c"i".as_ptr().cast_mut();
        }
        this
    }
}

/// The rules that a view breaks, each with what was found and what was expected.
fn findings(view: &Py_buffer, flags: c_int) -> Vec<(Rule, String, String)> {
    let mut all = Vec::new();
    let mut sink = |finding: &super::Finding| {
        assert_eq!(finding.flags, flags);
        let text = |value: &super::Value| shown(|out| value.show(out));
        all.push((finding.rule, text(&finding.found), text(&finding.expected)));
    };
    unsafe { view::check(view, flags, &mut sink) };
    all
}

#[track_caller]
fn expect(flags: c_int, change: impl FnOnce(&mut Scene), expected: &[(Rule, &str)]) {
    let mut scene = Scene::answer(flags);
    change(&mut scene);
    let found = findings(&scene.view, flags);
    let found: Vec<_> = found.iter().map(|(rule, found, _)| (*rule, found.as_str())).collect();
    assert_eq!(found, expected);
}

const REQUESTS: [c_int; 8] = [
    PyBUF_SIMPLE,
    PyBUF_ND,
    PyBUF_ND | PyBUF_FORMAT,
    PyBUF_STRIDES | PyBUF_WRITABLE,
    PyBUF_C_CONTIGUOUS,
    PyBUF_ANY_CONTIGUOUS | PyBUF_FORMAT,
    PyBUF_FULL,
    PyBUF_FULL_RO,
];

#[test]
fn answers_as_they_should_be_break_no_rule() {
    for flags in REQUESTS {
        expect(flags, |_| (), &[]);
    }
}

#[test]
fn each_field_that_is_wrong_breaks_its_rule() {
    for flags in REQUESTS {
        expect(flags, |s| s.view.obj = ptr::null_mut(), &[(Rule::Obj, "NULL")]);
        expect(flags, |s| s.view.buf = ptr::null_mut(), &[(Rule::Buf, "NULL")]);
        expect(flags, |s| s.view.itemsize = -4, &[(Rule::Itemsize, "-4")]);
        for (ndim, text) in [(65, "65"), (-1, "-1")] {
            expect(flags, |s| s.view.ndim = ndim, &[(Rule::Ndim, text)]);
        }
    }
    expect(PyBUF_SIMPLE, |s| s.view.len = -1, &[(Rule::Len, "-1")]);
    expect(PyBUF_FULL_RO, |s| s.view.len = 20, &[(Rule::Len, "20")]);
    expect(PyBUF_FULL_RO, |s| s.view.format = c"h".as_ptr().cast_mut(), &[(Rule::FormatSize, "4")]);
    let format = |s: &mut Scene| s.view.format = c"T{i".as_ptr().cast_mut();
    expect(PyBUF_FULL_RO, format, &[(Rule::FormatSyntax, "\"T{i\"")]);
    expect(PyBUF_FULL_RO, |s| s.shape[1] = -3, &[(Rule::Extent, "-3")]);
    expect(PyBUF_FULL_RO, |s| s.view.readonly = 2, &[(Rule::Readonly, "2")]);
    let far = |s: &mut Scene| s.strides[0] = isize::MAX;
    let text = std::format!("({}, 4)", isize::MAX);
    expect(PyBUF_FULL_RO, far, &[(Rule::Structure, &text)]);
    let negative = |s: &mut Scene| s.view.suboffsets = s.suboffsets.as_mut_ptr();
    expect(PyBUF_FULL_RO, negative, &[(Rule::NoSuboffsets, "(-1, -1)")]);
}

#[test]
fn views_without_dimensions_have_no_arrays() {
    let scalar = |s: &mut Scene| {
        s.view.ndim = 0;
        s.view.len = 4;
        s.view.shape = ptr::null_mut();
        s.view.strides = ptr::null_mut();
    };
    for flags in REQUESTS {
        expect(flags, scalar, &[]);
    }
    let with_strides = |s: &mut Scene| {
        scalar(s);
        s.view.strides = ptr::without_provenance_mut(0x5000);
    };
    expect(PyBUF_FULL_RO, with_strides, &[(Rule::Scalar, "an address")]);
    let with_len = |s: &mut Scene| {
        scalar(s);
        s.view.len = 24;
    };
    expect(PyBUF_FULL_RO, with_len, &[(Rule::Len, "24")]);
    expect(PyBUF_SIMPLE, with_len, &[(Rule::Scalar, "0")]);
}

#[test]
fn arrays_and_format_are_there_exactly_as_asked_for() {
    let null = |field: fn(&mut Py_buffer) -> &mut *mut isize| {
        move |s: &mut Scene| *field(&mut s.view) = ptr::null_mut()
    };
    expect(PyBUF_FULL_RO, null(|v| &mut v.shape), &[(Rule::Shape, "NULL")]);
    expect(PyBUF_FULL_RO, null(|v| &mut v.strides), &[(Rule::Strides, "NULL")]);
    expect(PyBUF_FULL_RO, |s| s.view.format = ptr::null_mut(), &[(Rule::Format, "NULL")]);
    expect(PyBUF_SIMPLE, |s| s.view.shape = s.shape.as_mut_ptr(), &[(Rule::Shape, "(2, 3)")]);
    expect(PyBUF_ND, |s| s.view.strides = s.strides.as_mut_ptr(), &[(Rule::Strides, "(12, 4)")]);
    let suboffsets = |s: &mut Scene| s.view.suboffsets = s.suboffsets.as_mut_ptr();
    expect(PyBUF_STRIDES, suboffsets, &[(Rule::Suboffsets, "(-1, -1)")]);
    let format = |s: &mut Scene| s.view.format = ptr::without_provenance_mut(0x5000);
    expect(PyBUF_STRIDES, format, &[(Rule::Format, "an address")]);
}

#[test]
fn promises_that_are_not_kept_are_told() {
    let read_only = |s: &mut Scene| s.view.readonly = 1;
    expect(PyBUF_FULL, read_only, &[(Rule::Writable, "1")]);
    expect(PyBUF_FULL_RO, read_only, &[]);
    let fortran = |s: &mut Scene| s.strides = [4, 8];
    expect(PyBUF_C_CONTIGUOUS, fortran, &[(Rule::Contiguity, "(4, 8)")]);
    expect(PyBUF_F_CONTIGUOUS, fortran, &[]);
    expect(PyBUF_ANY_CONTIGUOUS, fortran, &[]);
    expect(PyBUF_F_CONTIGUOUS, |_| (), &[(Rule::Contiguity, "(12, 4)")]);
    for flags in [PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_ANY_CONTIGUOUS] {
        let no_bytes = |s: &mut Scene| {
            s.view.itemsize = 0;
            s.view.len = 0;
        };
        expect(flags, no_bytes, &[]);
    }
    let gaps = |s: &mut Scene| s.strides = [24, 8];
    expect(PyBUF_ANY_CONTIGUOUS, gaps, &[(Rule::Contiguity, "(24, 8)")]);
    expect(PyBUF_FULL_RO, gaps, &[]);
    let pointers = |s: &mut Scene| {
        s.suboffsets = [0, -1];
        s.view.suboffsets = s.suboffsets.as_mut_ptr();
    };
    expect(PyBUF_FULL_RO, pointers, &[]);
    let both = PyBUF_INDIRECT | PyBUF_C_CONTIGUOUS;
    expect(both, pointers, &[(Rule::Contiguity, "(0, -1)")]);
}

#[test]
fn empty_arrays_are_contiguous() {
    let empty = |s: &mut Scene| {
        s.shape = [0, 3];
        s.strides = [isize::MAX, isize::MAX];
        s.view.len = 0;
        s.view.buf = ptr::null_mut();
    };
    for flags in REQUESTS {
        expect(flags, empty, &[]);
    }
}

#[test]
fn addresses_that_cannot_be_true_are_not_followed() {
    let unaligned = "an address that is not aligned";
    for (address, found) in [(1, "0x1"), (8, "0x8"), (0x7fff_0001, unaligned)] {
        let wild = |s: &mut Scene| s.view.strides = ptr::without_provenance_mut(address);
        expect(PyBUF_FULL_RO, wild, &[(Rule::Strides, found)]);
    }
    let wild = |s: &mut Scene| s.view.format = ptr::without_provenance_mut(8);
    expect(PyBUF_FULL_RO, wild, &[(Rule::Format, "0x8")]);
}

#[test]
fn requests_without_a_meaning_are_not_held_to_one() {
    for flags in [PyBUF_FORMAT, 0x10, 0x100, 0x400] {
        let mut scene = Scene::answer(PyBUF_FULL_RO);
        assert_eq!(findings(&scene.view, flags).len(), 0, "{flags:#x}");
        scene.view.len = 1;
        assert_eq!(findings(&scene.view, flags)[0].0, Rule::Len, "{flags:#x}");
    }
}

#[test]
fn report_counts_what_it_has_no_room_for_and_what_it_knows() {
    let mut report: std::boxed::Box<pybuffer_report> =
        unsafe { std::boxed::Box::new_zeroed().assume_init() };
    let mut finding = super::Finding {
        rule: Rule::Extent,
        flags: PyBUF_FULL_RO,
        field: c"shape",
        axis: 0,
        found: super::Value::Number(-1),
        expected: super::Value::Words("0 or more"),
    };
    for axis in 0..40 {
        finding.axis = axis;
        report.add(&finding);
    }
    assert_eq!((report.n_findings, report.n_dropped, report.n_violations), (32, 8, 32));
    finding.axis = 3;
    report.add(&finding);
    assert_eq!(report.findings[3].n_requests, 1, "the same request");
    finding.flags = PyBUF_ND;
    report.add(&finding);
    assert_eq!((report.findings[3].n_requests, report.findings[3].flags), (2, PyBUF_FULL_RO));
    assert_eq!((report.n_findings, report.n_dropped), (32, 8));
}

/// Numbers that overflow when they are added or multiplied, and those that do not.
fn draw(state: &mut u64) -> isize {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    let numbers = [
        0,
        1,
        2,
        3,
        4,
        6,
        8,
        12,
        24,
        -1,
        -2,
        -4,
        -12,
        64,
        65,
        4096,
        isize::MAX,
        isize::MIN,
        isize::MAX / 2,
        isize::MIN + 1,
        isize::MAX - 3,
    ];
    numbers[usize::try_from(*state >> 33).unwrap() % numbers.len()]
}

/// Judging ends whatever the numbers of a view are, and finds only what the table has.
#[test]
fn any_numbers_are_judged() {
    let mut state = 3118;
    let mut memory = super::consistency::Shown::default();
    let mut n_findings = 0;
    for round in 0..200_000 {
        let mut arrays = [[0_isize; 64]; 3];
        let mut any = || draw(&mut state);
        arrays.iter_mut().for_each(|array| array.iter_mut().take(4).for_each(|n| *n = any()));
        let [shape, strides, suboffsets] = &mut arrays;
        let mut array_or_null = |array: &mut [isize; 64]| match any() {
            0 | 1 => ptr::null_mut(),
            2 => ptr::without_provenance_mut(any().unsigned_abs() % 4096),
            _ => array.as_mut_ptr(),
        };
        let (shape, strides) = (array_or_null(shape), array_or_null(strides));
        let suboffsets = array_or_null(suboffsets);
        let mut view = Py_buffer { shape, strides, suboffsets, ..EMPTY };
        view.buf = ptr::without_provenance_mut(any().cast_unsigned());
        view.obj = ptr::without_provenance_mut(any().cast_unsigned());
        (view.len, view.itemsize) = (any(), any());
        (view.readonly, view.ndim) = (any() as c_int, any() as c_int);
        let flags = [0x8, 0x18, 0x38, 0x58, 0x98, 0x118, 0x11c, any() as c_int][round % 8];
        view.format = if flags & 4 == 4 { c"T{i:a:}".as_ptr().cast_mut() } else { ptr::null_mut() };
        n_findings += findings(&view, flags).len();
        let seen = unsafe { super::seen::Seen::of(&view) };
        let request = super::request::Request(flags);
        let mut sink = |_: &super::Finding| n_findings += 1;
        memory.compare(&mut super::consistency::Granted { request, seen, sink: &mut sink });
        if round % 5 == 0 {
            memory = super::consistency::Shown::default();
        }
    }
    assert!(n_findings > 200_000, "{n_findings}");
}

#[test]
fn array_that_is_not_there_is_told_and_not_read() {
    let mut scene = Scene::answer(PyBUF_FULL_RO);
    // Of two dimensions.
    const ARRAY: usize = 2 * size_of::<isize>();
    let nowhere = ptr::without_provenance_mut::<isize>(0x1_0000);
    let told = |view: &Py_buffer, sizes: &[usize]| {
        let mut rules = Vec::new();
        let asked = core::cell::RefCell::new(Vec::new());
        let is_there = |address: usize, size| {
            asked.borrow_mut().push(size);
            address != nowhere.addr()
        };
        let all = view::has_arrays(view, PyBUF_FULL_RO, &is_there, &mut |finding| {
            rules.push((finding.rule, shown(|out| finding.expected.show(out))));
        });
        assert_eq!((all, asked.into_inner().as_slice()), (rules.is_empty(), sizes));
        rules
    };
    let expected = |rule| [(rule, "an address that can be read".into())];
    assert_eq!(told(&scene.view, &[ARRAY, ARRAY, 1]), []);
    scene.view.format = nowhere.cast();
    assert_eq!(told(&scene.view, &[ARRAY, ARRAY, 1]), expected(Rule::Format));
    scene.view.suboffsets = nowhere;
    assert_eq!(told(&scene.view, &[ARRAY, ARRAY, ARRAY]), expected(Rule::Suboffsets));
    scene.view.strides = nowhere;
    assert_eq!(told(&scene.view, &[ARRAY, ARRAY]), expected(Rule::Strides));
    scene.view.shape = nowhere;
    assert_eq!(told(&scene.view, &[ARRAY]), expected(Rule::Shape));
    // An impossible ndim, and an address in the first page.
    scene.view.ndim = c_int::MAX;
    scene.view.shape = ptr::without_provenance_mut(8);
    assert_eq!(told(&scene.view, &[64 * size_of::<isize>()]), expected(Rule::Strides));
}
