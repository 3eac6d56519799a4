//! `play`: sends callbacks to a decider, and prints its decisions.

mod report;
mod sources;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use transport::BreakerConfig;

use self::report::Report;
use super::not_started;
use crate::cli::Play;
use crate::events::EventsConfig;
use crate::gateway::{Gateway, StartError};
use crate::http::callers::CallersConfig;
use crate::openim::verdict::Verdict;
use crate::play::{EventReader, Player, Recording, Scene};
use crate::settings::{Settings, Sources};
use crate::worker;
use process::exit::{mistaken, printed};

pub(super) fn run(mut sources: Sources, arguments: Play) -> ExitCode {
    match (sources.load(), sources::read(&arguments)) {
        (Ok(settings), Ok(scenes)) => play(settings, &scenes, &arguments),
        (settings, scenes) => {
            let mistakes = [settings.err(), scenes.err()];
            mistaken(&mistakes.into_iter().flatten().flatten().collect::<Vec<_>>())
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn play(settings: Settings, scenes: &[Scene], arguments: &Play) -> ExitCode {
    let player = match player(settings) {
        Ok(player) => player,
        Err(why) => return not_started(&why),
    };
    printed(play_all(&player, scenes, arguments).await)
}

/// Plays all, and reports and records the decisions; true if all are right and recorded.
async fn play_all(player: &Player, scenes: &[Scene], arguments: &Play) -> io::Result<bool> {
    let mut report = Report::new(io::stdout(), scenes, arguments);
    let mut recording = Recording::default();
    for scene in scenes {
        let outcome = player.play(scene).await;
        report.add(scene, &outcome)?;
        recording.add(scene, &outcome);
    }
    let is_right = report.finish()?;
    if let Some(doubt) = report.doubt() {
        return Err(io::Error::other(doubt));
    }
    let is_recorded = match &arguments.record {
        Some(path) => write(&recording, path)?,
        None => true,
    };
    Ok(is_right && is_recorded)
}

/// Writes the decisions, and reports those that are left out; true if none is.
fn write(recording: &Recording, path: &Path) -> io::Result<bool> {
    let say = |text: String| {
        let _ = writeln!(io::stderr(), "{text}"); // the exit code is there without it
    };
    for left_out in recording.left_out() {
        say(format!("error: not recorded: {left_out}"));
    }
    if recording.is_empty() {
        return Err(io::Error::other(format!("{}: not written: no decision", path.display())));
    }
    let yaml = recording.to_yaml().map_err(io::Error::other)?;
    let file = File::create_new(path).and_then(|mut file| file.write_all(yaml.as_bytes()));
    file.map_err(|e| io::Error::other(format!("{}: {e}", path.display())))?;
    say(format!("{} recorded in {}", recording.len(), path.display()));
    Ok(recording.left_out().is_empty())
}

/// A player with these settings, except that every caller is admitted and no circuit opens: one failure must not hide
/// the next answer. After-callbacks are relayed, so that their answers are seen. Must be called within a tokio runtime.
///
/// # Errors
/// Every file of the settings that can't be used.
pub fn player(mut settings: Settings) -> Result<Player, StartError> {
    settings.file.callers = CallersConfig::default();
    settings.file.events = EventsConfig::default();
    let pause = Duration::from_millis(1);
    settings.file.breaker = BreakerConfig { failures: u32::MAX, first: pause, longest: pause };
    let mut allowing = settings.clone();
    allowing.callbacks = allowing.callbacks.answering(Verdict::Allow);
    let events = Arc::new(EventReader::default());
    let gateway = Gateway::observed(settings, Some(events.clone()))?;
    let service = worker::service(&gateway, CancellationToken::new());
    let allowing = worker::service(&Gateway::new(allowing)?, CancellationToken::new());
    Ok(Player::new(service, events, allowing))
}
