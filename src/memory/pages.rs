//! Memory in large pages.

/// Bytes of a page.
const PAGE: usize = 4096;
/// Memory of this number of bytes and more is worth large pages.
const LARGE_PAGES: usize = 4 * 1024 * 1024;

/// An empty vector with this much room, in large pages where that is much and the system has them:
/// random accesses to it find their pages sooner.
pub(crate) fn with_large_pages<T>(capacity: usize) -> Vec<T> {
    let mut vector = Vec::with_capacity(capacity);
    let room = vector.spare_capacity_mut();
    let bytes = std::mem::size_of_val(room);
    if bytes >= LARGE_PAGES {
        let begin = room.as_mut_ptr().cast::<u8>();
        let behind = begin.align_offset(PAGE);
        let whole = (bytes - behind) / PAGE * PAGE;
        // Best effort: a hint, that a system may not know, as does one with larger pages.
        // SAFETY: whole pages within memory of our own, of which there are many (`LARGE_PAGES`);
        // their contents stay as they are.
        unsafe { libc::madvise(begin.add(behind).cast(), whole, libc::MADV_HUGEPAGE) };
    }
    vector
}
