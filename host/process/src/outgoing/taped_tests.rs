//! Tests of answers of `wasi:http` on a tape: what is read of them, how they end, and what guests are told of faults.

use std::io;

use auricle_model::{Tape, Taping};
use http::Response;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpHooks as _};

use super::fault::{Fault, Stage};
use super::taped::Code;
use super::tests::{Server, Then, outgoing, rule, wasi_request};
use super::*;

async fn send(outgoing: &mut Outgoing, url: &str) -> Result<Response<WasiBody>, String> {
    outgoing.deadline = Instant::now() + Duration::from_secs(5);
    let answering = Box::into_pin(outgoing.send_request(wasi_request(url), None, Box::new(async { Ok(()) })));
    answering.await.map(|(response, _)| response).map_err(|error| error.to_string())
}

/// Reads so many pieces of an answer, and tells all that was seen of it.
async fn read(response: Response<WasiBody>, pieces: usize) -> Vec<String> {
    let mut seen = vec![format!("{} {:?}", response.status(), response.headers())];
    let mut body = response.into_body();
    for _ in 0..pieces {
        seen.push(match body.frame().await {
            Some(Ok(frame)) => format!("{:?}", frame.into_data()),
            Some(Err(error)) => error.to_string(),
            None => "end".into(),
        });
    }
    seen
}

fn replay(tape: Tape) -> (Outgoing, Deck) {
    let deck = Deck::new(Taping::Play(Arc::new(tape)));
    (outgoing(&[]).on(deck.clone()), deck)
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_again() {
    let server =
        Server::start(b"HTTP/1.1 203 Fine\r\nX-A: caf\xe9\r\nX-A: 2\r\nContent-Length: 9\r\n\r\nshort", Then::Close);
    let url = server.await.url("127.0.0.1");
    let deck = Deck::new(Taping::Record);
    let mut recording = outgoing(&[rule(&url, true)]).on(deck.clone());
    let recorded = read(send(&mut recording, &url).await.unwrap(), 2).await;
    assert_eq!(recorded[1..], ["Ok(b\"short\")".to_owned(), Error::HttpProtocolError.to_string()]);

    let (mut replay, deck) = replay(*deck.take().unwrap());
    assert_eq!(read(send(&mut replay, &url).await.unwrap(), 2).await, recorded);
    assert_eq!((deck.check(), deck.left()), (Ok(()), None));
}

#[tokio::test]
async fn what_was_not_read_then_is_not_there() {
    let server = Server::start(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
        Then::KeepOpen,
    );
    let url = server.await.url("127.0.0.1");
    let deck = Deck::new(Taping::Record);
    let mut recording = outgoing(&[rule(&url, true)]).on(deck.clone());
    let recorded = read(send(&mut recording, &url).await.unwrap(), 1).await;
    let tape = *deck.take().unwrap();

    let (mut same, deck) = replay(tape.clone());
    assert_eq!(read(send(&mut same, &url).await.unwrap(), 1).await, recorded);
    assert_eq!(deck.check(), Ok(()));

    let (mut further, deck) = replay(tape.clone());
    read(send(&mut further, &url).await.unwrap(), 2).await;
    assert!(deck.diverged().unwrap().to_string().contains("read further"), "{:?}", deck.diverged());

    let (mut elsewhere, deck) = replay(tape);
    send(&mut elsewhere, &format!("{url}/other")).await.err().unwrap();
    assert!(deck.diverged().unwrap().to_string().contains("/other"), "{:?}", deck.diverged());
}

/// What the runtime makes of an error where it holds what the system or the HTTP library said: see `Code`.
#[test]
fn a_fault_has_the_same_code_on_the_tape_as_without_one() {
    let name = Fault::Name { host: "a".into(), error: io::Error::other("no") };
    let faults =
        [Fault::NotAllowed("a".into()), Fault::Private("a".into()), Fault::Invalid("a".into()), name, Fault::TooLarge];
    let stages = [Stage::Waiting, Stage::Connecting, Stage::Head, Stage::Body].map(Fault::Timeout);
    let refused = Fault::Connect { server: "a".into(), error: io::ErrorKind::ConnectionRefused.into() };
    for fault in faults.into_iter().chain(stages).chain([refused]) {
        let code = Code::from(&fault);
        let stored: Code = serde_json::from_value(serde_json::to_value(code).unwrap()).unwrap();
        assert_eq!(Error::from(stored).to_string(), Error::from(fault).to_string());
    }
}
