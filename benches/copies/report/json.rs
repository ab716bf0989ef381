//! The run as JSON: every median in nanoseconds, and all that is needed to repeat a case.

use serde_json::{Map, Value, json};

use super::{OURS, Row, Run};
use crate::cases::Call;

pub fn text(run: &Run) -> String {
    let implementations: Vec<Value> = run
        .names
        .iter()
        .zip(&run.versions)
        .map(|(name, version)| json!({ "name": name, "version": version }))
        .collect();
    let cases: Vec<String> = run.rows.iter().map(|row| format!("    {}", case(run, row))).collect();
    let about = json!({
        "machine": run.machine,
        "implementations": implementations,
        "left_out": run.left_out,
    });
    // A line for each case.
    let about = format!("{about:#}");
    format!("{},\n  \"cases\": [\n{}\n  ]\n}}\n", about.trim_end_matches("\n}"), cases.join(",\n"))
}

fn case(run: &Run, row: &Row) -> Value {
    let case = &row.case;
    let nanoseconds: Map<String, Value> = run
        .names
        .iter()
        .zip(&row.seconds)
        .filter_map(|(name, seconds)| {
            Some(((*name).to_owned(), json!(((*seconds)? * 1e10).round() / 10.0)))
        })
        .collect();
    let call = match case.call {
        Call::To(order) => format!("PyBuffer_ToContiguous {order}"),
        Call::From(order) => format!("PyBuffer_FromContiguous {order}"),
        Call::CopyData => "PyObject_CopyData".into(),
    };
    json!({
        "family": case.family,
        "case": case.name,
        "call": call,
        "itemsize": case.item,
        "shape": case.shape,
        "src_strides": case.src,
        "dst_strides": case.dst,
        "row_pointers": case.row_pointers,
        "bytes": case.len(),
        "ns": nanoseconds,
        "ours/memcpy": row.to_memcpy(OURS).map(|ratio| (ratio * 1e4).round() / 1e4),
    })
}
