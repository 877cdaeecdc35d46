//! Takes a fuzzer's bytes apart: choices, fields, changes to something well-formed.

/// What is left of the input. Where it has ended, numbers are 0 and fields empty, so a short input
/// means the plain case.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 != 0
    }

    pub(super) fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub(super) fn choice<T: Copy>(&mut self, among: &[T]) -> T {
        among[usize::from(self.byte()) % among.len()]
    }

    /// Bytes behind a length of one byte, or what there is of them.
    pub(super) fn field(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (field, rest) = self.0.split_at(length);
        self.0 = rest;
        field
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Makes up to seven changes to something that is well-formed; 0 leaves it as it is.
    pub(super) fn change(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.byte() & 7 {
            let kind = self.byte();
            let place = usize::from(self.number()).min(bytes.len());
            match kind % 4 {
                0 => {
                    let mask = self.byte();
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte ^= mask;
                    }
                }
                1 => bytes.truncate(place),
                2 => drop(bytes.splice(place..place, self.field().iter().copied())),
                _ => {
                    let field = self.field();
                    let end = (place + field.len()).min(bytes.len());
                    bytes.splice(place..end, field.iter().copied());
                }
            }
        }
        bytes
    }
}

/// Cuts bytes into pieces of lengths that a seed decides: 0 leaves them whole, 1 cuts them into
/// single bytes.
pub(super) fn pieces(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut state = u32::from(seed);
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let length = match seed {
            0 => rest.len(),
            1 => 1,
            _ => {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                1 + (state >> 24) as usize % (usize::from(seed) + 1)
            }
        };
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}
