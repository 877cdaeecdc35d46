use super::*;

#[test]
fn every_size_has_the_smallest_class_that_holds_it() {
    let mut before = SizeClass { number: 0, size: 0 };
    for size in 1..=LARGEST {
        let class = SizeClass::of(size);
        assert!(class.size >= size && class.size == class_size(class.number));
        if class.number != before.number {
            assert_eq!((class.number, size), (before.number + 1, before.size + 1));
        }
        before = class;
    }
    assert_eq!(before.number, CLASSES - 1);
    assert_eq!(SizeClass::of(LARGEST + 1).number, CLASSES);
}

/// A class of its own for each test: other tests allocate meanwhile.
fn pieces(size: usize, count: usize) -> Vec<NonNull<u8>> {
    (0..count).map(|_| allocate(SizeClass::of(size)).unwrap()).collect()
}

fn free_pieces(pieces: Vec<NonNull<u8>>, size: usize) {
    for piece in pieces {
        // SAFETY: allocated by `pieces` with this size, used by nobody.
        unsafe { free(piece, SizeClass::of(size)) };
    }
}

#[test]
fn memory_goes_from_the_thread_that_frees_to_the_one_that_allocates() {
    const SIZE: usize = 50_000;
    let sent = pieces(SIZE, 100);
    let mut known: Vec<_> = sent.iter().map(|piece| piece.addr()).collect();
    let sent: Vec<_> = sent.into_iter().map(|piece| Piece(piece.as_ptr())).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let sent = sent;
            let all = sent.iter().filter_map(|Piece(piece)| NonNull::new(*piece)).collect();
            free_pieces(all, SIZE);
        });
    });
    let again = pieces(SIZE, 1);
    known.retain(|piece| *piece == again[0].addr());
    assert_eq!(known.len(), 1);
    free_pieces(again, SIZE);
}

#[test]
fn what_is_outside_is_counted_also_where_threads_end() {
    const SIZE: usize = 90_000;
    let class = SizeClass::of(SIZE);
    let outside = || DEPOTS[class.number].outside.load(Ordering::Relaxed);
    /// Frees and allocates when its thread's stacks are gone.
    struct Late(Option<Piece>);
    impl Drop for Late {
        fn drop(&mut self) {
            let piece = self.0.take().and_then(|Piece(piece)| NonNull::new(piece));
            free_pieces(piece.into_iter().collect(), SIZE);
            free_pieces(pieces(SIZE, 3), SIZE);
        }
    }
    thread_local! {
        static LATE: UnsafeCell<Late> = const { UnsafeCell::new(Late(None)) };
    }
    let before = outside();
    for _ in 0..10 {
        std::thread::spawn(|| {
            // Made before the stacks, so dropped after them.
            let late = LATE.with(|late| late.get());
            let mut all = pieces(SIZE, 9);
            let last = all.pop().map(|piece| Piece(piece.as_ptr()));
            // SAFETY: this thread's own, which nobody refers to now.
            unsafe { (*late).0 = last };
            free_pieces(all, SIZE);
        })
        .join()
        .unwrap();
    }
    assert_eq!(outside(), before);
}

#[test]
fn what_a_burst_leaves_is_given_back() {
    const SIZE: usize = 100_000;
    let burst = pieces(SIZE, 300);
    free_pieces(burst, SIZE);
    let class = SizeClass::of(SIZE);
    let kept = DEPOTS[class.number].pieces.lock().len();
    assert!(kept * class.size <= KEPT_BYTES, "{kept}");
    assert!(KEPT.load(Ordering::Relaxed) <= KEPT_BYTES + CLASSES * DEPOT_BYTES);
}
