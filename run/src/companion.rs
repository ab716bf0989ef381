//! The companion for statically linked pythons: a library that `LD_AUDIT` names.
//!
//! Such a python contains libpython's functions in its executable, which precedes every preloaded library in
//! symbol look-ups, so a preload alone changes nothing. But the dynamic linker calls an audit library for each
//! symbol binding (`la_symbind`) and uses the address that it returns. The companion returns the function of the
//! same name in the libpybuffer.so that `LD_PRELOAD` has loaded into the program's namespace. The companion
//! itself is in a namespace of its own. It contains none of libpybuffer's functions and calls no other library,
//! not even libc.
//!
//! Under a shared libpython the preloaded functions are found first. Nothing is redirected then, because only
//! bindings to an object that contains a libpython are.
//!
//! glibc before 2.35 calls `la_symbind` only for lazy bindings and for `dlsym`. But Python loads its extensions
//! with `RTLD_NOW`, which binds them at once, so the command refuses to run there. No glibc calls it for
//! references that do not go through the PLT (`-fno-plt`).

use core::ffi::{CStr, c_char, c_long, c_uint};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// The public part of the dynamic linker's record of an object (`<link.h>`).
#[repr(C)]
pub struct LinkMap {
    addr: usize,
    name: *const c_char,
    dynamic: *const Dynamic,
    next: *mut LinkMap,
    previous: *mut LinkMap,
}

/// An entry of an object's dynamic section.
#[repr(C)]
struct Dynamic {
    tag: isize,
    value: usize,
}

/// An entry of a symbol table.
#[cfg(target_pointer_width = "64")]
#[repr(C)]
pub struct Symbol {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: usize,
    size: u64,
}

/// An entry of a symbol table.
#[cfg(target_pointer_width = "32")]
#[repr(C)]
pub struct Symbol {
    name: u32,
    value: usize,
    size: u32,
    info: u8,
    other: u8,
    section: u16,
}

const DT_STRTAB: isize = 5;
const DT_SYMTAB: isize = 6;
const DT_GNU_HASH: isize = 0x6fff_fef5;
const LM_ID_BASE: c_long = 0;
const LA_FLG_BINDTO: c_uint = 1;
const LA_FLG_BINDFROM: c_uint = 2;
const LA_SYMB_NOPLTENTER: c_uint = 1;
const LA_SYMB_NOPLTEXIT: c_uint = 2;
/// The newest version of the audit interface that is supported: that of glibc 2.35.
const NEWEST: c_uint = 2;
/// The name by which a libpython is recognised. A library that defines only some of the buffer functions is the
/// user's choice, and calls of it are not redirected.
const HOST_HAS: &CStr = c"Py_IncRef";
/// The beginning of the library's file name.
const LIBRARY: &[u8] = b"libpybuffer.so";

/// The libpybuffer.so in the program's namespace, once it is loaded; null until then.
static LIBPYBUFFER: AtomicPtr<LinkMap> = AtomicPtr::new(ptr::null_mut());

/// Returns the version of the interface to be used: the dynamic linker's, or ours if that is older.
#[unsafe(no_mangle)]
pub extern "C" fn la_version(version: c_uint) -> c_uint {
    if version < NEWEST { version } else { NEWEST }
}

/// Selects the bindings for which `la_symbind` is called: from all objects of the program's namespace, to those
/// that are or contain a libpython.
///
/// # Safety
/// * LINKER: the dynamic linker calls it, with a mapped object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn la_objopen(
    map: *mut LinkMap,
    namespace: c_long,
    cookie: *mut usize,
) -> c_uint {
    // SAFETY: the dynamic linker's variable (caller: LINKER).
    unsafe { *cookie = map.addr() };
    if namespace != LM_ID_BASE {
        return 0;
    }
    // SAFETY: the dynamic linker's record (caller: LINKER).
    let object = unsafe { &*map };
    // SAFETY: an object's name is a C string.
    if unsafe { is_library(object.name) } {
        // The first one answers. Its own calls and look-ups are not redirected.
        let none = ptr::null_mut();
        let _ = LIBPYBUFFER.compare_exchange(none, map, Ordering::AcqRel, Ordering::Acquire);
        return 0;
    }
    // SAFETY: a mapped object (caller: LINKER).
    match unsafe { Names::of(object) } {
        // SAFETY: as above.
        Some(names) if unsafe { names.find(HOST_HAS.as_ptr()) }.is_none() => LA_FLG_BINDFROM,
        _ => LA_FLG_BINDFROM | LA_FLG_BINDTO,
    }
}

/// Returns the address to which a symbol is bound: libpybuffer's, if it defines a function of that name.
///
/// # Safety
/// * LINKER: the dynamic linker calls it.
#[cfg(target_pointer_width = "64")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn la_symbind64(
    symbol: *mut Symbol,
    _index: c_uint,
    from: *mut usize,
    _to: *mut usize,
    flags: *mut c_uint,
    name: *const c_char,
) -> usize {
    // SAFETY: the dynamic linker's arguments (caller: LINKER).
    unsafe { bind(symbol, from, flags, name) }
}

/// Returns the address to which a symbol is bound: libpybuffer's, if it defines a function of that name.
///
/// # Safety
/// * LINKER: the dynamic linker calls it.
#[cfg(target_pointer_width = "32")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn la_symbind32(
    symbol: *mut Symbol,
    _index: c_uint,
    from: *mut usize,
    _to: *mut usize,
    flags: *mut c_uint,
    name: *const c_char,
) -> usize {
    // SAFETY: the dynamic linker's arguments (caller: LINKER).
    unsafe { bind(symbol, from, flags, name) }
}

/// `la_symbind64` and `la_symbind32`.
///
/// # Safety
/// * LINKER: these are the dynamic linker's arguments.
unsafe fn bind(
    symbol: *mut Symbol,
    from: *mut usize,
    flags: *mut c_uint,
    name: *const c_char,
) -> usize {
    // The dynamic linker need not report each call through the PLT.
    // SAFETY: the dynamic linker's variable (caller: LINKER).
    unsafe { *flags |= LA_SYMB_NOPLTENTER | LA_SYMB_NOPLTEXIT };
    // SAFETY: the dynamic linker's symbol (caller: LINKER).
    let found = unsafe { (*symbol).value };
    // SAFETY: null, or a preloaded object, which is never unloaded.
    let Some(library) = (unsafe { LIBPYBUFFER.load(Ordering::Acquire).as_ref() }) else {
        return found;
    };
    // glibc reports the library's own look-ups by `dlsym` whatever `la_objopen` returned for it.
    // SAFETY: the dynamic linker's variable (caller: LINKER), which `la_objopen` has set.
    if unsafe { *from } == ptr::from_ref(library).addr() {
        return found;
    }
    // SAFETY: a mapped object.
    let names = unsafe { Names::of(library) };
    // SAFETY: a mapped object; the name is a C string (caller: LINKER).
    names.and_then(|names| unsafe { names.find(name) }).unwrap_or(found)
}

/// Whether a path's last component begins with the name of the library.
///
/// # Safety
/// * PATH: `path` is null or a C string.
unsafe fn is_library(path: *const c_char) -> bool {
    if path.is_null() {
        return false;
    }
    let mut part = path.cast::<u8>();
    let mut at = part;
    // SAFETY: the loop ends at the NUL (caller: PATH).
    while unsafe { *at } != 0 {
        // SAFETY: as above.
        let is_slash = unsafe { *at } == b'/';
        at = at.wrapping_add(1);
        if is_slash {
            part = at;
        }
    }
    LIBRARY.iter().all(|expected| {
        // SAFETY: not past the NUL, which differs from every character of `LIBRARY`.
        let is_same = unsafe { *part } == *expected;
        part = part.wrapping_add(1);
        is_same
    })
}

/// The exported names of an object, by its GNU hash table.
struct Names {
    base: usize,
    symbols: *const Symbol,
    strings: *const u8,
    n_buckets: u32,
    first_symbol: u32,
    buckets: *const u32,
    chains: *const u32,
}

impl Names {
    /// `None` if the object has no such table.
    ///
    /// # Safety
    /// * OBJECT: the object is mapped.
    unsafe fn of(object: &LinkMap) -> Option<Self> {
        // Most dynamic linkers have added the load address to the addresses in the section, some have not.
        let at = |value: usize| if value < object.addr { object.addr + value } else { value };
        let (mut symbols, mut strings, mut hash) = (0, 0, 0);
        let mut entry = object.dynamic;
        if entry.is_null() {
            return None;
        }
        // SAFETY: the dynamic section ends with a tag of 0 (caller: OBJECT).
        while unsafe { (*entry).tag } != 0 {
            // SAFETY: as above.
            let Dynamic { tag, value } = unsafe { &*entry };
            match *tag {
                DT_SYMTAB => symbols = at(*value),
                DT_STRTAB => strings = at(*value),
                DT_GNU_HASH => hash = at(*value),
                _ => {}
            }
            entry = entry.wrapping_add(1);
        }
        if symbols == 0 || strings == 0 || hash == 0 {
            return None;
        }
        let head = hash as *const u32;
        // SAFETY: the hash table begins with four words (caller: OBJECT).
        let [n_buckets, first_symbol, n_masks, _] = unsafe { head.cast::<[u32; 4]>().read() };
        let masks = head.wrapping_add(4).cast::<usize>();
        let buckets = masks.wrapping_add(n_masks as usize).cast::<u32>();
        Some(Self {
            base: object.addr,
            symbols: symbols as *const Symbol,
            strings: strings as *const u8,
            n_buckets,
            first_symbol,
            buckets,
            chains: buckets.wrapping_add(n_buckets as usize),
        })
    }

    /// The address of an exported name; `None` if the object does not export it.
    ///
    /// # Safety
    /// * OBJECT: the object is mapped.
    /// * NAME: `name` is a C string.
    unsafe fn find(&self, name: *const c_char) -> Option<usize> {
        let name = name.cast::<u8>();
        // SAFETY: a C string (caller: NAME).
        let hash = unsafe { gnu_hash(name) };
        let bucket = self.buckets.wrapping_add(hash.checked_rem(self.n_buckets)? as usize);
        // SAFETY: a bucket of the table (caller: OBJECT).
        let mut index = unsafe { *bucket };
        while index >= self.first_symbol {
            let chain = self.chains.wrapping_add((index - self.first_symbol) as usize);
            // SAFETY: each symbol of a bucket has an entry in the chain, whose last one has its lowest bit set.
            let of_symbol = unsafe { *chain };
            // SAFETY: the table gives the index of a symbol.
            let symbol = unsafe { &*self.symbols.wrapping_add(index as usize) };
            let its_name = self.strings.wrapping_add(symbol.name as usize);
            // SAFETY: two C strings (caller: OBJECT, NAME).
            if (of_symbol ^ hash) < 2 && symbol.section != 0 && unsafe { is_same(its_name, name) } {
                return Some(self.base.wrapping_add(symbol.value));
            }
            if of_symbol & 1 == 1 {
                break;
            }
            index = index.wrapping_add(1);
        }
        None
    }
}

/// The hash of a name in a GNU hash table.
///
/// # Safety
/// * TEXT: `text` is a C string.
unsafe fn gnu_hash(mut text: *const u8) -> u32 {
    let mut hash = 5381_u32;
    loop {
        // SAFETY: not past the NUL (caller: TEXT).
        let byte = unsafe { *text };
        if byte == 0 {
            return hash;
        }
        hash = hash.wrapping_mul(33).wrapping_add(byte.into());
        text = text.wrapping_add(1);
    }
}

/// Whether two C strings are equal.
///
/// # Safety
/// * TEXTS: both are C strings.
unsafe fn is_same(mut a: *const u8, mut b: *const u8) -> bool {
    loop {
        // SAFETY: not past the first NUL (caller: TEXTS).
        let of_a = unsafe { *a };
        // SAFETY: as above.
        let of_b = unsafe { *b };
        if of_a != of_b {
            return false;
        }
        if of_a == 0 {
            return true;
        }
        a = a.wrapping_add(1);
        b = b.wrapping_add(1);
    }
}
