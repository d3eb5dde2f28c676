//! What is a message and what is none: rule by rule, with envelopes as clients send them.

use proptest::prelude::*;

use super::*;

const S11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const S12: &str = "http://www.w3.org/2003/05/soap-envelope";
const WSA: &str = "http://www.w3.org/2005/08/addressing";

fn read(version: Version, content_type: &str, body: impl Into<Bytes>) -> Result<Message, Box<Refused>> {
    Message::read(version, Some(content_type), body.into())
}

fn read11(body: &str) -> Result<Message, Box<Refused>> {
    read(Version::V11, "text/xml; charset=utf-8", body.to_owned())
}

/// A 1.1 envelope with this header and body.
fn envelope(header: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='{S11}' xmlns:a='{WSA}' xmlns:o='{}' xmlns:u='{}' xmlns:x='urn:x'>\
         <s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>",
        security::WSSE,
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
    )
}

fn with_header(header: &str) -> Result<Message, Box<Refused>> {
    read11(&envelope(header, "<x:op/>"))
}

fn refused(header: &str) -> Box<Refused> {
    with_header(header).map(|message| panic!("{header}: {message:?}")).unwrap_err()
}

#[test]
fn what_clients_send_is_read() {
    let zeep = include_str!("tests/zeep-1.1.xml");
    let zeep12 = include_str!("tests/zeep-1.2.xml");
    let jax_ws = include_str!("tests/jax-ws.xml");
    let saaj = include_str!("tests/saaj.xml");
    let ws_http_binding = include_str!("tests/ws-http-binding.xml");
    let node_soap = include_str!("tests/node-soap.xml");
    for (version, content_type, body) in [
        (Version::V11, "text/xml; charset=utf-8", zeep),
        (Version::V12, "application/soap+xml; charset=utf-8; action=\"urn:get\"", zeep12),
        (Version::V11, "text/xml; charset=\"utf-8\"", jax_ws),
        (Version::V11, "text/xml;charset=UTF-8", saaj),
        (Version::V12, "application/soap+xml; charset=utf-8", ws_http_binding),
        (Version::V11, "text/xml; charset=utf-8", node_soap),
    ] {
        let message = read(version, content_type, body).unwrap();
        let payload = message.body.unwrap();
        assert_eq!((&*payload.namespace, &*payload.local), ("http://www.boomi.com/connector/wss", "getAccount"));
        assert!(body[payload.offset..].starts_with('<') && body[payload.offset..].contains("getAccount"), "{body}");
        let [child] = &*payload.children else { panic!("{body}") };
        assert_eq!((&*child.namespace, &*child.local), ("http://www.boomi.com/connector/wss", "Id"));
        assert!(matches!(&child.content, Content::Text(text) if text == "1"));
    }
    let message = read(Version::V12, "application/soap+xml", ws_http_binding).unwrap();
    let credentials = message.headers.credentials.unwrap();
    assert_eq!((&*credentials.username, &*credentials.password), ("joe", "s & t"));
    assert!(!format!("{credentials:?}").contains("s & t"));
    let [place] = &*message.passwords else { panic!() };
    assert_eq!(&ws_http_binding[place.clone()], "s &amp; t");
    let addressing = message.headers.addressing.unwrap();
    assert_eq!((addressing.namespace, addressing.message_id.as_deref()), (WSA, Some("urn:uuid:1")));
    assert_eq!(addressing.action.as_deref(), Some("http://www.boomi.com/connector/wss/getAccount"));
}

/// The shape of the published WSDL of its outbound messaging.
#[test]
fn an_outbound_message_of_salesforce_is_read() {
    let payload = read11(include_str!("tests/salesforce.xml")).unwrap().body.unwrap();
    assert_eq!((&*payload.namespace, &*payload.local), ("http://soap.sforce.com/2005/09/outbound", "notifications"));
    assert_eq!(payload.children.len(), 6);
    assert!(payload.children[2].is_nil && !payload.children[1].is_nil);
    assert!(matches!(&payload.children[5].content, Content::Elements { offsets, text: None } if offsets.len() == 2));
}

#[test]
fn content_types_are_those_of_the_version() {
    let of = |version: Version| format!("<E:Envelope xmlns:E='{}'><E:Body/></E:Envelope>", version.namespace());
    for (version, content_type, is_taken) in [
        (Version::V11, "text/xml", true),
        (Version::V11, "Text/XML;charset=utf-8", true),
        (Version::V11, "application/xml", true),
        (Version::V11, "application/soap+xml", false),
        (Version::V11, "application/json", false),
        (Version::V11, "multipart/form-data; boundary=b", false),
        (Version::V11, "text", false),
        (Version::V12, "application/soap+xml; action=\"a;b\"", true),
        (Version::V12, "text/xml", true),
        (Version::V12, "application/xml", false),
    ] {
        match read(version, content_type, of(version)) {
            Ok(_) => assert!(is_taken, "{version:?} {content_type}"),
            Err(refused) => {
                assert!(!is_taken, "{version:?} {content_type}: {refused}");
                assert_eq!((refused.status, refused.code), (Some(415), Code::Sender));
                assert!(
                    refused.message.contains(version.name()) && refused.message.contains(content_type),
                    "{refused}"
                );
            }
        }
    }
    assert!(Message::read(Version::V11, None, of(Version::V11).into()).is_ok());
    assert!(Message::read(Version::V11, Some(""), of(Version::V11).into()).is_ok());
}

#[test]
fn text_that_is_utf8_is_not_copied() {
    let body = Bytes::from(format!("\u{FEFF}{}", envelope("", "<x:op>é</x:op>")));
    let message = Message::read(Version::V11, Some("text/xml"), body.clone()).unwrap();
    assert_eq!(message.envelope.as_ptr(), body[3..].as_ptr());
}

#[test]
fn other_encodings_are_read() {
    let text = envelope("", "<x:op><a>é</a></x:op>");
    let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    for (content_type, body) in [
        ("text/xml; charset=utf-16", utf16.clone()),
        ("text/xml", utf16),
        ("text/xml; charset=iso-8859-1", latin1.clone()),
    ] {
        assert_eq!(read(Version::V11, content_type, body).unwrap().envelope, text);
    }
    let refused = read(Version::V11, "text/xml", latin1).unwrap_err();
    assert!(refused.message.contains("not UTF-8") && refused.message.contains("line 1, column"), "{refused}");
}

#[test]
fn the_version_is_that_of_the_endpoint() {
    for (version, root, code, expected) in [
        (Version::V11, format!("<Envelope xmlns='{S12}'/>"), Code::VersionMismatch, S11),
        (Version::V12, format!("<Envelope xmlns='{S11}'/>"), Code::VersionMismatch, S12),
        (Version::V11, "<Envelope/>".into(), Code::VersionMismatch, "of no namespace"),
        (Version::V11, "<Account/>".into(), Code::VersionMismatch, "`Account`"),
        (Version::V11, format!("<Fault xmlns='{S11}'/>"), Code::Sender, "`Fault`"),
    ] {
        let refused = read(version, "text/xml", root.clone()).unwrap_err();
        assert_eq!((refused.code, refused.status), (code, None), "{root}");
        assert!(refused.message.starts_with("line 1, column 1: ") && refused.message.contains(expected), "{refused}");
    }
}

#[test]
fn an_envelope_is_a_whole_in_its_order() {
    let e = |content: &str| format!("<s:Envelope xmlns:s='{S11}' xmlns:x='urn:x'>{content}</s:Envelope>");
    for (text, expected) in [
        (String::new(), "the request has no body: send a SOAP 1.1 envelope"),
        ("{}".into(), "the envelope is not well-formed XML: line 1, column 1: text can't stand outside"),
        (format!("<!DOCTYPE a>{}", e("<s:Body/>")), "line 1, column 1: a DOCTYPE is not taken"),
        (e(""), "line 1, column 1: the envelope has no `Body`"),
        (e("<s:Header/>"), "the envelope has no `Body`"),
        (e("<s:Body/>\n<s:Header/>"), "line 2, column 1: `Header` of namespace"),
        (e("<s:Header/><s:Header/><s:Body/>"), "`Header` of namespace"),
        (e("<s:Body/><s:Body/>"), "`Body` of namespace"),
        (e("<s:Body/><x:more/>"), "`more` of namespace urn:x can't stand here"),
        (e("<Body/>"), "`Body` of no namespace can't stand here"),
        (e("<s:Body/>text"), "text can't stand between the elements of `Envelope`"),
        (e("<s:Header>text</s:Header><s:Body/>"), "text can't stand between the elements of `Header`"),
        (e("<s:Body>text</s:Body>"), "text can't stand between the elements of `Body`"),
        (e("<s:Body><x:a/>\n<x:b/></s:Body>"), "line 2, column 1: the body holds `a` and `b`"),
        (e("<s:Body><x:a></s:Body>"), "the envelope is not well-formed XML: line 1, column"),
        (e("<s:Body/>") + "<more/>", "`more` follows the root element"),
        (e("<s:Body>&lol;</s:Body>"), "entity `&lol;` is unknown"),
        (e(&format!("<s:Body>{}", "<a>".repeat(300))), "more than 256 elements inside each other"),
    ] {
        let refused = read11(&text).unwrap_err();
        assert_eq!((refused.code, refused.status), (Code::Sender, None), "{text}");
        assert!(refused.message.contains(expected), "{text}\n  {refused}");
    }
    let message = read11(&e("<!-- c --><s:Header/> <s:Body> <x:a/> <!-- c --></s:Body>\n")).unwrap();
    assert_eq!(message.body.unwrap().local, "a");
    assert!(read11(&e("<s:Body>\n</s:Body>")).unwrap().body.is_none());
}

#[test]
fn header_blocks_that_must_be_understood_are() {
    const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";
    for (header, is_refused) in [
        ("<x:h/>".to_owned(), false),
        ("<x:h s:mustUnderstand='0'/>".to_owned(), false),
        ("<x:h mustUnderstand='1'/>".to_owned(), false),
        ("<x:h s:mustUnderstand='1' s:actor='urn:other'><x:i>t</x:i></x:h>".to_owned(), false),
        (
            "<a:Action s:mustUnderstand='1'>urn:a</a:Action><a:RelatesTo s:mustUnderstand='1'>urn:b</a:RelatesTo>"
                .to_owned(),
            false,
        ),
        ("<o:Security s:mustUnderstand='1'><u:Timestamp/></o:Security>".to_owned(), false),
        ("<o:Security><x:Signature/></o:Security>".to_owned(), false),
        ("<x:h s:mustUnderstand='1'/>".to_owned(), true),
        ("<x:h s:mustUnderstand=' true '/>".to_owned(), true),
        (format!("<x:h s:actor='{NEXT}' s:mustUnderstand='1'/>"), true),
        ("<x:h s:actor='' s:mustUnderstand='1'/>".to_owned(), true),
        ("<a:Later s:mustUnderstand='1'/>".to_owned(), true),
        ("<o:Security s:mustUnderstand='1'><x:Signature/></o:Security>".to_owned(), true),
    ] {
        let refused = with_header(&header).err();
        assert_eq!(refused.is_some(), is_refused, "{header}: {refused:?}");
        assert!(
            refused.is_none_or(|refused| refused.code == Code::MustUnderstand && !refused.not_understood.is_empty())
        );
    }
    let text = format!(
        "<s:Envelope xmlns:s='{S12}' xmlns:x='urn:x'><s:Header><x:g s:role='{S12}/role/none' s:mustUnderstand='1'/>\
         <x:h s:role='{S12}/role/ultimateReceiver' s:mustUnderstand='1'/><x:i s:role='{S12}/role/next' s:mustUnderstand='true'/>\
         <x:j s:actor='urn:other' s:mustUnderstand='true'/></s:Header><s:Body/></s:Envelope>"
    );
    let refused = read(Version::V12, "text/xml", text).unwrap_err();
    let names: Vec<_> =
        refused.not_understood.iter().map(|(namespace, local)| format!("{namespace} {local}")).collect();
    assert_eq!(names, ["urn:x h", "urn:x i", "urn:x j"]);
    assert!(refused.message.contains("`h` of namespace urn:x, `i`"), "{refused}");
    assert!(
        self::refused("<o:Security s:mustUnderstand='1'><x:Signature/></o:Security>").message.contains("`Signature`")
    );
}

#[test]
fn answers_go_back_on_the_connection() {
    let told = "<a:MessageID> urn:1 </a:MessageID>";
    for header in [
        format!("<a:ReplyTo><a:Address>urn:else</a:Address></a:ReplyTo>{told}"),
        format!("{told}<a:FaultTo><a:Address>urn:else</a:Address></a:FaultTo>"),
        format!("<a:ReplyTo><x:Address>{WSA}/anonymous</x:Address></a:ReplyTo>{told}"),
        format!("{told}<a:ReplyTo/>"),
    ] {
        let refused = refused(&header);
        assert!(refused.message.contains("OnlyAnonymousAddressSupported"), "{refused}");
        assert_eq!(refused.code, Code::Sender);
        assert_eq!(refused.addressing.unwrap().message_id.as_deref(), Some("urn:1"), "{header}");
    }
    for address in ["anonymous", "none"] {
        let header = format!("<a:ReplyTo><a:Address> {WSA}/{address}\n</a:Address><a:Metadata/></a:ReplyTo><a:From/>");
        let addressing = with_header(&header).unwrap().headers.addressing.unwrap();
        assert_eq!(addressing, Addressing { namespace: WSA, message_id: None, action: None });
    }
    assert!(
        refused("<a:MessageID>1</a:MessageID><a:MessageID>2</a:MessageID>").message.contains("`MessageID` comes twice")
    );
    assert!(refused("<a:Action><a:b/></a:Action>").message.contains("holds elements"));
    assert!(with_header("<a:RelatesTo>1</a:RelatesTo><a:RelatesTo>2</a:RelatesTo>").is_ok());
    assert!(with_header("<a:MessageID s:actor='urn:other'>1</a:MessageID>").unwrap().headers.addressing.is_none());
    let older = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
    let header = format!(
        "<w:ReplyTo xmlns:w='{older}'><w:Address>{older}/role/anonymous</w:Address></w:ReplyTo><w:MessageID xmlns:w='{older}'>2</w:MessageID>"
    );
    let addressing = with_header(&header).unwrap().headers.addressing.unwrap();
    assert_eq!((addressing.namespace, addressing.message_id.as_deref()), (older, Some("2")));
    assert!(refused(&format!("{header}<a:To>urn:x</a:To>")).message.contains("two versions"));
}

#[test]
fn a_refusal_relates_to_the_message_whatever_is_wrong() {
    let relates = |refused: Box<Refused>| refused.addressing.and_then(|addressing| addressing.message_id);
    let header = "<x:h s:mustUnderstand='1'/><a:MessageID>1</a:MessageID>";
    assert_eq!(relates(refused(header)).as_deref(), Some("1"));
    let two = envelope("<a:MessageID>1</a:MessageID>", "<x:a/><x:b/>");
    assert_eq!(relates(read11(&two).unwrap_err()).as_deref(), Some("1"));
    assert_eq!(relates(read11(two.trim_end_matches("</s:Envelope>")).unwrap_err()).as_deref(), Some("1"));
}

#[test]
fn a_username_token_is_a_name_and_a_password_as_text() {
    const PROFILE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
    let token = |content: &str| format!("<o:Security><o:UsernameToken>{content}</o:UsernameToken></o:Security>");
    let name = "<o:Username> joe </o:Username>";
    for content in [
        format!("{name}<o:Password>p</o:Password>"),
        format!("<o:Password Type='{PROFILE}#PasswordText'>p</o:Password>{name}<o:Nonce>n</o:Nonce><u:Created/>"),
    ] {
        let credentials = with_header(&token(&content)).unwrap().headers.credentials.unwrap();
        assert_eq!((&*credentials.username, &*credentials.password), ("joe", "p"));
    }
    let refused_with = [
        (token(""), "holds a `wsse:Username` and a `wsse:Password`"),
        (token(name), "holds a `wsse:Username` and a `wsse:Password`"),
        (token("<o:Password>p</o:Password>"), "holds a `wsse:Username`"),
        (token(&format!("{name}{name}<o:Password>p</o:Password>")), "`wsse:Username` comes twice"),
        (token(&format!("{name}<o:Password><x:p/></o:Password>")), "`wsse:Password` holds elements"),
        (
            token(&format!("{name}<o:Password Type='{PROFILE}#PasswordDigest'>p</o:Password>")),
            "of type `PasswordDigest` is not taken: send it as PasswordText, over TLS",
        ),
        (format!("<o:Security/>{}", token(&format!("{name}<o:Password/>"))), "`wsse:Security` comes twice"),
    ];
    for (header, expected) in refused_with {
        let refused = refused(&header);
        assert!(
            refused.message.contains(expected) && refused.message.starts_with("line 1, column "),
            "{header}\n  {refused}"
        );
        assert_eq!(refused.code, Code::Sender);
    }
    let other = "<o:Security s:actor='urn:other'><o:UsernameToken><o:Password>secret</o:Password></o:UsernameToken></o:Security>";
    let message = with_header(other).unwrap();
    assert!(message.headers.credentials.is_none(), "it is somebody else's");
    assert_eq!(message.passwords.len(), 1, "but no process sees it");
}

#[test]
fn passwords_are_noted_wherever_they_stand_in_the_header() {
    let token = "<o:UsernameToken><o:Username>joe</o:Username><o:Password>secret</o:Password></o:UsernameToken>";
    let embedded = format!("<o:SecurityTokenReference><o:Embedded>{token}</o:Embedded></o:SecurityTokenReference>");
    let nested = "<o:Password>secret<!-- c --><o:Password>secret</o:Password></o:Password>";
    for (header, count) in [
        (token.to_owned(), 1),
        (format!("<o:Security>{embedded}</o:Security>"), 1),
        (format!("<o:Security><u:Timestamp>{token}</u:Timestamp>{embedded}{token}</o:Security>"), 3),
        (
            format!(
                "<o:Security><o:UsernameToken><o:Username>joe</o:Username><o:Password>secret</o:Password><x:y>{token}</x:y></o:UsernameToken></o:Security>"
            ),
            2,
        ),
        (
            format!(
                "<o:Security s:actor='urn:other'><o:UsernameToken><o:Username>{nested}</o:Username></o:UsernameToken></o:Security>"
            ),
            1,
        ),
        (format!("<o:Security s:actor='urn:other'>{nested}</o:Security>"), 1),
        (format!("<x:h>{token}</x:h>{nested}<o:Password/>"), 3),
        (
            format!(
                "<a:From>{token}</a:From><a:ReplyTo><a:Address>{nested}</a:Address><a:Address>{WSA}/none</a:Address>{token}</a:ReplyTo>"
            ),
            3,
        ),
    ] {
        let message = read11(&envelope(&header, token)).unwrap();
        let text = std::str::from_utf8(&message.envelope).unwrap();
        assert_eq!(message.passwords.len(), count, "{header}");
        assert!(message.passwords.is_sorted_by(|a, b| a.end < b.start), "{header}");
        let mut kept = text.to_owned();
        for place in message.passwords.iter().rev() {
            kept.replace_range(place.clone(), "");
        }
        let (header, body) = kept.split_once("</s:Header>").unwrap();
        assert!(!header.contains("secret"), "{header}");
        assert!(body.contains("secret"), "what stands in the body is the process's own");
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let blocks = |n: usize| with_header(&"<x:h/>".repeat(n));
    assert!(blocks(MAX_BLOCKS).is_ok());
    assert!(blocks(MAX_BLOCKS + 1).unwrap_err().message.contains("more than 100 header blocks"));
    let long = "x".repeat(MAX_VALUE_BYTES + 1);
    assert!(refused(&format!("<a:Action>{long}</a:Action>")).message.contains("`Action` has more than 65536 bytes"));

    let payload = |body: &str| read11(&envelope("", body)).unwrap().body.unwrap();
    let wide = payload(&format!("<x:op>{}t</x:op>", "<a><b/></a>".repeat(MAX_CHILDREN + 1)));
    assert_eq!(wide.children.len(), MAX_CHILDREN);
    assert!(wide.beyond.is_some() && wide.text.is_some());
    let list = payload(&format!("<x:op><l>{}</l></x:op>", "<a/>".repeat(crate::inbound::MAX_DOCUMENTS + 9)));
    assert!(matches!(&list.children[0].content, Content::Elements { offsets, .. } if offsets.len() == 65_537));
    let text = payload(&format!("<x:op><a>{long}</a><b>{}<c/></b></x:op>", " ".repeat(MAX_VALUE_BYTES + 1)));
    assert!(matches!(text.children[0].content, Content::LongText));
    assert!(matches!(text.children[1].content, Content::Elements { text: None, .. }));
}

#[test]
fn parts_are_attachments_and_their_places_are_known() {
    let content_type =
        "multipart/related; type=\"application/xop+xml\"; start-info=\"text/xml\"; boundary=b; start=\"<root>\"";
    let root = envelope(
        "",
        "<x:op><x:f><i:Include xmlns:i='http://www.w3.org/2004/08/xop/include' href='cid:a%40b'/></x:f></x:op>",
    );
    let body = format!(
        "--b\r\nContent-Type: application/pdf\r\nContent-ID: <a@b>\r\n\r\n%PDF\r\n--b\r\n\
         Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-ID: <root>\r\n\r\n{root}\r\n--b\r\n\r\nplain\r\n--b--"
    );
    let message = read(Version::V11, content_type, body.clone()).unwrap();
    let attachments: Vec<_> =
        message.attachments.iter().map(|a| (&*a.content_id, &*a.content_type, &*a.data)).collect();
    assert_eq!(attachments, [("a@b", "application/pdf", &b"%PDF"[..]), ("2", "application/octet-stream", b"plain")]);
    let [include] = &*message.includes else { panic!("{:?}", message.includes) };
    assert_eq!(include.href, "cid:a%40b");
    assert!(root[include.place.clone()].starts_with("<i:Include ") && root[include.place.clone()].ends_with("/>"));

    for (content_type, status, expected) in [
        ("multipart/related; type=\"application/soap+xml\"; boundary=b", Some(415), "speaks SOAP 1.1"),
        (
            "multipart/related; type=\"application/xop+xml\"; start-info=\"application/soap+xml\"; boundary=b",
            Some(415),
            "speaks",
        ),
        ("multipart/related; boundary=c", None, "no line of the body is the boundary `--c`"),
        ("multipart/related; boundary=b", None, "not well-formed XML: line 1, column 1"),
    ] {
        let refused = read(Version::V11, content_type, body.clone()).unwrap_err();
        assert_eq!(refused.status, status);
        assert!(refused.message.contains(expected), "{refused}");
    }
}

/// Pieces of envelopes, in any order and number.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:o='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd' xmlns:a='http://www.w3.org/2005/08/addressing'>"
        ),
        Just("<s:Header>"),
        Just("</s:Header>"),
        Just("<s:Body>"),
        Just("</s:Body>"),
        Just("</s:Envelope>"),
        Just("<o:Security>"),
        Just("</o:Security>"),
        Just("<o:UsernameToken>"),
        Just("</o:UsernameToken>"),
        Just("<o:Password>"),
        Just("</o:Password>"),
        Just("<a:ReplyTo>"),
        Just("</a:ReplyTo>"),
        Just("<a:Address/>"),
        Just("<x>"),
        Just("</x>"),
        Just("<y s:mustUnderstand='1'/>"),
        Just("t"),
        Just(" "),
        Just("<!--"),
        Just("&amp;"),
        Just("é"),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), text in pieces(), cut in 0..400_usize) {
        let whole = envelope("<a:MessageID>1</a:MessageID>", "<x:op><x:Id>é</x:Id></x:op>");
        let mut mutated = whole.clone().into_bytes();
        mutated.truncate(cut);
        mutated.extend_from_slice(&bytes);
        mutated.extend_from_slice(whole.as_bytes().get(cut + 7..).unwrap_or_default());
        for body in [bytes, text.clone().into_bytes(), mutated, envelope(&text, &text).into_bytes()] {
            for content_type in [None, Some("text/xml; charset=utf-8"), Some("multipart/related; boundary=b")] {
                let read = Message::read(Version::V11, content_type, body.clone().into());
                if let Ok(message) = read {
                    let text = std::str::from_utf8(&message.envelope).unwrap();
                    prop_assert!(text[message.root..].starts_with('<'));
                    for place in &message.passwords {
                        prop_assert!(text.get(place.clone()).is_some());
                    }
                }
            }
        }
    }
}
