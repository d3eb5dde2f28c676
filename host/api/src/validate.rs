//! Whether the documents of a REST or simple HTTP request follow their profile. Over SOAP, `soap::inbound` does it.
//!
//! Reads the body once more; only operations that ask for it pay.

use auricle_model::{Document, DocumentType};
use bytes::Bytes;

use crate::inbound::{Refusal, charset};
use crate::parse_error::ParseError;
use crate::profile::{Profile, Violation};
use crate::xml::{self, Reader, What};

/// Checks the documents that a body was made into. What is wrong is told where it is in the body.
///
/// # Errors
/// The first place where a document does not follow the profile, or is not well-formed.
pub fn documents(profile: &Profile, input: DocumentType, body: &Bytes, documents: &[Document]) -> Result<(), Refusal> {
    match input {
        DocumentType::None | DocumentType::SingleData => Ok(()),
        DocumentType::SingleXml | DocumentType::MultipleXml => xml(profile, input, body, documents),
        DocumentType::SingleJson | DocumentType::MultipleJson => json(profile, body, documents),
    }
}

fn xml(profile: &Profile, input: DocumentType, body: &Bytes, documents: &[Document]) -> Result<(), Refusal> {
    let properties = documents.first().map(|document| &document.properties);
    let charset = properties.and_then(|known| known.get_document("inheader_Content-Type")).and_then(charset);
    let text = xml::decode(body, charset).map_err(|error| Refusal::malformed("XML", error))?;
    let offsets = match input {
        DocumentType::MultipleXml => Some(children(&text).map_err(|error| Refusal::malformed("XML", error))?),
        _ => None,
    };
    let checked = profile.validate_xml(&text, offsets.as_deref());
    checked.map_err(|violation| Refusal::invalid(profile, violation, None))
}

/// Offsets of the elements in the root.
fn children(text: &str) -> Result<Vec<usize>, ParseError> {
    let mut reader = Reader::new(text);
    let mut offsets = Vec::new();
    while let Some(event) = reader.next()? {
        if event.what == What::Start && reader.depth() == 2 {
            offsets.push(event.start);
        }
    }
    Ok(offsets)
}

fn json(profile: &Profile, body: &Bytes, documents: &[Document]) -> Result<(), Refusal> {
    for (index, document) in documents.iter().enumerate() {
        let bytes = document.data.contiguous();
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let text = std::str::from_utf8(text).map_err(|error| {
            let good = std::str::from_utf8(text.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default();
            Refusal::malformed("JSON", ParseError::at(good, good.len(), "the bytes here are not UTF-8"))
        })?;
        profile.validate_json(text).map_err(|violation| {
            let number = (documents.len() > 1).then_some(index + 1);
            Refusal::invalid(profile, placed(violation, body, text), number)
        })?;
    }
    Ok(())
}

/// A violation with its place in the body instead of in the document, which is a piece of it.
fn placed(violation: Violation, body: &Bytes, document: &str) -> Violation {
    let start = (document.as_ptr() as usize).checked_sub(body.as_ptr() as usize).filter(|start| *start <= body.len());
    let before = start.and_then(|start| body.get(..start)).and_then(|before| std::str::from_utf8(before).ok());
    let Some(before) = before else { return violation };
    let begin = ParseError::at(before.strip_prefix('\u{FEFF}').unwrap_or(before), usize::MAX, "");
    let column = if violation.line == 1 { begin.column + violation.column - 1 } else { violation.column };
    Violation { line: begin.line + violation.line - 1, column, ..violation }
}
