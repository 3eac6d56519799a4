//! The command line.

pub mod events;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use scaffold::{TEMPLATES, Template};

use self::events::Events;
use crate::openim::contract::Callback;
use crate::openim::key::by_any_name;
use crate::settings::Flags;

/// Receives OpenIM's callbacks over HTTP and calls a decider over gRPC.
///
/// Exits with 0 after SIGTERM or Ctrl-C, 64 when the settings are wrong, and 71 when the address can't be used.
/// The settings of callbacks are read again on SIGHUP, and when their file changes.
#[derive(Clone, Debug, clap::Parser)]
#[command(version)]
pub struct Cli {
    /// The settings.
    #[command(flatten)]
    pub flags: Flags,
    /// Commands that run instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Commands that run instead of serving.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Print the settings that would be in force, or every mistake in them
    Check,
    /// Check that the gateway on this host is alive, by its admin address; for containers without a shell
    ///
    /// Exits with 0 if it is, and with 1 if not, after 2 seconds at most. One that drains is alive.
    Healthcheck,
    /// See and change the events that the gateway on this host keeps, by its admin address
    ///
    /// An event is an after-callback that is kept until its decider has received it. One that its decider can't take, or
    /// that fails for events.max_age (in NATS events.nats.max_block), is dead: it is kept, and not tried again until it
    /// is replayed. All commands but status send the token of admin_token_file, if one is set.
    ///
    /// Exits with 0; with 1 if no event matches, with 64 when an argument or a file is wrong, and with 69 if the gateway
    /// can't be reached or refuses.
    Events(Events),
    /// Play OpenIM: send callbacks to the decider, and show its decisions
    ///
    /// Sends all callbacks with realistic bodies, one after the other, by way of a gateway with these settings; nothing
    /// else has to run but the decider. Exits with 0 if every answer is valid, and as --expect says; 1 if one is not,
    /// or if there is none, or if --record leaves one out; 64 when an argument or a file is wrong. A callback may be
    /// unimplemented, but not all of them.
    Play(Play),
    /// Start a decider: write a project that builds, runs, and has tests and a container file
    New(New),
    /// Write the contract between this gateway and deciders, or print its version and files
    Contract(Contract),
}

/// The callbacks that `play` sends, and the form of its report.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What to play")]
pub struct Play {
    /// Send this callback only, by its key in webhooks.yml, its command or its rpc; repeated, several
    #[arg(long, value_name = "NAME", value_parser = by_any_name)]
    pub callback: Vec<&'static Callback>,
    /// Send the JSON in this file; its callbackCommand, or else --callback, names the callback; - is the standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["expect", "from"])]
    pub body: Option<PathBuf>,
    /// Send the bodies in this file, in JSON lines: {"command": …, "body": …}; - is the standard input
    ///
    /// A body is an object, or text that holds one. Its callbackCommand can stand for a missing command.
    #[arg(long, value_name = "FILE", conflicts_with = "expect")]
    pub from: Option<PathBuf>,
    /// Send the cases in this file (YAML), and compare the decisions; - is the standard input
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// Write the decider's decisions into a new file, for --expect; failed and invalid ones are left out
    #[arg(long, value_name = "FILE", conflicts_with = "expect")]
    pub record: Option<PathBuf>,
    /// Print only what is wrong, and the summary
    #[arg(long)]
    pub only_failures: bool,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    pub json: bool,
}

/// The project that `new` writes.
#[derive(Clone, Debug, clap::Args)]
pub struct New {
    /// The language of the project
    #[arg(value_parser = language())]
    pub language: &'static Template,
    /// The folder to write; it is made, or must be empty
    pub dir: PathBuf,
    /// The project's name, such as acme-rules [default: the folder's]
    #[arg(long)]
    pub name: Option<String>,
    /// The path of Go's module, or the package in Java and Kotlin [default: of example.com, by the project's name]
    #[arg(long)]
    pub package: Option<String>,
}

fn language() -> ValueParser {
    let of = |name: String| TEMPLATES.iter().find(|template| template.language == name);
    let names = PossibleValuesParser::new(TEMPLATES.iter().map(|template| template.language));
    names.try_map(move |name| of(name).ok_or("has no template")).into()
}

/// The forms in which `contract` writes it.
#[derive(Clone, Debug, clap::Args)]
pub struct Contract {
    /// Write its .proto files below this folder, over those that are there
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write its compiled descriptors, with comments and imports, to this file; - is stdout
    #[arg(long, value_name = "FILE")]
    pub descriptor_set: Option<PathBuf>,
}
