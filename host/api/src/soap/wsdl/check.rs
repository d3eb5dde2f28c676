//! What the clients of a service would stumble over, told when it is deployed.

use std::collections::HashMap;

use super::schemas::{Clash, Schemas};
use super::{Described, description, fault};
use crate::profile::{self, Profile};
use crate::soap::{Service, SoapOperation};
use crate::xml::is_ncname;

/// What a description has to say of a service beside itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The operation that it is about, by its number; none for the whole service.
    pub operation: Option<usize>,
    /// What is wrong or left out, and what to do.
    pub message: String,
    /// Whether such a service can't be served.
    pub is_error: bool,
}

/// What clients would stumble over: names that XML does not have, operations that are left out of the WSDL for lack of a
/// profile, roots of request and response that are equal (JAX-WS makes one in-out argument of them), profiles of one
/// namespace that say different things of one name. What only the generated WSDL suffers from does not matter beside a
/// custom one.
pub fn check(service: &Service) -> Vec<Finding> {
    let mut findings = Findings::default();
    if !is_ncname(&service.name) {
        let name = &service.name;
        findings.error(None, format!("`{name}` can't name a service: {NAMES}: give the API a `service-name`"));
    }
    for (number, operation) in service.operations.iter().enumerate() {
        findings.names(number, operation);
    }
    // Names that are none would be told again as schemas that can't be read.
    if service.custom_wsdl.is_none() && findings.0.is_empty() {
        findings.left_out(service);
        let described = Described::of(service);
        for (number, operation) in &described.operations {
            findings.arguments(*number, operation);
            findings.elements_in_no_namespace(*number, operation);
        }
        findings.messages(&described);
        findings.json_roots(&described);
        Schemas::of(&described).clashes.into_iter().for_each(|clash| findings.clash(clash));
    }
    findings.0
}

/// What a name is made of.
const NAMES: &str = "a name begins with a letter or `_` and goes on with letters, digits, `_`, `-` and `.`";

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, operation: Option<usize>, message: String) {
        self.0.push(Finding { operation, message, is_error: true });
    }

    fn warn(&mut self, operation: Option<usize>, message: String) {
        self.0.push(Finding { operation, message, is_error: false });
    }

    /// The elements that an operation's own names become.
    fn names(&mut self, number: usize, operation: &SoapOperation) {
        let children = || operation.keys.iter().chain(&operation.query);
        for name in children().filter(|name| !is_ncname(name)) {
            self.error(Some(number), format!("`{name}` can't be an element of the request: {NAMES}"));
        }
        for (index, name) in children().enumerate() {
            if children().take(index).any(|other| other == name) {
                self.error(Some(number), format!("`{name}` is twice among `keys` and `query`: one of them is enough"));
            }
        }
        let is_list = operation.operation.input.is_multiple() || operation.has_pages();
        if is_list && !is_ncname(&operation.list_name()) {
            let name = operation.list_name();
            self.error(
                Some(number),
                format!("`{name}` can't be the element that lists documents: {NAMES}: set the `object`"),
            );
        }
    }

    fn left_out(&mut self, service: &Service) {
        let left_out: Vec<_> = service.operations.iter().enumerate().filter(|(_, one)| !one.is_described()).collect();
        if service.api.is_some() {
            for (number, operation) in left_out {
                self.warn(
                    Some(number),
                    format!("`{}` is left out of the WSDL: {}", operation.name, missing(operation)),
                );
            }
        } else if let [(_, first), rest @ ..] = left_out.as_slice() {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            let why = "without profiles for all that they take and give, their messages can't be described";
            self.warn(
                None,
                format!(
                    "operation `{}`{more} left out of the WSDL of the processes outside any API: {why}",
                    first.name
                ),
            );
        }
    }

    /// The arguments that clients make of a wrapper's children.
    fn arguments(&mut self, number: usize, operation: &SoapOperation) {
        if !operation.wrapped {
            return;
        }
        let is_single = !operation.operation.input.is_multiple();
        let root = |profile: &Profile| profile.root().1.to_owned();
        let message = match &operation.request {
            Some(profile) if is_single => Some(root(profile)),
            Some(_) => Some(operation.list_name()),
            None => None,
        };
        let children: Vec<&String> = operation.keys.iter().chain(&operation.query).chain(&message).collect();
        for (index, name) in children.iter().enumerate() {
            if children.iter().take(index).any(|other| other.eq_ignore_ascii_case(name)) {
                let why = "their names differ in case at most, and clients of Java can't tell them apart: rename one";
                self.warn(Some(number), format!("the request has two elements `{name}`: {why}"));
            }
        }
        let (Some(request), Some(response)) = (&operation.request, &operation.response) else { return };
        if is_single && operation.operation.output.is_single() && request.root() == response.root() {
            let why = "JAX-WS makes one in-out argument of them: give the response profile a root of its own";
            self.warn(Some(number), format!("request and answer are both `{}`: {why}", request.root().1));
        }
    }

    /// Elements that JAX-WS takes for ones of the service's namespace, since its annotations know no other.
    fn elements_in_no_namespace(&mut self, number: usize, operation: &SoapOperation) {
        let is_in_none = |profile: &&Profile| profile.root().0.is_empty();
        if let Some(profile) = fault(operation).filter(is_in_none).filter(|profile| !profile.is_json()) {
            let why = "JAX-WS does not know such faults by their type: give the schema a `targetNamespace`";
            self.warn(Some(number), format!("fault profile `{}` is in no namespace: {why}", profile.name()));
        }
        let mut bare = [&operation.request, &operation.response].into_iter().flatten().map(AsRef::as_ref);
        if !operation.wrapped
            && let Some(profile) = bare.find(is_in_none)
        {
            let why = "JAX-WS can't send or read it without a wrapper: leave out `omit-wrappers`, or use a schema with a `targetNamespace`";
            self.warn(
                Some(number),
                format!("`{}` of profile `{}` is in no namespace: {why}", profile.root().1, profile.name()),
            );
        }
    }

    fn messages(&mut self, described: &Described<'_>) {
        let mut known: HashMap<String, usize> = HashMap::new();
        for (name, _) in description::messages(described) {
            *known.entry(name).or_default() += 1;
        }
        let mut twice: Vec<_> = known.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect();
        twice.sort_unstable();
        for name in twice {
            let why = "an operation `x` has messages `x` and `xResponse`, a fault of profile `Y` has `YFault`";
            self.error(None, format!("two messages of the WSDL are named `{name}`: {why}: rename one `operation`"));
        }
    }

    fn json_roots(&mut self, described: &Described<'_>) {
        let json: Vec<&Profile> = described.profiles.iter().copied().filter(|profile| profile.is_json()).collect();
        if let Some((one, other)) = profile::clash(&json) {
            let what =
                format!("profiles `{}` and `{}` have the same root `{}`", one.name(), other.name(), one.root().1);
            let why = "as XML both are in no namespace, and are different";
            self.error(None, format!("{what}: {why}: give one of them another `root`"));
        }
    }

    fn clash(&mut self, clash: Clash) {
        let Clash { kind, name, namespace, between: [one, other] } = clash;
        let place = if namespace.is_empty() { "no namespace".to_owned() } else { format!("namespace {namespace}") };
        let what = format!("{kind} `{name}` of {place} is not the same in {one} and in {other}");
        self.error(None, format!("{what}: one WSDL can't have both: rename one, or let both profiles use one file"));
    }
}

/// What an operation needs to be described.
fn missing(operation: &SoapOperation) -> String {
    if operation.passthrough {
        return "with `envelope-passthrough` its messages are its own business: give the API a `wsdl`".to_owned();
    }
    let needs_request = operation.operation.input != auricle_model::DocumentType::None && operation.request.is_none();
    let needs_response = !operation.operation.is_receipt() && operation.response.is_none();
    let keys = match (needs_request, needs_response) {
        (true, true) => "a `request-profile` and a `response-profile`",
        (true, false) => "a `request-profile`",
        _ => "a `response-profile`",
    };
    format!("it needs {keys} that says what its messages are")
}
