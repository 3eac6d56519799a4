//! Resolves the URLs of a decider to addresses.

use std::collections::HashSet;
use std::io;

use http::uri::Authority;

use crate::connect::{Address, Target};
use crate::endpoint_url::EndpointUrl;

/// One address of a decider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ResolvedAddress {
    pub(super) address: Address,
    pub(super) target: Target,
}

/// The current addresses of a decider's URLs.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) addresses: HashSet<ResolvedAddress>,
    /// The names that could not be resolved, and why. Their old addresses may still be valid.
    pub(super) failed: Vec<(Target, io::Error)>,
}

/// All addresses of all URLs.
pub(super) async fn resolve(urls: &[EndpointUrl]) -> Resolved {
    let mut resolved = Resolved::default();
    for url in urls {
        let target = target(url);
        match addresses(url).await {
            Ok(addresses) => {
                let at = |address| ResolvedAddress { address, target: target.clone() };
                resolved.addresses.extend(addresses.into_iter().map(at));
            }
            Err(why) => resolved.failed.push((target, why)),
        }
    }
    resolved
}

async fn addresses(url: &EndpointUrl) -> io::Result<Vec<Address>> {
    match url {
        EndpointUrl::Unix(path) => Ok(vec![Address::Unix(path.clone())]),
        EndpointUrl::Tcp { host, port, .. } => {
            let found = tokio::net::lookup_host((&**host, *port)).await?;
            Ok(found.map(Address::Tcp).collect())
        }
    }
}

fn target(url: &EndpointUrl) -> Target {
    let (tls, host, authority) = match url {
        EndpointUrl::Unix(_) => (false, "localhost", "localhost".to_owned()),
        EndpointUrl::Tcp { tls, host, .. } => {
            let text = url.to_string();
            let authority = text.split_once("//").map_or(&*text, |(_, authority)| authority);
            (*tls, &**host, authority.to_owned())
        }
    };
    let authority = authority.parse().unwrap_or_else(|_| Authority::from_static("localhost"));
    Target { tls, host: host.to_owned(), authority }
}
