//! The settings, checked all at once.

use crate::cli::{CallerArguments, Cli, LimitArguments};
use crate::serve::{Limits, Server, Tls, TlsFiles, Tokens};
use policy::{LoadError, Policy};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Settings that are right.
pub(crate) struct Settings {
    /// The address to serve gRPC on.
    pub(crate) listen: SocketAddr,
    /// The policy to decide by.
    pub(crate) policy: Policy,
    /// What is logged.
    pub(crate) log: EnvFilter,
    /// Who may call the server, how, and how much.
    pub(crate) server: Server,
}

impl Settings {
    /// Checks the arguments, and loads the policy and all other files.
    ///
    /// # Errors
    /// A line for each mistake in any of them.
    pub(crate) fn new(arguments: &Cli) -> Result<Self, Vec<String>> {
        let mut mistakes = Mistakes(Vec::new());
        let listen = mistakes.note(address(&arguments.listen).map_err(one));
        let log = mistakes.note(filter(&arguments.log).map_err(one));
        let limits = limits(&arguments.limits, &mut mistakes);
        let CallerArguments { token_file, .. } = &arguments.callers;
        let tls = mistakes.note(tls(&arguments.callers));
        let tokens = mistakes.note(token_file.as_deref().map(Tokens::read).transpose());
        let policy = Policy::load(&arguments.policy);
        let policy = mistakes.note(policy.map_err(|error: LoadError| one(error.to_string())));
        match (listen, log, limits, tls, tokens, policy) {
            (Some(listen), Some(log), Some(limits), Some(tls), Some(tokens), Some(policy)) => {
                let server = Server::default().limits(limits).tls(tls).tokens(tokens);
                Ok(Self { listen, policy, log, server })
            }
            _ => Err(mistakes.0),
        }
    }
}

/// The address in `--listen`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("--listen {text:?}: not an address with a port, like 127.0.0.1:50051"))
}

fn filter(text: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(text).map_err(|error| format!("--log {text:?}: no log filter: {error}"))
}

fn tls(arguments: &CallerArguments) -> Result<Option<Tls>, Vec<String>> {
    let CallerArguments { tls_certificate, tls_key, tls_client_ca, .. } = arguments;
    let missing = |flag, since| Err(one(format!("{flag}: must be set, since {since} is")));
    match (tls_certificate.clone(), tls_key.clone(), tls_client_ca.clone()) {
        (Some(certificate), Some(key), client_ca) => {
            Tls::read(TlsFiles { certificate, key, client_ca }).map(Some)
        }
        (Some(_), None, _) => missing("--tls-key", "--tls-certificate"),
        (None, Some(_), _) => missing("--tls-certificate", "--tls-key"),
        (None, None, Some(_)) => missing("--tls-certificate", "--tls-client-ca"),
        (None, None, None) => Ok(None),
    }
}

fn limits(arguments: &LimitArguments, mistakes: &mut Mistakes) -> Option<Limits> {
    let LimitArguments { max_message, max_headers, max_streams, max_connections, .. } = arguments;
    let LimitArguments { handshake_timeout, keep_alive, .. } = arguments;
    let message_bytes = mistakes.note(number("--max-message", max_message, 1..=1 << 30));
    let header_bytes = mistakes.note(number("--max-headers", max_headers, 1 << 10..=1 << 24));
    let streams = mistakes.note(number("--max-streams", max_streams, 1..=1_000_000));
    let connections = mistakes.note(number("--max-connections", max_connections, 1..=1_000_000));
    let handshake = mistakes.note(number("--handshake-timeout", handshake_timeout, 1..=3600));
    let keep_alive = mistakes.note(number("--keep-alive", keep_alive, 1..=86_400));
    Some(Limits {
        message_bytes: message_bytes?,
        header_bytes: header_bytes?,
        streams: streams?,
        connections: connections?,
        handshake: Duration::from_secs(handshake?),
        keep_alive: Duration::from_secs(keep_alive?),
    })
}

fn number<N: FromStr + PartialOrd + std::fmt::Display>(
    flag: &str,
    text: &str,
    range: RangeInclusive<N>,
) -> Result<N, Vec<String>> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (least, most) = range.into_inner();
        one(format!("{flag} {text:?}: not a whole number from {least} to {most}"))
    })
}

/// What is wrong.
struct Mistakes(Vec<String>);

impl Mistakes {
    fn note<T>(&mut self, checked: Result<T, Vec<String>>) -> Option<T> {
        checked.map_err(|mistakes| self.0.extend(mistakes)).ok()
    }
}

fn one(mistake: String) -> Vec<String> {
    vec![mistake]
}
