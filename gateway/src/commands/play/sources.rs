//! The callbacks that the arguments of `play` name.

use std::borrow::Cow;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use process::Mistake;
use serde_saphyr::UserMessageFormatter;

use crate::cli::Play;
use crate::openim::contract::{CALLBACKS, Callback};
use crate::play::{Expectations, Scene, json_lines, shown};

/// The scenes of a run, in their order.
pub(super) fn read(arguments: &Play) -> Result<Vec<Scene>, Vec<Mistake>> {
    let Play { callback: named, body, from, expect, record, .. } = arguments;
    if let Some(path) = record {
        check_new(path).map_err(|problem| one(Mistake::new("--record", problem)))?;
    }
    let (flag, item, scenes) = match (body, from, expect) {
        (Some(path), ..) => return of_body(path, named).map(|scene| vec![scene]).map_err(one),
        (_, Some(path), _) => ("--from", "line", of_lines(path)?),
        (_, _, Some(path)) => ("--expect", "case", of_cases(path).map_err(one)?),
        (None, None, None) => ("", "", CALLBACKS.iter().map(Scene::sample).collect()),
    };
    let has_scene = |callback| scenes.iter().any(|scene| scene.is_of(&[callback]));
    if let Some(callback) = named.iter().find(|callback| !has_scene(callback)) {
        return Err(one(Mistake::new(flag, format!("has no {item} of {}", callback.setting))));
    }
    let is_named = |scene: &Scene| named.is_empty() || scene.is_of(named);
    let scenes: Vec<_> = scenes.into_iter().filter(is_named).collect();
    match scenes.is_empty() {
        true => Err(one(Mistake::new(flag, format!("has no {item} to play")))),
        false => Ok(scenes),
    }
}

/// Checks that a file can be made, before anything is played for it.
fn check_new(path: &Path) -> Result<(), String> {
    let name = path.display();
    match path {
        _ if path == Path::new("-") => {
            Err("needs a file: the standard output has the report".into())
        }
        _ if path.symlink_metadata().is_ok() => {
            Err(format!("{name} exists: remove it, or name another file"))
        }
        _ => File::create_new(path)
            .and_then(|_| fs::remove_file(path))
            .map_err(|e| format!("{name}: {e}")),
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
    let name = name(path);
    let text = read_file(path).map_err(one)?;
    json_lines::read(&text).map_err(|json_lines::Mistakes { first, count }| {
        let more = count - first.len();
        let first = first.iter().map(|(line, why)| mistake(format_args!("{name}:{line}"), why));
        let more = (more > 0).then(|| Mistake::new(&name, format!("{more} more lines are wrong")));
        first.chain(more).collect()
    })
}

fn parse<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Mistake> {
    let text = read_file(path)?;
    let text = str::from_utf8(&text).map_err(|e| e.to_string());
    text.and_then(parse).map_err(|why| mistake(name(path), &why))
}

/// The bytes of a file, or of the standard input for `-`, without the mark that some editors write before the text.
fn read_file(path: &Path) -> Result<Vec<u8>, Mistake> {
    let text = if path == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text).map(|_| text)
    } else {
        fs::read(path)
    };
    let mut text = text.map_err(|e| Mistake::new(name(path), e))?;
    if text.starts_with("\u{feff}".as_bytes()) {
        text.drain(.."\u{feff}".len());
    }
    Ok(text)
}

fn name(path: &Path) -> Cow<'_, str> {
    if path == Path::new("-") { "stdin".into() } else { path.to_string_lossy() }
}

/// A mistake whose text may quote the file.
fn mistake(place: impl Display, why: &str) -> Mistake {
    Mistake::new(place, why.lines().map(shown).collect::<Vec<_>>().join("; "))
}

fn one(mistake: Mistake) -> Vec<Mistake> {
    vec![mistake]
}
