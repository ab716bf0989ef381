//! The naive model of `struct.calcsize`: the size of a format, or the exception and its text.

/// The class of an exception and its text.
pub type Refusal = (&'static str, String);

const BAD_CHARACTER: &str = "bad char in struct format";
const NO_CODE: &str = "repeat count given without format specifier";
const TOO_LONG: &str = "total struct size too long";

/// Which CPython's grammar.
#[derive(Clone, Copy)]
pub struct Grammar {
    /// 3.14 and later: `F` and `D`.
    pub has_complex_codes: bool,
    /// 3.13.15, not 3.13.0: the number of items is limited too, not their size alone.
    pub limits_items: bool,
    /// 3.15 and later: `Zf` and `Zd`, and another text for characters that are not ASCII.
    pub has_complex_prefix: bool,
}

impl Grammar {
    pub const NEWEST: Self =
        Self { has_complex_codes: true, limits_items: true, has_complex_prefix: true };

    pub fn of(version: (isize, isize), limits_items: bool) -> Self {
        Self {
            has_complex_codes: version >= (3, 14),
            limits_items,
            has_complex_prefix: version >= (3, 15),
        }
    }

    /// What `PyBuffer_SizeFromFormat` answers.
    pub fn size(self, format: &[u8]) -> Result<isize, Refusal> {
        let text = str::from_utf8(format).map_err(|error| decode_error(format, error))?;
        if !text.is_ascii() {
            return Err(self.not_ascii(text));
        }
        let (is_native, codes) = match format.first() {
            Some(b'@') => (true, &format[1..]),
            Some(b'=' | b'<' | b'>' | b'!') => (false, &format[1..]),
            _ => (true, format),
        };
        self.total(codes, is_native).map_err(|text| ("struct.error", text.into()))
    }

    fn total(self, codes: &[u8], is_native: bool) -> Result<isize, &'static str> {
        let mut total: isize = 0;
        let mut n_items: isize = 0;
        let mut rest = codes.iter().copied().peekable();
        while let Some(mut code) = rest.next() {
            if b" \t\n\x0b\x0c\r".contains(&code) {
                continue;
            }
            let mut count: isize = 1;
            if code.is_ascii_digit() {
                count = isize::from(code as i8 - b'0' as i8);
                loop {
                    code = rest.next().ok_or(NO_CODE)?;
                    if !code.is_ascii_digit() {
                        break;
                    }
                    let digit = isize::from(code as i8 - b'0' as i8);
                    count = count.checked_mul(10).ok_or(TOO_LONG)?;
                    count = count.checked_add(digit).ok_or(TOO_LONG)?;
                }
            }
            let after_z = if code == b'Z' && self.has_complex_prefix {
                rest.next_if(|next| b"fd".contains(next))
            } else {
                None
            };
            let (size, alignment) = self.item(code, after_z, is_native).ok_or(BAD_CHARACTER)?;
            if self.limits_items {
                n_items = match code {
                    b's' | b'p' => n_items.checked_add(1),
                    b'x' => Some(n_items),
                    _ => n_items.checked_add(count),
                }
                .ok_or(TOO_LONG)?;
            }
            if is_native && total > 0 {
                let rounded = total.checked_add(alignment - 1).ok_or(TOO_LONG)?;
                total = rounded / alignment * alignment;
            }
            let added = count.checked_mul(size).ok_or(TOO_LONG)?;
            total = total.checked_add(added).ok_or(TOO_LONG)?;
        }
        Ok(total)
    }

    /// Size and alignment of one item.
    fn item(self, code: u8, after_z: Option<u8>, is_native: bool) -> Option<(isize, isize)> {
        const POINTER: isize = size_of::<usize>() as isize;
        const LONG: isize = size_of::<std::ffi::c_long>() as isize;
        Some(match (code, after_z) {
            (b'Z', Some(b'f')) => (8, 4),
            (b'Z', Some(b'd')) => (16, align_of::<f64>() as isize),
            (b'x' | b'c' | b'b' | b'B' | b'?' | b's' | b'p', _) => (1, 1),
            (b'h' | b'H' | b'e', _) => (2, 2),
            (b'i' | b'I' | b'f', _) => (4, 4),
            (b'l' | b'L', _) if is_native => (LONG, LONG),
            (b'l' | b'L', _) => (4, 4),
            (b'q' | b'Q', _) => (8, align_of::<i64>() as isize),
            (b'd', _) => (8, align_of::<f64>() as isize),
            (b'n' | b'N' | b'P', _) if is_native => (POINTER, POINTER),
            (b'F', _) if self.has_complex_codes => (8, 4),
            (b'D', _) if self.has_complex_codes => (16, align_of::<f64>() as isize),
            _ => return None,
        })
    }

    fn not_ascii(self, text: &str) -> Refusal {
        if self.has_complex_prefix {
            return ("ValueError", "non-ASCII character in struct format".into());
        }
        let characters: Vec<char> = text.chars().collect();
        let first = characters.iter().position(|c| !c.is_ascii()).unwrap_or(0);
        let run = characters[first..].iter().take_while(|c| !c.is_ascii()).count();
        let what = if run == 1 {
            format!("character '{}' in position {first}", escaped(characters[first]))
        } else {
            format!("characters in position {first}-{}", first + run - 1)
        };
        let text = format!("'ascii' codec can't encode {what}: ordinal not in range(128)");
        ("UnicodeEncodeError", text)
    }
}

fn escaped(character: char) -> String {
    match character as u32 {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

fn decode_error(bytes: &[u8], error: std::str::Utf8Error) -> Refusal {
    let start = error.valid_up_to();
    let end = error.error_len().map_or(bytes.len(), |len| start + len);
    let reason = match error.error_len() {
        None => "unexpected end of data",
        // A byte that begins no sequence, or one whose sequence is broken by what follows.
        Some(_) if matches!(bytes[start], 0xc2..=0xf4) => "invalid continuation byte",
        Some(_) => "invalid start byte",
    };
    let what = if end - start == 1 {
        format!("byte 0x{:02x} in position {start}", bytes[start])
    } else {
        format!("bytes in position {start}-{}", end - 1)
    };
    ("UnicodeDecodeError", format!("'utf-8' codec can't decode {what}: {reason}"))
}
