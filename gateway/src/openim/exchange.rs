//! From a callback's JSON to the message that is sent for it, and from the message that answers to OpenIM's reply. Only
//! here the types of messages matter; on either side are bytes.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::edits::{Dropped, Response, WrongAnswer};
use super::json::{self, Object, SingletonLists};
use super::rejection::Rejection;
use super::reply::{self, Style};
use super::v1::Denial;

/// A message's flag and length, before the message itself.
pub(crate) const PREFIX: usize = 5;

/// Both ways of one callback. The two functions are all that is generic over its messages.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The rpc, as HTTP/2 names it.
    pub(crate) path: &'static str,
    /// Reads a body. The operation id is the header's, or empty; `entries` is the most that all lists of messages in the
    /// body may have together.
    pub(crate) open: for<'b> fn(
        body: &'b str,
        operation_id: &str,
        entries: usize,
    ) -> Result<Opened<'b>, Rejection>,
    /// Reads an answer. An empty one is the encoding of an answer without edits: an allow that is always valid.
    pub(crate) close: fn(Style, &Request, Bytes) -> Result<Answer, WrongAnswer>,
}

/// A body that has been read.
#[derive(Debug)]
pub struct Opened<'b> {
    pub(crate) request: Request,
    /// The command that the body names.
    pub(crate) command: Option<Cow<'b, str>>,
    /// The body's id of the operation, where the header has none.
    pub(crate) operation_id: Option<String>,
    /// The key of the event's order, without the decider; none if it is unordered.
    pub key: Option<String>,
}

/// A request of an rpc.
#[derive(Debug)]
pub struct Request {
    /// The message with its prefix, as gRPC sends it.
    pub(crate) frame: Bytes,
    /// The lists that came as one object.
    pub(crate) singletons: SingletonLists,
}

/// An answer that can be passed on.
#[derive(Debug)]
pub enum Answer {
    /// The decider denies.
    Denied(Denial),
    /// The decider allows.
    Allowed {
        /// The envelope with the edits and the echoed fields.
        body: Bytes,
        /// True if the answer has edits.
        edited: bool,
        /// The edits that were left out, because OpenIM would crash on them.
        dropped: Dropped,
    },
}

impl Exchange {
    /// The exchange of a request `Q` for a response `A`.
    pub(crate) const fn of<Q, A>(path: &'static str) -> Self
    where
        Q: Object + Message,
        A: Response<Q> + Message,
    {
        Self { path, open: open::<Q>, close: close::<Q, A> }
    }
}

fn open<'b, Q: Object + Message>(
    body: &'b str,
    operation_id: &str,
    entries: usize,
) -> Result<Opened<'b>, Rejection> {
    let mut body = json::read::<Q>(body, entries)?;
    let mut shared = Cow::Borrowed(operation_id);
    body.message.share_operation_id(&mut shared);
    let operation_id = match shared {
        Cow::Owned(from_body) => Some(from_body),
        Cow::Borrowed(_) => None,
    };
    let key = body.message.order_key();
    let request = Request { frame: frame(&body.message), singletons: body.singletons };
    Ok(Opened { request, command: body.command, operation_id, key })
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

pub(crate) fn close<Q, A>(
    style: Style,
    request: &Request,
    answer: Bytes,
) -> Result<Answer, WrongAnswer>
where
    Q: Message + Default,
    A: Response<Q> + Message,
{
    let mut answer = A::decode(answer)?;
    if let Some(denial) = answer.denial() {
        return Ok(Answer::Denied(denial));
    }
    let message = match A::READS_REQUEST {
        true => Q::decode(&request.frame[PREFIX..]).expect("it was encoded here"),
        false => Q::default(),
    };
    let edited = answer != A::default();
    let dropped = answer.prepare(&message)?;
    let body = reply::allow(style, &answer, &message, &request.singletons);
    Ok(Answer::Allowed { body, edited, dropped })
}
