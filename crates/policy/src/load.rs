//! Loads a policy file, or reports every mistake in it.

use crate::compile::{Compiled, Compiler};
use crate::denial;
use crate::dry_run;
use crate::evaluate::Policy;
use crate::expression::{Environment, Library, WordList};
use crate::file::{self, File};
use crate::mistakes::Mistakes;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;

/// The largest policy file, in bytes: room for word lists of some hundred thousand words.
const MAX_BYTES: u64 = 4 << 20;

/// The stack for the parser, which recurses deeply on nested expressions.
const STACK: usize = 64 << 20;

/// The reason why a policy can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The file is too large.
    #[error("{}: a policy may have {MAX_BYTES} bytes, this has more", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file has mistakes: a line for each, `file:line:column: what`.
    #[error("{}", .0.join("\n"))]
    Mistakes(Vec<String>),
}

impl Policy {
    /// Loads a policy file.
    ///
    /// # Errors
    /// When it can't be read, or has mistakes: then with all of them.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let unreadable = |source| LoadError::Read { path: path.to_owned(), source };
        let mut text = String::new();
        let file = fs::File::open(path).map_err(unreadable)?;
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(LoadError::TooLarge { path: path.to_owned() });
        }
        Self::parse(&path.display().to_string(), &text)
    }

    /// Makes a policy of a file's text. `name` is the file's name in mistakes.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn parse(name: &str, text: &str) -> Result<Self, LoadError> {
        let policy = thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(STACK);
            let parser = thread.spawn_scoped(scope, || parse(name, text));
            parser.expect("a thread can be started").join()
        });
        policy.expect("parsing does not panic").map_err(LoadError::Mistakes)
    }
}

fn parse(name: &str, text: &str) -> Result<Policy, Vec<String>> {
    let mut mistakes = Mistakes::new(name, text);
    let File { lists, defaults, rules: written } = match file::read(text) {
        Ok(file) => file,
        Err((place, text)) => {
            mistakes.add(&place, text);
            return Err(mistakes.into_lines());
        }
    };
    if let Some((place, text)) = denial::mistake(&defaults.deny) {
        mistakes.add(&place, format!("defaults: {text}"));
    }
    let mut compiler = Compiler::new(Library::new(word_lists(lists, &mut mistakes)));
    for rule in &written {
        compiler.rule(rule, &defaults, &mut mistakes);
    }
    let (rules, library) = compiler.finish();
    let environment = Environment::new(library);
    for Compiled { rpc, rule, place } in &rules {
        if let Err(failure) = dry_run::run(rule, &rpc.input(), &environment) {
            mistakes.of(&rule.name).add(place, &format!("for {}: {failure}", rpc.name()));
        }
    }
    let mistakes = mistakes.into_lines();
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut by_rpc: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for Compiled { rpc, rule, .. } in rules {
        by_rpc.entry(rpc.full_name().to_owned()).or_default().push(rule);
    }
    Ok(Policy { environment, rules: by_rpc, count: written.len() })
}

fn word_lists(lists: file::Lists, mistakes: &mut Mistakes<'_>) -> BTreeMap<String, WordList> {
    let mut built = BTreeMap::new();
    for (name, words) in lists {
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if !name.value.chars().all(is_name) || name.value.starts_with(|c: char| c.is_ascii_digit())
        {
            let text = format!("list {:?}: a name has letters, digits and _ only", name.value);
            mistakes.add(&name.referenced, text);
        }
        for word in words.iter().filter(|word| word.value.is_empty()) {
            let text = format!("list {:?}: a word is empty, so every text has it", name.value);
            mistakes.add(&word.referenced, text);
        }
        match WordList::new(words.into_iter().map(|word| word.value)) {
            Ok(words) => drop(built.insert(name.value, words)),
            Err(error) => mistakes.add(&name.referenced, format!("list {:?}: {error}", name.value)),
        }
    }
    built
}
