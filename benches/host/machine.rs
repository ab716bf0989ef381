//! What a measurement is made on: the CPU, its caches, the level of the library's kernels, the day.

use std::fs;
use std::io;

use serde::Serialize;

#[derive(Serialize)]
pub struct Machine {
    pub cpu: String,
    pub caches: String,
    /// Of the kernels that the library chooses.
    pub level: &'static str,
    /// Year, month and day in UTC.
    pub date: String,
    pub library: String,
}

/// The levels and what `PYBUFFER_CPU` calls them, lowest first.
const LEVELS: [&str; 4] = ["generic", "sse", "avx2", "avx512"];

impl Machine {
    /// # Panics
    /// If `PYBUFFER_CPU` names no level: the library would take the highest one instead.
    pub fn new() -> Self {
        Self {
            cpu: cpu(),
            caches: caches(),
            level: level(),
            date: date(),
            library: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// The level named by `PYBUFFER_CPU`.
pub fn named_level() -> Option<&'static str> {
    let name = std::env::var("PYBUFFER_CPU").ok()?;
    let known = LEVELS.into_iter().find(|level| *level == name);
    Some(known.unwrap_or_else(|| panic!("PYBUFFER_CPU={name} is none of {LEVELS:?}")))
}

/// The levels that this CPU has, lowest first.
pub fn levels() -> &'static [&'static str] {
    &LEVELS[..=highest()]
}

fn level() -> &'static str {
    let place = |name| LEVELS.iter().position(|level| *level == name);
    let allowed = named_level().and_then(place).unwrap_or(LEVELS.len());
    LEVELS[highest().min(allowed)]
}

#[cfg(target_arch = "x86_64")]
fn highest() -> usize {
    use std::arch::is_x86_feature_detected as has;
    if has!("avx512vbmi") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
        3
    } else if has!("avx2") && has!("bmi2") {
        2
    } else {
        usize::from(has!("ssse3"))
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn highest() -> usize {
    0
}

/// The name that Linux gives it, and what tells apart the many of one name.
fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line =
            text.lines().find(|line| line.split(':').next().is_some_and(|k| k.trim() == key));
        line.and_then(|line| line.split(':').nth(1)).map(|value| value.trim().to_owned())
    };
    let name = value("model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    match (value("cpu family"), value("model")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    }
}

/// "L1d 48K, L2 2048K, L3 266240K".
fn caches() -> String {
    let mut caches = Vec::new();
    for index in 0..8 {
        let of = |name: &str| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}");
            fs::read_to_string(path).map(|text| text.trim().to_owned()).ok()
        };
        let (Some(level), Some(kind), Some(size)) = (of("level"), of("type"), of("size")) else {
            continue;
        };
        match kind.as_str() {
            "Data" => caches.push(format!("L{level}d {size}")),
            "Unified" => caches.push(format!("L{level} {size}")),
            _ => {}
        }
    }
    caches.join(", ")
}

fn date() -> String {
    let mut text = [0_u8; 16];
    // SAFETY: null asks for the value alone.
    let now = unsafe { libc::time(std::ptr::null_mut()) };
    // SAFETY: integers and pointers.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: a time, and room for its parts.
    unsafe { libc::gmtime_r(&raw const now, &raw mut parts) };
    let (start, room) = (text.as_mut_ptr().cast(), text.len());
    // SAFETY: room for so many bytes, a format, and parts of a time.
    let len = unsafe { libc::strftime(start, room, c"%Y-%m-%d".as_ptr(), &raw const parts) };
    String::from_utf8_lossy(&text[..len]).into_owned()
}

/// Keeps this thread on the CPU where it is now.
pub fn pin() {
    // SAFETY: takes nothing.
    let cpu = unsafe { libc::sched_getcpu() };
    // SAFETY: a set of bits; all zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: a CPU that this thread runs on is within the set.
    unsafe { libc::CPU_SET(cpu.try_into().expect("a CPU"), &mut set) };
    // SAFETY: the set and its size; 0 is this thread.
    let result = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    assert_eq!(result, 0, "this thread cannot be pinned: {}", io::Error::last_os_error());
}
