//! Who may call: the network that a request comes from, the secret that its path begins with, and HTTP Basic.

mod config;
mod network;
pub(crate) mod secret;

use std::net::IpAddr;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use process::Mistake;

pub use self::config::CallersConfig;
use self::network::Networks;
use self::secret::Secrets;
use crate::openim::rejection::{Rejection, Unauthorised};

/// The callers that are admitted: by default all. Only what is set is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callers {
    networks: Networks,
    path: Secrets,
    basic: Secrets,
}

impl Callers {
    /// Reads the secrets that the configuration names.
    ///
    /// # Errors
    /// Every file that can't be read, every secret that can't be one, and every setting that can't have an effect.
    pub fn read(config: &CallersConfig) -> Result<Self, Vec<Mistake>> {
        let networks = Networks::new(&config.networks, &config.trusted_proxies);
        let path = Secrets::read(&secret::PATH, config.path_secret_file.as_deref());
        let basic = Secrets::read(&secret::BASIC, config.basic_file.as_deref());
        match (networks, path, basic) {
            (Ok(networks), Ok(path), Ok(basic)) => Ok(Self { networks, path, basic }),
            (networks, path, basic) => {
                Err([networks.err(), path.err(), basic.err()].into_iter().flatten().collect())
            }
        }
    }

    /// True if every caller is admitted.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.networks.are_all() && self.path.are_none() && self.basic.are_none()
    }

    /// Admits a request from `peer`, and returns its path without the secret.
    ///
    /// # Errors
    /// The caller may not call.
    pub fn admit<'h>(&self, head: &'h Parts, peer: IpAddr) -> Result<&'h str, Rejection> {
        let path = head.uri.path();
        if self.are_all() {
            return Ok(path);
        }
        let client = self.networks.client(peer, &head.headers);
        let refuse = |reason| Rejection::Unauthorised { reason, client };
        if !self.networks.allow(client) {
            return Err(refuse(Unauthorised::Network));
        }
        let path = self.path(path).ok_or(refuse(Unauthorised::PathSecret))?;
        match self.basic.are_none() || self.basic.hold(basic(&head.headers)) {
            true => Ok(path),
            false => Err(refuse(Unauthorised::Basic)),
        }
    }

    /// The path behind the secret, if it is the right one.
    fn path<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.path.are_none() {
            return Some(path);
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let (secret, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
        self.path.hold(secret.as_bytes()).then_some(rest)
    }
}

/// The credentials after `Basic`, in any case; empty for another scheme, and for more than one `Authorization`, of which
/// a proxy may have checked another one.
pub(crate) fn basic(headers: &HeaderMap) -> &[u8] {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return &[];
    };
    match value.as_bytes().split_at_checked(6) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"basic ") => rest.trim_ascii(),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(uri: &str, authorization: &str) -> Parts {
        let request = Request::post(uri).header(AUTHORIZATION, authorization).body(());
        request.expect("a request").into_parts().0
    }

    fn callers(path: &str, basic: &str) -> Callers {
        let parse = |kind, text| Secrets::parse(kind, text).expect("secrets");
        Callers {
            networks: Networks::new(&[], &[]).expect("networks"),
            path: parse(&secret::PATH, path),
            basic: parse(&secret::BASIC, basic),
        }
    }

    fn admit(callers: &Callers, uri: &str, authorization: &str) -> Result<String, Unauthorised> {
        let peer = IpAddr::from([127, 0, 0, 1]);
        match callers.admit(&head(uri, authorization), peer) {
            Ok(path) => Ok(path.to_owned()),
            Err(Rejection::Unauthorised { reason, .. }) => Err(reason),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_path_must_begin_with_a_secret_which_is_then_left_out() {
        let callers = callers("s3cret\nnext", "u:p");
        let basic = "Basic dTpw";
        for (uri, path) in
            [("/s3cret/a/b", "/a/b"), ("/next/", "/"), ("/s3cret?command=x", ""), ("/s3cret", "")]
        {
            assert_eq!(admit(&callers, uri, basic), Ok(path.to_owned()), "{uri}");
        }
        for uri in ["/", "/x", "/S3cret/a", "/s3cret1/a", "/s3cre/a", "/a/s3cret/b", "//s3cret/a"] {
            assert_eq!(admit(&callers, uri, basic), Err(Unauthorised::PathSecret), "{uri}");
        }
    }

    #[test]
    fn the_credentials_must_be_basic_and_known() {
        let callers = callers("s", "u:p\nother:pässword: ");
        for right in ["Basic dTpw", "basic dTpw", "BASIC  dTpw ", "Basic b3RoZXI6cMOkc3N3b3JkOiA="]
        {
            assert_eq!(admit(&callers, "/s/a", right), Ok("/a".to_owned()), "{right}");
        }
        for wrong in ["", "dTpw", "Basic", "Basic ", "Bearer dTpw", "Basic dTpx", "Basic dTpwdTpw"]
        {
            assert_eq!(admit(&callers, "/s/a", wrong), Err(Unauthorised::Basic), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", callers("s3cret", "user:password"));
        assert!(!shown.contains("s3cret") && !shown.contains("pass"), "{shown}");
    }
}
