//! From the URL of a decider to its addresses.

use std::collections::HashSet;
use std::io;

use http::uri::Authority;

use super::connect::{Address, Target};
use crate::settings::EndpointUrl;

/// An address, with what is called there.
pub(super) type Place = (Address, Target);

/// All addresses of all URLs. A name that can't be resolved is an error only if nothing else is left.
pub(super) async fn resolve(urls: &[EndpointUrl]) -> io::Result<HashSet<Place>> {
    let mut places = HashSet::new();
    let mut failed = None;
    for url in urls {
        match addresses(url).await {
            Ok(addresses) => {
                let target = target(url);
                places.extend(addresses.into_iter().map(|address| (address, target.clone())));
            }
            Err(why) => failed = Some(why),
        }
    }
    match failed {
        Some(why) if places.is_empty() => Err(why),
        _ => Ok(places),
    }
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
