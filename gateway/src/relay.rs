//! Turns a callback's JSON into the typed request, asks the decider, and settles what the answer means.

use tokio::time::{Instant, timeout_at};

use crate::answer::Answer;
use crate::channel;
use crate::contract::Kind;
use crate::contract::v1::Denial;
use crate::error::{Failure, Refused};
use crate::gateway::Gateway;
use crate::journal::Journal;
use crate::json::{self, Body, Lone, Object};
use crate::policy::{RefusalCode, Verdict};
use crate::reply::{Refusal, Remark, Reply};
use crate::webhook::Call;

/// A callback with its body, about to be relayed.
#[derive(Debug)]
pub struct Relay<'a> {
    /// The callback.
    pub call: Call,
    /// Its body.
    pub body: &'a [u8],
    /// Where it is counted, and bounded.
    pub gateway: &'a Gateway,
}

impl Relay<'_> {
    /// Reads the body as a request `Q`, sends it, and answers with what comes back.
    pub(crate) async fn ask<Q, A, F>(mut self, send: impl FnOnce(tonic::Request<Q>) -> F) -> Reply
    where
        Q: Object + Clone,
        A: Answer<Q>,
        F: Future<Output = Result<tonic::Response<A>, tonic::Status>>,
    {
        let mut body = match self.read::<Q>() {
            Ok(body) => body,
            Err(refused) => return self.refuse(&refused),
        };
        body.message.share_operation_id(&mut self.call.operation_id);
        self.decide(body.message, &body.lone, send).await
    }

    /// Reads the body, and checks that it is the URL's callback.
    pub(crate) fn read<Q: Object>(&self) -> Result<Body<Q>, Refused> {
        let body = json::read::<Q>(self.body).map_err(|e| Refused::body(&e))?;
        self.call.check_body(body.command.as_deref())?;
        Ok(body)
    }

    /// Answers a body that is not the callback's.
    pub(crate) fn refuse(&self, refused: &Refused) -> Reply {
        self.journal().refused(refused);
        Reply::refuse(self.call.style, self.call.policy.code, refused)
    }

    /// Sends a request, and answers with what comes back, or does not come back in time. Nothing is sent if the
    /// settings have the answer.
    pub(crate) async fn decide<Q, A, F>(
        &self,
        request: Q,
        lone: &Lone,
        send: impl FnOnce(tonic::Request<Q>) -> F,
    ) -> Reply
    where
        Q: Clone + Default,
        A: Answer<Q>,
        F: Future<Output = Result<tonic::Response<A>, tonic::Status>>,
    {
        if let Some(verdict) = self.call.policy.answer {
            let settlement =
                Settlement { call: &self.call, journal: self.journal(), request: &request, lone };
            return settlement.answer_unasked::<A>(verdict);
        }
        let began = Instant::now();
        let kept = if A::READS_REQUEST { request.clone() } else { Q::default() };
        let outcome = match self.gateway.calls.take(1) {
            Some(_permit) => {
                let asked = send(channel::request(&self.call, request));
                let outcome = match timeout_at(self.call.deadline, asked).await {
                    Ok(Ok(response)) => Ok(response.into_inner()),
                    Ok(Err(status)) => Err(status.into()),
                    Err(_) => Err(Failure::Deadline),
                };
                self.journal().asked(began);
                outcome
            }
            None => Err(Failure::Overload),
        };
        let settlement =
            Settlement { call: &self.call, journal: self.journal(), request: &kept, lone };
        settlement.settle(outcome)
    }

    fn journal(&self) -> Journal<'_> {
        Journal { metrics: &self.gateway.metrics, call: &self.call }
    }
}

/// What an outcome is settled with.
struct Settlement<'a, Q> {
    call: &'a Call,
    journal: Journal<'a>,
    request: &'a Q,
    lone: &'a Lone,
}

impl<Q> Settlement<'_, Q> {
    fn settle<A: Answer<Q>>(&self, outcome: Result<A, Failure>) -> Reply {
        outcome
            .and_then(|answer| self.answer(answer))
            .unwrap_or_else(|failure| self.fail::<A>(failure))
    }

    fn answer<A: Answer<Q>>(&self, mut answer: A) -> Result<Reply, Failure> {
        if let Some(denial) = answer.denial() {
            return Ok(self.deny(&denial));
        }
        let edited = answer != A::default();
        let dropped = answer.settle(self.request)?;
        dropped.iter().for_each(|field| self.journal.dropped(field));
        self.journal.allowed(edited);
        Ok(dropped.into_iter().map(Remark::EditDropped).fold(self.allow(&answer), Reply::remark))
    }

    fn allow<A: Answer<Q>>(&self, answer: &A) -> Reply {
        Reply::allow(self.call.style, answer, self.request, self.lone)
    }

    fn deny(&self, denial: &Denial) -> Reply {
        let policy = &self.call.policy;
        let code = (denial.code != 0).then(|| RefusalCode::try_from(denial.code)).transpose();
        let (code, replaced) = match code {
            Ok(code) => (code.unwrap_or(policy.code), None),
            Err(problem) => (policy.code, Some(problem)),
        };
        if let Some(problem) = &replaced {
            self.journal.bad_code(problem);
        }
        let message = match &denial.message[..] {
            "" => &policy.message,
            message => message,
        };
        self.journal.denied(code, denial);
        let reply = Reply::deny(self.call.style, Refusal { code, message, detail: &denial.detail });
        replaced.into_iter().map(Remark::CodeReplaced).fold(reply, Reply::remark)
    }

    fn answer_unasked<A: Answer<Q>>(&self, verdict: Verdict) -> Reply {
        self.journal.answered_unasked(verdict);
        self.say::<A>(verdict).remark(Remark::Unasked)
    }

    fn fail<A: Answer<Q>>(&self, failure: Failure) -> Reply {
        let verdict = match self.call.kind() {
            Kind::After => Verdict::Allow,
            Kind::Before => self.call.policy.verdict(&failure),
        };
        self.journal.failed(verdict, &failure);
        self.say::<A>(verdict).remark(Remark::NoDecision(failure))
    }

    /// A verdict that is not the decider's.
    fn say<A: Answer<Q>>(&self, verdict: Verdict) -> Reply {
        if verdict == Verdict::Deny {
            let (policy, detail) = (&self.call.policy, &self.call.id.to_string());
            let refusal = Refusal { code: policy.code, message: &policy.message, detail };
            return Reply::deny(self.call.style, refusal);
        }
        let mut answer = A::default();
        // What is echoed is filled in; an answer without edits has none that could be wrong.
        drop(answer.settle(self.request));
        self.allow(&answer)
    }
}
