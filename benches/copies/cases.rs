//! What is measured: the cases, by family.

/// How the library is asked for a copy. The order is that of the contiguous side, `'C'` or `'F'`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Call {
    To(char),
    From(char),
    /// Between two memoryviews.
    CopyData,
}

/// One copy: `shape` items of `item` bytes from one set of strides to another (all in bytes).
#[derive(Clone)]
pub struct Case {
    pub family: &'static str,
    pub name: String,
    pub item: usize,
    pub shape: Vec<isize>,
    pub src: Vec<isize>,
    pub dst: Vec<isize>,
    pub call: Call,
    /// The first dimension of the source is of pointers to rows (suboffsets).
    pub row_pointers: bool,
    /// Stands for its family in a quick run.
    pub quick: bool,
}

impl Case {
    /// The bytes that are copied.
    pub fn len(&self) -> usize {
        self.item * self.shape.iter().product::<isize>() as usize
    }

    /// Whether the items of the destination lie back to back.
    pub fn is_dense(&self) -> bool {
        matches!(self.call, Call::To(_))
    }

    /// Quick if the item is the given one.
    fn quick_if(mut self, condition: bool) -> Self {
        self.quick = condition;
        self
    }

    fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

/// Strides of items back to back, the last index fastest.
pub fn c_strides(item: usize, shape: &[isize]) -> Vec<isize> {
    let mut strides = vec![item as isize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

fn f_strides(item: usize, shape: &[isize]) -> Vec<isize> {
    let reversed: Vec<isize> = shape.iter().rev().copied().collect();
    c_strides(item, &reversed).into_iter().rev().collect()
}

fn contiguous(item: usize, shape: &[isize], order: char) -> Vec<isize> {
    if order == 'C' { c_strides(item, shape) } else { f_strides(item, shape) }
}

fn to(family: &'static str, item: usize, shape: &[isize], src: &[isize], order: char) -> Case {
    Case {
        family,
        name: item_name(item),
        item,
        shape: shape.into(),
        src: src.into(),
        dst: contiguous(item, shape, order),
        call: Call::To(order),
        row_pointers: false,
        quick: false,
    }
}

fn from(family: &'static str, item: usize, shape: &[isize], dst: &[isize], order: char) -> Case {
    let src = contiguous(item, shape, order);
    Case { src, dst: dst.into(), call: Call::From(order), ..to(family, item, shape, &[], order) }
}

fn copy_data(item: usize, shape: &[isize], src: &[isize], dst: &[isize]) -> Case {
    Case { dst: dst.into(), call: Call::CopyData, ..to("CopyData", item, shape, src, 'C') }
}

/// The array that `permuted` is a view of has dimensions `dims`; the view's are those in the order `axes`.
fn permuted(family: &'static str, item: usize, dims: &[isize], axes: &[usize]) -> Case {
    let strides = c_strides(item, dims);
    let shape: Vec<isize> = axes.iter().map(|axis| dims[*axis]).collect();
    let src: Vec<isize> = axes.iter().map(|axis| strides[*axis]).collect();
    let digits: String = axes.iter().map(|axis| axis.to_string()).collect();
    to(family, item, &shape, &src, 'C').named(format!("{}-{digits}", item_name(item)))
}

fn item_name(item: usize) -> String {
    match item {
        1 => "u8".into(),
        2 => "u16".into(),
        4 => "f32".into(),
        8 => "f64".into(),
        _ => format!("{item}B"),
    }
}

/// All cases, the quick ones marked.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    transposes(&mut cases);
    images(&mut cases);
    cubes(&mut cases);
    steps(&mut cases);
    blocks(&mut cases);
    small(&mut cases);
    cases
}

fn transposes(cases: &mut Vec<Case>) {
    let square = |family, item, n| {
        let shape = [n, n];
        to(family, item, &shape, &c_strides(item, &shape), 'F')
    };
    for (family, n) in [
        ("transpose-64", 64),
        ("transpose-512", 512),
        ("transpose-1000", 1000),
        ("transpose-4096", 4096),
    ] {
        for item in [1, 2, 4, 8, 16] {
            cases.push(square(family, item, n).quick_if(item == 4));
        }
    }
    for n in [512, 1000] {
        for item in [3, 12, 24] {
            let case = square("odd-items", item, n).named(format!("{item}B-{n}"));
            cases.push(case.quick_if(item == 12 && n == 512));
        }
    }
    for (item, shape) in [
        (4, [30, 50]),
        (8, [10, 10]),
        (1, [8, 8]),
        (1, [13, 200]),
        (4, [5, 100_000]),
        (4, [100_000, 5]),
    ] {
        let name = format!("{}-{}x{}", item_name(item), shape[0], shape[1]);
        let case = to("transpose-other", item, &shape, &c_strides(item, &shape), 'F').named(name);
        cases.push(case.quick_if(item == 4 && shape[0] == 30));
    }
    for item in [1, 4, 8] {
        let shape = [1000, 1000];
        let case = from("from-transpose", item, &shape, &c_strides(item, &shape), 'F');
        cases.push(case.quick_if(item == 4));
    }
}

fn images(cases: &mut Vec<Case>) {
    const FAMILY: &str = "images";
    for (item, rows, columns, channels) in
        [(1, 1080, 1920, 3), (1, 1080, 1920, 4), (1, 224, 224, 3), (4, 224, 224, 3)]
    {
        let size = format!("{}-{rows}x{columns}x{channels}", item_name(item));
        let planar = permuted(FAMILY, item, &[rows, columns, channels], &[2, 0, 1]);
        let quick = item == 1 && rows == 1080 && channels == 3;
        cases.push(planar.named(format!("HWC-CHW-{size}")).quick_if(quick));
        let interleaved = permuted(FAMILY, item, &[channels, rows, columns], &[1, 2, 0]);
        cases.push(interleaved.named(format!("CHW-HWC-{size}")));
    }
    let crop = to(FAMILY, 1, &[500, 700, 3], &[1920 * 3, 3, 1], 'C');
    cases.push(crop.named("crop-u8-500x700x3"));
}

fn cubes(cases: &mut Vec<Case>) {
    let axes = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for axes in axes {
        let quick = axes == [1, 2, 0];
        cases.push(permuted("3d-256", 4, &[256, 256, 256], &axes).quick_if(quick));
    }
    for axes in axes {
        let quick = axes == [0, 2, 1];
        cases.push(permuted("3d-60x70x80", 4, &[60, 70, 80], &axes).quick_if(quick));
    }
    for axes in [[0, 2, 1], [2, 1, 0]] {
        cases.push(permuted("3d-128x200x256", 1, &[128, 200, 256], &axes));
    }
    let dims = [12, 14, 10, 16, 8, 18];
    cases.push(permuted("6d", 4, &dims, &[5, 3, 1, 0, 2, 4]).quick_if(true));
    cases.push(permuted("6d", 8, &dims, &[0, 2, 4, 5, 3, 1]));
    let runs = permuted("6d", 4, &[4, 4, 4, 4, 4, 4000], &[4, 3, 2, 1, 0, 5]);
    cases.push(runs.named("f32-432105-runs"));
    for item in [1, 4] {
        let case = permuted("6d", item, &[8; 6], &[5, 4, 3, 2, 1, 0]);
        cases.push(case.named(format!("{}-8^6", item_name(item))));
    }
}

fn steps(cases: &mut Vec<Case>) {
    const N: isize = 100_000;
    const LARGE: isize = 8 << 20;
    let step = |family, item: usize, n, step: isize| {
        let name = format!("{}-[::{step}]", item_name(item));
        to(family, item, &[n], &[step * item as isize], 'C').named(name)
    };
    for (family, by) in [
        ("step-2", 2),
        ("step-3", 3),
        ("step-4", 4),
        ("step-7", 7),
        ("reversed", -1),
        ("reversed-2", -2),
    ] {
        for item in [1, 2, 4, 8, 16] {
            cases.push(step(family, item, N, by).quick_if(item == 1));
        }
    }
    for (item, by) in [(3, -1), (12, 2), (24, 2)] {
        cases.push(step("step-odd", item, N, by).quick_if(item == 12));
    }
    for (item, by) in [(1, 2), (8, 2), (1, -1), (8, -1)] {
        let case = step("step-large", item, LARGE, by);
        cases.push(case.quick_if(item == 1 && by == 2));
    }
    for by in [2, 3] {
        for item in [1, 2, 4, 8] {
            let name = format!("{}-[::{by}]", item_name(item));
            let case = from("scatter", item, &[N], &[by * item as isize], 'C').named(name);
            cases.push(case.quick_if(item == 1 && by == 2));
        }
    }
}

fn blocks(cases: &mut Vec<Case>) {
    for (width, pitch) in
        [(32, 8000), (64, 8000), (100, 8000), (128, 8000), (256, 8000), (1024, 8000), (64, 4096)]
    {
        let case = to("column-block", 4, &[1000, width / 4], &[pitch, 4], 'C');
        let quick = (width, pitch) == (64, 8000);
        cases.push(case.named(format!("{width}B-of-{pitch}B")).quick_if(quick));
    }
    let case = from("column-block", 4, &[1000, 16], &[8000, 4], 'C');
    cases.push(case.named("from-64B-of-8000B"));

    for (item, columns, order) in [(1, 3000, 'C'), (1, 3000, 'F'), (4, 1000, 'F'), (4, 4, 'C')] {
        let strides = [size_of::<*const u8>() as isize, item as isize];
        let mut case = to("row-pointers", item, &[1000, columns], &strides, order);
        case.row_pointers = true;
        let short = if columns < 10 { "-short" } else { "" };
        let name = format!("{}-{order}{short}", item_name(item));
        cases.push(case.named(name).quick_if((item, order) == (1, 'F')));
    }

    const FAMILY: &str = "broadcast";
    cases.push(to(FAMILY, 4, &[1000, 1000], &[0, 4], 'C').named("f32-row"));
    cases.push(to(FAMILY, 4, &[1000, 1000], &[4, 0], 'C').named("f32-column").quick_if(true));
    cases.push(to(FAMILY, 4, &[1_000_000], &[0], 'C').named("f32-scalar"));
    cases.push(to(FAMILY, 1, &[1_000_000], &[0], 'C').named("u8-scalar"));
}

fn small(cases: &mut Vec<Case>) {
    let shape = [2, 3, 4];
    let dense = c_strides(4, &shape);
    let transposed = f_strides(4, &shape);
    cases.push(to("tiny", 4, &[8], &[8], 'C').named("8xf32-[::2]"));
    cases.push(to("tiny", 4, &[8], &[4], 'C').named("8xf32-contiguous"));
    cases.push(to("tiny", 4, &shape, &transposed, 'C').named("2x3x4-f32").quick_if(true));
    cases.push(from("tiny", 4, &shape, &transposed, 'C').named("from-2x3x4-f32"));
    cases.push(to("tiny", 8, &[4, 4], &[32, 8], 'F').named("4x4-f64"));
    cases.push(copy_data(4, &shape, &transposed, &dense).named("2x3x4-f32"));

    let shape = [1000, 1000];
    let halves = copy_data(4, &shape, &[8000, 4], &f_strides(4, &shape));
    cases.push(halves.named("f32-[::2]-to-F").quick_if(true));
    cases.push(copy_data(8, &[1000, 500], &[8000, 16], &[8000, 16]).named("f64-[:,::2]-both"));
    cases.push(
        copy_data(8, &shape, &c_strides(8, &shape), &f_strides(8, &shape)).named("f64-C-to-F"),
    );
}
