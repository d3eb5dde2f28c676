//! Declarations of profiles: the types of the messages that processes take and give.

use serde::{Deserialize, Serialize};

use crate::operation::named;

named! {
    /// What a profile is written in.
    ProfileKind {
        /// XML Schema 1.0.
        Xsd = "xsd",
        /// JSON Schema 2020-12.
        JsonSchema = "json-schema",
    }
}

/// A message type: `[[profile]]` of the manifest, with the files that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileDecl {
    /// Unique in its deployment.
    pub name: String,
    /// Local name of the root element of such a message. Default: the profile's name.
    pub root: String,
    /// What the files are written in.
    pub kind: ProfileKind,
    /// The schema; for XML Schema also the documents that it imports and includes. At least one.
    pub files: Vec<SourceFile>,
}

/// A file of the manifest's author, read when the manifest is: what is deployed does not change with the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its path as the manifest has it.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// The profiles of an operation's messages, by name, and whether requests have to follow theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Messages {
    /// What a document of a request is.
    pub request: Option<String>,
    /// What a document of an answer is.
    pub response: Option<String>,
    /// What a document of an answer with a status of 400 or more is.
    pub fault: Option<String>,
    /// Whether requests that do not follow their profile are refused before the process is run.
    pub validate: bool,
}

/// What an endpoint says of the profiles otherwise than its process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageOverrides {
    /// In place of the process's.
    pub request: Option<String>,
    /// In place of the process's.
    pub response: Option<String>,
    /// In place of the process's.
    pub fault: Option<String>,
    /// In place of the process's.
    pub validate: Option<bool>,
}

impl MessageOverrides {
    /// The profiles in force at the endpoint.
    pub fn over(&self, own: &Messages) -> Messages {
        let either = |one: &Option<String>, other: &Option<String>| one.as_ref().or(other.as_ref()).cloned();
        Messages {
            request: either(&self.request, &own.request),
            response: either(&self.response, &own.response),
            fault: either(&self.fault, &own.fault),
            validate: self.validate.unwrap_or(own.validate),
        }
    }
}
