//! `play`: sends callbacks to a decider, and prints what it decides.

mod report;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use serde_saphyr::UserMessageFormatter;

use self::report::Report;
use super::wrong;
use crate::cli::Play;
use crate::contract::{CALLBACKS, Callback};
use crate::play::{Known, Player, Scene};
use crate::settings::{Mistake, Settings, Sources};

pub(super) fn run(mut sources: Sources, arguments: Play) -> ExitCode {
    match (sources.load(), scenes(&arguments)) {
        (Ok(settings), Ok(scenes)) => match play(settings, &scenes, arguments.json) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            // Who reads the table has seen enough.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
            Err(e) => {
                eprintln!("error: {e}");
                ExitCode::FAILURE
            }
        },
        (settings, scenes) => {
            let mistakes = [settings.err(), scenes.err().map(|mistake| vec![mistake])];
            wrong(&mistakes.into_iter().flatten().flatten().collect::<Vec<_>>())
        }
    }
}

fn scenes(arguments: &Play) -> Result<Vec<Scene>, Mistake> {
    let Play { callback: named, body, expect, .. } = arguments;
    let is_named = |scene: &Scene| {
        named.is_empty() || named.iter().any(|Known(callback)| callback.setting == scene.callback)
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
    if let Some(Known(callback)) = named.iter().find(|known| !has_scene(known.0)) {
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
    let player = Player::new(settings);
    let mut report = Report::start(io::stdout(), scenes, json)?;
    for scene in scenes {
        report.add(scene, &player.play(scene).await)?;
    }
    report.finish()
}
