//! The arguments of `events`.

use std::num::NonZeroUsize;

use clap::ArgGroup;
use humantime_serde::re::humantime::{parse_duration, parse_rfc3339};
use uuid::Uuid;

use crate::events::Millis;
use crate::events::letters::{Selection, State};
use crate::openim::contract::Callback;
use crate::openim::key::by_any_name;

/// A command on events.
#[derive(Clone, Debug, clap::Args)]
pub struct Events {
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// The command.
    #[command(subcommand)]
    pub command: EventsCommand,
}

/// The commands on events.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum EventsCommand {
    /// Show how many events wait, are dead, ignored and delivered
    Status,
    /// List events, the newest first; in NATS those that wait come before all others
    List {
        /// The events.
        #[command(flatten)]
        filter: Filter,
        /// The most events
        #[arg(long, value_name = "COUNT", default_value = "100")]
        limit: NonZeroUsize,
    },
    /// Show one event, with each attempt
    Show {
        /// The callback id
        id: Uuid,
        /// Show its content as well
        #[arg(long)]
        body: bool,
    },
    /// Deliver events again that are dead, ignored or delivered
    ///
    /// They keep their callback id, and their order among themselves. On disk they go before later ones of their key, and
    /// one that is older than events.max_age has a single attempt; in NATS they go behind all that wait. Exits with 1 if
    /// there was none to replay.
    #[command(group = selected(&["ids", "dead", "ignored", "delivered", "since"]))]
    Replay {
        /// The callback ids
        #[arg(value_name = "ID")]
        ids: Vec<Uuid>,
        /// More conditions.
        #[command(flatten)]
        filter: SettledFilter,
    },
    /// Delete events for good, be they dead, ignored, delivered or waiting
    ///
    /// Exits with 1 if there was none to drop.
    #[command(group = selected(&["ids", "dead", "ignored", "delivered", "waiting"]))]
    Drop {
        /// The callback ids
        #[arg(value_name = "ID")]
        ids: Vec<Uuid>,
        /// More conditions.
        #[command(flatten)]
        filter: Filter,
    },
}

/// The conditions that events must meet.
#[derive(Clone, Debug, clap::Args)]
pub struct Filter {
    /// Those that wait for their delivery
    #[arg(long, group = "state")]
    waiting: bool,
    #[command(flatten)]
    others: SettledFilter,
}

/// The conditions that events must meet which do not wait.
#[derive(Clone, Debug, clap::Args)]
pub struct SettledFilter {
    /// Those that failed for good
    #[arg(long, group = "state")]
    dead: bool,
    /// Those that the decider does not implement
    #[arg(long, group = "state")]
    ignored: bool,
    /// Those that the decider received, if events.keep_delivered keeps them
    #[arg(long, group = "state")]
    delivered: bool,
    /// Those of one callback, by its key in webhooks.yml, its command or its rpc
    #[arg(long, value_name = "NAME", value_parser = by_any_name)]
    callback: Option<&'static Callback>,
    /// Those of one key, as `list` shows it: default:u1,u2
    #[arg(long)]
    key: Option<String>,
    /// Those received since a time, such as 2026-11-27T08:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Millis>,
}

impl Filter {
    /// The events that meet them.
    #[must_use]
    pub fn selection(&self) -> Selection {
        let others = self.others.selection();
        let waiting = self.waiting.then_some(State::Waiting);
        Selection { state: waiting.or(others.state), ..others }
    }
}

impl SettledFilter {
    /// The events that meet them.
    #[must_use]
    pub fn selection(&self) -> Selection {
        let states = [
            (self.dead, State::Dead),
            (self.ignored, State::Ignored),
            (self.delivered, State::Delivered),
        ];
        Selection {
            state: states.into_iter().find(|(is_set, _)| *is_set).map(|(_, state)| state),
            callback: self.callback.map(|callback| callback.setting.to_owned()),
            key: self.key.clone(),
            since: self.since,
            ..Selection::default()
        }
    }
}

/// One of these arguments is required, so that nobody acts on all events by mistake.
fn selected(arguments: &[&'static str]) -> ArgGroup {
    ArgGroup::new("selected").args(arguments.iter().copied()).required(true).multiple(true)
}

fn since(text: &str) -> Result<Millis, String> {
    let ago = || parse_duration(text).map(|ago| Millis::now().before(ago));
    let time = parse_rfc3339(text).map(Millis::from).or_else(|_| ago());
    time.map_err(|_| "use a time such as 2026-11-27T08:00:00Z, or 2h for two hours ago".to_owned())
}
