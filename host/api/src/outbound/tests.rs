//! What becomes of documents on their way out: the cases of the mission, and everything that is refused.

use auricle_model::{OperationKind, Properties};

use super::*;

/// An operation of this output type.
pub(crate) fn operation(output: DocumentType) -> Operation {
    Operation {
        kind: OperationKind::Create,
        object: "Contact".into(),
        input: DocumentType::None,
        output,
        content_type: "text/plain".into(),
        return_documents: true,
        max_documents: 100,
    }
}

const LIST: List<'_> = List { own_object: "Own", namespace: DEFAULT_NAMESPACE, next: None };

fn reply_to(output: DocumentType, documents: &[&str]) -> Result<Reply, OutputError> {
    let documents: Vec<_> = documents.iter().map(|d| Document::new((*d).to_owned())).collect();
    reply(&operation(output), &documents, &LIST)
}

fn with(properties: &[(&str, &str)]) -> Result<Reply, OutputError> {
    let properties: Properties = properties.iter().copied().collect();
    reply(&operation(DocumentType::SingleJson), &[Document::with_properties("{}", properties)], &LIST)
}

fn header<'a>(reply: &'a Reply, name: &str) -> Vec<&'a [u8]> {
    reply.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
}

#[test]
fn h2_a_document_sets_the_status() {
    let reply = with(&[("outstatuscode", "404")]).unwrap();
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (404, &b"{}"[..]));
    assert_eq!(header(&reply, "content-type"), [b"application/json"]);
    assert_eq!(with(&[("outstatuscode", " 299 ")]).unwrap().status.as_u16(), 299);
    for bad in ["", "199", "600", "abc", "+404", "4 4", "0404", "٤٠٤"] {
        let error = with(&[("outstatuscode", bad)]).unwrap_err().message;
        assert!(error.contains("`outstatuscode`") && error.contains(&format!("{bad:?}")), "{error}");
    }
}

#[test]
fn h5_lists_and_several_documents_ignore_status_and_headers_and_say_so() {
    let properties: Properties = [("outstatuscode", "418"), ("outheader_A", "1"), ("own", "")].into_iter().collect();
    let document = Document::with_properties("1", properties);
    for (output, documents) in [
        (DocumentType::MultipleJson, vec![document.clone()]),
        (DocumentType::SingleData, vec![Document::new("0"), document]),
    ] {
        let reply = reply(&operation(output), &documents, &LIST).unwrap();
        assert_eq!((reply.status, reply.headers.len()), (StatusCode::OK, 1));
        assert_eq!(reply.notes.len(), 1);
        assert!(reply.notes[0].starts_with("outheader_A, outstatuscode ignored"), "{:?}", reply.notes);
    }
    assert!(reply_to(DocumentType::MultipleJson, &["1"]).unwrap().notes.is_empty());
}

#[test]
fn h6_h19_single_data_is_concatenated() {
    let reply = reply_to(DocumentType::SingleData, &["a", "b"]).unwrap();
    assert_eq!((reply.status, &reply.body[..]), (StatusCode::OK, &b"ab"[..]));
    assert_eq!(header(&reply, "content-type"), [b"text/plain"]);
}

#[test]
fn single_xml_and_json_take_one_document() {
    let error = reply_to(DocumentType::SingleJson, &["1", "2", "3"]).unwrap_err().message;
    assert!(error.contains("3 documents") && error.contains("multiple-json"), "{error}");
    assert!(reply_to(DocumentType::SingleXml, &["<a/>", "<b/>"]).unwrap_err().message.contains("multiple-xml"));
    assert_eq!(&reply_to(DocumentType::SingleXml, &["not <xml"]).unwrap().body[..], b"not <xml");
}

#[test]
fn h7_no_document_is_an_empty_body() {
    for single in [DocumentType::SingleJson, DocumentType::SingleXml, DocumentType::SingleData, DocumentType::None] {
        let reply = reply_to(single, &[]).unwrap();
        assert_eq!((reply.status, reply.body.len(), reply.headers.len()), (StatusCode::OK, 0, 0));
    }
    assert_eq!(&reply_to(DocumentType::MultipleJson, &[]).unwrap().body[..], b"[]");
    let list = "<wss:ContactResponseList xmlns:wss=\"http://www.boomi.com/connector/wss\"></wss:ContactResponseList>";
    assert_eq!(reply_to(DocumentType::MultipleXml, &[]).unwrap().body, list);
}

#[test]
fn h14_the_output_type_says_the_media_type() {
    for (output, expected) in [
        (DocumentType::SingleJson, "application/json"),
        (DocumentType::MultipleJson, "application/json"),
        (DocumentType::SingleXml, "application/xml"),
        (DocumentType::MultipleXml, "application/xml"),
    ] {
        let document = if output.is_json() { "1" } else { "<a/>" };
        assert_eq!(header(&reply_to(output, &[document]).unwrap(), "content-type"), [expected.as_bytes()]);
    }
    assert_eq!(header(&with(&[("outheader_Content-Type", "text/csv")]).unwrap(), "content-type"), [b"text/csv"]);
    let operation = Operation { content_type: "a\nb".into(), ..operation(DocumentType::SingleData) };
    assert!(reply(&operation, &[Document::new("")], &LIST).unwrap_err().message.contains("content-type"));
}

#[test]
fn i7_json_pages_are_arrays() {
    let reply = reply_to(DocumentType::MultipleJson, &[" {\"a\": 1.0}\n", "\u{FEFF}2", "\"x\""]).unwrap();
    assert_eq!(&reply.body[..], b"[{\"a\": 1.0},2,\"x\"]");
}

/// I8 is SOAP's; the list element of the plain protocols carries the same attribute.
#[test]
fn i8_an_xml_page_carries_the_token_of_the_next() {
    let documents = [
        Document::new("<?xml version='1.0'?>\n<a>1</a>\n"),
        Document::new(&b"\xEF\xBB\xBF<b/>"[..]),
        Document::new(&b"<?xml version='1.0' encoding='ISO-8859-1'?><c>\xE9</c>"[..]),
    ];
    let list = List { next: Some("t<1"), namespace: "urn:a&b", ..LIST };
    let operation = Operation { object: String::new(), ..operation(DocumentType::MultipleXml) };
    assert_eq!(
        reply(&operation, &documents, &list).unwrap().body,
        "<wss:OwnResponseList xmlns:wss=\"urn:a&amp;b\" moreDataToken=\"t&lt;1\"><a>1</a><b/><c>é</c></wss:OwnResponseList>"
    );
}

#[test]
fn what_cannot_stand_in_a_list_is_named() {
    for (output, documents, expected) in [
        (DocumentType::MultipleJson, ["1", ""], "document 2 of 2 of the answer is not well-formed JSON: line 1"),
        (DocumentType::MultipleJson, ["1 2", "3"], "document 1 of 2"),
        (DocumentType::MultipleJson, ["1", "1],[2"], "document 2 of 2"),
        (DocumentType::MultipleXml, ["<a/>", ""], "document 2 of 2 of the answer is not well-formed XML: line 1"),
        (DocumentType::MultipleXml, ["<a/><b/>", "<a/>"], "document 1 of 2"),
        (DocumentType::MultipleXml, ["<a/>", "</wss:ContactResponseList>"], "document 2 of 2"),
        (DocumentType::MultipleXml, ["<a/>", "<wss:a/>"], "document 2 of 2"),
        (DocumentType::MultipleXml, ["<!DOCTYPE a><a/>", "<a/>"], "document 1 of 2"),
    ] {
        let error = reply_to(output, &documents).unwrap_err().message;
        assert!(error.starts_with(expected), "{documents:?}: {error}");
    }
    let latin = [Document::new(&b"\"\xE9\""[..])];
    let error = reply(&operation(DocumentType::MultipleJson), &latin, &LIST).unwrap_err().message;
    assert!(error.contains("not UTF-8"), "{error}");
    let operation = Operation { object: "my contact".into(), ..operation(DocumentType::MultipleXml) };
    assert!(reply(&operation, &[], &LIST).unwrap_err().message.contains("my contact"));
}

#[test]
fn properties_become_headers() {
    let reply = with(&[("outheader_Some-Data", "5"), ("outheader_X-Name", "é"), ("Outheader_No", "1")]).unwrap();
    assert_eq!(header(&reply, "some-data"), [b"5"]);
    assert_eq!(header(&reply, "x-name"), ["é".as_bytes()]);
    assert!(!reply.headers.contains_key("no"), "the prefix has a case");
}

#[test]
fn cookies_are_added_in_order() {
    let cookies = ["a", "b", "c", "d"];
    let names =
        ["outheader_Set-Cookie", "outheader_set-cookie[1]", "outheader_Set-Cookie[2]", "outheader_Set-Cookie[10]"];
    let reply = with(&names.into_iter().zip(cookies).collect::<Vec<_>>()).unwrap();
    assert_eq!(header(&reply, "set-cookie"), cookies.map(str::as_bytes));
}

#[test]
fn headers_that_http_forbids_fail_and_name_the_property() {
    for (name, value) in [
        ("outheader_", "1"),
        ("outheader_a b", "1"),
        ("outheader_Link[1]", "1"),
        ("outheader_Set-Cookie[x]", "1"),
        ("outheader_é", "1"),
        ("outheader_A", "1\r\nB: 2"),
        ("outheader_A", "\0"),
        ("outheader_Connection", "\n"),
    ] {
        let error = with(&[(name, value)]).unwrap_err().message;
        assert!(error.contains(name) || error.contains(&format!("{name:?}")), "{name}: {error}");
    }
}

#[test]
fn the_number_of_headers_is_limited() {
    let many = |n: usize| (0..n).map(|i| (format!("outheader_A{i}"), "1")).collect::<Properties>();
    let single = |n| reply(&operation(DocumentType::SingleData), &[Document::with_properties("", many(n))], &LIST);
    assert_eq!(single(MAX_HEADERS).unwrap().headers.len(), MAX_HEADERS + 1);
    assert!(single(100_000).unwrap_err().message.contains("more than 1000"));
}

#[test]
fn headers_of_the_host_are_dropped_with_a_note() {
    for name in [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "content-length",
        "X-Execution-Id",
    ] {
        let reply = with(&[(&format!("outheader_{name}"), "1")]).unwrap();
        assert!(!reply.headers.contains_key(name), "{name}");
        assert!(reply.notes.len() == 1 && reply.notes[0].contains(name), "{:?}", reply.notes);
    }
}

#[test]
fn some_statuses_have_no_body() {
    for status in ["204", "205", "304"] {
        let reply = with(&[("outstatuscode", status), ("outheader_ETag", "\"1\"")]).unwrap();
        assert_eq!((reply.body.len(), reply.headers.len(), reply.notes.len()), (0, 1, 1));
    }
    let reply = with(&[("outstatuscode", "304"), ("outheader_content-type", "a/b")]).unwrap();
    assert_eq!(header(&reply, "content-type"), [b"a/b"]);
}

#[test]
fn one_document_is_not_copied() {
    let data = Bytes::from_static(b"x");
    let reply = reply(&operation(DocumentType::SingleData), &[Document::new(data.clone())], &LIST).unwrap();
    assert_eq!(reply.body.as_ptr(), data.as_ptr());
}
