//! Formats in the grammar of PEP 3118, as exporters write them.
//!
//! Where the PEP is silent or exporters differ, what they emit decides:
//!
//! 1. A sequence outside of `T{}` is padded at its end as in `struct`: not at all.
//! 2. `T{}` is aligned and padded as a C struct if `@` is in force at its `}`, with the alignments of
//!    those members that stand under `@`. Padding that is written behind an inner struct counts for the
//!    padding at that struct's end, as NumPy writes it there.
//! 3. A byte order is in force until the next one, through braces (NumPy).
//! 4. Shapes come before the count; byte orders and spaces may stand between (ctypes, NumPy). Shapes in
//!    a row are one shape, of all their extents.
//! 5. What has no standard size (`P`, `O`, `g`, `&`, ...) has its C size under `<` too (ctypes), but
//!    for `n` and `N` (`struct`).
//! 6. `u` is a `wchar_t` (ctypes, array), `z` a `char *`, and `Z` a `wchar_t *` if no number's code
//!    follows it (ctypes).
//! 7. `x` with a name is a field, and without one padding (NumPy).
//! 8. `t` is as many bits as its count says. Those of neighbours share bytes.

use core::ffi::{c_char, c_int};
use core::mem::{self, MaybeUninit};
use core::ptr;

use super::place::{Place, Type};
use super::problem::{Fault, Problem};
use super::read::{Extents, Head, Reader};
use crate::abi::pybuffer_format_field;

/// How deep structs, pointers and functions may nest.
pub const MAX_DEPTH: usize = 64;

/// Where fields are put, as far as there is room.
pub struct Fields<'a> {
    /// The room.
    pub room: &'a mut [MaybeUninit<pybuffer_format_field>],
    /// How many there are, room or not.
    pub n: usize,
    /// The extents of their shapes.
    pub extents: Extents<'a>,
    /// What names point into.
    pub format: *const c_char,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self { room: &mut [], n: 0, extents: Extents::default(), format: ptr::null() }
    }
}

/// Reads a format to its end, and puts its fields where there is room: structs before their members.
/// The item that it describes.
pub fn parse(format: &[u8], fields: &mut Fields) -> Result<Place, Problem> {
    let mut parser = Parser { reader: Reader::new(format), fields: mem::take(fields) };
    let parsed = parser.whole();
    *fields = parser.fields;
    parsed
}

/// The size of an item in bytes.
pub fn item_size(format: &[u8]) -> Result<usize, Problem> {
    parse(format, &mut Fields::default()).map(|place| place.end.unsigned_abs())
}

/// A format that is read, and what becomes of its fields.
pub struct Parser<'a, 'b> {
    /// The format.
    pub reader: Reader<'a>,
    /// Its fields so far.
    pub fields: Fields<'b>,
}

impl<'a> Parser<'a, '_> {
    /// Reads a format without an eye for its fields.
    pub fn new(format: &'a [u8]) -> Self {
        Self { reader: Reader::new(format), fields: Fields::default() }
    }

    fn whole(&mut self) -> Result<Place, Problem> {
        let place = self.items(0, -1)?;
        match self.reader.peek() {
            None => Ok(place),
            Some(b'}') => Err(self.reader.problem(Fault::NotOpened)),
            Some(_) => Err(self.reader.problem(Fault::StrayArrow)),
        }
    }

    /// Reads items up to the end, a `}` or a `-`.
    fn items(&mut self, depth: usize, parent: isize) -> Result<Place, Problem> {
        let mut place = Place::EMPTY;
        while let Some(head) = self.reader.head(&mut self.fields.extents)? {
            self.item(&head, &mut place, depth, parent)?;
        }
        Ok(place)
    }

    /// Reads an item, the head of which was read, and its name.
    fn item(
        &mut self,
        head: &Head,
        place: &mut Place,
        depth: usize,
        parent: isize,
    ) -> Result<(), Problem> {
        // A struct stands before its members.
        let of_struct = (head.letter == b'T').then(|| self.fields.reserve());
        let r#type = self.body(head, depth, of_struct.unwrap_or(0))?;
        let length = self.reader.position.saturating_sub(head.position);
        let name = self.reader.name()?;
        let n = head.n_items()?;
        let too_large = head.problem(Fault::TooLarge);
        if head.letter == b'x' && name.is_none() {
            self.fields.extents.n = head.shape.start;
            return place.pad(n).ok_or(too_large);
        }
        let (offset, bit) = match head.letter {
            b't' => place.put_bits(n),
            _ => place.put(r#type, n).map(|offset| (offset, 0)),
        }
        .ok_or(too_large)?;
        let number = of_struct.unwrap_or_else(|| self.fields.reserve());
        let (name, name_len) = match name {
            Some(name) => (self.fields.format.wrapping_add(name.start), name.len()),
            None => (ptr::null(), 0),
        };
        let field = pybuffer_format_field {
            name,
            name_len: name_len.cast_signed(),
            shape: self.fields.extents.start_of(&head.shape),
            count: head.count,
            offset,
            itemsize: r#type.size,
            size: place.end.saturating_sub(offset),
            parent,
            position: head.position.cast_signed(),
            length: length.cast_signed(),
            ndim: head.shape.len() as c_int,
            alignment: r#type.align.into(),
            bit: bit.into(),
            code: head.letter as c_char,
            kind: head.code.kind as c_char,
            byte_order: head.mode.byte_order() as c_char,
            mode: head.mode.0 as c_char,
        };
        self.fields.set(number, field);
        Ok(())
    }

    /// Reads what belongs to a code behind it; the type of one item.
    pub fn body(&mut self, head: &Head, depth: usize, number: usize) -> Result<Type, Problem> {
        if depth == MAX_DEPTH && matches!(head.letter, b'T' | b'X' | b'&') {
            return Err(head.problem(Fault::TooDeep));
        }
        let depth = depth.saturating_add(1);
        match head.letter {
            b'T' => {
                let members = self.braces(|parser| parser.items(depth, number.cast_signed()))?;
                return members.close(self.reader.mode).ok_or(head.problem(Fault::TooLarge));
            }
            b'X' => self.unrecorded(|parser| parser.braces(|parser| parser.signature(depth)))?,
            b'&' => self.unrecorded(|parser| parser.target(depth))?,
            _ => {}
        }
        let (size, align) = head.mode.item(head.code);
        Ok(Type { size, align, slack: 0 })
    }

    /// Reads what stands in braces.
    fn braces<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let opening = self.reader.problem(Fault::NotClosed);
        if !self.reader.take(b'{') {
            return Err(self.reader.problem(Fault::NoBrace));
        }
        let inside = inside(self)?;
        match self.reader.peek() {
            Some(b'}') => {
                self.reader.skip();
                Ok(inside)
            }
            Some(_) => Err(self.reader.problem(Fault::StrayArrow)),
            None => Err(opening),
        }
    }

    /// Reads the parameters of a function and, behind `->`, its result.
    fn signature(&mut self, depth: usize) -> Result<(), Problem> {
        self.items(depth, -1)?;
        let arrow = self.reader.problem(Fault::StrayArrow);
        if self.reader.take(b'-') {
            if !self.reader.take(b'>') {
                return Err(arrow);
            }
            self.items(depth, -1)?;
        }
        Ok(())
    }

    /// Reads the type that a pointer points at.
    fn target(&mut self, depth: usize) -> Result<(), Problem> {
        match self.reader.head(&mut self.fields.extents)? {
            Some(head) => self.body(&head, depth, 0).map(|_| ()),
            None => Err(self.reader.problem(Fault::PointerToNothing)),
        }
    }

    /// Reads what is no part of the item itself.
    fn unrecorded(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let fields = mem::take(&mut self.fields);
        let result = read(self);
        self.fields = fields;
        result
    }
}

impl Fields<'_> {
    /// The number of the next field.
    fn reserve(&mut self) -> usize {
        let number = self.n;
        self.n = number.saturating_add(1);
        number
    }

    fn set(&mut self, number: usize, field: pybuffer_format_field) {
        if let Some(free) = self.room.get_mut(number) {
            free.write(field);
        }
    }
}
