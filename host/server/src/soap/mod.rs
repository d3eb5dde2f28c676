//! Requests at a SOAP endpoint: the same way as any other request's, but that the body says which operation is meant, and that
//! errors are faults.

mod describe;

use std::net::IpAddr;
use std::sync::Arc;

use auricle_api::properties;
use auricle_api::route::{AtSoap, Endpoint, Found, Miss};
use auricle_api::soap::inbound::{self, Taken};
use auricle_api::soap::message::{Addressing, Message};
use auricle_api::soap::{Call, SoapOperation, Version};
use auricle_model::{Execution, ExecutionId, Mode, Taping};
use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use crate::body;
use crate::deploy::Active;
use crate::dispatch;
use crate::host::Inner;
use crate::limits::HEAVY_BYTES;
use crate::observe::Observed;
use crate::reply::{self, Answer, unhindered_by};
use crate::respond::Refusal;
use crate::wishes::Wishes;

/// A request at a SOAP endpoint.
pub(crate) struct Asked<'a> {
    pub(crate) host: &'a Arc<Inner>,
    pub(crate) active: &'a Arc<Active>,
    pub(crate) head: &'a Parts,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) at: AtSoap,
}

/// Answers it. What goes wrong is told as a fault of the endpoint's version.
pub(crate) async fn answer<B>(asked: Asked<'_>, body: B, observed: &mut Observed<'_>) -> Answer
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let version = asked.at.site.version;
    let mut addressing = None;
    if asked.head.method != Method::POST {
        return described(&asked);
    }
    let answered = answered(asked, body, observed, &mut addressing).await;
    answered.map_err(|why| Box::new(Refusal::Fault { why, version, addressing }))
}

/// A refusal as it is told to who sent this request: what is refused before its body was looked at is a fault too, where SOAP
/// is spoken and an envelope was sent.
pub(crate) fn told(host: &Inner, head: &Parts, refusal: Refusal) -> Refusal {
    if head.method != Method::POST || matches!(refusal, Refusal::Fault { .. }) {
        return refusal;
    }
    let roots = &host.config.roots;
    let under = |root: &str| {
        let rest = head.uri.path().strip_prefix(root).filter(|_| !root.is_empty());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let version = match () {
        () if under(&roots.soap) => Version::V11,
        () if under(&roots.soap12) => Version::V12,
        () => return refusal,
    };
    in_version(Some(version), refusal)
}

/// A refusal as a fault of a version; as it is where SOAP is not spoken.
pub(crate) fn in_version(version: Option<Version>, refusal: Refusal) -> Refusal {
    match version {
        Some(version) => Refusal::Fault { why: Box::new(refusal), version, addressing: None },
        None => refusal,
    }
}

/// Answers what is no message.
fn described(asked: &Asked<'_>) -> Answer {
    match asked.head.method {
        Method::GET | Method::HEAD => describe::answer(asked.host, asked.head, asked.peer, &asked.at.site),
        _ => Err(Box::new(Refusal::Miss(Miss::at_soap(&asked.head.method)))),
    }
}

async fn answered<B>(
    asked: Asked<'_>,
    body: B,
    observed: &mut Observed<'_>,
    addressing: &mut Option<Box<Addressing>>,
) -> Answer
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let Asked { host, active, head, peer, at } = asked;
    let site = &at.site;
    let wishes = Wishes::of(&head.method, &head.headers).map_err(Refusal::Wish)?;
    // The answer goes back on this connection: what is fetched later would be no message any more.
    let wishes = wishes.and_then(Wishes::without_patience);
    let debug = properties::is_debug(head.uri.query(), &head.headers);
    let body = body::collect(&head.headers, body, host.config.max_request_bytes).await.map_err(Refusal::Body)?;
    observed.took(&body);
    let message = read(site.version, head, body.clone()).inspect_err(|refusal| {
        if let Refusal::Soap(refused) = &**refusal {
            *addressing = refused.addressing.clone().map(Box::new);
        }
    })?;
    *addressing = message.headers.addressing.clone().map(Box::new);
    let found = match inbound::call(&site.service, &message).map_err(Refusal::Soap)? {
        Call::Operation(number) => at.operation(number),
        Call::MoreResults(number) => {
            let operation = site.service.operations.get(number).ok_or(Refusal::Panicked)?;
            let token = inbound::more_token(&site.service, operation, &message).map_err(Refusal::Soap)?;
            return reply::further_soap_page(host, site, operation, &token, addressing.as_deref()).await;
        }
    };
    let found = found.ok_or(Refusal::Panicked)?;
    observed.found(active, &head.method, &found.endpoint);
    let execution = of_message(head, &found, &message, debug, None)?;
    drop(message);
    let way = dispatch::Way { host, active, head, peer, wishes, addressing: addressing.clone() };
    dispatch::run(way, found, execution, body, observed).await
}

/// Everything that a process can see of a request, made from its bytes.
pub(crate) fn execution(
    head: &Parts,
    found: &Found,
    body: Bytes,
    debug: bool,
    id: Option<ExecutionId>,
) -> Result<Execution, Box<Refusal>> {
    let Some((version, _)) = &found.endpoint.soap else { return Err(Box::new(Refusal::Panicked)) };
    of_message(head, found, &read(*version, head, body)?, debug, id)
}

fn read(version: Version, head: &Parts, body: Bytes) -> Result<Message, Box<Refusal>> {
    let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("unreadable"));
    let message = unhindered_by(body.len() > HEAVY_BYTES, || Message::read(version, content_type, body));
    message.map_err(|refused| Box::new(Refusal::Soap(refused)))
}

fn of_message(
    head: &Parts,
    found: &Found,
    message: &Message,
    debug: bool,
    id: Option<ExecutionId>,
) -> Result<Execution, Box<Refusal>> {
    let Endpoint { process, operation, protocol, soap, .. } = &*found.endpoint;
    let Some((_, called)) = soap else { return Err(Box::new(Refusal::Panicked)) };
    let headers = found.endpoint.document_properties(&head.headers).map_err(Refusal::Header)?;
    let mut execution = Execution::new(process.clone(), operation.clone(), *protocol);
    execution.id = id.unwrap_or(execution.id);
    let Taken { documents, properties } = taken(called, message, &headers, &execution.id.to_string())?;
    execution.documents = documents;
    let of_request = properties::process_properties(found, &head.method, head.uri.query(), None);
    execution.properties = of_request.map_err(Refusal::Query)?;
    for (name, value) in properties {
        execution.properties.set(name, value);
    }
    if debug {
        execution.mode = Some(Mode::General);
        execution.taping = Taping::Record;
    }
    Ok(execution)
}

fn taken(
    operation: &SoapOperation,
    message: &Message,
    headers: &auricle_model::Properties,
    id: &str,
) -> Result<Taken, Box<Refusal>> {
    let heavy = message.envelope.len() > HEAVY_BYTES;
    let taken = unhindered_by(heavy, || inbound::taken(operation, message, headers, id));
    taken.map_err(|refused| Box::new(Refusal::Soap(refused)))
}
