//! Loads a policy from its files, or reports every mistake in them.

use crate::compile::Compiler;
use crate::denial;
use crate::dry_run;
use crate::evaluate::Policy;
use crate::expression::{Environment, Library, WordList};
use crate::file;
use crate::finding::Finding;
use crate::load_error::LoadError;
use crate::mistakes::Mistakes;
use crate::rule::Compiled;
use crate::sources::Sources;
use crate::warnings;
use serde_saphyr::{Location, Spanned};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::path::Path;
use std::thread;

/// The stack for the parser, which recurses deeply on nested expressions.
const STACK: usize = 64 << 20;

impl Policy {
    /// Loads a policy from a file or a folder, as [`Sources::read`] reads them.
    ///
    /// # Errors
    /// When they can't be read, or have mistakes: then with all of them.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        Self::compile(&Sources::read(path)?)
    }

    /// Makes a policy of a file's text. `name` is the file's name in mistakes.
    ///
    /// # Errors
    /// All mistakes in it, or that there is no thread for it.
    pub fn parse(name: &str, text: &str) -> Result<Self, LoadError> {
        Self::compile(&Sources::of_text(name, text))
    }

    /// Makes a policy of its files: their rules follow each other, and each may use the lists of all.
    ///
    /// # Errors
    /// All mistakes in them, or that there is no thread for it.
    pub fn compile(sources: &Sources) -> Result<Self, LoadError> {
        thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(STACK);
            let parser =
                thread.spawn_scoped(scope, || parse(sources)).map_err(LoadError::Thread)?;
            parser.join().expect("parsing does not panic").map_err(LoadError::Mistakes)
        })
    }
}

fn parse(sources: &Sources) -> Result<Policy, Vec<Finding>> {
    let mistakes = sources.files.iter().map(|file| Mistakes::new(&file.name, &file.text));
    let mut mistakes: Vec<_> = mistakes.collect();
    let mut files = Vec::new();
    for (source, mistakes) in sources.files.iter().zip(&mut mistakes) {
        match file::read::<file::File>(&source.text) {
            Ok(file) => files.push(file),
            Err((place, text)) => mistakes.add(&place, text),
        }
    }
    // The other files may use lists of one that can't be read, so they are not checked without it.
    if files.len() < sources.files.len() {
        return Err(findings(mistakes));
    }
    let have_rules = files.iter().any(|file| file.rules.is_some());
    for (file, mistakes) in files.iter().zip(&mut mistakes) {
        // An empty file may be one that is half saved.
        if file.rules.is_none() && (file.lists.is_empty() || !have_rules) {
            mistakes.add_to_file("missing field `rules`".to_owned());
        }
    }
    let mut lists = WordLists::default();
    for (number, (file, mistakes)) in files.iter_mut().zip(&mut mistakes).enumerate() {
        lists.add(number, mem::take(&mut file.lists), mistakes);
    }
    let mut compiler = Compiler::new(Library::new(lists.built));
    let (mut names, mut rule_names) = (Names::default(), Vec::new());
    for (number, (file, mistakes)) in files.iter().zip(&mut mistakes).enumerate() {
        if let Some((place, text)) = denial::mistake(&file.defaults.deny) {
            mistakes.add(&place, format!("defaults: {text}"));
        }
        for (place, text) in warnings::plain_texts(&file.defaults.deny) {
            mistakes.warn(&place, format!("defaults: {text}"));
        }
        for rule in file.rules.iter().flatten() {
            let (name, place) = (&rule.value.name, &rule.referenced);
            if let Some(first) = names.take(name, mistakes.name(place)) {
                mistakes.of(name).add(place, &format!("another rule has this name, at {first}"));
            }
            compiler.rule(number, rule, &file.defaults, mistakes);
            rule_names.push(name.clone());
        }
    }
    let (rules, library) = compiler.finish();
    let unused = library.unused_lists();
    let environment = Environment::new(library);
    for Compiled { rpc, rule, file, place } in &rules {
        if let Err(failure) = dry_run::run(rule, &rpc.input(), &environment) {
            let text = format!("for {}: {failure}", rpc.name());
            mistakes[*file].of(&rule.name).add(place, &text);
        }
    }
    if mistakes.iter().any(Mistakes::any) {
        return Err(findings(mistakes));
    }
    // With a mistake, a rule that can't be compiled might use a list.
    for (file, name, place) in lists.places.iter().filter(|(_, name, _)| unused.contains(name)) {
        mistakes[*file].warn(place, format!("list {name:?}: no rule uses it"));
    }
    for (Compiled { rpc, rule, file, place }, first) in warnings::unreachable(&rules) {
        let text = format!("never asked for {}, which rule {first:?} always ends", rpc.name());
        mistakes[*file].of(&rule.name).warn(place, &text);
    }
    let warnings = findings(mistakes);
    let mut by_rpc: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for Compiled { rpc, rule, .. } in rules {
        by_rpc.entry(rpc.full_name().to_owned()).or_default().push(rule);
    }
    let hash = sources.hash().to_owned();
    Ok(Policy { environment, rules: by_rpc, rule_names, hash, warnings })
}

/// The findings of all files, in the files' order.
pub(crate) fn findings(mistakes: Vec<Mistakes<'_>>) -> Vec<Finding> {
    mistakes.into_iter().flat_map(Mistakes::into_findings).collect()
}

/// Names that must be unique in all files, with the places where they stand.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    /// Takes a name, or returns the place that has it already.
    fn take(&mut self, name: &str, place: String) -> Option<&str> {
        match self.0.entry(name.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(place);
                None
            }
            Entry::Occupied(first) => Some(first.into_mut()),
        }
    }
}

/// The word lists of the files so far.
#[derive(Default)]
struct WordLists {
    built: BTreeMap<String, WordList>,
    names: Names,
    /// The number of the file that has a list, its name and its place.
    places: Vec<(usize, String, Location)>,
}

impl WordLists {
    /// Adds the lists of a file.
    fn add(&mut self, file: usize, lists: file::Lists, mistakes: &mut Mistakes<'_>) {
        for (Spanned { value: name, referenced: place, .. }, words) in lists {
            let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
            if !name.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
                let text = format!("list {name:?}: a name has letters, digits and _ only");
                mistakes.add(&place, text);
            }
            if let Some(first) = self.names.take(&name, mistakes.name(&place)) {
                mistakes
                    .add(&place, format!("list {name:?}: another list has this name, at {first}"));
            }
            for word in words.iter().filter(|word| word.value.is_empty()) {
                let text = format!("list {name:?}: a word is empty, so every text has it");
                mistakes.add(&word.referenced, text);
            }
            self.places.push((file, name.clone(), place));
            match WordList::new(words.into_iter().map(|word| word.value)) {
                Ok(words) => drop(self.built.insert(name, words)),
                Err(error) => mistakes.add(&place, format!("list {name:?}: {error}")),
            }
        }
    }
}
