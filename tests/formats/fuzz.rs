//! Formats at random: right ones, nearly right ones and noise. `make fuzz` tries millions.

use std::ffi::{CStr, CString, c_int};
use std::mem::MaybeUninit;
use std::{ptr, slice};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use pybuffer::abi::{pybuffer_format_field, pybuffer_format_info};
use pybuffer::capi::format::{
    pybuffer_format_equivalent, pybuffer_format_itemsize, pybuffer_format_parse,
};
use pybuffer::format::size::{Grammar, size};

struct Parsed {
    itemsize: isize,
    fields: Vec<pybuffer_format_field>,
    /// The extents that the fields' shapes point into.
    _extents: Vec<isize>,
}

/// The fields of a format; where it is wrong if it is.
fn parse(format: &CStr) -> Result<Parsed, isize> {
    let mut info = MaybeUninit::uninit();
    let null = ptr::null_mut();
    // SAFETY: no room, and a place for the info, which is always filled in.
    let n = unsafe {
        pybuffer_format_parse(format.as_ptr(), null, 0, ptr::null_mut(), 0, info.as_mut_ptr())
    };
    // SAFETY: filled in.
    let pybuffer_format_info { itemsize, n_fields, n_extents, error_position, .. } =
        unsafe { info.assume_init() };
    if n < 0 {
        assert!(itemsize == -1 && error_position >= 0);
        return Err(error_position);
    }
    assert_eq!((n, error_position), (n_fields, -1));
    let mut fields = Vec::with_capacity(n as usize);
    let mut extents = vec![-1; n_extents as usize];
    // SAFETY: as much room as is said.
    let again = unsafe {
        pybuffer_format_parse(
            format.as_ptr(),
            fields.as_mut_ptr(),
            n,
            extents.as_mut_ptr(),
            n_extents,
            ptr::null_mut(),
        )
    };
    assert_eq!(again, n);
    // SAFETY: all of them were written.
    unsafe { fields.set_len(n as usize) };
    Ok(Parsed { itemsize, fields, _extents: extents })
}

fn itemsize(format: &CStr) -> isize {
    // SAFETY: a C string.
    unsafe { pybuffer_format_itemsize(format.as_ptr()) }
}

fn equivalent(first: &CStr, second: &CStr) -> c_int {
    // SAFETY: C strings.
    unsafe { pybuffer_format_equivalent(first.as_ptr(), second.as_ptr()) }
}

fn shape(field: &pybuffer_format_field) -> &[isize] {
    if field.ndim == 0 {
        return &[];
    }
    // SAFETY: there was room for all shapes.
    unsafe { slice::from_raw_parts(field.shape, field.ndim as usize) }
}

fn c_string(bytes: impl Into<Vec<u8>>) -> CString {
    let mut bytes = bytes.into();
    bytes.retain(|&byte| byte != 0);
    CString::new(bytes).unwrap()
}

/// What holds for the fields of every format.
fn check_fields(format: &CStr, parsed: &Parsed) {
    let Parsed { itemsize, fields, .. } = parsed;
    let text = format.to_bytes();
    let mut next = vec![0; fields.len() + 1];
    for (i, field) in fields.iter().enumerate() {
        assert!((-1..i as isize).contains(&field.parent));
        let around = usize::try_from(field.parent).ok().map(|parent| &fields[parent]);
        assert!(around.is_none_or(|parent| parent.code as u8 == b'T'));
        assert!(around.is_none_or(|parent| parent.position < field.position));
        let end = around.map_or(*itemsize, |parent| parent.itemsize);
        assert!(field.offset >= 0 && field.offset + field.size <= end);
        // Neighbours do not overlap, but for bits.
        let next = &mut next[(field.parent + 1) as usize];
        assert!(field.offset >= *next || field.code as u8 == b't');
        *next = field.offset + field.size;
        assert_eq!(field.offset % field.alignment as isize, 0);
        if field.code as u8 != b't' {
            let n = shape(field).iter().product::<isize>() * field.count;
            assert_eq!(n * field.itemsize, field.size);
        }
        let (start, len) = (field.position as usize, field.length as usize);
        assert_eq!(text[start], field.code as u8);
        assert!(len >= 1 && start + len <= text.len());
        if !field.name.is_null() {
            let start = field.name.addr() - format.as_ptr().addr();
            let end = start + field.name_len as usize;
            assert!(!text[start..end].contains(&b':'));
            assert_eq!((text[start - 1], text[end]), (b':', b':'));
        }
    }
}

fn check(format: &CStr) {
    let size_of_all = itemsize(format);
    match parse(format) {
        Ok(parsed) => {
            assert_eq!(size_of_all, parsed.itemsize);
            check_fields(format, &parsed);
            assert_ne!(equivalent(format, format), 0);
        }
        Err(position) => {
            assert_eq!(size_of_all, -1);
            assert!(position <= format.count_bytes() as isize);
            assert_eq!((equivalent(format, c"i"), equivalent(c"i", format)), (-1, -1));
        }
    }
    if let Ok(of_struct) = size(format.to_bytes(), Grammar::Newest) {
        assert_eq!(size_of_all, of_struct);
    }
}

// --- equivalence, the long way ---------------------------------------------------------------------

/// Every single item: its offset, kind, byte order, size, and first bit.
type Atom = (isize, u8, u8, isize, i32);

fn atoms(parsed: &Parsed, parent: isize, base: isize, all: &mut Vec<Atom>) {
    for (i, field) in parsed.fields.iter().enumerate() {
        if field.parent != parent {
            continue;
        }
        let elements: isize = shape(field).iter().product();
        let start = base + field.offset;
        let order = if field.itemsize > 1 { field.byte_order as u8 } else { 0 };
        let kind = field.kind as u8;
        match kind {
            b'V' => {}
            b't' => all.push((start, kind, 0, elements * field.count, field.bit)),
            b'p' => all
                .extend((0..elements).map(|k| (start + k * field.count, kind, 0, field.count, 0))),
            b'T' if field.itemsize == 0 => {}
            b'T' => {
                for k in 0..elements * field.count {
                    atoms(parsed, i as isize, start + k * field.itemsize, all);
                }
            }
            _ => {
                let one = |k| (start + k * field.itemsize, kind, order, field.itemsize, 0);
                all.extend((0..elements * field.count).map(one));
            }
        }
    }
    all.retain(|atom| atom.3 > 0);
}

fn is_equivalent_the_long_way(first: &Parsed, second: &Parsed) -> bool {
    let all = |parsed| {
        let mut all = Vec::new();
        atoms(parsed, -1, 0, &mut all);
        all
    };
    first.itemsize == second.itemsize && all(first) == all(second)
}

/// Whether two formats are equivalent, if both are right.
fn check_pair(first: &str, second: &str) -> Option<bool> {
    let (first, second) = (c_string(first), c_string(second));
    let (answer, turned) = (equivalent(&first, &second), equivalent(&second, &first));
    assert_eq!(answer, turned);
    let (Ok(a), Ok(b)) = (parse(&first), parse(&second)) else {
        assert_eq!(answer, -1);
        return None;
    };
    let is_equivalent = is_equivalent_the_long_way(&a, &b);
    assert_eq!(answer, c_int::from(is_equivalent), "{first:?} {second:?}");
    Some(is_equivalent)
}

// --- formats ---------------------------------------------------------------------------------------

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&["b", "i", "d", "h", "c", "x", "s", "q", "Zd", "Z", "g", "u", "w", "O", "P", "n", "t"][..])
            .prop_map(String::from),
        3 => select(&["T{", "}", "X{", "&", "->", "T{}", "X{}"][..]).prop_map(String::from),
        2 => select(&["<", ">", "=", "@", "^", "!", " "][..]).prop_map(String::from),
        2 => select(&[":a:", ":", "::", ":b}("][..]).prop_map(String::from),
        2 => select(&["(2)", "(2,3)", "(0)", "(", "(1", ")", ","][..]).prop_map(String::from),
        2 => select(&["0", "1", "2", "3", "17", "4611686018427387904", "99999999999999999999"][..])
            .prop_map(String::from),
    ]
}

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let tokens =
        proptest::collection::vec(token(), 0..30).prop_map(|tokens| tokens.concat().into());
    prop_oneof![3 => tokens, 1 => proptest::collection::vec(any::<u8>(), 0..20)]
}

/// Right formats: items, each with what may stand before and behind it.
fn items(codes: &'static [&'static str], n: usize) -> impl Strategy<Value = String> {
    let code = select(codes).prop_map(String::from);
    let item = code.prop_recursive(4, 24, n as u32, move |inner| {
        let few = proptest::collection::vec(decorated(inner.clone()), 0..n);
        prop_oneof![
            4 => few.prop_map(|members| format!("T{{{}}}", members.concat())),
            1 => inner.prop_map(|target| format!("&{target}")),
        ]
    });
    proptest::collection::vec(decorated(item), 0..n).prop_map(|items| items.concat())
}

fn decorated(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let before = select(&["", "", "", "", "(2)", "(2,1)", "(0)"][..]);
    let mode = select(&["", "", "", "<", ">", "=", "@", "^"][..]);
    let count = select(&["", "", "", "2", "3", "0"][..]);
    let behind = select(&["", "", ":a:", " :b: "][..]);
    (before, mode, count, item, behind).prop_map(|(before, mode, count, item, behind)| {
        format!("{before}{mode}{count}{item}{behind}")
    })
}

const ALL: &[&str] = &[
    "b", "h", "i", "l", "q", "e", "f", "d", "g", "Zf", "Zg", "F", "?", "c", "s", "p", "w", "u",
    "O", "P", "z", "X{}", "X{i->d}", "x", "t", "5t", "B", "H",
];
/// So few that formats often turn out alike.
const FEW: &[&str] = &["b", "b", "b", "x", "h", "c"];

fn cases(fewest: u32) -> ProptestConfig {
    let asked = std::env::var("PYBUFFER_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(fewest),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn formats_of_noise_are_read_or_refused(format in soup()) {
        check(&c_string(format));
    }

    #[test]
    fn formats_nearly_right_are_read_or_refused(
        format in items(ALL, 5), at in any::<prop::sample::Index>(), with in token()
    ) {
        check(&c_string(&*format));
        let mut bytes = format.into_bytes();
        let at = at.index(bytes.len() + 1);
        let end = (at + 1).min(bytes.len());
        bytes.splice(at..end, with.bytes());
        check(&c_string(bytes));
    }

    #[test]
    fn formats_of_any_items_are_equivalent_if_all_their_items_are(
        a in items(ALL, 4), b in items(ALL, 4)
    ) {
        check_pair(&a, &b);
        check_pair(&a, &a.replace('l', "q"));
    }
}

/// Formats of few codes, which often turn out alike, and ways to write one again.
#[test]
fn formats_are_equivalent_if_all_their_items_are() {
    let mut n = [0, 0];
    let mut count = |answer: Option<bool>| {
        if let Some(answer) = answer {
            n[usize::from(answer)] += 1;
        }
    };
    let mut runner = proptest::test_runner::TestRunner::new(cases(4000));
    let strategy = (items(FEW, 4), items(FEW, 4));
    for _ in 0..runner.config().cases {
        let (a, b) = strategy.new_tree(&mut runner).unwrap().current();
        count(check_pair(&a, &b));
        count(check_pair(&format!("{a}{b}"), &format!("{b}{a}")));
        count(check_pair(&format!("^6T{{{a}}}"), &format!("^2T{{^2T{{{a}}}^T{{{a}}}}}")));
        count(check_pair(&format!("^4T{{{a}^{a}^{a}}}"), &format!("^6T{{{a}^{a}}}")));
        count(check_pair(&format!("^3T{{{a}x}}"), &format!("^5T{{{a}}}3x")));
        count(check_pair(&format!("4T{{{a}}}{b}"), &format!("T{{{a}}}3T{{{a}}}{b}")));
        let again = a.replace(":a:", " ").replace(":b:", " ").replace("(2,1)", "(2)");
        count(check_pair(&a, &again));
    }
    assert!(n.iter().all(|&n| n > runner.config().cases), "{n:?} unlike and alike");
}
