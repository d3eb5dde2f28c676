//! A refusal as SOAP clients read it: a fault that says what the problem document would.

use auricle_api::problem::Problem;
use auricle_api::soap::Version;
use auricle_api::soap::fault::{self, Code, Fault};
use auricle_api::soap::message::{Addressing, Refused};
use auricle_api::xml_escaped;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;

/// Statuses that tell of HTTP rather than of the message: they stay what they are. Every other fault has the status that SOAP
/// gives its code.
const OF_HTTP: [u16; 9] = [404, 405, 408, 409, 413, 415, 422, 429, 503];

/// The response of a refused message.
pub(super) fn refused(refused: &Refused, version: Version, addressing: Option<&Addressing>) -> Response<Full<Bytes>> {
    let detail = refused.violation.as_ref().map(|violation| {
        let problem = Problem::new(StatusCode::BAD_REQUEST).title("The request does not follow its profile.");
        let problem = problem.member("line", violation.line).member("column", violation.column);
        detail(&problem.member("rule", violation.rule.as_str()).detail(&violation.message))
    });
    let fault = Fault {
        code: refused.code,
        reason: &refused.message,
        detail: detail.as_deref(),
        execution: None,
        not_understood: &refused.not_understood,
        addressing,
    };
    let status = refused.status.unwrap_or_else(|| refused.code.status(version));
    response(status, version, &fault, HeaderMap::new())
}

/// The response that says what a problem does.
pub(super) fn problem(
    problem: &Problem,
    status: u16,
    headers: HeaderMap,
    version: Version,
    addressing: Option<&Addressing>,
) -> Response<Full<Bytes>> {
    let code = code_of(problem.status);
    let title = problem.title.trim_end_matches('.');
    let reason = problem.detail.as_ref().map_or_else(|| title.to_owned(), |detail| format!("{title}: {detail}"));
    let detail = detail(problem);
    let execution = problem.members.get("executionId").and_then(serde_json::Value::as_str);
    let fault = Fault { code, reason: &reason, detail: Some(&detail), execution, not_understood: &[], addressing };
    response(status, version, &fault, headers)
}

/// The status of the fault that is told for what REST has this one for.
pub(super) fn status_of(status: u16, version: Version) -> u16 {
    if OF_HTTP.contains(&status) { status } else { code_of(status).status(version) }
}

/// The status of the fault for what is wrong with a message, whatever REST has for it.
pub(super) fn status_of_message(status: u16, version: Version) -> u16 {
    code_of(status).status(version)
}

const fn code_of(status: u16) -> Code {
    if status < 500 { Code::Sender } else { Code::Receiver }
}

fn response(status: u16, version: Version, fault: &Fault<'_>, mut headers: HeaderMap) -> Response<Full<Bytes>> {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(version.media_type()));
    let mut response = Response::new(Full::new(fault::envelope(version, fault)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// The problem as XML: its status, its title and what else it says, members that are no text as JSON.
fn detail(problem: &Problem) -> String {
    let mut text = format!("<auricle:problem xmlns:auricle=\"{}\">", fault::NAMESPACE);
    let mut element = |name: &str, value: &str| {
        text.push_str(&format!("<auricle:{name}>"));
        xml_escaped(value, &mut text);
        text.push_str(&format!("</auricle:{name}>"));
    };
    element("status", &problem.status.to_string());
    element("title", &problem.title);
    if let Some(detail) = &problem.detail {
        element("detail", detail);
    }
    for (name, value) in problem.members.iter().filter(|(name, _)| *name != "executionId") {
        match value {
            serde_json::Value::String(value) => element(name, value),
            other => element(name, &other.to_string()),
        }
    }
    text.push_str("</auricle:problem>");
    text
}
