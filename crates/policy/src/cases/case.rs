//! One case.

use super::outcome::Outcome;
use crate::evaluate::Policy;
use crate::rule::Observer;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde::Serialize;

/// A request, and the decision that the policy should give.
pub(super) struct Case {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) name: String,
    pub(super) rpc: MethodDescriptor,
    pub(super) request: DynamicMessage,
    pub(super) expected: Outcome,
}

/// A case that failed.
#[derive(Debug, Serialize)]
pub struct FailedCase {
    /// The path of its file.
    pub file: String,
    /// The line where it begins.
    pub line: u64,
    /// Its name.
    pub name: String,
    /// The decision that it expects; of a denial the parts that it names.
    pub expected: Outcome,
    /// The decision of the policy.
    pub got: Outcome,
    /// The rules that failed while they ran, and whose failure it does not expect.
    pub rule_failures: Vec<String>,
}

impl Case {
    /// Asks the policy, adds the rules whose conditions hold, and returns the failure, if it is one.
    pub(super) fn run<'a>(
        &self,
        policy: &'a Policy,
        reached: &mut impl Observer<'a>,
    ) -> Option<FailedCase> {
        let decision = policy.evaluate_observed(&self.rpc, &self.request, reached);
        let unexpected =
            decision.failures.iter().filter(|failure| !self.expected.is_denial_by(failure.rule));
        let rule_failures: Vec<_> = unexpected.map(ToString::to_string).collect();
        let got = Outcome::of(&self.rpc, &decision);
        if rule_failures.is_empty() && self.expected.is_met_by(&got) {
            return None;
        }
        let (file, name, expected) = (self.file.clone(), self.name.clone(), self.expected.clone());
        Some(FailedCase { file, line: self.line, name, expected, got, rule_failures })
    }
}
