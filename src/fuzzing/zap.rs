//! What a ZAP handler answers.

use crate::fuzzing::handshake::properties;
use crate::fuzzing::input::Input;
use crate::message::Message;
use crate::zmtp::{ProtocolError, parse_zap_reply};

pub(super) fn reply(data: &[u8]) {
    let input = &mut Input::new(data);
    let good: [&[u8]; 6] = [b"", b"1.0", b"1", b"200", b"OK", b"user"];
    let mut parts: Vec<_> = good.into_iter().map(|part| input.change(part.to_vec())).collect();
    parts.push(properties(input));
    for _ in 0..input.byte() % 4 {
        match input.byte() % 2 {
            0 => drop(parts.pop()),
            _ => parts.push(input.field().to_vec()),
        }
    }
    let messages: Vec<_> =
        parts.iter().map(|part| Message::from_slice(part).expect("memory")).collect();
    match parse_zap_reply(&messages) {
        Ok(admission) => {
            assert_eq!(parts.len(), 7);
            assert!(parts[0].is_empty() && parts[1] == b"1.0" && parts[2] == b"1");
            assert!(parts[3] == b"200" && admission.user_id == parts[5]);
        }
        Err(ProtocolError::Denied(status)) => assert_eq!(parts[3], status.to_string().as_bytes()),
        Err(error) => assert!(error.code().is_some_and(|code| code >> 28 == 2), "{error}"),
    }
}
