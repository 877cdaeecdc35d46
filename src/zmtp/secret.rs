//! Bytes that may be secret, and must not be left behind in memory.

use zeroize::Zeroize;

/// Makes room for more bytes. Where the vector has to move for that, what it leaves is wiped: by
/// itself it would give its memory back as it is.
pub(crate) fn reserve_wiping(bytes: &mut Vec<u8>, more: usize) {
    if bytes.capacity() - bytes.len() >= more {
        return;
    }
    let mut larger = Vec::with_capacity((bytes.len() + more).max(2 * bytes.capacity()));
    larger.extend_from_slice(bytes);
    bytes.zeroize();
    *bytes = larger;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_as_they_are_and_the_vector_moves_rarely() {
        let mut bytes = Vec::new();
        let (mut moves, mut before) = (0, 0);
        for count in 0..1000_u32 {
            reserve_wiping(&mut bytes, 4);
            moves += usize::from(bytes.capacity() != before);
            before = bytes.capacity();
            bytes.extend_from_slice(&count.to_be_bytes());
            assert_eq!(bytes.capacity(), before, "it moved by itself");
        }
        assert!(
            moves < 20 && bytes.as_chunks().0.iter().copied().map(u32::from_be_bytes).eq(0..1000)
        );
    }
}
