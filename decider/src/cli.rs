//! The command line and the environment.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Decides OpenIM's callbacks by rules in files.
///
/// Serves every rpc of the contract, gRPC health and reflection. The first rule that denies a call wins, every rule
/// sees the edits of those before it, and calls without a rule are allowed. A rule that fails denies or is skipped,
/// as the policy says.
///
/// Exits with 0 after SIGTERM or Ctrl-C, 64 when the settings or the policy are wrong, 71 when the
/// address can't be used, and 70 when one of its threads dies, which is a bug.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// The address to serve gRPC on.
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS",
        env = "CALLBACK_DECIDER_LISTEN",
        default_value = "127.0.0.1:50051"
    )]
    pub(crate) listen: String,

    /// The policy: a file, or a folder whose *.yaml are one policy, in the order of their names.
    ///
    /// Tests (*_test.yaml) and dot files of a folder are left out. The policy is loaded again on SIGHUP, and when its
    /// files have changed and were still for a second; with a mistake in them, the one in force stays. The project's
    /// policy.yaml explains the rules.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "CALLBACK_DECIDER_POLICY",
        default_value = "policy.yaml"
    )]
    pub(crate) policy: PathBuf,

    /// Serving threads: as many as there are cores, unless set.
    #[arg(long, value_name = "THREADS", env = "CALLBACK_DECIDER_WORKERS")]
    pub(crate) workers: Option<String>,

    #[command(flatten)]
    pub(crate) log: LogArguments,

    #[command(flatten)]
    pub(crate) callers: CallerArguments,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    /// Commands that run instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Commands that run instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the health of the decider on this host; for containers without a shell
    ///
    /// It is called on the address where it listens, by TLS if it has a certificate. Exits with 0 if it serves, and
    /// with 1 if not, after 2 seconds at most.
    Healthcheck,
    /// Run the cases beside the policy, and say which of them it decides otherwise
    ///
    /// A case is a request and the decision that it expects, in YAML; docs/policy.md says more. For each that fails
    /// there is a line with its file and line, and below it what differs. The last lines are the number of cases, and
    /// the rules whose condition held in none of them.
    ///
    /// Exits with 0 if all pass, with 1 if some fail, and with 64 if the policy or a test file has mistakes: they are
    /// told all at once.
    Test(TestArguments),
    /// Say what each rule of the policy answers to a request
    ///
    /// There is a line for each rule of the rpc, in the order in which they are asked: whether its condition holds (yes
    /// or no), it failed, or was skipped since one before it ended the decision, and the time that it took. Below them
    /// stands the decision. Exits with 0, and with 64 if the policy or the request has mistakes.
    Explain(ExplainArguments),
    /// Check the policy: report its mistakes and warnings, all at once
    ///
    /// It reads --policy as the decider itself does, and serves nothing. Exits with 0 if the policy is valid, and with
    /// 64 if not. A warning is about what is valid, but probably not meant: most are about expressions that fail on
    /// some content.
    Check(CheckArguments),
}

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The rpc that is called, such as BeforeSendSingleMsg.
    #[arg(long, value_name = "RPC")]
    pub(crate) rpc: String,

    /// Its request in proto's JSON, or the same as YAML. What is left out is unset.
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,
}

/// The arguments of `test`.
#[derive(Debug, Args)]
pub struct TestArguments {
    /// Print the result as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,

    /// The test files: unless set, each *_test.yaml beside the policy's file or in its folder.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Take each warning for a mistake: a policy that has one is not valid.
    #[arg(long)]
    pub(crate) strict: bool,

    /// Print one JSON object instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The log.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogArguments {
    /// The lines that are logged: a level, or directives like `info,callback_decider=debug`. Denials are logged
    /// at info, failures at error.
    #[arg(long, value_name = "FILTER", env = "CALLBACK_DECIDER_LOG", default_value = "info")]
    pub(crate) log: String,

    /// Lines a second of one kind about one callback. More are only counted; 0 logs all.
    #[arg(
        long,
        value_name = "LINES",
        env = "CALLBACK_DECIDER_LOG_LINES_PER_SECOND",
        default_value = "100"
    )]
    pub(crate) log_lines_per_second: String,
}

/// Callers, and their connections.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Callers")]
pub(crate) struct CallerArguments {
    /// The certificate chain to show, in PEM; with it, every connection is TLS.
    #[arg(long, global = true, value_name = "FILE", env = "CALLBACK_DECIDER_TLS_CERTIFICATE")]
    pub(crate) tls_certificate: Option<PathBuf>,

    /// Its key, in PEM.
    #[arg(long, value_name = "FILE", env = "CALLBACK_DECIDER_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,

    /// The certificates, in PEM, of which one must have signed each client's; with it, a client
    /// without a certificate can't connect.
    #[arg(long, global = true, value_name = "FILE", env = "CALLBACK_DECIDER_TLS_CLIENT_CA")]
    pub(crate) tls_client_ca: Option<PathBuf>,

    /// Tokens, one a line. Each call but those of health must carry one of them, as
    /// `authorization: Bearer …`. This file and those of TLS are read again when they change.
    #[arg(long, value_name = "FILE", env = "CALLBACK_DECIDER_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// The limits of calls and connections.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArguments {
    /// The largest request. A larger one is answered with the status OUT_OF_RANGE.
    #[arg(
        long,
        value_name = "BYTES",
        env = "CALLBACK_DECIDER_MAX_MESSAGE",
        default_value = "4194304"
    )]
    pub(crate) max_message: String,

    /// All headers of a call together.
    #[arg(
        long,
        value_name = "BYTES",
        env = "CALLBACK_DECIDER_MAX_HEADERS",
        default_value = "16384"
    )]
    pub(crate) max_headers: String,

    /// Calls in flight on one connection.
    #[arg(
        long,
        value_name = "CALLS",
        env = "CALLBACK_DECIDER_MAX_STREAMS",
        default_value = "1000"
    )]
    pub(crate) max_streams: String,

    /// Connections. More are closed at once.
    #[arg(
        long,
        value_name = "CONNECTIONS",
        env = "CALLBACK_DECIDER_MAX_CONNECTIONS",
        default_value = "1000"
    )]
    pub(crate) max_connections: String,

    /// The time that a TLS handshake may take, and the first bytes of HTTP/2.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CALLBACK_DECIDER_HANDSHAKE_TIMEOUT",
        default_value = "10"
    )]
    pub(crate) handshake_timeout: String,

    /// The interval at which a silent connection is pinged; it is closed without an answer within 20 seconds.
    #[arg(long, value_name = "SECONDS", env = "CALLBACK_DECIDER_KEEP_ALIVE", default_value = "60")]
    pub(crate) keep_alive: String,
}
