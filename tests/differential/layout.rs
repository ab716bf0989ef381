//! Random valid views, as integers: where the items of an array lie in a piece of memory.

use super::prng::Prng;

/// How large the arrays of a run get; they begin small, so that the first failure is a small one.
#[derive(Clone, Copy)]
pub struct Size {
    pub items: usize,
    pub itemsize: isize,
}

impl Size {
    /// The size of the `case`th of a family's cases.
    pub fn of(case: u64, prng: &mut Prng) -> Self {
        let itemsize = match prng.below(4) {
            0 => prng.between(1, 40),
            1 => 1,
            _ => prng.pick(&[2, 3, 4, 8, 16]),
        };
        let items = match case {
            0..200 => 4,
            200..600 => 24,
            _ if prng.one_in(40) => 20_000,
            _ => prng.pick(&[16, 64, 256, 700]),
        };
        Self { items, itemsize }
    }
}

/// The extents, steps and pointers of an array.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub itemsize: isize,
    pub shape: Vec<isize>,
    pub strides: Vec<isize>,
    /// Empty if there are none.
    pub suboffsets: Vec<isize>,
    /// Where the first item (or the first pointer) lies, from the start of the memory.
    pub first: isize,
    /// How much memory the array takes.
    pub size: usize,
    /// Pointers in the memory: where each lies, and where it points, both from the start.
    pub pointers: Vec<(usize, isize)>,
}

const POINTER: isize = size_of::<usize>() as isize;
/// No array's memory, gaps included, is larger.
const LARGEST: isize = 1 << 18;

impl Layout {
    pub fn random(size: Size, prng: &mut Prng) -> Self {
        let shape = random_shape(size.items, prng);
        Self::with_shape(&shape, size.itemsize, prng)
    }

    /// One long dimension beside two to four short ones, back to back in any order of the dimensions: longer
    /// than the tables and stages that a copy has on its stack, or just not.
    pub fn long(prng: &mut Prng) -> Self {
        let itemsize = prng.pick(&[1, 1, 2, 3, 4, 8, 16]);
        let mut shape = vec![prng.pick(&[255, 257, 511, 513, 1023, 1024, 1025, 1100, 2049, 4097])];
        for _ in 0..prng.between(2, 4) {
            let room = LARGEST / 2 / (shape.iter().product::<isize>() * itemsize);
            shape.push(prng.pick(&[2, 2, 3, 4, 5, 8, 17, 64]).min(room.max(1)));
        }
        prng.shuffle(&mut shape);
        let mut order: Vec<usize> = (0..shape.len()).collect();
        prng.shuffle(&mut order);
        let mut strides = vec![0; shape.len()];
        let mut dense = itemsize;
        for i in order {
            strides[i] = dense;
            dense *= shape[i];
        }
        Self { itemsize, shape, strides, size: dense as usize, ..Self::default() }
    }

    /// A random layout for this shape.
    pub fn with_shape(shape: &[isize], itemsize: isize, prng: &mut Prng) -> Self {
        let followed = random_followed(shape, prng);
        Self::with_pointers(shape, itemsize, &followed, prng)
    }

    /// A random layout that follows a pointer after each dimension that `followed` names.
    fn with_pointers(
        shape: &[isize],
        itemsize: isize,
        followed: &[usize],
        prng: &mut Prng,
    ) -> Self {
        let mut layout = Self { itemsize, shape: shape.to_vec(), ..Self::default() };
        let mut parts = Vec::new();
        let (mut from, mut blocks) = (0, 1);
        // Pointers in front of an empty dimension are still followed by libpython.
        let mut is_empty = false;
        for &dimension in followed {
            let kind = Kind { entry: POINTER, unit: POINTER, largest: LARGEST / blocks };
            is_empty |= shape[from..=dimension].contains(&0);
            let part = Part::random(&shape[from..=dimension], kind, is_empty, prng);
            blocks *= part.shape.iter().product::<isize>().max(1);
            parts.push(part);
            from = dimension + 1;
        }
        let kind = Kind { entry: itemsize, unit: 1, largest: LARGEST / blocks };
        is_empty |= shape[from..].contains(&0);
        parts.push(Part::random(&shape[from..], kind, is_empty, prng));
        layout.strides = parts.iter().flat_map(|part| part.strides.clone()).collect();
        if !followed.is_empty() {
            layout.suboffsets = vec![-1; shape.len()];
            for &dimension in followed {
                layout.suboffsets[dimension] = prng.pick(&[0, 0, 8, 16, 3]);
            }
        }
        let suboffsets: Vec<isize> = followed.iter().map(|&d| layout.suboffsets[d]).collect();
        layout.first = layout.place(&parts, &suboffsets);
        layout
    }

    /// Takes memory for the first of the parts and for all that its pointers lead to; says where its
    /// first entry lies.
    fn place(&mut self, parts: &[Part], suboffsets: &[isize]) -> isize {
        let [part, rest @ ..] = parts else { return 0 };
        if part.is_empty {
            return 0;
        }
        let start = self.size.next_multiple_of(if rest.is_empty() { 1 } else { POINTER as usize });
        self.size = start + (part.high - part.low) as usize;
        let first = start as isize - part.low;
        if let [suboffset, suboffsets @ ..] = suboffsets {
            for offset in part.offsets() {
                let target = self.place(rest, suboffsets) - suboffset;
                self.pointers.push(((first + offset) as usize, target));
            }
        }
        first
    }

    pub fn n_items(&self) -> isize {
        self.shape.iter().product()
    }

    pub fn len(&self) -> isize {
        self.n_items() * self.itemsize
    }
}

/// What lies along the dimensions of a part.
#[derive(Clone, Copy)]
struct Kind {
    /// The size of an item, or of a pointer.
    entry: isize,
    /// What every stride is a multiple of: pointers are aligned.
    unit: isize,
    largest: isize,
}

/// Dimensions without a pointer between them.
struct Part {
    shape: Vec<isize>,
    strides: Vec<isize>,
    low: isize,
    high: isize,
    /// No entry is ever reached: a dimension of this part or of an earlier one is empty.
    is_empty: bool,
}

impl Part {
    fn random(shape: &[isize], kind: Kind, is_empty: bool, prng: &mut Prng) -> Self {
        let mut order: Vec<usize> = (0..shape.len()).collect();
        match prng.below(5) {
            0 | 1 => order.reverse(),
            2 => {}
            _ => prng.shuffle(&mut order),
        }
        let is_dense = prng.one_in(4);
        let strides = vec![0; shape.len()];
        let mut part = Self { shape: shape.into(), strides, low: 0, high: 0, is_empty };
        let mut dense = kind.entry;
        for i in order {
            let extent = shape[i];
            let mut stride = if is_dense { dense } else { random_stride(dense, kind, prng) };
            if dense.max(stride.abs()) * extent.max(1) > kind.largest {
                stride = kind.entry;
            }
            dense = dense.max(stride.abs() * extent.max(1)).min(kind.largest);
            // No entry but the first is ever reached along such a dimension.
            if (extent <= 1 || is_empty) && prng.one_in(4) {
                stride = prng.pick(&[0, 1, -7, isize::MAX, isize::MIN, 1 << 40]);
            } else if !is_empty {
                let reach = stride * (extent - 1);
                part.low += reach.min(0);
                part.high += reach.max(0);
            }
            part.strides[i] = stride;
        }
        part.high += kind.entry;
        part
    }

    /// The offset of every entry, each once.
    fn offsets(&self) -> Vec<isize> {
        let mut offsets = vec![0];
        for (&extent, &stride) in self.shape.iter().zip(&self.strides) {
            offsets = (0..extent)
                .flat_map(|i| offsets.iter().map(move |offset| offset + i.wrapping_mul(stride)))
                .collect();
        }
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }
}

fn random_stride(dense: isize, kind: Kind, prng: &mut Prng) -> isize {
    let stride = match prng.below(12) {
        0..5 => dense,
        5 | 6 => dense * prng.between(2, 3),
        7 | 8 => dense + kind.unit * prng.between(1, 9),
        9 => kind.entry,
        10 => 0,
        // Items that overlap each other; pointers cannot.
        _ if kind.unit == 1 => prng.between(0, kind.entry - 1),
        _ => dense,
    };
    if prng.one_in(5) { -stride } else { stride }
}

/// 0 to 9 dimensions, now and then far more; empty ones and ones of extent 1 among them.
fn random_shape(items: usize, prng: &mut Prng) -> Vec<isize> {
    let ndim = match prng.below(100) {
        0..4 => 0,
        4..20 => 1,
        20..50 => 2,
        50..70 => 3,
        70..99 => prng.between(4, 9) as usize,
        _ => prng.between(10, 70) as usize,
    };
    let mut room = items;
    let mut shape: Vec<isize> = (0..ndim)
        .map(|i| {
            let extent = match prng.below(40) {
                0 => 0,
                1..5 => 1,
                // The last one may take all that is left.
                _ if i + 1 == ndim && prng.one_in(2) => prng.below(room.max(1)) + 1,
                _ => prng.pick(&[1, 2, 2, 3, 3, 4, 5, 7, 8, 13, 16, 17, 33, 65, 130]),
            }
            .min(room);
            room /= extent.max(1);
            extent as isize
        })
        .collect();
    prng.shuffle(&mut shape);
    shape
}

fn random_followed(shape: &[isize], prng: &mut Prng) -> Vec<usize> {
    // Every pointer gets a block of its own, so that large arrays do without.
    if shape.is_empty() || shape.len() > 9 || shape.iter().product::<isize>() > 700 {
        return Vec::new();
    }
    if !prng.one_in(5) {
        return Vec::new();
    }
    let mut followed = vec![prng.below(shape.len())];
    if prng.one_in(3) {
        followed.push(prng.below(shape.len()));
        followed.sort_unstable();
        followed.dedup();
    }
    followed
}
