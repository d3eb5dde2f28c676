//! Declarations of APIs and their routes.

use serde::{Deserialize, Serialize};

use crate::{DocumentType, MessageOverrides, Operation, SoapDecl, SoapSettings};

/// An API: a base URL, a description and routes to processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiDecl {
    /// Unique in its deployment.
    pub name: String,
    /// Base URL: empty for the root, else `/` and segments without an empty one (`/test/account`).
    pub base: String,
    /// For people. Default: the name.
    pub title: String,
    /// The published version; shown, never routed by. Default `1.0.0`.
    pub version: String,
    /// For people.
    pub description: String,
    /// Headers to pass as `inheader_*` beside the special ones and `X-WSS-*`, in the spelling that processes see.
    pub headers: Vec<String>,
    /// REST routes, in the order of the file.
    pub rest: Vec<RouteDecl>,
    /// SOAP operations, in the order of the file.
    #[serde(default)]
    pub soap: Vec<SoapDecl>,
    /// What holds for all of them.
    #[serde(default)]
    pub soap_settings: SoapSettings,
}

/// A REST route: method and path to a process, with what it overrides of the process's operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDecl {
    /// Upper-case HTTP method.
    pub method: String,
    /// Path after base and object, as written: `{Id}/lines`.
    pub path: String,
    /// Name of the process.
    pub process: String,
    /// Absent: the process's object. Empty: no object segment.
    pub object: Option<String>,
    /// Overrides the input type.
    pub input: Option<DocumentType>,
    /// Overrides the output type.
    pub output: Option<DocumentType>,
    /// Overrides the media type of single-data output.
    pub content_type: Option<String>,
    /// Overrides the page size.
    pub max_documents: Option<u32>,
    /// Header conditions: all have to hold.
    pub headers: Vec<RouteHeader>,
    /// Refuse segments after a full match.
    pub exact: bool,
    /// Overrides the profiles.
    #[serde(default)]
    pub messages: MessageOverrides,
}

/// A condition on a request header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteHeader {
    /// Name; compared without case.
    pub name: String,
    /// Value: equal without case, or an equal media type, or for a bare word the media subtype or its `+suffix`.
    pub value: String,
}

impl RouteDecl {
    /// The operation in force on this route.
    pub fn operation(&self, own: &Operation) -> Operation {
        Operation {
            kind: own.kind,
            object: self.object.clone().unwrap_or_else(|| own.object.clone()),
            input: self.input.unwrap_or(own.input),
            output: self.output.unwrap_or(own.output),
            content_type: self.content_type.clone().unwrap_or_else(|| own.content_type.clone()),
            return_documents: own.return_documents,
            max_documents: self.max_documents.unwrap_or(own.max_documents),
        }
    }
}
