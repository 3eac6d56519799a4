//! The body of a request, in one piece and within its limits.

use bytes::Bytes;
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use transport::BodyBuffer;

use crate::bound::Bound;
use crate::bridge::Body;
use crate::openim::rejection::Rejection;

/// The bytes of a body over the limit that are still read.
const DISCARD_LIMIT: usize = 16 << 20;

/// The most that is allocated in advance, whatever the declared length.
const EXPECTED_LIMIT: usize = 64 << 10;

/// Reads a body of at most `limit` bytes, with its room among those of the process. It is copied only if it comes in
/// several pieces. One that is too large, or for which there is no room, is read and discarded.
pub(super) async fn read<'r, B>(
    mut body: B,
    limit: usize,
    bodies: &'r Bound,
) -> Result<Body<'r>, Rejection>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let expected = expected.min(limit).min(EXPECTED_LIMIT);
    let (mut kept, mut size, mut rejection) = (BodyBuffer::expecting(expected), 0, None);
    let mut room = bodies.permit();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Rejection::Broken)?.into_data() else {
            continue;
        };
        size += data.len();
        if rejection.is_none() {
            rejection = match size > limit {
                true => Some(Rejection::TooLarge { limit }),
                false => (!room.grow(data.len())).then_some(Rejection::Crowded),
            };
        }
        match rejection {
            Some(_) => {
                kept = BodyBuffer::default();
                room.clear();
            }
            None => kept.push(data),
        }
        if size > DISCARD_LIMIT {
            break;
        }
    }
    match rejection {
        Some(rejection) => Err(rejection),
        None => Ok(Body { bytes: kept.finish(), room }),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        let bodies = Bound::new(1000);
        let read = async |body| read(body, 10, &bodies).await.map(|body| body.bytes.len());
        let chunks = |sizes: &[usize]| {
            let frame = |n: &usize| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; *n])));
            let frames: Vec<_> = sizes.iter().map(frame).collect();
            StreamBody::new(futures_util::stream::iter(frames))
        };
        assert_eq!(read(chunks(&[3, 4, 3])).await.ok(), Some(10));
        assert!(matches!(read(chunks(&[3, 4, 4])).await, Err(Rejection::TooLarge { limit: 10 })));
        assert_eq!(read(chunks(&[])).await.ok(), Some(0));
    }
}
