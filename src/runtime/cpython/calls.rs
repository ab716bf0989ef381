//! Finds which function the host reaches when it calls one that it defines itself.
//!
//! If other libraries can interpose a libpython's functions, it calls them through its global offset table,
//! whose entries its relocations name. If they cannot (a static executable, an optimised build), there is no
//! such entry, and the calls are direct. Return addresses would not show the difference: a call at the end of
//! a function is compiled to a jump, so that the called function returns to a caller further up.

use core::ffi::{CStr, c_char, c_void};
use core::ptr;

use crate::runtime::images::{self, Loaded};

const WORD: usize = size_of::<usize>();
/// The size of a symbol table's entry.
const SYMBOL: usize = if WORD == 8 { 24 } else { 16 };
/// The type of the relocations for entries of the global offset table that are used for more than calls. On an
/// architecture that is not listed only the entries for calls are found.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
const GLOB_DAT: usize = 6;
#[cfg(target_arch = "aarch64")]
const GLOB_DAT: usize = 1025;
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
const GLOB_DAT: usize = usize::MAX;

/// The addresses of the global offset table entries through which the image that contains `function` calls the
/// functions of these names; 0 where there is no entry.
pub fn entries<const N: usize>(function: *const c_void, names: &[&CStr; N]) -> [usize; N] {
    let mut found = [0; N];
    images::each(&mut |image| {
        let is_here = image.contains(function.addr());
        if is_here && let Some(relocations) = Relocations::of(image) {
            relocations.find(names, &mut found);
        }
        is_here
    });
    found
}

/// The relocations of an image, and the tables that they refer to.
#[derive(Default)]
struct Relocations {
    shift: usize,
    symbols: usize,
    strings: usize,
    /// Address, size and entry size of the tables with and without addends (`DT_RELA`, `DT_REL`).
    of_data: [[usize; 3]; 2],
    /// The same of the table for calls (`DT_JMPREL`).
    of_calls: [usize; 3],
}

impl Relocations {
    fn of(image: &Loaded) -> Option<Self> {
        let shift = image.shift;
        // Most dynamic linkers add the load bias to the addresses in the dynamic section; some do not.
        let at = |value: usize| if value < shift { shift.wrapping_add(value) } else { value };
        let [mut entry, ..] = image.segments(images::DYNAMIC).next()?;
        let mut this = Self { shift, ..Self::default() };
        let [[rela, rela_size, rela_entry], [rel, rel_size, rel_entry]] = &mut this.of_data;
        let [calls, calls_size, calls_entry] = &mut this.of_calls;
        (*rela_entry, *rel_entry) = (3 * WORD, 2 * WORD);
        loop {
            // SAFETY: the dynamic section is an array of pairs that ends with a tag of 0.
            let [tag, value] = unsafe { *ptr::with_exposed_provenance::<[usize; 2]>(entry) };
            match tag {
                0 => break,
                2 => *calls_size = value,
                5 => this.strings = at(value),
                6 => this.symbols = at(value),
                7 => *rela = at(value),
                8 => *rela_size = value,
                17 => *rel = at(value),
                18 => *rel_size = value,
                20 => *calls_entry = if value == 7 { 3 * WORD } else { 2 * WORD },
                23 => *calls = at(value),
                _ => {}
            }
            entry = entry.wrapping_add(2 * WORD);
        }
        (this.strings != 0 && this.symbols != 0).then_some(this)
    }

    fn find<const N: usize>(&self, names: &[&CStr; N], found: &mut [usize; N]) {
        let [rela, rel] = self.of_data;
        // The table for calls comes last: if it has an entry, that one is used.
        for (table, is_of_calls) in [(rela, false), (rel, false), (self.of_calls, true)] {
            let [start, size, entry] = table;
            for at in (start..start.wrapping_add(size)).step_by(entry.max(WORD)) {
                // SAFETY: each entry of the table begins with these two words.
                let [offset, info] = unsafe { *ptr::with_exposed_provenance::<[usize; 2]>(at) };
                let (symbol, kind) = if WORD == 8 {
                    (info.wrapping_shr(32), info & 0xffff_ffff)
                } else {
                    (info.wrapping_shr(8), info & 0xff)
                };
                if !is_of_calls && kind != GLOB_DAT {
                    continue;
                }
                let name = self.name(symbol);
                for (place, _) in found.iter_mut().zip(names).filter(|(_, wanted)| **wanted == name)
                {
                    *place = self.shift.wrapping_add(offset);
                }
            }
        }
    }

    fn name(&self, symbol: usize) -> &CStr {
        let symbol = self.symbols.wrapping_add(symbol.wrapping_mul(SYMBOL));
        // SAFETY: an entry of the symbol table begins with the offset of its name.
        let name = unsafe { *ptr::with_exposed_provenance::<u32>(symbol) };
        let name = self.strings.wrapping_add(name as usize);
        // SAFETY: a C string in the string table.
        unsafe { CStr::from_ptr(ptr::with_exposed_provenance::<c_char>(name)) }
    }
}
