//! Pages of multiple-* outputs: where the first one ends, and the link to the next.
//!
//! Making tokens and holding pages is the server's.

use std::borrow::Cow;

use auricle_model::{Document, Operation};
use http::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The query parameter, and the attribute of an XML list, that holds the token of the next page.
pub const TOKEN: &str = "moreDataToken";

/// What can't stand between the `<` and `>` of a link, or in a header at all.
const LINK: &AsciiSet = &CONTROLS.add(b' ').add(b'<').add(b'>').add(b'"');

/// The characters that stand for themselves in any part of a URL (RFC 3986, unreserved).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The documents of the first page, and those still to come. Single-* outputs have one page.
pub fn split(operation: &Operation, mut documents: Vec<Document>) -> (Vec<Document>, Vec<Document>) {
    let page = usize::try_from(operation.max_documents.max(1)).unwrap_or(usize::MAX);
    if !operation.output.is_multiple() || documents.len() <= page {
        return (documents, Vec::new());
    }
    let rest = documents.split_off(page);
    (documents, rest)
}

/// The value of a `Link` header to the next page: `<URL?moreDataToken=TOKEN>; rel="next"`.
///
/// `url` is scheme, authority and path as the client has to send them; `query` is that of the request, whose other
/// parameters are kept as they are and whose own token is replaced.
pub fn link(url: &str, query: Option<&str>, token: &str) -> HeaderValue {
    let others = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !is_token(pair));
    let mut target = utf8_percent_encode(url, LINK).to_string();
    target.push('?');
    for pair in others {
        target.extend(utf8_percent_encode(pair, LINK));
        target.push('&');
    }
    target.push_str(TOKEN);
    target.push('=');
    target.extend(utf8_percent_encode(token, VALUE));
    #[expect(clippy::expect_used, reason = "encoding leaves visible ASCII only, which any header value may hold")]
    HeaderValue::try_from(format!("<{target}>; rel=\"next\"")).expect("visible ASCII")
}

/// The token in a request's query, if it asks for a further page. Empty and undecodable ones are tokens too: unknown ones.
pub fn token_of(query: &str) -> Option<String> {
    let pair = query.split('&').find(|pair| is_token(pair))?;
    Some(decoded(pair.split_once('=').map_or("", |(_, value)| value)).into_owned())
}

fn is_token(pair: &str) -> bool {
    decoded(pair.split_once('=').map_or(pair, |(key, _)| key)) == TOKEN
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use auricle_model::DocumentType;

    use super::*;
    use crate::outbound::tests::operation;

    fn sizes(output: DocumentType, max: u32, documents: usize) -> (usize, usize) {
        let operation = Operation { max_documents: max, ..operation(output) };
        let documents = (0..documents).map(|i| Document::new(i.to_string())).collect();
        let (first, rest) = split(&operation, documents);
        assert!(first.iter().chain(&rest).enumerate().all(|(i, d)| d.text().is_some_and(|text| text == i.to_string())));
        (first.len(), rest.len())
    }

    #[test]
    fn i5_a_page_holds_a_hundred_unless_said_otherwise() {
        assert_eq!(sizes(DocumentType::MultipleJson, 100, 101), (100, 1));
        assert_eq!(sizes(DocumentType::MultipleXml, 100, 100), (100, 0));
        assert_eq!(sizes(DocumentType::MultipleXml, 100, 0), (0, 0));
    }

    /// `decisions.md` does not follow I6 (at most 100): any page size up to the manifest's limit.
    #[test]
    fn i6_a_page_can_hold_more() {
        assert_eq!(sizes(DocumentType::MultipleJson, 500, 501), (500, 1));
    }

    #[test]
    fn single_outputs_have_one_page_and_a_page_is_never_empty() {
        assert_eq!(sizes(DocumentType::SingleData, 1, 3), (3, 0));
        assert_eq!(sizes(DocumentType::MultipleJson, 0, 2), (1, 1));
    }

    #[test]
    fn a_link_keeps_the_query_and_replaces_the_token() {
        let link = |query| link("https://h/ws/rest/crm", query, "t_1").to_str().unwrap().to_owned();
        assert_eq!(link(None), "<https://h/ws/rest/crm?moreDataToken=t_1>; rel=\"next\"");
        assert_eq!(link(Some("")), link(None));
        assert_eq!(
            link(Some("a=%20&moreDataToken=old&b&more%44ataToken=x")),
            "<https://h/ws/rest/crm?a=%20&b&moreDataToken=t_1>; rel=\"next\""
        );
    }

    #[test]
    fn a_link_holds_nothing_that_ends_it() {
        let link = link("http://h/é\r\n>", Some("a=>\"x y"), "a&b>");
        assert_eq!(link, "<http://h/%C3%A9%0D%0A%3E?a=%3E%22x%20y&moreDataToken=a%26b%3E>; rel=\"next\"");
    }

    #[test]
    fn a_token_is_read_back() {
        let link = link("http://h/", Some("a=1"), "a+b=ü&").to_str().unwrap().to_owned();
        let query = link.split_once('?').unwrap().1.split_once('>').unwrap().0;
        assert_eq!(token_of(query).as_deref(), Some("a+b=ü&"));
        assert_eq!(token_of("a=1&moredatatoken=x"), None);
        assert_eq!(token_of("moreDataToken").as_deref(), Some(""));
        assert_eq!(token_of("moreDataToken=%FF").as_deref(), Some("\u{FFFD}"));
    }
}
