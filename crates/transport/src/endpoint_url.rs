//! The URL of a decider's endpoint.

use std::fmt;
use std::path::PathBuf;

use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The URL of a decider's endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum EndpointUrl {
    /// `http://host:port` or `https://host:port`.
    Tcp {
        /// The connection is by TLS.
        tls: bool,
        /// A name or an address.
        host: String,
        /// The port; 80 or 443 if the URL has none.
        port: u16,
    },
    /// `unix:/path`, a Unix domain socket.
    Unix(PathBuf),
}

impl Default for EndpointUrl {
    fn default() -> Self {
        Self::Tcp { tls: false, host: "127.0.0.1".to_owned(), port: 50051 }
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("unix:") {
            // unix:///path is the same as unix:/path
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.starts_with('/') {
                true => Ok(Self::Unix(path.into())),
                false => Err(format!("`{url}` must have the form unix:/path")),
            };
        }
        let form = || {
            format!("`{url}` must have the form http://host:port, https://host:port or unix:/path")
        };
        let uri: Uri = url.parse().map_err(|_| form())?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(form()),
        };
        let plain = uri.path_and_query().is_none_or(|path| path == "/");
        let user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        match uri.host() {
            Some(host) if plain && !user && !host.is_empty() => {
                let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                Ok(Self::Tcp { tls, host, port })
            }
            _ => Err(form()),
        }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { tls, host, port } => {
                let scheme = if *tls { "https" } else { "http" };
                match host.contains(':') {
                    true => write!(f, "{scheme}://[{host}]:{port}"),
                    false => write!(f, "{scheme}://{host}:{port}"),
                }
            }
        }
    }
}

impl From<EndpointUrl> for String {
    fn from(url: EndpointUrl) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decider_is_a_host_and_a_port_or_a_socket() {
        for url in
            ["localhost:50051", "ftp://x", "http://x/path", "", "http://", "unix:x", "http://u:p@x"]
        {
            assert!(EndpointUrl::try_from(url.to_owned()).is_err(), "{url}");
        }
        for (url, canonical) in [
            ("http://decider:50051/", "http://decider:50051"),
            ("https://decider", "https://decider:443"),
            ("http://[::1]:7", "http://[::1]:7"),
            ("unix:///run/decider.sock", "unix:/run/decider.sock"),
        ] {
            let parsed = EndpointUrl::try_from(url.to_owned()).map(|url| url.to_string());
            assert_eq!(parsed.as_deref(), Ok(canonical));
        }
    }
}
