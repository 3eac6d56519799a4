//! Between JSON and gRPC: the message that is sent for a callback, and what the message that answers it says. Here alone
//! the types of messages matter; on either side are bytes.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::answer::Answer;
use crate::contract::v1::Denial;
use crate::error::{Failure, Refused};
use crate::json::{self, Lone, Object};
use crate::reply;
use crate::webhook::{Call, Style};

/// A message's flag and length, before the message itself.
pub(crate) const PREFIX: usize = 5;

/// The entries that all lists of messages in a body may have together.
pub(crate) const ENTRIES_LIMIT: usize = 10_000;

/// How a callback becomes a call of its rpc, and how the answer is read.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The rpc, as HTTP/2 names it.
    pub(crate) path: &'static str,
    pub(crate) open: fn(&mut Call<'_>, &str) -> Result<Asked, Refused>,
    pub(crate) close: fn(Style, &Asked, Bytes) -> Result<Answered, Failure>,
}

/// What the decider is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The request, with its prefix.
    pub(crate) frame: Bytes,
    /// The lists that came as one object.
    pub(crate) lone: Lone,
}

/// What the decider answered.
#[derive(Debug)]
pub(crate) enum Answered {
    Denied(Denial),
    Allowed {
        /// The verdict in JSON.
        body: Bytes,
        /// Whether anything is changed.
        edited: bool,
        /// The edits that were left out, because OpenIM would crash on them.
        dropped: Vec<&'static str>,
    },
}

impl Exchange {
    /// The exchange of a request `Q` for a response `A`.
    pub(crate) const fn of<Q, A>(path: &'static str) -> Self
    where
        Q: Object + Message,
        A: Answer<Q> + Message,
    {
        Self { path, open: open::<Q>, close: close::<Q, A> }
    }
}

fn open<Q: Object + Message>(call: &mut Call<'_>, body: &str) -> Result<Asked, Refused> {
    let mut body = json::read::<Q>(body, ENTRIES_LIMIT)?;
    call.check_body(body.command.as_deref())?;
    body.message.share_operation_id(&mut call.operation_id);
    Ok(Asked { frame: frame(&body.message), lone: body.lone })
}

/// A message as gRPC sends it.
pub(crate) fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("bodies are smaller"));
    message.encode_raw(&mut frame);
    frame.freeze()
}

/// Reads an answer. An empty one is what an answer without edits is encoded as: it is never wrong.
pub(crate) fn close<Q, A>(style: Style, asked: &Asked, answer: Bytes) -> Result<Answered, Failure>
where
    Q: Message + Default,
    A: Answer<Q> + Message,
{
    let undecodable = |e| Failure::Undecodable(format!("it can't be decoded: {e}"));
    let mut answer = A::decode(answer).map_err(undecodable)?;
    if let Some(denial) = answer.denial() {
        return Ok(Answered::Denied(denial));
    }
    let request = match A::READS_REQUEST {
        true => Q::decode(&asked.frame[PREFIX..]).expect("it was encoded here"),
        false => Q::default(),
    };
    let edited = answer != A::default();
    let dropped = answer.settle(&request)?;
    let body = reply::allow(style, &answer, &request, &asked.lone);
    Ok(Answered::Allowed { body, edited, dropped })
}
