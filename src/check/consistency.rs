//! All answers of an exporter must show the same memory: each is compared with what earlier ones have shown.

use core::ffi::c_int;

use super::finding::{Finding, Sink, Value};
use super::numbers::{has, is_dense, place_of};
use super::request::Request;
use super::rules::Rule;
use super::seen::{Seen, Snapshot};
use super::words::{Field, Word};
use crate::abi::{
    PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_INDIRECT, PyBUF_ND,
    PyBUF_STRIDES, PyBUF_WRITABLE,
};
use crate::layout::Order;
use crate::layout::verify::{Block, lies_within};

/// What earlier answers have shown.
#[derive(Default)]
pub struct Shown {
    /// The first answer, with arrays and a format of later ones.
    fields: Option<Snapshot>,
    /// Whether the first granted request asked for a shape.
    has_shape: bool,
    /// Whether a request for C order was granted.
    has_c: bool,
    /// `readonly` of the first answer to a request without `PyBUF_WRITABLE`, and that request.
    readonly: Option<(isize, c_int)>,
}

/// A granted request.
pub struct Granted<'a, 'b> {
    /// The request.
    pub request: Request,
    /// The answer.
    pub seen: Seen<'a>,
    /// What is called with findings.
    pub sink: &'b mut Sink<'b>,
}

impl Granted<'_, '_> {
    #[inline(never)]
    fn tell(&mut self, rule: Rule, field: Field, found: Value, expected: Value) {
        let (flags, field) = (self.request.0, field.text());
        (self.sink)(&Finding { rule, flags, field, axis: -1, found, expected });
    }

    /// Reports a field that does not hold what it held before; whether it does not.
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

impl Shown {
    /// Compares an answer with earlier ones, and adds what is new in it. Requests that show more come first.
    #[inline(never)]
    pub fn compare(&mut self, answer: &mut Granted) {
        self.compare_readonly(answer);
        let is_nd = answer.request.has(PyBUF_ND);
        let seen = answer.seen;
        let Some(shown) = &mut self.fields else {
            self.fields = Some(Snapshot::new(&seen));
            self.has_shape = is_nd;
            return;
        };
        let before = shown.seen();
        // Without PyBUF_ND, ndim may be 1, as memoryview has it, or 0.
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
                None => compare_order(answer, &before, shape, strides, self.has_c),
            }
        }
        self.has_c |= answer.request.has(PyBUF_C_CONTIGUOUS);
        shown.learn(&seen);
    }

    fn compare_readonly(&mut self, answer: &mut Granted) {
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

/// Compares an answer when earlier ones had pointers to follow: a request with `PyBUF_INDIRECT` gets the same
/// suboffsets, any other must be refused.
fn compare_pointers(answer: &mut Granted, before: &Seen) {
    if answer.request.has(PyBUF_INDIRECT) {
        answer.differs(before, Field::Suboffsets);
    } else if answer.seen.arrays[2].is_none() {
        let refuse = Value::Word(Word::NoPointers);
        answer.tell(Rule::Suboffsets, Field::Suboffsets, Value::Null, refuse);
    }
}

/// Compares strides. If they differ, and these are contiguous as requested, they show the whole block: earlier ones that
/// leave it are the mistake then.
fn compare_strides(
    answer: &mut Granted,
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

/// Compares an answer without strides, which promises C order, with the strides of earlier answers.
fn compare_order(
    answer: &mut Granted,
    before: &Seen,
    shape: &[isize],
    strides_before: &[isize],
    has_c: bool,
) {
    // If a request for C order was granted, its answer has been judged already.
    if !answer.request.has(PyBUF_STRIDES)
        && !has_c
        && !is_dense(before.itemsize, shape, strides_before, Order::C)
    {
        let refuse = Value::Word(Word::COrder);
        answer.tell(Rule::Contiguity, Field::Strides, Value::Numbers(strides_before), refuse);
    }
}
