//! Has the processor fetch memory that is used soon, while there is something else to do. Hints:
//! nothing is read or written, and where there is no memory nothing happens.

/// For reading.
#[inline(always)]
pub(crate) fn prefetch<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch touches nothing and never fails, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// For writing: other processors lose the line.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(place: *const T) {
    // The intrinsic of this name makes another instruction where the compiler may not assume that
    // the processor knows this one; those that do not know it take it for nothing.
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
