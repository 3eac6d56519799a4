//! `new`: writes a project to start a decider from.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use process::Mistake;
use process::exit::{mistaken, printed};
use scaffold::{File, WrongName};

use super::files;
use crate::cli::New;

pub(super) fn run(arguments: &New) -> ExitCode {
    let project = match project(arguments) {
        Ok(project) => project,
        Err(mistake) => return mistaken(&[mistake]),
    };
    printed(write(arguments, &project).map(|()| true))
}

fn project(New { language, dir, name, package }: &New) -> Result<Vec<File>, Mistake> {
    check_free(dir)?;
    let (origin, name) = match name {
        Some(name) => (format!("--name {name}"), name.clone()),
        None => {
            let name = name_of(dir).unwrap_or_default();
            (format!("`{name}`, without --name,"), name)
        }
    };
    language.project(&name, package.as_deref()).map_err(|wrong| match wrong {
        WrongName::Name | WrongName::Taken => Mistake::new(origin, wrong),
        _ => Mistake::new("--package", wrong),
    })
}

/// Checks that a folder is missing or empty. A repository may have been made there already.
fn check_free(dir: &Path) -> Result<(), Mistake> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.and_then(Iterator::collect::<Result<Vec<_>, _>>),
    };
    let entries = entries.map_err(|e| Mistake::new(dir.display(), e))?;
    match entries.iter().find(|entry| entry.file_name() != ".git") {
        Some(entry) => {
            let problem = format!("must be empty, and has {}", entry.file_name().display());
            Err(Mistake::new(dir.display(), problem))
        }
        None => Ok(()),
    }
}

/// The name of a folder, as far as it can be that of a project.
fn name_of(dir: &Path) -> Option<String> {
    let path = env::current_dir().ok()?.join(dir);
    let name = path.file_name()?.to_str()?.to_lowercase();
    Some(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

fn write(New { language, dir, .. }: &New, project: &[File]) -> io::Result<()> {
    let files = project.iter().map(|(path, text)| (path, text));
    files::write(dir, files, OpenOptions::new().write(true).create_new(true))?;
    let (dir, language, count) = (dir.display(), language.language, project.len());
    writeln!(
        stdout(),
        "{dir}: a decider in {language}, {count} files; {dir}/README.md says how to go on"
    )
}
