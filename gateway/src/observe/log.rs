//! One line in the log for each event. Text of users and deciders is quoted, so that it can't forge a line.

use tracing::{debug, error, info, warn};

use super::event::{Event, Note, Observer, Outcome};
use crate::openim::call::Call;
use crate::openim::rejection::Rejection;
use crate::openim::v1::Denial;
use crate::openim::verdict::Verdict;

/// Writes events to the log.
#[derive(Debug)]
pub struct Log;

/// A line about a call, at a level, with the call's own fields.
macro_rules! about {
    ($level:ident, $call:expr, $($line:tt)+) => {
        $level!(
            callback = $call.key().as_str(),
            command = &*$call.command,
            operation_id = ?$call.operation_id,
            callback_id = %$call.id,
            $($line)+
        )
    };
}

impl Observer for Log {
    fn observe(&self, event: &Event<'_>) {
        let Some(call) = event.call else {
            return without_call(event);
        };
        event.notes.iter().for_each(|note| corrected(call, note));
        match &event.outcome {
            Outcome::Allowed { edited } => about!(debug, call, edited, "allowed"),
            Outcome::Denied { code, denial: Denial { message, reason, .. } } => {
                about!(info, call, code = code.get(), shown = ?message, ?reason, "denied");
            }
            Outcome::Answered { verdict: Verdict::Allow, .. } => {
                about!(debug, call, "allowed: answered by settings");
            }
            Outcome::Answered { verdict: Verdict::Deny, code } => {
                about!(info, call, code = code.get(), "denied: answered by settings");
            }
            Outcome::Failed { verdict, failure } => {
                let why = failure.to_string();
                about!(warn, call, rpc = call.rpc(), ?verdict, ?why, "no decision");
            }
            Outcome::Kept => about!(debug, call, "kept"),
            // The store has logged the reason.
            Outcome::Relayed => about!(debug, call, "relayed"),
            Outcome::Rejected(rejection) => {
                let why = rejection.to_string();
                about!(warn, call, ?why, "refused");
            }
            Outcome::Panicked => about!(error, call, "a call panicked"),
            Outcome::Abandoned { openim_timeout } => {
                let (took, deadline) = (event.took, call.deadline - call.began);
                about!(warn, call, ?took, ?deadline, ?openim_timeout, "abandoned by the caller");
            }
        }
    }
}

fn without_call(event: &Event<'_>) {
    let callback_id = event.id;
    match &event.outcome {
        Outcome::Rejected(rejection) => {
            let why = rejection.to_string();
            match rejection {
                Rejection::Unauthorised { client, .. } => {
                    warn!(%callback_id, ?why, ?client, "refused");
                }
                _ => warn!(%callback_id, ?why, "refused"),
            }
        }
        _ => error!(%callback_id, "a request panicked, and was refused"),
    }
}

fn corrected(call: &Call<'_>, note: &Note) {
    match note {
        Note::EditDropped(field) => {
            about!(warn, call, field, "edit dropped: the request does not carry the field");
        }
        Note::CodeReplaced(problem) => about!(warn, call, problem, "denial code replaced"),
    }
}
