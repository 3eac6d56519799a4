//! Events as text for people. What came from elsewhere is escaped, since it would reach the terminal otherwise.

use std::io::{self, Write};

use humantime_serde::re::humantime::format_duration;

use crate::admin::events::Shown;
use crate::events::Millis;
use crate::events::letters::{Letter, Status};
use crate::play::{escaped, escaped_json};

/// The most characters of a status in a list.
const STATUS: usize = 60;

pub(super) fn status(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let Status { store, bypassed, waiting, dead, ignored, delivered, in_flight, .. } = status;
    let oldest =
        status.oldest.map_or(String::new(), |oldest| format!(", the oldest for {}", age(oldest)));
    let bound = status.max_bytes.map_or(String::new(), |bytes| format!(" of {bytes}"));
    let bypassed = if *bypassed { ", bypassed: events are relayed" } else { "" };
    writeln!(out, "store      {}{bypassed}", escaped(store))?;
    writeln!(out, "waiting    {waiting}, {in_flight} of them in flight{oldest}")?;
    writeln!(out, "dead       {dead}")?;
    writeln!(out, "ignored    {ignored}")?;
    writeln!(out, "delivered  {delivered}")?;
    writeln!(out, "bytes      {}{bound}", status.used_bytes)?;
    status.retired.iter().try_for_each(|path| writeln!(out, "retired    {}", escaped(path)))
}

/// A table that is printed page by page.
#[derive(Default)]
pub(super) struct Table {
    widths: Option<[usize; COLUMNS]>,
}

const COLUMNS: usize = 8;
const HEAD: [&str; COLUMNS] =
    ["id", "state", "callback", "key", "received", "attempts", "next attempt", "status"];

impl Table {
    pub(super) fn print(&mut self, out: &mut impl Write, letters: &[Letter]) -> io::Result<()> {
        let rows: Vec<_> = letters.iter().map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let is_first = self.widths.is_none();
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([HEAD[column].len()]).max().unwrap_or_default()
        };
        let widths = *self.widths.get_or_insert_with(|| std::array::from_fn(width));
        if is_first {
            line(out, &HEAD.map(str::to_owned), &widths)?;
        }
        rows.iter().try_for_each(|row| line(out, row, &widths))
    }
}

fn line(
    out: &mut impl Write,
    cells: &[String; COLUMNS],
    widths: &[usize; COLUMNS],
) -> io::Result<()> {
    let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())
}

fn row(letter: &Letter) -> [String; COLUMNS] {
    let status = letter.status.as_deref().map_or(String::new(), |status| {
        let short: String = status.chars().take(STATUS).collect();
        let more = if short.len() < status.len() { "…" } else { "" };
        format!("{short:?}{more}")
    });
    [
        letter.id.to_string(),
        letter.state.as_str().to_owned(),
        escaped(&letter.callback),
        letter.key.as_deref().map_or("-".to_owned(), escaped),
        letter.received.rfc3339(),
        letter.attempted.to_string(),
        letter.next_attempt.map_or("-".to_owned(), Millis::rfc3339),
        status,
    ]
}

pub(super) fn shown(out: &mut impl Write, shown: &Shown) -> io::Result<()> {
    let letter = &shown.letter;
    let mut field = |name: &str, value: &str| writeln!(out, "{name:12}  {value}");
    field("id", &letter.id.to_string())?;
    field("state", letter.state.as_str())?;
    field("callback", &escaped(&letter.callback))?;
    field("command", &escaped(&letter.command))?;
    field("key", &letter.key.as_deref().map_or("-".to_owned(), escaped))?;
    field("operation id", &escaped(&letter.operation_id))?;
    field("received", &format!("{}, {} ago", letter.received.rfc3339(), age(letter.received)))?;
    let earlier = (letter.attempted as usize).saturating_sub(letter.attempts.len());
    for (number, time) in (earlier + 1..).zip(&letter.attempts) {
        field(&format!("attempt {number}"), &time.rfc3339())?;
    }
    if let Some(next) = letter.next_attempt {
        field("next attempt", &next.rfc3339())?;
    }
    if let Some(status) = &letter.status {
        field("status", &format!("{status:?}"))?;
    }
    field("bytes", &letter.bytes.to_string())?;
    if let Some(body) = &shown.body {
        let body = serde_json::to_string_pretty(body).map_err(io::Error::other)?;
        let lines = body.lines().map(escaped_json).collect::<Vec<_>>();
        field("body", &lines.join("\n"))?;
    }
    Ok(())
}

/// The time since then, in whole seconds.
fn age(time: Millis) -> String {
    let seconds = Millis::now().since(time).as_secs();
    format_duration(std::time::Duration::from_secs(seconds)).to_string()
}
