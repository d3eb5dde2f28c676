//! The shapes of faults, as literal envelopes.

use super::*;

fn written(version: Version, fault: &Fault<'_>) -> String {
    let text = String::from_utf8(envelope(version, fault).to_vec()).unwrap();
    xml::content(&text).unwrap();
    text
}

const fn fault(code: Code) -> Fault<'static> {
    Fault { code, reason: "a < b", detail: None, execution: None, not_understood: &[], addressing: None }
}

#[test]
fn each_version_has_its_own_words() {
    assert_eq!(
        written(Version::V11, &Fault { detail: Some("<d/>"), execution: Some("x1"), ..fault(Code::Receiver) }),
        "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body><S:Fault><faultcode>S:Server</faultcode>\
         <faultstring>a &lt; b</faultstring><detail><d/><auricle:execution xmlns:auricle=\"urn:auricle:fault\">x1\
         </auricle:execution></detail></S:Fault></S:Body></S:Envelope>"
    );
    assert_eq!(
        written(Version::V12, &fault(Code::Sender)),
        "<S:Envelope xmlns:S=\"http://www.w3.org/2003/05/soap-envelope\"><S:Body><S:Fault><S:Code><S:Value>S:Sender\
         </S:Value></S:Code><S:Reason><S:Text xml:lang=\"en\">a &lt; b</S:Text></S:Reason></S:Fault></S:Body></S:Envelope>"
    );
    for (code, v11, v12, status) in [
        (Code::Sender, "Client", "Sender", 400),
        (Code::Receiver, "Server", "Receiver", 500),
        (Code::VersionMismatch, "VersionMismatch", "VersionMismatch", 500),
        (Code::MustUnderstand, "MustUnderstand", "MustUnderstand", 500),
    ] {
        assert!(written(Version::V11, &fault(code)).contains(&format!("<faultcode>S:{v11}<")));
        assert!(written(Version::V12, &fault(code)).contains(&format!("<S:Value>S:{v12}<")));
        assert_eq!((code.status(Version::V11), code.status(Version::V12)), (500, status));
    }
}

#[test]
fn soap_12_says_what_it_speaks_and_what_it_did_not_understand() {
    let header = |version, fault: &Fault<'_>| {
        let text = written(version, fault);
        text.split_once("<S:Header>").map(|(_, rest)| rest.split_once("</S:Header>").unwrap().0.to_owned())
    };
    let upgrade = "<S:Upgrade><S:SupportedEnvelope qname=\"S:Envelope\"/></S:Upgrade>";
    assert_eq!(header(Version::V12, &fault(Code::VersionMismatch)).as_deref(), Some(upgrade));
    assert_eq!(header(Version::V11, &fault(Code::VersionMismatch)), None);
    let names = [("urn:a&b".to_owned(), "One".to_owned()), (String::new(), "Two".to_owned())];
    let fault = Fault { not_understood: &names, ..fault(Code::MustUnderstand) };
    let blocks = "<S:NotUnderstood qname=\"h:One\" xmlns:h=\"urn:a&amp;b\"/><S:NotUnderstood qname=\"Two\"/>";
    assert_eq!(header(Version::V12, &fault).as_deref(), Some(blocks));
    assert_eq!(header(Version::V11, &fault), None);
}
