//! Which peers may connect: by address (TCP) or by the credentials of the process (ipc).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::host_port::leading_number;
use super::resolve::numeric_host;
use crate::error::{Error, Result};
use crate::io::descriptor::Credentials;

/// A network that may connect: an address, and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressFilter {
    /// As IPv6, IPv4 addresses mapped: a listener with IPv6 sees IPv4 peers so.
    network: Ipv6Addr,
    /// 0 to 128.
    prefix: u32,
}

impl AddressFilter {
    /// Reads `address` or `address/bits`. The address is numeric; IPv6 needs `ipv6`.
    ///
    /// # Errors
    /// InvalidArgument, also for more bits than the address has.
    pub(crate) fn parse(text: &str, ipv6: bool) -> Result<Self> {
        let (host, bits) = match text.rsplit_once('/') {
            Some((host, bits)) => (host, Some(bits)),
            None => (text, None),
        };
        let address = numeric_host(host, ipv6).ok_or(Error::InvalidArgument)?;
        // The bits of an IPv4 network follow the 96 that mark a mapped address. With IPv6 on, the
        // reference counts IPv4 prefixes among 128 bits, so that 127.0.0.1/8 lets all of IPv4 in;
        // here they mean what they say.
        let (network, width) = match address.ip() {
            IpAddr::V4(ip) => (ip.to_ipv6_mapped(), 32),
            IpAddr::V6(ip) => (ip, 128),
        };
        let prefix = match bits.map(prefix_length).transpose()? {
            Some(bits) if bits > width => return Err(Error::InvalidArgument),
            Some(bits) => 128 - width + bits,
            None => 128,
        };
        Ok(Self { network, prefix })
    }

    /// Whether the peer is of this network.
    pub(crate) fn admits(&self, peer: SocketAddr) -> bool {
        let peer = match peer.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
        (u128::from(peer) ^ u128::from(self.network)) & mask == 0
    }
}

/// The bits after the slash: a number, what follows it is ignored (observed).
fn prefix_length(text: &str) -> Result<u32> {
    let digits = text.trim_start().trim_start_matches('+');
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(Error::InvalidArgument);
    }
    u32::try_from(leading_number(digits)).map_err(|_| Error::InvalidArgument)
}

/// Processes that may connect. All empty means every process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CredentialFilters {
    /// ZMQ_IPC_FILTER_PID.
    pub processes: Vec<u32>,
    /// ZMQ_IPC_FILTER_UID.
    pub users: Vec<u32>,
    /// ZMQ_IPC_FILTER_GID.
    pub groups: Vec<u32>,
}

impl CredentialFilters {
    /// Whether there is no filter.
    pub(crate) fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.users.is_empty() && self.groups.is_empty()
    }

    /// Whether a process with these credentials may connect: one match is enough.
    pub(crate) fn admits(&self, peer: Credentials) -> bool {
        self.is_empty()
            || self.processes.contains(&peer.process)
            || self.users.contains(&peer.user)
            || self.groups.contains(&peer.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(filter: &str, peer: &str) -> bool {
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        AddressFilter::parse(filter, true).unwrap().admits(peer)
    }

    #[test]
    fn a_network_admits_its_addresses_only() {
        assert!(admits("127.0.0.1", "127.0.0.1"));
        assert!(!admits("127.0.0.1", "127.0.0.2"));
        assert!(admits("10.0.0.0/8", "10.200.3.4"));
        assert!(!admits("10.0.0.0/8", "11.0.0.0"));
        assert!(admits("0.0.0.0/0", "1.2.3.4"));
        assert!(!admits("0.0.0.0/0", "2001:db8::1"));
        assert!(admits("2001:db8::/32", "2001:db8:1::1"));
        assert!(!admits("2001:db8::/32", "2001:db9::1"));
        assert!(admits("::/0", "2001:db9::1"));
    }

    #[test]
    fn a_mapped_peer_is_its_ipv4_address() {
        assert!(admits("127.0.0.0/8", "::ffff:127.1.2.3"));
        assert!(!admits("127.0.0.0/8", "::ffff:128.1.2.3"));
    }

    #[test]
    fn malformed_filters_are_refused() {
        let bad = [
            "",
            "localhost",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/x",
            "1.2.3.4/-1",
            "/8",
            "1.2.3.4/8/9",
        ];
        for text in bad {
            assert_eq!(AddressFilter::parse(text, false), Err(Error::InvalidArgument), "{text}");
        }
        for text in ["::1", "::1/64", "[::1]"] {
            assert!(AddressFilter::parse(text, false).is_err(), "{text}");
            assert!(AddressFilter::parse(text, true).is_ok(), "{text}");
        }
        assert!(AddressFilter::parse("::1/129", true).is_err());
        assert!(AddressFilter::parse("127.1/8x", false).is_ok());
    }

    #[test]
    fn one_matching_credential_is_enough() {
        let peer = Credentials { process: 10, user: 20, group: 30 };
        let mut filters = CredentialFilters::default();
        assert!(filters.admits(peer));
        filters.users.push(21);
        assert!(!filters.admits(peer));
        filters.groups.push(30);
        assert!(filters.admits(peer));
    }
}
