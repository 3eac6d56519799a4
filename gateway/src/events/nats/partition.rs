//! The delivery of one partition: one message after the other, by whichever gateway the servers hand it to.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{AckKind, Message};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::super::deliver::{self, Attempt, Configs, Deliverer};
use super::super::letters::State;
use super::super::record::{Millis, Record};
use super::super::report::Reports;
use super::super::schedule;
use super::bury::Buried;
use super::held::{Held, Shown};
use super::message::{self, Unreadable};
use super::streams::Streams;

/// The messages that are asked for ahead. Only one comes before it is acknowledged, and the servers hand the next one to
/// each gateway in turn.
const ASKED: usize = 4;
const EXPIRES: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The pause before what a server did not take is repeated.
const AGAIN: Duration = Duration::from_secs(1);
/// The pause before a message that this gateway can't read is handed to any gateway again.
const OTHER_GATEWAY: Duration = Duration::from_secs(5);
/// Given back at the stop. The pause outlives this gateway's own requests for messages, which would get it otherwise.
const HANDED_OVER: AckKind = AckKind::Nak(Some(Duration::from_millis(200)));

/// The parts that all partitions share.
pub(super) struct Shared {
    pub(super) streams: Streams,
    pub(super) configs: Configs,
    pub(super) deliverer: Arc<Deliverer>,
    /// The deliveries to each decider that may begin.
    pub(super) rooms: Arc<[Semaphore]>,
    pub(super) reports: Reports,
    pub(super) max_block: Duration,
    /// The age of an ignored event at which it is deleted.
    pub(super) max_age: Duration,
    pub(super) stop: CancellationToken,
}

/// A record in the course of its delivery.
struct Delivery<'a> {
    message: &'a Message,
    held: &'a Held,
    record: &'a Record,
    /// The attempts of gateways that did not end them.
    earlier: u32,
    attempts: Vec<Millis>,
    /// The time for which it has failed. A decider that no call reached does not count.
    blocked: Duration,
}

impl Shared {
    /// Delivers what comes until the stop.
    pub(super) async fn run(&self, partition: u32) {
        while !self.stop.is_cancelled() {
            if let Err(why) = self.deliver_all(partition).await {
                debug!(%why, partition, "no messages from NATS");
                self.pause(AGAIN.mul_f64(0.5 + fastrand::f64())).await;
            }
        }
    }

    async fn deliver_all(&self, partition: u32) -> Result<(), async_nats::Error> {
        let consumer = self.streams.consumer(partition).await?;
        let asked = consumer.stream().max_messages_per_batch(ASKED);
        let mut messages = asked.expires(EXPIRES).heartbeat(HEARTBEAT).messages().await?;
        // No message can have come before.
        let mut since = Instant::now();
        loop {
            let next = timeout(HEARTBEAT, messages.next());
            match self.stop.run_until_cancelled(next).await {
                Some(Ok(Some(message))) => {
                    let (message, held) = (message?, Held::new(since));
                    tokio::select! {
                        () = self.deliver(&message, &held) => {}
                        () = held.keep(async || show_progress(&consumer, &message).await) => {}
                    }
                    if held.is_lost() {
                        warn!(
                            partition,
                            "an event is given up: it was dropped, or NATS was silent for so long that another gateway may have it"
                        );
                        return Ok(()); // what has come already may be another gateway's as well
                    }
                    since = held.since();
                }
                Some(Err(_)) => since = Instant::now(),
                Some(Ok(None)) => return Ok(()),
                None => break,
            }
        }
        // Messages that have come already are for other gateways.
        while let Some(Some(Ok(message))) = messages.next().now_or_never() {
            self.end(&message, &Held::new(since), HANDED_OVER).await;
        }
        Ok(())
    }

    async fn deliver(&self, message: &Message, held: &Held) {
        let headers = message.headers.clone().unwrap_or_default();
        match message::record(&headers, &message.payload) {
            Ok(record) => {
                let earlier = message.info().map_or(0, |info| info.delivered - 1);
                let earlier = u32::try_from(earlier).unwrap_or_default();
                let (attempts, blocked) = (Vec::new(), Duration::ZERO);
                let mut delivery =
                    Delivery { message, held, record: &record, earlier, attempts, blocked };
                self.attempt_all(&mut delivery).await;
            }
            Err(unreadable) => self.end_unreadable(message, held, unreadable).await,
        }
    }

    async fn end_unreadable(&self, message: &Message, held: &Held, unreadable: Unreadable) {
        let status = unreadable.to_string();
        match unreadable {
            Unreadable::Callback(_) if self.may_be_read_by_others(message) => {
                self.end(message, held, AckKind::Nak(Some(OTHER_GATEWAY))).await;
            }
            Unreadable::Callback(name) => {
                let buried =
                    Buried { state: State::Dead, status: &status, attempted: 0, attempts: &[] };
                if self.bury(message, held, &buried).await {
                    self.reports.unknown(&name);
                }
            }
            Unreadable::Header(_) => {
                if self.end(message, held, AckKind::Term).await {
                    self.reports.foreign(&message.subject, &status);
                }
            }
        }
    }

    /// Repeats attempts until the message is settled or the stop.
    async fn attempt_all(&self, delivery: &mut Delivery<'_>) {
        while !delivery.held.is_lost() {
            match self.attempt(delivery).await {
                Attempt::Delivered => return self.delivered(delivery).await,
                Attempt::Ignored => {
                    return self.settle(delivery, State::Ignored, "Unimplemented").await;
                }
                Attempt::Failed(why, pushback) if delivery.blocked < self.max_block => {
                    self.back_off(delivery, &why, pushback).await;
                }
                Attempt::Failed(why, _) | Attempt::Dead(why) => {
                    return self.settle(delivery, State::Dead, &why).await;
                }
                Attempt::NotRun(_) => self.pause(deliver::unreached_pause()).await,
            }
            if self.stop.is_cancelled() {
                self.end(delivery.message, delivery.held, HANDED_OVER).await;
                return;
            }
        }
    }

    async fn attempt(&self, delivery: &mut Delivery<'_>) -> Attempt {
        let (record, number) = (delivery.record, delivery.number() + 1);
        let decider = self.configs.load().of(Some(record.callback)).decider;
        let _room = self.rooms[decider.0].acquire().await;
        let (began, at) = (Instant::now(), Millis::now());
        let attempt = self.deliverer.attempt(record, number).await;
        if !matches!(attempt, Attempt::NotRun(_)) {
            delivery.blocked += began.elapsed();
            delivery.attempts.push(at);
        }
        attempt
    }

    async fn back_off(&self, delivery: &mut Delivery<'_>, why: &str, pushback: Option<Duration>) {
        let number = delivery.number();
        let left = self.max_block - delivery.blocked;
        let pause = pushback.map_or_else(|| schedule::pause(number), schedule::pushback).min(left);
        self.reports.retried(delivery.record, number, why, pause);
        delivery.blocked += pause;
        self.pause(pause).await;
    }

    async fn delivered(&self, delivery: &Delivery<'_>) {
        if self.end(delivery.message, delivery.held, AckKind::Ack).await {
            self.reports.delivered(delivery.record);
        }
    }

    async fn settle(&self, delivery: &Delivery<'_>, state: State, status: &str) {
        let (attempted, attempts) = (delivery.number(), &delivery.attempts[..]);
        let buried = Buried { state, status, attempted, attempts };
        if !self.bury(delivery.message, delivery.held, &buried).await {
            return;
        }
        match state {
            State::Ignored => self.reports.ignored(delivery.record),
            _ => self.reports.dead(delivery.record, delivery.number(), status),
        }
    }

    /// Keeps a copy for whoever replays it, then ends the message: whatever dies between the two, nothing is lost.
    async fn bury(&self, message: &Message, held: &Held, buried: &Buried<'_>) -> bool {
        while !held.is_lost() {
            match buried.keep(&self.streams.context, message, self.max_age).await {
                Ok(()) => return self.end(message, held, AckKind::Term).await,
                Err(why) => warn!(why, "NATS does not take a dead event"),
            }
            self.pause(AGAIN).await;
            if self.stop.is_cancelled() {
                self.end(message, held, HANDED_OVER).await;
                return false;
            }
        }
        false
    }

    /// Ends a message. False if no server confirms it in time: then it may be delivered again.
    async fn end(&self, message: &Message, held: &Held, kind: AckKind) -> bool {
        held.ends();
        while !held.is_lost() {
            match message.double_ack_with(kind).await {
                Ok(()) => return true,
                Err(why) if self.stop.is_cancelled() => {
                    warn!(%why, "an event may be delivered again: NATS confirms no acknowledgement");
                    return false;
                }
                Err(_) => self.pause(AGAIN).await,
            }
        }
        false
    }

    /// True while a gateway with another contract may still take it, by the number of times that it was handed out.
    fn may_be_read_by_others(&self, message: &Message) -> bool {
        let handed_out = message.info().map_or(0, |info| info.delivered);
        let handed_out = u32::try_from(handed_out).unwrap_or_default();
        OTHER_GATEWAY.saturating_mul(handed_out) <= self.max_block
    }

    async fn pause(&self, pause: Duration) {
        self.stop.run_until_cancelled(sleep(pause)).await;
    }
}

/// Keeps the servers from handing a message to another gateway, or finds that it has gone.
async fn show_progress(consumer: &PullConsumer, message: &Message) -> Shown {
    let sequence = message.info().map_or(u64::MAX, |info| info.stream_sequence);
    match consumer.get_info().await {
        Ok(info) if info.ack_floor.stream_sequence >= sequence => return Shown::Gone,
        Ok(_) => {}
        Err(_) => return Shown::Unanswered,
    }
    match message.double_ack_with(AckKind::Progress).await {
        Ok(()) => Shown::Noted,
        Err(_) => Shown::Unanswered,
    }
}

impl Delivery<'_> {
    /// The number of attempts so far.
    fn number(&self) -> u32 {
        self.earlier.saturating_add(u32::try_from(self.attempts.len()).unwrap_or(u32::MAX))
    }
}
