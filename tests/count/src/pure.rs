//! The parts of a request that need no engine: finding the route, and what becomes of a request and an answer.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use auricle_api::outbound::{self, List};
use auricle_api::route::{Found, Router};
use auricle_api::{inbound, properties};
use auricle_model::{Document, DocumentType, Operation, OperationKind, Properties, Protocol};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};

use crate::benches::Run;
use crate::site::{self, BODY};

/// Documents in a list.
const LISTED: usize = 100;

const QUERY: &str = "who=me&limit=50&filter=Name%20eq%20%27Acme%27";

/// The headers that a client usually sends.
pub(crate) fn headers() -> HeaderMap {
    [(HOST, "api.example.com"), (USER_AGENT, "curl/8.14.1"), (ACCEPT, "*/*"), (CONTENT_TYPE, "application/json")]
        .into_iter()
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .collect()
}

/// Finds one route among so many, each to a process of its own.
pub(crate) fn route(routes: usize, folder: &Path) -> Result<Run> {
    let (router, path, headers) = (router(routes, folder)?, path(routes), headers());
    Ok(Box::new(move |times| {
        for _ in 0..times {
            find(&router, &path, &headers)?;
        }
        Ok(())
    }))
}

/// Turns what the route and the query say into process properties.
pub(crate) fn properties(folder: &Path) -> Result<Run> {
    let found = find(&router(10, folder)?, &path(10), &headers())?;
    Ok(Box::new(move |times| {
        for _ in 0..times {
            let made = properties::process_properties(&found, &Method::POST, Some(QUERY), None)?;
            ensure!(made.get("query_filter") == Some("Name eq 'Acme'"), "a property is missing");
        }
        Ok(())
    }))
}

/// Turns a body into documents.
pub(crate) fn inbound(input: DocumentType) -> Result<Run> {
    let operation = operation(input, DocumentType::SingleData);
    let (body, expected) = match input {
        DocumentType::MultipleXml => (xml_list(), LISTED),
        DocumentType::MultipleJson => (format!("[{}]", vec![BODY; LISTED].join(",")), LISTED),
        _ => (BODY.to_owned(), 1),
    };
    let body = Bytes::from(body);
    let mut headers = Properties::new();
    headers.set("inheader_Content-Type", "application/json");
    Ok(Box::new(move |times| {
        for _ in 0..times {
            let documents = inbound::documents(&operation, "item", Protocol::Rest, body.clone(), &headers)?;
            ensure!(documents.len() == expected, "{} documents", documents.len());
        }
        Ok(())
    }))
}

/// Turns documents into status, headers and body.
pub(crate) fn outbound(output: DocumentType) -> Result<Run> {
    let operation = operation(DocumentType::None, output);
    let documents = match output {
        DocumentType::MultipleXml => vec![Document::new("<item><Id>1</Id><Name>Acme</Name></item>"); LISTED],
        DocumentType::MultipleJson => vec![Document::new(BODY); LISTED],
        _ => {
            let mut document = Document::new(BODY);
            document.properties.set("outstatuscode", "201");
            document.properties.set("outheader_Location", "/ws/rest/count/item/1");
            vec![document]
        }
    };
    let list = List { own_object: "item", namespace: outbound::DEFAULT_NAMESPACE, next: None };
    Ok(Box::new(move |times| {
        for _ in 0..times {
            let reply = outbound::reply(&operation, &documents, &list)?;
            ensure!(!reply.body.is_empty() && reply.notes.is_empty(), "notes: {:?}", reply.notes);
        }
        Ok(())
    }))
}

fn router(routes: usize, folder: &Path) -> Result<Router> {
    let manifest = site::manifest(folder)?;
    let mut deployment = manifest.deployment;
    let process = deployment.processes.pop().context("a process")?;
    let api = deployment.apis.first_mut().context("an API")?;
    let route = api.rest.pop().context("a route")?;
    deployment.processes.clear();
    api.rest.clear();
    for n in 0..routes {
        let name = format!("item-{n}");
        let mut process = process.clone();
        process.name.clone_from(&name);
        process.operation.object.clone_from(&name);
        deployment.processes.push(process);
        let mut route = route.clone();
        route.path = format!("{name}/{{id}}");
        route.process = name;
        api.rest.push(route);
    }
    Router::new(&deployment, &manifest.server).map_err(|conflicts| anyhow!("{conflicts:?}"))
}

/// The path of one of so many routes.
fn path(routes: usize) -> String {
    format!("/ws/rest/count/item-{}/7", routes / 2)
}

fn find(router: &Router, path: &str, headers: &HeaderMap) -> Result<Found> {
    let found = router.find(&Method::POST, path, headers).map_err(|miss| anyhow!("{path}: {miss:?}"))?;
    found.operation().ok_or_else(|| anyhow!("{path} is no operation's"))
}

fn operation(input: DocumentType, output: DocumentType) -> Operation {
    Operation {
        kind: OperationKind::Execute,
        object: "item".into(),
        input,
        output,
        content_type: "text/plain".into(),
        return_documents: true,
        max_documents: 1000,
    }
}

fn xml_list() -> String {
    format!("<itemList>{}</itemList>", "<item><Id>1</Id><Name>Acme</Name></item>".repeat(LISTED))
}
