//! Declarations and requests for tests, in few words.

use std::path::PathBuf;

use auricle_model::{
    ApiDecl, Deployment, DocumentType, Grants, Limits, Mode, Operation, OperationKind, PackageRef, ProcessDecl,
    RetryPolicy, RouteDecl, RouteHeader, ServerConfig,
};
use http::HeaderMap;

use super::{Found, Miss, Router};

pub(crate) fn process(name: &str, kind: OperationKind, object: &str, input: DocumentType) -> ProcessDecl {
    ProcessDecl {
        name: name.into(),
        package: PackageRef::Path(PathBuf::from("/none.wasm")),
        build: None,
        build_dir: PathBuf::new(),
        mode: Mode::General,
        operation: Operation {
            kind,
            object: object.into(),
            input,
            output: DocumentType::SingleData,
            content_type: "text/plain".into(),
            return_documents: true,
            max_documents: 100,
        },
        limits: Limits::default(),
        grants: Grants::default(),
        retry: RetryPolicy::default(),
        smoke: None,
        messages: auricle_model::Messages::default(),
    }
}

/// A route to a process of the name `process`.
pub(crate) fn route(method: &str, path: &str, process: &str) -> RouteDecl {
    RouteDecl {
        method: method.into(),
        path: path.into(),
        process: process.into(),
        object: None,
        input: None,
        output: None,
        content_type: None,
        max_documents: None,
        headers: Vec::new(),
        exact: false,
        messages: auricle_model::MessageOverrides::default(),
    }
}

pub(crate) fn when(mut route: RouteDecl, conditions: &[(&str, &str)]) -> RouteDecl {
    route.headers = conditions.iter().map(|(n, v)| RouteHeader { name: (*n).into(), value: (*v).into() }).collect();
    route
}

pub(crate) fn object(mut route: RouteDecl, object: &str) -> RouteDecl {
    route.object = Some(object.into());
    route
}

pub(crate) fn exact(mut route: RouteDecl) -> RouteDecl {
    route.exact = true;
    route
}

pub(crate) fn api(name: &str, base: &str, rest: Vec<RouteDecl>) -> ApiDecl {
    ApiDecl {
        name: name.into(),
        base: base.into(),
        title: name.into(),
        version: "1.0.0".into(),
        description: String::new(),
        headers: Vec::new(),
        rest,
        soap: Vec::new(),
        soap_settings: auricle_model::SoapSettings::default(),
    }
}

/// APIs, with a process for each name that their routes have. Each has its own operation, `executeNAME`.
pub(crate) fn deployment(apis: Vec<ApiDecl>) -> Deployment {
    let mut deployment = Deployment { apis, ..Deployment::default() };
    for route in deployment.apis.iter().flat_map(|a| &a.rest) {
        if deployment.processes.iter().all(|p| p.name != route.process) {
            let process = process(&route.process, OperationKind::Execute, &route.process, DocumentType::None);
            deployment.processes.push(process);
        }
    }
    deployment
}

pub(crate) fn router(deployment: &Deployment) -> Router {
    Router::new(deployment, &ServerConfig::default()).unwrap()
}

pub(crate) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs.iter().map(|(n, v)| (n.parse::<http::HeaderName>().unwrap(), v.parse().unwrap())).collect()
}

pub(crate) fn find(router: &Router, request: &str) -> Result<Found, Miss> {
    find_with(router, request, &[])
}

pub(crate) fn find_with(router: &Router, request: &str, sent: &[(&str, &str)]) -> Result<Found, Miss> {
    let (method, path) = request.split_once(' ').unwrap();
    router.find(&method.parse().unwrap(), path, &headers(sent)).map(|found| found.operation().unwrap())
}

/// FX-base.
pub(crate) fn bases() -> Router {
    let one = |name: &str, base: &str| api(name, base, vec![object(route("GET", "", name), "")]);
    router(&deployment(vec![one("A", ""), one("B", "/test"), one("C", "/test/account")]))
}

/// FX-routes.
pub(crate) fn items() -> Router {
    let at = |path: &str, name: &str| object(route("GET", path, name), "item");
    router(&deployment(vec![api(
        "api",
        "/api",
        vec![at("", "root"), at("{id}", "id"), at("{id}/{fieldName}", "field"), at("{id}/metadata", "metadata")],
    )]))
}

/// Name of the process that a request reaches.
pub(crate) fn reached(router: &Router, request: &str) -> String {
    find(router, request).unwrap().endpoint.process.to_string()
}
