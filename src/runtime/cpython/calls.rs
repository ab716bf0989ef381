//! Who answers the host's own calls of functions that it defines itself.
//!
//! A libpython that lets other libraries take its functions over calls them through its global offset table,
//! whose entries its relocations name. One that does not (a static executable, an optimised build) has no
//! entry, and calls directly. No return address tells this: where an exporter or the interpreter ends in a
//! call, that is a jump, and the called function returns further up.

use core::ffi::{CStr, c_char, c_void};
use core::ptr;

use crate::runtime::images::{self, Loaded};

const WORD: usize = size_of::<usize>();
/// Of an entry of a symbol table, which begins with its name.
const SYMBOL: usize = if WORD == 8 { 24 } else { 16 };
/// The relocation of an entry of the table that is not only for calls. An architecture that is not listed
/// has the other ones alone.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
const GLOB_DAT: usize = 6;
#[cfg(target_arch = "aarch64")]
const GLOB_DAT: usize = 1025;
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
const GLOB_DAT: usize = usize::MAX;

/// Where the image around `function` has the addresses by which it calls functions of these names; 0 if it
/// has none.
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

/// What an image asks the dynamic linker to fill in.
#[derive(Default)]
struct Relocations {
    shift: usize,
    symbols: usize,
    strings: usize,
    /// Address and size of each table, and of its entries.
    of_data: [[usize; 3]; 2],
    of_calls: [usize; 3],
}

impl Relocations {
    fn of(image: &Loaded) -> Option<Self> {
        let shift = image.shift;
        // Most loaders have added it to what the section says, some have not.
        let at = |value: usize| if value < shift { shift.wrapping_add(value) } else { value };
        let [mut entry, ..] = image.segments(images::DYNAMIC).next()?;
        let mut this = Self { shift, ..Self::default() };
        let [[rela, rela_size, rela_entry], [rel, rel_size, rel_entry]] = &mut this.of_data;
        let [calls, calls_size, calls_entry] = &mut this.of_calls;
        (*rela_entry, *rel_entry) = (3 * WORD, 2 * WORD);
        loop {
            // SAFETY: the section is an array of pairs that ends in a tag of 0.
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
        // An entry for calls alone comes last, as it decides.
        for (table, is_of_calls) in [(rela, false), (rel, false), (self.of_calls, true)] {
            let [start, size, entry] = table;
            for at in (start..start.wrapping_add(size)).step_by(entry.max(WORD)) {
                // SAFETY: an entry of the table begins with these.
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
        // SAFETY: an entry of the symbol table, which begins with its name.
        let name = unsafe { *ptr::with_exposed_provenance::<u32>(symbol) };
        let name = self.strings.wrapping_add(name as usize);
        // SAFETY: a C string of the table of strings.
        unsafe { CStr::from_ptr(ptr::with_exposed_provenance::<c_char>(name)) }
    }
}
