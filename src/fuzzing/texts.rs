//! Strings that an application passes on from outside, and a proxy's answers.

use crate::fuzzing::input::{Input, pieces};
use crate::transport::host_port::HostPort;
use crate::transport::socks::{Socks5Error, Socks5Handshake};
use crate::transport::{AddressFilter, Endpoint, Proxy};
use crate::utility::z85::{decode, encode};
use std::net::{IpAddr, SocketAddr};

pub(super) fn z85(data: &[u8]) {
    if let Ok(bytes) = decode(data) {
        assert_eq!(encode(&bytes).expect("a multiple of 4").as_bytes(), data);
    }
    if let Ok(text) = encode(data) {
        assert!(data.is_empty() || decode(text.as_bytes()).as_deref() == Ok(data));
    }
}

pub(super) fn endpoint(data: &[u8]) {
    let input = &mut Input::new(data);
    let (flags, proxy) = (input.byte(), input.field().to_vec());
    let text = String::from_utf8_lossy(input.rest()).into_owned();
    let _ = Endpoint::for_bind(&text, flags & 1 != 0);
    let Ok(endpoint) = Endpoint::for_connect(&text, flags & 1 != 0) else {
        return;
    };
    let proxy = Proxy { address: proxy, ..Proxy::default() };
    let endpoint = endpoint.through(&proxy);
    let ipv6 = flags & 2 != 0;
    let found = endpoint.unresolved_name(ipv6).map(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    let targets = endpoint.targets(ipv6, found.as_slice());
    let _ = targets.map(|targets| assert!(!targets.is_empty()));
}

pub(super) fn accept_filter(data: &[u8]) {
    let input = &mut Input::new(data);
    let ipv6 = input.flag();
    let peer = [0; 16].map(|_: u8| input.byte());
    let text = String::from_utf8_lossy(input.rest()).into_owned();
    let Ok(filter) = AddressFilter::parse(&text, ipv6) else {
        return;
    };
    let _ = filter.admits(SocketAddr::new(IpAddr::from(peer), 1));
    let host = text.rsplit_once('/').map_or(&*text, |(host, _)| host);
    if let Ok(own) = host.parse() {
        assert!(filter.admits(SocketAddr::new(own, 1)), "{text} does not admit itself");
    }
}

pub(super) fn socks(data: &[u8]) {
    let input = &mut Input::new(data);
    let (username, password) = (input.field().to_vec(), input.field().to_vec());
    let target = HostPort {
        host: String::from_utf8_lossy(input.field()).into_owned(),
        port: input.number(),
    };
    let seed = input.byte();
    let answers = input.rest();
    let proxy = Proxy { address: b"127.0.0.1:1080".to_vec(), username, password: password.into() };
    let Ok(fresh) = Socks5Handshake::new(&proxy, &target) else {
        return;
    };
    let converse = |seed| {
        let mut own = fresh.clone();
        let mut said = Vec::new();
        let mut taken = 0;
        for mut piece in pieces(answers, seed) {
            while !piece.is_empty() && own.wants() > 0 {
                assert!(own.wants() <= 5 + 255 + 2);
                said.extend_from_slice(own.output());
                own.wrote(own.output().len());
                let (now, rest) = piece.split_at(own.wants().min(piece.len()));
                own.handle_input(now)?;
                taken += now.len();
                piece = rest;
            }
        }
        said.extend_from_slice(own.output());
        own.wrote(own.output().len());
        Ok((own.is_connected(), said, taken))
    };
    let (whole, cut): (Result<_, Socks5Error>, _) = (converse(0), converse(seed));
    assert_eq!(whole, cut);
}
