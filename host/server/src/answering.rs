//! The answering of one request, boxed in an allocation that a connection keeps for its next one.
//!
//! The future of a request is a few kilobytes. Whoever takes it in by value copies it, and on the way to the connection
//! several do; a box of its own for each request would cost an allocation of that size instead.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http::Response;
use tokio_util::sync::ReusableBoxFuture;

use crate::idle::Busy;

type Boxed<B> = ReusableBoxFuture<'static, Response<B>>;

/// The box of a connection, while no request is being answered.
pub(crate) struct Spare<B>(Mutex<Option<Boxed<B>>>);

impl<B> Default for Spare<B> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<B: Default + Send + 'static> Spare<B> {
    /// Begins to answer a request on a connection that is busy until that is done.
    pub(crate) fn answering(
        self: &Arc<Self>,
        answer: impl Future<Output = Response<B>> + Send + 'static,
        busy: Busy,
    ) -> Answering<B> {
        let spare = self.lock().take();
        let mut boxed = spare.unwrap_or_else(|| ReusableBoxFuture::new(ready(Response::default())));
        boxed.set(answer);
        Answering { boxed: Some(boxed), spare: self.clone(), _busy: busy }
    }
}

impl<B> Spare<B> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Boxed<B>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered. Dropped before its end, it is given up with its box.
pub(crate) struct Answering<B> {
    boxed: Option<Boxed<B>>,
    spare: Arc<Spare<B>>,
    _busy: Busy,
}

impl<B> Future for Answering<B> {
    type Output = Result<Response<B>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Nobody polls a future that has come to its end.
        let Some(boxed) = &mut self.boxed else { return Poll::Pending };
        let response = ready!(boxed.poll(context));
        let done = self.boxed.take();
        *self.spare.lock() = done;
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;
    use tokio::sync::oneshot;

    use super::*;
    use crate::idle::{Clock, Idle};

    #[tokio::test]
    async fn a_box_serves_one_request_after_the_other() {
        let spare = Arc::new(Spare::<Full<Bytes>>::default());
        let idle = Arc::new(Idle::new(Arc::new(Clock::new())));
        let answer = |status: u16| async move {
            tokio::task::yield_now().await;
            let mut response = Response::default();
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            response
        };
        for status in [200, 404] {
            let Ok(response) = spare.answering(answer(status), idle.busy()).await;
            assert_eq!(response.status(), status);
            assert!(spare.lock().is_some());
        }
    }

    #[tokio::test]
    async fn what_is_given_up_is_dropped_at_once() {
        let spare = Arc::new(Spare::<Full<Bytes>>::default());
        let idle = Arc::new(Idle::new(Arc::new(Clock::new())));
        let (held, gone) = oneshot::channel::<()>();
        let never = async move {
            let _held = held;
            std::future::pending().await
        };
        drop(spare.answering(never, idle.busy()));
        assert!(gone.await.is_err() && spare.lock().is_none());
    }
}
