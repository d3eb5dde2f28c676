//! Modes, the debug switch, failures, limits of rate and time.

use auricle_tests::manifest::inspect;
use auricle_tests::site::{Server, Site};

const RUN: &str = "/ws/simple/getP";

fn serve(keys: &str) -> Server {
    Site::new([inspect("p", "get p: none -> single-json").and(keys)]).serve()
}

/// Mode and uses of an execution.
#[track_caller]
fn asked(server: &Server, query: &str, header: Option<&str>) -> (String, u64) {
    let mut request = server.request("GET", &format!("{RUN}?{query}"));
    if let Some(value) = header {
        request = request.header("X-Boomi-Debug", value);
    }
    let execution = request.send().json()["execution"].take();
    (execution["mode"].as_str().unwrap().to_owned(), execution["uses"].as_u64().unwrap())
}

fn low_latency(uses: u64) -> (String, u64) {
    ("low-latency".to_owned(), uses)
}

fn general() -> (String, u64) {
    ("general".to_owned(), 1)
}

#[test]
fn j1_low_latency_reuses_and_general_does_not() {
    let fast = serve("mode = 'low-latency'");
    let uses: Vec<_> = (0..3).map(|_| asked(&fast, "", None)).collect();
    assert_eq!(uses, [low_latency(1), low_latency(2), low_latency(3)]);
    let fresh = serve("");
    assert_eq!([asked(&fresh, "", None), asked(&fresh, "", None)], [general(), general()]);
}

#[test]
fn j2_the_debug_query_runs_it_in_general_mode() {
    assert_eq!(asked(&serve("mode = 'low-latency'"), "_boomi_debug=true", None), general());
}

#[test]
fn j3_the_debug_header_does_the_same() {
    let server = serve("mode = 'low-latency'");
    assert_eq!(asked(&server, "", Some("true")), general());
    assert_eq!(asked(&server, "", Some("TRUE")), general());
}

#[test]
fn j4_false_is_not_true() {
    let server = serve("mode = 'low-latency'");
    assert_eq!(asked(&server, "_boomi_debug=false", Some("false")), low_latency(1));
}

#[test]
fn j5_the_switch_is_for_one_execution() {
    let server = serve("mode = 'low-latency'");
    assert_eq!(asked(&server, "", None), low_latency(1));
    assert_eq!(asked(&server, "_boomi_debug=true", None), general());
    assert_eq!(asked(&server, "", None), low_latency(2));
}

#[test]
fn j8_general_stays_general() {
    assert_eq!(asked(&serve(""), "_boomi_debug=true", Some("true")), general());
}

#[test]
fn j10_a_failure_is_a_500_that_keeps_to_itself_why() {
    let server = serve("");
    let response = server.get(&format!("{RUN}?fail=the+password+is+7&log=and+8"));
    let problem = response.problem(500);
    assert_eq!((problem.title.as_str(), &problem.members["kind"]), ("The process failed.", &"failed".into()));
    assert_eq!(problem.members["executionId"].as_str(), response.header("x-execution-id"));
    assert!(!response.text().contains("password") && !response.text().contains("and 8"), "{response}");
}

#[test]
fn j11_the_message_is_told_verbatim_to_the_record_and_in_debug() {
    let server = serve("mode = 'low-latency'");
    let response = server.get(&format!("{RUN}?fail=Lead+7+rejected&log=a+line&_boomi_debug=true"));
    let problem = response.problem(500);
    assert_eq!(problem.detail, "Lead 7 rejected");
    assert_eq!(problem.members["log"][0]["message"], "a line");
    server.wait_for_log("Lead 7 rejected");
    assert!(server.log().contains(response.header("x-execution-id").unwrap()));
}

#[test]
fn j12_a_failure_leaves_the_instance_fit_and_a_trap_does_not() {
    let server = serve("mode = 'low-latency'");
    assert_eq!(asked(&server, "", None), low_latency(1));
    server.get(&format!("{RUN}?fail=x")).problem(500);
    assert_eq!(asked(&server, "", None), low_latency(3));
    server.get(&format!("{RUN}?trap=1")).problem(500);
    assert_eq!(asked(&server, "", None).1, 1, "another instance");
}

/// `decisions.md`: concurrency is a limit, not a switch. One runs, four times as many wait, the next is told at once.
#[test]
fn j13_too_many_at_once_are_told_so() {
    let server = serve("max-concurrent = 1");
    // Long enough that all have come before the first is done, and short enough that the last is not told to go after 10 s.
    let mut wires: Vec<_> = (0..9).map(|_| server.connect()).collect();
    for wire in &mut wires {
        wire.send(format!("GET {RUN}?sleep_ms=1900 HTTP/1.1\r\nhost: a\r\n\r\n"));
    }
    let answers: Vec<_> = wires.iter_mut().map(|wire| wire.read()).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert_eq!(refused.len(), 4, "one ran and four waited");
    for response in refused {
        let problem = response.problem(503);
        assert_eq!(problem.title, "Too many executions at once.");
        assert!(problem.detail.contains("`max-concurrent`"), "{}", problem.detail);
        assert_eq!(response.header("retry-after"), Some("1"));
    }
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 503)));
}

/// `decisions.md`: 504.
#[test]
fn j14_out_of_time() {
    let server = serve("mode = 'low-latency'\ntimeout = '300ms'");
    let problem = server.get(&format!("{RUN}?sleep_ms=60000")).problem(504);
    assert_eq!(problem.title, "The process ran out of time.");
    assert!(problem.detail.contains("`timeout` of 300ms"), "{}", problem.detail);
    assert_eq!(asked(&server, "", None), low_latency(1), "the instance was thrown away");
}

/// `decisions.md`: 429.
#[test]
fn j15_over_the_rate() {
    let server = Site::with("requests-per-second = 5", [inspect("p", "get p: none -> single-json")]).serve();
    let answers: Vec<_> = (0..40).map(|_| server.get("/ws/simple/nothing-here")).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("forty requests are more than five");
    let problem = refused.problem(429);
    assert!(problem.detail.contains("more than 5 requests a second"), "{}", problem.detail);
    assert!(refused.header("retry-after").is_some() && refused.header("ratelimit-policy").is_some(), "{refused}");
    assert_eq!(server.get("/_admin/status").status, 200, "health is not counted");
}

/// J17: without `X-Max-Wait` handling in this version, the header changes nothing.
#[test]
fn j17_a_quick_answer_is_the_answer() {
    let server = serve("");
    let response = server.request("GET", &format!("{RUN}?sleep_ms=10")).header("X-Max-Wait", "60000").send();
    assert_eq!(response.json()["execution"]["name"], "p");
}
