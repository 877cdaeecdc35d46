//! Keys, and what two of them protect.

use crate::zmtp::ProtocolError;
use dryoc::classic::crypto_box::{
    crypto_box_beforenm, crypto_box_detached_afternm_inplace, crypto_box_keypair_inplace,
    crypto_box_open_detached_afternm_inplace,
};
use dryoc::classic::crypto_core::{crypto_core_hsalsa20, crypto_scalarmult_base};
use dryoc::rng::copy_randombytes;
use zeroize::Zeroizing;

/// A public or secret key.
pub(crate) type CurveKey = [u8; 32];

/// Bytes that authenticate a box, at its beginning.
pub(super) const MAC: usize = 16;

/// A new pair of keys: public, secret.
pub(crate) fn curve_keypair() -> (CurveKey, Zeroizing<CurveKey>) {
    let mut public = CurveKey::default();
    let mut secret = Zeroizing::new(CurveKey::default());
    crypto_box_keypair_inplace(&mut public, &mut secret);
    (public, secret)
}

/// The public key that belongs to a secret key.
pub(crate) fn curve_public(secret: &CurveKey) -> CurveKey {
    let mut public = CurveKey::default();
    crypto_scalarmult_base(&mut public, secret);
    public
}

/// Fills an array with random bytes.
pub(super) fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    copy_randombytes(&mut bytes);
    bytes
}

/// What the holders of two pairs of keys share; seals and opens boxes. Wiped when it goes.
#[derive(Clone)]
pub(super) struct SharedKey(Zeroizing<CurveKey>);

impl SharedKey {
    /// The key that the holder of `secret` shares with the holder of `public`.
    ///
    /// # Errors
    /// [`ProtocolError::Cryptographic`] for a public key with which everybody would share it: all
    /// zeros, and the few others of small order.
    pub(super) fn agree(public: &CurveKey, secret: &CurveKey) -> Result<Self, ProtocolError> {
        let key = crypto_box_beforenm(public, secret);
        key.map(|key| Self(Zeroizing::new(key))).map_err(|_| ProtocolError::Cryptographic)
    }

    /// A key that nobody shares.
    pub(super) fn random() -> Self {
        Self(Zeroizing::new(random()))
    }

    #[cfg(test)]
    pub(super) fn of(key: CurveKey) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key that XSalsa20 uses with this key for nonces that begin so.
    pub(super) fn derive(&self, prefix: &[u8; 16]) -> Zeroizing<CurveKey> {
        let mut key = Zeroizing::new(CurveKey::default());
        crypto_core_hsalsa20(&mut key, prefix, &self.0, None);
        key
    }

    /// Appends a box of these parts, put together.
    pub(super) fn seal(&self, nonce: &[u8; 24], parts: &[&[u8]], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; MAC]);
        parts.iter().for_each(|part| out.extend_from_slice(part));
        self.seal_in_place(nonce, &mut out[start..]);
    }

    /// Makes a box of what stands behind the room for its authentication.
    pub(super) fn seal_in_place(&self, nonce: &[u8; 24], room: &mut [u8]) {
        if let Some((mac, data)) = room.split_first_chunk_mut::<MAC>() {
            crypto_box_detached_afternm_inplace(data, mac, nonce, &self.0);
        }
    }

    /// Opens a box in place; what was in it.
    ///
    /// # Errors
    /// [`ProtocolError::Cryptographic`] when the box is not of this key and nonce.
    pub(super) fn open_in_place<'a>(
        &self,
        nonce: &[u8; 24],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], ProtocolError> {
        let (mac, data) =
            sealed.split_first_chunk_mut::<MAC>().ok_or(ProtocolError::Cryptographic)?;
        crypto_box_open_detached_afternm_inplace(data, mac, nonce, &self.0)
            .map_err(|_| ProtocolError::Cryptographic)?;
        Ok(data)
    }

    /// As [`open_in_place`](Self::open_in_place), in a copy.
    pub(super) fn open(
        &self,
        nonce: &[u8; 24],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ProtocolError> {
        let mut copy = Zeroizing::new(sealed.to_vec());
        self.open_in_place(nonce, &mut copy)?;
        // A copy within its own memory: nothing is left elsewhere.
        copy.drain(..MAC);
        Ok(copy)
    }
}
