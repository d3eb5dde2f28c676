//! The table of the admin API: method, path, role, name, and the handler, whose types say what it takes and gives.
//!
//! Requests are routed by it and the OpenAPI document is written from it, so that the one cannot say what the other does not.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use auricle_store::Role::{self, Admin, Operator, Publisher, Viewer};
use http::{Method, Response};
use hyper::body::Incoming;
use matchit::Router;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Failure;
use super::speak::{Body, Gives, Takes};
use super::wire::BASE;
use super::{Call, backup, environments, executions, packages, queue, replays, tokens};

/// Where the OpenAPI document is; it needs no token.
pub(super) const OPENAPI: &str = "/_admin/openapi.json";

/// The query of what takes none.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

type Called = Pin<Box<dyn Future<Output = Result<Response<Body>, Failure>> + Send>>;

/// One operation.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// Below [`BASE`].
    pub(super) path: &'static str,
    pub(super) role: Role,
    /// What it is called, as in `operationId`.
    pub(super) name: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    pub(super) query: fn(&mut SchemaGenerator) -> Value,
    pub(super) takes: fn(&mut SchemaGenerator) -> Option<Value>,
    pub(super) gives: fn(&mut SchemaGenerator) -> (u16, Value),
    handler: Box<dyn Fn(Call, String, Incoming) -> Called + Send + Sync>,
}

impl Endpoint {
    fn new<Q, T, G, F>(
        (method, path, role): (Method, &'static str, Role),
        (name, summary): (&'static str, &'static str),
        handler: impl Fn(Call, Q, T) -> F + Copy + Send + Sync + 'static,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send,
        T: Takes,
        G: Gives,
        F: Future<Output = Result<G, Failure>> + Send,
    {
        let handler = move |call: Call, query: String, body: Incoming| -> Called {
            Box::pin(async move {
                let query = serde_urlencoded::from_str(&query)
                    .map_err(|error| Failure::bad(format!("the query is not what this takes: {error}")))?;
                let taken = T::take(&call.headers, body).await?;
                handler(call, query, taken).await.map(Gives::give)
            })
        };
        let query = |generator: &mut SchemaGenerator| generator.root_schema_for::<Q>().to_value();
        Self {
            method,
            path,
            role,
            name,
            summary,
            query,
            takes: T::describe,
            gives: G::describe,
            handler: Box::new(handler),
        }
    }

    pub(super) fn call(&self, call: Call, query: String, body: Incoming) -> Called {
        (self.handler)(call, query, body)
    }
}

/// All of them.
pub(super) static ALL: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    let (get, post, put, delete, head) = (Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD);
    let get = |path, role| (get.clone(), path, role);
    let post = |path, role| (post.clone(), path, role);
    let put = |path, role| (put.clone(), path, role);
    let delete = |path, role| (delete.clone(), path, role);
    let head = |path, role| (head.clone(), path, role);
    vec![
        Endpoint::new(get("/whoami", Viewer), ("whoami", "Who asks, and which host answers"), tokens::whoami),
        Endpoint::new(get("/tokens", Admin), ("list-tokens", "Every token, without its secret"), tokens::list),
        Endpoint::new(post("/tokens", Admin), ("add-token", "Make a token; it is shown this once"), tokens::add),
        Endpoint::new(delete("/tokens/{name}", Admin), ("delete-token", "Delete a token"), tokens::delete),
        Endpoint::new(
            get("/audit", Admin),
            ("list-audit", "What was changed and by whom, newest first"),
            tokens::audit,
        ),
        Endpoint::new(
            put("/packages/{digest}", Publisher),
            ("put-package", "Put a package under its digest"),
            packages::put,
        ),
        Endpoint::new(
            head("/packages/{digest}", Viewer),
            ("has-package", "Whether the store holds a package"),
            packages::head,
        ),
        Endpoint::new(get("/packages/{digest}", Viewer), ("get-package", "A package"), packages::get),
        Endpoint::new(
            get("/environments", Viewer),
            ("list-environments", "What each environment serves"),
            environments::list,
        ),
        Endpoint::new(
            get("/environments/{environment}", Viewer),
            ("get-environment", "What an environment serves"),
            environments::get,
        ),
        Endpoint::new(
            delete("/environments/{environment}", Publisher),
            ("undeploy", "Serve nothing in an environment any more; its versions stay"),
            environments::undeploy,
        ),
        Endpoint::new(
            get("/environments/{environment}/versions", Viewer),
            ("list-versions", "The versions of an environment, newest first"),
            environments::versions,
        ),
        Endpoint::new(
            post("/environments/{environment}/versions", Publisher),
            ("deploy", "Make a version and serve it, to all or as a canary"),
            environments::deploy,
        ),
        Endpoint::new(
            get("/environments/{environment}/versions/{version}", Viewer),
            ("get-version", "A version with what it declares"),
            environments::version,
        ),
        Endpoint::new(
            get("/environments/{environment}/diff", Viewer),
            ("diff", "What is different between two versions"),
            environments::diff,
        ),
        Endpoint::new(
            post("/environments/{environment}/rollback", Operator),
            ("rollback", "Serve another version again, or end the canary"),
            environments::rollback,
        ),
        Endpoint::new(
            post("/environments/{environment}/promote", Operator),
            ("promote", "Serve the canary to all"),
            environments::promote,
        ),
        Endpoint::new(
            put("/processes/{process}/package", Publisher),
            ("deploy-package", "Give a process another package wherever it is active"),
            environments::deploy_package,
        ),
        Endpoint::new(get("/executions", Viewer), ("list-executions", "Executions, newest first"), executions::list),
        Endpoint::new(
            get("/executions/follow", Viewer),
            ("follow-executions", "Executions as they end, until the client goes"),
            executions::follow,
        ),
        Endpoint::new(
            get("/executions/{id}", Viewer),
            ("get-execution", "All that is recorded of an execution"),
            executions::get,
        ),
        Endpoint::new(
            post("/executions/{id}/replay", Operator),
            ("replay-execution", "Run an execution again, and say what is different"),
            replays::one,
        ),
        Endpoint::new(
            post("/replay", Operator),
            ("replay-executions", "Run many executions again, and say what is different"),
            replays::many,
        ),
        Endpoint::new(get("/usage", Viewer), ("usage", "Executions by process and minute"), executions::usage),
        Endpoint::new(get("/queue", Viewer), ("list-queue", "What is queued, oldest first"), queue::list),
        Endpoint::new(get("/queue/{id}", Viewer), ("get-queued", "Where a queued execution stands"), queue::get),
        Endpoint::new(post("/queue/resend", Operator), ("resend-all", "Run dead letters again"), queue::resend_all),
        Endpoint::new(post("/queue/{id}/resend", Operator), ("resend", "Run a dead letter again"), queue::resend),
        Endpoint::new(delete("/queue/{id}", Operator), ("discard", "Throw a dead letter away"), queue::discard),
        Endpoint::new(get("/backup", Admin), ("backup", "Everything the store holds, as one file"), backup::backup),
        Endpoint::new(
            post("/restore", Admin),
            ("restore", "Replace everything by what a backup holds"),
            backup::restore,
        ),
    ]
});

/// The endpoints of each path.
static ROUTES: LazyLock<Router<Vec<&'static Endpoint>>> = LazyLock::new(|| {
    let mut by_path: HashMap<&'static str, Vec<&'static Endpoint>> = HashMap::new();
    for endpoint in ALL.iter() {
        by_path.entry(endpoint.path).or_default().push(endpoint);
    }
    let mut routes = Router::new();
    for (path, endpoints) in by_path {
        // Two paths that collide would be a slip in the table, which a test finds.
        if let Err(error) = routes.insert(format!("{BASE}{path}"), endpoints) {
            tracing::error!(%error, path, "a path of the admin API collides with another one");
        }
    }
    routes
});

/// Parameters of a path, by name.
pub(super) type Parameters = Vec<(String, String)>;

/// The endpoint for a request.
pub(super) fn find(method: &Method, path: &str) -> Result<(&'static Endpoint, Parameters), Failure> {
    let found = ROUTES.at(path).map_err(|_| {
        Failure::not_found(format!(
            "`{path}` is not a path of the admin address: {OPENAPI} lists them; requests to processes go to `listen`"
        ))
    })?;
    let Some(endpoint) = found.value.iter().find(|endpoint| endpoint.method == *method) else {
        let allowed: Vec<&str> = found.value.iter().map(|endpoint| endpoint.method.as_str()).collect();
        return Err(Failure::method(&allowed.join(", ")));
    };
    let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok((endpoint, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_where_it_stands() {
        for endpoint in ALL.iter() {
            let path = format!("{BASE}{}", endpoint.path);
            let (found, parameters) = find(&endpoint.method, &path).map_err(|_| path.clone()).unwrap();
            assert_eq!(found.name, endpoint.name, "{path}");
            assert_eq!(parameters.len(), path.matches('{').count());
        }
        let mut names: Vec<_> = ALL.iter().map(|endpoint| endpoint.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
