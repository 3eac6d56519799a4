//! Searches both streams for the records of a selection.

use std::time::Duration;

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{self, LastRawMessageErrorKind, Stream};
use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::super::letters::{ACT, Acted, Change, Letter, Selection, State};
use super::place::{Place, Which, letter};
use super::publish::Publisher;
use super::subject::{DEAD, EVENTS, partition};

/// The sequence numbers that are read backwards at once, between two looks at the clock.
const WINDOW: u64 = 100;
/// A window with fewer messages is followed by one of twice the size.
const SPARSE: usize = 10;

/// A record that was found.
pub(super) type Found = (Place, Letter);

/// A search, with its end in time.
pub(super) struct Scan<'a> {
    publisher: &'a Publisher,
    selection: &'a Selection,
    streams: Vec<Which>,
    until: Instant,
}

impl<'a> Scan<'a> {
    pub(super) fn new(publisher: &'a Publisher, selection: &'a Selection, time: Duration) -> Self {
        let streams: &[_] = match selection.state {
            None => &[Which::Waiting, Which::Settled],
            Some(State::Waiting) => &[Which::Waiting],
            Some(State::Dead | State::Ignored) => &[Which::Settled],
            Some(State::Delivered) => &[],
        };
        let behind = selection.cursor.map(Place::of).map(|place| place.which);
        let streams = streams.iter().copied();
        // The cursor of the second stream is behind all of the first.
        let streams = streams.skip_while(|which| behind.is_some_and(|behind| behind != *which));
        Self { publisher, selection, streams: streams.collect(), until: Instant::now() + time }
    }

    /// Without the other stream.
    pub(super) fn only(mut self, which: Which) -> Self {
        self.streams.retain(|stream| *stream == which);
        self
    }

    /// Up to `limit` records, the newest of each stream first, and the place behind which there may be more.
    pub(super) async fn newest(&self, limit: usize) -> Result<(Vec<Found>, Option<Place>), String> {
        let mut found = Vec::new();
        for &which in &self.streams {
            let state = self.state(which).await?;
            let first = state.first_sequence;
            let mut high = self.behind(which).unwrap_or(state.last_sequence + 1);
            let mut width = WINDOW;
            while high > first {
                if Instant::now() >= self.until {
                    return Ok((found, Some(Place { which, sequence: high })));
                }
                let low = high.saturating_sub(width).max(first);
                let Some((seen, window)) = self.window(which, low, high).await? else {
                    width = WINDOW;
                    continue;
                };
                found.extend(window.into_iter().rev());
                if found.len() > limit {
                    found.truncate(limit);
                    let last = found.last().map(|(place, _)| *place);
                    return Ok((found, last));
                }
                width = if seen < SPARSE { width.saturating_mul(2) } else { WINDOW };
                high = low;
            }
        }
        Ok((found, None))
    }

    /// Changes up to [`ACT`] records, the oldest of each stream first.
    pub(super) async fn change(&self, change: Change) -> Result<Acted, String> {
        let mut records = 0;
        for &which in &self.streams {
            let mut next = self.behind(which).map_or(1, |sequence| sequence + 1);
            // Replayed records may come back while this goes on, or between two acts.
            let last = match self.place(which, self.selection.until) {
                Some(last) => last,
                None => self.state(which).await?.last_sequence,
            };
            while let Some(message) = self.next(which, next).await?
                && message.sequence <= last
            {
                let sequence = message.sequence;
                if self.letter(which, &message).is_some() {
                    if change == Change::Replay {
                        self.publisher.replay(&message).await?;
                    }
                    records += u64::from(self.delete(which, sequence).await?);
                }
                if records >= ACT as u64 || Instant::now() >= self.until {
                    let cursor = |sequence| Some(Place { which, sequence }.cursor());
                    return Ok(Acted { records, next: cursor(sequence), until: cursor(last) });
                }
                next = sequence + 1;
            }
        }
        Ok(Acted { records, next: None, until: None })
    }

    /// The number of messages from `low` to before `high`, and the selected records among them; none if there are too
    /// many for one window.
    async fn window(
        &self,
        which: Which,
        low: u64,
        high: u64,
    ) -> Result<Option<(usize, Vec<Found>)>, String> {
        let (mut seen, mut found, mut next) = (0, Vec::new(), low);
        while let Some(message) = self.next(which, next).await? {
            let place = Place { which, sequence: message.sequence };
            if place.sequence >= high {
                break;
            }
            if seen as u64 >= WINDOW {
                return Ok(None);
            }
            seen += 1;
            next = place.sequence + 1;
            if let Some(letter) = self.letter(which, &message) {
                found.push((place, letter));
            }
        }
        Ok(Some((seen, found)))
    }

    /// The first message that may be selected, from a sequence number on.
    async fn next(&self, which: Which, sequence: u64) -> Result<Option<StreamMessage>, String> {
        let read = self.stream(which).raw_message_builder().sequence(sequence);
        match read.next_by_subject(self.subject(which)).send().await {
            Ok(message) => Ok(Some(message)),
            Err(why) if why.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(why) => Err(format!("NATS can't be read now: {why}")),
        }
    }

    /// The narrowest subject that all selected messages have.
    fn subject(&self, which: Which) -> String {
        let Selection { ids, state, callback, key, .. } = self.selection;
        let is_token =
            |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
        let callback = callback.as_deref().filter(is_token).unwrap_or("*");
        match which {
            Which::Waiting => {
                let partitions = self.publisher.partitions;
                let partition =
                    key.as_ref().map(|key| partition(Some(key), Uuid::nil(), partitions));
                let partition = partition.map_or("*".to_owned(), |partition| partition.to_string());
                format!("{EVENTS}.{partition}.{callback}")
            }
            Which::Settled => {
                let state = state.map_or("*", State::as_str);
                let id = match ids[..] {
                    [id] => id.hyphenated().to_string(),
                    _ => "*".to_owned(),
                };
                format!("{DEAD}.{state}.{callback}.{id}")
            }
        }
    }

    /// The record in a message, if it is selected.
    fn letter(&self, which: Which, message: &StreamMessage) -> Option<Letter> {
        let Selection { ids, state, callback, key, since, .. } = self.selection;
        let letter = letter(which, message)?;
        let is_selected = (ids.is_empty() || ids.contains(&letter.id))
            && state.is_none_or(|state| state == letter.state)
            && callback.as_ref().is_none_or(|callback| *callback == letter.callback)
            && key.as_ref().is_none_or(|key| Some(key) == letter.key.as_ref())
            && since.is_none_or(|since| since <= letter.received);
        is_selected.then_some(letter)
    }

    /// False if it has gone meanwhile: it was delivered, or somebody else deleted it.
    async fn delete(&self, which: Which, sequence: u64) -> Result<bool, String> {
        let Err(why) = self.stream(which).delete_message(sequence).await else { return Ok(true) };
        let next = self.next(which, sequence).await?;
        match next.is_some_and(|message| message.sequence == sequence) {
            true => Err(why.to_string()),
            false => Ok(false),
        }
    }

    fn behind(&self, which: Which) -> Option<u64> {
        self.place(which, self.selection.cursor)
    }

    /// The place of a cursor, if it is in this stream.
    fn place(&self, which: Which, cursor: Option<u64>) -> Option<u64> {
        let place = Place::of(cursor?);
        (place.which == which).then_some(place.sequence)
    }

    /// The content of a record; none if it has gone meanwhile.
    pub(super) async fn content(&self, place: Place) -> Result<Option<Bytes>, String> {
        let message = self.next(place.which, place.sequence).await?;
        let message = message.filter(|message| message.sequence == place.sequence);
        Ok(message.map(|message| message.payload))
    }

    async fn state(&self, which: Which) -> Result<stream::State, String> {
        let info = self.stream(which).get_info().await;
        info.map(|info| info.state).map_err(|why| format!("NATS can't be read now: {why}"))
    }

    fn stream(&self, which: Which) -> &Stream {
        match which {
            Which::Waiting => &self.publisher.streams.waiting,
            Which::Settled => &self.publisher.streams.dead,
        }
    }
}
