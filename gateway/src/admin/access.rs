//! Who may read events and act on them by the admin port.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{FORWARDED, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue};
use process::{Mistake, Reloadable};

use super::refusal::Refusal;
use crate::http::callers::basic;
use crate::http::callers::secret::{Kind, Secrets};

/// The environment variable that overrides `admin_token_file`.
pub const TOKEN: &str = "CALLBACK_GATEWAY_ADMIN_TOKEN";

/// The token, sent by HTTP Basic as the password of the user `admin`.
const KIND: Kind = Kind {
    key: "admin_token_file",
    variable: TOKEN,
    wire: |token| match token.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(STANDARD.encode(format!("admin:{token}")).into()),
        false => Err("a token may have ASCII letters, digits and punctuation only"),
    },
};

/// The headers of requests that came through a proxy.
const FORWARDED_BY: [HeaderName; 2] = [FORWARDED, HeaderName::from_static("x-forwarded-for")];

/// The tokens, any of which gives access.
#[derive(Debug)]
pub struct Access {
    file: Option<PathBuf>,
    tokens: Reloadable<Secrets>,
}

impl Access {
    /// Reads the tokens from the environment, or else the file, if one is set.
    ///
    /// # Errors
    /// They can't be read, or can't be tokens.
    pub fn read(file: Option<&Path>) -> Result<Self, Mistake> {
        let tokens = Reloadable::new(Secrets::read(&KIND, file)?);
        Ok(Self { file: file.map(Path::to_owned), tokens })
    }

    /// Reads the tokens again. Changed ones that can't be used are logged, and the old ones stay.
    pub fn refresh(&self) {
        let read = Secrets::read(&KIND, self.file.as_deref()).map_err(|mistake| vec![mistake]);
        self.tokens.refresh("admin_token_file", read);
    }

    /// The value of `authorization` for the first token; none if there is no token.
    #[must_use]
    pub fn authorization(&self) -> Option<HeaderValue> {
        let tokens = self.tokens.current();
        let value = [b"Basic ", tokens.first()?].concat();
        let mut value = HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Asks for a token. Without one that is set, whoever can connect to a loopback address is trusted, but not a proxy
    /// there, which speaks for others.
    pub(super) fn authorise(&self, headers: &HeaderMap, is_local: bool) -> Result<(), Refusal> {
        let tokens = self.tokens.current();
        let is_forwarded = FORWARDED_BY.iter().any(|name| headers.contains_key(name));
        match (tokens.are_none(), is_local && !is_forwarded) {
            (true, true) => Ok(()),
            (true, false) => Err(Refusal::Forbidden),
            (false, _) if tokens.hold(basic(headers)) => Ok(()),
            (false, _) => Err(Refusal::Unauthorised),
        }
    }
}

/// True if the `Host` can't be the name of a page whose DNS was changed to a loopback address, which a browser lets read
/// the answers.
pub(super) fn is_host_safe(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    host.is_some_and(|host| {
        let name = host.host().trim_matches(['[', ']']);
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_safe_hosts() {
        let is_safe = |host: &str| {
            let host = HeaderValue::from_str(host).expect("a value");
            is_host_safe(&[(HOST, host)].into_iter().collect())
        };
        for host in ["localhost", "LOCALHOST:9464", "127.0.0.1:9464", "10.0.0.1", "[::1]:9464"] {
            assert!(is_safe(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example:9464", "127.0.0.1.nip.io"] {
            assert!(!is_safe(host), "{host}");
        }
        assert!(!is_host_safe(&HeaderMap::new()));
    }
}
