//! The limit of lines of one kind: of one place in the code about one callback.

use std::collections::HashMap;
use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::callsite::Identifier;
use tracing::field::{Field, Value, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The callbacks with limits of their own at one place in the code; further ones, such as names that callers invent,
/// share one.
const MOST_CALLBACKS: usize = 64;
/// The characters of a callback or message that are kept.
const MOST_CHARACTERS: usize = 200;

/// Counts the lines of each kind since the last [`Limit::sum_up`], which the writer calls each second, and passes the
/// first `most` of them. Only events that pass the filter come here.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    /// The limit; 0 means none.
    most: u64,
    sites: Arc<Mutex<HashMap<Identifier, Site>>>,
}

/// One place in the code. Their number is fixed by the code, so the table needs no other bound.
#[derive(Debug)]
struct Site {
    metadata: &'static Metadata<'static>,
    /// By callback; an empty name stands for lines without one, and for those that share a limit.
    kinds: HashMap<String, Kind>,
}

#[derive(Debug, Default)]
struct Kind {
    lines: u64,
    /// The message of the first line that did not pass.
    message: String,
}

impl Limit {
    pub(super) fn new(most: u64) -> Self {
        Self { most, sites: Arc::default() }
    }

    /// Logs, for each kind over the limit, the number of lines that did not pass, and restarts the count.
    pub(super) fn sum_up(&self, unlimited: &impl Subscriber) {
        let sites = mem::take(&mut *self.lock());
        for site in sites.into_values() {
            for (callback, kind) in site.kinds {
                if kind.lines > self.most {
                    let lines = kind.lines - self.most;
                    again(unlimited, site.metadata, &callback, &kind.message, lines);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identifier, Site>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Limit {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if self.most == 0 {
            return true;
        }
        // Fields are formatted by code of the caller, which may panic or log: not while the table is locked.
        let callback = text(event, "callback");
        let metadata = event.metadata();
        let site = || Site { metadata, kinds: HashMap::new() };
        let mut sites = self.lock();
        let kinds = &mut sites.entry(metadata.callsite()).or_insert_with(site).kinds;
        let shares = kinds.len() >= MOST_CALLBACKS && !kinds.contains_key(&callback);
        let callback = if shares { String::new() } else { callback };
        let kind = kinds.entry(callback.clone()).or_default();
        kind.lines += 1;
        let lines = kind.lines;
        drop(sites);
        if lines == self.most + 1 {
            let message = text(event, "message");
            let mut sites = self.lock();
            let site = sites.get_mut(&metadata.callsite());
            if let Some(kind) = site.and_then(|site| site.kinds.get_mut(&callback)) {
                kind.message = message;
            }
        }
        lines <= self.most
    }
}

/// Logs an event of the same place in the code, so that level, target and callback are those of the lines it counts.
fn again(
    unlimited: &impl Subscriber,
    metadata: &'static Metadata<'static>,
    callback: &str,
    message: &str,
    lines: u64,
) {
    let fields = metadata.fields();
    let Some(text) = fields.field("message") else { return };
    let summary = format_args!("… {lines} more lines like this: {message}");
    let name = fields.field("callback").filter(|_| !callback.is_empty());
    let value = name.as_ref().map(|_| &callback as &dyn Value);
    let values = [(&text, Some(&summary as &dyn Value)), (name.as_ref().unwrap_or(&text), value)];
    // Hidden from the docs, but the macros of every 0.1 use it, and there is no other way to make an event of given
    // metadata.
    unlimited.event(&Event::new(metadata, &fields.value_set(&values)));
}

/// The text of a field, shortened; empty if the event has none.
fn text(event: &Event<'_>, name: &'static str) -> String {
    let mut text = Text { name, text: String::new() };
    event.record(&mut text);
    text.text
}

struct Text {
    name: &'static str,
    text: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == self.name {
            self.text = value.chars().take(MOST_CHARACTERS).collect();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == self.name {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}
