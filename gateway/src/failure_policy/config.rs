//! The configuration of one callback, and those of all.

use std::time::Duration;

use crate::observe::Failure;
use crate::openim::call::index;
use crate::openim::contract::Callback;
use crate::openim::key::CallbackKey;
use crate::openim::verdict::{RefusalCode, Verdict};

/// A decider, by its place in [`Settings::deciders`](crate::settings::Settings::deciders).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeciderId(pub usize);

/// The configuration of one callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackConfig {
    /// The verdict without a decider, if one is set.
    pub answer: Option<Verdict>,
    /// The decider that is called.
    pub decider: DeciderId,
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
    /// True if its events are delivered in order, where the contract has a key for them.
    pub ordered: bool,
    /// OpenIM's timeout, where its webhooks.yml is known.
    pub openim_timeout: Option<Duration>,
}

impl CallbackConfig {
    /// The verdict on a callback for which there is no decision.
    #[must_use]
    pub fn verdict(&self, failure: &Failure) -> Verdict {
        use tonic::Code::{InvalidArgument, OutOfRange, Unimplemented};
        match failure.status() {
            // The request's content may have caused these, and must not be able to open a gate.
            _ if failure.is_wrong_answer() => Verdict::Deny,
            Some(InvalidArgument | OutOfRange) => Verdict::Deny,
            Some(Unimplemented) => self.on_unimplemented,
            _ => self.on_failure,
        }
    }
}

/// The configurations of all callbacks.
#[derive(Clone, Debug)]
pub struct CallbackConfigs {
    pub(super) default: CallbackConfig,
    /// By [`Call::index`](crate::openim::call::Call::index).
    pub(super) each: Vec<CallbackConfig>,
    pub(super) opened: Vec<CallbackKey>,
}

impl CallbackConfigs {
    /// The configuration of a callback; None is an unknown one.
    #[must_use]
    pub fn of(&self, callback: Option<&Callback>) -> &CallbackConfig {
        &self.each[index(callback)]
    }

    /// Every configuration, with the key under which it is set.
    pub fn iter(&self) -> impl Iterator<Item = (CallbackKey, &CallbackConfig)> {
        CallbackKey::all().zip(&self.each)
    }

    /// The configuration where nothing is set for a single callback, neither by its operator nor by the gateway itself.
    #[must_use]
    pub fn default(&self) -> &CallbackConfig {
        &self.default
    }

    /// The same, but every callback is answered with this verdict.
    #[must_use]
    pub fn answering(mut self, verdict: Verdict) -> Self {
        for config in self.each.iter_mut().chain([&mut self.default]) {
            config.answer = Some(verdict);
        }
        self
    }

    /// The callbacks that OpenIM's `failedContinue` makes allowed when there is no decision.
    #[must_use]
    pub fn opened(&self) -> &[CallbackKey] {
        &self.opened
    }
}
