//! What a SOAP endpoint tells of itself: `?wsdl` and the schema documents that it names.

use std::net::IpAddr;

use auricle_api::route::SoapSite;
use auricle_api::soap::wsdl::{self, Page};
use http::request::Parts;

use crate::host::Inner;
use crate::reply::Answer;
use crate::respond::{self, Refusal};

/// Answers a GET.
pub(super) fn answer(host: &Inner, head: &Parts, peer: Option<IpAddr>, site: &SoapSite) -> Answer {
    let Some(page) = head.uri.query().and_then(wsdl::page_of) else {
        return Err(Box::new(Refusal::SoapByGet));
    };
    let url = host.origin.url(head, peer);
    match wsdl::page(&site.service, site.version, page, url.trim_end_matches('/')) {
        Some(text) => Ok(respond::description(text)),
        None => {
            let Page::Schema(number) = page else { return Err(Box::new(Refusal::Panicked)) };
            Err(Box::new(Refusal::UnknownSchema { number }))
        }
    }
}
