//! Callbacks that the contract does not know: they go to the decider as they came.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use crate::answer::{Answer, Dropped, check_object};
use crate::contract::v1::{DecideRequest, DecideResponse, Denial};
use crate::error::{Problem, Refused, WrongAnswer};
use crate::exchange::{self, Asked, Exchange};
use crate::json::{self, Lone, Member, Object};
use crate::reply;
use crate::webhook::Call;

/// The rpc that takes whatever the contract does not know.
pub(crate) static EXCHANGE: Exchange = Exchange {
    path: "/openim.decider.v1.FallbackService/Decide",
    open,
    close: exchange::close::<DecideRequest, DecideResponse>,
};

fn open(call: &mut Call<'_>, body: &str) -> Result<Asked, Refused> {
    let read = json::read::<Opaque>(body, exchange::ENTRIES_LIMIT)?;
    call.check_body(read.command.as_deref())?;
    let request = DecideRequest { command: call.command.to_string(), body: body.to_owned() };
    Ok(Asked { frame: exchange::frame(&request), lone: read.lone })
}

/// A body of which only the command is read.
#[derive(Default)]
struct Opaque;

impl Object for Opaque {
    fn member(&mut self, _: &str, _: Member<'_, '_>) -> Result<bool, json::Error> {
        Ok(false)
    }
}

impl Answer<DecideRequest> for DecideResponse {
    const READS_REQUEST: bool = false;

    fn denial(&mut self) -> Option<Denial> {
        self.denial.take()
    }

    fn settle(&mut self, _: &DecideRequest) -> Result<Dropped, WrongAnswer> {
        const FIELD: &str = "edits";
        check_object(FIELD, self.edits.as_deref())?;
        if members(self).keys().any(|key| reply::is_verdict_key(key)) {
            return Err(WrongAnswer { field: FIELD, problem: Problem::VerdictKey });
        }
        Ok(Dropped::default())
    }

    fn write<M: SerializeMap>(
        &self,
        _: &DecideRequest,
        _: &Lone,
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
