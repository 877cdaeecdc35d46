//! The reference-counted memory behind long messages.

use super::out_of_memory;
use crate::error::Result;
use crate::memory::{self, SizeClass};
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// C's `zmq_free_fn`: called with the data and the hint of `zmq_msg_init_data`.
pub(crate) type FreeFunction = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);

/// Head of a block. The bytes of an owned block follow it.
#[repr(C, align(16))]
struct BlockHeader {
    references: AtomicUsize,
    /// What the block was allocated as.
    class: SizeClass,
    /// The application's memory and how to give it back.
    user_data: Option<UserData>,
}

/// A function, and the data and the hint to call it with.
type UserData = (FreeFunction, *mut c_void, *mut c_void);

/// The size class of a block for this number of bytes.
#[inline(always)]
fn class_for(capacity: usize) -> Result<SizeClass> {
    Ok(SizeClass::of(capacity.checked_add(HEAD).ok_or_else(out_of_memory)?))
}

const HEAD: usize = size_of::<BlockHeader>();

/// A block with memory of its own, held by one owner who may write.
pub(super) struct Block(NonNull<BlockHeader>);

// SAFETY: a block is plain memory with one owner.
unsafe impl Send for Block {}

impl Block {
    /// Memory for at least `capacity` bytes, not initialised.
    #[inline]
    pub(super) fn allocate(capacity: usize) -> Result<Self> {
        Self::allocate_as(class_for(capacity)?, None, 1)
    }

    /// The same with this number of references, of which all but one are for slices to come.
    pub(super) fn allocate_with_references(capacity: usize, references: usize) -> Result<Self> {
        Self::allocate_as(class_for(capacity)?, None, references)
    }

    #[inline(always)]
    fn allocate_as(class: SizeClass, foreign: Option<UserData>, references: usize) -> Result<Self> {
        let head = memory::allocate(class).ok_or_else(out_of_memory)?.cast::<BlockHeader>();
        let references = AtomicUsize::new(references);
        // SAFETY: freshly allocated, large and aligned enough.
        unsafe { head.write(BlockHeader { references, class, user_data: foreign }) };
        Ok(Self(head))
    }

    /// A slice over memory of the application.
    ///
    /// # Safety
    /// As `Message::init_raw_over`.
    #[inline(always)]
    pub(super) unsafe fn adopt(
        data: *mut c_void,
        size: usize,
        free: FreeFunction,
        hint: *mut c_void,
    ) -> Result<Slice> {
        let block = Self::allocate_as(SizeClass::of(HEAD), Some((free, data, hint)), 1)?;
        let head = block.0;
        std::mem::forget(block);
        Ok(Slice { head, data: data.cast(), length: size })
    }

    /// Moves the bytes to a block of another size.
    pub(super) fn resize(&mut self, capacity: usize) -> Result<()> {
        let class = class_for(capacity)?;
        // SAFETY: the block's own memory, which no slice refers to yet.
        let moved = unsafe { memory::grow_large(self.0.cast(), self.class(), class) };
        if let Some(memory) = moved {
            self.0 = memory.cast();
            // SAFETY: the head moved along with the bytes.
            unsafe { (*self.0.as_ptr()).class = class };
            return Ok(());
        }
        let grown = Self::allocate(capacity)?;
        let kept = self.capacity().min(grown.capacity());
        // SAFETY: both blocks have this number of bytes, and are two; uninitialised ones may be copied.
        unsafe { ptr::copy_nonoverlapping(self.bytes(), grown.bytes(), kept) };
        *self = grown;
        Ok(())
    }

    #[inline]
    fn class(&self) -> SizeClass {
        // SAFETY: the head is valid while the block is.
        unsafe { self.0.as_ref().class }
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.class().size() - HEAD
    }

    pub(super) fn bytes(&self) -> *mut u8 {
        // SAFETY: the bytes follow the head in the same allocation.
        unsafe { self.0.as_ptr().cast::<u8>().add(HEAD) }
    }

    /// True if no slice refers to the block.
    pub(super) fn is_unique(&self, own_references: usize) -> bool {
        // Acquire pairs with the Release of the slices' drops: their reads are over.
        // SAFETY: the head is valid while the block is.
        unsafe { self.0.as_ref() }.references.load(Ordering::Acquire) == own_references
    }

    /// Counts references in advance, for slices to come.
    pub(super) fn add_references(&self, count: usize) {
        // SAFETY: the head is valid while the block is.
        unsafe { self.0.as_ref() }.references.fetch_add(count, Ordering::Relaxed);
    }

    /// A slice of the block, with a reference that was counted before.
    ///
    /// # Safety
    /// One reference is given to the slice; `offset + length` bytes are initialised and are not
    /// written any more.
    pub(super) unsafe fn slice(&self, offset: usize, length: usize) -> Slice {
        // SAFETY: within the block (caller).
        Slice { head: self.0, data: unsafe { self.bytes().add(offset) }, length }
    }

    /// Gives back references that were counted in advance and not used; the owner's stays.
    pub(super) fn give_back(&self, count: usize) {
        // SAFETY: the head is valid while the block is.
        let references = unsafe { &self.0.as_ref().references };
        if self.is_unique(count + 1) {
            // Nobody else can change the count.
            references.store(1, Ordering::Relaxed);
        } else if count > 0 {
            // Relaxed: the owner's reference remains, so this one frees nothing.
            references.fetch_sub(count, Ordering::Relaxed);
        }
    }

    /// Drops the owner, and gives back as many references as it has.
    pub(super) fn release(self, references: usize) {
        let head = self.0;
        std::mem::forget(self);
        // SAFETY: the owner's references.
        unsafe { release(head, references) };
    }

    /// Turns the owner into a slice of `length` bytes from `offset` on.
    ///
    /// # Safety
    /// They lie within the block, and are initialised before the slice is read.
    pub(super) unsafe fn into_slice(self, offset: usize, length: usize) -> Slice {
        // SAFETY: within the block (caller).
        let slice = Slice { head: self.0, data: unsafe { self.bytes().add(offset) }, length };
        std::mem::forget(self);
        slice
    }

    /// The bytes of a block that takes so much memory.
    pub(super) const fn capacity_of(memory: usize) -> usize {
        memory - HEAD
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the owner's reference.
        unsafe { release(self.0, 1) };
    }
}

/// Bytes in a block, with one reference to it.
pub(super) struct Slice {
    head: NonNull<BlockHeader>,
    pub(super) data: *mut u8,
    pub(super) length: usize,
}

impl Slice {
    /// Where the block begins: its count, and in front of an own block's bytes.
    #[inline(always)]
    pub(super) fn head(&self) -> *const u8 {
        self.head.as_ptr().cast()
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the reference keeps the memory; nobody writes to shared bytes.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }

    /// Whether the memory is the application's.
    #[inline]
    pub(super) fn is_user_owned(&self) -> bool {
        // SAFETY: the slice's reference keeps the head, whose other fields do not change.
        unsafe { (*self.head.as_ptr()).user_data.is_some() }
    }

    #[inline]
    pub(super) fn add_references(&mut self, count: usize) {
        // SAFETY: the slice's reference keeps the head.
        let references = unsafe { &self.head.as_ref().references };
        // The caller has a reference, so the block is not freed during this. Where it is the only one,
        // no other thread can change the count; Acquire pairs with the Release of those that dropped
        // theirs, whose reads the plain store would otherwise hide from the thread that frees it.
        if references.load(Ordering::Acquire) == 1 {
            references.store(1 + count, Ordering::Relaxed);
        } else {
            references.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl Drop for Slice {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the slice's own reference.
        unsafe { release(self.head, 1) };
    }
}

/// Gives up references; the last one frees the memory.
///
/// # Safety
/// The caller owns `count` references to the block and does not use them again.
#[inline]
unsafe fn release(head: NonNull<BlockHeader>, count: usize) {
    // SAFETY: the references keep the head.
    let references = unsafe { &head.as_ref().references };
    // The owner of all references needs no atomic subtraction: nobody else can make new ones.
    // Acquire, here and in the fence, pairs with the Release of the other holders' drops.
    if references.load(Ordering::Acquire) != count {
        if references.fetch_sub(count, Ordering::Release) != count {
            return;
        }
        fence(Ordering::Acquire);
    }
    // SAFETY: no reference is left.
    unsafe { free(head) };
}

/// # Safety
/// No reference to the block is left.
#[inline]
unsafe fn free(head: NonNull<BlockHeader>) {
    // SAFETY: the last reader; moved out before the memory goes.
    let BlockHeader { class, user_data: foreign, .. } = unsafe { ptr::read(head.as_ptr()) };
    // SAFETY: allocated as this in `allocate_as`, or grown to it.
    unsafe { memory::free(head.cast(), class) };
    if let Some((function, data, hint)) = foreign {
        // SAFETY: the application's promise of zmq_msg_init_data; called once, for the last copy.
        unsafe { function(data, hint) };
    }
}
