//! The families of functions, each with the cases that it is compared on.

mod contiguity;
mod copy_data;
mod fill_info;
mod formats;
mod from_contiguous;
mod get_buffer;
mod legacy;
mod memoryviews;
mod pointer;
mod real_views;
mod release;
mod strides;
mod to_contiguous;

use super::session::Session;

/// A function, and how its cases are run.
pub struct Family {
    pub name: &'static str,
    pub run: fn(&mut Session),
}

pub const ALL: &[Family] = &[
    Family { name: "PyObject_CheckBuffer", run: get_buffer::check_buffer },
    Family { name: "PyObject_GetBuffer", run: get_buffer::get_buffer },
    Family { name: "PyBuffer_Release", run: release::run },
    Family { name: "PyBuffer_SizeFromFormat", run: formats::run },
    Family { name: "PyBuffer_IsContiguous", run: contiguity::run },
    Family { name: "PyBuffer_GetPointer", run: pointer::run },
    Family { name: "PyBuffer_FromContiguous", run: from_contiguous::run },
    Family { name: "PyBuffer_ToContiguous", run: to_contiguous::run },
    Family { name: "PyObject_CopyData", run: copy_data::run },
    Family { name: "PyBuffer_FillContiguousStrides", run: strides::run },
    Family { name: "PyBuffer_FillInfo", run: fill_info::run },
    Family { name: "PyObject_AsBuffer", run: legacy::run },
    Family { name: "PyMemoryView_FromObject", run: memoryviews::from_object },
    Family { name: "PyMemoryView_FromMemory", run: memoryviews::from_memory },
    Family { name: "PyMemoryView_FromBuffer", run: memoryviews::from_buffer },
    Family { name: "PyMemoryView_GetContiguous", run: memoryviews::get_contiguous },
    Family { name: "real_exporters", run: real_views::run },
];

/// Orders that mean something, and ones that do not.
const ORDERS: &[u8] = b"CFAcfaX\0 \x7f\xff";

/// An order for a random case: mostly one that means something.
fn random_order(prng: &mut super::prng::Prng) -> u8 {
    if prng.one_in(8) { prng.next() as u8 } else { prng.pick(b"CFA") }
}

fn shown_order(order: u8) -> String {
    format!("order {:?}", order as char)
}

/// Every list of `n` of the choices.
fn tuples(choices: &[isize], n: usize) -> Vec<Vec<isize>> {
    (0..n).fold(vec![Vec::new()], |shorter, _| {
        let longer =
            |tuple: Vec<isize>| choices.iter().map(move |&choice| [&tuple[..], &[choice]].concat());
        shorter.into_iter().flat_map(longer).collect()
    })
}

fn shown_view(view: &super::api::Py_buffer) -> String {
    super::exporter::show(view, view.obj, 0, true)
}
