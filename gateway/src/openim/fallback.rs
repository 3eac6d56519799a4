//! Commands that are not in the contract: their bodies go to the decider unchanged.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use super::edits::{Dropped, Problem, Response, WrongAnswer, check_object};
use super::exchange::{self, Exchange, Opened, Request};
use super::json::{self, Member, Object, SingletonLists};
use super::rejection::Rejection;
use super::reply;
use super::v1::{DecideRequest, DecideResponse, Denial};

/// The rpc for commands that are not in the contract.
pub(crate) const RPC: &str = "Decide";

pub(crate) static EXCHANGE: Exchange = Exchange {
    path: "/openim.decider.v1.FallbackService/Decide",
    open,
    close: exchange::close::<DecideRequest, DecideResponse>,
};

/// The command is the body's, which must be the URL's.
fn open<'b>(body: &'b str, _: &str, entries: usize) -> Result<Opened<'b>, Rejection> {
    let read = json::read::<Opaque>(body, entries)?;
    let command = read.command.as_deref().unwrap_or_default().to_owned();
    let frame = exchange::frame(&DecideRequest { command, body: body.to_owned() });
    let request = Request { frame, singletons: read.singletons };
    Ok(Opened { request, command: read.command, operation_id: None, key: None })
}

/// A body of which only the command is read.
#[derive(Default)]
struct Opaque;

impl Object for Opaque {
    fn member(&mut self, _: &str, _: Member<'_, '_>) -> Result<bool, json::Error> {
        Ok(false)
    }
}

impl Response<DecideRequest> for DecideResponse {
    const READS_REQUEST: bool = false;

    fn denial(&mut self) -> Option<Denial> {
        self.denial.take()
    }

    fn prepare(&mut self, _: &DecideRequest) -> Result<Dropped, WrongAnswer> {
        const FIELD: &str = "edits";
        check_object(FIELD, self.edits.as_deref())?;
        if members(self).keys().any(|key| reply::is_verdict_key(key)) {
            return Err(WrongAnswer::Field { field: FIELD, problem: Problem::VerdictKey });
        }
        Ok(Dropped::default())
    }

    fn write<M: SerializeMap>(
        &self,
        _: &DecideRequest,
        _: &SingletonLists,
        map: &mut M,
    ) -> Result<(), M::Error> {
        members(self).iter().try_for_each(|(key, value)| map.serialize_entry(key, value))
    }
}

/// The members of the edits, each value as the decider wrote it.
fn members(answer: &DecideResponse) -> BTreeMap<String, Box<RawValue>> {
    let edits = answer.edits.as_deref().map(serde_json::from_str);
    edits.and_then(Result::ok).unwrap_or_default()
}
