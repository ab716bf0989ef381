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

use super::level::{Level, MAX_DEPTH, Note, RESULT, Slot, with_slots};
use super::place::{Place, Type};
use super::problem::{Fault, Problem};
use super::read::{Extents, Head, Reader};
use crate::abi::pybuffer_format_field;

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
    let (n, n_extents) = (fields.n, fields.extents.n);
    let parsed = parse_within::<SHALLOW>(format, fields);
    if !is_too_deep(&parsed) {
        return parsed;
    }
    (fields.n, fields.extents.n) = (n, n_extents);
    parse_within::<MAX_DEPTH>(format, fields)
}

/// As [`parse`], of formats that nest `DEPTH` deep at most.
#[inline(never)]
fn parse_within<const DEPTH: usize>(format: &[u8], fields: &mut Fields) -> Result<Place, Problem> {
    let mut notes = [Note::NONE; DEPTH];
    with_slots::<DEPTH, _>(|slots| {
        let mut parser = Parser { reader: Reader::new(format), fields: mem::take(fields) };
        let mut inside = Inside::new(slots, &mut notes);
        let parsed = parser.whole(&mut inside);
        *fields = inside.recorded.unwrap_or(parser.fields);
        parsed
    })
}

/// The size of an item in bytes.
pub fn item_size(format: &[u8]) -> Result<usize, Problem> {
    extent(format).map(|extent| extent.size)
}

/// What a format asks for.
pub struct Extent {
    /// The size of its item in bytes.
    pub size: usize,
    /// Whether it nests no deeper than `SHALLOW`.
    pub is_flat: bool,
}

/// The size of an item in bytes, and how deep it nests.
pub fn extent(format: &[u8]) -> Result<Extent, Problem> {
    let flat = size_within::<SHALLOW>(format);
    let is_flat = !is_too_deep(&flat);
    let size = if is_flat { flat } else { size_within::<MAX_DEPTH>(format) };
    size.map(|size| Extent { size, is_flat })
}

/// As [`item_size`], of formats that nest `DEPTH` deep at most.
fn size_within<const DEPTH: usize>(format: &[u8]) -> Result<usize, Problem> {
    with_slots::<DEPTH, _>(|slots| {
        let mut inside = Inside::new(slots, &mut []);
        Parser::new(format).whole(&mut inside).map(|place| place.end.unsigned_abs())
    })
}

/// How deep nearly all formats nest: room for more takes longer to clear than these to read.
pub const SHALLOW: usize = 2;

fn is_too_deep<T>(parsed: &Result<T, Problem>) -> bool {
    matches!(parsed, Err(Problem { fault: Fault::TooDeep, .. }))
}

/// A format that is read, and what becomes of its fields.
pub struct Parser<'a, 'b> {
    /// The format.
    pub reader: Reader<'a>,
    /// Its fields so far.
    pub fields: Fields<'b>,
}

/// Where in a format it is read.
struct Inside<'l, 'b> {
    /// What the items are in.
    slots: &'l mut [Slot],
    /// The same, where fields are recorded.
    notes: &'l mut [Note],
    depth: usize,
    /// The items so far, in the innermost.
    place: Place,
    /// Whether the innermost is a pointer.
    is_target: bool,
    /// The fields so far, where what is read is no part of them, and the depth of what that is in.
    recorded: Option<Fields<'b>>,
    unrecorded: usize,
}

impl<'l> Inside<'l, '_> {
    fn new(slots: &'l mut [Slot], notes: &'l mut [Note]) -> Self {
        let (depth, place, is_target, unrecorded) = (0, Place::EMPTY, false, 0);
        Self { slots, notes, depth, place, is_target, recorded: None, unrecorded }
    }

    /// The innermost.
    fn level(&mut self) -> Option<&mut Level> {
        match self.slots.get_mut(self.depth.checked_sub(1)?)? {
            Slot::Level(level) => Some(level),
            Slot::Frame(_) => None,
        }
    }

    fn note(&self) -> Note {
        let last = self.depth.checked_sub(1).and_then(|last| self.notes.get(last));
        last.copied().unwrap_or(Note::NONE)
    }
}

impl<'a, 'b> Parser<'a, 'b> {
    /// Reads a format without an eye for its fields.
    pub fn new(format: &'a [u8]) -> Self {
        Self { reader: Reader::new(format), fields: Fields::default() }
    }

    fn whole(&mut self, inside: &mut Inside<'_, 'b>) -> Result<Place, Problem> {
        self.run(inside, false)?;
        match self.reader.peek() {
            None => Ok(inside.place),
            Some(b'}') => Err(self.reader.problem(Fault::NotOpened)),
            Some(_) => Err(self.reader.problem(Fault::StrayArrow)),
        }
    }

    /// Reads what belongs to a code behind it; the type of one item. `slots` is room for what is in it.
    #[inline(never)]
    pub fn body(&mut self, head: &Head, slots: &mut [Slot]) -> Result<Type, Problem> {
        if !is_nest(head) {
            return Ok(type_of(head));
        }
        let mut inside = Inside::new(slots, &mut []);
        self.open(head, &mut inside)?;
        self.run(&mut inside, true)?.ok_or(head.problem(Fault::NotClosed))
    }

    /// Reads items up to the end of all, or up to the end of the body of the outermost level: its type.
    fn run(&mut self, inside: &mut Inside<'_, 'b>, is_body: bool) -> Result<Option<Type>, Problem> {
        loop {
            let closed = match self.reader.head(&mut self.fields.extents)? {
                Some(head) if is_nest(&head) => {
                    self.open(&head, inside)?;
                    continue;
                }
                Some(head) if !inside.is_target => {
                    self.item(&head, type_of(&head), None, inside)?;
                    continue;
                }
                Some(_) => Some(None),
                None if inside.depth == 0 => return Ok(None),
                None => self.close(inside)?,
            };
            if let Some(r#type) = closed {
                let outermost = self.leave(inside, r#type, is_body)?;
                if outermost.is_some() {
                    return Ok(outermost);
                }
            }
        }
    }

    /// Enters a struct, a function or a pointer.
    fn open(&mut self, head: &Head, inside: &mut Inside<'_, 'b>) -> Result<(), Problem> {
        let is_struct = head.letter == b'T' && !inside.is_target;
        let number = if is_struct { self.fields.reserve() } else { 0 };
        let Some(slot) = inside.slots.get_mut(inside.depth) else {
            return Err(head.problem(Fault::TooDeep));
        };
        *slot = Slot::Level(Level::of(head, &inside.place));
        if let Some(note) = inside.notes.get_mut(inside.depth) {
            *note = Note::of(head, number);
        }
        inside.place = Place::EMPTY;
        inside.is_target = head.letter == b'&';
        if head.letter != b'T' && inside.recorded.is_none() {
            // What it takes or points at is no part of the item.
            inside.recorded = Some(mem::take(&mut self.fields));
            inside.unrecorded = inside.depth;
        }
        inside.depth = inside.depth.saturating_add(1);
        if head.letter != b'&' && !self.reader.take(b'{') {
            return Err(self.reader.problem(Fault::NoBrace));
        }
        Ok(())
    }

    /// At the end of what is in the innermost struct or function: the type of a struct. `None` if a function's
    /// result follows.
    fn close(&mut self, inside: &mut Inside) -> Result<Option<Option<Type>>, Problem> {
        let members = inside.place;
        let Some(level) = inside.level() else {
            return Err(self.reader.problem(Fault::NotOpened));
        };
        let position = level.position;
        match (level.letter, self.reader.peek()) {
            (b'&', _) => Err(self.reader.problem(Fault::PointerToNothing)),
            (b'X', Some(b'-')) => {
                let arrow = self.reader.problem(Fault::StrayArrow);
                self.reader.skip();
                level.letter = RESULT;
                inside.place = Place::EMPTY;
                if self.reader.take(b'>') { Ok(None) } else { Err(arrow) }
            }
            (b'T', Some(b'}')) => {
                self.reader.skip();
                let r#type = members.close(self.reader.mode);
                r#type.map(Some).map(Some).ok_or(Problem { position, fault: Fault::TooLarge })
            }
            (_, Some(b'}')) => {
                self.reader.skip();
                Ok(Some(None))
            }
            (_, Some(_)) => Err(self.reader.problem(Fault::StrayArrow)),
            // The brace stands behind the code.
            (_, None) => {
                Err(Problem { position: position.saturating_add(1), fault: Fault::NotClosed })
            }
        }
    }

    /// Goes back to the items around the innermost level, a struct of this type or something else, and around the
    /// pointers to it; puts the item that it was there, or tells the outermost one's type if only its body is read.
    #[inline(never)]
    fn leave(
        &mut self,
        inside: &mut Inside<'_, 'b>,
        mut of_struct: Option<Type>,
        is_body: bool,
    ) -> Result<Option<Type>, Problem> {
        loop {
            let note = inside.note();
            let Some(level) = inside.level().copied() else {
                return Err(self.reader.problem(Fault::NotOpened));
            };
            inside.depth = inside.depth.saturating_sub(1);
            inside.place = level.around();
            inside.is_target = inside.level().is_some_and(|level| level.letter == b'&');
            if inside.recorded.is_some() && inside.depth == inside.unrecorded {
                self.fields = inside.recorded.take().unwrap_or_default();
            }
            // With what it points at, a pointer is read.
            if inside.is_target {
                of_struct = None;
                continue;
            }
            let head = level.head(&note)?;
            let r#type = of_struct.unwrap_or(type_of(&head));
            let number = of_struct.map(|_| note.number);
            if inside.depth == 0 && is_body {
                return Ok(Some(r#type));
            }
            self.item(&head, r#type, Some((level.n, number)), inside)?;
            return Ok(None);
        }
    }

    /// Puts items, the body of which was read, behind those before them, and reads their name. Of a level it is
    /// `known` how many there are, and the number of its field, if it has one: a struct's stands before its
    /// members'.
    #[inline(always)]
    fn item(
        &mut self,
        head: &Head,
        r#type: Type,
        known: Option<(isize, Option<usize>)>,
        inside: &mut Inside,
    ) -> Result<(), Problem> {
        let length = self.reader.position.saturating_sub(head.position);
        let name = self.reader.name()?;
        let too_large = head.problem(Fault::TooLarge);
        let (n, number) = match known {
            None => (head.n_items()?, None),
            Some((n, number)) if n >= 0 => (n, number),
            Some(_) => return Err(too_large),
        };
        if head.letter == b'x' && name.is_none() {
            self.fields.extents.n = head.shape.start;
            return inside.place.pad(n).ok_or(too_large);
        }
        let (offset, bit) = match head.letter {
            b't' => inside.place.put_bits(n),
            _ => inside.place.put(r#type, n).map(|offset| (offset, 0)),
        }
        .ok_or(too_large)?;
        let number = number.unwrap_or_else(|| self.fields.reserve());
        let (name, name_len) = match name {
            Some(name) => (self.fields.format.wrapping_add(name.start), name.len()),
            None => (ptr::null(), 0),
        };
        let parent = if inside.depth == 0 { -1 } else { inside.note().number.cast_signed() };
        let field = pybuffer_format_field {
            name,
            name_len: name_len.cast_signed(),
            shape: self.fields.extents.start_of(&head.shape),
            count: head.count,
            offset,
            itemsize: r#type.size,
            size: inside.place.end.saturating_sub(offset),
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
}

/// Whether other items are in this one.
fn is_nest(head: &Head) -> bool {
    matches!(head.letter, b'T' | b'X' | b'&')
}

/// The type of an item that is no struct.
fn type_of(head: &Head) -> Type {
    let (size, align) = head.mode.item(head.code);
    Type { size, align, slack: 0 }
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
