//! What holds for each callback: who is asked, how long it may take, and what OpenIM gets when there is no decision.

mod resolve;
mod values;
mod written;

use std::sync::Arc;
use std::time::Duration;

pub use self::resolve::Written;
pub use self::values::{Deadline, RefusalCode, Setting, Verdict};
pub use self::written::{Defaults, ForCallback};
use crate::contract::{CALLBACKS, Callback};
use crate::error::Failure;

/// What holds for a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The verdict that is given without asking, if there is one.
    pub answer: Option<Verdict>,
    /// Who is asked: an index into [`Settings::deciders`](crate::settings::Settings::deciders).
    pub decider: usize,
    /// From the request's head to the verdict.
    pub deadline: Duration,
    /// The code of refusals that have none of their own.
    pub code: RefusalCode,
    /// The message of refusals that have none of their own.
    pub message: String,
    /// The verdict when the decision failed.
    pub on_failure: Verdict,
    /// The verdict when the decider does not implement the callback's rpc.
    pub on_unimplemented: Verdict,
}

impl Policy {
    /// The verdict on a callback for which there is no decision.
    #[must_use]
    pub fn verdict(&self, failure: &Failure) -> Verdict {
        use tonic::Code::{InvalidArgument, OutOfRange};
        match failure {
            // These may come of the request's content, which must not be able to open a gate.
            Failure::Wrong(_) | Failure::Undecodable(_) => Verdict::Deny,
            Failure::Status(s) if matches!(s.code(), InvalidArgument | OutOfRange) => Verdict::Deny,
            _ if failure.is_unimplemented() => self.on_unimplemented,
            Failure::Status(_) | Failure::Deadline | Failure::Overload => self.on_failure,
        }
    }
}

/// The policies of all callbacks.
#[derive(Clone, Debug)]
pub struct Policies {
    default: Arc<Policy>,
    known: Vec<Arc<Policy>>,
    unknown: Arc<Policy>,
    opened: Vec<&'static str>,
}

impl Policies {
    /// The name under which commands that the contract does not know are configured.
    pub const UNKNOWN: &str = "unknown";

    /// The policy of a callback; none is a callback that the contract does not know.
    #[must_use]
    pub fn of(&self, callback: Option<&Callback>) -> &Arc<Policy> {
        callback.map_or(&self.unknown, |callback| &self.known[callback.rpc as usize])
    }

    /// Every policy, with the name under which it is configured.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Policy)> {
        let known = CALLBACKS.iter().map(|callback| (callback.setting, Some(callback)));
        known.chain([(Self::UNKNOWN, None)]).map(|(setting, c)| (setting, &**self.of(c)))
    }

    /// What holds where nothing is set for a single callback, neither by its operator nor by the gateway itself.
    #[must_use]
    pub fn default(&self) -> &Policy {
        &self.default
    }

    /// The same, but for a verdict that every callback is given without asking.
    #[must_use]
    pub fn answering(mut self, verdict: Verdict) -> Self {
        for policy in self.known.iter_mut().chain([&mut self.default, &mut self.unknown]) {
            Arc::make_mut(policy).answer = Some(verdict);
        }
        self
    }

    /// The callbacks that OpenIM's `failedContinue` makes allowed when there is no decision.
    #[must_use]
    pub fn opened(&self) -> &[&'static str] {
        &self.opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_can_not_open_a_gate() {
        let text = "[defaults]\non_failure = 'allow'\non_unimplemented = 'allow'";
        let settings = crate::settings::Settings::from_toml(text).expect("settings");
        let policy = settings.policies.of(None);
        let verdict = |code| policy.verdict(&Failure::Status(tonic::Status::new(code, "")));
        assert_eq!(verdict(tonic::Code::InvalidArgument), Verdict::Deny);
        assert_eq!(verdict(tonic::Code::OutOfRange), Verdict::Deny);
        assert_eq!(verdict(tonic::Code::Unimplemented), Verdict::Allow);
        assert_eq!(verdict(tonic::Code::Internal), Verdict::Allow);
        assert_eq!(policy.verdict(&Failure::Deadline), Verdict::Allow);
    }
}
