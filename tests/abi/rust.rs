//! The Rust types of `pybuffer::abi`, held against our header.

use std::mem::{offset_of, size_of};

use pybuffer::abi;

use super::compare::include;
use super::declared::Declared;
use super::libclang;

/// A Rust struct: its name, its size, and its members with their offsets.
pub struct Layout {
    pub name: &'static str,
    pub size: usize,
    pub fields: Vec<(&'static str, usize)>,
}

macro_rules! layouts {
    ($($name:ident { $($field:ident),+ $(,)? })+) => {
        vec![$(Layout {
            name: stringify!($name),
            size: size_of::<abi::$name>(),
            fields: vec![$((stringify!($field), offset_of!(abi::$name, $field))),+],
        }),+]
    };
}

macro_rules! flags {
    ($($name:ident),+ $(,)?) => {
        vec![$((stringify!($name), u64::try_from(abi::$name).unwrap())),+]
    };
}

/// Every struct of `pybuffer::abi`.
pub fn layouts() -> Vec<Layout> {
    layouts! {
        PyObject { ob_refcnt, ob_type }
        PyVarObject { ob_base, ob_size }
        PyBufferProcs { bf_getbuffer, bf_releasebuffer }
        Py_buffer {
            buf, obj, len, itemsize, readonly, ndim, format, shape, strides, suboffsets, internal,
        }
        PyTypeObject {
            ob_base, tp_name, tp_basicsize, tp_itemsize, tp_dealloc, tp_vectorcall_offset,
            tp_getattr, tp_setattr, tp_as_async, tp_repr, tp_as_number, tp_as_sequence,
            tp_as_mapping, tp_hash, tp_call, tp_str, tp_getattro, tp_setattro, tp_as_buffer,
            tp_flags, tp_doc, tp_traverse, tp_clear, tp_richcompare, tp_weaklistoffset, tp_iter,
            tp_iternext, tp_methods, tp_members, tp_getset, tp_base, tp_dict, tp_descr_get,
            tp_descr_set, tp_dictoffset, tp_init, tp_alloc, tp_new, tp_free,
        }
        DLDevice { device_type, device_id }
        DLDataType { code, bits, lanes }
        DLTensor { data, device, ndim, dtype, shape, strides, byte_offset }
        DLManagedTensor { dl_tensor, manager_ctx, deleter }
        DLPackVersion { major, minor }
        DLManagedTensorVersioned { version, manager_ctx, deleter, flags, dl_tensor }
        pybuffer_rule { id, severity, name, sentence, source, fix }
        pybuffer_finding { rule, flags, n_requests, field, axis, last_flags, found, expected }
        pybuffer_report {
            exporter, n_requests, n_granted, n_findings, n_violations, n_dropped, has_references,
            is_python, raised, reserved, findings,
        }
        pybuffer_frame { file, function, line }
        pybuffer_holder {
            type_name, file, function, offset, frames, n_frames, flags, len, thread, n_views,
            n_lost, age, view, reserved,
        }
        pybuffer_format_info { itemsize, alignment, n_fields, n_extents, error_position }
        pybuffer_format_field {
            name, name_len, shape, count, offset, itemsize, size, parent, position, length, ndim,
            alignment, bit, code, kind, byte_order, mode,
        }
    }
}

/// Every flag of `pybuffer::abi`.
pub fn flags() -> Vec<(&'static str, u64)> {
    flags![
        PyBUF_SIMPLE,
        PyBUF_WRITABLE,
        PyBUF_WRITEABLE,
        PyBUF_FORMAT,
        PyBUF_ND,
        PyBUF_STRIDES,
        PyBUF_C_CONTIGUOUS,
        PyBUF_F_CONTIGUOUS,
        PyBUF_ANY_CONTIGUOUS,
        PyBUF_INDIRECT,
        PyBUF_CONTIG,
        PyBUF_CONTIG_RO,
        PyBUF_STRIDED,
        PyBUF_STRIDED_RO,
        PyBUF_RECORDS,
        PyBUF_RECORDS_RO,
        PyBUF_FULL,
        PyBUF_FULL_RO,
        PyBUF_READ,
        PyBUF_WRITE,
        PyBUF_MAX_NDIM,
    ]
}

#[test]
fn header_has_the_layouts_and_flags_of_the_rust_types() {
    if !libclang::is_ready("header_has_the_layouts_and_flags_of_the_rust_types") {
        return;
    }
    let header = Declared::by("libpybuffer.h", &include(), &[]);
    let mut wrong = Vec::new();
    let mut differ = |what: &str, rust: String, c: String| {
        if rust != c {
            wrong.push(format!("{what}: Rust {rust}, libpybuffer.h {c}"));
        }
    };
    for Layout { name, size, fields } in layouts() {
        let c =
            header.structs.get(name).unwrap_or_else(|| panic!("{name} is not in libpybuffer.h"));
        differ(name, format!("size {size}"), format!("size {}", c.size));
        let in_rust: Vec<String> = fields.iter().map(|(f, at)| format!("{f} at {at}")).collect();
        let in_c: Vec<String> =
            c.fields.iter().map(|f| format!("{} at {}", f.name, f.offset)).collect();
        for i in 0..in_rust.len().max(in_c.len()) {
            let text = |side: &[String]| side.get(i).cloned().unwrap_or_else(|| "nothing".into());
            differ(name, text(&in_rust), text(&in_c));
        }
    }
    let in_rust: std::collections::BTreeMap<String, u64> =
        flags().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for name in in_rust.keys().chain(header.constants.keys()) {
        let c = format!("{:?}", header.constants.get(name));
        differ(name, format!("{:?}", in_rust.get(name)), c);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
