//! `new`: writes a project to start a decider from.

use std::io::{self, Write, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use process::Mistake;
use process::exit::{failed, mistaken};
use scaffold::{File, WrongName};

use super::files;
use crate::cli::New;

pub(super) fn run(arguments: &New) -> ExitCode {
    let project = match project(arguments) {
        Ok(project) => project,
        Err(mistake) => return mistaken(&[mistake]),
    };
    match write(arguments, &project) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => failed(1, e),
    }
}

fn project(New { language, dir, name, package }: &New) -> Result<Vec<File>, Mistake> {
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Mistake::new(dir.display(), "is not empty"));
    }
    let name = match name {
        Some(name) => name.clone(),
        None => {
            name_of(dir).ok_or_else(|| Mistake::new(dir.display(), "has no name; set --name"))?
        }
    };
    language.project(&name, package.as_deref()).map_err(|wrong| match wrong {
        WrongName::Name | WrongName::Taken => Mistake::new(format!("--name {name}"), wrong),
        _ => Mistake::new("--package", wrong),
    })
}

/// The name of a folder, as far as it can be that of a project.
fn name_of(dir: &Path) -> Option<String> {
    let path = env::current_dir().ok()?.join(dir);
    let name = path.file_name()?.to_str()?.to_lowercase();
    Some(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

fn write(New { language, dir, .. }: &New, project: &[File]) -> io::Result<()> {
    files::write(dir, project.iter().map(|(path, text)| (path, text)))?;
    let (dir, language, count) = (dir.display(), language.language, project.len());
    writeln!(
        stdout(),
        "{dir}: a decider in {language}, {count} files; {dir}/README.md says how to go on"
    )
}
