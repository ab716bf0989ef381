//! Formats in the grammar of PEP 3118, as exporters write them.
//!
//! Where the PEP is silent or exporters differ, what exporters emit decides:
//!
//! 1. A sequence of items outside of `T{}` has no padding at its end, as in `struct`.
//! 2. `T{}` is aligned and padded as a C struct if `@` is in force at its `}`. Only members that stand under `@` count
//!    for its alignment. Padding that is written after an inner struct counts as the padding at that struct's end:
//!    NumPy writes it there.
//! 3. A byte order is in force until the next one, through braces (NumPy).
//! 4. Shapes come before the count; byte orders and spaces may stand between (ctypes, NumPy). Consecutive shapes are
//!    one shape with all their extents.
//! 5. A code without a standard size (`P`, `O`, `g`, `&`, ...) has its C size under `<` too (ctypes). `n` and `N` are
//!    refused there (`struct`).
//! 6. `u` is a `wchar_t` (ctypes, array), `z` a `char *`, and `Z` a `wchar_t *` unless the code of a number follows it
//!    (ctypes).
//! 7. `x` with a name is a field; without a name it is padding (NumPy).
//! 8. The count of `t` is a number of bits. Adjacent bits share bytes.

use core::ffi::{c_char, c_int};
use core::mem::{self, MaybeUninit};
use core::ptr;

use super::level::{Level, MAX_DEPTH, Note, RESULT, Slot, with_slots};
use super::place::{Place, Type};
use super::problem::{Fault, Problem};
use super::read::{Extents, Head, Reader};
use crate::abi::pybuffer_format_field;

/// Where fields are stored, as far as there is room.
pub struct Fields<'a> {
    /// The room.
    pub room: &'a mut [MaybeUninit<pybuffer_format_field>],
    /// The number of fields, including those without room.
    pub n: usize,
    /// The extents of their shapes.
    pub extents: Extents<'a>,
    /// The format that names point into.
    pub format: *const c_char,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self { room: &mut [], n: 0, extents: Extents::default(), format: ptr::null() }
    }
}

/// Reads a format to its end, and stores its fields where there is room, each struct before its members. Returns the
/// item that the format describes.
pub fn parse(format: &[u8], fields: &mut Fields) -> Result<Place, Problem> {
    let (n, n_extents) = (fields.n, fields.extents.n);
    let parsed = parse_within::<SHALLOW>(format, fields);
    if !is_too_deep(&parsed) {
        return parsed;
    }
    (fields.n, fields.extents.n) = (n, n_extents);
    parse_within::<MAX_DEPTH>(format, fields)
}

/// As [`parse`], for formats that nest at most `DEPTH` deep.
#[inline(never)]
fn parse_within<const DEPTH: usize>(format: &[u8], fields: &mut Fields) -> Result<Place, Problem> {
    let mut notes = [Note::NONE; DEPTH];
    with_slots::<DEPTH, _>(|slots| parse_with(format, fields, slots, &mut notes))
}

/// As [`parse`], with room for the levels. (The same code for each depth, as [`size_with`].)
#[inline(never)]
fn parse_with(
    format: &[u8],
    fields: &mut Fields,
    slots: &mut [Slot],
    notes: &mut [Note],
) -> Result<Place, Problem> {
    let mut parser = Parser { reader: Reader::new(format), fields: mem::take(fields) };
    let mut inside = Inside::new(slots, notes);
    let parsed = parser.whole(&mut inside);
    *fields = inside.recorded.unwrap_or(parser.fields);
    parsed
}

/// The size in bytes of the item that a format describes.
pub fn item_size(format: &[u8]) -> Result<usize, Problem> {
    extent(format).map(|extent| extent.size)
}

/// How large the item of a format is, and how much room it takes to read it.
pub struct Extent {
    /// The size of its item in bytes.
    pub size: usize,
    /// Whether it nests at most `SHALLOW` deep.
    pub is_flat: bool,
}

/// The size of a format's item, and whether it nests deeply.
pub fn extent(format: &[u8]) -> Result<Extent, Problem> {
    let flat = size_within::<SHALLOW>(format);
    let is_flat = !is_too_deep(&flat);
    let size = if is_flat { flat } else { size_within::<MAX_DEPTH>(format) };
    size.map(|size| Extent { size, is_flat })
}

/// As [`item_size`], for formats that nest at most `DEPTH` deep.
fn size_within<const DEPTH: usize>(format: &[u8]) -> Result<usize, Problem> {
    with_slots::<DEPTH, _>(|slots| size_with(format, slots))
}

/// As [`item_size`], with room for the levels.
#[inline(never)]
fn size_with(format: &[u8], slots: &mut [Slot]) -> Result<usize, Problem> {
    let mut inside = Inside::new(slots, &mut []);
    Parser::new(format).whole(&mut inside).map(|place| place.end.unsigned_abs())
}

/// The depth that nearly all formats stay within. Clearing room for more takes longer than reading such a format.
pub const SHALLOW: usize = 2;

fn is_too_deep<T>(parsed: &Result<T, Problem>) -> bool {
    matches!(parsed, Err(Problem { fault: Fault::TooDeep, .. }))
}

/// The parser: a format being read, and its fields.
pub struct Parser<'a, 'b> {
    /// The format.
    pub reader: Reader<'a>,
    /// Its fields so far.
    pub fields: Fields<'b>,
}

/// The levels that are open while a format is read.
struct Inside<'l, 'b> {
    /// The open levels, the outermost first.
    slots: &'l mut [Slot],
    /// Their notes, where fields are recorded.
    notes: &'l mut [Note],
    /// The number of open levels.
    depth: usize,
    /// The items so far of the innermost level.
    place: Place,
    /// Whether the innermost level is a pointer.
    is_target: bool,
    /// The fields so far, while a function's signature or a pointer's target is read: that adds none.
    recorded: Option<Fields<'b>>,
    /// The depth of that function or pointer.
    unrecorded: usize,
}

impl<'l> Inside<'l, '_> {
    fn new(slots: &'l mut [Slot], notes: &'l mut [Note]) -> Self {
        let (depth, place, is_target, unrecorded) = (0, Place::EMPTY, false, 0);
        Self { slots, notes, depth, place, is_target, recorded: None, unrecorded }
    }

    /// The innermost level.
    fn level(&mut self) -> Option<&mut Level> {
        match self.slots.get_mut(self.depth.checked_sub(1)?)? {
            Slot::Level(level) => Some(level),
            Slot::Frame(_) => None,
        }
    }

    /// The innermost level's note.
    fn note(&self) -> Note {
        let last = self.depth.checked_sub(1).and_then(|last| self.notes.get(last));
        last.copied().unwrap_or(Note::NONE)
    }
}

impl<'a, 'b> Parser<'a, 'b> {
    /// A parser that records no fields.
    pub fn new(format: &'a [u8]) -> Self {
        Self { reader: Reader::new(format), fields: Fields::default() }
    }

    /// Reads a whole format.
    fn whole(&mut self, inside: &mut Inside<'_, 'b>) -> Result<Place, Problem> {
        self.run(inside, false)?;
        match self.reader.peek() {
            None => Ok(inside.place),
            Some(b'}') => Err(self.reader.problem(Fault::NotOpened)),
            Some(_) => Err(self.reader.problem(Fault::StrayArrow)),
        }
    }

    /// Reads the body that follows a code, if it has one (braces, a pointer's target), and returns the type of one
    /// item. `slots` is room for the levels inside.
    #[inline(never)]
    pub fn body(&mut self, head: &Head, slots: &mut [Slot]) -> Result<Type, Problem> {
        if !is_nest(head) {
            return Ok(type_of(head));
        }
        let mut inside = Inside::new(slots, &mut []);
        self.open(head, &mut inside)?;
        self.run(&mut inside, true)?.ok_or(head.problem(Fault::NotClosed))
    }

    /// Reads items up to the end of the format. With `is_body`, reads up to the end of the outermost level, and
    /// returns that level's type.
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

    /// Opens a level: a struct, a function or a pointer.
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
            // What a function takes and what a pointer points at are not parts of the item.
            inside.recorded = Some(mem::take(&mut self.fields));
            inside.unrecorded = inside.depth;
        }
        inside.depth = inside.depth.saturating_add(1);
        if head.letter != b'&' && !self.reader.take(b'{') {
            return Err(self.reader.problem(Fault::NoBrace));
        }
        Ok(())
    }

    /// Reads the end of the innermost level's items. Returns the type if the level is a struct, `Some(None)` if it is a
    /// function, and `None` if the function's result follows.
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
            // The opening brace is the byte after the code.
            (_, None) => {
                Err(Problem { position: position.saturating_add(1), fault: Fault::NotClosed })
            }
        }
    }

    /// Leaves the innermost level, and all pointers to it, and adds it as an item to the level around them. `of_struct`
    /// is its type if it is a struct. With `is_body`, the outermost level is not added: its type is returned.
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
            // The end of its target is also the end of a pointer.
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

    /// Adds items whose body was read to the innermost level, and reads their name. For a level, `known` is the number
    /// of items, and the number of the level's field if it has one already: a struct's field comes before those of its
    /// members.
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

/// Whether an item opens a level.
fn is_nest(head: &Head) -> bool {
    matches!(head.letter, b'T' | b'X' | b'&')
}

/// The type of an item that is not a struct.
fn type_of(head: &Head) -> Type {
    let (size, align) = head.mode.item(head.code);
    Type { size, align, slack: 0 }
}

impl Fields<'_> {
    /// Takes the number of the next field.
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
