//! What an operation is: its type, object, input and output types.

use serde::{Deserialize, Serialize};

/// A name that is none of the known ones; its text lists those.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is none of {}", known.join(", "))]
pub struct UnknownName {
    /// What was given.
    pub given: String,
    /// What could have been.
    pub known: &'static [&'static str],
}

/// Makes an enum whose names are the manifest's and the WIT's spelling.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every spelling, in the order of declaration.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The spelling used in the manifest, in the WIT and in messages.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownName;

            fn from_str(given: &str) -> Result<Self, Self::Err> {
                match given {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownName { given: given.to_owned(), known: Self::NAMES }),
                }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// The type of an operation. It shapes names (`/ws/simple/createContact`) and says what kind of work is done; it is
    /// not an HTTP method.
    OperationKind {
        /// Reads one object.
        Get = "get",
        /// Finds objects.
        Query = "query",
        /// Makes an object.
        Create = "create",
        /// Changes an object.
        Update = "update",
        /// Makes or changes an object.
        Upsert = "upsert",
        /// Removes an object.
        Delete = "delete",
        /// Anything else.
        Execute = "execute",
    }
}

named! {
    /// The six input and output types of the mission ("API requests", Client application requests).
    DocumentType {
        /// No data.
        None = "none",
        /// One document, any bytes.
        SingleData = "single-data",
        /// One XML document.
        SingleXml = "single-xml",
        /// A list of XML documents in one element.
        MultipleXml = "multiple-xml",
        /// One JSON document.
        SingleJson = "single-json",
        /// A JSON array of documents.
        MultipleJson = "multiple-json",
    }
}

impl DocumentType {
    /// Whether a body of this type holds several documents.
    pub const fn is_multiple(self) -> bool {
        matches!(self, Self::MultipleXml | Self::MultipleJson)
    }

    /// Whether a body of this type holds exactly one document.
    pub const fn is_single(self) -> bool {
        matches!(self, Self::SingleData | Self::SingleXml | Self::SingleJson)
    }

    /// Whether documents of this type are XML.
    pub const fn is_xml(self) -> bool {
        matches!(self, Self::SingleXml | Self::MultipleXml)
    }

    /// Whether documents of this type are JSON.
    pub const fn is_json(self) -> bool {
        matches!(self, Self::SingleJson | Self::MultipleJson)
    }
}

/// An operation as it is in force: the process's own, or with what a route overrides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its type.
    pub kind: OperationKind,
    /// The effective object name, as written. May be empty where a route says so.
    pub object: String,
    /// What a request's body is.
    pub input: DocumentType,
    /// What the answer's body is.
    pub output: DocumentType,
    /// Media type of a single-data answer. Default `text/plain`.
    pub content_type: String,
    /// Whether the caller waits for documents. `false`: it gets a receipt, and the request is run from the durable queue.
    pub return_documents: bool,
    /// Page size of multiple-* outputs, at least 1. Default 100.
    pub max_documents: u32,
}

impl Operation {
    /// Whether the caller gets a receipt instead of documents: by declaration, or because there is no output.
    pub fn is_receipt(&self) -> bool {
        !self.return_documents || self.output == DocumentType::None
    }

    /// The name under which simple HTTP and SOAP serve it: the type, then the object with its first letter upper-cased
    /// and the rest as it is (`createContact`, `executeQaM6IntakeA`).
    pub fn name(&self) -> String {
        let mut object = self.object.chars();
        let mut name = String::with_capacity(8 + self.object.len());
        name.push_str(self.kind.name());
        if let Some(first) = object.next() {
            name.extend(first.to_uppercase());
            name.push_str(object.as_str());
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(kind: OperationKind, object: &str) -> Operation {
        Operation {
            kind,
            object: object.into(),
            input: DocumentType::None,
            output: DocumentType::SingleJson,
            content_type: "text/plain".into(),
            return_documents: true,
            max_documents: 100,
        }
    }

    #[test]
    fn names_keep_all_but_the_first_letter() {
        assert_eq!(operation(OperationKind::Create, "contact").name(), "createContact");
        assert_eq!(operation(OperationKind::Execute, "qaM6IntakeA").name(), "executeQaM6IntakeA");
        assert_eq!(operation(OperationKind::Get, "").name(), "get");
        assert_eq!(operation(OperationKind::Get, "élan").name(), "getÉlan");
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let error = "singlexml".parse::<DocumentType>().unwrap_err();
        assert!(error.to_string().contains("single-xml"), "{error}");
        assert_eq!("single-xml".parse(), Ok(DocumentType::SingleXml));
    }
}
