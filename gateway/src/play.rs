//! Plays OpenIM: sends callbacks through the gateway to a decider, and tells what the decider made of each.

mod decision;
mod expectations;
mod scene;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use tokio_util::sync::CancellationToken;

pub use self::decision::Decision;
pub use self::expectations::{Case, Expectations, Expected};
pub use self::scene::{Known, Scene};
use crate::callers::Callers;
use crate::channel::Channel;
use crate::gateway::Gateway;
use crate::reply::{Remark, Said};
use crate::server::Server;
use crate::settings::{Breaker, Settings};

/// OpenIM, with a gateway of its own before the decider.
#[derive(Debug)]
pub struct Player {
    server: Server,
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
        let gateway = Arc::new(Gateway::new(settings));
        let channels = Channel::open_all(&gateway);
        Self { server: Server::new(gateway, channels, CancellationToken::new()) }
    }

    /// Sends one callback, as OpenIM's servers do since v3.4.2.
    pub async fn play(&self, scene: &Scene) -> Outcome {
        let began = Instant::now();
        let response =
            self.server.respond(scene.request(), IpAddr::from(Ipv4Addr::LOCALHOST)).await;
        Outcome::of(scene, response, began.elapsed()).await
    }
}

impl Outcome {
    async fn of(scene: &Scene, mut response: Response<Full<Bytes>>, took: Duration) -> Self {
        let remarks = response.extensions_mut().remove::<Vec<Remark>>().unwrap_or_default();
        let (status, body) = (response.status(), response.into_body());
        let Ok(body) = body.collect().await;
        let mut outcome = Self {
            decision: match Said::read(&body.to_bytes()) {
                Ok(Said::Deny { message, .. }) if !status.is_success() => Decision::Failed(message),
                Ok(Said::Deny { code, message }) => Decision::Deny { code, message },
                Ok(Said::Allow(edits)) => Decision::allow(edits, &scene.body),
                Err(why) => Decision::Failed(format!("the reply is no verdict: {why}")),
            },
            notes: Vec::new(),
            valid: true,
            took,
        };
        for remark in remarks {
            outcome.take_in(remark);
        }
        outcome.valid &= !matches!(outcome.decision, Decision::Failed(_));
        outcome
    }

    fn take_in(&mut self, remark: Remark) {
        match remark {
            Remark::NoDecision(failure) if failure.is_unimplemented() => {
                self.decision = Decision::NotImplemented;
            }
            Remark::NoDecision(failure) => self.decision = Decision::Failed(failure.with_causes()),
            Remark::Unasked => self.notes.push("not asked: the settings have the answer".into()),
            Remark::EditDropped(field) => {
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
