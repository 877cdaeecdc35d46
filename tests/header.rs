//! The C header: it is what cbindgen makes of the sources, it declares what libzmq's header
//! declares, and every common dialect of C and C++ takes it.

use bindgen::callbacks::{IntKind, ParseCallbacks};
use quote::ToTokens;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

/// Where libzmq3-dev puts libzmq's header.
const REFERENCE: &str = "/usr/include/zmq.h";

/// What may differ, and why.
const DIFFERENCES: &[&str] = &[
    // This library is 4.3.5, Debian's reference is 4.3.4.
    "ZMQ_VERSION_PATCH",
    // An option of ours.
    "ZMQ_BUSY_WAIT",
    "ZMQ_REFUSE_OLD_PEERS",
    "ZMQ_MAX_HANDSHAKES",
    "ZMQ_MAX_SUBSCRIPTIONS",
    "ZMQ_MAX_TOPIC_SIZE",
];

fn include_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

// Generated only with the feature: a build does not need cbindgen.
#[cfg(feature = "header")]
#[test]
fn the_checked_in_header_is_the_generated_one() {
    let generated = include_str!(concat!(env!("OUT_DIR"), "/zmq.h"));
    let checked_in = std::fs::read_to_string(include_directory().join("zmq.h")).unwrap();
    assert!(
        generated == checked_in,
        "include/zmq.h is stale: run `make headers` and commit the result"
    );
}

#[test]
fn the_header_declares_what_the_reference_declares() {
    let (mut ours, mut reference) =
        (declarations(&include_directory().join("zmq.h")), declarations(Path::new(REFERENCE)));
    let functions = ours.keys().filter(|name| name.starts_with("fn zmq_")).count();
    assert_eq!(functions, 70);
    for name in DIFFERENCES {
        assert_ne!(ours.remove(*name), reference.remove(*name), "{name} is no difference");
    }
    let mut wrong = Vec::new();
    for (name, declaration) in &reference {
        let own = ours.get(name);
        if own != Some(declaration) {
            wrong.push(format!("{name}: {own:?} instead of {declaration:?}"));
        }
    }
    let surplus = ours.keys().filter(|name| !reference.contains_key(*name));
    wrong.extend(surplus.map(|name| format!("{name}: not in libzmq")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The values of the macros, and the declarations of the types and functions, by name.
fn declarations(header: &Path) -> BTreeMap<String, String> {
    let macros = Macros::default();
    let bindings = bindgen::Builder::default()
        .header(header.to_str().unwrap())
        .allowlist_item("(ZMQ|zmq)_.*|E[A-Z]+")
        .layout_tests(false)
        .generate_comments(false)
        .formatter(bindgen::Formatter::None)
        .parse_callbacks(Box::new(macros.clone()))
        .generate()
        .unwrap_or_else(|error| panic!("{}: {error}", header.display()))
        .to_string();
    let mut found = macros.0.take();
    for item in syn::parse_file(&bindings).unwrap().items {
        match item {
            syn::Item::Struct(item) => insert(&mut found, &item.ident, &item),
            syn::Item::Type(item) => insert(&mut found, &item.ident, &without_names(&item.ty)),
            syn::Item::ForeignMod(block) => {
                for function in block.items {
                    let syn::ForeignItem::Fn(function) = function else { continue };
                    let signature = signature(&function.sig);
                    found.insert(format!("fn {}", function.sig.ident), signature);
                }
            }
            _ => {}
        }
    }
    found
}

/// The macros that stand for integers, with their values.
#[derive(Debug, Clone, Default)]
struct Macros(Rc<RefCell<BTreeMap<String, String>>>);

impl ParseCallbacks for Macros {
    fn int_macro(&self, name: &str, value: i64) -> Option<IntKind> {
        if name.starts_with("ZMQ_") || name.starts_with('E') {
            self.0.borrow_mut().insert(name.to_owned(), value.to_string());
        }
        None
    }
}

fn insert(found: &mut BTreeMap<String, String>, name: &syn::Ident, item: &impl ToTokens) {
    found.insert(name.to_string(), item.to_token_stream().to_string());
}

/// The types of a function's arguments and of its answer; their names are ours to choose.
fn signature(signature: &syn::Signature) -> String {
    let arguments = signature.inputs.iter().map(|argument| match argument {
        syn::FnArg::Typed(argument) => argument.ty.to_token_stream().to_string(),
        syn::FnArg::Receiver(_) => String::new(),
    });
    let arguments: Vec<_> = arguments.collect();
    format!("({}) {}", arguments.join(", "), signature.output.to_token_stream())
}

/// A type in which the arguments of a function pointer have no names.
fn without_names(kind: &syn::Type) -> syn::Type {
    struct Eraser;
    impl syn::visit_mut::VisitMut for Eraser {
        fn visit_type_bare_fn_mut(&mut self, function: &mut syn::TypeBareFn) {
            function.inputs.iter_mut().for_each(|argument| argument.name = None);
        }
    }
    let mut kind = kind.clone();
    syn::visit_mut::VisitMut::visit_type_mut(&mut Eraser, &mut kind);
    kind
}

#[test]
fn the_header_defines_the_macros_of_the_reference() {
    let missing: Vec<_> = {
        let ours = macro_names(&include_directory().join("zmq.h"));
        let reference = macro_names(Path::new(REFERENCE));
        assert!(reference.len() > 150);
        reference.into_iter().filter(|name| !ours.contains(name)).collect()
    };
    assert!(missing.is_empty(), "{missing:?}");
}

/// The names of all macros, also of those that stand for nothing or take arguments.
fn macro_names(header: &Path) -> Vec<String> {
    let output = Command::new("cc").args(["-E", "-dM", "-xc"]).arg(header).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| {
        let end = |character: char| character.is_whitespace() || character == '(';
        line.strip_prefix("#define ")?.split(end).next()
    });
    names.filter(|name| name.starts_with("ZMQ_")).map(str::to_owned).collect()
}

#[test]
fn every_dialect_compiles_the_header_without_a_warning() {
    let program = "#include <zmq.h>\n#include <zmq_utils.h>\n\
        static void release (void *data, void *hint) { (void) data; (void) hint; }\n\
        zmq_free_fn *function = release;\nzmq_msg_t message;\n\
        #if ZMQ_VERSION != ZMQ_MAKE_VERSION(4, 3, 5)\n#error version\n#endif\n";
    for (compiler, language, dialects) in [
        ("cc", "c", &["c89", "c99", "c11", "gnu11"][..]),
        ("c++", "c++", &["c++98", "c++11", "c++17"][..]),
    ] {
        if Command::new(compiler).arg("--version").output().is_err() {
            // A machine with a C compiler alone is enough to build and check the library.
            assert_ne!(compiler, "cc", "there is no C compiler");
            continue;
        }
        for dialect in dialects {
            let mut child = Command::new(compiler)
                .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"])
                .args([format!("-std={dialect}"), format!("-x{language}"), "-".into()])
                .arg(format!("-I{}", include_directory().display()))
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
            assert!(child.wait().unwrap().success(), "{compiler} -std={dialect}");
        }
    }
}
