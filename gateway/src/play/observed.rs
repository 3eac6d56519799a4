//! Reads the gateway's events for `play`: the reasons of failures and denials do not travel over HTTP.

use std::sync::{Mutex, PoisonError};

use tonic::Code;

use super::decision::Decision;
use crate::observe::{Event, Failure, Note, Observer, Outcome};
use crate::openim::contract::Kind;

const NO_REFUSAL: &str =
    "if this is meant to refuse, answer with a denial: a status says that the decision failed";

/// The part of the last event that the reply does not carry.
#[derive(Debug, Default)]
pub struct EventReader(Mutex<Observed>);

/// A part of an event.
#[derive(Debug)]
pub(super) struct Observed {
    /// The decision, where the reply does not show it.
    pub(super) decision: Option<Decision>,
    /// The decider's reason for a denial.
    pub(super) reason: String,
    pub(super) notes: Vec<String>,
    /// True if the decider kept to the contract.
    pub(super) valid: bool,
    /// True if the decider could not be reached.
    pub(super) unreachable: bool,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            decision: None,
            reason: String::new(),
            notes: Vec::new(),
            valid: true,
            unreachable: false,
        }
    }
}

impl EventReader {
    pub(super) fn take(&self) -> Observed {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for EventReader {
    fn observe(&self, event: &Event<'_>) {
        let mut observed = Observed {
            notes: event.notes.iter().map(Note::to_string).collect(),
            valid: event.notes.is_empty(),
            ..Observed::default()
        };
        match &event.outcome {
            Outcome::Denied { denial, .. } => observed.reason.clone_from(&denial.reason),
            Outcome::Answered { verdict, .. } => {
                observed.decision = Some(Decision::Answered(*verdict));
            }
            Outcome::Failed { failure, .. } if failure.is_unimplemented() => {
                observed.decision = Some(Decision::NotImplemented);
            }
            Outcome::Failed { failure, .. } => {
                observed.decision = Some(Decision::Failed(failure.to_string()));
                // gRPC's status of a call that could not be delivered; a proxy before the decider sends it too.
                observed.unreachable = failure.status() == Some(Code::Unavailable);
                let is_before = event.call.is_some_and(|call| call.kind() == Kind::Before);
                if is_before && looks_like_a_refusal(failure) {
                    observed.notes.push(NO_REFUSAL.to_owned());
                }
            }
            Outcome::Panicked => {
                let why = "the gateway panicked, which is a bug of its own";
                observed.decision = Some(Decision::Failed(why.to_owned()));
            }
            Outcome::Allowed { .. }
            | Outcome::Kept
            | Outcome::Relayed
            | Outcome::Rejected(_)
            | Outcome::Abandoned { .. } => {}
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = observed;
    }
}

/// True for a status that speaks of the request, which a decider may mean as its verdict. UNAUTHENTICATED is not among
/// them: it speaks of the gateway's own credentials.
fn looks_like_a_refusal(failure: &Failure) -> bool {
    matches!(
        failure.status(),
        Some(
            Code::PermissionDenied
                | Code::FailedPrecondition
                | Code::AlreadyExists
                | Code::InvalidArgument
                | Code::OutOfRange
                | Code::Aborted
                | Code::NotFound
                | Code::ResourceExhausted
        )
    )
}
