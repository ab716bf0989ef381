//! All answers of an exporter are views of one piece of memory: each is held against what the answers
//! before it have shown.

use core::ffi::{CStr, c_int};

use super::request::Request;
use super::seen::{Kept, Seen, array};
use super::{Finding, Rule, Sink, Value};
use crate::abi::{
    PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_INDIRECT, PyBUF_ND,
    PyBUF_STRIDES, PyBUF_WRITABLE,
};
use crate::layout::Order;
use crate::layout::contiguity::is_dense;
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
    fn tell(&mut self, rule: Rule, field: &'static CStr, found: Value, expected: Value) {
        let flags = self.request.0;
        (self.sink)(&Finding { rule, flags, field, axis: -1, found, expected });
    }

    /// Tells of a field that is not what it was; whether it is not.
    #[inline(never)]
    fn differs(&mut self, field: &'static CStr, found: Value, before: Value) -> bool {
        if found != before {
            self.tell(Rule::SameMemory, field, found, before);
        }
        found != before
    }
}

impl Memory {
    /// Holds an answer against those before it. Requests that show more come before those that show less.
    pub fn compare(&mut self, answer: &mut Answer) {
        let seen = answer.seen;
        self.compare_readonly(answer);
        let is_nd = answer.request.has(PyBUF_ND);
        let Some(known) = &mut self.known else {
            self.known = Some(Kept::new(&seen));
            self.has_shape = is_nd;
            return;
        };
        let before = known.seen();
        // The plain request may be told of one dimension, as memoryview does, or of a single item.
        let is_ndim_free = !self.has_shape || !is_nd && (0..=1).contains(&seen.ndim);
        let (number, numbers) = (Value::Number, array);
        let [shape, strides, _] = seen.arrays;
        let [shape_before, strides_before, pointers_before] = before.arrays;
        let is_told = answer.differs(c"buf", Value::Address(seen.buf), Value::Address(before.buf))
            || answer.differs(c"len", number(seen.len), number(before.len))
            || answer.differs(c"itemsize", number(seen.itemsize), number(before.itemsize))
            || !is_ndim_free && answer.differs(c"ndim", number(seen.ndim), number(before.ndim))
            || shape.is_some()
                && shape_before.is_some()
                && answer.differs(c"shape", numbers(shape), numbers(shape_before))
            || seen.format.is_some()
                && before.format.is_some()
                && answer.differs(c"format", text(seen.format), text(before.format));
        if is_told {
            return;
        }
        let has_pointers = pointers_before.is_some_and(|all| all.iter().any(|&at| at >= 0));
        if has_pointers {
            compare_pointers(answer, pointers_before);
        } else if let (Some(shape), Some(strides_before)) = (shape_before, strides_before)
            && !shape.contains(&0)
        {
            match strides {
                Some(strides) => compare_strides(answer, shape, strides, &before, strides_before),
                None => promise_kept(answer, shape, &before, strides_before, self.has_c),
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
            answer.tell(Rule::SameReadonly, c"readonly", Value::Number(readonly), expected);
        }
    }
}

fn text(format: Option<&[u8]>) -> Value<'_> {
    format.map_or(Value::Null, Value::Quoted)
}

/// Memory behind pointers: the same for those that can follow them, and not shown to others.
fn compare_pointers(answer: &mut Answer, before: Option<&[isize]>) {
    let suboffsets = answer.seen.arrays[2];
    if answer.request.has(PyBUF_INDIRECT) {
        answer.differs(c"suboffsets", array(suboffsets), array(before));
    } else if suboffsets.is_none() {
        let refuse = Value::Words("BufferError, as there are pointers to follow");
        answer.tell(Rule::Suboffsets, c"suboffsets", Value::Null, refuse);
    }
}

/// Strides like those before; if they are not, and show a whole block, those before may have left it.
fn compare_strides(
    answer: &mut Answer,
    shape: &[isize],
    strides: &[isize],
    before: &Seen,
    strides_before: &[isize],
) {
    // The stride of a short dimension does not matter.
    let mut pairs = shape.iter().zip(strides.iter().zip(strides_before));
    if pairs.all(|(&n, (now, before))| n < 2 || now == before) || strides.len() != shape.len() {
        return;
    }
    let Seen { buf, len, itemsize, .. } = answer.seen;
    let orders = [(PyBUF_C_CONTIGUOUS, Order::C), (PyBUF_F_CONTIGUOUS, Order::Fortran)];
    let is_block = orders.into_iter().any(|(flag, order)| {
        (answer.request.has(flag) || answer.request.has(PyBUF_ANY_CONTIGUOUS))
            && is_dense(itemsize, shape, strides, order)
    });
    let offset = before.buf.wrapping_sub(buf).cast_signed();
    if is_block && !lies_within(Block { len, offset }, itemsize, shape, strides_before) {
        let expected = Value::Request("strides within the block shown to ", answer.request.0);
        answer.tell(Rule::Structure, c"strides", Value::Numbers(strides_before), expected);
    } else {
        answer.differs(c"strides", Value::Numbers(strides), Value::Numbers(strides_before));
    }
}

/// An answer without strides promises C order: known strides must be those of C order.
fn promise_kept(
    answer: &mut Answer,
    shape: &[isize],
    before: &Seen,
    strides_before: &[isize],
    has_c: bool,
) {
    // Of memory that was shown to a request for C order, that answer has been judged.
    if !answer.request.has(PyBUF_STRIDES)
        && !has_c
        && !is_dense(before.itemsize, shape, strides_before, Order::C)
    {
        let refuse = Value::Words("C-contiguous memory, or BufferError");
        answer.tell(Rule::Contiguity, c"strides", Value::Numbers(strides_before), refuse);
    }
}
