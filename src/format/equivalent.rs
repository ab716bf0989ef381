//! Whether two formats describe the same memory.
//!
//! Both formats are walked side by side, as runs of items of one kind at their offsets. So what does not change the
//! memory does not matter: names, shapes, nesting, how a count or padding is written, which of several codes is used.
//! Repetitions that agree in both formats are skipped, so `1000000000T{ic}` is compared as fast as `T{ic}`. A
//! comparison that would still take long is given up.

use core::num::NonZeroU8;

use super::codes::kind;
use super::level::{Frame, MAX_DEPTH, Slot, with_slots};
use super::parse::{Parser, SHALLOW, extent};
use super::place::Place;
use super::problem::Problem;
use super::read::Head;
use super::row::{Row, Run, What};
use crate::error::{Error, Kind};

/// The number of format bytes after which a comparison is given up: a tenth of a second (Xeon).
const MOST_WORK: usize = 1 << 22;

/// Why two formats could not be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The first one is wrong.
    First(Problem),
    /// The second one is wrong.
    Second(Problem),
    /// It would take too long.
    TooLong,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::First(problem) => problem.of("the first format"),
            Refusal::Second(problem) => problem.of("the second format"),
            Refusal::TooLong => Self::Fixed(
                Kind::Value,
                c"the formats have too many items in arrays of structs to be compared",
            ),
        }
    }
}

/// Whether two formats describe the same memory.
pub fn equivalent(first: &[u8], second: &[u8]) -> Result<bool, Refusal> {
    let one = extent(first).map_err(Refusal::First)?;
    let other = extent(second).map_err(Refusal::Second)?;
    if one.size != other.size {
        return Ok(false);
    }
    // The same text needs no walk, however long it would take.
    if first == second {
        return Ok(true);
    }
    let walk = if one.is_flat && other.is_flat {
        walk_within::<SHALLOW>
    } else {
        walk_within::<MAX_DEPTH>
    };
    walk(first, second)
}

/// Walks formats that nest at most `DEPTH` deep. (A function of its own, called after the sizes were read, so that
/// the slots of both steps are not on the stack at the same time.)
fn walk_within<const DEPTH: usize>(first: &[u8], second: &[u8]) -> Result<bool, Refusal> {
    with_slots::<DEPTH, _>(|slots| {
        with_slots::<DEPTH, _>(|others| walk_with(first, second, slots, others))
    })
}

#[inline(never)]
fn walk_with(
    first: &[u8],
    second: &[u8],
    slots: &mut [Slot],
    others: &mut [Slot],
) -> Result<bool, Refusal> {
    walk(&mut Walk::new(first, slots), &mut Walk::new(second, others))
}

#[inline(never)]
fn walk(first: &mut Walk, second: &mut Walk) -> Result<bool, Refusal> {
    let (mut a, mut b) = (first.next(), second.next());
    while first.work.saturating_add(second.work) < MOST_WORK {
        let (go_on_first, go_on_second) = match (&mut a, &mut b) {
            (Step::Run(run), Step::Run(other)) => {
                if !run.take_common(other) {
                    return Ok(false);
                }
                (run.row.left == 0, other.row.left == 0)
            }
            (Step::Again(row), Step::Again(other)) => {
                let is_alike = row.skip(other) || other.skip(row);
                first.go_on_at(row);
                second.go_on_at(other);
                (!is_alike || row.left == 0, !is_alike || other.left == 0)
            }
            (Step::Again(row), Step::Run(run)) => {
                row.skip(&mut run.row);
                first.go_on_at(row);
                (true, run.row.left == 0)
            }
            (Step::Run(run), Step::Again(row)) => {
                row.skip(&mut run.row);
                second.go_on_at(row);
                (run.row.left == 0, true)
            }
            (Step::Again(_), Step::End) => (true, false),
            (Step::End, Step::Again(_)) => (false, true),
            (Step::End, Step::End) => return Ok(true),
            _ => return Ok(false),
        };
        if go_on_first {
            a = first.next();
        }
        if go_on_second {
            b = second.next();
        }
    }
    Err(Refusal::TooLong)
}

/// The next step of a walk.
enum Step {
    /// A run of items.
    Run(Run),
    /// The end of a struct, after which the row has more of the same struct.
    Again(Row),
    /// The end of the format.
    End,
}

/// A walk over a format that was parsed without a problem.
struct Walk<'a> {
    parser: Parser<'a, 'static>,
    /// The items so far of the innermost struct.
    place: Place,
    /// The open structs, the outermost first, and room for the levels inside the next item.
    slots: &'a mut [Slot],
    /// The number of open structs.
    depth: usize,
    /// How many of the open structs, counted from the outermost, have had a run since they began.
    busy: usize,
    /// The number of format bytes read so far.
    work: usize,
    /// Whether the last step was `Again`.
    is_between: bool,
}

impl<'a> Walk<'a> {
    fn new(format: &'a [u8], slots: &'a mut [Slot]) -> Self {
        let parser = Parser::new(format);
        let place = Place::EMPTY;
        Self { parser, place, slots, depth: 0, busy: 0, work: 0, is_between: false }
    }

    /// The innermost open struct.
    fn frame(&mut self) -> Option<&mut Frame> {
        match self.slots.get_mut(self.depth.checked_sub(1)?)? {
            Slot::Frame(frame) => Some(frame),
            Slot::Level(_) => None,
        }
    }

    /// The offset of the innermost open struct.
    fn base(&mut self) -> isize {
        self.frame().map_or(0, |frame| frame.row.next.saturating_sub(frame.row.stride))
    }

    /// Continues in the innermost row where `row` stands, after structs of it were skipped.
    fn go_on_at(&mut self, row: &Row) {
        if let Some(frame) = self.frame() {
            frame.row = *row;
        }
    }

    /// The rest of the innermost struct's row, if there is any. A struct of padding alone is walked only once.
    fn more(&mut self) -> Option<Row> {
        let is_busy = self.busy == self.depth;
        let frame = self.frame()?;
        (frame.row.left > 0 && is_busy).then_some(frame.row)
    }

    fn next(&mut self) -> Step {
        // The format was parsed, so it has no problem. If it had one, the walk would end there.
        self.try_next().unwrap_or(Step::End)
    }

    fn try_next(&mut self) -> Option<Step> {
        loop {
            if self.is_between {
                self.is_between = false;
                self.close()?;
            }
            let start = self.parser.reader.position;
            let head = self.parser.reader.head(&mut self.parser.fields.extents).ok()?;
            let run = match &head {
                Some(head) => self.item(head)?,
                None if self.depth == 0 => return None,
                None => {
                    if let Some(row) = self.more() {
                        self.is_between = true;
                        return Some(Step::Again(row));
                    }
                    self.close()?;
                    None
                }
            };
            let read = self.parser.reader.position.saturating_sub(start);
            self.work = self.work.saturating_add(read).saturating_add(1);
            if let Some(run) = run.filter(|run| run.row.left > 0 && run.row.stride > 0) {
                self.busy = self.depth;
                return Some(Step::Run(run));
            }
        }
    }

    /// At the end of a struct, goes on to the next one of its row, or to what follows the row.
    fn close(&mut self) -> Option<()> {
        let has_more = self.more().is_some();
        let outer = self.depth.saturating_sub(1);
        self.busy = self.busy.min(outer);
        let frame = self.frame()?;
        if has_more {
            frame.row.go_on(1);
            let Frame { body, mode, .. } = *frame;
            self.parser.reader.position = body as usize;
            self.parser.reader.mode = mode;
            self.place = Place::EMPTY;
            return Some(());
        }
        let Frame { mut row, align, .. } = *frame;
        row.go_on(row.left);
        let n = row.next.saturating_sub(row.first).checked_div(row.stride).unwrap_or(0);
        let last = self.place.close(self.parser.reader.mode)?;
        self.depth = outer;
        self.place = Place::with_last(row.next.checked_sub(self.base())?, align.get(), last, n);
        self.parser.reader.skip();
        self.parser.reader.name().ok().map(|_| ())
    }

    /// Reads an item: returns its run, or enters a struct and returns no run.
    fn item(&mut self, head: &Head) -> Option<Option<Run>> {
        let (before, mode) = (self.parser.reader.position, self.parser.reader.mode);
        let free = self.slots.get_mut(self.depth..)?;
        let r#type = self.parser.body(head, free).ok()?;
        let n = head.n_items().ok()?;
        let base = self.base();
        if head.letter == b'T' && n > 0 {
            let read = self.parser.reader.position.saturating_sub(before);
            self.work = self.work.saturating_add(read);
            let first = self.place.put(r#type, n)?.checked_add(base)?;
            self.parser.reader.position = before;
            self.parser.reader.mode = mode;
            // Past the opening brace.
            self.parser.reader.skip();
            let body = u32::try_from(self.parser.reader.position).ok()?;
            let align = NonZeroU8::new(self.place.align).unwrap_or(NonZeroU8::MIN);
            let mut row = Row { first, next: first, stride: r#type.size, left: n };
            row.go_on(1);
            *self.slots.get_mut(self.depth)? = Slot::Frame(Frame { row, body, mode, align });
            self.depth = self.depth.saturating_add(1);
            self.place = Place::EMPTY;
            return Some(None);
        }
        let name = self.parser.reader.name().ok()?;
        if head.letter == b'x' && name.is_none() {
            self.place.pad(n)?;
            return Some(None);
        }
        let (offset, bit) = match head.letter {
            b't' => self.place.put_bits(n)?,
            _ => (self.place.put(r#type, n)?, 0),
        };
        let (n, size) = match head.code.kind {
            kind::VOID | kind::STRUCT => return Some(None),
            kind::BITS => (1, n),
            kind::PASCAL => (head.n_elements, head.count),
            _ => (n, r#type.size),
        };
        let byte_order = if r#type.size > 1 { head.mode.byte_order() } else { 0 };
        let what = What { kind: head.code.kind, byte_order, bit };
        let first = offset.checked_add(base)?;
        Some(Some(Run { row: Row { first, next: first, stride: size, left: n }, what }))
    }
}
