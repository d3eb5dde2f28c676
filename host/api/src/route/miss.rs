//! Why a request has no operation, and what to answer it.

use http::header::{ALLOW, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::condition::Condition;
use super::{Endpoint, near};
use crate::percent::excerpt;
use crate::problem::Problem;
use crate::target::{Target, TargetError};

/// The order of methods in `Allow`; others follow by name, OPTIONS is last.
const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Why a request has no operation. Each knows its status, headers and words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    /// The path can't be read: 400.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Nothing is at this path: 404.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// There are routes, and each wants another `Content-Type`: 415. Or each that takes the request's wants another
    /// `Accept`: 406.
    #[error("the routes for this path want {} of the header `{name}`; {}", either(expected), sent(given.as_deref()))]
    Unmet {
        /// `content-type` or `accept`.
        name: HeaderName,
        /// The values that the routes want, as declared.
        expected: Vec<String>,
        /// The value sent, if any.
        given: Option<String>,
    },
    /// The path exists for other methods only: 405.
    #[error("the path does not take {asked}: it takes {}", join(allow))]
    MethodNotAllowed {
        /// The method of the request.
        asked: Method,
        /// The methods that the path takes, HEAD and OPTIONS included.
        allow: Vec<Method>,
    },
    /// Not a failure: OPTIONS asked what the path takes. 204.
    #[error("the path takes {}", join(allow))]
    Options {
        /// The methods that the path takes, HEAD and OPTIONS included.
        allow: Vec<Method>,
    },
}

/// Nothing is at a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("looked for {looked_for}: {reason}")]
pub struct NotFound {
    /// Method and path.
    pub looked_for: String,
    /// How far the search came.
    pub reason: String,
    /// At most three of the nearest routes, the nearest first: `GET /ws/rest/crm/Account/{Id}`.
    pub near: Vec<String>,
}

impl NotFound {
    pub(super) fn new<'e>(
        method: &Method,
        target: &Target<'_>,
        reason: impl Into<String>,
        among: impl IntoIterator<Item = &'e std::sync::Arc<Endpoint>>,
    ) -> Self {
        Self {
            looked_for: format!("{} {}", excerpt(method.as_str()), excerpt(target.path())),
            reason: reason.into(),
            near: near::routes(method, target, among),
        }
    }
}

impl Miss {
    /// The path is there for these methods, and was asked with another.
    pub(super) fn other_method(asked: &Method, own: &[Method]) -> Self {
        let mut allow: Vec<Method> = own.to_vec();
        if allow.contains(&Method::GET) {
            allow.push(Method::HEAD);
        }
        let place = |m: &Method| METHODS.iter().position(|known| known == m).unwrap_or(METHODS.len());
        allow.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.as_str().cmp(b.as_str())));
        allow.dedup();
        allow.push(Method::OPTIONS);
        if *asked == Method::OPTIONS {
            Self::Options { allow }
        } else {
            Self::MethodNotAllowed { asked: asked.clone(), allow }
        }
    }

    /// A method that a SOAP endpoint does not take.
    pub fn at_soap(asked: &Method) -> Self {
        Self::other_method(asked, &[Method::GET, Method::POST])
    }

    /// Every route that is left wants something else of this header: what, is among the conditions that failed.
    pub(super) fn unmet<'c>(
        name: HeaderName,
        failed: impl Iterator<Item = &'c Condition>,
        headers: &HeaderMap,
    ) -> Self {
        let mut expected: Vec<String> = failed.filter(|c| c.name == name).map(|c| c.value.clone()).collect();
        expected.sort_unstable();
        expected.dedup();
        let given = headers.get(&name).map(|value| excerpt(&String::from_utf8_lossy(value.as_bytes())).into_owned());
        Self::Unmet { name, expected, given }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Target(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Unmet { name, .. } if *name == CONTENT_TYPE => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unmet { .. } => StatusCode::NOT_ACCEPTABLE,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Options { .. } => StatusCode::NO_CONTENT,
        }
    }

    /// The headers that the status asks for, but for those of the body: `Allow`.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Self::MethodNotAllowed { allow, .. } | Self::Options { allow } = self
            && let Ok(value) = HeaderValue::try_from(join(allow))
        {
            headers.insert(ALLOW, value);
        }
        headers
    }

    /// The problem to answer with; none for OPTIONS, which is answered without a body.
    pub fn problem(&self) -> Option<Problem> {
        let problem = Problem::new(self.status()).detail(self.to_string());
        match self {
            Self::Options { .. } => None,
            Self::NotFound(miss) => {
                Some(problem.title("Unknown operation for the given URL path.").member("near", miss.near.clone()))
            }
            Self::Unmet { expected, .. } => Some(problem.member("expected", expected.clone())),
            Self::Target(_) | Self::MethodNotAllowed { .. } => Some(problem),
        }
    }
}

/// Methods as `Allow` has them.
fn join(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

fn either(values: &[String]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ")
}

fn sent(given: Option<&str>) -> String {
    given.map_or_else(|| "it was not sent".to_owned(), |value| format!("`{value}` was sent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_has_head_with_get_and_options_always() {
        let miss = Miss::other_method(&Method::PUT, &[Method::POST, Method::GET, Method::POST]);
        assert_eq!(miss.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(miss.headers().get(ALLOW).unwrap(), "GET, HEAD, POST, OPTIONS");
        assert_eq!(
            miss.problem().unwrap().detail.unwrap(),
            "the path does not take PUT: it takes GET, HEAD, POST, OPTIONS"
        );
        let options = Miss::other_method(&Method::OPTIONS, &[Method::DELETE]);
        assert_eq!((options.status(), options.problem()), (StatusCode::NO_CONTENT, None));
        assert_eq!(options.headers().get(ALLOW).unwrap(), "DELETE, OPTIONS");
    }

    #[test]
    fn a_404_says_what_was_looked_for_and_what_is_near() {
        let miss = Miss::from(NotFound {
            looked_for: "GET /a".into(),
            reason: "no route".into(),
            near: vec!["GET /b".into()],
        });
        let problem = miss.problem().unwrap();
        assert_eq!(problem.status, 404);
        assert_eq!(problem.title, "Unknown operation for the given URL path.");
        assert_eq!(problem.detail.as_deref(), Some("looked for GET /a: no route"));
        assert_eq!(problem.members.get("near").unwrap(), &serde_json::json!(["GET /b"]));
    }
}
