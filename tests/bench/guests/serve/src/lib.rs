//! What `guests/small` does, as a component of `wasi:http`: one thing of the request is read, the body is taken in and
//! sent back with two headers. With a length, so that it is not sent in chunks: that would cost more on both sides.

#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the macro that exports the handler passes raw pointers")]

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

wasip2::http::proxy::export!(Echo);

struct Echo;

impl Guest for Echo {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match (request.method(), taken_in(&request)) {
            (Method::Post, Some(body)) => answer(out, &body),
            _ => ResponseOutparam::set(out, Err(ErrorCode::HttpRequestDenied)),
        }
    }
}

fn taken_in(request: &IncomingRequest) -> Option<Vec<u8>> {
    let incoming = request.consume().ok()?;
    let stream = incoming.stream().ok()?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(more) => body.extend(more),
            Err(StreamError::Closed) => return Some(body),
            Err(StreamError::LastOperationFailed(_)) => return None,
        }
    }
}

fn answer(out: ResponseOutparam, body: &[u8]) {
    let headers = [
        ("content-type", b"application/json".to_vec()),
        ("content-length", body.len().to_string().into_bytes()),
        ("x-bench-one", b"1".to_vec()),
        ("x-bench-two", b"2".to_vec()),
    ];
    let Ok(fields) = Fields::from_list(&headers.map(|(name, value)| (name.to_owned(), value))) else { return };
    let response = OutgoingResponse::new(fields);
    let Ok(outgoing) = response.body() else { return };
    ResponseOutparam::set(out, Ok(response));
    // What fails from here on, the caller sees: the answer breaks off.
    let written = outgoing.write().is_ok_and(|stream| stream.blocking_write_and_flush(body).is_ok());
    if written {
        let _ = OutgoingBody::finish(outgoing, None);
    }
}
