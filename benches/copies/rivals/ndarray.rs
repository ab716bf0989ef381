//! The Rust crate ndarray: `assign` from one view to another, compiled for the item's type and the
//! number of dimensions.

use std::hint::black_box;

use ndarray::{ArrayView, ArrayViewMut, Axis, Dimension, Ix1, Ix2, Ix3, Ix6, ShapeBuilder};

use super::{Copy, Rival};
use crate::job::Job;
use crate::setup;

pub struct NdArray;

impl Rival for NdArray {
    fn name(&self) -> &'static str {
        "ndarray"
    }

    fn version(&self) -> String {
        setup::locked_version("ndarray")
    }

    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>> {
        if job.case.row_pointers {
            return None;
        }
        match job.case.item {
            1 => copy_of::<u8>(job),
            2 => copy_of::<u16>(job),
            3 => copy_of::<[u8; 3]>(job),
            4 => copy_of::<f32>(job),
            8 => copy_of::<f64>(job),
            12 => copy_of::<[f32; 3]>(job),
            16 => copy_of::<[f64; 2]>(job),
            24 => copy_of::<[f64; 3]>(job),
            _ => None,
        }
    }
}

fn copy_of<T: Clone + 'static>(job: &Job) -> Option<Copy<'static>> {
    match job.case.shape.len() {
        1 => Some(copy_in::<T, Ix1>(job)),
        2 => Some(copy_in::<T, Ix2>(job)),
        3 => Some(copy_in::<T, Ix3>(job)),
        6 => Some(copy_in::<T, Ix6>(job)),
        _ => None,
    }
}

fn copy_in<T: Clone + 'static, D: Dimension + 'static>(job: &Job) -> Copy<'static> {
    let case = &job.case;
    let src = Side::<D>::new::<T>(&case.shape, &case.src, job.src);
    let dst = Side::<D>::new::<T>(&case.shape, &case.dst, job.dst);
    // SAFETY: the items lie within the job's source block, at these strides.
    let from = unsafe { ArrayView::from_shape_ptr(src.shape(), src.lowest.cast::<T>()) };
    // SAFETY: as above, within its destination block, none twice.
    let to = unsafe { ArrayViewMut::from_shape_ptr(dst.shape(), dst.lowest.cast::<T>()) };
    let (mut from, mut to) = (from, to);
    src.backwards.iter().for_each(|axis| from.invert_axis(*axis));
    dst.backwards.iter().for_each(|axis| to.invert_axis(*axis));
    Box::new(move |times| {
        for _ in 0..times {
            black_box(&mut to).assign(black_box(&from));
        }
    })
}

/// Where a view begins, as ndarray makes views: no stride is negative, and axes are inverted afterwards.
struct Side<D> {
    dims: D,
    strides: D,
    lowest: *mut u8,
    backwards: Vec<Axis>,
}

impl<D: Dimension> Side<D> {
    fn new<T>(shape: &[isize], strides: &[isize], first: *mut u8) -> Self {
        let mut side = Self {
            dims: D::zeros(shape.len()),
            strides: D::zeros(shape.len()),
            lowest: first,
            backwards: Vec::new(),
        };
        for (axis, (n, stride)) in shape.iter().zip(strides).enumerate() {
            side.dims[axis] = *n as usize;
            side.strides[axis] = stride.unsigned_abs() / size_of::<T>();
            if *stride < 0 {
                side.lowest = side.lowest.wrapping_offset((n - 1) * stride);
                side.backwards.push(Axis(axis));
            }
        }
        side
    }

    fn shape(&self) -> ndarray::StrideShape<D> {
        self.dims.clone().strides(self.strides.clone())
    }
}
