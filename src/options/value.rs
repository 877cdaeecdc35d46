//! What crosses the C interface: option values going in, and coming out.

use std::time::Duration;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::utility::z85;

use super::security::Key;

/// Longest value of the text options.
pub(super) const MAX_TEXT: usize = 255;

/// The value given to zmq_setsockopt. Reading it checks its size and range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Argument<'a>(pub Option<&'a [u8]>);

impl<'a> Argument<'a> {
    /// The bytes; NULL counts as none.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.0.unwrap_or_default()
    }

    /// An `int` of any value.
    pub(super) fn int(self) -> Result<i32> {
        let bytes = self.bytes().try_into().map_err(|_| Error::InvalidArgument)?;
        Ok(i32::from_ne_bytes(bytes))
    }

    /// An `int` not below `least`.
    pub(super) fn at_least(self, least: i32) -> Result<i32> {
        self.int()
            .and_then(|value| if value < least { Err(Error::InvalidArgument) } else { Ok(value) })
    }

    /// An `int` from `least` to `most`.
    pub(super) fn within(self, least: i32, most: i32) -> Result<i32> {
        self.at_least(least)
            .and_then(|value| if value > most { Err(Error::InvalidArgument) } else { Ok(value) })
    }

    /// An `int` that counts something.
    pub(super) fn count(self) -> Result<usize> {
        self.unsigned().map(|value| value as usize)
    }

    /// An `int` that is not negative.
    pub(super) fn unsigned(self) -> Result<u32> {
        u32::try_from(self.int()?).map_err(|_| Error::InvalidArgument)
    }

    /// An `int` that is not negative, or -1 for none.
    pub(super) fn unsigned_or_none(self) -> Result<Option<u32>> {
        self.at_least(-1).map(|value| u32::try_from(value).ok())
    }

    /// An `int` that is 0 or 1.
    pub(super) fn bit(self) -> Result<bool> {
        match self.int()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::InvalidArgument),
        }
    }

    /// An `int`; anything but 0 is true.
    pub(super) fn any_int(self) -> Result<bool> {
        self.int().map(|value| value != 0)
    }

    /// An `int`; what is above 0 is true, what is below is refused.
    pub(super) fn flag(self) -> Result<bool> {
        self.at_least(0).map(|value| value != 0)
    }

    /// Milliseconds, not negative.
    pub(super) fn milliseconds(self) -> Result<Duration> {
        self.unsigned().map(|value| Duration::from_millis(value.into()))
    }

    /// Milliseconds, or -1 for none.
    pub(super) fn milliseconds_or_none(self) -> Result<Option<Duration>> {
        let value = self.unsigned_or_none()?;
        Ok(value.map(|value| Duration::from_millis(value.into())))
    }

    /// Milliseconds, or 0 for none.
    pub(super) fn milliseconds_not_zero(self) -> Result<Option<Duration>> {
        self.milliseconds().map(|time| Some(time).filter(|time| !time.is_zero()))
    }

    /// Seconds, or -1 for none.
    pub(super) fn seconds_or_none(self) -> Result<Option<Duration>> {
        let value = self.unsigned_or_none()?;
        Ok(value.map(|value| Duration::from_secs(value.into())))
    }

    /// A value of eight bytes.
    pub(super) fn wide(self) -> Result<[u8; 8]> {
        self.bytes().try_into().map_err(|_| Error::InvalidArgument)
    }

    /// 1 to 255 bytes.
    pub(super) fn text(self) -> Result<Vec<u8>> {
        self.text_up_to(MAX_TEXT)
    }

    /// 1 to `most` bytes.
    pub(super) fn text_up_to(self, most: usize) -> Result<Vec<u8>> {
        match self.bytes() {
            bytes if (1..=most).contains(&bytes.len()) => Ok(bytes.to_vec()),
            _ => Err(Error::InvalidArgument),
        }
    }

    /// 1 to `most` bytes, or NULL for none.
    pub(super) fn text_or_null(self, most: usize) -> Result<Option<Vec<u8>>> {
        self.0.map(|_| self.text_up_to(most)).transpose()
    }

    /// Up to 255 bytes.
    pub(super) fn text_or_empty(self) -> Result<Vec<u8>> {
        if self.bytes().is_empty() { Ok(Vec::new()) } else { self.text() }
    }

    /// The value up to its first zero byte, as text.
    pub(super) fn c_string(self) -> Result<&'a str> {
        let text = self.bytes().split(|&byte| byte == 0).next().unwrap_or_default();
        std::str::from_utf8(text).map_err(|_| Error::InvalidArgument)
    }

    /// A CURVE key: 32 bytes, or 40 characters of Z85, with or without a zero byte after them.
    pub(super) fn key(self) -> Result<Key> {
        let bytes = self.bytes();
        let text = match bytes.len() {
            32 => return bytes.try_into().map_err(|_| Error::InvalidArgument),
            40 => bytes,
            41 if bytes[40] == 0 => &bytes[..40],
            _ => return Err(Error::InvalidArgument),
        };
        let decoded = Zeroizing::new(z85::decode(text)?);
        decoded[..].try_into().map_err(|_| Error::InvalidArgument)
    }
}

/// The value that zmq_getsockopt returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value(Bytes);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bytes {
    Int([u8; 4]),
    Wide([u8; 8]),
    /// Wiped when it goes: it may be a password.
    Other(Zeroizing<Vec<u8>>),
}

impl Value {
    /// An `int` for a buffer of exactly its size.
    pub(super) fn int(value: i32, room: usize) -> Result<Self> {
        if room == 4 {
            Ok(Self(Bytes::Int(value.to_ne_bytes())))
        } else {
            Err(Error::InvalidArgument)
        }
    }

    /// An `int` for a buffer that is large enough: RCVMORE, FD and EVENTS are so lenient.
    ///
    /// # Errors
    /// InvalidArgument when the buffer has fewer than four bytes.
    pub(crate) fn live_int(value: i32, room: usize) -> Result<Self> {
        Self::int(value, room.min(4))
    }

    /// Eight bytes for a buffer of exactly that size.
    pub(super) fn wide(value: [u8; 8], room: usize) -> Result<Self> {
        if room == 8 { Ok(Self(Bytes::Wide(value))) } else { Err(Error::InvalidArgument) }
    }

    /// Bytes for a buffer that is large enough.
    pub(super) fn bytes(value: Vec<u8>, room: usize) -> Result<Self> {
        if value.len() <= room {
            Ok(Self(Bytes::Other(value.into())))
        } else {
            Err(Error::InvalidArgument)
        }
    }

    /// Text and a zero byte, for a buffer that is large enough.
    ///
    /// # Errors
    /// InvalidArgument when it is not.
    pub(crate) fn text(value: &[u8], room: usize) -> Result<Self> {
        Self::bytes([value, &[0]].concat(), room)
    }

    /// A key: in binary for a buffer of 32 bytes, as Z85 with a zero byte for one of 41.
    pub(super) fn key(key: &Key, room: usize) -> Result<Self> {
        match room {
            32 => Self::bytes(key.to_vec(), room),
            41 => Self::text(Zeroizing::new(z85::encode(key)?).as_bytes(), room),
            _ => Err(Error::InvalidArgument),
        }
    }

    /// The bytes to copy to the caller, whose number goes to `*optvallen`. They fit into the
    /// room that was given. libzmq fills what is left of the buffer with zero bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Int(bytes) => bytes,
            Bytes::Wide(bytes) => bytes,
            Bytes::Other(bytes) => bytes,
        }
    }
}
