//! The sockets of a host: requests on one address, health on both.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::dispatch;
use crate::host::{Host, HostError, State};
use crate::listen;

/// A host that is bound to its addresses and answers on them. Dropping it closes the sockets without draining; use
/// [`Server::run_until`].
pub struct Server {
    host: Host,
    address: SocketAddr,
    admin_address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<usize>>,
}

impl Server {
    pub(crate) async fn bind(host: Host) -> Result<Self, HostError> {
        let (listen, admin) = (&host.config().listen, &host.config().admin_listen);
        let requests = bind(listen, "listen").await?;
        let health = bind(admin, "admin-listen").await?;
        let address = local(&requests, listen, "listen")?;
        let admin_address = local(&health, admin, "admin-listen")?;

        let (stop, stopped) = watch::channel(false);
        let wait = |mut stopped: watch::Receiver<bool>| async move {
            // An error means that the server was dropped: the same as a stop.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let public = host.clone();
        let answer = move |request: Request<Incoming>, peer: SocketAddr| {
            let host = public.clone();
            async move { dispatch::answer(&host.0, request, Some(peer.ip())).await }
        };
        let admin_host = host.clone();
        let answer_admin = move |request: Request<Incoming>, _: SocketAddr| {
            let response = dispatch::answer_admin(&admin_host.0, &request);
            async move { response }
        };
        let tasks = vec![
            tokio::spawn(listen::serve(requests, answer, wait(stopped.clone()))),
            tokio::spawn(listen::serve(health, answer_admin, wait(stopped))),
        ];
        Ok(Self { host, address, admin_address, stop, tasks })
    }

    /// Where requests are taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health is told.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Serves until `stop` is ready; then refuses new requests with 503, lets those in flight finish, and returns. What is
    /// queued and has not begun stays in the store.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        stop.await;
        self.host.set_state(State::Draining);
        // The receivers live in the tasks; when they are gone there is nothing left to stop.
        let _ = self.stop.send(true);
        for task in self.tasks {
            match task.await {
                Ok(0) => {}
                Ok(cut) => {
                    tracing::warn!(connections = cut, "some connections did not finish in time and were cut off");
                }
                Err(error) => tracing::error!(%error, "a listening task ended badly"),
            }
        }
        self.host.0.queue.drain().await;
    }
}

async fn bind(address: &str, key: &'static str) -> Result<TcpListener, HostError> {
    let failed = |source| HostError::Listen { address: address.to_owned(), key, source };
    TcpListener::bind(address).await.map_err(failed)
}

fn local(listener: &TcpListener, address: &str, key: &'static str) -> Result<SocketAddr, HostError> {
    listener.local_addr().map_err(|source| HostError::Listen { address: address.to_owned(), key, source })
}

/// A host as a `tower` service, to be mounted in a server of your own. It never fails: every error is a response.
///
/// The caller's address, which decides whether forwarded headers are believed, is taken from a
/// [`RemoteAddr`] extension of the request, if there is one.
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
