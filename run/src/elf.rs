//! The properties of an ELF file that decide whether a preload works.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use goblin::elf::Elf;
use goblin::elf::program_header::PT_TLS;

/// The properties of a program's file.
#[derive(Debug, PartialEq, Eq)]
pub struct Binary {
    /// The path of its dynamic linker; `None` if it is fully statically linked.
    pub loader: Option<String>,
    /// The names of the libraries that it needs.
    pub needed: Vec<String>,
    /// Whether it exports libpython's functions.
    pub exports_python: bool,
    /// Whether these are those of CPython 3.8 or later.
    pub exports_supported_python: bool,
}

/// The class, byte order and machine of a binary.
pub fn machine(file: &[u8]) -> Option<(u8, u8, [u8; 2])> {
    match file {
        [0x7f, b'E', b'L', b'F', class, order, rest @ ..] => {
            Some((*class, *order, rest.get(12..14)?.try_into().ok()?))
        }
        _ => None,
    }
}

impl Binary {
    /// `None` if the file is damaged.
    pub fn parse(file: &[u8]) -> Option<Self> {
        let elf = Elf::parse(file).ok()?;
        Some(Self {
            loader: elf.interpreter.map(ToString::to_string),
            needed: elf.libraries.iter().map(ToString::to_string).collect(),
            exports_python: exports(&elf, "PyObject_GetBuffer"),
            exports_supported_python: exports(&elf, "Py_InitializeFromConfig"),
        })
    }
}

/// The properties of a dynamic linker's file.
#[derive(Default)]
pub struct Loader {
    /// Whether it is glibc's: it exports a variable that glibc's libc.so.6 needs.
    pub is_glibc: bool,
    /// Whether it calls audit libraries for bindings at load time too. glibc does since 2.35, which is recognised
    /// by a public variable that is new in that version.
    pub binds_all_by_audit: bool,
}

/// Reads the properties of a dynamic linker's file.
pub fn loader(file: &[u8]) -> Loader {
    let Ok(elf) = Elf::parse(file) else { return Loader::default() };
    Loader {
        is_glibc: exports(&elf, "_rtld_global"),
        binds_all_by_audit: exports(&elf, "__rseq_offset"),
    }
}

/// The size of a library's thread-local memory in bytes, the padding for its alignment included.
pub fn thread_local_size(file: &[u8]) -> usize {
    let Ok(elf) = Elf::parse(file) else { return 0 };
    let headers = elf.program_headers.iter().filter(|header| header.p_type == PT_TLS);
    headers.map(|header| (header.p_memsz + header.p_align) as usize).sum()
}

fn exports(elf: &Elf, name: &str) -> bool {
    elf.dynsyms
        .iter()
        .any(|symbol| symbol.st_shndx != 0 && elf.dynstrtab.get_at(symbol.st_name) == Some(name))
}
