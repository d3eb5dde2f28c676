//! Why the admin API does not do what it was asked, as a problem of RFC 9457.

use auricle_api::problem::MEDIA_TYPE;
use auricle_store::{Role, StoreError, StoreErrorKind};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use super::speak::{Body, whole};
use super::wire::{KeyedMessage, Problem};
use crate::deploy::{ChangeError, DeployError};

/// A refusal.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    detail: String,
    problems: Vec<KeyedMessage>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), problems: Vec::new(), header: None }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// No token, or none that is known.
    pub(super) fn unknown() -> Self {
        let detail = "this needs a token that the host knows, as `Authorization: Bearer ...`: the first one is in the file \
                      `admin-token` of the host's data folder";
        let header = Some(Box::new((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))));
        Self { header, ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// A token that may not do this.
    pub(super) fn too_weak(name: &str, has: Role, needs: Role) -> Self {
        let detail = format!("token `{name}` has the role {has}, and this needs {needs}");
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// A path of other methods.
    pub(super) fn method(allowed: &str) -> Self {
        let header = HeaderValue::from_str(allowed).ok().map(|allowed| Box::new((ALLOW, allowed)));
        Self { header, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("this path takes {allowed}")) }
    }

    /// A defect of this program.
    pub(super) fn defect() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "a defect of the server itself; its log says more")
    }

    pub(super) fn response(self) -> Response<Body> {
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            problems: self.problems,
        };
        // Serialising plain values to memory does not fail.
        let mut response = Response::new(whole(serde_json::to_vec(&problem).unwrap_or_default()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let status = match error.kind() {
            StoreErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            StoreErrorKind::Conflict => StatusCode::CONFLICT,
            StoreErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            StoreErrorKind::Corrupt | StoreErrorKind::Newer => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let is_over = status == StatusCode::SERVICE_UNAVAILABLE;
        let header = is_over.then(|| Box::new((RETRY_AFTER, HeaderValue::from_static("1"))));
        Self { header, ..Self::new(status, error.to_string()) }
    }
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Store(error) => error.into(),
            ChangeError::NotFound(detail) => Self::not_found(detail),
            ChangeError::Conflict(detail) => Self::new(StatusCode::CONFLICT, detail),
            ChangeError::Problems(problems) => {
                let problems: Vec<_> = problems.0.into_iter().map(KeyedMessage::from).collect();
                let detail = match &problems[..] {
                    [KeyedMessage { key, message }] if key.is_empty() => message.clone(),
                    [KeyedMessage { key, message }] => format!("{key}: {message}"),
                    all => format!("{} problems; nothing was changed", all.len()),
                };
                Self { problems, ..Self::unprocessable(detail) }
            }
        }
    }
}

impl From<DeployError> for Failure {
    fn from(error: DeployError) -> Self {
        ChangeError::from(error).into()
    }
}

impl From<auricle_model::manifest::Problem> for KeyedMessage {
    fn from(problem: auricle_model::manifest::Problem) -> Self {
        Self { key: problem.key, message: problem.message }
    }
}
