//! The terminal: a line for each case as it is measured, and what stands out at the end.

use super::{NOISE, OURS, Row, Run, losses, number};

/// `family case ours/memcpy ours-vs-libpython ours-vs-numpy`.
pub fn quick_line(run: &Run, row: &Row) -> String {
    let over = |name| {
        let place = run.names.iter().position(|other| *other == name);
        number(place.and_then(|place| row.ours_over(place)))
    };
    let case = &row.case;
    let ratio = number(row.to_memcpy(OURS));
    let (libpython, numpy) = (over("libpython"), over("numpy"));
    format!("{:16} {:24} {ratio:>7} {libpython:>7} {numpy:>7}", case.family, case.name)
}

/// What the columns of [`row`] are.
pub fn table_head(run: &Run) -> String {
    let mut line = format!("{:16} {:28} {:>8} {:>6}", "family", "case", "memcpy", "ours");
    for (_, name) in run.rivals() {
        line += &format!(" {:>10}", format!("x {name}"));
    }
    line + "\n(memcpy in GB/s; ours/memcpy; how many times as long each rival takes as ours)"
}

pub fn row(run: &Run, row: &Row) -> String {
    let case = &row.case;
    let (rate, ours) = (number(row.memcpy_rate()), number(row.to_memcpy(OURS)));
    let mut line = format!("{:16} {:28} {rate:>8} {ours:>6}", case.family, case.name);
    for (rival, _) in run.rivals() {
        line += &format!(" {:>10}", number(row.ours_over(rival)));
    }
    line
}

/// Where a rival is faster.
pub fn summary(run: &Run) -> String {
    let losses = losses(run);
    let mut text = format!(
        "{} cases; a rival is faster by more than {:.0} % in {} comparisons",
        run.rows.len(),
        (NOISE - 1.0) * 100.0,
        losses.len()
    );
    for (row, name, times) in losses {
        text += &format!("\n  {} {}: {name} {times:.2} x", row.case.family, row.case.name);
    }
    text
}
