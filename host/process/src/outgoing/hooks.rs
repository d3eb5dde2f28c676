//! `wasi:http/outgoing-handler`, by the same machinery. Its error codes carry no words: what to do about a refusal is
//! logged by the host.

use http::Request;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::Outgoing;
use super::exchange::{Payload, Times};
use super::fault::Fault;
use super::taped::{asked_head, played, recorded, swallow};
use crate::state::State;
use crate::tape::Asked;

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
        let asked = || asked_head(request.method(), request.uri(), request.headers());
        let note = match self.deck.ask("outgoing-handler.handle", asked) {
            Ok(Asked::Live(note)) => note,
            Ok(Asked::Answered(reply)) => {
                swallow(request);
                let answer = played(reply, &self.deck);
                return Box::new(async { answer.map(|response| (response, sent())) });
            }
            Err(diverged) => {
                let refused = Error::InternalError(Some(diverged.to_string()));
                return Box::new(async { Err(refused) });
            }
        };
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
            let answered = outgoing.exchange(head, Payload::Stream(body), times).await.inspect_err(|fault| {
                if matches!(fault, Fault::NotAllowed(_) | Fault::Private(_)) {
                    tracing::warn!("a wasi:http call was refused: {fault}");
                }
            });
            if note.is_wanted() {
                return recorded(note, answered).map(|response| (response, sent()));
            }
            Ok((answered?.map(|body| body.map_err(Error::from).boxed_unsync()), sent()))
        })
    }
}

/// There is nothing to wait for: the answer's body holds on to what sends the request.
fn sent() -> Transfer {
    Box::new(async { Ok(()) })
}
