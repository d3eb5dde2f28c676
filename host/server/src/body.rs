//! Takes in a request's body whole, within its size and its time.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::limits::{BODY_IDLE_TIMEOUT, BODY_TIMEOUT, SMALL_BODY};

/// Why a body could not be taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// Larger than `max-request-bytes`.
    #[error("the body is larger than {limit} bytes, the limit of this server (`max-request-bytes`)")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// Nothing came for too long.
    #[error("the body did not arrive in time: {received} bytes came, then nothing for {waited:?}")]
    Stalled {
        /// Bytes that did arrive.
        received: usize,
        /// Time allowed between two pieces.
        waited: Duration,
    },
    /// It took too long as a whole.
    #[error("the body did not arrive in time: {received} bytes came in {allowed:?}")]
    Slow {
        /// Bytes that did arrive.
        received: usize,
        /// Time allowed in all.
        allowed: Duration,
    },
    /// The client broke off, or broke the framing.
    #[error("the body broke off after {received} bytes: {why}")]
    Broken {
        /// Bytes that did arrive.
        received: usize,
        /// What the connection said.
        why: String,
    },
}

/// Whether the headers say that a body with something in it follows.
pub(crate) fn is_announced(headers: &HeaderMap) -> bool {
    length(headers).is_some_and(|length| length > 0)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads the whole body. Content-Length is looked at first, so that a body known to be too large is refused before a byte
/// of it is asked for (a client that waits for `100 Continue` never sends it).
pub(crate) async fn collect<B>(headers: &HeaderMap, body: B, limit: u64) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced = length(headers);
    if announced.is_some_and(|n| n > limit) {
        return Err(BodyError::TooLarge { limit });
    }
    let mut now = Instant::now();
    let whole = now + BODY_TIMEOUT;
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut more = Vec::new();
    let mut received = 0;
    loop {
        let next = now + BODY_IDLE_TIMEOUT;
        let late = if next < whole {
            BodyError::Stalled { received, waited: BODY_IDLE_TIMEOUT }
        } else {
            BodyError::Slow { received, allowed: BODY_TIMEOUT }
        };
        let frame = match timeout_at(next.min(whole), body.frame()).await {
            Err(_) => return Err(late),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(BodyError::Broken { received, why: error.to_string() }),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        received += data.len();
        if received as u64 > limit {
            return Err(BodyError::TooLarge { limit });
        }
        // Most bodies come in one frame: it is passed on as it is, uncopied.
        if first.is_empty() {
            first = data;
        } else {
            if received > more.capacity() {
                more.reserve_exact(room(announced, received, limit) - more.len());
            }
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
        now = Instant::now();
    }
    Ok(if more.is_empty() { first } else { more.into() })
}

/// How many bytes to make room for when so many have come: all that are announced, so that the body is moved once. A body of
/// unknown length doubles while it is small. From there on it gets room for the largest there may be, since room that
/// nothing is written to takes no memory, and a copy of a large body would.
fn room(announced: Option<u64>, received: usize, limit: u64) -> usize {
    let expected = match announced {
        Some(length) => length,
        None if received <= SMALL_BODY => limit.min(2 * received as u64),
        None => limit,
    };
    usize::try_from(expected).unwrap_or(received).max(received)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn frames(parts: &'static [&'static str]) -> impl Body<Data = Bytes, Error = Infallible> {
        StreamBody::new(futures_util::stream::iter(
            parts.iter().map(|p| Ok(Frame::data(Bytes::from_static(p.as_bytes())))),
        ))
    }

    #[tokio::test]
    async fn frames_are_put_together() {
        let none = HeaderMap::new();
        assert_eq!(collect(&none, frames(&["ab", "", "c"]), 3).await.unwrap(), "abc");
        assert_eq!(collect(&none, frames(&[]), 0).await.unwrap(), "");
        assert_eq!(collect(&none, Full::new(Bytes::from_static(b"x")), 1).await.unwrap(), "x");
    }

    #[tokio::test]
    async fn a_body_of_known_length_takes_no_more_memory_than_that() {
        let length = 300_000;
        let piece = Bytes::from(vec![b'x'; 1_000]);
        let pieces = (0..length / 1_000).map(move |_| Ok::<_, Infallible>(Frame::data(piece.clone())));
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, length.into())]);
        let body = StreamBody::new(futures_util::stream::iter(pieces));
        let whole = Vec::from(collect(&headers, body, 1 << 20).await.unwrap());
        assert_eq!((whole.len(), whole.capacity()), (length, length));
    }

    #[test]
    fn room_is_made_seldom() {
        let limit = 100 << 20;
        assert_eq!(room(Some(7), 3, limit), 7);
        assert_eq!(room(Some(7), 9, limit), 9, "a length that was wrong");
        assert_eq!(room(None, 100, limit), 200);
        assert_eq!(room(None, 100, 150), 150);
        assert_eq!(room(None, SMALL_BODY + 1, limit), 100 << 20);
    }

    #[tokio::test]
    async fn the_limit_holds_with_and_without_a_length() {
        let none = HeaderMap::new();
        assert!(matches!(collect(&none, frames(&["ab", "c"]), 2).await, Err(BodyError::TooLarge { limit: 2 })));
        let long = HeaderMap::from_iter([(CONTENT_LENGTH, "3".parse().unwrap())]);
        assert!(matches!(collect(&long, frames(&["a"]), 2).await, Err(BodyError::TooLarge { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up() {
        let never = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let error = collect(&HeaderMap::new(), never, 9).await.unwrap_err();
        assert!(matches!(error, BodyError::Stalled { received: 0, .. }), "{error}");
    }
}
