//! Z85 (RFC 32): binary keys as printable text, four bytes in five characters.

use crate::error::{Error, Result};

const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The value of each character; 85 for those that are none.
const VALUES: [u8; 256] = {
    let mut values = [85; 256];
    let mut index = 0;
    while index < ALPHABET.len() {
        values[ALPHABET[index] as usize] = index as u8;
        index += 1;
    }
    values
};

/// The text of the data, 1.25 times as long.
///
/// # Errors
/// InvalidArgument when the data's length is not a multiple of 4.
pub(crate) fn encode(data: &[u8]) -> Result<String> {
    let groups = data.chunks_exact(4);
    if !groups.remainder().is_empty() {
        return Err(Error::InvalidArgument);
    }
    let mut text = String::with_capacity(data.len() / 4 * 5);
    for group in groups {
        let value = group.iter().fold(0, |value: u32, &byte| value << 8 | u32::from(byte));
        for power in (0..5).rev() {
            text.push(ALPHABET[(value / 85u32.pow(power) % 85) as usize].into());
        }
    }
    Ok(text)
}

/// The data of the text, 0.8 times as long.
///
/// # Errors
/// InvalidArgument when the text is empty (observed), its length is not a multiple of 5, a
/// character is not of the alphabet, or five of them stand for more than 32 bits.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>> {
    let groups = text.chunks_exact(5);
    if text.is_empty() || !groups.remainder().is_empty() {
        return Err(Error::InvalidArgument);
    }
    let mut data = Vec::with_capacity(text.len() / 5 * 4);
    for group in groups {
        let mut value = 0u64;
        for &character in group {
            let digit = VALUES[usize::from(character)];
            if digit == 85 {
                return Err(Error::InvalidArgument);
            }
            value = value * 85 + u64::from(digit);
        }
        let value = u32::try_from(value).map_err(|_| Error::InvalidArgument)?;
        data.extend_from_slice(&value.to_be_bytes());
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        let data = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B];
        assert_eq!(encode(&data).unwrap(), "HelloWorld");
        assert_eq!(decode(b"HelloWorld").unwrap(), data);
    }

    #[test]
    fn the_largest_group_is_32_bits() {
        assert_eq!(encode(&[0xff; 4]).unwrap(), "%nSc0");
        assert_eq!(decode(b"%nSc0").unwrap(), [0xff; 4]);
        assert_eq!(decode(b"%nSc1"), Err(Error::InvalidArgument));
        assert_eq!(decode(b"#####"), Err(Error::InvalidArgument));
    }

    #[test]
    fn lengths_and_characters_are_checked() {
        assert_eq!(encode(&[0; 3]), Err(Error::InvalidArgument));
        assert_eq!(encode(&[]).unwrap(), "");
        for text in [&b""[..], b"1234", b"123456", b"ab cd", b"abcd\x80", b"abc\\d"] {
            assert_eq!(decode(text), Err(Error::InvalidArgument), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn decoding_undoes_encoding(words in proptest::collection::vec(proptest::prelude::any::<u32>(), 1..20)) {
            let data: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            proptest::prop_assert_eq!(decode(encode(&data).unwrap().as_bytes()), Ok(data));
        }
    }
}
