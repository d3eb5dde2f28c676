//! A body that is sent piece by piece, so that a large file takes no memory and a person sees how far it is.

use std::io::Cursor;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream as _;
use http_body::{Body, Frame, SizeHint};
use indicatif::ProgressBar;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

/// Bytes of a piece.
const PIECE: usize = 64 << 10;

/// Bytes on their way to a host, of a length that is known before.
pub(crate) struct Sending {
    pieces: ReaderStream<Pin<Box<dyn AsyncRead + Send>>>,
    left: u64,
    bar: Option<ProgressBar>,
}

impl Sending {
    /// Bytes that are there.
    pub(crate) fn bytes(bytes: Bytes) -> Self {
        let left = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self::new(Box::pin(Cursor::new(bytes)), left)
    }

    /// What a file has, as it is read.
    pub(crate) async fn file(path: &Path) -> std::io::Result<Self> {
        let file = tokio::fs::File::open(path).await?;
        let left = file.metadata().await?.len();
        Ok(Self::new(Box::pin(file), left))
    }

    fn new(from: Pin<Box<dyn AsyncRead + Send>>, left: u64) -> Self {
        Self { pieces: ReaderStream::with_capacity(from, PIECE), left, bar: None }
    }

    /// How many bytes there are to send.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// Has a bar go on as they are sent.
    pub(crate) fn shown(self, bar: ProgressBar) -> Self {
        Self { bar: Some(bar), ..self }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let piece = std::task::ready!(Pin::new(&mut self.pieces).poll_next(context));
        Poll::Ready(piece.map(|piece| {
            let piece = piece?;
            let sent = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.left = self.left.saturating_sub(sent);
            if let Some(bar) = &self.bar {
                bar.inc(sent);
            }
            Ok(Frame::data(piece))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
