//! The router by the cases of the mission's tables, each named by its id.

use auricle_model::{
    Deployment, DocumentType, Messages, OperationKind, ProfileDecl, ProfileKind, ServerConfig, SoapDecl, SourceFile,
};
use http::StatusCode;

use super::fixtures::*;
use super::{Found, Miss, Router};

fn status(router: &Router, request: &str) -> u16 {
    find(router, request).unwrap_err().status().as_u16()
}

fn params(found: &Found) -> Vec<(&str, &str)> {
    found.params.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
}

#[test]
fn a1_to_a8_the_longest_base_on_segment_borders_owns_the_request() {
    let router = bases();
    for (path, api) in [
        ("/ws/rest/", "A"),
        ("/ws/rest", "A"),
        ("/ws/rest/other/path", "A"),
        ("/ws/rest/test", "B"),
        ("/ws/rest/test/account", "C"),
        ("/ws/rest/test/account/other", "C"),
        ("/ws/rest/test/other", "B"),
        ("/ws/rest/testing", "A"),
        ("/ws/rest/TEST", "A"),
        ("/ws/rest//test/;x=1/account/", "C"),
        ("/ws/rest/test%2Faccount", "A"),
    ] {
        let found = find(&router, &format!("GET {path}")).unwrap();
        assert_eq!((&*found.endpoint.process, found.endpoint.api.as_deref()), (api, Some(api)), "{path}");
    }
}

#[test]
fn a9_without_the_longest_the_next_one_owns() {
    let router = router(&deployment(vec![api("B", "/test", vec![object(route("GET", "", "B"), "")])]));
    assert_eq!(reached(&router, "GET /ws/rest/test/account"), "B");
}

#[test]
fn a10_no_base_owns_the_path() {
    let router = router(&deployment(vec![api("B", "/test", vec![object(route("GET", "", "B"), "")])]));
    let miss = find(&router, "GET /ws/rest/other").unwrap_err();
    assert_eq!(miss.status(), StatusCode::NOT_FOUND);
    let problem = miss.problem().unwrap();
    assert_eq!(problem.title, "Unknown operation for the given URL path.");
    assert_eq!(problem.detail.unwrap(), "looked for GET /ws/rest/other: no API has a base that this path begins with");
    assert_eq!(status(&router, "GET /other"), 404);
    assert_eq!(status(&router, "GET /"), 404);
}

#[test]
fn a_route_in_the_space_of_a_longer_base_is_told() {
    let router = router(&deployment(vec![
        api("B", "/test", vec![object(route("GET", "account/x", "B"), ""), object(route("GET", "{id}/x", "B"), "")]),
        api("C", "/test/account", vec![object(route("GET", "y", "C"), "")]),
    ]));
    let shadowed: Vec<_> = router.shadowed().map(|(endpoint, owner)| (&*endpoint.route, owner)).collect();
    assert_eq!(shadowed, [("/ws/rest/test/account/x", "C")]);
}

#[test]
fn a11_no_fall_back_to_a_shorter_base() {
    let router = router(&deployment(vec![
        api("B", "/test", vec![object(route("GET", "account/x", "B"), "")]),
        api("C", "/test/account", vec![object(route("GET", "y", "C"), "")]),
    ]));
    assert_eq!(status(&router, "GET /ws/rest/test/account/x"), 404);
    assert_eq!(reached(&router, "GET /ws/rest/test/account/y"), "C");
}

#[test]
fn b1_to_b7_the_most_specific_path() {
    let router = items();
    type Params = &'static [(&'static str, &'static str)];
    let expected: [(&str, &str, Params); 8] = [
        ("/", "root", &[]),
        ("/1234", "id", &[("id", "1234")]),
        ("/1234/name", "field", &[("id", "1234"), ("fieldName", "name")]),
        ("/1234/name/other", "field", &[("id", "1234"), ("fieldName", "name")]),
        ("/1234/metadata", "metadata", &[("id", "1234")]),
        ("/1234/metadata/x", "metadata", &[("id", "1234")]),
        ("/1234/Metadata", "field", &[("id", "1234"), ("fieldName", "Metadata")]),
        ("/1234/", "id", &[("id", "1234")]),
    ];
    for (path, name, wanted) in expected {
        let found = find(&router, &format!("GET /ws/rest/api/item{path}")).unwrap();
        assert_eq!((&*found.endpoint.process, params(&found)), (name, wanted.to_vec()), "{path}");
    }
}

#[test]
fn b9_another_object_is_404_and_another_method_405() {
    let router = items();
    assert_eq!(status(&router, "DELETE /ws/rest/api/items/7"), 404);
    let miss = find(&router, "DELETE /ws/rest/api/item/7").unwrap_err();
    assert_eq!(miss.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(miss.headers().get("allow").unwrap(), "GET, HEAD, OPTIONS");
}

#[test]
fn b10_b11_an_exact_route_takes_no_trailing_segments() {
    let leads = exact(object(route("POST", "leads", "leads"), ""));
    let router = router(&deployment(vec![api("b", "/b", vec![leads])]));
    assert_eq!(reached(&router, "POST /ws/rest/b/leads"), "leads");
    assert_eq!(reached(&router, "POST /ws/rest/b/leads/"), "leads");
    assert_eq!(status(&router, "POST /ws/rest/b/leads/leads"), 404);
    assert_eq!(status(&router, "GET /ws/rest/b/leads/leads"), 404);
}

#[test]
fn b13_b15_segments_are_decoded_once() {
    let router = items();
    let id = |path: &str| find(&router, &format!("GET /ws/rest/api/item{path}")).unwrap().params[0].1.clone();
    assert_eq!(id("/caf%C3%A9"), "café");
    assert_eq!(id("/a%2Fb"), "a/b");
    assert_eq!(id("/%252F"), "%2F");
    assert_eq!(id("/1+2;m=1/"), "1+2");
    assert_eq!(status(&router, "GET /ws/rest/api/item/%"), 400);
    assert_eq!(status(&router, "GET /ws/rest/api/item/%ff"), 400);
    assert_eq!(status(&router, "GET /ws/rest/api/%2e%2e/item"), 400);
}

#[test]
fn b16_to_b18_the_effective_object_is_a_segment_as_it_is() {
    let wss = |name: &str, object: &str| process(name, OperationKind::Query, object, DocumentType::None);
    let mut inherit = deployment(vec![api("hr", "/hr", vec![route("GET", "query", "hr")])]);
    inherit.processes = vec![wss("hr", "HubGR"), wss("listener", "generalListener")];
    let own = router(&inherit);
    assert_eq!(reached(&own, "GET /ws/rest/hr/HubGR/query"), "hr");
    assert_eq!(status(&own, "GET /ws/rest/hr/query"), 404);

    inherit.apis[0].rest = vec![object(route("GET", "userdetails", "hr"), "resource")];
    inherit.apis.push(api("root", "", vec![route("GET", "", "listener")]));
    let replaced = router(&inherit);
    let found = find(&replaced, "GET /ws/rest/hr/resource/userdetails").unwrap();
    assert_eq!((found.endpoint.operation.object.as_str(), found.endpoint.object.as_str()), ("resource", "HubGR"));
    assert_eq!(reached(&replaced, "GET /ws/rest/generalListener"), "listener");
    assert_eq!(status(&replaced, "GET /ws/rest/GeneralListener"), 404);
}

#[test]
fn b19_the_leftmost_static_segment_wins() {
    let at = |path: &str| object(route("GET", path, path), "");
    let router = router(&deployment(vec![api("a", "", vec![at("{a}/x"), at("y/{b}"), at("{a}/x/{c}/z")])]));
    assert_eq!(reached(&router, "GET /ws/rest/y/x"), "y/{b}");
    assert_eq!(reached(&router, "GET /ws/rest/q/x"), "{a}/x");
    // Longer comes before static.
    assert_eq!(reached(&router, "GET /ws/rest/y/x/1/z"), "{a}/x/{c}/z");
}

#[test]
fn c1_to_c3_header_conditions_and_a_route_without() {
    let at = |name: &str, conditions: &[(&str, &str)]| when(object(route("POST", "", name), "item"), conditions);
    let mut declared = deployment(vec![api(
        "a",
        "",
        vec![at("xml", &[("Content-Type", "xml")]), at("json", &[("content-type", "json")])],
    )]);
    let two = router(&declared);
    let post = |router: &Router, sent: &[(&str, &str)]| {
        find_with(router, "POST /ws/rest/item", sent).map(|f| f.endpoint.process.to_string())
    };
    assert_eq!(post(&two, &[("Content-Type", "xml")]).unwrap(), "xml");
    assert_eq!(post(&two, &[("Content-Type", "json")]).unwrap(), "json");
    assert_eq!(post(&two, &[("Content-Type", "application/hal+json; charset=utf-8")]).unwrap(), "json");

    let miss = post(&two, &[("Content-Type", "text/csv")]).unwrap_err();
    assert_eq!(miss.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(
        miss.to_string(),
        "the routes for this path want `json` or `xml` of the header `content-type`; `text/csv` was sent"
    );
    assert_eq!(post(&two, &[]).unwrap_err().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);

    declared.apis[0].rest.push(at("any", &[]));
    declared.processes.push(process("any", OperationKind::Execute, "any", DocumentType::None));
    let three = router(&declared);
    assert_eq!(post(&three, &[("Content-Type", "text/plain")]).unwrap(), "any");
    assert_eq!(post(&three, &[("Content-Type", "text/xml")]).unwrap(), "xml");
}

#[test]
fn conditions_count_after_the_path_and_say_which_header_failed() {
    let at =
        |path: &str, name: &str, conditions: &[(&str, &str)]| when(object(route("GET", path, name), ""), conditions);
    let router = router(&deployment(vec![api(
        "a",
        "",
        vec![
            at("{id}", "one", &[("Accept", "json")]),
            at("{id}", "two", &[("Accept", "json"), ("X-Tenant", "blue")]),
            at("fixed", "fixed", &[("X-Tenant", "blue")]),
        ],
    )]));
    let get = |path: &str, sent: &[(&str, &str)]| {
        find_with(&router, &format!("GET /ws/rest/{path}"), sent).map(|f| f.endpoint.process.to_string())
    };
    let blue = [("Accept", "text/html, application/json"), ("X-Tenant", "BLUE")];
    assert_eq!(get("7", &blue).unwrap(), "two");
    assert_eq!(get("7", &blue[..1]).unwrap(), "one");
    assert_eq!(get("fixed", &blue).unwrap(), "fixed");
    assert_eq!(get("fixed", &blue[..1]).unwrap(), "one");
    assert_eq!(get("7", &[("Accept", "text/html")]).unwrap_err().status(), StatusCode::NOT_ACCEPTABLE);
    // Another `Accept` would do for `{id}`, and for `fixed` it would not.
    let miss = get("fixed", &[]).unwrap_err();
    assert_eq!(miss.status(), StatusCode::NOT_FOUND);
    assert!(miss.to_string().contains("x-tenant: blue"), "{miss}");
    assert_eq!(find_with(&router, "PUT /ws/rest/7", &blue).unwrap_err().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn a_header_is_blamed_only_where_another_value_of_it_would_help() {
    let at = |name: &str, content: &str, accept: &str| {
        when(object(route("POST", "", name), "item"), &[("Content-Type", content), ("Accept", accept)])
    };
    let router = router(&deployment(vec![api("a", "", vec![at("json", "json", "json"), at("csv", "csv", "csv")])]));
    let post = |content: &str, accept: &str| {
        find_with(&router, "POST /ws/rest/item", &[("Content-Type", content), ("Accept", accept)])
    };
    assert_eq!(
        post("text/csv", "application/json").unwrap_err().to_string(),
        "the routes for this path want `csv` of the header `accept`; `application/json` was sent"
    );
    let status =
        |content, accept| post(content, accept).map(|f| f.endpoint.process.to_string()).map_err(|m| m.status());
    assert_eq!(status("text/csv", "text/csv"), Ok("csv".into()));
    assert_eq!(status("text/csv", "text/html"), Err(StatusCode::NOT_ACCEPTABLE));
    assert_eq!(status("text/html", "text/csv"), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    assert_eq!(status("text/html", "text/html"), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
}

#[test]
fn a_failed_condition_on_any_other_header_is_404() {
    let only = when(object(route("GET", "", "a"), ""), &[("X-Tenant", "blue")]);
    let router = router(&deployment(vec![api("a", "", vec![only])]));
    let miss = find(&router, "GET /ws/rest").unwrap_err();
    assert_eq!(miss.status(), StatusCode::NOT_FOUND);
    assert!(miss.to_string().contains("x-tenant: blue"), "{miss}");
}

#[test]
fn head_is_answered_from_get_and_options_tells_the_methods() {
    let at = |method: &str| object(route(method, "{id}", method), "item");
    let router = router(&deployment(vec![api("a", "", vec![at("GET"), at("PATCH"), at("DELETE")])]));
    assert_eq!(reached(&router, "HEAD /ws/rest/item/7"), "GET");
    let options = find(&router, "OPTIONS /ws/rest/item/7").unwrap_err();
    assert_eq!(options.status(), StatusCode::NO_CONTENT);
    assert_eq!(options.headers().get("allow").unwrap(), "GET, HEAD, PATCH, DELETE, OPTIONS");
    assert_eq!(options.problem(), None);
    assert_eq!(status(&router, "OPTIONS /ws/rest/other"), 404);
}

#[test]
fn d1_d2_d7_d9_simple_http_by_operation_name() {
    let processes = vec![
        process("contact", OperationKind::Create, "contact", DocumentType::SingleJson),
        process("qa", OperationKind::Execute, "qaM6IntakeA", DocumentType::SingleData),
    ];
    // D9: that an API routes to a process does not take it away from simple HTTP.
    let apis = vec![api("a", "", vec![route("POST", "", "contact")])];
    let router = router(&Deployment { processes, apis, ..Deployment::default() });
    assert_eq!(reached(&router, "POST /ws/simple/createContact"), "contact");
    assert_eq!(reached(&router, "POST /ws/simple/createContact/"), "contact");
    assert_eq!(reached(&router, "POST /ws/simple/executeQaM6IntakeA;boomi_auth=dTp0"), "qa");
    assert_eq!(status(&router, "POST /ws/simple/createcontact"), 404);
    assert_eq!(status(&router, "POST /ws/simple/createContact/1"), 404);
    assert_eq!(status(&router, "POST /ws/simple"), 404);
    for method in ["GET", "HEAD", "PUT"] {
        let miss = find(&router, &format!("{method} /ws/simple/createContact")).unwrap_err();
        assert_eq!(miss.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(miss.headers().get("allow").unwrap(), "POST, OPTIONS");
    }
}

#[test]
fn d5_simple_http_without_input_takes_get_head_and_post() {
    let processes = vec![process("list", OperationKind::Query, "Account", DocumentType::None)];
    let router = router(&Deployment { processes, ..Deployment::default() });
    for method in ["GET", "HEAD", "POST"] {
        assert_eq!(reached(&router, &format!("{method} /ws/simple/queryAccount")), "list", "{method}");
    }
    let miss = find(&router, "DELETE /ws/simple/queryAccount").unwrap_err();
    assert_eq!(miss.headers().get("allow").unwrap(), "GET, HEAD, POST, OPTIONS");
}

#[test]
fn f3_without_input_no_header_is_passed() {
    let mut declared = deployment(vec![api("a", "", vec![route("POST", "", "p")])]);
    declared.apis[0].headers.push("X-Trace".into());
    let sent = headers(&[("Content-Type", "text/csv"), ("X-Trace", "9")]);
    let passed = |declared: &Deployment, request: &str| {
        let found = find(&router(declared), request).unwrap();
        let properties = found.endpoint.document_properties(&sent).unwrap();
        properties.iter().map(|(n, _)| n.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(passed(&declared, "POST /ws/rest/p"), [""; 0]);
    declared.processes[0].operation.input = DocumentType::SingleData;
    assert_eq!(passed(&declared, "POST /ws/rest/p"), ["inheader_Content-Type", "inheader_X-Trace"]);
    // What an API lists is its own affair.
    assert_eq!(passed(&declared, "POST /ws/simple/executeP"), ["inheader_Content-Type"]);
}

#[test]
fn protocols_that_are_not_served_say_so() {
    let router = bases();
    for (path, why) in [
        ("/ws/soap", "nothing is served over SOAP 1.1 at this path"),
        ("/ws/soap12/test", "nothing is served over SOAP 1.2 at this path"),
        ("/ws/odata2/x", "OData 2.0 is not served in this version"),
    ] {
        let miss = find(&router, &format!("POST {path}")).unwrap_err();
        assert_eq!(miss.status(), StatusCode::NOT_FOUND);
        assert!(miss.to_string().ends_with(why), "{miss}");
    }
}

#[test]
fn a_json_profile_that_xml_has_no_place_for_is_for_rest_alone() {
    let mut one = process("one", OperationKind::Execute, "One", DocumentType::SingleJson);
    one.operation.output = DocumentType::None;
    one.messages = Messages { request: Some("P".into()), validate: true, ..Messages::default() };
    let text = r#"{"type": "object", "patternProperties": {"^x": {}}}"#.into();
    let files = vec![SourceFile { path: "p.json".into(), text }];
    let profile = ProfileDecl { name: "P".into(), root: "P".into(), kind: ProfileKind::JsonSchema, files };
    let mut deployment = Deployment { processes: vec![one], profiles: vec![profile], ..Deployment::default() };
    let alone = router(&deployment);
    assert!(find(&alone, "POST /ws/simple/executeOne").unwrap().endpoint.validating.is_some());
    assert_eq!(status(&alone, "POST /ws/soap"), 404);
    let mut crm = api("crm", "/crm", Vec::new());
    crm.soap.push(SoapDecl::new("one"));
    deployment.apis.push(crm);
    let conflicts = Router::new(&deployment, &ServerConfig::default()).unwrap_err();
    assert_eq!(conflicts[0].key, "api[crm].soap[0]");
    assert!(conflicts[0].message.contains("p.json:1:41: `#/patternProperties`: XML has no place"), "{conflicts:?}");
}

#[test]
fn a_404_tells_the_nearest_routes_first() {
    let near = |router: &Router, request: &str| match find(router, request).unwrap_err() {
        Miss::NotFound(miss) => miss.near,
        other => panic!("{other}"),
    };
    let router = items();
    assert_eq!(near(&router, "GET /ws/rest/api/itme/7")[0], "GET /ws/rest/api/item/{id}");
    assert_eq!(near(&router, "GET /ws/rest/apj/item/7/metadata")[0], "GET /ws/rest/api/item/{id}/metadata");
    assert_eq!(near(&router, "GET /ws/simple/executeRot")[0], "GET /ws/simple/executeRoot");
    assert_eq!(near(&router, "GET /ws/rest/api/itme/7").len(), 3);
}

#[test]
fn the_nearest_is_found_among_ten_thousand() {
    let processes = (0..10_000)
        .map(|n| process(&format!("p{n}"), OperationKind::Execute, &format!("Order{n}x"), DocumentType::None))
        .collect();
    let router = router(&Deployment { processes, ..Deployment::default() });
    assert_eq!(reached(&router, "GET /ws/simple/executeOrder9999x"), "p9999");
    match find(&router, "GET /ws/simple/xecuteOrder7421x").unwrap_err() {
        Miss::NotFound(miss) => assert_eq!(miss.near[0], "GET /ws/simple/executeOrder7421x"),
        other => panic!("{other}"),
    }
}
