//! The one record of how a request ended.

use std::fmt::Debug;
use std::time::Duration;

use uuid::Uuid;

use crate::openim::call::Call;
use crate::openim::contract::Kind;
use crate::openim::edits::WrongAnswer;
use crate::openim::rejection::Rejection;
use crate::openim::v1::Denial;
use crate::openim::verdict::{RefusalCode, Verdict};

/// Reads every event, on the thread that served the request: it must not block.
pub trait Observer: Debug + Send + Sync {
    /// A request has ended.
    fn observe(&self, event: &Event<'_>);
}

/// A request that has ended.
#[derive(Debug)]
pub struct Event<'a> {
    /// The gateway's id of the request; also the call's, if there is one.
    pub id: Uuid,
    /// The callback; none if the request names none.
    pub call: Option<&'a Call<'a>>,
    /// Its outcome.
    pub outcome: Outcome,
    /// Corrections of the decider's answer.
    pub notes: Vec<Note>,
    /// From the request's head to the verdict.
    pub took: Duration,
    /// The time of the decider's call; none if it was not called.
    pub decider_took: Option<Duration>,
}

/// The outcome of a request.
#[derive(Debug)]
pub enum Outcome {
    /// The decider allowed it.
    Allowed {
        /// True if with edits.
        edited: bool,
    },
    /// The decider denied it.
    Denied {
        /// The code that OpenIM got.
        code: RefusalCode,
        /// The decider's denial.
        denial: Denial,
    },
    /// The settings answered it, without a decider.
    Answered {
        /// The verdict.
        verdict: Verdict,
        /// The code of a denial.
        code: RefusalCode,
    },
    /// There was no decision, and the failure policy answered it.
    Failed {
        /// The verdict.
        verdict: Verdict,
        /// The reason.
        failure: Failure,
    },
    /// A store has it, and its delivery follows.
    Kept,
    /// The store did not take it in time; it is sent to its decider without waiting for the answer.
    Relayed,
    /// The request was no callback, or its sender may not call.
    Rejected(Rejection),
    /// A bug of the gateway ended it; content may have triggered it, so that it is refused.
    Panicked,
    /// The caller closed the connection before the verdict.
    Abandoned {
        /// The timeout of OpenIM for this callback, where its webhooks.yml is known.
        openim_timeout: Option<Duration>,
    },
}

/// The reason why a callback has no decision.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The bound on calls in flight is reached.
    #[error("overload: too many calls to deciders are in flight")]
    Overload,
    /// The call of the decider failed.
    #[error(transparent)]
    Call(#[from] transport::Failure),
    /// The decider's answer can't be passed on.
    #[error(transparent)]
    WrongAnswer(#[from] WrongAnswer),
}

/// A correction of the decider's answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Note {
    /// The edit of this field was left out, since the request does not carry it.
    #[error(
        "the edit of {0} is left out: the request does not carry the field, and OpenIM would crash"
    )]
    EditDropped(&'static str),
    /// The denial's code was replaced, for this reason.
    #[error("{0}")]
    CodeReplaced(String),
}

/// The outcome as the metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// The decider allowed it.
    Allow,
    /// The decider allowed it with edits.
    Edit,
    /// The decider denied it.
    Deny,
    /// The settings allowed it without a decider; an after-callback reached no decider.
    AnsweredAllow,
    /// The settings denied it without a decider.
    AnsweredDeny,
    /// There was no decision, and the failure policy allowed it.
    FailedAllow,
    /// There was no decision, and the failure policy denied it.
    FailedDeny,
    /// The decider does not implement the rpc, and the failure policy allowed it.
    UnimplementedAllow,
    /// The decider does not implement the rpc, and the failure policy denied it.
    UnimplementedDeny,
    /// The request was no callback.
    Refused,
    /// The caller closed the connection before the verdict.
    Abandoned,
    /// The decider received an after-callback.
    Delivered,
    /// A store keeps an after-callback until it is delivered.
    Kept,
    /// An after-callback that the store did not take was sent to its decider.
    Relayed,
    /// An after-callback could not be delivered.
    Failed,
}

impl Label {
    /// Every label, in the order of their declaration.
    pub const ALL: [Self; 15] = [
        Self::Allow,
        Self::Edit,
        Self::Deny,
        Self::AnsweredAllow,
        Self::AnsweredDeny,
        Self::FailedAllow,
        Self::FailedDeny,
        Self::UnimplementedAllow,
        Self::UnimplementedDeny,
        Self::Refused,
        Self::Abandoned,
        Self::Delivered,
        Self::Kept,
        Self::Relayed,
        Self::Failed,
    ];

    /// The value of the metrics' label `outcome`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Edit => "edit",
            Self::Deny => "deny",
            Self::AnsweredAllow => "answered_allow",
            Self::AnsweredDeny => "answered_deny",
            Self::FailedAllow => "failed_allow",
            Self::FailedDeny => "failed_deny",
            Self::UnimplementedAllow => "unimplemented_allow",
            Self::UnimplementedDeny => "unimplemented_deny",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
            Self::Delivered => "delivered",
            Self::Kept => "kept",
            Self::Relayed => "relayed",
            Self::Failed => "failed",
        }
    }
}

impl Event<'_> {
    /// The outcome as the metrics count it.
    #[must_use]
    pub fn label(&self) -> Label {
        let kind = self.call.map_or(Kind::Before, Call::kind);
        match (&self.outcome, kind) {
            (Outcome::Rejected(_), _) => Label::Refused,
            (Outcome::Abandoned { .. }, _) => Label::Abandoned,
            (Outcome::Kept, _) => Label::Kept,
            (Outcome::Relayed, _) => Label::Relayed,
            (Outcome::Answered { verdict: Verdict::Allow, .. }, _) => Label::AnsweredAllow,
            (Outcome::Answered { verdict: Verdict::Deny, .. }, _) => Label::AnsweredDeny,
            (Outcome::Failed { .. } | Outcome::Panicked, Kind::After) => Label::Failed,
            (_, Kind::After) => Label::Delivered,
            (Outcome::Allowed { edited: true }, _) => Label::Edit,
            (Outcome::Allowed { edited: false }, _) => Label::Allow,
            (Outcome::Denied { .. }, _) => Label::Deny,
            (Outcome::Panicked, _) => Label::FailedDeny,
            (Outcome::Failed { verdict, failure }, _) => {
                match (failure.is_unimplemented(), verdict) {
                    (true, Verdict::Allow) => Label::UnimplementedAllow,
                    (true, Verdict::Deny) => Label::UnimplementedDeny,
                    (false, Verdict::Allow) => Label::FailedAllow,
                    (false, Verdict::Deny) => Label::FailedDeny,
                }
            }
        }
    }
}

impl Failure {
    /// The decider's status, or the one that stands for the call's failure.
    #[must_use]
    pub fn status(&self) -> Option<tonic::Code> {
        match self {
            Self::Call(transport::Failure::Status(status)) => Some(status.code()),
            Self::Call(transport::Failure::NotRun(_)) => Some(tonic::Code::Unavailable),
            _ => None,
        }
    }

    /// True if the decider does not implement the callback's rpc.
    #[must_use]
    pub fn is_unimplemented(&self) -> bool {
        self.status() == Some(tonic::Code::Unimplemented)
    }

    /// True if the decider's answer can't be passed on.
    #[must_use]
    pub fn is_wrong_answer(&self) -> bool {
        matches!(self, Self::WrongAnswer(_) | Self::Call(transport::Failure::WrongAnswer(_)))
    }
}
