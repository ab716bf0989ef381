//! Whether two formats describe the same memory.
//!
//! Both are walked side by side as runs of items of one kind at their offsets, so what is no memory does
//! not count: names, shapes, nesting, how a count or padding is written, which code of several is taken.
//! Loops that go on alike are left out, so `1000000000T{ic}` is compared as fast as `T{ic}`; a comparison
//! that would still take long is given up.

use super::codes::kind;
use super::parse::{Fields, MAX_DEPTH, Parser, parse};
use super::place::Place;
use super::problem::Problem;
use super::read::{Head, Mode};
use crate::error::{Error, Kind};

/// How many bytes of the formats are read before a comparison is given up: a tenth of a second.
const MOST_WORK: usize = 1 << 24;

/// Why two formats are not compared.
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
    let size = |format| parse(format, &mut Fields::default()).map(|place| place.end);
    if size(first).map_err(Refusal::First)? != size(second).map_err(Refusal::Second)? {
        return Ok(false);
    }
    walk(&mut Walk::new(first), &mut Walk::new(second))
}

#[inline(never)]
fn walk(first: &mut Walk, second: &mut Walk) -> Result<bool, Refusal> {
    let (mut a, mut b) = (first.next(), second.next());
    loop {
        if first.work.saturating_add(second.work) > MOST_WORK {
            return Err(Refusal::TooLong);
        }
        match (&mut a, &mut b) {
            (Step::Run(run), Step::Run(other)) => {
                if !run.take_common(other) {
                    return Ok(false);
                }
                if run.n == 0 {
                    a = first.next();
                }
                if other.n == 0 {
                    b = second.next();
                }
            }
            (Step::Again, Step::Again) => {
                let is_alike = skip(first, second) || skip(second, first);
                if !is_alike || !first.has_more() {
                    a = first.next();
                }
                if !is_alike || !second.has_more() {
                    b = second.next();
                }
            }
            (Step::Again, _) => a = first.next(),
            (_, Step::Again) => b = second.next(),
            (a, b) => return Ok(matches!((a, b), (Step::End, Step::End))),
        }
    }
}

/// `long` and `short` stand where their loops begin anew, and were alike up to there. If both are at the
/// same offset, and `short`'s loop has gone round a whole number of times since `long`'s last began, then
/// they will be alike as often as both go on: leaves that out. Whether there was any to leave out.
fn skip(long: &mut Walk, short: &mut Walk) -> bool {
    let (Some(outer), Some(inner)) = (long.frame(), short.frame()) else { return false };
    let is_whole = outer.stride.checked_rem(inner.stride) == Some(0);
    let begin = outer.base;
    let Some(end) = begin.checked_add(outer.stride) else { return false };
    if !is_whole || inner.first > begin || inner.base.checked_add(inner.stride) != Some(end) {
        return false;
    }
    let times = outer.stride.checked_div(inner.stride).unwrap_or(1);
    let n = outer.left.min(inner.left.checked_div(times).unwrap_or(0));
    outer.go_on(n);
    inner.go_on(n.saturating_mul(times));
    n > 0
}

/// Items of one kind that lie back to back.
#[derive(PartialEq, Eq)]
struct Run {
    /// Where the first one lies.
    offset: isize,
    /// How many there are.
    n: isize,
    what: What,
}

/// What an item is.
#[derive(PartialEq, Eq)]
struct What {
    kind: u8,
    /// `<` or `>`, and 0 where that makes no difference.
    byte_order: u8,
    /// The first bit, of bits.
    bit: u8,
    /// The size; the length of a Pascal string; the number of bits.
    size: isize,
}

impl Run {
    /// Takes what two runs have in common from the beginning of both; false if they differ there.
    fn take_common(&mut self, other: &mut Self) -> bool {
        if self.offset != other.offset || self.what != other.what {
            return false;
        }
        let n = self.n.min(other.n);
        for run in [self, other] {
            run.n = run.n.saturating_sub(n);
            run.offset = run.offset.saturating_add(n.saturating_mul(run.what.size));
        }
        true
    }
}

/// What comes next in a format.
enum Step {
    Run(Run),
    /// A struct is at its end, and another one of the same follows.
    Again,
    End,
}

/// A struct that is walked.
#[derive(Clone, Copy)]
struct Frame {
    /// Where its members begin in the format, and the byte order there.
    body: usize,
    mode: Mode,
    /// The offset of the first one of its kind in a row, and of this one.
    first: isize,
    base: isize,
    /// From one to the next, and how many follow.
    stride: isize,
    left: isize,
    /// Where the items around it go on.
    outer: Place,
    /// How many runs there were before the one that is walked.
    n_runs: usize,
}

impl Frame {
    const NONE: Self = Self {
        body: 0,
        mode: Mode::START,
        first: 0,
        base: 0,
        stride: 0,
        left: 0,
        outer: Place::EMPTY,
        n_runs: 0,
    };

    /// Goes on to the `n`th one behind this.
    fn go_on(&mut self, n: isize) {
        self.left = self.left.saturating_sub(n);
        self.base = self.base.saturating_add(n.saturating_mul(self.stride));
    }
}

/// A format that was parsed without a problem, and how far it is walked.
struct Walk<'a> {
    parser: Parser<'a, 'static>,
    place: Place,
    frames: [Frame; MAX_DEPTH],
    depth: usize,
    /// How many runs there were so far.
    n_runs: usize,
    /// How many bytes were read so far.
    work: usize,
    /// Whether the last step was `Again`.
    is_between: bool,
}

impl<'a> Walk<'a> {
    fn new(format: &'a [u8]) -> Self {
        let frames = [Frame::NONE; MAX_DEPTH];
        let parser = Parser::new(format);
        let place = Place::EMPTY;
        Self { parser, place, frames, depth: 0, n_runs: 0, work: 0, is_between: false }
    }

    /// The innermost struct.
    fn frame(&mut self) -> Option<&mut Frame> {
        self.frames.get_mut(self.depth.checked_sub(1)?)
    }

    /// Whether the innermost struct is not the last one of its kind in a row. Of padding alone, one is
    /// as good as many.
    fn has_more(&mut self) -> bool {
        let n_runs = self.n_runs;
        self.frame().is_some_and(|frame| frame.left > 0 && frame.n_runs != n_runs)
    }

    fn next(&mut self) -> Step {
        // A parsed format has no problem; if it had one, that were its end.
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
                None if self.has_more() => {
                    self.is_between = true;
                    return Some(Step::Again);
                }
                None => {
                    self.close()?;
                    None
                }
            };
            let read = self.parser.reader.position.saturating_sub(start);
            self.work = self.work.saturating_add(read).saturating_add(1);
            if let Some(run) = run.filter(|run| run.n > 0) {
                self.n_runs = self.n_runs.saturating_add(1);
                return Some(Step::Run(run));
            }
        }
    }

    /// At the end of a struct, goes on to the next one of its kind, or to what follows.
    fn close(&mut self) -> Option<()> {
        let (has_more, n_runs) = (self.has_more(), self.n_runs);
        let frame = self.frame()?;
        if has_more {
            frame.go_on(1);
            frame.n_runs = n_runs;
            let Frame { body, mode, .. } = *frame;
            self.parser.reader.position = body;
            self.parser.reader.mode = mode;
            self.place = Place::EMPTY;
            return Some(());
        }
        self.place = frame.outer;
        self.depth = self.depth.saturating_sub(1);
        self.parser.reader.skip();
        self.parser.reader.name().ok().map(|_| ())
    }

    /// An item: a run, or the beginning of a struct.
    fn item(&mut self, head: &Head) -> Option<Option<Run>> {
        let (before, mode) = (self.parser.reader.position, self.parser.reader.mode);
        let r#type = self.parser.body(head, self.depth, 0).ok()?;
        let n = head.n_items().ok()?;
        let base = self.frame().map_or(0, |frame| frame.base);
        if head.letter == b'T' && n > 0 {
            let read = self.parser.reader.position.saturating_sub(before);
            self.work = self.work.saturating_add(read);
            let first = self.place.put(r#type, n)?.checked_add(base)?;
            self.parser.reader.position = before;
            self.parser.reader.mode = mode;
            // Behind the brace.
            self.parser.reader.skip();
            let body = self.parser.reader.position;
            let (stride, left, outer) = (r#type.size, n.saturating_sub(1), self.place);
            let n_runs = self.n_runs;
            self.depth = self.depth.saturating_add(1);
            *self.frame()? = Frame { body, mode, first, base: first, stride, left, outer, n_runs };
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
        let what = What { kind: head.code.kind, byte_order, bit, size };
        Some(Some(Run { offset: offset.checked_add(base)?, n: if size > 0 { n } else { 0 }, what }))
    }
}
