//! Names the shared library; with the feature `header`, generates the C header from `src/capi`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzmq.so.5");
    // Debuggers find the debug symbols, which are kept in another file, by it.
    println!("cargo:rustc-cdylib-link-arg=-Wl,--build-id=sha1");
    // The standard library registers destructors of thread-local variables with the C library, which takes
    // the lock of the loader for it: an I/O thread would wait for a library that is being unloaded, whose
    // destructor waits for it in zmq_ctx_term. Under this name nobody has the function, and a key of
    // pthread_key_create(3) serves instead. Its destructor must stay loaded as long as there are threads.
    println!("cargo:rustc-cdylib-link-arg=-Wl,--wrap=__cxa_thread_atexit_impl");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "header")]
    header::write()?;
    Ok(())
}

/// The header goes to the build's own directory; `tests/header.rs` fails if `include/zmq.h` is
/// something else. With `ZMQ_WRITE_HEADER` set (`make headers`) it is written there.
#[cfg(feature = "header")]
mod header {
    use std::env;
    use std::error::Error;
    use std::fs;
    use std::path::{Path, PathBuf};

    pub(super) fn write() -> Result<(), Box<dyn Error>> {
        println!("cargo:rerun-if-changed=cbindgen.toml");
        println!("cargo:rerun-if-changed=src/capi");
        println!("cargo:rerun-if-changed=src/numbers.rs");
        println!("cargo:rerun-if-changed=src/numbers");
        println!("cargo:rerun-if-env-changed=ZMQ_WRITE_HEADER");

        let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
        let header = generate(&root)?;
        fs::write(Path::new(&env::var("OUT_DIR")?).join("zmq.h"), &header)?;
        if env::var_os("ZMQ_WRITE_HEADER").is_some() {
            fs::write(root.join("include/zmq.h"), &header)?;
        }
        Ok(())
    }

    /// The files of `src/capi` that the header is made of, in its order.
    const SECTIONS: [&str; 14] = [
        "errno",
        "version",
        "../numbers",
        "context",
        "message",
        "socket",
        "monitor",
        "poll",
        "proxy",
        "legacy",
        "encryption",
        "counter",
        "timers",
        "thread",
    ];

    /// Those of `src/capi/draft`, which C sees where it defines `ZMQ_BUILD_DRAFT_API`.
    const DRAFT_SECTIONS: [&str; 7] =
        ["../../numbers/draft", "context", "message", "socket", "monitor", "poll", "poller"];

    /// What Rust has no words for.
    const DRAFT_MACROS: &str = r#"/*  Pollers are there  */
#define ZMQ_HAVE_POLLER

/*  Names of properties of messages  */
#define ZMQ_MSG_PROPERTY_ROUTING_ID "Routing-Id"
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE "Socket-Type"
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address""#;

    /// The text of the header.
    fn generate(root: &Path) -> Result<String, Box<dyn Error>> {
        let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
        let trailer = config.trailer.take().unwrap_or_default();
        let capi = root.join("src/capi");
        let stable = sections(&config, &capi, &SECTIONS)?;
        (config.header, config.after_includes) = (None, None);
        let draft = sections(&config, &capi.join("draft"), &DRAFT_SECTIONS)?;
        let draft = draft.trim();
        Ok(tidy(&format!(
            "{stable}\n#ifdef ZMQ_BUILD_DRAFT_API\n\n{DRAFT_MACROS}\n\n{draft}\n\n#endif /* ZMQ_BUILD_DRAFT_API */\n\n{trailer}"
        )))
    }

    /// What cbindgen makes of these files.
    fn sections(
        config: &cbindgen::Config,
        directory: &Path,
        files: &[&str],
    ) -> Result<String, Box<dyn Error>> {
        let mut builder = cbindgen::Builder::new().with_config(config.clone());
        for file in files {
            builder = builder.with_src(directory.join(file).with_extension("rs"));
        }
        let mut text = Vec::new();
        builder.generate()?.write(&mut text);
        Ok(String::from_utf8(text)?)
    }

    /// Gives the comments, which are Rust's documentation, the form of C's, and functions one line
    /// where cbindgen breaks behind the prefix.
    fn tidy(header: &str) -> String {
        let mut tidied = String::new();
        let mut lines = header.lines();
        while let Some(line) = lines.next() {
            let (indent, text) = line.split_at(line.len() - line.trim_start().len());
            match text {
                "/*" => {
                    let comment = lines.by_ref().map(str::trim).take_while(|line| *line != "*/");
                    let comment = comment.map(|line| line.replace("# Safety", "Requires:"));
                    let text = comment.collect::<Vec<_>>().join(&format!("\n{indent} *  "));
                    let end = if text.contains('\n') { format!("\n{indent}") } else { " ".into() };
                    let text = text.replace('`', "").replace(" *  \n", " *\n");
                    tidied += &format!("{indent}/*  {text}{end} */\n");
                }
                "" if tidied.is_empty() || tidied.ends_with("\n\n") => {}
                "ZMQ_EXPORT" => tidied += "ZMQ_EXPORT ",
                _ => tidied += &format!("{}\n", line.replace("_fn * ", "_fn *")),
            }
        }
        tidied
    }
}
