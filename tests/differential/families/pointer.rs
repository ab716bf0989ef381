//! `PyBuffer_GetPointer`: strides and indices of a small grid, then every item of random views,
//! pointers included.

use std::ptr::{null, null_mut};

use super::super::api::Py_buffer;
use super::super::exemptions;
use super::super::layout::{Layout, Size};
use super::super::model;
use super::super::scene::Scene;
use super::super::session::Session;
use super::tuples;

pub fn run(session: &mut Session) {
    without_memory(session);
    for case in session.cases(100) {
        let mut prng = session.prng("random", case);
        let size = Size::of(case, &mut prng);
        let layout = Layout::random(size, &mut prng);
        let mut scene = Scene::random(layout, &session.memory.source, &mut prng);
        let view = scene.view();
        let exemption =
            (view.strides.is_null() && view.ndim > 0).then_some(exemptions::STRIDES_NULL);
        scene.region.reset();
        let n_items = scene.layout.n_items();
        for _ in 0..n_items.min(4) {
            let item = prng.below(n_items as usize) as isize;
            let indices = model::indices(item, &scene.layout.shape, b'C');
            session.compare_unless(
                exemption,
                || format!("indices {indices:?} of {}", scene.describe()),
                // SAFETY: the view is valid and the indices are inside.
                |_, api| unsafe { ((api.get_pointer)(&view, indices.as_ptr()),) },
            );
        }
    }
}

/// No item is touched, so that any number will do: indices that are negative or too large, strides
/// that lead anywhere, dimensions that are not there.
fn without_memory(session: &mut Session) {
    let mut shape = [2, 3, 4];
    for ndim in -1..=3 {
        let n = ndim.max(0) as usize;
        for mut strides in tuples(&[-9, 0, 1, 8], n) {
            for indices in tuples(&[-1, 0, 1, 2, 1000], n) {
                for mut suboffsets in [None, Some([-1, -1, -5])] {
                    let view = Py_buffer {
                        buf: 0x10_0000 as *mut _,
                        len: 24,
                        itemsize: 1,
                        ndim,
                        shape: shape.as_mut_ptr(),
                        strides: if n == 0 { null_mut() } else { strides.as_mut_ptr() },
                        suboffsets: suboffsets.as_mut().map_or(null_mut(), |s| s.as_mut_ptr()),
                        ..Py_buffer::unfilled(0)
                    };
                    let at = if n == 0 { null() } else { indices.as_ptr() };
                    session.compare(
                        || format!("indices {indices:?} of {}", super::shown_view(&view)),
                        // SAFETY: nothing is followed, the numbers are added up.
                        |_, api| unsafe { ((api.get_pointer)(&view, at),) },
                    );
                }
            }
        }
    }
}
