//! What a listener returns: documents, and the status and headers that the first of them carries.

use serde::Serialize;

use crate::{Document, Error};

/// What the names of properties begin with that become response headers.
const HEADER: &str = "outheader_";

const SET_COOKIE: &str = "Set-Cookie";

/// The answer of an execution.
///
/// Status and headers travel as the document properties `outstatuscode` and `outheader_*` of the first document; the
/// host heeds them where the operation's output type is `single-*` and one document came back.
///
/// ```
/// use auricle_guest::prelude::*;
///
/// # fn replies() -> Result<(), Error> {
/// Reply::text("hello");
/// Reply::json(&vec![1, 2, 3])?;
/// Reply::status(404).text("no such account");
/// Reply::status(201).header("Location", "/crm/Account/7").json(&7)?;
/// Reply::documents(["one", "two"].map(Document::from));
/// # Ok(())
/// # }
/// # replies().unwrap();
/// ```
#[derive(Debug, Default)]
pub struct Reply {
    documents: Vec<Document>,
    head: Head,
}

/// A reply that has its status and maybe headers, and no body yet. It can be returned as it is.
#[derive(Debug)]
#[must_use]
pub struct ReplyHead(Head);

#[derive(Debug, Default)]
struct Head {
    status: Option<u16>,
    headers: Vec<(String, String)>,
}

impl Reply {
    /// A reply without documents: the caller gets 200 and an empty body.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reply with this status, 200 to 599. Give it headers and a body next; without a body it is sent empty.
    pub fn status(status: u16) -> ReplyHead {
        ReplyHead(Head { status: Some(status), headers: Vec::new() })
    }

    /// A reply of one document.
    pub fn body(document: impl Into<Document>) -> Self {
        Self::documents([document.into()])
    }

    /// A reply of one document of text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::body(text.as_ref())
    }

    /// A reply of one document of JSON.
    ///
    /// # Errors
    /// When the value cannot be JSON.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        Document::from_json(value).map(Self::body)
    }

    /// A reply of any number of documents, as an output type of `multiple-json` or `multiple-xml` takes them.
    pub fn documents(documents: impl IntoIterator<Item = Document>) -> Self {
        Self { documents: documents.into_iter().collect(), head: Head::default() }
    }

    /// Adds a response header. `Set-Cookie` may be added many times; of other headers the values are joined by `, `. A
    /// header that the document carries already as a property `outheader_*` is replaced; its cookies stay.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.head.headers.push((name.into(), value.into()));
        self
    }

    /// The documents, the first with the status and headers as its properties.
    pub(crate) fn into_documents(self) -> Vec<Document> {
        let Self { mut documents, head } = self;
        if head.status.is_none() && head.headers.is_empty() {
            return documents;
        }
        if documents.is_empty() {
            documents.push(Document::default());
        }
        if let Some(first) = documents.first_mut() {
            head.write_to(first);
        }
        documents
    }
}

impl ReplyHead {
    /// Adds a response header, as [`Reply::header`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// The reply with one document of text.
    pub fn text(self, text: impl AsRef<str>) -> Reply {
        self.body(text.as_ref())
    }

    /// The reply with one document of JSON.
    ///
    /// # Errors
    /// When the value cannot be JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Reply, Error> {
        Document::from_json(value).map(|document| self.body(document))
    }

    /// The reply with this document.
    pub fn body(self, document: impl Into<Document>) -> Reply {
        Reply { documents: vec![document.into()], head: self.0 }
    }
}

impl Head {
    fn write_to(self, document: &mut Document) {
        if let Some(status) = self.status {
            document.set_property("outstatuscode", &status.to_string());
        }
        if self.headers.is_empty() {
            return;
        }
        let carried: Vec<String> =
            document.properties().iter().filter_map(|(name, _)| name.strip_prefix(HEADER).map(str::to_owned)).collect();
        let mut cookies =
            carried.iter().filter_map(|name| cookie_number(name)).max().map_or(0, |last| last.saturating_add(1));
        let mut joined: Vec<(String, String)> = Vec::new();
        for (name, value) in self.headers {
            if name.eq_ignore_ascii_case(SET_COOKIE) {
                // Cookies cannot be joined: each further one has a property of its own.
                let index = if cookies == 0 { String::new() } else { format!("[{cookies}]") };
                document.set_property(&format!("{HEADER}{SET_COOKIE}{index}"), &value);
                cookies += 1;
            } else if let Some((_, before)) = joined.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                *before = format!("{before}, {value}");
            } else {
                joined.push((name, value));
            }
        }
        for (name, value) in &joined {
            document.set_property(&format!("{HEADER}{name}"), value);
            // Properties differ by case and headers do not: another spelling would be sent in the place of this one.
            for other in carried.iter().filter(|other| other.eq_ignore_ascii_case(name)) {
                document.set_property(&format!("{HEADER}{other}"), value);
            }
        }
    }
}

/// The number of a cookie among those of a document: 0 for `Set-Cookie`, else that in `Set-Cookie[n]`.
fn cookie_number(name: &str) -> Option<u32> {
    let (name, number) = name.split_at_checked(SET_COOKIE.len())?;
    if !name.eq_ignore_ascii_case(SET_COOKIE) {
        return None;
    }
    if number.is_empty() { Some(0) } else { number.strip_prefix('[')?.strip_suffix(']')?.parse().ok() }
}

/// What a listener can return: a [`Reply`], a [`Document`], a `Vec<Document>`, text, `()` for no documents at all, or a
/// `Result` of one of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from a listener",
    label = "the listener returns `{Self}`",
    note = "return a `Reply`, a `Document`, a `Vec<Document>`, a `String`, `()`, or a `Result` of one of these"
)]
pub trait IntoReply {
    /// The reply.
    ///
    /// # Errors
    /// What made the execution fail.
    fn into_reply(self) -> Result<Reply, Error>;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(self)
    }
}

impl IntoReply for ReplyHead {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply { documents: Vec::new(), head: self.0 })
    }
}

impl IntoReply for Document {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(self.into())
    }
}

impl IntoReply for Vec<Document> {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(self.into())
    }
}

impl IntoReply for String {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::text(self))
    }
}

impl IntoReply for &str {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::text(self))
    }
}

impl IntoReply for () {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::new())
    }
}

impl<T: IntoReply, E: Into<Error>> IntoReply for Result<T, E> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_err(Into::into)?.into_reply()
    }
}

impl From<Document> for Reply {
    fn from(document: Document) -> Self {
        Self::documents([document])
    }
}

impl From<Vec<Document>> for Reply {
    fn from(documents: Vec<Document>) -> Self {
        Self::documents(documents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(reply: impl IntoReply) -> Vec<(String, String)> {
        let documents = reply.into_reply().unwrap().into_documents();
        assert_eq!(documents.len(), 1);
        documents[0].properties()
    }

    #[test]
    fn status_and_headers_are_properties_of_the_document() {
        let reply = Reply::status(201).header("Location", "/7").header("Vary", "A").header("Vary", "B").text("made");
        let expected = [("outheader_Location", "/7"), ("outheader_Vary", "A, B"), ("outstatuscode", "201")];
        assert_eq!(properties(reply), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn each_cookie_has_its_own_property() {
        let reply =
            Reply::text("x").header("Set-Cookie", "a=1").header("set-cookie", "b=2").header("Set-Cookie", "c=3");
        let names: Vec<_> = properties(reply).into_iter().map(|(n, v)| n + "=" + &v).collect();
        assert_eq!(names, ["outheader_Set-Cookie=a=1", "outheader_Set-Cookie[1]=b=2", "outheader_Set-Cookie[2]=c=3"]);
    }

    #[test]
    fn headers_take_the_place_of_the_documents_own_and_cookies_are_added() {
        let mut document = Document::from("x");
        for (name, value) in [("vary", "own"), ("ETag", "\"1\""), ("set-cookie", "a=1"), ("Set-Cookie[4]", "b=2")] {
            document.set_property(&format!("outheader_{name}"), value);
        }
        let reply = Reply::from(document).header("Vary", "A").header("vary", "B").header("Set-Cookie", "c=3");
        let expected = [
            ("outheader_ETag", "\"1\""),
            ("outheader_Set-Cookie[4]", "b=2"),
            ("outheader_Set-Cookie[5]", "c=3"),
            ("outheader_Vary", "A, B"),
            ("outheader_set-cookie", "a=1"),
            ("outheader_vary", "A, B"),
        ];
        assert_eq!(properties(reply), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn a_status_without_a_body_has_an_empty_document_to_travel_on() {
        assert_eq!(properties(Reply::status(204)), [("outstatuscode".to_owned(), "204".to_owned())]);
        assert!(Reply::new().into_documents().is_empty());
        assert!(().into_reply().unwrap().into_documents().is_empty());
    }

    #[test]
    fn a_result_is_a_reply_or_fails() {
        let failed: Result<(), std::fmt::Error> = Err(std::fmt::Error);
        assert!(failed.into_reply().is_err());
        assert_eq!(Ok::<_, Error>("x").into_reply().unwrap().into_documents()[0].bytes(), b"x");
    }
}
