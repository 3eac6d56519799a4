//! OpenIM's part: sends callbacks, and reads the replies as its servers do.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use http_body_util::BodyExt;

use super::decision::{Decision, Outcome};
use super::observed::EventReader;
use super::scene::Scene;
use crate::http::service::Service;
use crate::openim::reply::ParsedReply;

/// OpenIM's part, before a gateway of its own.
#[derive(Debug)]
pub struct Player {
    service: Service,
    events: Arc<EventReader>,
    /// One that allows all without a decider: some of its replies have values too, the echoed fields.
    allowing: Service,
}

impl Player {
    /// A player before a service whose events `events` reads, and one that answers allow without a decider.
    #[must_use]
    pub fn new(service: Service, events: Arc<EventReader>, allowing: Service) -> Self {
        Self { service, events, allowing }
    }

    /// Sends one callback, as OpenIM's servers do since v3.4.2.
    pub async fn play(&self, scene: &Scene) -> Outcome {
        let began = Instant::now();
        let (status, reply) = send(scene, &self.service).await;
        let took = began.elapsed();
        let observed = self.events.take();
        let decision = match reply {
            Ok(ParsedReply::Deny { message, detail, .. }) if !status.is_success() => {
                Decision::Failed(if detail.is_empty() { message } else { detail })
            }
            Ok(ParsedReply::Deny { code, message, detail }) => {
                Decision::Deny { code, message, detail, reason: observed.reason }
            }
            Ok(ParsedReply::Allow(members)) => match send(scene, &self.allowing).await.1 {
                Ok(ParsedReply::Allow(without_edits)) => {
                    Decision::allow(members, &without_edits, &scene.body, scene.callback.callback())
                }
                other => Decision::Failed(format!("an allow without edits became {other:?}")),
            },
            Err(why) => Decision::Failed(format!("the reply is no verdict: {why}")),
        };
        let decision = observed.decision.unwrap_or(decision);
        let valid = observed.valid && !matches!(decision, Decision::Failed(_));
        let (notes, unreachable) = (observed.notes, observed.unreachable);
        Outcome { decision, notes, valid, unreachable, took }
    }
}

async fn send(
    scene: &Scene,
    service: &Service,
) -> (StatusCode, Result<ParsedReply, serde_json::Error>) {
    let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
    let (head, body) = scene.request().into_parts();
    let response = service.respond(&head, body, peer).await;
    let (status, body) = (response.status(), response.into_body());
    let Ok(body) = body.collect().await;
    (status, ParsedReply::read(&body.to_bytes()))
}
