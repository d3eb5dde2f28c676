//! Documents as bytes: a format number, the length of a JSON header, the header, then the bodies as they are. Bodies cost
//! their own length and are read back without a copy; properties that documents share one after the other are written once
//! and shared again when read. For whatever is kept with documents: each brings its own header.

use auricle_model::{Document, Properties};
use bytes::{Buf as _, BufMut as _, Bytes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a header says of one of its documents.
#[derive(Serialize, Deserialize)]
pub(super) struct Part {
    length: u64,
    set: usize,
}

/// What a header says of its documents: their properties, without repeats of the one before, and each of them.
pub(super) fn described(documents: &[Document]) -> (Vec<Properties>, Vec<Part>) {
    let mut sets: Vec<Properties> = Vec::new();
    let mut parts = Vec::with_capacity(documents.len());
    for document in documents {
        if sets.last() != Some(&document.properties) {
            sets.push(document.properties.clone());
        }
        parts.push(Part { length: document.data.len() as u64, set: sets.len() - 1 });
    }
    (sets, parts)
}

/// Header and bodies in one. The error says why it is too large.
pub(super) fn framed(format: u8, header: &impl Serialize, documents: &[Document]) -> Result<Vec<u8>, String> {
    let header = serde_json::to_vec(header).map_err(|e| e.to_string())?;
    let length = u32::try_from(header.len()).map_err(|_| "its properties have over 4 GiB")?;
    let bodies: usize = documents.iter().map(|d| d.data.len()).sum();
    let mut bytes = Vec::with_capacity(5 + header.len() + bodies);
    bytes.put_u8(format);
    bytes.put_u32_le(length);
    bytes.put_slice(&header);
    documents.iter().flat_map(|document| document.data.pieces()).for_each(|piece| bytes.put_slice(piece));
    Ok(bytes)
}

/// The header of what [`framed`] wrote; what is left of the bytes are the bodies. The error says what is wrong with them.
pub(super) fn header<T: DeserializeOwned>(format: u8, bytes: &mut Bytes) -> Result<T, String> {
    match bytes.try_get_u8() {
        Ok(found) if found == format => {}
        Ok(other) => return Err(format!("it has the unknown format {other}")),
        Err(_) => return Err(cut_off()),
    }
    let length = bytes.try_get_u32_le().map_err(|_| cut_off())? as usize;
    let header = take(bytes, length).ok_or_else(cut_off)?;
    serde_json::from_slice(&header).map_err(|e| format!("its header can't be read: {e}"))
}

/// The documents that a header describes, out of the bodies behind it.
pub(super) fn cut(mut bodies: Bytes, sets: &[Properties], parts: &[Part]) -> Result<Vec<Document>, String> {
    let mut documents = Vec::with_capacity(parts.len());
    for Part { length, set } in parts {
        let length = usize::try_from(*length).ok();
        let data = length.and_then(|length| take(&mut bodies, length)).ok_or_else(cut_off)?;
        let properties = sets.get(*set).ok_or("a document names properties that are not there")?.clone();
        documents.push(Document::with_properties(data, properties));
    }
    if !bodies.is_empty() {
        return Err(format!("{} bytes follow its last document", bodies.len()));
    }
    Ok(documents)
}

fn cut_off() -> String {
    "it ends early".to_owned()
}

fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= bytes.len()).then(|| bytes.split_to(length))
}
