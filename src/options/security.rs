//! The options of the security mechanisms, as far as they decide which one is used.

use crate::numbers::{ZMQ_CURVE, ZMQ_GSSAPI, ZMQ_NULL, ZMQ_PLAIN};
use crate::zmtp::curve_public;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// A security mechanism, with its number in zmq.h.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Mechanism {
    /// No security.
    #[default]
    Null = ZMQ_NULL,
    /// User name and password, in the clear.
    Plain = ZMQ_PLAIN,
    /// Keys and encryption.
    Curve = ZMQ_CURVE,
    /// Kerberos and the like.
    Gssapi = ZMQ_GSSAPI,
}

/// A CURVE key.
pub(crate) type Key = [u8; 32];

/// The security options. Whichever option was set last decides the mechanism: a user name makes
/// it PLAIN, a key CURVE, and so on (observed).
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Security {
    /// The mechanism of connections to come.
    pub mechanism: Mechanism,
    /// Whether this side is the server of the mechanism.
    pub server: bool,
    /// ZMQ_PLAIN_USERNAME.
    pub plain_username: Vec<u8>,
    /// ZMQ_PLAIN_PASSWORD.
    pub plain_password: Zeroizing<Vec<u8>>,
    /// ZMQ_CURVE_PUBLICKEY.
    pub curve_public_key: Key,
    /// ZMQ_CURVE_SECRETKEY. In memory of its own: what is moved leaves its bytes where it was.
    curve_secret_key: Option<Box<Zeroizing<Key>>>,
    /// The public key that belongs to the secret one, once a server needed it; a server need not
    /// set its own.
    curve_derived_key: OnceLock<Key>,
    /// ZMQ_CURVE_SERVERKEY.
    pub curve_server_key: Key,
    /// ZMQ_GSSAPI_PRINCIPAL.
    pub gssapi_principal: Vec<u8>,
    /// ZMQ_GSSAPI_PRINCIPAL_NAMETYPE: 0, 1 or 2.
    pub gssapi_principal_name_type: i32,
    /// ZMQ_GSSAPI_SERVICE_PRINCIPAL.
    pub gssapi_service_principal: Vec<u8>,
    /// ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE: 0, 1 or 2.
    pub gssapi_service_principal_name_type: i32,
    /// ZMQ_GSSAPI_PLAINTEXT: authentication without encryption.
    pub gssapi_plaintext: bool,
    /// ZMQ_ZAP_DOMAIN.
    pub zap_domain: Vec<u8>,
    /// ZMQ_ZAP_ENFORCE_DOMAIN: ask the ZAP handler only when there is a domain.
    pub zap_enforce_domain: bool,
}

impl Security {
    /// Whether this side is the server of that mechanism.
    pub(crate) fn is_server_of(&self, mechanism: Mechanism) -> bool {
        self.server && self.mechanism == mechanism
    }

    /// The public key that belongs to the secret one.
    pub(crate) fn curve_derived_key(&self) -> Key {
        *self.curve_derived_key.get_or_init(|| curve_public(self.curve_secret_key()))
    }

    /// ZMQ_CURVE_SECRETKEY; zeros where none was set.
    pub(crate) fn curve_secret_key(&self) -> &Key {
        self.curve_secret_key.as_ref().map_or(&[0; 32], |key| &***key)
    }

    /// Sets it.
    pub(super) fn set_curve_secret_key(&mut self, key: &Key) {
        self.curve_secret_key = Some(Box::new(Zeroizing::new(*key)));
        self.curve_derived_key = OnceLock::new();
    }

    /// PLAIN_SERVER and CURVE_SERVER: 0 goes back to NULL.
    pub(super) fn set_server(&mut self, mechanism: Mechanism, server: bool) {
        self.server = server;
        self.mechanism = if server { mechanism } else { Mechanism::Null };
    }

    /// What identifies a client of that mechanism was set, or with false taken away.
    pub(super) fn set_client(&mut self, mechanism: Mechanism, present: bool) {
        self.set_server(mechanism, present);
        self.server = false;
    }
}

impl std::fmt::Debug for Security {
    /// Keys and passwords stay out of logs.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Security")
            .field("mechanism", &self.mechanism)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
