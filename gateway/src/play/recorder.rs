//! Reads the gateway's events for `play`: the reason of a failure does not travel over HTTP.

use std::sync::{Mutex, PoisonError};

use super::decision::Decision;
use crate::observe::{Event, Note, Observer, Outcome};

/// The part of the last event that the reply does not carry.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Recorded>);

/// A part of an event.
#[derive(Debug)]
pub(super) struct Recorded {
    /// The decision, where the reply does not show it.
    pub(super) decision: Option<Decision>,
    pub(super) notes: Vec<String>,
    /// True if the decider kept to the contract.
    pub(super) valid: bool,
}

impl Default for Recorded {
    fn default() -> Self {
        Self { decision: None, notes: Vec::new(), valid: true }
    }
}

impl Recorder {
    pub(super) fn take(&self) -> Recorded {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        let decision = match &event.outcome {
            Outcome::Failed { failure, .. } if failure.is_unimplemented() => {
                Some(Decision::NotImplemented)
            }
            Outcome::Failed { failure, .. } => Some(Decision::Failed(failure.to_string())),
            Outcome::Panicked => {
                let why = "the gateway panicked, which is a bug of its own";
                Some(Decision::Failed(why.to_owned()))
            }
            _ => None,
        };
        let mut notes: Vec<_> = event.notes.iter().map(Note::to_string).collect();
        if let Outcome::Answered { .. } = event.outcome {
            notes.push("not called: the settings have the answer".to_owned());
        }
        let recorded = Recorded { decision, notes, valid: event.notes.is_empty() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = recorded;
    }
}
