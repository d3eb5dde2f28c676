//! What an API serves over SOAP: its operations, and which of them a body is for.

use std::sync::Arc;

use auricle_model::{Operation, WsdlSchema};
use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::wsdl::Pages;
use crate::profile::Profile;

/// What an API, or all processes outside of APIs, serve over SOAP. Made once for each deployment, then never changed.
#[derive(Debug)]
pub struct Service {
    /// Name of the API; none for the processes outside of all.
    pub api: Option<String>,
    /// Title, version and description of the API, for people.
    pub documentation: String,
    /// Namespace of wrappers and lists.
    pub namespace: String,
    /// Name of the WSDL's service; ports and bindings are named after it.
    pub name: String,
    /// How `?wsdl` gives the schemas.
    pub schema: WsdlSchema,
    /// Served as it is instead of the generated WSDL.
    pub custom_wsdl: Option<Bytes>,
    /// Its operations, in the order of the manifest.
    pub operations: Vec<Arc<SoapOperation>>,
    /// Which operation a body is for, by namespace and local name of its first element.
    by_body: FxHashMap<(String, String), Call>,
    /// Its description, once it was asked for.
    pub(super) pages: Pages,
}

/// An operation of a service.
#[derive(Debug)]
pub struct SoapOperation {
    /// Its name: `createContact`.
    pub name: String,
    /// For people.
    pub description: String,
    /// Name of the process.
    pub process: Arc<str>,
    /// The process's own object, which names lists where the operation's is empty.
    pub own_object: String,
    /// The operation in force.
    pub operation: Arc<Operation>,
    /// Namespace of wrappers and lists: the service's.
    pub namespace: String,
    /// Whether the body holds an element named after the operation, and the message in that.
    pub wrapped: bool,
    /// Whether the process gets the whole envelope.
    pub passthrough: bool,
    /// With passthrough: whether the process's envelope and `outstatuscode` are the answer, a fault of its own too.
    pub returns_fault: bool,
    /// Children of the wrapper that become `param_*`.
    pub keys: Vec<String>,
    /// Children of the wrapper that become `query_*`.
    pub query: Vec<String>,
    /// What a request's document is.
    pub request: Option<Arc<Profile>>,
    /// What an answer's document is.
    pub response: Option<Arc<Profile>>,
    /// What the document of an answer with a status of 400 or more is.
    pub fault: Option<Arc<Profile>>,
    /// Whether requests have to follow their profile.
    pub validate: bool,
}

/// What a body asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// The operation of this number.
    Operation(usize),
    /// A further page of an answer of the operation of this number.
    MoreResults(usize),
}

impl SoapOperation {
    /// Name of the element that lists the documents of a multiple-xml or multiple-json request.
    pub fn list_name(&self) -> String {
        format!("{}List", self.object())
    }

    /// Name of the element that lists the documents of a multiple-* answer.
    pub fn response_list_name(&self) -> String {
        format!("{}ResponseList", self.object())
    }

    /// Name of the element around an answer.
    pub fn response_name(&self) -> String {
        format!("{}Response", self.name)
    }

    /// Name of the operation that gives further pages.
    pub fn more_name(&self) -> String {
        format!("{}MoreResults", self.name)
    }

    /// Whether it has further pages to give: its output is multiple-*.
    pub fn has_pages(&self) -> bool {
        self.operation.output.is_multiple() && !self.operation.is_receipt()
    }

    /// Whether the generated WSDL can say what its messages are: each side is none, or XML or JSON with a profile.
    pub fn is_described(&self) -> bool {
        let told = |documents: auricle_model::DocumentType, profile: &Option<Arc<Profile>>| {
            documents == auricle_model::DocumentType::None || profile.is_some()
        };
        !self.passthrough
            && told(self.operation.input, &self.request)
            && (self.operation.is_receipt() || told(self.operation.output, &self.response))
    }

    fn object(&self) -> &str {
        if self.operation.object.is_empty() { &self.own_object } else { &self.operation.object }
    }
}

impl Service {
    /// A service of operations, none of which answers to another one's body.
    ///
    /// # Errors
    /// Two operations that no body tells apart: their numbers and the element.
    pub fn new(mut service: ServiceParts) -> Result<Self, Vec<SameBody>> {
        let operations = std::mem::take(&mut service.operations);
        let mut by_body = FxHashMap::default();
        let mut same = Vec::new();
        let mut claim = |element: (String, String), call: Call, number: usize| {
            if let Some(Call::Operation(other) | Call::MoreResults(other)) = by_body.insert(element.clone(), call) {
                same.push(SameBody { number, other, element });
            }
        };
        for (number, operation) in operations.iter().enumerate() {
            claim(operation.body(), Call::Operation(number), number);
            if operation.has_pages() {
                claim((service.namespace.clone(), operation.more_name()), Call::MoreResults(number), number);
            }
        }
        if !same.is_empty() {
            return Err(same);
        }
        let ServiceParts { api, documentation, namespace, name, schema, custom_wsdl, .. } = service;
        let operations = operations.into_iter().map(Arc::new).collect();
        let pages = Pages::default();
        Ok(Self { api, documentation, namespace, name, schema, custom_wsdl, operations, by_body, pages })
    }

    /// The operation that a body is for, by namespace (empty for none) and local name of its first element.
    pub fn call(&self, namespace: &str, local: &str) -> Option<&Call> {
        self.by_body.get(&(namespace.to_owned(), local.to_owned()))
    }
}

impl SoapOperation {
    /// Namespace and local name of the element in the body of its requests.
    pub fn body(&self) -> (String, String) {
        match &self.request {
            Some(profile) if !self.wrapped => {
                let (namespace, local) = profile.root();
                (namespace.to_owned(), local.to_owned())
            }
            _ => (self.namespace.clone(), self.name.clone()),
        }
    }
}

/// What a [`Service`] is made of.
#[derive(Debug)]
pub struct ServiceParts {
    /// See [`Service`].
    pub api: Option<String>,
    /// See [`Service`].
    pub documentation: String,
    /// See [`Service`].
    pub namespace: String,
    /// See [`Service`].
    pub name: String,
    /// See [`Service`].
    pub schema: WsdlSchema,
    /// See [`Service`].
    pub custom_wsdl: Option<Bytes>,
    /// See [`Service`].
    pub operations: Vec<SoapOperation>,
}

/// Two operations that no body tells apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameBody {
    /// The later operation.
    pub number: usize,
    /// The earlier one.
    pub other: usize,
    /// Namespace and local name of the element that both take.
    pub element: (String, String),
}
