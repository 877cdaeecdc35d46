//! From the security options to the mechanism of a connection.

use crate::options::{Mechanism as Kind, Security};
use crate::zmtp::{Mechanism, Null, PlainClient, PlainServer};

/// Our side of the mechanism that the options ask for, for a new connection.
pub(super) fn mechanism_of(security: &Security) -> Box<dyn Mechanism> {
    match (security.mechanism, security.server) {
        (Kind::Plain, true) => Box::new(PlainServer::default()),
        (Kind::Plain, false) => Box::new(PlainClient::new(
            security.plain_username.clone(),
            security.plain_password.clone(),
        )),
        _ => Box::new(Null::default()),
    }
}

/// Whether a ZAP handler may have to be asked for a peer (zmq_setsockopt(3), ZMQ_ZAP_DOMAIN).
pub(super) fn authenticates(security: &Security) -> bool {
    match security.mechanism {
        Kind::Null => !security.zap_domain.is_empty(),
        _ => security.server,
    }
}
