//! Answers as a store keeps them, to be given again.

use auricle_store::KeptAnswer;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Collected, Full};

use crate::limits::KEPT_ANSWER_BYTES;

/// An answer, to be kept. None: its body has more than [`KEPT_ANSWER_BYTES`].
pub(crate) fn answer(response: &Response<Full<Bytes>>) -> Option<KeptAnswer> {
    if response.body().size_hint().lower() > KEPT_ANSWER_BYTES {
        return None;
    }
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    // It is all there: reading it waits for nothing.
    let body = response.body().clone().collect().now_or_never().and_then(Result::ok);
    Some(KeptAnswer {
        status: response.status().as_u16(),
        headers: response.headers().iter().map(header).collect(),
        body: body.map(Collected::to_bytes).unwrap_or_default(),
    })
}

/// The answer again.
pub(crate) fn response(kept: KeptAnswer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in kept.headers {
        // What was a header once is one.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.into_bytes())) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_again_as_it_was() {
        let mut first = Response::new(Full::new(Bytes::from_static(b"body")));
        *first.status_mut() = StatusCode::CREATED;
        for value in ["a=1", "b=2", "\u{e9}"] {
            first.headers_mut().append("set-cookie", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let kept = answer(&first).unwrap();
        let again = response(kept.clone());
        assert_eq!((again.status(), again.headers()), (first.status(), first.headers()));
        assert_eq!(answer(&again).unwrap(), kept);
        assert_eq!(kept.body, "body");
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let large = |bytes: u64| Response::new(Full::new(Bytes::from(vec![0; usize::try_from(bytes).unwrap()])));
        assert!(answer(&large(KEPT_ANSWER_BYTES)).is_some());
        assert!(answer(&large(KEPT_ANSWER_BYTES + 1)).is_none());
    }
}
