//! A view, with the memory and the arrays that it points to.

use std::ffi::{CString, c_char, c_void};
use std::ptr::null_mut;

use super::api::Py_buffer;
use super::layout::Layout;
use super::memory::{Arena, Region};
use super::outcome::Outcome;
use super::prng::Prng;

/// A view of random memory.
pub struct Scene {
    pub layout: Layout,
    pub region: Region,
    pub fields: Fields,
}

/// What the fields of a view say; the arrays are absent where the view has null.
#[derive(Clone, Debug)]
pub struct Fields {
    pub buf: usize,
    pub len: isize,
    pub itemsize: isize,
    pub readonly: i32,
    pub ndim: i32,
    pub format: Option<CString>,
    pub shape: Option<Vec<isize>>,
    pub strides: Option<Vec<isize>>,
    pub suboffsets: Option<Vec<isize>>,
}

impl Scene {
    pub fn random(layout: Layout, arena: &Arena, prng: &mut Prng) -> Self {
        let alignment = if layout.pointers.is_empty() { 1 } else { size_of::<usize>() };
        let mut region = arena.region(layout.size, alignment, prng);
        let start = region.address() as usize;
        let contents = prng.bytes(layout.size);
        region.contents().copy_from_slice(&contents);
        for &(place, target) in &layout.pointers {
            let pointer = start.wrapping_add_signed(target).to_ne_bytes();
            region.contents()[place..place + pointer.len()].copy_from_slice(&pointer);
        }
        let fields = Fields::random(&layout, start.wrapping_add_signed(layout.first), prng);
        Self { layout, region, fields }
    }

    /// A view of memory that another one has too, if there is enough of it.
    pub fn overlapping(
        layout: &Layout,
        other: &Self,
        arena: &Arena,
        prng: &mut Prng,
    ) -> Option<Self> {
        let has_pointers = !(layout.pointers.is_empty() && other.layout.pointers.is_empty());
        if has_pointers || layout.size > other.region.len() || layout.size == 0 {
            return None;
        }
        let offset = prng.below(other.region.len() - layout.size + 1);
        let start = other.region.address() as usize + offset;
        let fields = Fields::random(layout, start.wrapping_add_signed(layout.first), prng);
        Some(Self { layout: layout.clone(), region: arena.region(0, 1, prng), fields })
    }

    /// Now and then `size` bytes among those that the view has, if there are as many.
    pub fn room_inside(&self, size: usize, prng: &mut Prng) -> Option<*mut u8> {
        let is_possible = size > 0 && size <= self.region.len() && self.layout.pointers.is_empty();
        if !is_possible || !prng.one_in(25) {
            return None;
        }
        Some(self.region.address().wrapping_add(prng.below(self.region.len() - size + 1)))
    }

    /// Makes the view say less than is there, or what cannot be, as real exporters do: the copies
    /// of a contiguous view look at `buf` and `len` alone.
    pub fn contradict(&mut self, prng: &mut Prng) {
        if self.layout.first + self.layout.len() > self.layout.size as isize {
            return;
        }
        let fields = &mut self.fields;
        match prng.below(4) {
            0 => fields.len = prng.between(0, fields.len),
            1 => fields.itemsize = prng.pick(&[0, 1, 3, -1, 4096]),
            2 if fields.strides.is_none() => fields.ndim = 0,
            _ if fields.strides.is_none() && fields.ndim == 1 => {
                fields.shape = Some(vec![prng.pick(&[0, -1, 2, 1 << 40])]);
            }
            _ => fields.len /= 2,
        }
    }

    /// The view, as C sees it. It lives as long as the scene and is not to be written through its
    /// arrays, which [`Scene::observe`] checks.
    pub fn view(&mut self) -> Py_buffer {
        self.fields.view()
    }

    /// Notes what the call has left of the view's memory and arrays.
    pub fn observe(&self, what: &'static str, outcome: &mut Outcome) {
        outcome.memory(what, self.region.bytes());
        outcome.text("arrays", format!("{:?}", self.fields));
    }

    pub fn describe(&self) -> String {
        let start = self.region.address() as usize;
        format!(
            "{:?}, memory of {} bytes at {start:#x} (buf is {} from there), {} pointers in it",
            self.fields,
            self.region.len(),
            self.layout.first,
            self.layout.pointers.len()
        )
    }
}

impl Fields {
    fn random(layout: &Layout, buf: usize, prng: &mut Prng) -> Self {
        let ndim = layout.shape.len();
        let mut fields = Self {
            buf,
            len: layout.len(),
            itemsize: layout.itemsize,
            readonly: prng.below(2) as i32,
            ndim: ndim as i32,
            format: random_format(layout.itemsize, prng),
            shape: Some(layout.shape.clone()),
            strides: Some(layout.strides.clone()),
            suboffsets: (!layout.suboffsets.is_empty()).then(|| layout.suboffsets.clone()),
        };
        if fields.suboffsets.is_none() && prng.one_in(12) {
            // Nothing to follow, but no longer contiguous to anyone.
            fields.suboffsets = Some(vec![-1; ndim]);
        }
        if layout.strides == c_strides(&layout.shape, layout.itemsize) && prng.one_in(2) {
            fields.strides = None;
            if ndim <= 1 && fields.suboffsets.is_none() && prng.one_in(2) {
                fields.shape = None;
            }
        }
        fields
    }

    pub fn view(&mut self) -> Py_buffer {
        let start = |array: &mut Option<Vec<isize>>| match array {
            Some(array) => array.as_mut_ptr(),
            None => null_mut(),
        };
        Py_buffer {
            buf: self.buf as *mut c_void,
            obj: null_mut(),
            len: self.len,
            itemsize: self.itemsize,
            readonly: self.readonly,
            ndim: self.ndim,
            format: self.format.as_ref().map_or(null_mut(), |f| f.as_ptr() as *mut c_char),
            shape: start(&mut self.shape),
            strides: start(&mut self.strides),
            suboffsets: start(&mut self.suboffsets),
            internal: 0x1e7 as *mut c_void,
        }
    }
}

/// The strides of an array whose items lie back to back, the last dimension fastest.
pub fn c_strides(shape: &[isize], itemsize: isize) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    let mut stride = itemsize;
    for (i, extent) in shape.iter().enumerate().rev() {
        strides[i] = stride;
        stride = stride.wrapping_mul(*extent);
    }
    strides
}

/// No copy looks at the format, so any will do; but a memoryview may read items by it.
fn random_format(itemsize: isize, prng: &mut Prng) -> Option<CString> {
    let format = prng.pick(&["", "B", "<i", "T{<i:a:3x<q:b:}", "(2,3)<f", "Zd", "no format", "é"]);
    // Native to memoryviews since 3.15, which read that many bytes.
    let is_too_wide = format == "Zd" && itemsize != 16;
    (!format.is_empty() && !is_too_wide).then(|| CString::new(format).unwrap())
}
