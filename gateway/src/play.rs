//! Plays OpenIM: sends callbacks through the gateway to a decider, and tells what the decider made of each.

mod decision;
mod expectations;
mod scene;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use http_body_util::BodyExt;
use tokio_util::sync::CancellationToken;

pub use self::decision::Decision;
pub use self::expectations::{Case, Expectations, Expected};
pub use self::scene::{Known, Scene};
use crate::callers::Callers;
use crate::channel::Channel;
use crate::gateway::Gateway;
use crate::policy::Verdict;
use crate::reply::{Remark, Said};
use crate::server::Server;
use crate::settings::{Breaker, Settings};

/// OpenIM, with a gateway of its own before the decider.
#[derive(Debug)]
pub struct Player {
    server: Server,
    /// One that allows all without asking: some of its answers have values too, which OpenIM wants back.
    allowing: Server,
}

/// What became of a callback.
#[derive(Debug)]
pub struct Outcome {
    /// What the decider decided.
    pub decision: Decision,
    /// What the gateway had to correct.
    pub notes: Vec<String>,
    /// Whether the decider kept to the contract.
    pub valid: bool,
    /// From the request to OpenIM's answer.
    pub took: Duration,
}

impl Player {
    /// A player by these settings, who may call whatever they say, and for whom no circuit stays open: one failure must
    /// not hide the next answer. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(mut settings: Settings) -> Self {
        settings.callers = Callers::default();
        let pause = Duration::from_millis(1);
        settings.file.breaker = Breaker { failures: u32::MAX, first: pause, longest: pause };
        let mut allowing = settings.clone();
        allowing.policies = allowing.policies.answering(Verdict::Allow);
        let server = |settings| {
            let gateway = Arc::new(Gateway::new(settings));
            let channels = Channel::open_all(&gateway);
            Server::new(gateway, channels, CancellationToken::new())
        };
        Self { server: server(settings), allowing: server(allowing) }
    }

    /// Sends one callback, as OpenIM's servers do since v3.4.2.
    pub async fn play(&self, scene: &Scene) -> Outcome {
        let began = Instant::now();
        let Reply { status, said, remarks } = Reply::to(scene, &self.server).await;
        let took = began.elapsed();
        let decision = match said {
            Ok(Said::Deny { message, .. }) if !status.is_success() => Decision::Failed(message),
            Ok(Said::Deny { code, message }) => Decision::Deny { code, message },
            Ok(Said::Allow(said)) => match Reply::to(scene, &self.allowing).await.said {
                Ok(Said::Allow(without_edits)) => Decision::allow(said, &without_edits),
                other => Decision::Failed(format!("an allow without edits became {other:?}")),
            },
            Err(why) => Decision::Failed(format!("the reply is no verdict: {why}")),
        };
        let mut outcome = Outcome { decision, notes: Vec::new(), valid: true, took };
        remarks.into_iter().for_each(|remark| outcome.take_in(remark));
        outcome.valid &= !matches!(outcome.decision, Decision::Failed(_));
        outcome
    }
}

/// What OpenIM gets, and what it is not told.
struct Reply {
    status: StatusCode,
    said: Result<Said, serde_json::Error>,
    remarks: Vec<Remark>,
}

impl Reply {
    async fn to(scene: &Scene, server: &Server) -> Self {
        let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
        let (head, body) = scene.request().into_parts();
        let mut response = server.respond(&head, body, peer).await;
        let remarks = response.extensions_mut().remove().unwrap_or_default();
        let (status, body) = (response.status(), response.into_body());
        let Ok(body) = body.collect().await;
        Self { status, said: Said::read(&body.to_bytes()), remarks }
    }
}

impl Outcome {
    fn take_in(&mut self, remark: Remark) {
        match remark {
            Remark::NoDecision(failure) if failure.is_unimplemented() => {
                self.decision = Decision::NotImplemented;
            }
            Remark::NoDecision(failure) => self.decision = Decision::Failed(failure.to_string()),
            Remark::Panicked => {
                self.decision =
                    Decision::Failed("the gateway panicked, which is a bug of its own".into());
            }
            Remark::Unasked => self.notes.push("not asked: the settings have the answer".into()),
            Remark::EditDropped(field) => {
                self.valid = false;
                let why = "the request does not carry the field, and OpenIM would crash";
                self.notes.push(format!("the edit of {field} is left out: {why}"));
            }
            Remark::CodeReplaced(why) => {
                self.valid = false;
                self.notes.push(why);
            }
        }
    }
}
