//! One line in the log and one count for each callback, by how it ended. What users and deciders wrote is quoted, so
//! that it can't forge a line.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::contract::Kind;
use crate::contract::v1::Denial;
use crate::error::{Failure, Refused};
use crate::metrics::{Metrics, Outcome, Whose};
use crate::policy::{RefusalCode, Verdict};
use crate::webhook::Call;

/// Writes down what becomes of one call.
#[derive(Clone, Copy, Debug)]
pub struct Journal<'a> {
    /// Where it is counted.
    pub metrics: &'a Metrics,
    /// The call.
    pub call: &'a Call<'a>,
}

/// An event about a call, at a level, with the call's own fields.
macro_rules! about {
    ($level:ident, $call:expr, $($event:tt)+) => {
        $level!(
            callback = $call.setting(),
            command = &*$call.command,
            operation_id = ?$call.operation_id,
            callback_id = %$call.id,
            $($event)+
        )
    };
}

impl Journal<'_> {
    pub(crate) fn allowed(self, edited: bool) {
        about!(debug, self.call, edited, "allowed");
        self.ended(match self.call.kind() {
            Kind::After => Outcome::Delivered,
            Kind::Before if edited => Outcome::Edit,
            Kind::Before => Outcome::Allow,
        });
    }

    pub(crate) fn denied(self, code: RefusalCode, denial: &Denial) {
        let Denial { message, reason, .. } = denial;
        about!(info, self.call, code = code.get(), shown = ?message, ?reason, "denied");
        self.ended(Outcome::Deny);
    }

    pub(crate) fn answered_unasked(self, verdict: Verdict) {
        match verdict {
            Verdict::Allow => {
                about!(debug, self.call, "allowed: answered by settings");
                self.ended(Outcome::Allow);
            }
            Verdict::Deny => {
                let code = self.call.policy.code.get();
                about!(info, self.call, code, "denied: answered by settings");
                self.ended(Outcome::Deny);
            }
        }
    }

    pub(crate) fn failed(self, verdict: Verdict, failure: &Failure) {
        let why = failure.to_string();
        about!(warn, self.call, rpc = self.call.rpc(), ?verdict, ?why, "no decision");
        if let Failure::Wrong(_) | Failure::Undecodable(_) = failure {
            self.metrics.wrong_answer(self.call.setting());
        }
        self.ended(match (self.call.kind(), verdict) {
            (Kind::After, _) => Outcome::Failed,
            (Kind::Before, Verdict::Allow) => Outcome::FailedAllow,
            (Kind::Before, Verdict::Deny) => Outcome::FailedDeny,
        });
    }

    pub(crate) fn refused(self, refused: &Refused) {
        let why = refused.to_string();
        about!(warn, self.call, ?why, "refused");
        self.ended(Outcome::Refused);
    }

    pub(crate) fn dropped(self, field: &'static str) {
        about!(warn, self.call, field, "edit dropped: the request does not carry the field");
        self.metrics.dropped_edit(self.call.setting());
    }

    pub(crate) fn bad_code(self, problem: &str) {
        about!(warn, self.call, problem, "denial code replaced");
    }

    pub(crate) fn asked(self, since: Instant) {
        self.metrics.asked(Whose::of(self.call.callback), since.elapsed());
    }

    fn ended(self, outcome: Outcome) {
        let whose = Whose::of(self.call.callback);
        self.metrics.ended(whose, outcome, self.call.began.elapsed());
    }
}

/// A request that names no callback was refused.
pub(crate) fn refused(metrics: &Metrics, refused: &Refused, took: Duration) {
    let why = refused.to_string();
    match refused {
        Refused::Unauthorised { reason, client } => {
            warn!(?why, ?client, "refused");
            metrics.unauthorised(*reason);
        }
        _ => warn!(?why, "refused"),
    }
    metrics.ended(Whose::NOBODY, Outcome::Refused, took);
}

/// A call panicked, and was refused.
pub(crate) fn panicked(metrics: &Metrics, took: Duration) {
    error!("a call panicked, and was refused");
    metrics.ended(Whose::NOBODY, Outcome::FailedDeny, took);
}
