//! `check`: reports all mistakes and warnings of a policy.

use crate::cli::CheckArguments;
use policy::{Finding, LoadError, Policy, Severity};
use process::exit;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::process::ExitCode;

/// The result of a check, as `--json` prints it.
#[derive(Serialize)]
struct Report<'a> {
    valid: bool,
    /// The number of rules; like the next two, none where there is a mistake.
    rules: Option<usize>,
    /// The rpcs that have rules.
    rpcs: Option<Vec<&'a str>>,
    /// The policy's hash, as the decider logs it.
    hash: Option<&'a str>,
    findings: &'a [Finding],
}

pub(super) fn run(path: &Path, arguments: &CheckArguments) -> ExitCode {
    let loaded = Policy::load(path).map_err(LoadError::into_findings);
    let policy = loaded.as_ref().ok();
    let findings = loaded.as_ref().map_or_else(Vec::as_slice, Policy::warnings);
    let report = Report {
        valid: policy.is_some() && (findings.is_empty() || !arguments.strict),
        rules: policy.map(Policy::rules),
        rpcs: policy.map(|policy| policy.rpcs().collect()),
        hash: policy.map(Policy::hash),
        findings,
    };
    let printed = if arguments.json {
        serde_json::to_string(&report).expect("texts and numbers have a JSON form")
    } else {
        report.lines(path)
    };
    // The exit code says the most important even if nobody reads the rest.
    let _ = writeln!(stdout(), "{printed}");
    if report.valid { ExitCode::SUCCESS } else { exit::USAGE.into() }
}

impl Report<'_> {
    /// A line for each finding, and one for the whole policy.
    fn lines(&self, path: &Path) -> String {
        let count = |severity| self.findings.iter().filter(|f| f.severity == severity).count();
        let mistakes = number(count(Severity::Mistake), "mistake");
        let warnings = number(count(Severity::Warning), "warning");
        let mut lines = String::new();
        for finding in self.findings {
            let _ = writeln!(lines, "{finding}"); // text takes everything
        }
        let path = path.display();
        lines += &match (&self.rules, &self.rpcs) {
            (Some(rules), Some(rpcs)) if self.valid => {
                let (rules, rpcs) = (number(*rules, "rule"), number(rpcs.len(), "rpc"));
                format!("{path}: valid: {rules} for {rpcs}, {warnings}")
            }
            (Some(_), _) => format!("{path}: not valid: {warnings}, with --strict"),
            (None, _) => format!("{path}: not valid: {mistakes}, {warnings}"),
        };
        lines
    }
}

fn number(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
