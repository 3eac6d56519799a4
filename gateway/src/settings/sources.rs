//! The files that settings are read from, and the detection of changes in them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use process::Mistake;
use process::environment::Unknown;

use super::flags::{self, Flags};
use super::layers::Layers;
use super::resolved::{Settings, read};

/// The sources of a process's settings: its command line, and the files that it names.
#[derive(Debug)]
pub struct Sources {
    flags: Flags,
    files: Vec<(PathBuf, Option<String>)>,
    unknown_variables: Unknown,
}

impl Sources {
    /// The sources that a command line names.
    #[must_use]
    pub fn new(flags: Flags) -> Self {
        let unknown_variables = flags::unknown_variables();
        Self { flags, files: Vec::new(), unknown_variables }
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// Every mistake.
    pub fn load(&mut self) -> Result<Settings, Vec<Mistake>> {
        self.files.clear();
        let files = &mut self.files;
        let mut read_and_note = |path: &Path| {
            let text = read(path);
            files.push((path.to_owned(), text.as_ref().ok().cloned()));
            text
        };
        let layers = layers(&self.flags, &mut read_and_note);
        let settings = Settings::resolve(layers, &mut read_and_note);
        let misspelt = self.unknown_variables.misspelt.clone();
        match settings {
            Ok(settings) if misspelt.is_empty() => Ok(settings),
            settings => {
                Err(misspelt.into_iter().chain(settings.err().unwrap_or_default()).collect())
            }
        }
    }

    /// Environment variables with the gateway's prefix that no setting reads.
    #[must_use]
    pub fn unused_variables(&self) -> &[String] {
        &self.unknown_variables.unused
    }

    /// The address of the admin port, even if other settings are wrong.
    ///
    /// # Errors
    /// It is wrong on the command line or in the environment.
    pub fn admin(&self) -> Result<SocketAddr, Vec<Mistake>> {
        let mut flags = self.flags.clone();
        flags.config = None;
        let (_, mistakes) = layers(&flags, &mut read).file();
        let (file, _) = layers(&self.flags, &mut read).file();
        if mistakes.is_empty() { Ok(file.admin) } else { Err(mistakes) }
    }

    /// The file with the tokens of the admin port, even if other settings are wrong.
    #[must_use]
    pub fn admin_token_file(&self) -> Option<PathBuf> {
        layers(&self.flags, &mut read).file().0.admin_token_file
    }

    /// True if a file has changed since the settings were read from it.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.files.iter().any(|(path, text)| fs::read_to_string(path).ok() != *text)
    }

    /// The directories of the files. A file, or a link on the way to it, may be replaced, but only within its
    /// directory.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter_map(|(path, _)| match path.parent()? {
            parent if parent.as_os_str().is_empty() => Some(Path::new(".")),
            parent => Some(parent),
        })
    }
}

fn layers(flags: &Flags, read: &mut dyn FnMut(&Path) -> Result<String, Mistake>) -> Layers {
    let mut layers = Layers::default();
    if let Some(path) = &flags.config {
        layers.add(&path.display().to_string(), read(path));
    }
    flags.add_to(&mut layers);
    layers
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn sources(arguments: &[&str]) -> Sources {
        let program = std::iter::once(&"callback-gateway");
        Sources::new(Cli::try_parse_from(program.chain(arguments)).expect("flags").flags)
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let mut wrong = sources(&["--listen", "127.0.0.1:7", "--workers", "0"]);
        let mistakes = wrong.load().expect_err("0 workers");
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].to_string().starts_with("--workers"), "{}", mistakes[0]);
        let settings = sources(&["--listen", "127.0.0.1:7"]).load().expect("valid");
        assert_eq!(settings.file.listen.port(), 7);
    }

    #[test]
    fn a_flag_may_stand_on_both_sides_of_a_command() {
        for arguments in [["--admin", "127.0.0.1:7", "check"], ["check", "--admin", "127.0.0.1:7"]]
        {
            assert_eq!(sources(&arguments).admin().expect("valid").port(), 7);
        }
    }

    #[test]
    fn an_admin_address_on_the_command_line_must_be_one() {
        assert!(sources(&["--admin", "here"]).admin().is_err());
    }

    #[test]
    fn a_flag_for_a_truth_may_have_none() {
        for (flag, problem) in [
            ("--honour-failed-continue", Some("honour_failed_continue: has no effect")),
            ("--honour-failed-continue=false", None),
            ("--honour-failed-continue=maybe", Some("--honour-failed-continue (")),
        ] {
            let problems = sources(&[flag]).load().err().unwrap_or_default();
            let first = problems.first().map(ToString::to_string);
            assert_eq!(first.is_some(), problem.is_some(), "{first:?}");
            assert!(first.unwrap_or_default().starts_with(problem.unwrap_or_default()));
        }
    }
}
