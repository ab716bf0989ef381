//! Reads a format from left to right, one item's head at a time.
//!
//! A head is `{ space | byte order | shape } [count] { space | byte order } code`. `parse` reads what follows the code:
//! a struct's items, a pointer's target, a name. A byte order is in force until the next one, through braces, as NumPy
//! reads and writes it.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr;

use super::codes::{self, Code, Grammar};
use super::problem::{Fault, Problem};
use super::size::{digit, is_space};

/// The largest number of dimensions of an array.
pub const MAX_NDIM: usize = 64;

/// A mode, one of `@ ^ = < > !`: the byte order in force, and with it the sizes and alignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u8);

impl Mode {
    /// The mode at the beginning of a format.
    pub const START: Self = Self(b'@');

    /// Whether sizes are the C compiler's.
    pub fn is_native(self) -> bool {
        matches!(self.0, b'@' | b'^')
    }

    /// Whether items are aligned.
    pub fn is_aligned(self) -> bool {
        self.0 == b'@'
    }

    /// `<` or `>`.
    pub fn byte_order(self) -> u8 {
        match self.0 {
            b'<' => b'<',
            b'>' | b'!' => b'>',
            _ if cfg!(target_endian = "big") => b'>',
            _ => b'<',
        }
    }

    /// The size and the alignment of one item. A code without a standard size always has its C size, as in ctypes.
    pub fn item(self, code: Code) -> (isize, u8) {
        let is_native = self.is_native() || code.standard == 0;
        let size = if is_native { code.size } else { code.standard };
        (size.into(), if self.is_aligned() { code.align } else { 1 })
    }
}

/// The head of an item: its code, and what stands before that.
pub struct Head {
    /// The offset of the code in the format.
    pub position: usize,
    /// The code's letter.
    pub letter: u8,
    /// What the code stands for.
    pub code: Code,
    /// The byte order in force.
    pub mode: Mode,
    /// The numbers of its shape's extents, among all extents of the format.
    pub shape: Range<usize>,
    /// The product of its shape.
    pub n_elements: isize,
    /// Its count; 1 if it has none.
    pub count: isize,
}

impl Head {
    /// The number of items: the product of the shape, times the count.
    pub fn n_items(&self) -> Result<isize, Problem> {
        self.n_elements.checked_mul(self.count).ok_or(self.problem(Fault::TooLarge))
    }

    /// A problem with this item.
    pub fn problem(&self, fault: Fault) -> Problem {
        Problem { position: self.position, fault }
    }
}

/// Where extents are stored, as far as there is room.
pub struct Extents<'a> {
    /// The room.
    pub room: &'a mut [MaybeUninit<isize>],
    /// The address of the room, for the fields' pointers into it.
    pub first: *const isize,
    /// The number of extents, including those without room.
    pub n: usize,
}

impl Default for Extents<'_> {
    fn default() -> Self {
        Self { room: &mut [], first: ptr::null(), n: 0 }
    }
}

impl Extents<'_> {
    /// The address of a shape; null if it has no dimension, or if there was no room for all of its extents.
    pub fn start_of(&self, shape: &Range<usize>) -> *const isize {
        if shape.is_empty() || shape.end > self.room.len() {
            return ptr::null();
        }
        self.first.wrapping_add(shape.start)
    }

    fn push(&mut self, extent: isize) {
        if let Some(free) = self.room.get_mut(self.n) {
            free.write(extent);
        }
        self.n = self.n.saturating_add(1);
    }
}

/// A reader of a format.
pub struct Reader<'a> {
    text: &'a [u8],
    /// The offset of the next byte.
    pub position: usize,
    /// The byte order in force.
    pub mode: Mode,
}

impl<'a> Reader<'a> {
    /// At the beginning of a format.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, position: 0, mode: Mode::START }
    }

    /// The next byte.
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    /// Skips a byte.
    pub fn skip(&mut self) {
        self.position = self.position.saturating_add(1);
    }

    /// Skips spaces.
    pub fn skip_spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.skip();
        }
    }

    /// Skips the next byte if it is `byte`; whether it was.
    pub fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.skip();
        }
        is_next
    }

    /// A problem at the next byte.
    pub fn problem(&self, fault: Fault) -> Problem {
        Problem { position: self.position, fault }
    }

    /// Reads the next head, its code included. `None` if the format ends first, or if a `}` or `-` comes first, which
    /// is not skipped.
    pub fn head(&mut self, extents: &mut Extents) -> Result<Option<Head>, Problem> {
        let first = extents.n;
        let (mut n_elements, mut count) = (1_isize, None);
        loop {
            self.skip_spaces();
            let next = self.peek();
            match next {
                Some(byte @ (b'@' | b'^' | b'=' | b'<' | b'>' | b'!')) => {
                    self.mode = Mode(byte);
                    self.skip();
                }
                Some(b'(') if count.is_some() => return Err(self.problem(Fault::ShapeAfterCount)),
                Some(b'(') => {
                    let position = self.position;
                    let product = self.shape(extents)?.checked_mul(n_elements);
                    n_elements = product.ok_or(Problem { position, fault: Fault::TooLarge })?;
                    if extents.n.saturating_sub(first) > MAX_NDIM {
                        return Err(Problem { position, fault: Fault::TooManyDimensions });
                    }
                }
                Some(b'0'..=b'9') if count.is_some() => {
                    return Err(self.problem(Fault::SecondCount));
                }
                Some(b'0'..=b'9') => count = self.number()?,
                None | Some(b'}' | b'-') if count.is_some() || extents.n > first => {
                    return Err(self.problem(Fault::CodeMissing));
                }
                None | Some(b'}' | b'-') => return Ok(None),
                Some(letter) => {
                    let position = self.position;
                    let shape = first..extents.n;
                    let code = self.code(letter)?;
                    let count = count.unwrap_or(1);
                    let mode = self.mode;
                    return Ok(Some(Head {
                        position,
                        letter,
                        code,
                        mode,
                        shape,
                        n_elements,
                        count,
                    }));
                }
            }
        }
    }

    /// Reads a code. `Z` is read together with the code that it makes complex.
    fn code(&mut self, letter: u8) -> Result<Code, Problem> {
        let fault = if letter == b':' { Fault::NameWithoutItem } else { Fault::NoCode };
        let code = codes::find(letter, Grammar::Pep3118).ok_or(self.problem(fault))?;
        if matches!(letter, b'n' | b'N') && !self.mode.is_native() {
            return Err(self.problem(Fault::NoStandardSize));
        }
        self.skip();
        if letter != b'Z' {
            return Ok(code);
        }
        let next = self.peek().unwrap_or(0);
        if codes::find(next, Grammar::Pep3118).is_some_and(Code::is_number) {
            return self.code(next).map(Code::doubled);
        }
        // The `wchar_t *` of ctypes, after which a name follows, or the item ends.
        let end = self.position;
        self.skip_spaces();
        match self.peek() {
            None | Some(b':' | b'}' | b'-') => Ok(code),
            _ => Err(Problem { position: end, fault: Fault::ComplexOfNothing }),
        }
    }

    /// Reads a number; `None` if there are no digits.
    fn number(&mut self) -> Result<Option<isize>, Problem> {
        let position = self.position;
        let mut number = None;
        while let Some(digit) = self.peek().and_then(digit) {
            let tens = number.unwrap_or(0_isize).checked_mul(10);
            let sum = tens.and_then(|tens| tens.checked_add(digit));
            number = Some(sum.ok_or(Problem { position, fault: Fault::TooLarge })?);
            self.skip();
        }
        Ok(number)
    }

    /// Reads a shape such as `(2,3)`, and returns the product of its extents.
    fn shape(&mut self, extents: &mut Extents) -> Result<isize, Problem> {
        let position = self.position;
        let mut product = 1_isize;
        self.skip();
        loop {
            self.skip_spaces();
            let Some(extent) = self.number()? else { return Err(self.problem(Fault::BadShape)) };
            product =
                product.checked_mul(extent).ok_or(Problem { position, fault: Fault::TooLarge })?;
            extents.push(extent);
            self.skip_spaces();
            if self.take(b')') {
                return Ok(product);
            }
            if !self.take(b',') {
                return Err(self.problem(Fault::BadShape));
            }
        }
    }

    /// Reads `:name:`, if that is next, and returns the range of the name in the format, without the colons.
    pub fn name(&mut self) -> Result<Option<Range<usize>>, Problem> {
        let before = self.position;
        self.skip_spaces();
        let opening = self.position;
        if !self.take(b':') {
            self.position = before;
            return Ok(None);
        }
        let start = self.position;
        while let Some(byte) = self.peek() {
            let end = self.position;
            self.skip();
            if byte == b':' {
                return Ok(Some(start..end));
            }
        }
        Err(Problem { position: opening, fault: Fault::NameNotClosed })
    }
}
