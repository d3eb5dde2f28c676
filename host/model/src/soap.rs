//! Declarations of what an API serves over SOAP.

use serde::{Deserialize, Serialize};

use crate::operation::named;
use crate::{DocumentType, MessageOverrides, Operation, SourceFile};

/// Namespace of wrappers and lists unless an API says otherwise: clients of the documented product know it.
pub const DEFAULT_NAMESPACE: &str = "http://www.boomi.com/connector/wss";

named! {
    /// The versions of SOAP that an API is served in.
    SoapVersions {
        /// SOAP 1.1 alone.
        V11 = "1.1",
        /// SOAP 1.2 alone.
        V12 = "1.2",
        /// Each at its own URL.
        Both = "both",
    }
}

named! {
    /// How a WSDL comes by its schemas.
    WsdlSchema {
        /// Each in a document of its own: `?xsd=1`.
        Multi = "multi",
        /// All in the WSDL.
        Single = "single",
    }
}

/// What an API says about SOAP as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SoapSettings {
    /// Of wrappers and lists. Default [`DEFAULT_NAMESPACE`].
    pub namespace: String,
    /// Name of the WSDL's service. None: `WebServiceProvider`.
    pub service_name: Option<String>,
    /// Default both.
    pub versions: SoapVersions,
    /// Whether bodies hold the message itself, without an element named after the operation. Default false.
    pub omit_wrappers: bool,
    /// Whether processes get the whole envelope. Default false.
    pub envelope_passthrough: bool,
    /// How `?wsdl` alone gives the schemas. Default multi.
    pub wsdl_schema: WsdlSchema,
    /// Served as it is instead of the generated WSDL.
    pub wsdl: Option<SourceFile>,
}

impl Default for SoapSettings {
    fn default() -> Self {
        Self {
            namespace: DEFAULT_NAMESPACE.to_owned(),
            service_name: None,
            versions: SoapVersions::Both,
            omit_wrappers: false,
            envelope_passthrough: false,
            wsdl_schema: WsdlSchema::Multi,
            wsdl: None,
        }
    }
}

/// A SOAP operation: `[[api.soap]]`, a process with what is said of it otherwise than in its own operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoapDecl {
    /// Name of the process.
    pub process: String,
    /// Name of the operation. None: type and object, as for simple HTTP.
    pub operation: Option<String>,
    /// For people; printed in the WSDL.
    pub description: String,
    /// Overrides the object.
    pub object: Option<String>,
    /// Overrides the input type.
    pub input: Option<DocumentType>,
    /// Overrides the output type.
    pub output: Option<DocumentType>,
    /// Overrides the page size.
    pub max_documents: Option<u32>,
    /// Children of the wrapper that become `param_*`. None: the path parameters of the REST routes to this process.
    pub keys: Option<Vec<String>>,
    /// Children of the wrapper that become `query_*`.
    pub query: Vec<String>,
    /// Overrides the API's.
    pub omit_wrappers: Option<bool>,
    /// Overrides the API's.
    pub envelope_passthrough: Option<bool>,
    /// With passthrough: the answer is the process's envelope with its `outstatuscode`, a fault of its own too.
    pub returns_fault: bool,
    /// Overrides the profiles.
    pub messages: MessageOverrides,
}

impl SoapDecl {
    /// A process as it is, under its own name.
    pub fn new(process: impl Into<String>) -> Self {
        Self {
            process: process.into(),
            operation: None,
            description: String::new(),
            object: None,
            input: None,
            output: None,
            max_documents: None,
            keys: None,
            query: Vec::new(),
            omit_wrappers: None,
            envelope_passthrough: None,
            returns_fault: false,
            messages: MessageOverrides::default(),
        }
    }

    /// The operation in force.
    pub fn in_force(&self, own: &Operation) -> Operation {
        Operation {
            object: self.object.clone().unwrap_or_else(|| own.object.clone()),
            input: self.input.unwrap_or(own.input),
            output: self.output.unwrap_or(own.output),
            max_documents: self.max_documents.unwrap_or(own.max_documents),
            ..own.clone()
        }
    }
}
