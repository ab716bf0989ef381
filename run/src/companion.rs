//! The companion of a statically linked python: a library that `LD_AUDIT` names.
//!
//! Such a python holds libpython's functions in its executable, which comes before every preloaded
//! library, so a preload alone changes nothing. But the dynamic linker asks an audit library about each
//! binding of a call (`la_symbind`) and takes the address that it answers. This one answers with the
//! function of the same name in the libpybuffer.so of the program's own namespace, which `LD_PRELOAD` has
//! brought there. It lives in a namespace of its own, holds no engine and calls nobody, not even libc.
//!
//! Under a shared libpython the preloaded functions come first, so nothing is asked: calls are redirected
//! only where they would go to an object with a libpython in it.
//!
//! glibc before 2.35 asks about calls that are bound when they are made, and about `dlsym`; but Python loads
//! its extensions to be bound at once (`RTLD_NOW`), so the command refuses there. No glibc asks for addresses
//! that are not called through the PLT (`-fno-plt`).

use core::ffi::{CStr, c_char, c_long, c_uint};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// The dynamic linker's record of an object, as far as it is public (`<link.h>`).
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
/// The newest version of the interface that this was written for: glibc 2.35's.
const NEWEST: c_uint = 2;
/// What a libpython has: a library with some of the same functions is the user's own choice, and stays.
const HOST_HAS: &CStr = c"Py_IncRef";
/// What the library's files are called.
const LIBRARY: &[u8] = b"libpybuffer.so";

/// The libpybuffer.so of the program, once it is there.
static LIBPYBUFFER: AtomicPtr<LinkMap> = AtomicPtr::new(ptr::null_mut());

/// Agrees on a version of the interface.
#[unsafe(no_mangle)]
pub extern "C" fn la_version(version: c_uint) -> c_uint {
    if version < NEWEST { version } else { NEWEST }
}

/// Says for which objects bindings are of interest: from all of the program's own objects, to those
/// that are, or contain, a libpython.
///
/// # Safety
/// Called by the dynamic linker, with an object that is mapped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn la_objopen(
    map: *mut LinkMap,
    namespace: c_long,
    cookie: *mut usize,
) -> c_uint {
    // SAFETY: the dynamic linker's variable (caller).
    unsafe { *cookie = map.addr() };
    if namespace != LM_ID_BASE {
        return 0;
    }
    // SAFETY: the dynamic linker's (caller).
    let object = unsafe { &*map };
    // SAFETY: a name of the dynamic linker's is a C string.
    if unsafe { is_library(object.name) } {
        // The first is the one that answers. Its own calls and look-ups go where it wants them.
        let none = ptr::null_mut();
        let _ = LIBPYBUFFER.compare_exchange(none, map, Ordering::AcqRel, Ordering::Acquire);
        return 0;
    }
    // SAFETY: mapped (caller).
    match unsafe { Names::of(object) } {
        // SAFETY: as above.
        Some(names) if unsafe { names.find(HOST_HAS.as_ptr()) }.is_none() => LA_FLG_BINDFROM,
        _ => LA_FLG_BINDFROM | LA_FLG_BINDTO,
    }
}

/// Where a call goes: to libpybuffer, if it has a function of that name.
///
/// # Safety
/// Called by the dynamic linker.
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
    // SAFETY: the caller's promise is the callee's.
    unsafe { bind(symbol, from, flags, name) }
}

/// Where a call goes: to libpybuffer, if it has a function of that name.
///
/// # Safety
/// Called by the dynamic linker.
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
    // SAFETY: the caller's promise is the callee's.
    unsafe { bind(symbol, from, flags, name) }
}

/// # Safety
/// As for `la_symbind64`.
unsafe fn bind(
    symbol: *mut Symbol,
    from: *mut usize,
    flags: *mut c_uint,
    name: *const c_char,
) -> usize {
    // Only the binding is of interest, not each call.
    // SAFETY: the dynamic linker's variable (caller).
    unsafe { *flags |= LA_SYMB_NOPLTENTER | LA_SYMB_NOPLTEXIT };
    // SAFETY: the dynamic linker's symbol (caller).
    let found = unsafe { (*symbol).value };
    // SAFETY: null, or an object that stays, as a preloaded one does.
    let Some(library) = (unsafe { LIBPYBUFFER.load(Ordering::Acquire).as_ref() }) else {
        return found;
    };
    // What the library itself looks up by dlsym is asked about too, whatever was said of it before.
    // SAFETY: the dynamic linker's variable (caller), set by `la_objopen`.
    if unsafe { *from } == ptr::from_ref(library).addr() {
        return found;
    }
    // SAFETY: mapped.
    let names = unsafe { Names::of(library) };
    // SAFETY: as above; the name is a C string (caller).
    names.and_then(|names| unsafe { names.find(name) }).unwrap_or(found)
}

/// Whether a path's last part is the name of the library.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn is_library(path: *const c_char) -> bool {
    if path.is_null() {
        return false;
    }
    let mut part = path.cast::<u8>();
    let mut at = part;
    // SAFETY: the path ends in its NUL (caller).
    while unsafe { *at } != 0 {
        // SAFETY: as above.
        let is_slash = unsafe { *at } == b'/';
        at = at.wrapping_add(1);
        if is_slash {
            part = at;
        }
    }
    LIBRARY.iter().all(|expected| {
        // SAFETY: no further than the NUL, which differs from every letter.
        let is_same = unsafe { *part } == *expected;
        part = part.wrapping_add(1);
        is_same
    })
}

/// The names that an object exports, by its GNU hash table.
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
    /// `None` if there is no such table.
    ///
    /// # Safety
    /// The object is mapped.
    unsafe fn of(object: &LinkMap) -> Option<Self> {
        // Most loaders have added the address to what the section says, some have not.
        let at = |value: usize| if value < object.addr { object.addr + value } else { value };
        let (mut symbols, mut strings, mut hash) = (0, 0, 0);
        let mut entry = object.dynamic;
        if entry.is_null() {
            return None;
        }
        // SAFETY: the section ends in a tag of 0.
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
        // SAFETY: the table's head of four words.
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

    /// The address of what the object exports under a name.
    ///
    /// # Safety
    /// The object is mapped, and `name` is a C string.
    unsafe fn find(&self, name: *const c_char) -> Option<usize> {
        let name = name.cast::<u8>();
        // SAFETY: a C string (caller).
        let hash = unsafe { gnu_hash(name) };
        let bucket = self.buckets.wrapping_add(hash.checked_rem(self.n_buckets)? as usize);
        // SAFETY: a bucket of the table.
        let mut index = unsafe { *bucket };
        while index >= self.first_symbol {
            let chain = self.chains.wrapping_add((index - self.first_symbol) as usize);
            // SAFETY: each symbol of a bucket has an entry, up to the one whose lowest bit is set.
            let of_symbol = unsafe { *chain };
            // SAFETY: the index of a symbol.
            let symbol = unsafe { &*self.symbols.wrapping_add(index as usize) };
            let its_name = self.strings.wrapping_add(symbol.name as usize);
            // SAFETY: two C strings.
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

/// # Safety
/// `text` is a C string.
unsafe fn gnu_hash(mut text: *const u8) -> u32 {
    let mut hash = 5381_u32;
    loop {
        // SAFETY: no further than the NUL (caller).
        let byte = unsafe { *text };
        if byte == 0 {
            return hash;
        }
        hash = hash.wrapping_mul(33).wrapping_add(byte.into());
        text = text.wrapping_add(1);
    }
}

/// # Safety
/// Both are C strings.
unsafe fn is_same(mut a: *const u8, mut b: *const u8) -> bool {
    loop {
        // SAFETY: no further than the first NUL (caller).
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
