//! From the security options to the mechanism of a connection.

use crate::gssapi::{NameType, Principal, SecurityContext};
use crate::options::{Mechanism as Kind, Security};
use crate::zmtp::{CurveClient, CurveServer, Gssapi, Mechanism, Null, PlainClient, PlainServer};

/// Our side of the mechanism that the options ask for, for a new connection.
pub(super) fn mechanism_of(security: &Security) -> Box<dyn Mechanism> {
    match (security.mechanism, security.server) {
        (Kind::Plain, true) => Box::new(PlainServer::default()),
        (Kind::Plain, false) => Box::new(PlainClient::new(
            security.plain_username.clone(),
            security.plain_password.clone(),
        )),
        (Kind::Curve, true) => {
            Box::new(CurveServer::new(security.curve_derived_key(), security.curve_secret_key()))
        }
        (Kind::Curve, false) => Box::new(CurveClient::new(
            security.curve_public_key,
            security.curve_secret_key(),
            security.curve_server_key,
        )),
        (Kind::Gssapi, server) => {
            let encrypts = !security.gssapi_plaintext;
            Box::new(Gssapi::new(server, encrypts, Box::new(gss_context_of(security, encrypts))))
        }
        _ => Box::new(Null::default()),
    }
}

/// A fresh context as zmq_gssapi(7) describes it.
fn gss_context_of(security: &Security, encrypts: bool) -> SecurityContext {
    let principal = |name: &[u8], number: i32| Principal {
        name: name.to_vec(),
        name_type: match number {
            1 => NameType::UserName,
            2 => NameType::Krb5Principal,
            _ => NameType::HostBased,
        },
    };
    let own = principal(&security.gssapi_principal, security.gssapi_principal_name_type);
    let own = Some(own).filter(|own| !own.name.is_empty());
    if security.server {
        return SecurityContext::acceptor(own, encrypts);
    }
    let service = &security.gssapi_service_principal;
    let service = principal(service, security.gssapi_service_principal_name_type);
    SecurityContext::initiator(own, service, encrypts)
}

/// Who lets a peer in (zmq_setsockopt(3), ZMQ_ZAP_DOMAIN and ZMQ_ZAP_ENFORCE_DOMAIN; where these
/// are silent, as observed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ZapPolicy {
    /// The mechanism alone.
    Open,
    /// The ZAP handler, where there is one.
    Optional,
    /// The ZAP handler; without one nobody is let in.
    Required,
    /// Nobody can: the handler must be asked, and may not be without a domain.
    Closed,
}

/// The policy of a socket with these options.
pub(super) fn zap_policy(security: &Security) -> ZapPolicy {
    let (domain, enforced) = (!security.zap_domain.is_empty(), security.zap_enforce_domain);
    match (security.mechanism, security.server) {
        (Kind::Null, _) if !domain => ZapPolicy::Open,
        (Kind::Null, _) if enforced => ZapPolicy::Required,
        (Kind::Null, _) => ZapPolicy::Optional,
        (_, false) => ZapPolicy::Open,
        // Without a handler PLAIN would check nothing.
        (Kind::Plain, true) if enforced && !domain => ZapPolicy::Closed,
        (Kind::Plain, true) => ZapPolicy::Required,
        (Kind::Curve | Kind::Gssapi, true) if !enforced => ZapPolicy::Optional,
        (Kind::Curve | Kind::Gssapi, true) if domain => ZapPolicy::Required,
        (Kind::Curve | Kind::Gssapi, true) => ZapPolicy::Open,
    }
}
