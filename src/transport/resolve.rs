//! From a host and a port to socket addresses.
//!
//! A local address (of a bind, or the source of a connection) is `*`, an interface or numeric. A
//! remote one is numeric or a name, which takes a lookup that may block.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

use super::host_port::HostPort;
use crate::error::{Error, Result};
use crate::io::interfaces::{interface_address, interface_index};

/// The address of this machine that `local` means. With `ipv6` it is always an IPv6 address,
/// an IPv4 one being mapped.
///
/// # Errors
/// NoDevice when the host is neither an interface nor an address of a family in use,
/// InvalidArgument for an unknown zone.
pub(super) fn local(local: &HostPort, ipv6: bool) -> Result<SocketAddr> {
    let (name, _) = split_zone(&local.host)?;
    let mut address = match name {
        "*" if ipv6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        "*" => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        _ => interface(name, ipv6)
            .or_else(|| numeric_host(&local.host, ipv6))
            .ok_or(Error::NoDevice)?,
    };
    address.set_port(local.port);
    Ok(if ipv6 { as_ipv6(address) } else { address })
}

fn interface(name: &str, ipv6: bool) -> Option<SocketAddr> {
    // An interface without an IPv6 address serves IPv4 all the same.
    ipv6.then(|| interface_address(name, true)).flatten().or_else(|| interface_address(name, false))
}

/// The remote address, when no lookup is needed to know it: the host is numeric.
pub(super) fn numeric(remote: &HostPort, ipv6: bool) -> Option<SocketAddr> {
    let mut address = numeric_host(&remote.host, ipv6)?;
    address.set_port(remote.port);
    Some(address)
}

/// The addresses of the remote host, those to try first in front; `found` are those of its name,
/// where it is one.
///
/// # Errors
/// HostUnreachable when there is none of a family in use.
pub(super) fn remote(
    remote: &HostPort,
    ipv6: bool,
    found: &[SocketAddr],
) -> Result<Vec<SocketAddr>> {
    if let Some(address) = numeric(remote, ipv6) {
        return Ok(vec![address]);
    }
    let mut addresses: Vec<_> = found.iter().filter(|own| ipv6 || own.is_ipv4()).copied().collect();
    addresses.iter_mut().for_each(|own| own.set_port(remote.port));
    // libzmq asks for IPv6 alone and falls back to IPv4; a name may have both.
    addresses.sort_by_key(SocketAddr::is_ipv4);
    if addresses.is_empty() { Err(Error::HostUnreachable) } else { Ok(addresses) }
}

/// The addresses of a name; none when it has none. May block.
pub(super) fn look_up(name: &str) -> Vec<SocketAddr> {
    (name, 0).to_socket_addrs().map(Iterator::collect).unwrap_or_default()
}

/// A numeric host with its zone, brackets allowed; port 0. IPv6 only where `ipv6` allows it: else
/// a mapped IPv4 address is the one that it maps.
pub(super) fn numeric_host(host: &str, ipv6: bool) -> Option<SocketAddr> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let (name, zone) = split_zone(host).ok()?;
    if let Some(ip) = parse_ipv4(name) {
        return Some(SocketAddr::from((ip, 0)));
    }
    let ip: Ipv6Addr = name.parse().ok()?;
    let address = SocketAddr::from(SocketAddrV6::new(ip, 0, 0, zone));
    let address = if ipv6 { address } else { without_mapping(address) };
    (ipv6 || address.is_ipv4()).then_some(address)
}

/// Parts `host%zone`; the zone is an interface or its number, 0 when there is none.
fn split_zone(host: &str) -> Result<(&str, u32)> {
    let Some((name, zone)) = host.rsplit_once('%') else {
        return Ok((host, 0));
    };
    let index = interface_index(zone).or_else(|| zone.parse().ok().filter(|&index| index != 0));
    Ok((name, index.ok_or(Error::InvalidArgument)?))
}

/// An IPv4 address in one to four parts, each decimal, octal (0...) or hexadecimal (0x...); the
/// last part fills what is left. inet_aton(3) reads them so, and with it libzmq.
fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(parse_part).collect::<Option<_>>()?;
    let (&last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|&part| part > 255) {
        return None;
    }
    let room = 32 - 8 * leading.len() as u32;
    if u64::from(last) >= 1 << room {
        return None;
    }
    let high = leading.iter().enumerate().map(|(index, part)| part << (24 - 8 * index));
    Some(Ipv4Addr::from(high.fold(last, |address, part| address | part)))
}

fn parse_part(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    // from_str_radix would take a sign.
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// The address as IPv4, if it is one that is mapped.
pub(super) fn without_mapping(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::from((ip, address.port())),
        IpAddr::V6(_) => address,
    }
}

/// The address as IPv6, mapped if it is IPv4.
pub(super) fn as_ipv6(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) => SocketAddr::from((ip.to_ipv6_mapped(), address.port())),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(host: &str) -> HostPort {
        HostPort { host: host.to_owned(), port: 7 }
    }

    #[test]
    fn local_addresses_are_wildcards_interfaces_or_numbers() {
        let rows = [
            ("*", "0.0.0.0:7", "[::]:7"),
            ("*%lo", "0.0.0.0:7", "[::]:7"),
            ("127.0.0.1", "127.0.0.1:7", "[::ffff:127.0.0.1]:7"),
            ("127.1", "127.0.0.1:7", "[::ffff:127.0.0.1]:7"),
            ("127.0.0.1%lo", "127.0.0.1:7", "[::ffff:127.0.0.1]:7"),
        ];
        for (text, with_ipv4, with_ipv6) in rows {
            assert_eq!(local(&host(text), false), Ok(with_ipv4.parse().unwrap()), "{text}");
            assert_eq!(local(&host(text), true), Ok(with_ipv6.parse().unwrap()), "{text}");
        }
        assert_eq!(local(&host("lo"), false), Ok("127.0.0.1:7".parse().unwrap()));
    }

    #[test]
    fn other_local_hosts_are_no_device() {
        for text in ["", "eth9", "localhost", "256.1.1.1", "1.2.3.4.5", "[::1", "lo "] {
            assert_eq!(local(&host(text), false), Err(Error::NoDevice), "{text}");
            assert_eq!(local(&host(text), true), Err(Error::NoDevice), "{text}");
        }
        assert_eq!(local(&host("::1"), false), Err(Error::NoDevice));
        assert_eq!(local(&host("::1"), true), Ok("[::1]:7".parse().unwrap()));
    }

    #[test]
    fn a_mapped_ipv4_address_needs_no_ipv6() {
        let mapped = host("::ffff:127.0.0.1");
        assert_eq!(local(&mapped, false), Ok("127.0.0.1:7".parse().unwrap()));
        assert_eq!(numeric(&mapped, false), Some("127.0.0.1:7".parse().unwrap()));
        assert_eq!(numeric(&mapped, true), Some("[::ffff:127.0.0.1]:7".parse().unwrap()));
        assert_eq!(numeric(&host("::1"), false), None);
    }

    #[test]
    fn an_unknown_zone_is_invalid() {
        assert_eq!(local(&host("fe80::1%nope"), true), Err(Error::InvalidArgument));
        assert_eq!(local(&host("a%b"), false), Err(Error::InvalidArgument));
        assert_eq!(local(&host("fe80::1%0"), true), Err(Error::InvalidArgument));
    }

    #[test]
    fn ipv4_addresses_have_one_to_four_parts() {
        let rows = [
            ("1.2.3.4", Some([1, 2, 3, 4])),
            ("1.2.65535", Some([1, 2, 255, 255])),
            ("1.2.65536", None),
            ("0x7f.1", Some([127, 0, 0, 1])),
            ("010.0.0.1", Some([8, 0, 0, 1])),
            ("1", Some([0, 0, 0, 1])),
            ("4294967295", Some([255; 4])),
            ("4294967296", None),
            ("1.", None),
            ("", None),
            ("1.2.3.4.5", None),
            ("+1.2.3.4", None),
            (" 1.2.3.4", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_ipv4(text), expected.map(Ipv4Addr::from), "{text}");
        }
    }

    #[test]
    fn a_numeric_remote_host_needs_no_lookup() {
        assert_eq!(numeric(&host("127.0.0.1"), false), Some("127.0.0.1:7".parse().unwrap()));
        assert_eq!(numeric(&host("::1"), true), Some("[::1]:7".parse().unwrap()));
        assert_eq!(numeric(&host("::1"), false), None);
        assert_eq!(numeric(&host("localhost"), true), None);
        assert_eq!(numeric(&host("*"), true), None);
    }

    #[test]
    fn a_name_resolves_to_the_families_in_use() {
        let found = look_up("localhost");
        let addresses = remote(&host("localhost"), false, &found).unwrap();
        assert!(addresses.iter().all(|own| own.ip().is_loopback() && own.is_ipv4()));
        assert!(addresses.iter().all(|own| own.port() == 7));
        assert_eq!(look_up(""), []);
        let found = ["10.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
        let both = ["[::1]:7".parse().unwrap(), "10.0.0.1:7".parse().unwrap()];
        assert_eq!(remote(&host("both"), true, &found), Ok(both.to_vec()));
        assert_eq!(remote(&host("both"), false, &found), Ok(vec![both[1]]));
        assert_eq!(remote(&host(""), false, &[]), Err(Error::HostUnreachable));
        assert_eq!(remote(&host("::1"), false, &[]), Err(Error::HostUnreachable));
    }
}
