//! The run as a picture: for each case a line, on it a mark for each implementation, at the ratio of
//! memcpy's time to its own, on a logarithmic scale.

use super::{OURS, Row, Run};

/// Which cases are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    OneAFamily,
    All,
}

const LABELS: f64 = 290.0;
const PLOT: f64 = 560.0;
const MARGIN: f64 = 24.0;
const LINE: f64 = 20.0;
const TOP: f64 = 108.0;
const WIDTH: f64 = LABELS + PLOT + 2.0 * MARGIN;
/// The ends of the scale.
const LOW: f64 = 0.001;
const HIGH: f64 = 3.0;

/// A colour for each (of Okabe and Ito's, which everybody can tell apart) and a shape of its own.
const MARKS: [(&str, &str, Shape); 7] = [
    ("libpybuffer", "#d55e00", Shape::Diamond),
    ("libpython", "#0072b2", Shape::Circle),
    ("numpy", "#56b4e9", Shape::Square),
    ("torch", "#e69f00", Shape::Triangle),
    ("ndarray", "#009e73", Shape::Ring),
    ("hptt", "#cc79a7", Shape::Cross),
    ("", "#555555", Shape::Circle),
];

#[derive(Clone, Copy)]
enum Shape {
    Diamond,
    Circle,
    Square,
    Triangle,
    Ring,
    Cross,
}

impl Shape {
    fn at(self, x: f64, y: f64, colour: &str) -> String {
        match self {
            Self::Diamond => format!(
                "<path d='M{x:.1} {:.1}l7 7l-7 7l-7 -7z' fill='{colour}' stroke='#fff'/>",
                y - 7.0
            ),
            Self::Circle => format!("<circle cx='{x:.1}' cy='{y:.1}' r='4' fill='{colour}'/>"),
            Self::Square => format!(
                "<rect x='{:.1}' y='{:.1}' width='7' height='7' fill='{colour}'/>",
                x - 3.5,
                y - 3.5
            ),
            Self::Triangle => {
                format!("<path d='M{x:.1} {:.1}l4.5 8h-9z' fill='{colour}'/>", y - 5.0)
            }
            Self::Ring => format!(
                "<circle cx='{x:.1}' cy='{y:.1}' r='3.5' fill='none' stroke='{colour}' stroke-width='2'/>"
            ),
            Self::Cross => format!(
                "<path d='M{:.1} {:.1}l7 7m0 -7l-7 7' stroke='{colour}' stroke-width='2.2'/>",
                x - 3.5,
                y - 3.5
            ),
        }
    }
}

fn mark(name: &str) -> (&'static str, Shape) {
    let known = MARKS.iter().find(|(other, ..)| *other == name);
    let (_, colour, shape) = known.unwrap_or(&MARKS[MARKS.len() - 1]);
    (colour, *shape)
}

/// Where a ratio lies; those beyond the scale lie at its ends.
fn place(ratio: f64) -> f64 {
    let part = (ratio.clamp(LOW, HIGH) / LOW).ln() / (HIGH / LOW).ln();
    MARGIN + LABELS + part * PLOT
}

fn words(x: f64, y: f64, more: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x='{x:.1}' y='{y:.1}' {more}>{text}</text>\n")
}

pub fn text(run: &Run, which: Which) -> String {
    let rows: Vec<&Row> =
        run.rows.iter().filter(|row| which == Which::All || row.case.quick).collect();
    let bottom = TOP + rows.len() as f64 * LINE;
    let height = bottom + 52.0;
    let title = format!("{}: ratio to memcpy", run.setting.title());
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' \
         height='{height}' font-family='system-ui, sans-serif' font-size='12' fill='#222'>\n\
         <title>{title}</title>\n\
         <rect width='{WIDTH}' height='{height}' rx='6' fill='#fff'/>\n"
    );
    svg += &words(MARGIN, 30.0, "font-size='17' font-weight='600'", &title);
    let what = "memcpy's time for as many dense bytes, over the time of the copy. The scale is logarithmic: further right is faster.";
    svg += &words(MARGIN, 48.0, "fill='#555'", what);
    svg += &legend(run);
    svg += &scale(bottom);
    for (i, row) in rows.iter().enumerate() {
        let y = TOP + (i as f64 + 0.5) * LINE;
        let is_first = i == 0 || rows[i - 1].case.family != row.case.family;
        svg += &line(run, row, y, which == Which::All && is_first);
    }
    let machine = &run.machine;
    let on = format!("{}, {}, kernels: {}", machine.date, machine.cpu, machine.level);
    svg += &words(MARGIN, bottom + 30.0, "fill='#555' font-size='10.5'", &on);
    svg += &words(MARGIN, bottom + 44.0, "fill='#555' font-size='10.5'", &run.versions());
    svg + "</svg>\n"
}

fn legend(run: &Run) -> String {
    let mut text = String::new();
    let mut x = MARGIN + 7.0;
    let copies = run.names.iter().zip(&run.copies).filter(|(_, copies)| **copies);
    for (name, _) in copies {
        let (colour, shape) = mark(name);
        text += &shape.at(x, 70.0, colour);
        text += &words(x + 12.0, 74.0, "", name);
        x += 40.0 + 7.0 * name.len() as f64;
    }
    text
}

fn scale(bottom: f64) -> String {
    let mut text = String::new();
    for tick in [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0] {
        let x = place(tick);
        let colour = if tick == 1.0 { "#222" } else { "#e3e3e3" };
        text += &format!("<path d='M{x:.1} {TOP}V{bottom}' stroke='{colour}'/>\n");
        let label = if tick == 1.0 { "memcpy".into() } else { tick.to_string() };
        text += &words(x, TOP - 6.0, "text-anchor='middle' font-size='10.5' fill='#555'", &label);
    }
    text
}

fn line(run: &Run, row: &Row, y: f64, begins_family: bool) -> String {
    let mut text = String::new();
    let (left, right) = (MARGIN + LABELS, MARGIN + LABELS + PLOT);
    if begins_family {
        let top = y - LINE / 2.0;
        text += &format!("<path d='M{MARGIN} {top:.1}H{right}' stroke='#999'/>\n");
    }
    text += &format!("<path d='M{left} {y:.1}H{right}' stroke='#f0f0f0'/>\n");
    let label = format!("{} {}", row.case.family, row.case.name);
    text += &words(left - 12.0, y + 4.0, "text-anchor='end'", &label);
    // Ours last, on top of the others.
    let others = (OURS + 1..run.names.len()).filter(|place| run.copies[*place]).chain([OURS]);
    for place_of in others {
        let Some(ratio) = row.to_memcpy(place_of) else { continue };
        let (colour, shape) = mark(run.names[place_of]);
        text += &shape.at(place(ratio), y, colour);
        text += "\n";
    }
    text
}
