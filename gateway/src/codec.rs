//! The codec of the generated clients: prost's, but an answer that can't be decoded is told from a failure to decide.

use std::marker::PhantomData;
use std::sync::Arc;

use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};

/// Encodes requests `Q` and decodes one response `A`.
#[derive(Debug)]
pub struct Codec<Q, A>(PhantomData<(Q, A)>);

impl<Q, A> Default for Codec<Q, A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Q, A> tonic::codec::Codec for Codec<Q, A>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    type Encode = Q;
    type Decode = A;
    type Encoder = ProstEncoder<Q>;
    type Decoder = Single<A>;

    fn encoder(&mut self) -> ProstEncoder<Q> {
        ProstCodec::<Q, A>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Single<A> {
        Single { decoded: false, message: PhantomData }
    }
}

/// Decodes one message. tonic itself would take the first of several.
#[derive(Debug)]
pub struct Single<A> {
    decoded: bool,
    message: PhantomData<A>,
}

impl<A: Message + Default> Decoder for Single<A> {
    type Item = A;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<A>, Status> {
        if std::mem::replace(&mut self.decoded, true) {
            return Err(Undecodable::Several.into());
        }
        A::decode(buf).map(Some).map_err(|e| Undecodable::Malformed(e).into())
    }
}

/// Why an answer is no message of the contract.
#[derive(Debug, thiserror::Error)]
enum Undecodable {
    #[error("it can't be decoded: {0}")]
    Malformed(prost::DecodeError),
    #[error("it has more than one message")]
    Several,
}

impl From<Undecodable> for Status {
    fn from(error: Undecodable) -> Self {
        let mut status = Self::internal(error.to_string());
        status.set_source(Arc::new(error));
        status
    }
}

/// Whether a status says that an answer came and can't be decoded.
#[must_use]
pub fn is_undecodable(status: &Status) -> bool {
    std::error::Error::source(status).is_some_and(|source| source.is::<Undecodable>())
}
