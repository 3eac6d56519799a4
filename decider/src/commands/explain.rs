//! `explain`: what each rule says to a request.

use super::fail;
use crate::cli::ExplainArguments;
use policy::{Answer, Explanation, Policy, Reply, rpc};
use process::exit;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::{error, fs};

pub(super) fn run(policy: &Path, arguments: &ExplainArguments) -> ExitCode {
    match explain(policy, arguments) {
        Ok(printed) => exit::printed(printed),
        Err(why) => fail(&why.to_string(), exit::USAGE),
    }
}

fn explain(
    policy: &Path,
    ExplainArguments { rpc: name, request }: &ExplainArguments,
) -> Result<io::Result<bool>, Box<dyn error::Error>> {
    let rpc = rpc(name).map_err(|why| format!("--rpc: {why}"))?;
    let policy = Policy::load(policy)?;
    let file = request.display().to_string();
    let text = fs::read_to_string(request).map_err(|why| format!("--request: {file}: {why}"))?;
    let explanation = policy.explain(&rpc, &file, &text)?;
    Ok(print(&explanation, &mut io::stdout().lock()).map(|()| true))
}

fn print(explanation: &Explanation<'_>, out: &mut impl Write) -> io::Result<()> {
    let Explanation { replies, outcome } = explanation;
    let width = replies.iter().map(|reply| reply.rule.chars().count()).max().unwrap_or_default();
    for Reply { rule, answer, time } in replies {
        let micros = time.as_micros();
        match answer {
            Answer::Yes => writeln!(out, "{rule:width$}  yes      {micros} µs")?,
            Answer::NotEnforced => {
                writeln!(out, "{rule:width$}  yes      {micros} µs, not enforced")?;
            }
            Answer::No => writeln!(out, "{rule:width$}  no       {micros} µs")?,
            Answer::Failed(why) => {
                writeln!(out, "{rule:width$}  failed   {micros} µs\n  {why}")?;
            }
            Answer::Skipped => writeln!(out, "{rule:width$}  skipped")?,
        }
    }
    writeln!(out, "{outcome}")?;
    for (field, value) in outcome.parts().into_iter().flatten() {
        writeln!(out, "  {field}: {value}")?;
    }
    Ok(())
}
