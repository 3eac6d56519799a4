//! Cases beside a policy: requests, each with the decision that the policy should give.

mod case;
mod outcome;
mod written;

use case::Case;
pub use case::FailedCase;
pub use outcome::{Difference, Outcome};
pub(crate) use written::{Fields, message};

use crate::evaluate::Policy;
use crate::load::findings;
use crate::load_error::LoadError;
use crate::mistakes::Mistakes;
use crate::rpcs::Rpcs;
use crate::rule::{Observer, Rule};
use crate::sources::unreadable;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// The cases of test files, checked against a policy.
pub struct Cases<'a> {
    policy: &'a Policy,
    cases: Vec<Case>,
}

/// The results of the cases.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The number of cases.
    pub cases: usize,
    /// The number of those that failed.
    pub failed: usize,
    /// The cases that failed.
    pub failures: Vec<FailedCase>,
    /// The rules whose condition held in no case, in the policy's order.
    pub unreached: Vec<String>,
}

impl<'a> Cases<'a> {
    /// Reads test files, and checks their cases against the policy.
    ///
    /// # Errors
    /// When one can't be read, or all mistakes in them.
    pub fn load(policy: &'a Policy, files: &[PathBuf]) -> Result<Self, LoadError> {
        let texts = files.iter().map(|path| {
            let text = fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
            Ok((path.display().to_string(), text))
        });
        Self::parse(policy, &texts.collect::<Result<Vec<_>, _>>()?)
    }

    /// The same for files that are read already: of each its name and its text.
    ///
    /// # Errors
    /// All mistakes in them.
    pub fn parse(policy: &'a Policy, files: &[(String, String)]) -> Result<Self, LoadError> {
        let rpcs = Rpcs::new();
        let (mut cases, mut mistakes) = (Vec::new(), Vec::new());
        for (name, text) in files {
            let mut of_file = Mistakes::new(name, text);
            cases.extend(written::parse(policy, &rpcs, name, text, &mut of_file));
            mistakes.push(of_file);
        }
        let mistakes = findings(mistakes);
        if mistakes.is_empty() {
            Ok(Self { policy, cases })
        } else {
            Err(LoadError::Mistakes(mistakes))
        }
    }

    /// Asks the policy about each case.
    #[must_use]
    pub fn run(&self) -> Report {
        let mut reached = Reached::default();
        let failures = self.cases.iter().filter_map(|case| case.run(self.policy, &mut reached));
        let failures: Vec<_> = failures.collect();
        let unreached = self.policy.rule_names.iter();
        let unreached = unreached.filter(|rule| !reached.0.contains(rule.as_str())).cloned();
        Report {
            cases: self.cases.len(),
            failed: failures.len(),
            failures,
            unreached: unreached.collect(),
        }
    }
}

/// The names of the rules whose conditions held.
#[derive(Default)]
struct Reached<'a>(BTreeSet<&'a str>);

impl<'a> Observer<'a> for Reached<'a> {
    fn holds(&mut self, rule: &'a Rule) {
        self.0.insert(&rule.name);
    }
}
