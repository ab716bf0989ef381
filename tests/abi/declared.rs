//! What a C header declares of the buffer protocol, as clang sees it.
//!
//! bindgen writes Rust, and that is read here with syn. Names of parameters are dropped, and Rust's
//! paths shortened (`::std::os::raw::c_int` to `c_int`), so that two headers can be compared as text.

use std::collections::BTreeMap;
use std::path::Path;

use syn::{Expr, ForeignItem, GenericArgument, Item, Lit, PathArguments, ReturnType, Type};

use super::libclang::builtin_headers;

const TYPES: &str = "Py_ssize_t|Py_buffer|bufferinfo|PyBufferProcs|getbufferproc|releasebufferproc|\
                     PyObject|_object|PyVarObject|PyTypeObject|_typeobject|destructor|freefunc|\
                     pybuffer_rule|pybuffer_finding|pybuffer_report|\
                     pybuffer_frame|pybuffer_holder|\
                     pybuffer_format_info|pybuffer_format_field|\
                     DLDevice|DLDataType|DLTensor|DLManagedTensor|DLPackVersion|DLManagedTensorVersioned";
const FUNCTIONS: &str = "(PyBuffer|PyObject|PyMemoryView)_[A-Za-z_]+|pybuffer_.*";
/// What Python.h has as well.
const CONSTANTS: &str = "PyBUF_.*";
/// All that can be compiled into a program; the version may change.
const ALL_CONSTANTS: &str = "PyBUF_.*|PYBUFFER_.*|Py_TPFLAGS_DEFAULT";
const VERSIONS: &str = "PYBUFFER_VERSION.*";

/// Tags of structs, which some headers use where others use the typedef.
const TAGS: [(&str, &str); 3] =
    [("_object", "PyObject"), ("_typeobject", "PyTypeObject"), ("bufferinfo", "Py_buffer")];

/// The declarations of one header.
#[derive(Default)]
pub struct Declared {
    pub constants: BTreeMap<String, u64>,
    /// The signatures, `fn(*mut PyObject) -> c_int`.
    pub functions: BTreeMap<String, String>,
    /// What the typedefs stand for.
    pub aliases: BTreeMap<String, String>,
    /// By the names of their typedefs.
    pub structs: BTreeMap<String, Struct>,
}

/// The layout of a struct.
#[derive(Default)]
pub struct Struct {
    pub size: u64,
    pub alignment: u64,
    pub fields: Vec<Field>,
}

/// A member of a struct.
pub struct Field {
    pub name: String,
    pub type_: String,
    pub offset: u64,
}

impl Declared {
    /// Reads `#include <header>` with this folder on the include path and these macros defined.
    pub fn by(header: &str, folder: &Path, defines: &[&str]) -> Self {
        Self::with_constants(header, folder, defines, CONSTANTS)
    }

    /// The same of libpybuffer.h, and what that alone has.
    pub fn all_by(folder: &Path, defines: &[&str]) -> Self {
        Self::with_constants("libpybuffer.h", folder, defines, ALL_CONSTANTS)
    }

    fn with_constants(header: &str, folder: &Path, defines: &[&str], constants: &str) -> Self {
        let folder = folder.to_str().unwrap();
        let bindings = bindgen::Builder::default()
            .header_contents("unit.h", &format!("#include <{header}>\n"))
            .clang_args(["-isystem", builtin_headers().to_str().unwrap(), "-I", folder])
            .clang_args(defines.iter().map(|define| format!("-D{define}")))
            .allowlist_type(TYPES)
            .allowlist_function(FUNCTIONS)
            .allowlist_var(constants)
            .blocklist_item(VERSIONS)
            .allowlist_recursively(false)
            .generate_comments(false)
            .formatter(bindgen::Formatter::None)
            .generate()
            .unwrap_or_else(|error| panic!("<{header}> in {folder}: {error}"));
        let mut declared = Self::default();
        for item in syn::parse_file(&bindings.to_string()).unwrap().items {
            declared.add(item);
        }
        declared
    }

    fn add(&mut self, item: Item) {
        match item {
            Item::Const(item) if item.ident == "_" => self.add_layout(&item.expr),
            Item::Const(item) => {
                self.constants.insert(item.ident.to_string(), integer(&item.expr));
            }
            Item::Type(item) => {
                self.aliases.insert(item.ident.to_string(), describe(&item.ty));
            }
            Item::ForeignMod(block) => {
                for item in block.items {
                    let ForeignItem::Fn(function) = item else { panic!("not a function") };
                    let types = function.sig.inputs.iter().map(|input| match input {
                        syn::FnArg::Typed(typed) => describe(&typed.ty),
                        syn::FnArg::Receiver(_) => panic!("a method in C"),
                    });
                    let signature = signature(types, &function.sig.output);
                    self.functions.insert(function.sig.ident.to_string(), signature);
                }
            }
            Item::Struct(item) => {
                let layout = self.structs.entry(typedef(&item.ident.to_string())).or_default();
                layout.fields = item
                    .fields
                    .iter()
                    .map(|field| Field {
                        name: field.ident.as_ref().unwrap().to_string(),
                        type_: describe(&field.ty),
                        offset: u64::MAX,
                    })
                    .collect();
            }
            _ => {}
        }
    }

    /// bindgen's own test of a layout: `["Size of T"][size_of::<T>() - 80usize];`, and
    /// `["Offset of field: T::f"][offset_of!(T, f) - 8usize];`, each behind its struct.
    fn add_layout(&mut self, expr: &Expr) {
        let Expr::Block(block) = expr else { panic!("not a block") };
        for statement in &block.block.stmts {
            let syn::Stmt::Expr(Expr::Index(test), _) = statement else { panic!("not an index") };
            let Expr::Array(what) = &*test.expr else { panic!("not an array") };
            let Expr::Lit(syn::ExprLit { lit: Lit::Str(what), .. }) = &what.elems[0] else {
                panic!("not a text")
            };
            let Expr::Binary(difference) = &*test.index else { panic!("not a difference") };
            let number = integer(&difference.right);
            let what = what.value();
            if let Some(name) = what.strip_prefix("Size of ") {
                self.structs.entry(typedef(name)).or_default().size = number;
            } else if let Some(name) = what.strip_prefix("Alignment of ") {
                self.structs.entry(typedef(name)).or_default().alignment = number;
            } else if let Some(path) = what.strip_prefix("Offset of field: ") {
                let (name, field) = path.split_once("::").unwrap();
                // A union is no struct, and its members are not compared.
                let fields =
                    self.structs.get_mut(&typedef(name)).map_or(&mut [][..], |s| &mut s.fields);
                fields.iter_mut().filter(|f| f.name == field).for_each(|f| f.offset = number);
            }
        }
    }
}

fn typedef(name: &str) -> String {
    TAGS.iter().find(|(tag, _)| *tag == name).map_or(name, |(_, typedef)| typedef).to_owned()
}

fn integer(expr: &Expr) -> u64 {
    match expr {
        Expr::Lit(syn::ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().unwrap(),
        _ => panic!("not an integer"),
    }
}

fn describe(ty: &Type) -> String {
    match ty {
        Type::Ptr(pointer) => {
            let constness = if pointer.const_token.is_some() { "const" } else { "mut" };
            format!("*{constness} {}", describe(&pointer.elem))
        }
        Type::Path(path) => {
            let last = path.path.segments.last().unwrap();
            match &last.arguments {
                // Option<fn>: every function pointer of C may be null.
                PathArguments::AngleBracketed(arguments) => match &arguments.args[0] {
                    GenericArgument::Type(ty) => describe(ty),
                    _ => panic!("not a type"),
                },
                _ => typedef(&last.ident.to_string()),
            }
        }
        Type::BareFn(function) => {
            signature(function.inputs.iter().map(|input| describe(&input.ty)), &function.output)
        }
        Type::Array(array) => format!("[{}; {}]", describe(&array.elem), integer(&array.len)),
        _ => panic!("a type that no declaration of the buffer protocol has"),
    }
}

fn signature(parameters: impl Iterator<Item = String>, output: &ReturnType) -> String {
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    match output {
        ReturnType::Default => format!("fn({parameters})"),
        ReturnType::Type(_, ty) => format!("fn({parameters}) -> {}", describe(ty)),
    }
}
