//! Deliberately wrong implementations, each wrong in one thing that somebody could get wrong: every
//! one of them must be caught, or the comparison proves nothing.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "one comment in each file speaks for all of its functions"
)]

mod copies;
mod memoryviews;
mod views;

use super::api::Api;
use super::families;
use super::host::Host;
use super::model::{self, right};
use super::session::Session;
use super::settings::Settings;

/// A mistake, the family that has to notice it, and how it gets into the functions.
type Fault = (&'static str, &'static str, fn(&mut Api));

const FAULTS: &[Fault] = &[
    ("an answer other than 1", "PyObject_CheckBuffer", |api| {
        api.check_buffer = views::check_buffer_says_2
    }),
    ("a type's name cut later", "PyObject_GetBuffer", |api| {
        api.get_buffer = views::get_buffer_long_name
    }),
    ("obj cleared without an exporter", "PyObject_GetBuffer", |api| {
        api.get_buffer = views::get_buffer_clears_obj;
    }),
    ("another request passed on", "PyObject_GetBuffer", |api| {
        api.get_buffer = views::get_buffer_adds_format;
    }),
    ("-1 for every failure", "PyObject_GetBuffer", |api| {
        api.get_buffer = views::get_buffer_only_0_or_1
    }),
    ("obj left", "PyBuffer_Release", |api| api.release = views::release_leaves_obj),
    ("a reference kept", "PyBuffer_Release", |api| api.release = views::release_keeps_reference),
    ("the slot forgotten", "PyBuffer_Release", |api| api.release = views::release_forgets_slot),
    ("buf cleared", "PyBuffer_Release", |api| api.release = views::release_clears_buf),
    ("the exception dropped", "PyBuffer_Release", |api| {
        api.release = views::release_drops_exception
    }),
    ("trailing padding", "PyBuffer_SizeFromFormat", |api| {
        api.size_from_format = views::size_rounded_up
    }),
    ("another text", "PyBuffer_SizeFromFormat", |api| {
        api.size_from_format = views::size_with_other_text
    }),
    ("'c' accepted", "PyBuffer_IsContiguous", |api| {
        api.is_contiguous = views::is_contiguous_small_letters;
    }),
    ("suboffsets looked into", "PyBuffer_IsContiguous", |api| {
        api.is_contiguous = views::is_contiguous_looks_into_suboffsets;
    }),
    ("'A' means 'C'", "PyBuffer_IsContiguous", |api| {
        api.is_contiguous = views::is_contiguous_a_is_c
    }),
    ("strides of extent 1 matter", "PyBuffer_IsContiguous", |api| {
        api.is_contiguous = views::is_contiguous_strictly;
    }),
    ("suboffset added too early", "PyBuffer_GetPointer", |api| {
        api.get_pointer = views::get_pointer_adds_too_early;
    }),
    ("suboffset 0 not followed", "PyBuffer_GetPointer", |api| {
        api.get_pointer = views::get_pointer_ignores_suboffset_0;
    }),
    ("unknown orders are 'F'", "PyBuffer_FromContiguous", |api| {
        api.from_contiguous = copies::from_contiguous_unknown_is_fortran;
    }),
    ("a part of an item written", "PyBuffer_FromContiguous", |api| {
        api.from_contiguous = copies::from_contiguous_needs_all;
    }),
    ("written backwards", "PyBuffer_FromContiguous", |api| {
        api.from_contiguous = copies::from_contiguous_backwards;
    }),
    ("unknown orders are 'C'", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = copies::to_contiguous_unknown_is_c;
    }),
    ("a byte behind the end", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = copies::to_contiguous_writes_behind;
    }),
    ("a byte before the start", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = copies::to_contiguous_writes_before;
    }),
    ("len not compared", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = copies::to_contiguous_any_len;
    }),
    ("view changed", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = copies::to_contiguous_flips_source
    }),
    ("read while writing", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = copies::to_contiguous_without_staging;
    }),
    ("unlike arrays taken", "PyObject_CopyData", |api| {
        api.copy_data = copies::copy_data_takes_anything
    }),
    ("items in order", "PyObject_CopyData", |api| api.copy_data = copies::copy_data_in_order),
    ("source asked to be writable", "PyObject_CopyData", |api| {
        api.copy_data = copies::copy_data_asks_full
    }),
    ("source not given back", "PyObject_CopyData", |api| api.copy_data = copies::copy_data_leaks),
    ("exception replaced", "PyObject_CopyData", |api| {
        api.copy_data = copies::copy_data_replaces_exception
    }),
    ("zero extents skipped", "PyBuffer_FillContiguousStrides", |api| {
        api.fill_contiguous_strides = views::strides_skip_zero;
    }),
    ("'f' accepted", "PyBuffer_FillContiguousStrides", |api| {
        api.fill_contiguous_strides = views::strides_small_letters;
    }),
    ("readonly made 1", "PyBuffer_FillInfo", |api| api.fill_info = views::fill_info_normalises),
    ("strides for bit 0x10 alone", "PyBuffer_FillInfo", |api| {
        api.fill_info = views::fill_info_one_bit
    }),
    ("no reference to obj", "PyBuffer_FillInfo", |api| api.fill_info = views::fill_info_borrows),
    ("the exporter's exception", "PyObject_AsBuffer", |api| {
        api.as_write_buffer = views::as_write_buffer_keeps_exception;
    }),
    ("the exception left", "PyObject_AsBuffer", |api| {
        api.check_read_buffer = views::check_read_buffer_leaves_exception;
    }),
    ("a view kept", "PyObject_AsBuffer", |api| {
        api.as_read_buffer = views::as_read_buffer_keeps_view
    }),
    ("asked twice", "PyMemoryView_FromObject", |api| {
        api.view_from_object = memoryviews::view_asks_twice
    }),
    ("a view of a memoryview's view", "PyMemoryView_FromObject", |api| {
        api.view_from_object = memoryviews::view_of_contents;
    }),
    ("any flags with the bit write", "PyMemoryView_FromMemory", |api| {
        api.view_from_memory = memoryviews::view_writable_by_bit;
    }),
    ("format left out", "PyMemoryView_FromBuffer", |api| {
        api.view_from_buffer = memoryviews::view_without_format;
    }),
    ("negative suboffsets left out", "PyMemoryView_FromBuffer", |api| {
        api.view_from_buffer = memoryviews::view_without_suboffsets;
    }),
    ("readonly always", "PyMemoryView_FromBuffer", |api| {
        api.view_from_buffer = memoryviews::view_read_only
    }),
    ("unknown orders are 'C'", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = memoryviews::view_contiguous_unknown_is_c;
    }),
    ("'A' means 'C'", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = memoryviews::view_contiguous_a_is_c;
    }),
    ("the bit write asks to write", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = memoryviews::view_contiguous_by_bit;
    }),
    ("a copy without need", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = memoryviews::view_contiguous_copies;
    }),
    ("the copy without its bytes", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = memoryviews::view_contiguous_of_nobody;
    }),
    ("unknown orders are 'C'", "real_exporters", |api| {
        api.to_contiguous = copies::to_contiguous_unknown_is_c;
    }),
];

/// Mistakes about orders and flags that a debug build's assertions forbid: there libpython cannot be asked
/// for what would show them, or to make them.
const ASSERTED: [(&str, &str); 4] = [
    ("any flags with the bit write", "PyMemoryView_FromMemory"),
    ("unknown orders are 'C'", "PyMemoryView_GetContiguous"),
    ("the bit write asks to write", "PyMemoryView_GetContiguous"),
    ("a copy without need", "PyMemoryView_GetContiguous"),
];

/// Runs every wrong implementation through the family that has to notice it.
pub fn are_all_caught(settings: &Settings, theirs: Api) -> bool {
    model::api(&theirs);
    let (mut asked, mut missed) = (0, 0);
    for (mistake, name, spoil) in FAULTS {
        if Host::get().debug && ASSERTED.contains(&(mistake, name)) {
            println!("{name}, {mistake}: left out, a debug build asserts it");
            continue;
        }
        asked += 1;
        let mut wrong = *right();
        spoil(&mut wrong);
        let mut session = Session::until_first_difference(settings, theirs, wrong);
        let family = families::ALL.iter().find(|family| family.name == *name);
        session.run(family.expect("a family of this name"));
        let is_caught = !session.agreed();
        println!("{name}, {mistake}: {}", if is_caught { "caught" } else { "NOT CAUGHT" });
        missed += u32::from(!is_caught);
    }
    println!("{asked} wrong implementations, {missed} not caught");
    missed == 0
}
