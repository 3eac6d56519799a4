//! The settings, checked all at once.

use crate::cli::{CallerArguments, Cli, LimitArguments, LogArguments};
use crate::live_policy::LivePolicy;
use crate::serve::{Limits, Tls, TlsFiles, Tokens};
use clap::CommandFactory;
use policy::LoadError;
use process::{Mistake, environment, log};
use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// The beginning of the names of the program's environment variables.
const PREFIX: &str = "CALLBACK_DECIDER_";

/// Valid settings.
pub(crate) struct Settings {
    /// The address to serve gRPC on.
    pub(crate) listen: SocketAddr,
    /// The number of serving threads.
    pub(crate) workers: NonZeroUsize,
    /// The policy to decide by.
    pub(crate) policy: LivePolicy,
    pub(crate) log: log::Config,
    pub(crate) limits: Limits,
    pub(crate) tls: Option<Tls>,
    pub(crate) tokens: Option<Tokens>,
    /// Environment variables with the program's prefix that no setting reads.
    pub(crate) unused_variables: Vec<String>,
}

impl Settings {
    /// Checks the command line and the environment, and loads the policy and all other files.
    ///
    /// # Errors
    /// A line for each mistake in any of them.
    pub(crate) fn new(cli: &Cli) -> Result<Self, Vec<String>> {
        let mut mistakes = Mistakes(Vec::new());
        let listen = mistakes.note(address(&cli.listen).map_err(one));
        let workers = workers(cli.workers.as_deref(), &mut mistakes);
        let log = log(&cli.log, &mut mistakes);
        let limits = limits(&cli.limits, &mut mistakes);
        let unused_variables = variables(&mut mistakes);
        let tls = mistakes.note(tls(&cli.callers));
        let tokens = cli.callers.token_file.as_deref().map(Tokens::read).transpose();
        let tokens = mistakes.note(tokens.map_err(one));
        let policy = LivePolicy::load(&cli.policy);
        let policy = mistakes.note(policy.map_err(|error: LoadError| vec![error]));
        let checked = || {
            Some(Self {
                listen: listen?,
                workers: workers?,
                policy: policy?,
                log: log?,
                limits: limits?,
                tls: tls?,
                tokens: tokens?,
                unused_variables,
            })
        };
        match checked() {
            Some(settings) if mistakes.0.is_empty() => Ok(settings),
            _ => Err(mistakes.0),
        }
    }
}

/// The address in `--listen`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, Mistake> {
    let problem = "not an address with a port, like 127.0.0.1:50051";
    text.parse().map_err(|_| mistake("--listen", text, problem))
}

fn workers(text: Option<&str>, mistakes: &mut Mistakes) -> Option<NonZeroUsize> {
    let set = text.map(|text| number("--workers", text, 1..=1024)).transpose();
    mistakes.note(set).map(|set| process::workers(set.and_then(NonZeroUsize::new)))
}

fn log(arguments: &LogArguments, mistakes: &mut Mistakes) -> Option<log::Config> {
    let LogArguments { log, log_lines_per_second } = arguments;
    let filter = log.parse().map_err(|why: String| one(mistake("--log", log, why)));
    let filter = mistakes.note(filter);
    let lines = number("--log-lines-per-second", log_lines_per_second, 0..=u64::from(u32::MAX));
    let lines_per_second = mistakes.note(lines);
    Some(log::Config {
        filter: filter?,
        format: log::LogFormat::Text,
        lines_per_second: lines_per_second?,
    })
}

/// The variables that no setting reads. One with nearly the name of a setting is a mistake.
fn variables(mistakes: &mut Mistakes) -> Vec<String> {
    let command = Cli::command();
    let known = command.get_arguments().filter_map(|flag| flag.get_env()?.to_str());
    let names = std::env::vars_os().map(|(name, _)| name);
    let environment::Unknown { misspelt, unused } = environment::unknown(PREFIX, known, names);
    mistakes.0.extend(misspelt.iter().map(Mistake::to_string));
    unused
}

fn tls(arguments: &CallerArguments) -> Result<Option<Tls>, Vec<Mistake>> {
    let CallerArguments { tls_certificate, tls_key, tls_client_ca, .. } = arguments.clone();
    let files = TlsFiles::new("--tls-", tls_certificate, tls_key, tls_client_ca).map_err(one)?;
    files.map(Tls::read).transpose()
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

fn number<N: FromStr + PartialOrd + Display>(
    flag: &str,
    text: &str,
    range: RangeInclusive<N>,
) -> Result<N, Vec<Mistake>> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (least, most) = range.into_inner();
        one(mistake(flag, text, format_args!("not a whole number from {least} to {most}")))
    })
}

/// The mistakes found so far.
struct Mistakes(Vec<String>);

impl Mistakes {
    fn note<T, M: Display>(&mut self, checked: Result<T, Vec<M>>) -> Option<T> {
        let lines = |mistakes: Vec<M>| mistakes.iter().map(M::to_string).collect::<Vec<_>>();
        checked.map_err(|mistakes| self.0.extend(lines(mistakes))).ok()
    }
}

/// A mistake in a flag, whose value is named, or in its variable.
fn mistake(flag: &str, value: &str, problem: impl Display) -> Mistake {
    Mistake::new(format_args!("{flag} {value:?}"), problem)
}

fn one(mistake: Mistake) -> Vec<Mistake> {
    vec![mistake]
}
