//! Asks the decider about a callback, and settles what the answer means.

use std::pin::pin;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::channel::Channel;
use crate::contract::Kind;
use crate::contract::v1::Denial;
use crate::error::{Failure, Refused};
use crate::exchange::{Answered, Asked};
use crate::gateway::Gateway;
use crate::journal::Journal;
use crate::policy::{RefusalCode, Verdict};
use crate::reply::{Refusal, Remark, Reply};
use crate::webhook::Call;

/// A callback that is relayed.
#[derive(Debug)]
pub struct Relay<'a> {
    /// The callback.
    pub call: Call<'a>,
    /// Where it is counted, and bounded.
    pub gateway: &'a Gateway,
}

impl Relay<'_> {
    /// Reads the body as the callback's request, sends it, and answers with what comes back, or does not come back in
    /// time. Nothing is sent if the settings have the answer.
    pub(crate) async fn ask(&mut self, body: &[u8], channel: &Channel) -> Reply {
        let body = std::str::from_utf8(body).map_err(|e| Refused::Body(e.to_string()));
        let open = self.call.exchange().open;
        let asked = match body.and_then(|body| open(&mut self.call, body)) {
            Ok(asked) => asked,
            Err(refused) => return self.refuse(&refused),
        };
        if let Some(verdict) = self.call.policy.answer {
            self.journal().answered_unasked(verdict);
            return self.say(verdict, &asked).remark(Remark::Unasked);
        }
        let began = Instant::now();
        let outcome = match self.gateway.calls.take(1) {
            Some(_permit) => {
                let answer = pin!(channel.call(&self.call, &asked.frame));
                let outcome = timeout_at(self.call.deadline, answer).await;
                self.journal().asked(began);
                outcome.unwrap_or(Err(Failure::Deadline))
            }
            None => Err(Failure::Overload),
        };
        match outcome.and_then(|answer| self.close(&asked, answer)) {
            Ok(Answered::Denied(denial)) => self.deny(&denial),
            Ok(Answered::Allowed { body, edited, dropped }) => {
                dropped.iter().for_each(|field| self.journal().dropped(field));
                self.journal().allowed(edited);
                let dropped = dropped.into_iter().map(Remark::EditDropped);
                dropped.fold(Reply::verdict(body), Reply::remark)
            }
            Err(failure) => self.fail(failure, &asked),
        }
    }

    /// Answers a body that is not the callback's.
    pub(crate) fn refuse(&self, refused: &Refused) -> Reply {
        self.journal().refused(refused);
        Reply::refuse(self.call.style, self.call.policy.code, refused)
    }

    fn close(&self, asked: &Asked, answer: Bytes) -> Result<Answered, Failure> {
        (self.call.exchange().close)(self.call.style, asked, answer)
    }

    fn deny(&self, denial: &Denial) -> Reply {
        let policy = &self.call.policy;
        let code = (denial.code != 0).then(|| RefusalCode::try_from(denial.code)).transpose();
        let (code, replaced) = match code {
            Ok(code) => (code.unwrap_or(policy.code), None),
            Err(problem) => (policy.code, Some(problem)),
        };
        if let Some(problem) = &replaced {
            self.journal().bad_code(problem);
        }
        let message = match &denial.message[..] {
            "" => &policy.message,
            message => message,
        };
        self.journal().denied(code, denial);
        let reply = Reply::deny(self.call.style, Refusal { code, message, detail: &denial.detail });
        replaced.into_iter().map(Remark::CodeReplaced).fold(reply, Reply::remark)
    }

    fn fail(&self, failure: Failure, asked: &Asked) -> Reply {
        let verdict = match self.call.kind() {
            Kind::After => Verdict::Allow,
            Kind::Before => self.call.policy.verdict(&failure),
        };
        self.journal().failed(verdict, &failure);
        self.say(verdict, asked).remark(Remark::NoDecision(failure))
    }

    /// A verdict that is not the decider's. An allow is what an answer without edits would be, with all that is echoed.
    fn say(&self, verdict: Verdict, asked: &Asked) -> Reply {
        if verdict == Verdict::Allow
            && let Ok(Answered::Allowed { body, .. }) = self.close(asked, Bytes::new())
        {
            return Reply::verdict(body);
        }
        let (policy, detail) = (&self.call.policy, &self.call.id.to_string());
        let refusal = Refusal { code: policy.code, message: &policy.message, detail };
        Reply::deny(self.call.style, refusal)
    }

    fn journal(&self) -> Journal<'_> {
        Journal { metrics: &self.gateway.metrics, call: &self.call }
    }
}
