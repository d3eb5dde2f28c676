//! `wasi:http/outgoing-handler`, by the same machinery. Its error codes carry no words: what to do about a refusal is
//! logged by the host.

use http::Request;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::Outgoing;
use super::exchange::{Payload, Times};
use super::fault::Fault;
use crate::state::State;

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.outgoing.deadline = self.deadline;
        self.outgoing.trace = self.trace();
        WasiHttpCtxView { hooks: &mut self.outgoing, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Whether the request was sent well, told after its answer.
type Transfer = Box<dyn Future<Output = Result<(), Error>> + Send>;
/// An answer to come.
type Answering = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Transfer), Error>> + Send>;

impl WasiHttpHooks for Outgoing {
    fn set_host_header(&mut self) -> bool {
        // The exchange sets it, from the server that was checked.
        false
    }

    fn send_request(&mut self, request: Request<WasiBody>, options: Option<RequestOptions>, _: Transfer) -> Answering {
        let outgoing = self.clone();
        Box::new(async move {
            let options = options.unwrap_or_default();
            let times = Times {
                deadline: outgoing.deadline,
                connect: options.connect_timeout,
                first_byte: options.first_byte_timeout,
                between_bytes: options.between_bytes_timeout,
            };
            let (head, body) = request.into_parts();
            let response = outgoing.exchange(head, Payload::Stream(body), times).await.inspect_err(|fault| {
                if matches!(fault, Fault::NotAllowed(_) | Fault::Private(_)) {
                    tracing::warn!("a wasi:http call was refused: {fault}");
                }
            })?;
            let done: Transfer = Box::new(async { Ok(()) });
            Ok((response.map(|body| body.map_err(Error::from).boxed_unsync()), done))
        })
    }
}
