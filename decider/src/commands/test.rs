//! `test`: runs the cases beside the policy.

use super::fail;
use crate::cli::TestArguments;
use policy::{Cases, Difference, FailedCase, LoadError, Policy, Report, tests_beside};
use process::exit;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(policy: &Path, arguments: &TestArguments) -> ExitCode {
    match test(policy, arguments) {
        Ok(report) => exit::printed(print(&report, arguments.json)),
        Err(why) => fail(&why.to_string(), exit::USAGE),
    }
}

fn test(path: &Path, arguments: &TestArguments) -> Result<Report, LoadError> {
    let policy = Policy::load(path)?;
    let files =
        if arguments.files.is_empty() { tests_beside(path)? } else { arguments.files.clone() };
    Ok(Cases::load(&policy, &files)?.run())
}

/// Prints the report, and returns whether all cases passed.
fn print(report: &Report, json: bool) -> io::Result<bool> {
    let out = &mut io::stdout().lock();
    if json {
        serde_json::to_writer(&mut *out, report)?;
        writeln!(out)?;
    } else {
        print_lines(report, out)?;
    }
    Ok(report.failed == 0)
}

fn print_lines(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for case in &report.failures {
        print_failure(case, out)?;
    }
    let cases = if report.cases == 1 { "case" } else { "cases" };
    writeln!(out, "{} {cases}, {} failed", report.cases, report.failed)?;
    if !report.unreached.is_empty() {
        writeln!(out, "rules that no case reached: {}", report.unreached.join(", "))?;
    }
    Ok(())
}

fn print_failure(case: &FailedCase, out: &mut impl Write) -> io::Result<()> {
    let FailedCase { file, line, name, expected, got, rule_failures } = case;
    let spite = if expected.is_met_by(got) { ", but a rule failed" } else { "" };
    writeln!(out, "{file}:{line}: {name}: expected {expected}, got {got}{spite}")?;
    for Difference { field, expected, got } in expected.differences(got) {
        let [expected, got] =
            [expected, got].map(|value| value.map_or("nothing".into(), ToString::to_string));
        writeln!(out, "  {field}: expected {expected}, got {got}")?;
    }
    for failure in rule_failures {
        writeln!(out, "  {failure}")?;
    }
    Ok(())
}
