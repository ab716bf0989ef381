//! The formats that `PyBuffer_SizeFromFormat` is asked for.

use super::prng::Prng;

/// Calls `each` with every format of the fixed part: all of one and two ASCII characters, a grid of
/// prefix, count, code and tail, counts at the limits, and bytes that are not UTF-8.
pub fn every(mut each: impl FnMut(&[u8])) {
    each(b"");
    for a in 1..=127 {
        each(&[a]);
        for b in 1..=127 {
            each(&[a, b]);
        }
    }
    grid(&mut each);
    limits(&mut each);
    not_ascii(&mut each);
}

const CODES: &[u8] = b"xcbB?hHiIlLqQnNefdspPFDZgGOtuwzT";
const PREFIXES: [&str; 8] = ["", "@", "=", "<", ">", "!", "^", " "];
const COUNTS: [&str; 11] = [
    "",
    "0",
    "1",
    "2",
    "3",
    "10",
    "007",
    "4611686018427387904",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999999",
];

fn grid(each: &mut impl FnMut(&[u8])) {
    for prefix in PREFIXES {
        for count in COUNTS {
            for &code in CODES {
                let code = code as char;
                for tail in ["", "f", "d", "i", " b", "0q", "3", "3e", "x@", "\n", ":a:", "}"] {
                    each(format!("{prefix}{count}{code}{tail}").as_bytes());
                    each(format!("{prefix}b{count}{code}{tail}").as_bytes());
                }
            }
        }
    }
}

/// Where a count, an item or the sum exceeds what a Py_ssize_t holds, by one and not quite.
fn limits(each: &mut impl FnMut(&[u8])) {
    let most = isize::MAX as u128;
    for &code in CODES {
        let code = code as char;
        for size in [1, 2, 4, 8, 16] {
            for delta in [0, 1, 2, 7, 8] {
                for prefix in ["", "<"] {
                    each(format!("{prefix}{}{code}", most / size - delta).as_bytes());
                    each(format!("{prefix}{}{code}", most / size + delta).as_bytes());
                    each(format!("{prefix}{}s{code}", most - size + 1 - delta.min(1)).as_bytes());
                    each(format!("{prefix}{}s0{code}", most - delta).as_bytes());
                    each(format!("{prefix}b{}{code}", most / size - delta).as_bytes());
                }
            }
        }
    }
    items_at_the_limit(each);
    for n in [1, 18, 19, 20, 21, 400, 5000] {
        each("0".repeat(n).as_bytes());
        each(format!("{}1b", "0".repeat(n)).as_bytes());
        each(format!("{}b", "9".repeat(n)).as_bytes());
        each("hq".repeat(n).as_bytes());
        each(format!("{}?!", " ".repeat(n)).as_bytes());
    }
}

/// The number of items exceeds what a Py_ssize_t holds, the size does not; and not quite. A string is
/// one item, even one of no bytes; padding is none.
fn items_at_the_limit(each: &mut impl FnMut(&[u8])) {
    const EMPTY: [&str; 7] = ["0s", "0p", "0x", "0c", "0s0p", "0s0s0s", "0x0s0i"];
    for prefix in ["", "<"] {
        for empty in EMPTY {
            for code in "cbB?xsphq".chars() {
                for delta in 0..5 {
                    let count = isize::MAX - delta;
                    each(format!("{prefix}{empty}{count}{code}").as_bytes());
                    each(format!("{prefix}{count}{code}{empty}").as_bytes());
                    each(format!("{prefix}b{empty}{}{code}{empty}", count - 1).as_bytes());
                    each(format!("{prefix}{empty}{count}{code}~").as_bytes());
                }
            }
        }
    }
}

fn not_ascii(each: &mut impl FnMut(&[u8])) {
    const NEXT: [u8; 16] = [
        b'i', b'"', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4,
        0xff,
    ];
    for first in 128..=255 {
        each(&[first]);
        each(&[b'i', first]);
        for second in NEXT {
            each(&[first, second]);
            each(&[b'<', first, second, b'i']);
            if first < 0xe0 {
                continue;
            }
            for third in NEXT {
                each(&[first, second, third]);
                each(&[first, second, third, 0x80]);
                each(&[first, second, third, b'i', b'i']);
            }
        }
    }
    for text in ["é", "ié", "€i", "éé", "iéèi", "\u{1f40d}", "i\u{1f40d}\u{1f40d}é", "é€", "\u{80}"]
    {
        each(text.as_bytes());
    }
}

/// A format that is mostly right, or mostly wrong.
pub fn random(prng: &mut Prng) -> Vec<u8> {
    let mut format = Vec::new();
    match prng.below(6) {
        0 => {
            for _ in 0..prng.below(8) {
                format.push(prng.between(1, 127) as u8);
            }
        }
        1 => {
            for _ in 0..prng.below(8) {
                format.push(prng.between(1, 255) as u8);
            }
        }
        _ => {
            format.extend_from_slice(prng.pick(&PREFIXES).as_bytes());
            for _ in 0..prng.below(12) {
                if prng.one_in(3) {
                    format.extend_from_slice(prng.pick(&COUNTS[..7]).as_bytes());
                }
                if prng.one_in(8) {
                    format.push(prng.pick(b" \t\n\x0b\x0c\r"));
                }
                // The last ones are refused by some versions or by all.
                let codes = if prng.one_in(12) { CODES } else { &CODES[..21] };
                format.push(prng.pick(codes));
            }
        }
    }
    format
}
