//! Profiles and SOAP: what is read, with its files, and every mistake.

use std::fs;

use super::mistakes::wrong;
use super::{named_process, process, right};
use crate::manifest::Manifest;
use crate::{
    DocumentType, MessageOverrides, Messages, ProfileDecl, ProfileKind, SoapDecl, SoapSettings, SoapVersions,
    SourceFile, WsdlSchema,
};

/// A folder with the schemas that the manifests here name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("types")).unwrap();
    for (name, text) in [
        ("account.json", "{}".as_bytes()),
        ("types/main.xsd", b"<main/>"),
        ("common.xsd", b"<common/>"),
        ("own.wsdl", b"<wsdl/>"),
        ("latin.xsd", b"<\xe9/>"),
        ("notes.txt", b""),
        ("large.json", &vec![b' '; (4 << 20) + 1]),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn read(text: &str) -> Result<Manifest, String> {
    let folder = folder();
    let strip = format!("{}/", folder.path().display());
    fs::write(folder.path().join("auricle.toml"), text).unwrap();
    Manifest::load(&folder.path().join("auricle.toml")).map_err(|problems| problems.to_string().replace(&strip, ""))
}

const PROFILES: &str = r#"
[[profile]]
name = "Account"
file = "account.json"
[[profile]]
name = "Order"
file = ["types/main.xsd", "common.xsd"]
root = "PurchaseOrder"
"#;

/// A process `a` of these types, and both profiles: twelve lines, then what is added.
fn typed(input: &str, output: &str, more: &str) -> String {
    let process = process(more).replace("single-json", output).replace("\"none\"", &format!("{input:?}"));
    process + PROFILES
}

/// An API in four lines with more keys of its own, then an operation of process `a` with more keys.
fn api(input: &str, output: &str, own: &str, more: &str) -> String {
    let api = format!("[[api]]\nname = \"crm\"\nbase = \"/crm\"\n{own}\n[[api.soap]]\nprocess = \"a\"\n{more}\n");
    api + &typed(input, output, "")
}

#[test]
fn profiles_are_read_with_their_files() {
    let folder = folder();
    let text = typed(
        "single-json",
        "single-xml",
        "request-profile = \"Account\"\nresponse-profile = \"Order\"\nvalidate = true",
    );
    let text = format!("include = [\"types/more.toml\"]\n{text}");
    fs::write(folder.path().join("auricle.toml"), text).unwrap();
    let included =
        "[[profile]]\nname = \"Main\"\nfile = \"./main.xsd\"\n[[profile]]\nname = \"Same\"\nfile = \"main.xsd\"\n";
    fs::write(folder.path().join("types/more.toml"), included).unwrap();
    let manifest = Manifest::load(&folder.path().join("auricle.toml")).unwrap();

    let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
    assert_eq!(
        manifest.deployment.profiles[..2],
        [
            ProfileDecl {
                name: "Account".into(),
                root: "Account".into(),
                kind: ProfileKind::JsonSchema,
                files: vec![file("account.json", "{}")],
            },
            ProfileDecl {
                name: "Order".into(),
                root: "PurchaseOrder".into(),
                kind: ProfileKind::Xsd,
                files: vec![file("types/main.xsd", "<main/>"), file("common.xsd", "<common/>")],
            },
        ]
    );
    assert_eq!(manifest.deployment.profiles[2].files, [file("./main.xsd", "<main/>")], "from the file's own folder");
    let names = ["auricle.toml", "types/more.toml", "account.json", "types/main.xsd", "common.xsd"];
    assert_eq!(manifest.files(), names.map(|name| folder.path().join(name)), "each file once");
    let messages = &manifest.deployment.process("a").unwrap().messages;
    let expected =
        Messages { request: Some("Account".into()), response: Some("Order".into()), fault: None, validate: true };
    assert_eq!(*messages, expected);
}

#[test]
fn every_key_of_soap_is_read() {
    let own = "namespace = \"urn:crm\"\nservice-name = \"Crm\"\nsoap-version = \"1.2\"\nwsdl-schema = \"single\"\nomit-wrappers = true";
    let more = "operation = \"find\"\ndescription = \"Finds.\"\nobject = \"Konto\"\ninput = \"single-xml\"\noutput = \"multiple-xml\"\n\
        max-documents = 7\nkeys = [\"Id\"]\nquery = [\"Name\", \"Stra\u{df}e\"]\nomit-wrappers = false\nenvelope-passthrough = false\n\
        request-profile = \"Order\"\nresponse-profile = \"Order\"\nvalidate = true\n\
        [[api.soap]]\nprocess = \"a\"\nenvelope-passthrough = true\nreturns-fault = true";
    let manifest = read(&api("single-xml", "single-xml", own, more)).unwrap();
    let api = manifest.deployment.apis.first().unwrap();
    assert_eq!(
        api.soap_settings,
        SoapSettings {
            namespace: "urn:crm".into(),
            service_name: Some("Crm".into()),
            versions: SoapVersions::V12,
            omit_wrappers: true,
            envelope_passthrough: false,
            wsdl_schema: WsdlSchema::Single,
            wsdl: None,
        }
    );
    let find = SoapDecl {
        operation: Some("find".into()),
        description: "Finds.".into(),
        object: Some("Konto".into()),
        input: Some(DocumentType::SingleXml),
        output: Some(DocumentType::MultipleXml),
        max_documents: Some(7),
        keys: Some(vec!["Id".into()]),
        query: vec!["Name".into(), "Stra\u{df}e".into()],
        omit_wrappers: Some(false),
        envelope_passthrough: Some(false),
        messages: MessageOverrides {
            request: Some("Order".into()),
            response: Some("Order".into()),
            fault: None,
            validate: Some(true),
        },
        ..SoapDecl::new("a")
    };
    let envelopes = SoapDecl { envelope_passthrough: Some(true), returns_fault: true, ..SoapDecl::new("a") };
    assert_eq!(api.soap, [find, envelopes]);
}

#[test]
fn what_is_not_written_of_soap_has_its_default() {
    let bare = read(&api("single-xml", "single-xml", "", "")).unwrap();
    let bare = bare.deployment.apis.first().unwrap();
    assert_eq!((&bare.soap_settings, &bare.soap[..]), (&SoapSettings::default(), &[SoapDecl::new("a")][..]));
    assert_eq!(bare.soap_settings.namespace, "http://www.boomi.com/connector/wss");

    let own = read(&api("single-xml", "single-xml", "wsdl = \"own.wsdl\"", "")).unwrap();
    let wsdl = SourceFile { path: "own.wsdl".into(), text: "<wsdl/>".into() };
    assert_eq!(own.deployment.apis.first().unwrap().soap_settings.wsdl, Some(wsdl));
    assert!(own.files().last().unwrap().ends_with("own.wsdl"), "{:?}", own.files());
}

#[test]
fn mistakes_in_a_profile_are_explained() {
    for (given, expected) in [
        ("", "1:1: profile[P]: `file` is missing: write for example `file = \"account.xsd\"`"),
        ("file = 1", "3:8: profile[P].file: expected a path in quotes, or a list of them, found a number"),
        ("file = []", "3:8: profile[P].file: names no file: write for example \"account.xsd\""),
        ("file = [1]", "3:9: profile[P].file[0]: expected text in quotes, found a number"),
        ("file = \"no.xsd\"", "3:8: profile[P].file: `no.xsd` cannot be read: No such file or directory (os error 2)"),
        ("file = \"notes.txt\"", "3:8: profile[P].file: `notes.txt`: unknown extension `txt`: one of xsd, json"),
        ("file = \"latin.xsd\"", "3:8: profile[P].file: `latin.xsd` cannot be read: it is not UTF-8 text: see byte 2"),
        ("file = \"large.json\"", "3:8: profile[P].file: `large.json` cannot be read: it is larger than 4MiB"),
        (
            "file = [\"common.xsd\", \"no.xsd\"]",
            "3:23: profile[P].file[1]: `no.xsd` cannot be read: No such file or directory (os error 2)",
        ),
        (
            "file = [\"common.xsd\", \"account.json\"]",
            "3:8: profile[P].file: a JSON Schema is one file, which holds what it refers to in `$defs`; only .xsd files come together",
        ),
        (
            "file = \"common.xsd\"\nroot = \"x:A\"",
            "4:8: profile[P].root: `x:A` is no XML name: begin with a letter or `_`, then letters, digits, `.`, `_` and `-`",
        ),
        ("file = \"common.xsd\"\nroots = \"A\"", "4:1: profile[P].roots: unknown key `roots`: did you mean `root`?"),
    ] {
        let told = read(&format!("[[profile]]\nname = \"P\"\n{given}")).unwrap_err();
        assert_eq!(told, format!("auricle.toml:{expected}"), "{given}");
    }
    let device = read("[[profile]]\nname = \"P\"\nfile = [\"types/main.xsd\", \"/dev/zero.xsd\"]").unwrap_err();
    assert!(device.contains("`/dev/zero.xsd` cannot be read"), "{device}");
    let twice = "[[profile]]\nname = \"P\"\nfile = \"common.xsd\"\n".repeat(2);
    assert_eq!(
        read(&twice).unwrap_err(),
        "auricle.toml:5:8: profile[P].name: `P` names another profile already, at auricle.toml:2:8"
    );
    wrong(&[(
        "[[profile]]\nname = \"7\"\nfile = \"/.xsd\"",
        "auricle.toml:2:8: profile[7].name: `7` is no XML name: begin with a letter or `_`, then letters, digits, `.`, `_` and `-`\n\
         auricle.toml:3:8: profile[7].file: `/.xsd`: unknown extension ``: one of xsd, json",
    )]);
}

#[test]
fn a_profile_has_to_fit_what_it_is_named_for() {
    for ((input, output), given, expected) in [
        (
            ("single-json", "single-json"),
            "request-profile = \"Acount\"",
            "8:19: process[a].request-profile: no profile is named `Acount`: did you mean `Account`?",
        ),
        (
            ("none", "single-json"),
            "request-profile = \"Account\"",
            "8:19: process[a].request-profile: has no effect: the input is none: take it out",
        ),
        (
            ("single-data", "single-json"),
            "request-profile = \"Order\"",
            "8:19: process[a].request-profile: has no effect: the input is single-data, which may be anything: take it out",
        ),
        (
            ("single-json", "single-json"),
            "request-profile = \"Order\"",
            "8:19: process[a].request-profile: profile `Order` is an XML Schema, and the input is single-json: name a profile that is a JSON Schema",
        ),
        (
            ("none", "multiple-xml"),
            "response-profile = \"Account\"",
            "8:20: process[a].response-profile: profile `Account` is a JSON Schema, and the output is multiple-xml: name a profile that is an XML Schema",
        ),
        (
            ("none", "multiple-json"),
            "fault-profile = \"Account\"",
            "8:17: process[a].fault-profile: has no effect: the output is multiple-json, and only a single document can be a fault: take it out",
        ),
        (
            ("single-json", "none"),
            "validate = true",
            "8:12: process[a].validate: has no effect: no `request-profile` says what a request has to be: name one, or take it out",
        ),
    ] {
        assert_eq!(read(&typed(input, output, given)).unwrap_err(), format!("auricle.toml:{expected}"), "{given}");
    }
    for (given, expected) in [
        ("request-profile = \"Account\"\nvalidate = true", None),
        ("input = \"single-xml\"\nrequest-profile = \"Order\"", None),
        ("validate = false", None),
        (
            "response-profile = \"Account\"",
            Some(
                "unknown key `response-profile`: one of method, path, process, object, input, output, content-type, max-documents, headers, exact, request-profile, validate",
            ),
        ),
        (
            "validate = true",
            Some("has no effect: no `request-profile` says what a request has to be: name one, or take it out"),
        ),
        ("input = \"none\"\nrequest-profile = \"Order\"", Some("has no effect: the input is none: take it out")),
    ] {
        let route = format!(
            "[[api]]\nname = \"crm\"\nbase = \"/crm\"\n[[api.rest]]\nmethod = \"POST\"\nprocess = \"a\"\n{given}\n"
        );
        let told = read(&(route + &typed("single-json", "single-json", "")))
            .map(|_| ())
            .map_err(|told| told.split_once("].").unwrap().1.split_once(": ").unwrap().1.to_owned());
        assert_eq!(told.err().as_deref(), expected, "{given}");
    }
    // What a route inherits has to fit only where it is used.
    let inherits = |validate: bool| {
        let process = typed("single-json", "single-json", "request-profile = \"Account\"");
        let validate = if validate { "validate = true" } else { "" };
        format!(
            "[[api]]\nname = \"crm\"\nbase = \"/crm\"\n[[api.rest]]\nmethod = \"POST\"\nprocess = \"a\"\ninput = \"single-xml\"\n{validate}\n{process}"
        )
    };
    read(&inherits(false)).unwrap();
    assert_eq!(
        read(&inherits(true)).unwrap_err(),
        "auricle.toml:7:9: api[crm].rest[0].input: profile `Account` is a JSON Schema, and the input is single-xml: name a profile that is an XML Schema"
    );
}

#[test]
fn mistakes_in_an_operation_are_explained() {
    let types = ("single-xml", "single-xml");
    let data = ("single-data", "single-xml");
    let many = ("multiple-xml", "single-xml");
    let none = ("none", "single-xml");
    for ((input, output), more, expected) in [
        (
            types,
            "content-type = \"a/b\"",
            "7:1: api[crm].soap[0].content-type: unknown key `content-type`: one of process, keys, query, omit-wrappers, envelope-passthrough, returns-fault, operation, description, object, input, output, max-documents, request-profile, response-profile, fault-profile, validate",
        ),
        (
            types,
            "operation = \"a b\"",
            "7:13: api[crm].soap[0].operation: `a b` is no XML name: begin with a letter or `_`, then letters, digits, `.`, `_` and `-`",
        ),
        (
            types,
            "object = \"\"",
            "7:10: api[crm].soap[0].object: `` is no XML name: begin with a letter or `_`, then letters, digits, `.`, `_` and `-`",
        ),
        (
            types,
            "keys = [\"Id\", \"Id\"]",
            "7:15: api[crm].soap[0].keys[1]: `Id` is listed twice: a request has one such child",
        ),
        (
            types,
            "keys = [\"Id\"]\nquery = [\"Id\"]",
            "8:10: api[crm].soap[0].query[0]: `Id` is among `keys` too: a child is one or the other",
        ),
        (
            types,
            "query = [\"-\"]",
            "7:10: api[crm].soap[0].query[0]: `-` is no XML name: begin with a letter or `_`, then letters, digits, `.`, `_` and `-`",
        ),
        (
            types,
            "returns-fault = true",
            "7:17: api[crm].soap[0].returns-fault: has no effect without `envelope-passthrough`: only a process that writes envelopes writes faults",
        ),
        (
            types,
            "omit-wrappers = true\nkeys = [\"Id\"]",
            "8:8: api[crm].soap[0].keys: has no effect: it names children of the wrapper, which `omit-wrappers` does without: take it out",
        ),
        (
            types,
            "envelope-passthrough = true\nquery = [\"Id\"]",
            "8:9: api[crm].soap[0].query: has no effect: it names children of the wrapper, which `envelope-passthrough` does without: take it out",
        ),
        (
            types,
            "validate = true",
            "7:12: api[crm].soap[0].validate: has no effect: no `request-profile` says what a request has to be: name one, or take it out",
        ),
        (
            types,
            "request-profile = \"Account\"",
            "7:19: api[crm].soap[0].request-profile: profile `Account` is a JSON Schema, and the input is single-xml: name a profile that is an XML Schema",
        ),
        (types, "max-documents = 0", "7:17: api[crm].soap[0].max-documents: `0` is out of range: 1 to 10000"),
        (
            data,
            "",
            "5:1: api[crm].soap[0].input: the input is single-data, which SOAP has no element for: write an XML or JSON type",
        ),
        (
            types,
            "output = \"single-data\"",
            "7:10: api[crm].soap[0].output: the output is single-data, which SOAP has no element for: write an XML or JSON type",
        ),
        (
            many,
            "omit-wrappers = true",
            "7:17: api[crm].soap[0].omit-wrappers: the input is multiple-xml, and with `omit-wrappers` a body holds one document: write `omit-wrappers = false`",
        ),
        (
            many,
            "envelope-passthrough = true",
            "5:1: api[crm].soap[0].input: the input is multiple-xml, and with `envelope-passthrough` it is one envelope: write `input = \"single-xml\"`",
        ),
        (
            ("single-xml", "multiple-xml"),
            "envelope-passthrough = true\nreturns-fault = true",
            "8:17: api[crm].soap[0].returns-fault: has no effect: the output is multiple-xml, and only a single document can be an envelope: take it out",
        ),
        (
            types,
            "output = \"none\"\nenvelope-passthrough = true\nreturns-fault = true",
            "9:17: api[crm].soap[0].returns-fault: has no effect: the output is none, and only a single document can be an envelope: take it out",
        ),
        (
            types,
            "envelope-passthrough = true\nrequest-profile = \"Order\"\nvalidate = true",
            "9:12: api[crm].soap[0].validate: has no effect with `envelope-passthrough`: the process gets the envelope unread: write `validate = false`",
        ),
        (none, "process = \"b\"", "7:1: api[crm].soap[0].process: `process` is written twice: take one out"),
    ] {
        let told = read(&api(input, output, "", more)).map(|_| ()).unwrap_err();
        assert_eq!(told, format!("auricle.toml:{expected}"), "{more}");
    }
    read(&api("single-data", "single-xml", "envelope-passthrough = true", "returns-fault = true")).unwrap();
    read(&api("multiple-xml", "single-xml", "omit-wrappers = true", "omit-wrappers = false")).unwrap();

    // What the process says of itself is in force too.
    let inherits = |process: &str, more: &str| {
        let api =
            "[[api]]\nname = \"crm\"\nbase = \"/crm\"\n[[api.soap]]\nprocess = \"a\"\nenvelope-passthrough = true\n";
        format!("{api}{more}\n{}", typed("single-xml", "single-xml", process))
    };
    let validates = "request-profile = \"Order\"\nvalidate = true";
    assert_eq!(
        read(&inherits(validates, "")).unwrap_err(),
        "auricle.toml:4:1: api[crm].soap[0].validate: has no effect with `envelope-passthrough`: the process gets the envelope unread: write `validate = false`"
    );
    read(&inherits(validates, "validate = false")).unwrap();
    assert_eq!(
        read(&inherits("return-documents = false", "returns-fault = true")).unwrap_err(),
        "auricle.toml:7:17: api[crm].soap[0].returns-fault: has no effect: with `return-documents = false` no document of the process is sent: take it out"
    );

    // Names that no XML has come from what URLs may have.
    let odd = |output: &str| {
        let api = "[[api]]\nname = \"crm\"\nbase = \"/crm\"\n[[api.soap]]\nprocess = \"a\"\n";
        api.to_owned() + &named_process("a", "x y", "").replace("single-json", output)
    };
    wrong(&[
        (
            &odd("single-json"),
            "auricle.toml:4:1: api[crm].soap[0].operation: it would be called `getX y`, which is no XML name: write `operation = \"...\"`",
        ),
        (
            &odd("multiple-json").replace("process = \"a\"", "process = \"a\"\noperation = \"get\""),
            "auricle.toml:4:1: api[crm].soap[0].object: its lists would be called after `x y`, which is no XML name: write `object = \"...\"`",
        ),
    ]);
}

#[test]
fn keys_that_say_nothing_are_refused() {
    for (own, expected) in [
        (
            "namespace = \"\"",
            "4:13: api[crm].namespace: `` is no namespace: write a URI, for example \"http://example.com/crm\"",
        ),
        (
            "namespace = \"a b\"",
            "4:13: api[crm].namespace: `a b` is no namespace: write a URI, for example \"http://example.com/crm\"",
        ),
        (
            "service-name = \"a/b\"",
            "4:16: api[crm].service-name: `a/b` is no XML name: begin with a letter or `_`, then letters, digits, `.`, `_` and `-`",
        ),
        ("soap-version = \"2\"", "4:16: api[crm].soap-version: unknown value `2`: one of 1.1, 1.2, both"),
        ("soap-version = 1.1", "4:16: api[crm].soap-version: expected text in quotes, found a number"),
        ("wsdl-schema = \"multiple\"", "4:15: api[crm].wsdl-schema: unknown value `multiple`: did you mean `multi`?"),
        ("wsdl = \"no.wsdl\"", "4:8: api[crm].wsdl: `no.wsdl` cannot be read: No such file or directory (os error 2)"),
        (
            "wsdl = \"own.wsdl\"\nservice-name = \"A\"",
            "5:16: api[crm].service-name: has no effect: with `wsdl` the WSDL is your own, and none is made: take one out",
        ),
    ] {
        let told = read(&api("single-xml", "single-xml", own, "")).map(|_| ()).unwrap_err();
        assert_eq!(told, format!("auricle.toml:{expected}"), "{own}");
    }
    let rest_only = "[[api]]\nname = \"crm\"\nbase = \"/crm\"\nomit-wrappers = true";
    wrong(&[(
        rest_only,
        "auricle.toml:4:17: api[crm].omit-wrappers: has no effect: this API has no [[api.soap]]: write one, or take it out",
    )]);
}

#[test]
fn a_base_must_leave_other_protocols_alone_over_soap_too() {
    let text = |server: &str, versions: &str| {
        let process = process("");
        format!(
            "[server]\n{server}\n[[api]]\nname = \"x\"\nbase = \"/ws/rest\"\nsoap-version = \"{versions}\"\n[[api.soap]]\nprocess = \"a\"\n{process}"
        )
    };
    wrong(&[(
        &text("soap-root = \"\"", "both"),
        "auricle.toml:5:8: api[x].base: its SOAP 1.1 would be at `/ws/rest`, and `/ws/rest` is the `rest-root`: take another base or another `soap-root`",
    )]);
    right(&text("soap-root = \"\"", "1.2"));
    // One without routes has nothing under the REST root.
    let simple = text("rest-root = \"\"", "both").replace("/ws/rest", "/ws/simple");
    right(&simple);
    let route = "[[api.rest]]\nmethod = \"GET\"\nprocess = \"a\"\n[[api.soap]]";
    wrong(&[(
        &simple.replace("[[api.soap]]", route),
        "auricle.toml:5:8: api[x].base: its routes would be at `/ws/simple`, and `/ws/simple` is the `simple-root`: take another base or another `rest-root`",
    )]);
}
