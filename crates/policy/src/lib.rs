//! Rules in files that decide OpenIM's callbacks. No server: a request comes in as a message, and a
//! response goes out.
//!
//! Policy files become a [`Policy`] when they are loaded: their YAML is read with the places of its parts, every
//! expression is checked against each request that it is for, and all mistakes and warnings are reported at once. The
//! policy then decides over dynamic messages, so that nothing here changes when the contract grows:
//!
//! - `sources`: a file, or the files of a folder
//! - `file`, `parsed`: the YAML, and the expressions in it, parsed
//! - `compile`: each rule, checked for each of its rpcs, which are in `rpcs`; `edit`, `denial`: its consequences
//! - `dry_run`: the checked rules over made-up requests; `warnings`: what is suspicious in them
//! - `load`: all of these, from files to a policy or to their mistakes; `load_error`: why there is no policy
//! - `evaluate`: from a request to a `decision`, `rule` by rule; `convert`, `keyed`, `request_view`: the edits' values
//! - `cases`: the tests beside a policy, and what came of them
//! - `explain`: what each rule says to a request
//! - `expression`: CEL with the request's fields, word lists, patterns and JSON

mod cases;
mod compile;
mod convert;
mod decision;
mod denial;
mod dry_run;
mod edit;
mod evaluate;
mod explain;
mod expression;
mod file;
mod finding;
mod keyed;
mod load;
mod load_error;
mod mistakes;
mod parsed;
mod request_view;
mod rpcs;
mod rule;
mod sources;
mod warnings;

pub use cases::{Cases, Difference, FailedCase, Outcome, Report};
pub use decision::{Decision, Logged, RuleFailure};
pub use evaluate::Policy;
pub use explain::{Answer, Explanation, Reply};
pub use file::OnError;
pub use finding::{Finding, Severity};
pub use load_error::LoadError;
pub use rpcs::rpc;
pub use sources::{Sources, tests_beside};
