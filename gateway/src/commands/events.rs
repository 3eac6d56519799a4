//! `events`: shows and changes the events of the running gateway, by its admin port.

mod client;
mod text;

use std::io::{self, Write, stdout};
use std::process::ExitCode;

use process::exit::{failed, mistaken, printed};
use serde::Serialize;
use serde_json::json;

use self::client::{Client, ClientError};
use crate::cli::events::{Events, EventsCommand};
use crate::events::letters::Selection;
use crate::play::{escaped, escaped_json};
use crate::settings::Sources;

/// The reason why a command did not do all that it was asked for.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(sources: &Sources, arguments: &Events) -> ExitCode {
    let client = match Client::new(sources) {
        Ok(client) => client,
        Err(mistakes) => return mistaken(&mistakes),
    };
    let is_json = arguments.json;
    let done = match &arguments.command {
        EventsCommand::Status => status(&client, is_json).await,
        EventsCommand::List { filter, limit } => {
            list(&client, filter.selection(), limit.get(), is_json).await
        }
        EventsCommand::Show { id, body } => show(&client, *id, *body, is_json).await,
        EventsCommand::Replay { ids, filter } => {
            let selection = Selection { ids: ids.clone(), ..filter.selection() };
            change(&client, ("replay", "replayed"), selection, is_json).await
        }
        EventsCommand::Drop { ids, filter } => {
            let selection = Selection { ids: ids.clone(), ..filter.selection() };
            change(&client, ("drop", "dropped"), selection, is_json).await
        }
    };
    match done {
        Ok(done) => printed(Ok(done)),
        Err(Stop::Output(why)) => printed(Err(why)),
        Err(Stop::Client(why)) => failed(why.code(), escaped(&why.to_string())),
    }
}

async fn status(client: &Client, is_json: bool) -> Result<bool, Stop> {
    let status = client.status().await?;
    match is_json {
        true => json_line(&status)?,
        false => text::status(&mut stdout(), &status)?,
    }
    Ok(true)
}

/// Prints pages as they come.
async fn list(
    client: &Client,
    mut selection: Selection,
    limit: usize,
    is_json: bool,
) -> Result<bool, Stop> {
    let mut left = limit;
    let mut table = text::Table::default();
    loop {
        let page = client.list(&selection, left).await?;
        left = left.saturating_sub(page.records.len());
        match is_json {
            true => page.records.iter().try_for_each(json_line)?,
            false => table.print(&mut stdout(), &page.records)?,
        }
        selection.cursor = page.next;
        if page.next.is_none() || left == 0 {
            break;
        }
    }
    let has_more = selection.cursor.is_some();
    if left == limit {
        note("no event matches");
    } else if has_more {
        // Not surely: a search in NATS ends by its time, too.
        note("more may match: see --limit");
    }
    Ok(left < limit)
}

async fn show(client: &Client, id: uuid::Uuid, body: bool, is_json: bool) -> Result<bool, Stop> {
    let Some(shown) = client.show(id, body).await? else {
        note("no event has this id");
        return Ok(false);
    };
    match is_json {
        true => json_line(&shown)?,
        false => text::shown(&mut stdout(), &shown)?,
    }
    Ok(true)
}

/// Changes all that is selected, one bounded act after the other.
async fn change(
    client: &Client,
    (path, past): (&str, &str),
    mut selection: Selection,
    is_json: bool,
) -> Result<bool, Stop> {
    let mut records = 0;
    let done = loop {
        match client.act(path, &selection).await {
            Ok(acted) => {
                records += acted.records;
                (selection.cursor, selection.until) = (acted.next, acted.until);
                if acted.next.is_none() {
                    break Ok(());
                }
            }
            Err(why) => break Err(why),
        }
    };
    match is_json {
        // These are changed, even if a later act failed.
        _ if records == 0 && done.is_err() => {}
        true => json_line(&json!({ past: records }))?,
        false => writeln!(stdout(), "{past} {records}")?,
    }
    done?;
    if records == 0 {
        note("no event matches");
    }
    Ok(records > 0)
}

fn json_line(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    writeln!(stdout(), "{}", escaped_json(&text))
}

fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}"); // the exit code is there without it
}
