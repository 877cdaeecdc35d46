//! The memory of messages: size classes with a cache for each thread, large blocks that are kept, and
//! hints to the system and to the processor about pages and lines.

#![allow(unsafe_code)]

mod cache;
mod large;
mod pages;
mod prefetch;

pub(crate) use cache::{
    SizeClass, allocate, allocate_place, free, free_all as free_kept_memory, free_place, grow_large,
};
pub(crate) use pages::with_large_pages;
pub(crate) use prefetch::{prefetch, prefetch_to_write};

/// Alignment of all memory.
pub(crate) const ALIGNMENT: usize = 16;
