//! A document: what goes into an execution and what comes out.

use std::borrow::Cow;

use crate::{Data, Properties};

/// A body and its dynamic document properties. Cloning copies neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The body, any bytes.
    pub data: Data,
    /// `inheader_*` on the way in; `outstatuscode`, `outheader_*` and the process's own on the way out.
    pub properties: Properties,
}

impl Document {
    /// A document without properties.
    pub fn new(data: impl Into<Data>) -> Self {
        Self { data: data.into(), properties: Properties::new() }
    }

    /// A document that shares the given properties.
    pub fn with_properties(data: impl Into<Data>, properties: Properties) -> Self {
        Self { data: data.into(), properties }
    }

    /// The body as text, or none when it is not UTF-8. Copies it where it is in two pieces.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        self.data.text()
    }
}
