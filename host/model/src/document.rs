//! A document: what goes into an execution and what comes out.

use bytes::Bytes;

use crate::Properties;

/// A body and its dynamic document properties. Cloning copies neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The body, any bytes.
    pub data: Bytes,
    /// `inheader_*` on the way in; `outstatuscode`, `outheader_*` and the process's own on the way out.
    pub properties: Properties,
}

impl Document {
    /// A document without properties.
    pub fn new(data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), properties: Properties::new() }
    }

    /// A document that shares the given properties.
    pub fn with_properties(data: impl Into<Bytes>, properties: Properties) -> Self {
        Self { data: data.into(), properties }
    }

    /// The body as text, or none when it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.data).ok()
    }
}
