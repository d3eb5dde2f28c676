//! XML lists: taking them apart into documents, and checking that a document may stand in one.
//!
//! The reader is this crate's own and small, because what a list needs of it is what tokenizers leave to their callers:
//! names, characters, references, the order of the prolog and namespaces are all checked, so that what is cut out of one
//! document is a document again. It reads XML 1.0 with namespaces and no DOCTYPE, hence neither external nor expanding
//! entities. Time is linear in the text, the stack does not grow with its depth, and nothing is copied but what begins a
//! document that is cut out.

mod chars;
mod cursor;
mod cut;
mod declaration;
mod decode;
mod list;
mod reader;
mod scan;
mod scope;

pub(crate) use chars::is_ncname;
pub(crate) use chars::{escaped, quoted};
pub(crate) use cut::{DECLARATION, cut};
pub(crate) use decode::{decode, decoded};
pub(crate) use list::{Budget, SplitError, content, split};
pub(crate) use reader::{Attribute, Event, Reader, What};

/// Elements inside each other: more is refused.
pub(crate) const MAX_DEPTH: usize = 256;

/// Bytes of one name: more are refused.
pub(crate) const MAX_NAME_BYTES: usize = 1_024;

/// Bytes of one namespace, its references resolved: more are refused. What is read keeps the namespace of each element.
pub(crate) const MAX_NAMESPACE_BYTES: usize = 2_048;

/// Attributes of one element, namespace declarations included: more is refused.
pub(crate) const MAX_ATTRIBUTES: usize = 1_000;
