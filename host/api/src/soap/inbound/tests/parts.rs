//! The whole envelope as a document, and the parts of a multipart request.

use super::*;

#[test]
fn passthrough_gives_the_whole_envelope_without_its_passwords() {
    let wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    let token = |actor: &str, password: &str| {
        format!(
            "<o:Security xmlns:o='{wsse}'{actor}><o:UsernameToken><o:Username>joe</o:Username>\
             <o:Password>{password}</o:Password></o:UsernameToken></o:Security>"
        )
    };
    let text = |first: &str, second: &str| {
        format!(
            "<S:Envelope xmlns:S='{S}'><S:Header>{}{}</S:Header><S:Body><w:createAccount xmlns:w='{NS}'/></S:Body></S:Envelope>",
            token("", first),
            token(" S:actor='urn:other'", second)
        )
    };
    let sent = format!("<?xml version='1.0' encoding='iso-8859-1'?><!-- c -->{}\n", text("secret", "<![CDATA[&]]>"));
    let message = Message::read(Version::V11, Some("text/xml"), sent.into()).unwrap();
    let operation = SoapOperation { passthrough: true, ..operation(DocumentType::SingleData) };
    let taken = take(&operation, &message).unwrap();
    assert_eq!(taken.documents[0].text().unwrap().trim_end(), format!("{HEAD}{}", text("", "")));
    assert_eq!(taken.documents[0].properties.get("inheader_X"), Some("1"));
    let [_, rest] = taken.documents[0].data.pieces();
    assert!(message.envelope.as_ptr_range().contains(&rest.as_ptr()), "the body is not copied");
}

fn multipart(body: &str, parts: &str) -> Message {
    let root = envelope(body);
    let text = format!("--b\r\nContent-Type: text/xml\r\n\r\n{root}\r\n{parts}--b--");
    Message::read(Version::V11, Some("multipart/related; boundary=b"), text.into()).unwrap()
}

const PARTS: &str = "--b\r\nContent-ID: <logo@x>\r\nContent-Type: image/png\r\n\r\n\u{1}PNG\r\n--b\r\n\r\nplain\r\n";

#[test]
fn g13_parts_become_documents_beside_the_root() {
    let message = multipart("<w:createAccount><m/></w:createAccount>", PARTS);
    for operation in
        [operation(DocumentType::SingleXml), SoapOperation { passthrough: true, ..operation(DocumentType::SingleData) }]
    {
        let documents = take(&operation, &message).unwrap().documents;
        let told: Vec<_> = documents
            .iter()
            .map(|document| {
                let of = |name| document.properties.get(name).unwrap_or("-");
                ["WSS_ROOT_DOCUMENT_ID", "WSS_ATTACHMENT_CONTENT_ID", "WSS_ATTACHMENT_CONTENT_TYPE", "inheader_X"]
                    .map(of)
            })
            .collect();
        let id = "the-id";
        assert_eq!(
            told,
            [[id, "-", "-", "1"], [id, "logo@x", "image/png", "1"], [id, "2", "application/octet-stream", "1"]]
        );
        assert_eq!(documents[1].text().as_deref(), Some("\u{1}PNG"));
    }
    for input in [DocumentType::None, DocumentType::MultipleXml] {
        let refused = take(&operation(input), &message).unwrap_err();
        assert!(refused.message.contains("takes no attachments"), "{refused}");
    }
}

fn include(href: &str) -> String {
    format!("<i:Include href='{href}' xmlns:i='http://www.w3.org/2004/08/xop/include'></i:Include>")
}

#[test]
fn mtom_parts_are_put_in_where_the_message_is_converted_only() {
    let logo = include("cid:logo%40x");
    let body = format!("<w:createAccount><Account><Logo>{logo}</Logo><Name>n</Name></Account></w:createAccount>");
    let documents = take(&json(DocumentType::SingleJson), &multipart(&body, PARTS)).unwrap().documents;
    assert_eq!(documents.len(), 3);
    let converted: serde_json::Value = serde_json::from_str(&documents[0].text().unwrap()).unwrap();
    assert_eq!(converted, serde_json::json!({"Logo": "AVBORw==", "Name": "n"}));
    let documents = take(&operation(DocumentType::SingleXml), &multipart(&body, PARTS)).unwrap().documents;
    assert!(documents[0].text().unwrap().contains(&logo), "an XML process gets it as it was sent");

    // A place behind a part is told as it was in the request.
    let body = format!("<w:createAccount><Account><Logo>{logo}</Logo><Size>x</Size></Account></w:createAccount>");
    let message = multipart(&body, PARTS);
    let sent = std::str::from_utf8(&message.envelope).unwrap();
    let refused = take(&json(DocumentType::SingleJson), &message).unwrap_err();
    let column = sent.lines().nth(1).unwrap().find("<Size>").unwrap() + 1;
    let violation = refused.violation.unwrap();
    assert_eq!((violation.line, violation.column), (2, column), "{violation}");

    let twice = format!("{logo}{logo}");
    let (unknown, elsewhere) = (include("cid:else"), include("http://else/"));
    for (content, expected) in [
        (&twice, "`cid:logo%40x` is included twice"),
        (&unknown, "names `cid:else`, and no part has that Content-ID"),
        (&elsewhere, "and not by `http://else/`"),
    ] {
        let body = format!("<w:createAccount><Account><Logo>{content}</Logo></Account></w:createAccount>");
        let refused = take(&json(DocumentType::SingleJson), &multipart(&body, PARTS)).unwrap_err();
        assert!(refused.message.starts_with("line 2, column ") && refused.message.contains(expected), "{refused}");
    }
}
