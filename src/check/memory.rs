//! All answers of an exporter are views of one piece of memory: each is held against what the answers
//! before it have shown.

use core::ffi::c_int;

use super::request::Request;
use super::seen::{Kept, Seen};
use super::words::{Field, Word};
use super::{Finding, Rule, Sink, Value, has, is_dense, place_of};
use crate::abi::{
    PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_INDIRECT, PyBUF_ND,
    PyBUF_STRIDES, PyBUF_WRITABLE,
};
use crate::layout::Order;
use crate::layout::verify::{Block, lies_within};

/// What is known of an exporter's memory.
#[derive(Default)]
pub struct Memory {
    known: Option<Kept>,
    /// Whether an answer to a request for the shape is known.
    has_shape: bool,
    /// Whether a request for C order was met.
    has_c: bool,
    /// What the first request was told that did not ask for writable memory.
    readonly: Option<(isize, c_int)>,
}

/// The answer to a request that was met, and who is told what is wrong with it.
pub struct Answer<'a, 'b> {
    /// The request.
    pub request: Request,
    /// The answer.
    pub seen: Seen<'a>,
    /// Who is told.
    pub sink: &'b mut Sink<'b>,
}

impl Answer<'_, '_> {
    #[inline(never)]
    fn tell(&mut self, rule: Rule, field: Field, found: Value, expected: Value) {
        let (flags, field) = (self.request.0, field.text());
        (self.sink)(&Finding { rule, flags, field, axis: -1, found, expected });
    }

    /// Tells of the field if it is not what it was; whether it is not.
    #[inline(never)]
    fn differs(&mut self, before: &Seen, field: Field) -> bool {
        let is_other = !self.seen.is_as_in(before, field);
        if is_other {
            let (found, before) = self.seen.beside(before, field);
            self.tell(Rule::SameMemory, field, found, before);
        }
        is_other
    }
}

impl Memory {
    /// Holds an answer against those before it. Requests that show more come before those that show less.
    #[inline(never)]
    pub fn compare(&mut self, answer: &mut Answer) {
        self.compare_readonly(answer);
        let is_nd = answer.request.has(PyBUF_ND);
        let seen = answer.seen;
        let Some(known) = &mut self.known else {
            self.known = Some(Kept::new(&seen));
            self.has_shape = is_nd;
            return;
        };
        let before = known.seen();
        // The plain request may be told of one dimension, as memoryview does, or of a single item.
        let is_ndim_free = !self.has_shape || !is_nd && (0..=1).contains(&seen.ndim);
        let has_both = |i: usize| {
            let has = |seen: &Seen| seen.arrays.get(i).is_some_and(Option::is_some);
            has(&seen) && has(&before)
        };
        let compared = [
            (Field::Buf, true),
            (Field::Len, true),
            (Field::Itemsize, true),
            (Field::Ndim, !is_ndim_free),
            (Field::Shape, has_both(0)),
            (Field::Format, seen.format.is_some() && before.format.is_some()),
        ];
        for (field, is_compared) in &compared {
            if *is_compared && answer.differs(&before, *field) {
                return;
            }
        }
        let [shape, strides, pointers] = before.arrays;
        if pointers.is_some_and(|all| place_of(all, false).is_some()) {
            compare_pointers(answer, &before);
        } else if let (Some(shape), Some(strides)) = (shape, strides)
            && before.itemsize != 0
            && !has(shape, 0)
        {
            match seen.arrays[1] {
                Some(now) => compare_strides(answer, &before, shape, now, strides),
                None => promise_kept(answer, &before, shape, strides, self.has_c),
            }
        }
        self.has_c |= answer.request.has(PyBUF_C_CONTIGUOUS);
        known.learn(&seen);
    }

    fn compare_readonly(&mut self, answer: &mut Answer) {
        if answer.request.has(PyBUF_WRITABLE) {
            return;
        }
        let readonly = answer.seen.readonly;
        let (before, flags) = *self.readonly.get_or_insert((readonly, answer.request.0));
        if before != readonly {
            let expected = Value::Request("what it is for ", flags);
            answer.tell(Rule::SameReadonly, Field::Readonly, Value::Number(readonly), expected);
        }
    }
}

/// Memory behind pointers: the same for those that can follow them, and not shown to others.
fn compare_pointers(answer: &mut Answer, before: &Seen) {
    if answer.request.has(PyBUF_INDIRECT) {
        answer.differs(before, Field::Suboffsets);
    } else if answer.seen.arrays[2].is_none() {
        let refuse = Value::Word(Word::NoPointers);
        answer.tell(Rule::Suboffsets, Field::Suboffsets, Value::Null, refuse);
    }
}

/// Strides like those before; if they are not, and show a whole block, those before may have left it.
fn compare_strides(
    answer: &mut Answer,
    before: &Seen,
    shape: &[isize],
    strides: &[isize],
    strides_before: &[isize],
) {
    // The stride of a short dimension does not matter.
    let mut pairs = shape.iter().zip(strides.iter().zip(strides_before));
    if pairs.all(|(&n, (now, before))| n < 2 || now == before) {
        return;
    }
    let Seen { buf, len, itemsize, .. } = answer.seen;
    let is_block = |flag, order| {
        (answer.request.has(flag) || answer.request.has(PyBUF_ANY_CONTIGUOUS))
            && is_dense(itemsize, shape, strides, order)
    };
    let offset = before.buf.wrapping_sub(buf).cast_signed();
    if (is_block(PyBUF_C_CONTIGUOUS, Order::C) || is_block(PyBUF_F_CONTIGUOUS, Order::Fortran))
        && !lies_within(Block { len, offset }, itemsize, shape, strides_before)
    {
        let expected = Value::Request("strides within the block shown to ", answer.request.0);
        answer.tell(Rule::Structure, Field::Strides, Value::Numbers(strides_before), expected);
    } else {
        answer.differs(before, Field::Strides);
    }
}

/// An answer without strides promises C order: known strides must be those of C order.
fn promise_kept(
    answer: &mut Answer,
    before: &Seen,
    shape: &[isize],
    strides_before: &[isize],
    has_c: bool,
) {
    // Of memory that was shown to a request for C order, that answer has been judged.
    if !answer.request.has(PyBUF_STRIDES)
        && !has_c
        && !is_dense(before.itemsize, shape, strides_before, Order::C)
    {
        let refuse = Value::Word(Word::COrder);
        answer.tell(Rule::Contiguity, Field::Strides, Value::Numbers(strides_before), refuse);
    }
}
