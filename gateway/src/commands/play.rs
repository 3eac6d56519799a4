//! `play`: sends callbacks to a decider, and prints its decisions.

mod report;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use process::Mistake;
use serde_saphyr::UserMessageFormatter;
use tokio_util::sync::CancellationToken;
use transport::BreakerConfig;

use self::report::Report;
use crate::cli::Play;
use crate::gateway::Gateway;
use crate::http::callers::CallersConfig;
use crate::openim::contract::{CALLBACKS, Callback};
use crate::openim::verdict::Verdict;
use crate::play::{Player, Recorder, Scene};
use crate::settings::{Settings, Sources};
use crate::worker;
use process::exit::{failed, mistaken};

pub(super) fn run(mut sources: Sources, arguments: Play) -> ExitCode {
    match (sources.load(), scenes(&arguments)) {
        (Ok(settings), Ok(scenes)) => match play(settings, &scenes, arguments.json) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            // The reader, such as `head`, has closed the pipe.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
            Err(e) => failed(1, e),
        },
        (settings, scenes) => {
            let mistakes = [settings.err(), scenes.err().map(|mistake| vec![mistake])];
            mistaken(&mistakes.into_iter().flatten().flatten().collect::<Vec<_>>())
        }
    }
}

fn scenes(arguments: &Play) -> Result<Vec<Scene>, Mistake> {
    let Play { callback: named, body, expect, .. } = arguments;
    let is_named = |scene: &Scene| {
        named.is_empty() || named.iter().any(|callback| callback.setting == scene.callback)
    };
    let scenes = match (body, expect) {
        (Some(path), _) => {
            let callback = match named[..] {
                [] => None,
                [callback] => Some(callback),
                _ => return Err(Mistake::new("--callback", "can't be several with one --body")),
            };
            return read(path, |text| Scene::of_body(text, callback)).map(|scene| vec![scene]);
        }
        (None, Some(path)) => read(path, cases)?,
        (None, None) => CALLBACKS.iter().map(Scene::sample).collect(),
    };
    let has_scene = |callback: &Callback| scenes.iter().any(|s| s.callback == callback.setting);
    if let Some(callback) = named.iter().find(|callback| !has_scene(callback)) {
        return Err(Mistake::new("--expect", format!("has no case of {}", callback.setting)));
    }
    let scenes: Vec<_> = scenes.into_iter().filter(is_named).collect();
    match scenes.is_empty() {
        true => Err(Mistake::new("--expect", "has no case to play")),
        false => Ok(scenes),
    }
}

fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Mistake> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string());
    text.and_then(|text| parse(&text)).map_err(|why| Mistake::new(path.display(), why))
}

fn cases(yaml: &str) -> Result<Vec<Scene>, String> {
    let expectations = serde_saphyr::from_str(yaml).map_err(|error: serde_saphyr::Error| {
        error.without_snippet().render_with_formatter(&UserMessageFormatter)
    });
    Scene::of_expectations(expectations?)
}

#[tokio::main(flavor = "current_thread")]
async fn play(settings: Settings, scenes: &[Scene], json: bool) -> io::Result<bool> {
    let player = player(settings).map_err(|mistakes| {
        io::Error::other(mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let mut report = Report::start(io::stdout(), scenes, json)?;
    for scene in scenes {
        report.add(scene, &player.play(scene).await)?;
    }
    report.finish()
}

/// A player with these settings, except that every caller is admitted and no circuit opens: one failure must not hide
/// the next answer. Must be called within a tokio runtime.
///
/// # Errors
/// Every file of the settings that can't be used.
pub fn player(mut settings: Settings) -> Result<Player, Vec<Mistake>> {
    settings.file.callers = CallersConfig::default();
    let pause = Duration::from_millis(1);
    settings.file.breaker = BreakerConfig { failures: u32::MAX, first: pause, longest: pause };
    let mut allowing = settings.clone();
    allowing.callbacks = allowing.callbacks.answering(Verdict::Allow);
    let recorder = Arc::new(Recorder::default());
    let gateway = Gateway::observed(settings, Some(recorder.clone()))?;
    let service = worker::service(&gateway, CancellationToken::new());
    let allowing = worker::service(&Gateway::new(allowing)?, CancellationToken::new());
    Ok(Player::new(service, recorder, allowing))
}
