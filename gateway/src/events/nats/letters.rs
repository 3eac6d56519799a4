//! Lists and changes records for operators. Messages are read one by one from the leader of their stream, so a search
//! among very many takes long and has a limit.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::sync::SemaphorePermit;
use uuid::Uuid;

use super::super::letters::{Acted, Change, Letter, Page, Selection, State, Status};
use super::super::record::Millis;
use super::Nats;
use super::place::{Place, Which};
use super::publish::Publisher;
use super::scan::Scan;

/// The time after which a search or an act ends with what it has, and a cursor for the rest.
const TIME: Duration = Duration::from_secs(5);

impl Nats {
    pub(crate) async fn status(&self) -> Result<Status, String> {
        let publisher = self.publisher()?;
        let streams = &publisher.streams;
        let failed = |why: &dyn std::fmt::Display| format!("NATS can't be read now: {why}");
        let info = streams.waiting.get_info().await.map_err(|why| failed(&why))?;
        let dead = streams.dead.get_info().await.map_err(|why| failed(&why))?;
        let consumers: Vec<_> =
            streams.waiting.consumers().try_collect().await.map_err(|why| failed(&why))?;
        let oldest = SystemTime::from(info.state.first_timestamp);
        let ignored = streams.count(State::Ignored).await.map_err(|why| failed(&why))?;
        Ok(Status {
            store: "nats".to_owned(),
            bypassed: false,
            waiting: info.state.messages,
            dead: dead.state.messages.saturating_sub(ignored),
            ignored,
            delivered: 0,
            in_flight: consumers.iter().map(|consumer| consumer.num_ack_pending as u64).sum(),
            oldest: (info.state.messages > 0).then(|| Millis::from(oldest)),
            used_bytes: info.state.bytes + dead.state.bytes,
            max_bytes: u64::try_from(info.config.max_bytes).ok(),
            retired: Vec::new(),
        })
    }

    /// The newest that wait first, then the newest of the others.
    pub(crate) async fn list(&self, selection: Selection, limit: usize) -> Result<Page, String> {
        let publisher = self.publisher()?;
        let _turn = self.turn().await?;
        let scan = Scan::new(&publisher, &selection, TIME);
        let (found, next) = scan.newest(limit).await?;
        let records = found.into_iter().map(|(_, letter)| letter).collect();
        Ok(Page { records, next: next.map(Place::cursor) })
    }

    pub(crate) async fn show(&self, id: Uuid) -> Result<Option<(Letter, Bytes)>, String> {
        let publisher = self.publisher()?;
        let selection = Selection { ids: vec![id], ..Selection::default() };
        let _turn = self.turn().await?;
        // Those that do not wait are found by their subject, which has the id.
        for which in [Which::Settled, Which::Waiting] {
            let scan = Scan::new(&publisher, &selection, TIME).only(which);
            let (mut found, rest) = scan.newest(1).await?;
            if let Some((place, letter)) = found.pop() {
                return Ok(scan.content(place).await?.map(|content| (letter, content)));
            }
            if rest.is_some() {
                return Err("too many events to look at each: list them".to_owned());
            }
        }
        Ok(None)
    }

    /// Publishes the selected records anew, behind all that wait.
    pub(crate) async fn replay(&self, selection: Selection) -> Result<Acted, String> {
        let publisher = self.publisher()?;
        let _turn = self.turn().await?;
        let scan = Scan::new(&publisher, &selection, TIME).only(Which::Settled);
        scan.change(Change::Replay).await
    }

    pub(crate) async fn discard(&self, selection: Selection) -> Result<Acted, String> {
        let publisher = self.publisher()?;
        let _turn = self.turn().await?;
        Scan::new(&publisher, &selection, TIME).change(Change::Discard).await
    }

    /// The turn of an operator: one search at a time.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, String> {
        self.reading.acquire().await.map_err(|why| why.to_string())
    }

    fn publisher(&self) -> Result<Arc<Publisher>, String> {
        self.current.load().as_ref().clone()
    }
}
