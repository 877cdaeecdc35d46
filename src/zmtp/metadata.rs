//! Property lists in READY and its relatives (RFC 23): name length, name, 4-byte value length, value.

use super::ProtocolError;

/// More properties than any peer has reason to send.
const MAX_PROPERTIES: usize = 128;

/// Appends a property.
pub(super) fn append(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

/// Parses a list of properties.
pub(super) fn parse(mut rest: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ProtocolError> {
    let mut properties = Vec::new();
    while !rest.is_empty() {
        let (name, value);
        (name, rest) = split(rest, 1)?;
        (value, rest) = split(rest, 4)?;
        if properties.len() == MAX_PROPERTIES {
            return Err(ProtocolError::InvalidMetadata);
        }
        properties.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    }
    Ok(properties)
}

/// Splits off a field behind a big-endian length of `width` bytes.
fn split(bytes: &[u8], width: usize) -> Result<(&[u8], &[u8]), ProtocolError> {
    let (length, rest) = bytes.split_at_checked(width).ok_or(ProtocolError::InvalidMetadata)?;
    let length = length.iter().fold(0usize, |sum, byte| (sum << 8) | *byte as usize);
    rest.split_at_checked(length).ok_or(ProtocolError::InvalidMetadata)
}
