//! Network interfaces by name, as `tcp://eth0:5555` and `fe80::1%eth0` use them.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ptr;

/// The list that getifaddrs made; freed with the value.
struct InterfaceList(*mut libc::ifaddrs);

impl InterfaceList {
    fn query() -> Option<Self> {
        let mut head = ptr::null_mut();
        // SAFETY: `head` is a valid place for the list's pointer.
        let result = unsafe { libc::getifaddrs(&raw mut head) };
        (result == 0).then_some(Self(head))
    }

    /// Name and address of each entry that has an internet address.
    fn addresses(&self) -> impl Iterator<Item = (&CStr, SocketAddr)> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: `next` is null or an entry of the list, which lives as long as `self`.
            let entry = unsafe { next.as_ref() }?;
            next = entry.ifa_next;
            Some(entry)
        })
        .filter_map(|entry| {
            // SAFETY: an entry's name is a NUL-terminated string of the list; its address is
            // null or a socket address whose family tells its true size.
            unsafe { Some((CStr::from_ptr(entry.ifa_name), internet_address(entry.ifa_addr)?)) }
        })
    }
}

impl Drop for InterfaceList {
    fn drop(&mut self) {
        // SAFETY: the pointer came from getifaddrs and is freed once.
        unsafe { libc::freeifaddrs(self.0) }
    }
}

/// # Safety
/// `address` is null or points to a socket address as large as its family says.
unsafe fn internet_address(address: *const libc::sockaddr) -> Option<SocketAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: not null, and every socket address begins with its family.
    match i32::from(unsafe { (*address).sa_family }) {
        libc::AF_INET => {
            // SAFETY: this family's addresses are `sockaddr_in`; read without assuming alignment.
            let raw = unsafe { ptr::read_unaligned(address.cast::<libc::sockaddr_in>()) };
            let ip = Ipv4Addr::from(u32::from_be(raw.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, 0).into())
        }
        libc::AF_INET6 => {
            // SAFETY: this family's addresses are `sockaddr_in6`.
            let raw = unsafe { ptr::read_unaligned(address.cast::<libc::sockaddr_in6>()) };
            let ip = Ipv6Addr::from(raw.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, 0, 0, raw.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// The first address of the interface `name`, of the IPv6 family or else of IPv4; port 0.
/// None when there is no such interface, or none with an address of the family.
pub(crate) fn interface_address(name: &str, ipv6: bool) -> Option<SocketAddr> {
    InterfaceList::query()?
        .addresses()
        .find(|(own, address)| own.to_bytes() == name.as_bytes() && address.is_ipv6() == ipv6)
        .map(|(_, address)| address)
}

/// The index of the interface `name`, which is what an IPv6 zone stands for.
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` is a NUL-terminated string that outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// The name of the interface with this index.
pub(crate) fn interface_name(index: u32) -> Option<String> {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: `name` has the room that the call asks for, IF_NAMESIZE bytes.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: on success the name is in the buffer, with a NUL after it.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    name.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_the_loopback_address() {
        let address = interface_address("lo", false).unwrap();
        assert_eq!(address, "127.0.0.1:0".parse().unwrap());
        let index = interface_index("lo").unwrap();
        assert_eq!(interface_name(index).as_deref(), Some("lo"));
    }

    #[test]
    fn an_unknown_interface_has_none() {
        assert_eq!(interface_address("nosuchif9", false), None);
        assert_eq!(interface_address("nosuchif9", true), None);
        assert_eq!(interface_index("nosuchif9"), None);
        assert_eq!(interface_index("a\0b"), None);
        assert_eq!(interface_name(0), None);
    }
}
