//! What seals and opens the boxes of one direction of a connection.

use super::counted_nonce;
use super::keys::{MAC, SharedKey};
use super::keystream::{Keystream, LONGEST, apply};
use crate::zmtp::ProtocolError;
use dryoc::classic::crypto_onetimeauth::{crypto_onetimeauth, crypto_onetimeauth_verify};

/// The messages of one direction, each with a number. What comes out does not depend on its length
/// in any way but one: short ones are served by a [`Keystream`].
pub(super) struct Direction {
    key: SharedKey,
    prefix: &'static [u8; 16],
    short: Keystream,
}

impl Direction {
    /// The direction whose nonces begin so.
    pub(super) fn new(key: &SharedKey, prefix: &'static [u8; 16]) -> Self {
        Self { key: key.clone(), prefix, short: Keystream::new(key, prefix) }
    }

    /// Makes a box of what stands behind the room for its authentication.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfMemory`].
    pub(super) fn seal_in_place(
        &mut self,
        number: u64,
        room: &mut [u8],
    ) -> Result<(), ProtocolError> {
        match room.split_first_chunk_mut::<MAC>() {
            Some((mac, data)) if data.len() <= LONGEST => {
                let (key, stream) = self.short.of(number, data.len())?;
                apply(stream, data);
                crypto_onetimeauth(mac, data, &key);
            }
            _ => self.key.seal_in_place(&counted_nonce(self.prefix, number.to_be_bytes()), room),
        }
        Ok(())
    }

    /// Opens a box in place; what was in it.
    ///
    /// # Errors
    /// [`ProtocolError::Cryptographic`] when the box is not of this key and number;
    /// [`ProtocolError::OutOfMemory`].
    pub(super) fn open_in_place<'a>(
        &mut self,
        number: u64,
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], ProtocolError> {
        if sealed.len() > MAC + LONGEST {
            let nonce = counted_nonce(self.prefix, number.to_be_bytes());
            return self.key.open_in_place(&nonce, sealed);
        }
        let (mac, data) =
            sealed.split_first_chunk_mut::<MAC>().ok_or(ProtocolError::Cryptographic)?;
        let (key, stream) = self.short.of(number, data.len())?;
        crypto_onetimeauth_verify(mac, data, &key).map_err(|_| ProtocolError::Cryptographic)?;
        apply(stream, data);
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fearless_simd::{Level, Simd};
    use proptest::prelude::*;

    const PREFIX: &[u8; 16] = b"CurveZMQMESSAGEC";

    /// One for each kind of instructions that this processor has.
    fn directions(key: &SharedKey) -> Vec<Direction> {
        let detected = Level::new();
        #[cfg(target_arch = "x86_64")]
        let levels = [
            detected.as_sse2().map(|level| level.level()),
            detected.as_sse4_2().map(|level| level.level()),
            detected.as_avx2().map(|level| level.level()),
            Some(detected),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let levels = [Some(detected)];
        let at = |level| {
            let mut direction = Direction::new(key, PREFIX);
            direction.short.level = level;
            direction
        };
        levels.into_iter().flatten().map(at).collect()
    }

    /// What stands in the room for a box with this message.
    fn room(message: &[u8]) -> Vec<u8> {
        [&[0; MAC], message].concat()
    }

    #[test]
    fn a_box_is_that_of_libsodium() {
        // crypto_secretbox_easy of version 1.0.18, with the key 0, 1, 2 ... 31.
        let expected = "3b506140fe68f4862af670cf8d7ce611ff69f60add318d7fee632bdc337e859af3600c\
            daca3bce61276db063ee45c5beae2bf5b929a100ac69bf3e55e58f78df40e62d23f39ab150cc359988\
            5144fd53dff27f95c623a7698270ec50298a24dcb91a2cb52fab3e1cb8a33c3ea9b86bafa249aab894";
        let key = SharedKey::of(std::array::from_fn(|at| at as u8));
        let message: Vec<u8> = std::iter::once(1).chain(0..100).collect();
        for mut direction in directions(&key) {
            let mut sealed = room(&message);
            direction.seal_in_place(0x0102_0304_0506_0708, &mut sealed).unwrap();
            let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_box_is_the_same_whoever_makes_it(
            key: [u8; 32],
            start in prop_oneof![Just(0), Just(u64::from(u32::MAX) - 20), Just(u64::MAX - 400), any::<u64>()],
            messages in proptest::collection::vec((0..40u64, 0..LONGEST + 20), 1..40),
        ) {
            let key = SharedKey::of(key);
            for (mut sealing, mut opening) in directions(&key).into_iter().zip(directions(&key)) {
                let mut number = start;
                for (step, length) in &messages {
                    // Mostly one after the other.
                    number = number.wrapping_add(if *step < 30 { 1 } else { *step });
                    let message: Vec<u8> = (0..*length).map(|at| (at * 7) as u8).collect();
                    let (mut expected, mut sealed) = (room(&message), room(&message));
                    key.seal_in_place(&counted_nonce(PREFIX, number.to_be_bytes()), &mut expected);
                    sealing.seal_in_place(number, &mut sealed).unwrap();
                    prop_assert_eq!(&sealed, &expected);

                    let at = *step as usize % sealed.len();
                    sealed[at] ^= 1;
                    prop_assert!(opening.open_in_place(number, &mut sealed).is_err());
                    sealed[at] ^= 1;
                    prop_assert!(opening.open_in_place(number ^ 1, &mut sealed).is_err());
                    prop_assert_eq!(opening.open_in_place(number, &mut sealed).unwrap(), &message[..]);
                }
            }
        }
    }
}
