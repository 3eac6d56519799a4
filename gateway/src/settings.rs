//! The gateway's settings: a TOML file, over it the environment, over both the command line. Every mistake is reported
//! at once.

mod file;
mod layers;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

pub use self::file::{DeciderUrl, File, Limits, LogFilter};
use self::layers::Layers;
pub use self::layers::Mistake;
use crate::policy::Policies;

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
            ("admin", "--admin (CALLBACK_GATEWAY_ADMIN)", &cli.admin),
            ("decider", "--decider (CALLBACK_GATEWAY_DECIDER)", &cli.decider),
            ("workers", "--workers (CALLBACK_GATEWAY_WORKERS)", &cli.workers),
            ("log", "--log (CALLBACK_GATEWAY_LOG)", &cli.log),
        ];
        for (key, flag, value) in flags {
            if let Some(text) = value {
                let number = text.parse().ok().filter(|_| key == "workers").map(Value::Integer);
                layers.set(&[key], number.unwrap_or_else(|| text.clone().into()), flag);
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
            idle = '500000000000years'
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
        limits.body: must be 1 to 1048576 bytes
        limits.idle: must be 1s to 1day
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
        for url in [
            "localhost:50051",
            "https://x",
            "http://x/path",
            "",
            "http://",
            "http://x",
            "http://u:p@x:1",
        ] {
            assert!(DeciderUrl::try_from(url.to_owned()).is_err(), "{url}");
        }
        assert!(DeciderUrl::try_from("http://decider:50051/".to_owned()).is_ok());
    }
}
