//! The run as a table to read.

use super::{NOISE, OURS, Run, losses, number};

/// The text of `name.md`.
pub fn text(run: &Run, name: &str) -> String {
    let machine = &run.machine;
    let mut text = format!(
        "<!-- Written by `make bench`; README.md beside it says how it is measured. -->\n\
         # {}, {}\n\n\
         * CPU: {}; {}\n* Level of the kernels: {}\n* Versions: {}\n",
        run.setting.title(),
        machine.date,
        machine.cpu,
        machine.caches,
        machine.level,
        run.versions()
    );
    for line in &run.left_out {
        text += &format!("* Left out: {line}\n");
    }
    text += &format!("\n{}", run.setting.sentence());
    text += &format!(
        "memcpy in GB/s. Ours: the time of memcpy over ours (1.0 is as fast as memcpy of as many dense \
         bytes). Then how many times as long each rival takes as ours. \"lines\" copies nothing: it reads \
         something of each line of the source and writes each line of the destination, by plain stores; who takes \
         about as long is bound by memory.\n\n\
         ![ratio to memcpy]({name}.svg)\n\n| family | case | memcpy | **ours** |"
    );
    let mut rule = String::from("|---|---|--:|--:|");
    for (_, rival) in run.rivals() {
        text += &format!(" x {rival} |");
        rule += "--:|";
    }
    text += &format!("\n{rule}\n");
    for row in &run.rows {
        let (rate, ours) = (number(row.memcpy_rate()), number(row.to_memcpy(OURS)));
        let case = &row.case;
        text += &format!("| {} | {} | {rate} | **{ours}** |", case.family, case.name);
        for (rival, _) in run.rivals() {
            text += &format!(" {} |", number(row.ours_over(rival)));
        }
        text += "\n";
    }
    text +=
        &format!("\n## Where a rival is faster by more than {:.0} %\n\n", (NOISE - 1.0) * 100.0);
    let losses = losses(run);
    if losses.is_empty() {
        text += "Nowhere.\n";
    }
    for (row, rival, times) in losses {
        let case = &row.case;
        text += &format!("* {} {}: {rival} {times:.2} times as fast\n", case.family, case.name);
    }
    text
}
