//! `PyBuffer_IsContiguous`: every small shape with every combination of likely strides, then
//! random views, then views whose fields contradict each other.

use std::ffi::c_char;
use std::ptr::null_mut;

use super::super::api::Py_buffer;
use super::super::exemptions;
use super::super::layout::{Layout, Size};
use super::super::scene::Scene;
use super::super::session::Session;
use super::{ORDERS, shown_order, tuples};

pub fn run(session: &mut Session) {
    small_shapes(session);
    contradictions(session);
    for case in session.cases(25) {
        let mut prng = session.prng("random", case);
        let size = Size::of(case, &mut prng);
        let layout = Layout::random(size, &mut prng);
        let mut scene = Scene::random(layout, &session.memory.source, &mut prng);
        let view = scene.view();
        for &order in ORDERS {
            compare(session, &view, order);
        }
    }
}

fn small_shapes(session: &mut Session) {
    for ndim in 0..=3 {
        for mut shape in tuples(&[0, 1, 2, 3], ndim) {
            for itemsize in [1, 4] {
                for factors in tuples(&[-1, 0, 1, 2, 3, 6], ndim) {
                    let mut strides: Vec<_> = factors.iter().map(|f| f * itemsize).collect();
                    each_order(session, &mut shape, Some(&mut strides), itemsize);
                }
                each_order(session, &mut shape, None, itemsize);
            }
        }
    }
}

fn each_order(
    session: &mut Session,
    shape: &mut [isize],
    strides: Option<&mut [isize]>,
    itemsize: isize,
) {
    let view = Py_buffer {
        len: shape.iter().product::<isize>() * itemsize,
        itemsize,
        ndim: shape.len() as i32,
        shape: shape.as_mut_ptr(),
        strides: strides.map_or(null_mut(), |strides| strides.as_mut_ptr()),
        ..Py_buffer::unfilled(0)
    };
    for order in *b"CFA\0c" {
        compare(session, &view, order);
    }
}

/// All orders there are; a wrong `len`; suboffsets; shapes that are negative or that overflow;
/// arrays that are missing.
fn contradictions(session: &mut Session) {
    const HUGE: isize = isize::MAX;
    let mut shapes = [
        [2, 3, 4],
        [3, 1, 1],
        [-1, 2, 3],
        [2, -5, 3],
        [0, 0, 0],
        [HUGE, 2, 2],
        [HUGE, HUGE, HUGE],
        [1 << 32, 1 << 32, 3],
    ];
    let mut all_strides =
        [[12, 4, 1], [1, 2, 6], [0, 0, 0], [0, 0, 1], [-12, -4, -1], [HUGE, 1, 1], [1, HUGE, -2]];
    for order in 0..=255 {
        for shape in &mut shapes {
            for strides in &mut all_strides {
                for (ndim, len, itemsize) in
                    [(3, 24, 1), (2, 24, 1), (0, 1, 1), (-1, 24, 1), (3, 0, 1), (3, -1, 0)]
                {
                    let view = Py_buffer {
                        len,
                        itemsize,
                        ndim,
                        shape: shape.as_mut_ptr(),
                        strides: strides.as_mut_ptr(),
                        ..Py_buffer::unfilled(0)
                    };
                    let none = null_mut();
                    compare(session, &view, order);
                    compare(session, &Py_buffer { strides: none, ..view }, order);
                    if order.is_ascii_alphabetic() {
                        compare(session, &Py_buffer { shape: none, strides: none, ..view }, order);
                        compare(session, &Py_buffer { shape: none, ..view }, order);
                        let mut suboffsets = [-1, -1, -1];
                        let suboffsets = suboffsets.as_mut_ptr();
                        compare(session, &Py_buffer { suboffsets, ..view }, order);
                    }
                }
            }
        }
    }
}

fn compare(session: &mut Session, view: &Py_buffer, order: u8) {
    session.compare_unless(
        exemptions::is_contiguous(view, order),
        || format!("{}, {}", super::shown_view(view), shown_order(order)),
        // SAFETY: a view whose arrays are alive.
        |_, api| unsafe { ((api.is_contiguous)(view, order as c_char),) },
    );
}
