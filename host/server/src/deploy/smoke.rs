//! What each process of a new version has to answer before the version counts: its declared smoke request.

use std::sync::Arc;

use auricle_api::outbound::{self, List};
use auricle_api::paging;
use auricle_model::manifest::{Manifest, Problem, Problems};
use auricle_model::{Document, Execution, Failure, Operation, Protocol, Smoke};
use auricle_process::{Listener, Processes};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::StatusCode;

use crate::limits::SMOKE_AT_A_TIME;
use crate::respond;

/// Runs every smoke request, some at a time.
pub(super) async fn run(processes: &Arc<Processes>, places: &Manifest) -> Result<(), Problems> {
    let declared = processes.iter().filter_map(|own| Some((own, own.decl().smoke.as_ref()?)));
    // Made before they are polled, and boxed: the compiler cannot follow what a closure in a stream borrows.
    let runs: Vec<_> = declared.map(|(own, smoke)| one(processes, own, smoke, places).boxed()).collect();
    let found: Vec<Option<Problem>> = stream::iter(runs).buffered(SMOKE_AT_A_TIME).collect().await;
    let problems: Vec<Problem> = found.into_iter().flatten().collect();
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

async fn one(processes: &Arc<Processes>, own: &Listener, smoke: &Smoke, places: &Manifest) -> Option<Problem> {
    let operation = own.operation().clone();
    let mut execution = Execution::new(own.decl().name.as_str(), operation.clone(), Protocol::Invoke);
    execution.properties = smoke.properties.iter().collect();
    execution.documents = smoke.documents.iter().map(|text| Document::new(text.clone())).collect();
    if execution.documents.is_empty() && !operation.input.is_multiple() {
        // As of a request without a body.
        execution.documents.push(Document::default());
    }
    let outcome = processes.run(execution).await;
    let status = status(&operation, &outcome.result);
    let (is_right, wanted) = match smoke.status {
        Some(wanted) => (status == wanted, wanted.to_string()),
        None => (status < StatusCode::INTERNAL_SERVER_ERROR.as_u16(), "any below 500".to_owned()),
    };
    let why = outcome.result.err().map(|failure| format!(" ({failure})")).unwrap_or_default();
    let message = || format!("the smoke request was answered with {status}{why}; `smoke` wants {wanted}");
    (!is_right).then(|| places.problem(&format!("process[{}].smoke", own.decl().name), message()))
}

/// The status that a caller over HTTP gets of an execution of this operation.
pub(crate) fn status(operation: &Operation, result: &Result<Vec<Document>, Failure>) -> u16 {
    let documents = match result {
        Ok(documents) => documents,
        Err(failure) => return respond::failed_as(failure.kind).0.as_u16(),
    };
    let (page, rest) = paging::split(operation, documents.clone());
    let next = (!rest.is_empty()).then_some("next");
    let list = List { own_object: &operation.object, namespace: outbound::DEFAULT_NAMESPACE, next };
    let reply = outbound::reply(operation, &page, &list);
    reply.map_or(StatusCode::INTERNAL_SERVER_ERROR, |reply| reply.status).as_u16()
}
