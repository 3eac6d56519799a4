//! The replies that are not a decider's allow: rejections, denials, and those of the failure policy.

use bytes::Bytes;
use uuid::Uuid;

use crate::failure_policy::CallbackConfig;
use crate::observe::{Note, Outcome};
use crate::openim::call::Call;
use crate::openim::contract::Kind;
use crate::openim::exchange::{Answer, Request};
use crate::openim::rejection::Rejection;
use crate::openim::reply::{Denied, Reply, Style};
use crate::openim::v1::Denial;
use crate::openim::verdict::Verdict;

/// The reply to a request that is no callback: the only place where a rejection becomes one. End users read the
/// message, so the mistake stands in the detail; an unauthorised caller gets an id only.
pub(super) fn rejected(
    style: Style,
    config: &CallbackConfig,
    rejection: &Rejection,
    id: Uuid,
) -> Reply {
    let detail = match rejection {
        Rejection::Unauthorised { .. } => id.to_string(),
        _ => rejection.to_string(),
    };
    let denied = Denied { code: config.code, message: &config.message, detail: &detail };
    Reply { status: rejection.status(), ..Reply::deny(style, denied) }
}

pub(super) fn denied(
    style: Style,
    config: &CallbackConfig,
    denial: Denial,
    notes: &mut Vec<Note>,
) -> (Reply, Outcome) {
    let (code, problem) = config.code.or_of(denial.code);
    notes.extend(problem.map(Note::CodeReplaced));
    let message = match &denial.message[..] {
        "" => &config.message,
        message => message,
    };
    let reply = Reply::deny(style, Denied { code, message, detail: &denial.detail });
    (reply, Outcome::Denied { code, denial })
}

/// A verdict that is not the decider's. An allow equals an answer without edits, with all echoed fields.
pub(super) fn fallback_reply(
    call: &Call<'_>,
    config: &CallbackConfig,
    request: &Request,
    verdict: Verdict,
) -> Reply {
    let close = call.exchange().close;
    if verdict == Verdict::Allow
        && let Ok(Answer::Allowed { body, .. }) = close(call.style, request, Bytes::new())
    {
        return Reply::verdict(body);
    }
    refusal(call, config)
}

/// A panic refuses, since content may have caused it and must not be able to open a gate; after-callbacks have nothing
/// to refuse.
pub(super) fn panicked(call: &Call<'_>, config: &CallbackConfig) -> Reply {
    match call.kind() {
        Kind::Before => refusal(call, config),
        Kind::After => Reply::allow(call.style),
    }
}

fn refusal(call: &Call<'_>, config: &CallbackConfig) -> Reply {
    let detail = &call.id.to_string();
    Reply::deny(call.style, Denied { code: config.code, message: &config.message, detail })
}
