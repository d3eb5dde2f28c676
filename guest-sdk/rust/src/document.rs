//! Documents: a body and its properties, held by the host.
//!
//! A document in the guest is a handle. Handing it on costs the same at any size; bytes are copied into the guest only
//! by the calls that return them.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, host};

/// How much a reader fetches, and a writer gathers, for one call of the host.
const CHUNK: usize = 64 << 10;

/// A body and its dynamic document properties.
///
/// The handle is shared with the [`Execution`](crate::Execution), which reads request headers from the first document;
/// nothing else shares it, so a document is changed through `&mut`.
pub struct Document(Rc<host::Document>);

impl Document {
    /// A document with this body and no properties.
    pub fn new(body: impl AsRef<[u8]>) -> Self {
        Self::from_host(host::Document::new(body.as_ref()))
    }

    /// A document that holds the value as JSON.
    ///
    /// # Errors
    /// When the value cannot be JSON: a map whose keys are no strings, or its own `Serialize` fails.
    pub fn from_json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let body = serde_json::to_vec(value).map_err(|e| Error::from(e).context("writing a document as JSON"))?;
        Ok(Self::new(body))
    }

    /// Length of the body in bytes.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// The whole body. For large ones use [`Document::reader`].
    pub fn bytes(&self) -> Vec<u8> {
        self.0.data()
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<String, Error> {
        self.0.text().ok_or_else(|| {
            Error::new("the document's body is not UTF-8: read it with `bytes()`, or decode it from its own charset")
        })
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// When it is no JSON, or not the JSON of a `T`; the message says where, by line and column.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.bytes()).map_err(|e| Error::from(e).context("reading a document as JSON"))
    }

    /// Up to `length` bytes from `offset`; fewer at the end, none past it. The host may give fewer than asked.
    pub fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        self.0.read(offset, length)
    }

    /// Adds to the end of the body. Many small pieces are better written through [`Document::writer`].
    pub fn append(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.append(bytes.as_ref());
    }

    /// A document property, or none when it was never set. Names are case-sensitive, but for `inheader_*`.
    pub fn property(&self, name: &str) -> Option<String> {
        self.0.property(name)
    }

    /// Sets or replaces a document property.
    pub fn set_property(&mut self, name: &str, value: &str) {
        self.0.set_property(name, value);
    }

    /// All document properties, ordered by name.
    pub fn properties(&self) -> Vec<(String, String)> {
        self.0.properties()
    }

    /// An independent document with the same body and properties. The host shares the body until one of them is
    /// appended to.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::from_host(self.0.duplicate())
    }

    /// Reads the body piece by piece, 64 KiB at a time.
    pub fn reader(&self) -> Reader<'_> {
        Reader { document: self, offset: 0, chunk: Vec::new(), used: 0 }
    }

    /// Writes at the end of the body, 64 KiB at a time; what is left is written when the writer is dropped.
    pub fn writer(&mut self) -> Writer<'_> {
        Writer { document: self, chunk: Vec::new() }
    }

    pub(crate) fn from_host(document: host::Document) -> Self {
        Self(Rc::new(document))
    }

    /// The host's own handle. Made anew only while the execution still holds on to it for the headers.
    pub(crate) fn into_host(self) -> host::Document {
        Rc::try_unwrap(self.0).unwrap_or_else(|shared| shared.duplicate())
    }

    pub(crate) fn share(&self) -> Rc<host::Document> {
        Rc::clone(&self.0)
    }
}

/// Equal to [`Document::duplicate`].
impl Clone for Document {
    fn clone(&self) -> Self {
        self.duplicate()
    }
}

impl Default for Document {
    fn default() -> Self {
        Self::new([])
    }
}

/// Size and properties; never the body, which may be large and private.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("size", &self.size()).field("properties", &self.properties()).finish()
    }
}

impl From<&str> for Document {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Document {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&[u8]> for Document {
    fn from(body: &[u8]) -> Self {
        Self::new(body)
    }
}

impl From<Vec<u8>> for Document {
    fn from(body: Vec<u8>) -> Self {
        Self::new(body)
    }
}

/// Reads a document's body piece by piece. Made by [`Document::reader`].
#[derive(Debug)]
pub struct Reader<'a> {
    document: &'a Document,
    offset: u64,
    chunk: Vec<u8>,
    used: usize,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used >= self.chunk.len() {
            self.chunk = self.document.read(self.offset, CHUNK as u64);
            self.offset += self.chunk.len() as u64;
            self.used = 0;
        }
        Ok(self.chunk.get(self.used..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.used += count;
    }
}

/// Writes at the end of a document's body. Made by [`Document::writer`].
#[derive(Debug)]
pub struct Writer<'a> {
    document: &'a mut Document,
    chunk: Vec<u8>,
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.chunk.is_empty() {
            self.document.append(&self.chunk);
            self.chunk.clear();
        }
        Ok(())
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        // Appending in the host cannot fail.
        _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_goes_in_and_comes_out() {
        let document = Document::from_json(&json!({ "n": 1 })).unwrap();
        assert_eq!(document.text().unwrap(), r#"{"n":1}"#);
        assert_eq!(document.json::<serde_json::Value>().unwrap(), json!({ "n": 1 }));
        let error = Document::from("{\n \"n\": }").json::<serde_json::Value>().unwrap_err();
        assert!(error.message().contains("line 2 column 7"), "{error}");
    }

    #[test]
    fn text_says_when_it_is_none() {
        assert!(Document::new([0xff]).text().unwrap_err().message().contains("not UTF-8"));
    }

    #[test]
    fn a_duplicate_is_independent() {
        let mut first = Document::from("a");
        first.set_property("p", "1");
        let mut second = first.duplicate();
        second.append("b");
        second.set_property("p", "2");
        assert_eq!((first.text().unwrap(), first.property("p")), ("a".into(), Some("1".into())));
        assert_eq!((second.text().unwrap(), second.property("p")), ("ab".into(), Some("2".into())));
    }

    #[test]
    fn a_shared_handle_is_duplicated_when_it_is_handed_on() {
        let document = Document::from("a");
        let kept = document.share();
        let mut handed = Document::from_host(document.into_host());
        handed.append("b");
        assert_eq!((kept.data(), handed.bytes()), (b"a".to_vec(), b"ab".to_vec()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40_000), 0..8)) {
            let mut document = Document::default();
            let mut writer = document.writer();
            for piece in &pieces {
                writer.write_all(piece).unwrap();
            }
            drop(writer);
            let mut read = Vec::new();
            document.reader().read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, pieces.concat());
        }
    }
}
