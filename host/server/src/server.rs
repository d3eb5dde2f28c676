//! The sockets of a host: requests on one address, health on both.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin;
use crate::dispatch;
use crate::host::{Host, HostError};
use crate::listen;

/// A host that is bound to its addresses and answers on them. Dropping it closes the sockets; requests in flight finish.
pub struct Server {
    host: Host,
    requests: Listening,
    admin: Listening,
}

/// One address that is listened on. Dropped, it stops by itself.
struct Listening {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<usize>,
}

impl Server {
    pub(crate) async fn bind(host: Host) -> Result<Self, HostError> {
        let public = host.clone();
        let answers = move |peer: SocketAddr| {
            // Each request holds the host by its connection's own count: one that all of them shared would be fought over.
            let of_connection = Arc::new(Open::new(public.clone()));
            move |request: Request<Incoming>| {
                let host = of_connection.clone();
                async move { dispatch::answer(&host.0.0, request, Some(peer.ip())).await }
            }
        };
        let admin_host = host.clone();
        let admin_answers = move |_: SocketAddr| {
            let host = admin_host.clone();
            move |request: Request<Incoming>| admin::answer(host.0.clone(), request)
        };
        let config = host.config();
        // Both are bound before either is served: a host listens on all of its addresses or on none.
        let requests = bind(&config.listen, "listen").await?;
        let admin = bind(&config.admin_listen, "admin-listen").await?;
        admin::first_token(&host.0).await?;
        let requests =
            Listening::begin(requests, |listener, stop| tokio::spawn(listen::serve(listener, answers, stop)));
        let admin =
            Listening::begin(admin, |listener, stop| tokio::spawn(listen::serve(listener, admin_answers, stop)));
        Ok(Self { host, requests, admin })
    }

    /// Where requests are taken.
    pub fn address(&self) -> SocketAddr {
        self.requests.address
    }

    /// Where the admin API, health and metrics are.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address
    }

    /// Serves until `stop` is ready; then takes no new connections, lets requests in flight and queued executions that run
    /// finish, and returns. Health is told on the admin address (503, `draining`) until the very end. What is queued and
    /// has not begun stays in the store.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        stop.await;
        self.host.begin_to_stop();
        self.requests.end().await;
        self.host.0.queue.drain().await;
        self.host.0.records.flush().await;
        self.admin.end().await;
    }
}

/// The host as an open connection has it, which is counted.
struct Open(Host);

impl Open {
    fn new(host: Host) -> Self {
        host.0.requests.connections(1);
        Self(host)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.requests.connections(-1);
    }
}

impl Listening {
    fn begin(
        (listener, address): (TcpListener, SocketAddr),
        serve: impl FnOnce(TcpListener, watch::Receiver<bool>) -> JoinHandle<usize>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { address, stop, task: serve(listener, stopped) }
    }

    async fn end(self) {
        // The receiver lives in the task; when it is gone there is nothing left to stop.
        let _ = self.stop.send(true);
        match self.task.await {
            Ok(0) => {}
            Ok(cut) => {
                tracing::warn!(connections = cut, "some connections did not finish in time and were cut off");
            }
            Err(error) => tracing::error!(%error, "a listening task ended badly"),
        }
    }
}

async fn bind(address: &str, key: &'static str) -> Result<(TcpListener, SocketAddr), HostError> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let local = listener.local_addr()?;
        Ok((listener, local))
    };
    bound.await.map_err(|source| HostError::Listen { address: address.to_owned(), key, source })
}

/// A host as a `tower` service, to be mounted in a server of your own. It never fails: every error is a response.
///
/// The caller's address, which decides whether forwarded headers are believed, is taken from a
/// [`RemoteAddr`] extension of the request, if there is one. A server that mounts it under a path takes that path off
/// before it comes here: set `public-url` to the outside address with the path, so that links are right.
#[derive(Clone)]
pub struct HostService(Host);

/// Address of the client of a request, set by an embedder's server as an extension.
#[derive(Debug, Clone, Copy)]
pub struct RemoteAddr(pub std::net::IpAddr);

impl Host {
    /// This host as a `tower` service.
    pub fn service(&self) -> HostService {
        HostService(self.clone())
    }
}

impl<B> tower_service::Service<Request<B>> for HostService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let host = self.0.clone();
        let peer = request.extensions().get::<RemoteAddr>().map(|r| r.0);
        Box::pin(async move { Ok(dispatch::answer(&host.0, request, peer).await) })
    }
}
