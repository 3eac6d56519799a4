//! The callbacks that the arguments of `play` name.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use process::Mistake;
use serde_saphyr::UserMessageFormatter;

use crate::cli::Play;
use crate::openim::contract::{CALLBACKS, Callback};
use crate::play::{Expectations, Scene, lines};

/// The scenes of a run, in their order.
pub(super) fn read(arguments: &Play) -> Result<Vec<Scene>, Vec<Mistake>> {
    let Play { callback: named, body, from, expect, record, .. } = arguments;
    if let Some(path) = record.as_ref().filter(|path| path.exists()) {
        let problem = format!("{} exists: remove it, or name another file", path.display());
        return Err(vec![Mistake::new("--record", problem)]);
    }
    let (flag, item, scenes) = match (body, from, expect) {
        (Some(path), ..) => return of_body(path, named).map(|scene| vec![scene]).map_err(one),
        (_, Some(path), _) => ("--from", "line", of_lines(path)?),
        (_, _, Some(path)) => ("--expect", "case", of_cases(path).map_err(one)?),
        (None, None, None) => ("", "", CALLBACKS.iter().map(Scene::sample).collect()),
    };
    let has_scene = |callback: &Callback| scenes.iter().any(|s| s.callback == callback.setting);
    if let Some(callback) = named.iter().find(|callback| !has_scene(callback)) {
        return Err(one(Mistake::new(flag, format!("has no {item} of {}", callback.setting))));
    }
    let is_named = |scene: &Scene| {
        named.is_empty() || named.iter().any(|callback| callback.setting == scene.callback)
    };
    let scenes: Vec<_> = scenes.into_iter().filter(is_named).collect();
    match scenes.is_empty() {
        true => Err(one(Mistake::new(flag, format!("has no {item} to play")))),
        false => Ok(scenes),
    }
}

fn of_body(path: &Path, named: &[&'static Callback]) -> Result<Scene, Mistake> {
    let command = match named {
        [] => None,
        [callback] => Some(callback.command),
        _ => return Err(Mistake::new("--callback", "can't be several with one --body")),
    };
    parse(path, |text| Scene::of_body(text, command))
}

fn of_cases(path: &Path) -> Result<Vec<Scene>, Mistake> {
    parse(path, |yaml| {
        let expectations = Expectations::from_yaml(yaml)
            .map_err(|error| error.without_snippet().render_with_formatter(&UserMessageFormatter));
        Scene::of_expectations(expectations?)
    })
}

fn of_lines(path: &Path) -> Result<Vec<Scene>, Vec<Mistake>> {
    let (name, text) = if path == Path::new("-") {
        let mut text = Vec::new();
        ("stdin".into(), io::stdin().read_to_end(&mut text).map(|_| text))
    } else {
        (path.to_string_lossy(), fs::read(path))
    };
    let text = text.map_err(|e| one(Mistake::new(&name, e)))?;
    let mistake = |(line, why)| Mistake::new(format_args!("{name}:{line}"), why);
    lines::read(&text).map_err(|mistakes| mistakes.into_iter().map(mistake).collect())
}

fn parse<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Mistake> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string());
    text.and_then(|text| parse(&text)).map_err(|why| Mistake::new(path.display(), why))
}

fn one(mistake: Mistake) -> Vec<Mistake> {
    vec![mistake]
}
