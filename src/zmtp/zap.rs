//! ZAP (RFC 27): what a server asks the application about a peer, and what it answers.

use super::handshake::Authentication;
use super::{ProtocolError, metadata};
use crate::message::Message;

const VERSION: &[u8] = b"1.0";
/// Each connection asks once, on a pipe of its own.
const REQUEST_ID: &[u8] = b"1";
/// Delimiter, version, request id, status code, status text, user id, metadata.
const REPLY_PARTS: usize = 7;

/// Where and how a peer knocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ZapRequest<'a> {
    /// ZMQ_ZAP_DOMAIN of the socket.
    pub domain: &'a [u8],
    /// The peer's address, without a port.
    pub address: &'a str,
    /// ZMQ_ROUTING_ID of the socket.
    pub routing_id: &'a [u8],
}

/// What a ZAP handler says of a peer that it lets in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ZapReply {
    /// Who it is; empty where the handler does not say.
    pub user_id: Vec<u8>,
    /// Properties for its messages.
    pub properties: Vec<(String, Vec<u8>)>,
}

/// The parts of the request, for a handler that is a REP or ROUTER.
///
/// # Errors
/// [`ProtocolError::OutOfMemory`].
pub(crate) fn zap_request(
    visit: ZapRequest<'_>,
    question: &Authentication,
) -> Result<Vec<Message>, ProtocolError> {
    let address = visit.address.as_bytes();
    let mechanism = question.mechanism.as_bytes();
    let head = [b"", VERSION, REQUEST_ID, visit.domain, address, visit.routing_id, mechanism];
    let head = head.into_iter().map(Message::from_slice);
    let credentials = question.credentials.iter().cloned().map(Message::from_secret);
    let parts = head.chain(credentials).collect::<Result<Vec<_>, _>>();
    let mut messages = parts.map_err(|_| ProtocolError::OutOfMemory)?;
    messages.iter_mut().for_each(|message| message.set_more(true));
    if let Some(last) = messages.last_mut() {
        last.set_more(false);
    }
    Ok(messages)
}

/// Reads a reply, all its parts.
///
/// # Errors
/// [`ProtocolError::Denied`] for another status than 200; `Zap...` for what is no reply.
pub(crate) fn parse_zap_reply(parts: &[Message]) -> Result<ZapReply, ProtocolError> {
    let parts: &[Message; REPLY_PARTS] =
        parts.try_into().map_err(|_| ProtocolError::ZapMalformedReply)?;
    let [delimiter, version, request_id, status, _text, user_id, properties] =
        parts.each_ref().map(Message::data);
    if !delimiter.is_empty() {
        return Err(ProtocolError::ZapUnspecified);
    }
    if version != VERSION {
        return Err(ProtocolError::ZapBadVersion);
    }
    if request_id != REQUEST_ID {
        return Err(ProtocolError::ZapBadRequestId);
    }
    let status = match status {
        b"200" => 200,
        b"300" => 300,
        b"400" => 400,
        b"500" => 500,
        _ => return Err(ProtocolError::ZapInvalidStatusCode),
    };
    let properties = metadata::parse(properties).map_err(|_| ProtocolError::ZapInvalidMetadata)?;
    match status {
        200 => Ok(ZapReply { user_id: user_id.to_vec(), properties }),
        refusal => Err(ProtocolError::Denied(refusal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn reply(parts: &[&[u8]]) -> Result<ZapReply, ProtocolError> {
        let parts: Vec<_> = parts.iter().map(|part| Message::from_slice(part).unwrap()).collect();
        parse_zap_reply(&parts)
    }

    #[test]
    fn a_request_has_the_parts_of_rfc_27_in_order() {
        let visit = ZapRequest { domain: b"d", address: "127.0.0.1", routing_id: b"id" };
        let credentials = ["name", "password"].map(|text| Zeroizing::new(text.into())).into();
        let question = Authentication { mechanism: "PLAIN", credentials };
        let parts = zap_request(visit, &question).unwrap();
        let texts: Vec<_> = parts.iter().map(Message::data).collect();
        let wanted: [&[u8]; 9] =
            [b"", b"1.0", b"1", b"d", b"127.0.0.1", b"id", b"PLAIN", b"name", b"password"];
        assert_eq!(texts, wanted);
        assert!(parts[..8].iter().all(Message::more) && !parts[8].more());
    }

    #[test]
    fn each_status_and_each_kind_of_nonsense_has_its_outcome() {
        let good: [&[u8]; 7] = [b"", b"1.0", b"1", b"200", b"OK", b"joe", b"\x01a\0\0\0\x01b"];
        let admission = reply(&good).unwrap();
        assert_eq!(admission.user_id, b"joe");
        assert_eq!(admission.properties, [("a".to_owned(), b"b".to_vec())]);
        let with = |place: usize, part: &'static [u8]| {
            let mut parts = good;
            parts[place] = part;
            reply(&parts).unwrap_err()
        };
        assert_eq!(with(0, b"x"), ProtocolError::ZapUnspecified);
        assert_eq!(with(1, b"2.0"), ProtocolError::ZapBadVersion);
        assert_eq!(with(2, b"2"), ProtocolError::ZapBadRequestId);
        assert_eq!(with(3, b"300"), ProtocolError::Denied(300));
        assert_eq!(with(3, b"400"), ProtocolError::Denied(400));
        assert_eq!(with(3, b"500"), ProtocolError::Denied(500));
        assert_eq!(with(3, b"201"), ProtocolError::ZapInvalidStatusCode);
        assert_eq!(with(3, b"2000"), ProtocolError::ZapInvalidStatusCode);
        assert_eq!(with(3, b""), ProtocolError::ZapInvalidStatusCode);
        assert_eq!(with(6, b"\x09a"), ProtocolError::ZapInvalidMetadata);
        assert_eq!(reply(&good[..6]), Err(ProtocolError::ZapMalformedReply));
        assert_eq!(reply(&[]), Err(ProtocolError::ZapMalformedReply));
    }

    proptest! {
        #[test]
        fn only_status_200_lets_anybody_in(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![&b""[..], b"1.0", b"1", b"200", b"400"])
                        .prop_map(<[u8]>::to_vec),
                    prop::collection::vec(any::<u8>(), 0..20),
                ],
                0..9,
            ),
        ) {
            let slices: Vec<_> = parts.iter().map(Vec::as_slice).collect();
            if reply(&slices).is_ok() {
                prop_assert!(parts.len() == 7 && parts[3] == b"200" && parts[1] == b"1.0");
            }
        }
    }
}
