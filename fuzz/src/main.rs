//! Fuzz targets, all in one program: `FUZZ_TARGET` names the one to run, and the rest is
//! libFuzzer's command line. `fuzz/run` builds and runs it.
//!
//! A target fails by a panic, by taking longer than libFuzzer's `-timeout`, by holding more memory
//! at once than its input explains, or by keeping memory when it has ended (`memory.rs`).

#![no_main]

mod memory;

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use zmq::fuzzing::{TARGETS, Target};

static TARGET: OnceLock<&Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        if name.is_empty() {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            std::process::exit(0);
        }
        let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
            eprintln!("there is no target {name}");
            std::process::exit(2);
        };
        TARGET.get_or_init(|| target);
    },
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            memory::watch(target.memory, || (target.run)(data));
        }
    }
);
