//! The networks that callers come from, proxies between them and the gateway included.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};

use process::Mistake;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The bits before the IPv4 address in an IPv6 one that holds it, `::ffff:a.b.c.d`.
const MAPPED: u8 = 96;

/// The allowed networks, and the trusted proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Networks {
    /// Empty means all.
    allowed: Vec<IpNet>,
    proxies: Vec<IpNet>,
}

impl Networks {
    pub(super) fn new(allowed: &[IpNet], proxies: &[IpNet]) -> Result<Self, Mistake> {
        if allowed.is_empty() && !proxies.is_empty() {
            let why = "has no effect without callers.networks";
            return Err(Mistake::new("callers.trusted_proxies", why));
        }
        let canonical = |networks: &[IpNet]| networks.iter().map(canonical).collect();
        Ok(Self { allowed: canonical(allowed), proxies: canonical(proxies) })
    }

    /// True if callers from every network are admitted.
    pub(super) fn are_all(&self) -> bool {
        self.allowed.is_empty()
    }

    pub(super) fn allow(&self, client: Option<IpAddr>) -> bool {
        self.are_all() || client.is_some_and(|client| contain(&self.allowed, client))
    }

    /// The client behind the trusted proxies: each appends the address of its caller, so the list is read from its end
    /// to the first that is no trusted proxy. Entries before that may be forged. None if a proxy wrote no valid
    /// address.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let values = headers.get_all(&FORWARDED_FOR).iter().rev();
        let mut forwarded = values.flat_map(|value| value.as_bytes().rsplit(|&b| b == b','));
        let mut client = peer.to_canonical();
        while contain(&self.proxies, client) {
            match forwarded.next() {
                Some(entry) => client = address(entry)?,
                None => break,
            }
        }
        Some(client)
    }
}

fn contain(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// An entry of the list; some proxies write the port too.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

/// Addresses are compared in their canonical form, so a network of IPv4 addresses within IPv6 is one of IPv4.
fn canonical(network: &IpNet) -> IpNet {
    let IpAddr::V4(address) = network.addr().to_canonical() else {
        return *network;
    };
    match network {
        IpNet::V6(v6) if v6.prefix_len() >= MAPPED => {
            Ipv4Net::new(address, v6.prefix_len() - MAPPED).map_or(*network, IpNet::V4)
        }
        _ => *network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(allowed: &[&str], proxies: &[&str]) -> Networks {
        let parse = |networks: &[&str]| -> Vec<IpNet> {
            networks.iter().map(|network| network.parse().expect("a network")).collect()
        };
        Networks::new(&parse(allowed), &parse(proxies)).expect("networks")
    }

    fn client(networks: &Networks, peer: &str, forwarded: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(&FORWARDED_FOR, value.parse().expect("a value"));
        }
        let client = networks.client(peer.parse().expect("an address"), &headers);
        client.map(|client| client.to_string())
    }

    #[test]
    fn an_address_is_the_same_in_both_notations() {
        let networks = networks(&["10.0.0.0/8", "::ffff:192.168.0.0/112", "2001:db8::/32"], &[]);
        let allow = |client: &str| {
            let client = networks.client(client.parse().expect("an address"), &HeaderMap::new());
            networks.allow(client)
        };
        for right in ["10.1.2.3", "::ffff:10.1.2.3", "192.168.7.7", "2001:db8::1"] {
            assert!(allow(right), "{right}");
        }
        for wrong in ["11.1.2.3", "::ffff:11.1.2.3", "192.169.7.7", "2001:db9::1", "::10.1.2.3"] {
            assert!(!allow(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_trusted_proxy() {
        let networks = networks(&["0.0.0.0/0"], &["10.0.0.0/8", "::1/128"]);
        for (forwarded, expected) in [
            (&[][..], Some("10.0.0.1")),
            (&["1.1.1.1"], Some("1.1.1.1")),
            (&["1.1.1.1, 2.2.2.2"], Some("2.2.2.2")),
            (&["1.1.1.1", "2.2.2.2,10.9.9.9"], Some("2.2.2.2")),
            (&["1.1.1.1", "2.2.2.2", "::ffff:10.9.9.9 "], Some("2.2.2.2")),
            (&["10.2.2.2,10.3.3.3"], Some("10.2.2.2")),
            (&["1.1.1.1:5678"], Some("1.1.1.1")),
            (&["[2001:db8::1]:5678"], Some("2001:db8::1")),
            (&["[2001:db8::1], [::1]"], Some("2001:db8::1")),
            (&["1.1.1.1, unknown"], None),
            (&["1.1.1.1,"], None),
            (&["unknown, 2.2.2.2"], Some("2.2.2.2")),
        ] {
            assert_eq!(
                client(&networks, "10.0.0.1", forwarded).as_deref(),
                expected,
                "{forwarded:?}"
            );
        }
        let spoofed = client(&networks, "3.3.3.3", &["1.1.1.1"]);
        assert_eq!(spoofed.as_deref(), Some("3.3.3.3"), "only proxies are believed");
    }
}
