//! Accepts connections and speaks HTTP/1.1 and HTTP/2 on them until told to stop.
//!
//! An accept error never ends the loop: it is logged, and after a pause the loop goes on. A stop closes the listening
//! socket first, lets requests in flight finish within [`DRAIN_TIMEOUT`], and tells idle connections to go.
//!
//! Which HTTP a client speaks is looked up in its first bytes, so that the connection is of that kind from the beginning; and
//! idle connections are found by looking at all of them once a second ([`Idle`]), since a timer for each request costs each
//! request.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::answering::Spare;
use crate::idle::{Clock, Idle, Watched};
use crate::limits::{
    ACCEPT_PAUSE, DRAIN_TIMEOUT, HEAD_TIMEOUT, MAX_CONNECTIONS, MAX_HEAD_BYTES, MAX_HEADERS, PING_TIMEOUT,
};

/// What a client begins with that speaks HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// When a client that has sent part of the preface is looked at again; then after twice as long, and so on.
const PREFACE_PAUSE: Duration = Duration::from_millis(10);

/// Serves connections of `listener` until `stop` says so, each by what `answers` makes for it; returns when the last
/// connection is closed or the drain time is over. Gives how many connections were cut off.
pub(crate) async fn serve<A, F, B>(
    listener: TcpListener,
    answers: impl Fn(SocketAddr) -> A,
    mut stop: watch::Receiver<bool>,
) -> usize
where
    A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Default + Send + 'static,
{
    let (http1, http2) = (http1_settings(), http2_settings());
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let clock = Arc::new(Clock::new());
    // Connections of HTTP/1, with what ends them.
    let mut watched: Vec<(Arc<Idle>, AbortHandle)> = Vec::new();
    let mut seconds = interval(Duration::from_secs(1));
    // A machine that was stopped for a while has not made its clients idle.
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (stream, peer, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = seconds.tick() => {
                clock.tick();
                watched.retain(|(idle, connection)| {
                    if idle.is_over(HEAD_TIMEOUT) {
                        connection.abort();
                    }
                    !connection.is_finished()
                });
                while connections.try_join_next().is_some() {}
                continue;
            }
            () = stopped(&mut stop) => break,
        };
        let answer = answers(peer);
        let (http1, http2) = (http1.clone(), http2.clone());
        let watcher = graceful.watcher();
        let mut stop = stop.clone();
        let idle = Arc::new(Idle::new(clock.clone()));
        let of_connection = idle.clone();
        let connection = connections.spawn(async move {
            let _place = place;
            let speaks = tokio::select! {
                speaks = speaks(&stream) => speaks,
                () = stopped(&mut stop) => return,
            };
            let ended = match speaks {
                Ok(Some(Http::One)) => {
                    let spare = Arc::new(Spare::default());
                    let service = service_fn(|request| spare.answering(answer(request), of_connection.busy()));
                    let io = Watched::new(TokioIo::new(stream), of_connection.clone());
                    watcher.watch(http1.serve_connection(io, service)).await
                }
                Ok(Some(Http::Two)) => {
                    // This one looks after itself, by pings.
                    let _busy = of_connection.busy();
                    let service = service_fn(|request| {
                        let response = answer(request);
                        async move { Ok::<_, Infallible>(response.await) }
                    });
                    watcher.watch(http2.serve_connection(TokioIo::new(stream), service)).await
                }
                Ok(None) | Err(_) => return,
            };
            // The client's affair: it went away, or did not speak HTTP.
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "connection ended");
            }
        });
        watched.push((idle, connection));
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_ok() {
        return 0;
    }
    while connections.try_join_next().is_some() {}
    let cut = connections.len();
    connections.shutdown().await;
    cut
}

/// Ready when a stop was asked for, or whoever could ask for it is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender was dropped.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What a client speaks.
enum Http {
    One,
    Two,
}

/// Waits until the client has sent enough to tell HTTP/1 from HTTP/2, without taking it from the connection. None if it
/// closed without a word.
async fn speaks(stream: &TcpStream) -> io::Result<Option<Http>> {
    let mut first = [0; PREFACE.len()];
    let mut pause = PREFACE_PAUSE;
    loop {
        let seen = stream.peek(&mut first).await?;
        let undecided = first.get(..seen).is_some_and(|first| PREFACE.starts_with(first));
        match seen {
            0 => return Ok(None),
            _ if !undecided => return Ok(Some(Http::One)),
            seen if seen == PREFACE.len() => return Ok(Some(Http::Two)),
            _ => sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

fn http1_settings() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        // Its time is looked after here.
        .header_read_timeout(None)
        // A client that has sent its request and closed its half still wants the answer.
        .half_close(true);
    http
}

fn http2_settings() -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .keep_alive_interval(HEAD_TIMEOUT)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX));
    http
}

/// The next connection, with its place among those that may be open. Errors of one connection (it was reset before it was
/// accepted) are passed over; errors of the machine (no file descriptors, no memory) are waited out.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<tokio::sync::OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there is always a place in the end.
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and whole: waiting to fill a segment would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, %error, "TCP_NODELAY could not be set");
                }
                return (stream, peer, place);
            }
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections at the moment");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What a client gets that sends this, and then nothing.
    async fn answer(sent: &[u8]) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let serving = serve(listener, |_| |_| async { Response::new(Full::from("here")) }, stopped);
        let asking = async {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(sent).await.unwrap();
            let mut answer = Vec::new();
            if let Err(error) = client.read_to_end(&mut answer).await {
                // What was sent and not read makes the system reset the connection instead of ending it.
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            }
            answer
        };
        tokio::select! {
            answer = asking => answer,
            _ = serving => panic!("the server ended"),
        }
    }

    /// With the clock paused, an hour of silence is over at once.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_not_ask_is_closed() {
        assert!(answer(b"").await.is_empty());
        assert!(answer(b"PRI * HT").await.is_empty());
        assert!(answer(b"GET / HT").await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_asks_is_answered_and_closed_when_it_asks_no_more() {
        let answer = answer(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
        assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"here"), "{answer:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_take_its_answer_is_closed() {
        const MORE_THAN_SOCKETS_HOLD: usize = 64 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let long = |_| |_| async { Response::new(Full::from(vec![b'x'; MORE_THAN_SOCKETS_HOLD])) };
        let asking = async {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
            sleep(HEAD_TIMEOUT * 2).await;
            let mut taken = Vec::new();
            let _ = client.read_to_end(&mut taken).await;
            taken.len()
        };
        tokio::select! {
            taken = asking => assert!(taken < MORE_THAN_SOCKETS_HOLD, "{taken}"),
            _ = serve(listener, long, stopped) => panic!("the server ended"),
        }
    }

    #[tokio::test]
    async fn a_stop_lets_a_request_in_flight_finish_and_takes_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let slow = |_| {
            |_| async {
                sleep(Duration::from_millis(200)).await;
                Response::new(Full::from("done"))
            }
        };
        let serving = tokio::spawn(serve(listener, slow, stopped));
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        sleep(Duration::from_millis(50)).await;
        stop.send(true).unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!(answer.ends_with(b"done"), "{answer:?}");
        assert_eq!(silent.read_to_end(&mut Vec::new()).await.unwrap(), 0);
        assert_eq!(serving.await.unwrap(), 0);
        assert!(TcpStream::connect(address).await.is_err());
    }
}
