//! The gateway's settings: a TOML file, over it the environment, over both the command line. Every mistake is reported
//! at once.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use tracing_subscriber::EnvFilter;

use crate::policy::{Defaults, ForCallback, Policies, Setting};

/// Receives OpenIM's callbacks over HTTP and asks a decider over gRPC.
///
/// Exits with 0 after SIGTERM or Ctrl-C, 64 when the settings are wrong, and 71 when the address can't be used.
#[derive(Clone, Debug, Default, clap::Parser)]
#[command(version)]
pub struct Cli {
    /// Configuration file in TOML
    #[arg(long, value_name = "FILE", env = "CALLBACK_GATEWAY_CONFIG")]
    config: Option<PathBuf>,
    /// Address that OpenIM's callbacks come to [default: 127.0.0.1:10006]
    #[arg(long, value_name = "ADDRESS", env = "CALLBACK_GATEWAY_LISTEN")]
    listen: Option<String>,
    /// Address of metrics and health [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS", env = "CALLBACK_GATEWAY_ADMIN")]
    admin: Option<String>,
    /// URL of the decider [default: http://127.0.0.1:50051]
    #[arg(long, value_name = "URL", env = "CALLBACK_GATEWAY_DECIDER")]
    decider: Option<String>,
    /// Threads that serve callbacks [default: one per core]
    #[arg(long, value_name = "COUNT", env = "CALLBACK_GATEWAY_WORKERS")]
    workers: Option<String>,
    /// What is logged: a level, or directives like `info,callback_gateway=debug` [default: info]
    #[arg(long, value_name = "FILTER", env = "CALLBACK_GATEWAY_LOG")]
    log: Option<String>,
}

/// The settings of a gateway, valid.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the file, the environment and the command line say.
    pub file: File,
    /// What OpenIM gets when there is no decision.
    pub policies: Policies,
}

/// The configuration file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// The address that OpenIM's callbacks come to.
    pub listen: SocketAddr,
    /// The address of `/metrics`, `/livez`, `/readyz` and `/version`.
    pub admin: SocketAddr,
    /// The decider's URL, `http://host:port`.
    pub decider: DeciderUrl,
    /// How many threads serve callbacks. Unset means as many as there are cores for the process, those of its
    /// container included.
    pub workers: Option<NonZeroUsize>,
    /// What is logged: a level (`error`, `warn`, `info`, `debug`), or directives like `info,callback_gateway=debug`.
    /// Denials are logged at `info`, failures and refused requests at `warn`, allows at `debug`.
    pub log: LogFilter,
    /// What a request, a connection and the end of the process are limited to.
    pub limits: Limits,
    /// What holds for every callback that does not say otherwise.
    pub defaults: Defaults,
    /// What holds for single callbacks, by their keys in OpenIM's webhooks.yml: `[callbacks.beforeSendSingleMsg]`.
    /// `[callbacks.unknown]` is for those that this version does not know.
    pub callbacks: BTreeMap<Setting, ForCallback>,
}

/// What a request, a connection and the end of the process are limited to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a callback, in bytes; a larger one is refused. gRPC servers take 4 MiB by default, and an
    /// oversized message must not make the decision fail.
    pub body: usize,
    /// The largest head of a request, in bytes; at least 8192.
    pub head: usize,
    /// How long a connection may stay idle, and how long a head may take. OpenIM never closes idle connections itself,
    /// and a callback that meets a connection being closed is lost: keep it at 10 minutes or more.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub idle: Duration,
    /// At the end, how long idle connections are kept to be told `Connection: close` by their next answer.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub linger: Duration,
    /// At the end, how long requests in flight may take after that.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drain: Duration,
}

impl Default for File {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 10006)),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)),
            decider: DeciderUrl(Uri::from_static("http://127.0.0.1:50051")),
            workers: None,
            log: LogFilter("info".to_owned()),
            limits: Limits::default(),
            defaults: Defaults::default(),
            callbacks: BTreeMap::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            head: 16 << 10,
            idle: Duration::from_secs(600),
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(10),
        }
    }
}

/// The URL of a decider.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct DeciderUrl(Uri);

impl DeciderUrl {
    /// The URL: scheme `http`, a host, and no path.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl TryFrom<String> for DeciderUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|e| format!("`{url}` is no URL: {e}"))?;
        let plain = uri.path_and_query().is_none_or(|path| path == "/");
        if uri.scheme_str() == Some("http") && uri.host().is_some() && plain {
            Ok(Self(uri))
        } else {
            Err(format!("`{url}` must have the form http://host:port"))
        }
    }
}

impl From<DeciderUrl> for String {
    fn from(url: DeciderUrl) -> Self {
        url.0.to_string().trim_end_matches('/').to_owned()
    }
}

/// What is logged, in the directives of `tracing`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter.
    #[must_use]
    pub fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl TryFrom<String> for LogFilter {
    type Error = String;

    fn try_from(filter: String) -> Result<Self, String> {
        match EnvFilter::try_new(&filter) {
            Ok(_) => Ok(Self(filter)),
            Err(e) => Err(format!("`{filter}` is no log filter: {e}")),
        }
    }
}

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Mistake {
    place: String,
    problem: String,
}

impl Mistake {
    /// A mistake at a key, a flag or a file.
    pub fn new(place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        let problem = problem.to_string().trim_end().replace('\n', "; ");
        Self { place: place.to_string(), problem }
    }
}

impl Settings {
    /// Reads the settings that the command line leads to.
    ///
    /// # Errors
    /// Every mistake there is.
    pub fn load(cli: &Cli) -> Result<Self, Vec<Mistake>> {
        let mut layers = Layers::default();
        if let Some(path) = &cli.config {
            match read(path) {
                Ok(table) => layers.add(&path.display().to_string(), table),
                Err(mistake) => layers.mistakes.push(mistake),
            }
        }
        let flags = [
            ("listen", "--listen (CALLBACK_GATEWAY_LISTEN)", &cli.listen),
            ("decider", "--decider (CALLBACK_GATEWAY_DECIDER)", &cli.decider),
            ("workers", "--workers (CALLBACK_GATEWAY_WORKERS)", &cli.workers),
            ("log", "--log (CALLBACK_GATEWAY_LOG)", &cli.log),
        ];
        for (key, flag, value) in flags {
            if let Some(text) = value {
                let number = text.parse().map(Value::Integer);
                layers.set(&[key], number.unwrap_or_else(|_| text.clone().into()), flag);
            }
        }
        layers.finish()
    }

    /// Reads settings from the text of a configuration file.
    ///
    /// # Errors
    /// Every mistake there is.
    pub fn from_toml(text: &str) -> Result<Self, Vec<Mistake>> {
        let mut layers = Layers::default();
        let table = text.parse().map_err(|e| vec![Mistake::new("settings", e)])?;
        layers.add("settings", table);
        layers.finish()
    }

    /// The number of threads that serve callbacks.
    #[must_use]
    pub fn workers(&self) -> NonZeroUsize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.file.workers.unwrap_or_else(cores)
    }
}

fn read(path: &Path) -> Result<Table, Mistake> {
    let text = std::fs::read_to_string(path).map_err(|e| Mistake::new(path.display(), e))?;
    text.parse().map_err(|e| Mistake::new(path.display(), e))
}

/// Settings from several places, later ones over earlier ones. Each value is tried by itself, so that all the mistakes
/// are found, not only the first.
#[derive(Default)]
struct Layers {
    merged: Table,
    mistakes: Vec<Mistake>,
}

impl Layers {
    fn add(&mut self, origin: &str, table: Table) {
        let mut values = Vec::new();
        flatten(table, &mut Vec::new(), &mut values);
        for (path, value) in values {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            self.set(&keys, value, &format!("{origin}: {}", path.join(".")));
        }
    }

    fn set(&mut self, path: &[&str], value: Value, place: &str) {
        let mut alone = Table::new();
        insert(&mut alone, path, value.clone());
        match alone.try_into::<File>() {
            Ok(_) => insert(&mut self.merged, path, value),
            Err(e) => self.mistakes.push(Mistake::new(place, e.message())),
        }
    }

    fn finish(mut self) -> Result<Settings, Vec<Mistake>> {
        let file: File = self.merged.try_into().expect("every value was read by itself");
        self.mistakes.extend(out_of_range(&file));
        match Policies::new(&file.defaults, &file.callbacks) {
            Ok(policies) if self.mistakes.is_empty() => Ok(Settings { file, policies }),
            Ok(_) => Err(self.mistakes),
            Err(more) => Err([self.mistakes, more].concat()),
        }
    }
}

fn out_of_range(file: &File) -> Vec<Mistake> {
    let Limits { body, head, .. } = file.limits;
    let mut mistakes = Vec::new();
    if !(1..=4 << 20).contains(&body) {
        mistakes.push(Mistake::new("limits.body", "must be 1 to 4194304 bytes"));
    }
    if !(8192..=1 << 20).contains(&head) {
        mistakes.push(Mistake::new("limits.head", "must be 8192 to 1048576 bytes"));
    }
    if file.defaults.deadline.is_some_and(|deadline| deadline.is_zero()) {
        mistakes.push(Mistake::new("defaults.deadline", "must be longer than nothing"));
    }
    mistakes
}

/// The values of a table with their paths. An empty table counts as a value: its name may be wrong too.
fn flatten(table: Table, path: &mut Vec<String>, values: &mut Vec<(Vec<String>, Value)>) {
    for (key, value) in table {
        path.push(key);
        match value {
            Value::Table(table) if !table.is_empty() => flatten(table, path, values),
            value => values.push((path.clone(), value)),
        }
        path.pop();
    }
}

fn insert(table: &mut Table, path: &[&str], value: Value) {
    match path {
        [] => {}
        [key] => {
            table.insert((*key).to_owned(), value);
        }
        [key, rest @ ..] => {
            let inner = table.entry(*key).or_insert_with(|| Table::new().into());
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_reported_at_once() {
        let text = "
            listen = 'here'
            nothing = 1
            [defaults]
            deadline = 'soon'
            code = 42
            [limits]
            body = 0
            [callbacks.beforeSendSingelMsg]
            on_failure = 'allow'
            [callbacks.beforeOnlinePush]
            on_failure = 'perhaps'
            [callbacks.afterUserOnline]
            on_failure = 'deny'
        ";
        let mistakes = Settings::from_toml(text).expect_err("full of mistakes");
        let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(mistakes.join("\n"), @r#"
        settings: callbacks.beforeOnlinePush.on_failure: unknown variant `perhaps`, expected `allow` or `deny`
        settings: callbacks.beforeSendSingelMsg.on_failure: no callback `beforeSendSingelMsg`; did you mean `beforeSendSingleMsg`?
        settings: defaults.code: 42 is no refusal code: use 5000 to 9999, or 20001 to 29999
        settings: defaults.deadline: invalid value: string "soon", expected a duration
        settings: listen: invalid socket address syntax
        settings: nothing: unknown field `nothing`, expected one of `listen`, `admin`, `decider`, `workers`, `log`, `limits`, `defaults`, `callbacks`
        limits.body: must be 1 to 4194304 bytes
        callbacks.afterUserOnline: comes after the fact and is always allowed: its verdict can't be set
        "#);
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let cli =
            Cli { listen: Some("127.0.0.1:7".into()), workers: Some("0".into()), ..Cli::default() };
        let mistakes = Settings::load(&cli).expect_err("0 workers");
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].to_string().starts_with("--workers"), "{}", mistakes[0]);
        let settings = Settings::load(&Cli { workers: None, ..cli }).expect("valid");
        assert_eq!(settings.file.listen.port(), 7);
    }

    #[test]
    fn a_decider_is_a_host_and_a_port() {
        for url in ["localhost:50051", "https://x", "http://x/path", "", "http://"] {
            assert!(DeciderUrl::try_from(url.to_owned()).is_err(), "{url}");
        }
        assert!(DeciderUrl::try_from("http://decider:50051/".to_owned()).is_ok());
    }
}
