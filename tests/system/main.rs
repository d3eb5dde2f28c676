//! The whole system, from outside: the real program, real sockets, real guests.
//!
//! The modules `a_` to `j_` are the conformance cases, each test named by the id of its case; where Auricle decided
//! otherwise, the test says so. The others are what has to hold whatever comes: bad requests, bad guests, crashes, load.

#![cfg(test)]

mod a_base_urls;
mod admin;
mod b_paths;
mod bad_deployments;
mod bad_guests;
mod bad_requests;
mod c_header_matching;
mod canary;
mod commands;
mod compiling;
mod crm_sync;
mod crm_sync_soap;
mod d_simple_http;
mod deployments;
mod e_properties;
mod embedding;
mod f_input_headers;
mod faults;
mod g_input_types;
mod h_answers;
mod http_itself;
mod i_paging;
mod idempotency;
mod j_modes;
mod metrics;
mod nodes;
mod operate;
mod packages;
mod patience;
#[path = "../../host/process/tests/support/postgres.rs"]
mod postgres;
mod queue;
mod reach;
mod receipts;
mod records;
mod soak;
mod soap;
mod soap_clients;
mod stop_and_swap;
mod sub_processes;
mod traces;

use auricle_tests::client::Response;
use serde_json::Value;

/// What a miss is called.
const UNKNOWN: &str = "Unknown operation for the given URL path.";

/// Name of the process of `inspect` that answered.
#[track_caller]
fn ran(response: &Response) -> String {
    response.json()["execution"]["name"].as_str().unwrap().to_owned()
}

/// The process properties that begin with a prefix, as `inspect` saw them: `[("id", "7")]` for `param_`.
#[track_caller]
fn properties(response: &Response, prefix: &str) -> Vec<(String, String)> {
    named(&response.json()["process"], prefix)
}

/// The `inheader_*` of the one document, as `inspect` saw them.
#[track_caller]
fn headers_seen(response: &Response) -> Vec<(String, String)> {
    let report = response.json();
    assert_eq!(report["documents"].as_array().unwrap().len(), 1, "{response}");
    named(&report["documents"][0]["properties"], "inheader_")
}

/// The texts of the input documents, as `inspect` saw them.
#[track_caller]
fn texts(report: &Value) -> Vec<&str> {
    report["documents"].as_array().unwrap().iter().map(|document| document["text"].as_str().unwrap()).collect()
}

fn named(object: &Value, prefix: &str) -> Vec<(String, String)> {
    let pairs = object.as_object().unwrap().iter();
    pairs
        .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.as_str()?.to_owned())))
        .collect()
}

/// Pairs of text as [`properties`] and [`headers_seen`] give them.
fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
