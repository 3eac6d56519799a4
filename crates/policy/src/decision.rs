//! The decision of a policy, and what led to it.

use crate::file::OnError;
use prost_reflect::DynamicMessage;

/// The decision of a policy.
pub struct Decision<'a> {
    /// The rpc's response.
    pub response: DynamicMessage,
    /// The rule that denied, if one did.
    pub denied_by: Option<&'a str>,
    /// A rule denied, edited or allowed. Else the call is allowed for want of any.
    pub has_verdict: bool,
    /// The rules that held, but are of `mode: log`.
    pub logged: Vec<Logged<'a>>,
    /// The rules that failed. Of these the last one denied, unless it is skipped.
    pub failures: Vec<RuleFailure<'a>>,
}

/// A rule of `mode: log` that held.
#[derive(Debug)]
pub struct Logged<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Its verdict, had it been enforced: `deny`, `edit` or `allow`.
    pub verdict: &'static str,
}

/// A rule that failed over a request.
#[derive(Debug, thiserror::Error)]
#[error("rule {rule:?} failed at {place}: {why}")]
pub struct RuleFailure<'a> {
    /// The rule.
    pub rule: &'a str,
    /// The expression that failed: `file:line:column`.
    pub place: &'a str,
    /// The decision that followed.
    pub on_error: OnError,
    /// The cause, without the content of the request.
    pub why: String,
}
