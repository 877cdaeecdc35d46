//! Whose library this is, where `zmq_version` is libzmq's: `strings libzmq.so.5 | grep libzmq-rs`.
//!
//! An ELF note, so that `readelf -p .note.libzmq-rs` shows it alone and no stripping takes it away.

/// This library, its own version, and the version of the interface.
const TEXT: &str = concat!("libzmq-rs ", env!("CARGO_PKG_VERSION"), " (libzmq 4.3.5 in Rust)\0");
/// Who defines what the note says.
const OWNER: &str = "libzmq-rs\0";

/// The layout of a note (elf(5)): name and description stand at multiples of 4.
#[repr(C)]
struct Note {
    owner_size: u32,
    text_size: u32,
    kind: u32,
    owner: [u8; OWNER.len().next_multiple_of(4)],
    text: [u8; TEXT.len().next_multiple_of(4)],
}

// Nothing refers to it.
#[used]
#[unsafe(link_section = ".note.libzmq-rs")]
static NOTE: Note = Note {
    owner_size: OWNER.len() as u32,
    text_size: TEXT.len() as u32,
    kind: 1,
    owner: padded(OWNER),
    text: padded(TEXT),
};

/// The bytes of `text`, and zeros behind them.
const fn padded<const SIZE: usize>(text: &str) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes.split_at_mut(text.len()).0.copy_from_slice(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::version::{ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH};

    #[test]
    fn the_note_names_this_library_and_both_versions() {
        let text = std::str::from_utf8(&NOTE.text[..NOTE.text_size as usize]).unwrap();
        let interface = format!("{ZMQ_VERSION_MAJOR}.{ZMQ_VERSION_MINOR}.{ZMQ_VERSION_PATCH}");
        let own = env!("CARGO_PKG_VERSION");
        assert_eq!(text, format!("libzmq-rs {own} (libzmq {interface} in Rust)\0"));
    }
}
