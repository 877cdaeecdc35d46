//! Options of the draft API: properties for the peers, and what belongs to transports that are not there yet,
//! which is stored and read back.

use super::value::Argument;
use super::{Options, Value};
use crate::error::{Error, Result};
use crate::numbers::*;
use std::collections::BTreeMap;

/// Longest name of a property.
const MAX_PROPERTY_NAME: usize = 255;

/// The options of the draft API that have no other place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftOptions {
    /// ZMQ_METADATA: properties for the peers, by their names, which begin with "X-".
    pub metadata: BTreeMap<String, Vec<u8>>,
    /// ZMQ_IN_BATCH_SIZE: at least 1.
    pub in_batch_size: i32,
    /// ZMQ_OUT_BATCH_SIZE: at least 1.
    pub out_batch_size: i32,
    /// The messages of connections.
    pub messages: ConnectionMessages,
    /// ZMQ_XSUB_VERBOSE_UNSUBSCRIBE.
    pub verbose_unsubscribe: bool,
    /// The options of wss.
    pub wss: Wss,
    /// The options of norm.
    pub norm: Norm,
}

/// Messages that connections bring by themselves; empty is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConnectionMessages {
    /// ZMQ_HELLO_MSG: to the peer, first on each connection.
    pub hello: Vec<u8>,
    /// ZMQ_DISCONNECT_MSG: from a peer that was accepted, last.
    pub disconnect: Vec<u8>,
    /// ZMQ_HICCUP_MSG: from a peer that was connected to, between two connections.
    pub hiccup: Vec<u8>,
}

/// The options of wss; texts are empty where they were not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wss {
    /// ZMQ_WSS_KEY_PEM.
    pub key: zeroize::Zeroizing<Vec<u8>>,
    /// ZMQ_WSS_CERT_PEM.
    pub certificate: Vec<u8>,
    /// ZMQ_WSS_TRUST_PEM.
    pub trust: Vec<u8>,
    /// ZMQ_WSS_HOSTNAME.
    pub hostname: Vec<u8>,
    /// ZMQ_WSS_TRUST_SYSTEM.
    pub trusts_system: bool,
}

/// The options of norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Norm {
    /// ZMQ_NORM_MODE.
    pub mode: i32,
    /// ZMQ_NORM_UNICAST_NACK.
    pub unicast_nack: bool,
    /// ZMQ_NORM_BUFFER_SIZE in kilobytes.
    pub buffer_size: i32,
    /// ZMQ_NORM_SEGMENT_SIZE in bytes.
    pub segment_size: i32,
    /// ZMQ_NORM_BLOCK_SIZE in segments, 1 to 255.
    pub block_size: i32,
    /// ZMQ_NORM_NUM_PARITY, 0 to 254.
    pub parity: i32,
    /// ZMQ_NORM_NUM_AUTOPARITY, 0 to 254.
    pub auto_parity: i32,
    /// ZMQ_NORM_PUSH.
    pub push: bool,
}

impl Default for DraftOptions {
    fn default() -> Self {
        Self {
            metadata: BTreeMap::new(),
            in_batch_size: 8192,
            out_batch_size: 8192,
            messages: ConnectionMessages::default(),
            verbose_unsubscribe: false,
            wss: Wss::default(),
            norm: Norm {
                mode: ZMQ_NORM_CC,
                unicast_nack: false,
                buffer_size: 2048,
                segment_size: 1400,
                block_size: 16,
                parity: 4,
                auto_parity: 0,
                push: false,
            },
        }
    }
}

impl Options {
    pub(super) fn set_draft(&mut self, option: i32, value: Argument<'_>) -> Result<()> {
        let DraftOptions { metadata, in_batch_size, out_batch_size, messages, wss, .. } =
            &mut self.draft;
        match option {
            ZMQ_METADATA => {
                let (name, value) = property(value.bytes())?;
                // The first value stays (observed).
                metadata.entry(name).or_insert(value);
            }
            ZMQ_HELLO_MSG => messages.hello = value.bytes().to_vec(),
            ZMQ_DISCONNECT_MSG => messages.disconnect = value.bytes().to_vec(),
            ZMQ_HICCUP_MSG => messages.hiccup = value.bytes().to_vec(),
            ZMQ_IN_BATCH_SIZE => *in_batch_size = value.at_least(1)?,
            ZMQ_OUT_BATCH_SIZE => *out_batch_size = value.at_least(1)?,
            ZMQ_PRIORITY => self.transport.priority = value.unsigned()?,
            ZMQ_BUSY_POLL => self.transport.busy_poll = Some(value.int()?),
            ZMQ_WSS_KEY_PEM => *wss.key = value.bytes().to_vec(),
            ZMQ_WSS_CERT_PEM => wss.certificate = value.bytes().to_vec(),
            ZMQ_WSS_TRUST_PEM => wss.trust = value.bytes().to_vec(),
            ZMQ_WSS_HOSTNAME => wss.hostname = value.bytes().to_vec(),
            ZMQ_WSS_TRUST_SYSTEM => wss.trusts_system = value.bit()?,
            _ => return self.draft.norm.set(option, value),
        }
        Ok(())
    }

    pub(super) fn draft_value(&self, option: i32, room: usize) -> Result<Value> {
        let DraftOptions { in_batch_size, out_batch_size, wss, norm, .. } = &self.draft;
        match option {
            ZMQ_WSS_KEY_PEM => Value::text(&wss.key, room),
            ZMQ_WSS_CERT_PEM => Value::text(&wss.certificate, room),
            ZMQ_WSS_TRUST_PEM => Value::text(&wss.trust, room),
            ZMQ_WSS_HOSTNAME => Value::text(&wss.hostname, room),
            _ => {
                let value = match option {
                    ZMQ_IN_BATCH_SIZE => *in_batch_size,
                    ZMQ_OUT_BATCH_SIZE => *out_batch_size,
                    ZMQ_PRIORITY => self.transport.priority as i32,
                    ZMQ_WSS_TRUST_SYSTEM => wss.trusts_system.into(),
                    _ => norm.value(option)?,
                };
                Value::int(value, room)
            }
        }
    }
}

impl Norm {
    fn set(&mut self, option: i32, value: Argument<'_>) -> Result<()> {
        match option {
            ZMQ_NORM_MODE => self.mode = value.within(ZMQ_NORM_FIXED, ZMQ_NORM_CCE_ECNONLY)?,
            ZMQ_NORM_UNICAST_NACK => self.unicast_nack = value.bit()?,
            ZMQ_NORM_BUFFER_SIZE => self.buffer_size = value.at_least(1)?,
            ZMQ_NORM_SEGMENT_SIZE => self.segment_size = value.at_least(1)?,
            ZMQ_NORM_BLOCK_SIZE => self.block_size = value.within(1, 255)?,
            ZMQ_NORM_NUM_PARITY => self.parity = value.within(0, 254)?,
            ZMQ_NORM_NUM_AUTOPARITY => self.auto_parity = value.within(0, 254)?,
            ZMQ_NORM_PUSH => self.push = value.bit()?,
            _ => return Err(Error::InvalidArgument),
        }
        Ok(())
    }

    fn value(&self, option: i32) -> Result<i32> {
        Ok(match option {
            ZMQ_NORM_MODE => self.mode,
            ZMQ_NORM_UNICAST_NACK => self.unicast_nack.into(),
            ZMQ_NORM_BUFFER_SIZE => self.buffer_size,
            ZMQ_NORM_SEGMENT_SIZE => self.segment_size,
            ZMQ_NORM_BLOCK_SIZE => self.block_size,
            ZMQ_NORM_NUM_PARITY => self.parity,
            ZMQ_NORM_NUM_AUTOPARITY => self.auto_parity,
            ZMQ_NORM_PUSH => self.push.into(),
            _ => return Err(Error::InvalidArgument),
        })
    }
}

/// A property of ZMQ_METADATA: "X-name:value", where the value may have colons and neither is empty.
fn property(text: &[u8]) -> Result<(String, Vec<u8>)> {
    let colon = text.iter().position(|byte| *byte == b':').ok_or(Error::InvalidArgument)?;
    let (name, value) = (&text[..colon], &text[colon + 1..]);
    let known = name.starts_with(b"X-") && name.len() > 2 && name.len() <= MAX_PROPERTY_NAME;
    if !known || value.is_empty() {
        return Err(Error::InvalidArgument);
    }
    let name = std::str::from_utf8(name).map_err(|_| Error::InvalidArgument)?;
    Ok((name.into(), value.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zmtp::SocketType;

    #[test]
    fn a_property_has_a_name_that_begins_with_x_and_a_value() {
        for text in ["X-key:value", "X-a:b:c", "X-a:b\0"] {
            assert!(property(text.as_bytes()).is_ok(), "{text}");
        }
        let long = format!("X-{}:v", "a".repeat(254));
        for text in ["", ":", "key:value", "x-a:b", "X-a", "X-a:", "X-:b", &long] {
            assert!(property(text.as_bytes()).is_err(), "{text}");
        }
        assert!(property(&long.as_bytes()[..255]).is_err());
        assert!(property(format!("X-{}:v", "a".repeat(253)).as_bytes()).is_ok());
    }

    #[test]
    fn what_belongs_to_later_transports_is_stored() {
        let mut options = Options::new(SocketType::Pair, false, true);
        let rows = [
            (ZMQ_IN_BATCH_SIZE, 8192, 1, 0),
            (ZMQ_OUT_BATCH_SIZE, 8192, 1, 0),
            (ZMQ_WSS_TRUST_SYSTEM, 0, 1, 2),
            (ZMQ_PRIORITY, 0, 6, -1),
            (ZMQ_NORM_MODE, 1, 4, 5),
            (ZMQ_NORM_UNICAST_NACK, 0, 1, 2),
            (ZMQ_NORM_BUFFER_SIZE, 2048, 1, 0),
            (ZMQ_NORM_SEGMENT_SIZE, 1400, 1, 0),
            (ZMQ_NORM_BLOCK_SIZE, 16, 255, 256),
            (ZMQ_NORM_NUM_PARITY, 4, 254, 255),
            (ZMQ_NORM_NUM_AUTOPARITY, 0, 254, 255),
            (ZMQ_NORM_PUSH, 0, 1, 2),
        ];
        let int = |value: i32| Value::int(value, 4);
        for (option, default, other, refused) in rows {
            assert_eq!(options.draft_value(option, 4), int(default), "{option}");
            assert_eq!(options.set_draft(option, Argument(Some(&i32::to_ne_bytes(other)))), Ok(()));
            let wrong = options.set_draft(option, Argument(Some(&i32::to_ne_bytes(refused))));
            assert_eq!(wrong, Err(Error::InvalidArgument), "{option}");
            assert_eq!(options.draft_value(option, 4), int(other), "{option}");
            assert_eq!(options.draft_value(option, 5), Err(Error::InvalidArgument));
        }
        for option in ZMQ_WSS_KEY_PEM..=ZMQ_WSS_HOSTNAME {
            assert_eq!(options.draft_value(option, 1), Value::text(b"", 1));
            assert_eq!(options.set_draft(option, Argument(Some(b"text"))), Ok(()));
            assert_eq!(options.draft_value(option, 4), Err(Error::InvalidArgument));
            assert_eq!(options.draft_value(option, 9), Value::text(b"text", 9));
            assert_eq!(options.set_draft(option, Argument(None)), Ok(()));
            assert_eq!(options.draft_value(option, 1), Value::text(b"", 1));
        }
    }
}
