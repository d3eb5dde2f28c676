//! The WSDL of a service and its schema documents: WSDL 1.1, document/literal, of one version of SOAP.
//!
//! A page is written when it is first asked for, which costs one reading of the profiles' XML Schema files, and kept with its
//! service, so that later ones cost a copy: the address in it is the one that the client used. The choices are those that
//! zeep, JAX-WS and .NET make natural calls of: `createAccount(account) -> AccountResult`.

mod check;
mod description;
mod files;
mod outline;
mod schemas;
mod types;

use std::sync::OnceLock;

use auricle_model::WsdlSchema;
use bytes::Bytes;

pub use self::check::{Finding, check};
use super::fault::element as fault_element;
use super::{Service, SoapOperation, Version};
use crate::profile::{Profile, schema_of};
use crate::xml;

/// What a query of a GET asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// `?wsdl`
    Wsdl,
    /// `?wsdl=single`
    SingleWsdl,
    /// `?xsd=n`, from 1.
    Schema(usize),
}

/// The page that a query asks for; names without case; other parameters do not matter.
pub fn page_of(query: &str) -> Option<Page> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name.to_ascii_lowercase().as_str() {
            "wsdl" if value.eq_ignore_ascii_case("single") => Some(Page::SingleWsdl),
            "wsdl" => Some(Page::Wsdl),
            // What is no number is a document that isn't there.
            "xsd" => Some(Page::Schema(value.parse().unwrap_or(0))),
            _ => None,
        }
    })
}

/// A page; none for a schema document that isn't there. `address` is the outside URL of the endpoint, without a query.
pub fn page(service: &Service, version: Version, page: Page, address: &str) -> Option<Bytes> {
    let pages = &service.pages;
    let text = match page {
        Page::Schema(number) => {
            let schemas = pages.schemas.get_or_init(|| schemas::Schemas::of(&Described::of(service)).numbered());
            schemas.get(number.checked_sub(1)?)?
        }
        Page::Wsdl | Page::SingleWsdl => {
            if let Some(custom) = &service.custom_wsdl {
                return Some(custom.clone());
            }
            let is_single = page == Page::SingleWsdl || service.schema == WsdlSchema::Single;
            let forms = if version == Version::V11 { &pages.v11 } else { &pages.v12 };
            let form = if is_single { &forms.single } else { &forms.multi };
            form.get_or_init(|| description::written(&Described::of(service), version, is_single))
        }
    };
    Some(text.replace(ADDRESS, &xml::quoted(address)).into())
}

/// The pages of a service as far as they were asked for, with [`ADDRESS`] for the address.
#[derive(Debug, Default)]
pub(super) struct Pages {
    v11: Forms,
    v12: Forms,
    /// `?xsd=n`, which both versions share.
    schemas: OnceLock<Vec<String>>,
}

/// The WSDL of a version, with its schemas named and with its schemas in it.
#[derive(Debug, Default)]
struct Forms {
    multi: OnceLock<String>,
    single: OnceLock<String>,
}

/// Stands for the address in a page that is kept: a character that no XML has.
const ADDRESS: &str = "\0";

/// What each page begins with.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// What of a service can be described: each operation whose messages have profiles.
struct Described<'a> {
    service: &'a Service,
    /// With their numbers in the service.
    operations: Vec<(usize, &'a SoapOperation)>,
    /// The profiles of their messages, each once, in the order of their use.
    profiles: Vec<&'a Profile>,
    /// The profiles' namespaces other than none and the service's: their prefixes are `p1`, `p2` and so on.
    namespaces: Vec<&'a str>,
    /// The schema of the JSON profiles; empty where there are none.
    json: String,
}

impl<'a> Described<'a> {
    fn of(service: &'a Service) -> Self {
        let operations: Vec<_> = service.operations.iter().map(AsRef::as_ref).enumerate().collect();
        let operations: Vec<(usize, &SoapOperation)> =
            operations.into_iter().filter(|(_, operation)| operation.is_described()).collect();
        let mut described =
            Self { service, operations: Vec::new(), profiles: Vec::new(), namespaces: Vec::new(), json: String::new() };
        for (_, operation) in &operations {
            [&operation.request, &operation.response, &operation.fault]
                .into_iter()
                .flatten()
                .for_each(|p| described.add(p));
        }
        described.operations = operations;
        let json: Vec<&Profile> = described.profiles.iter().copied().filter(|profile| profile.is_json()).collect();
        if !json.is_empty() {
            described.json = schema_of(&json);
        }
        described
    }

    /// The profiles of faults, each once.
    fn faults(&self) -> impl Iterator<Item = &'a Profile> {
        let all: Vec<&Profile> = self.operations.iter().filter_map(|(_, operation)| fault(operation)).collect();
        self.profiles.iter().copied().filter(move |profile| all.iter().any(|fault| fault.name() == profile.name()))
    }

    /// The qualified name of a fault's element. One of JSON is in the service's namespace.
    fn fault_name(&self, profile: &Profile) -> String {
        if profile.is_json() { format!("tns:{}", fault_element(profile)) } else { self.name(profile) }
    }

    fn add(&mut self, profile: &'a Profile) {
        if self.profiles.iter().any(|known| known.name() == profile.name()) {
            return;
        }
        let (namespace, _) = profile.root();
        if !namespace.is_empty() && namespace != self.service.namespace && !self.namespaces.contains(&namespace) {
            self.namespaces.push(namespace);
        }
        self.profiles.push(profile);
    }

    /// The declarations of the prefixes that [`Described::name`] uses, as attributes.
    fn prefixes(&self) -> String {
        let mut text = format!(" xmlns:tns=\"{}\"", xml::quoted(&self.service.namespace));
        for (index, namespace) in self.namespaces.iter().enumerate() {
            text.push_str(&format!(" xmlns:p{}=\"{}\"", index + 1, xml::quoted(namespace)));
        }
        text
    }

    /// The qualified name of a profile's root.
    fn name(&self, profile: &Profile) -> String {
        let (namespace, local) = profile.root();
        if namespace == self.service.namespace {
            return format!("tns:{local}");
        }
        match self.namespaces.iter().position(|known| *known == namespace) {
            Some(index) => format!("p{}:{local}", index + 1),
            None => local.to_owned(),
        }
    }
}

/// The profile of the fault that an operation can end in: only the one document of a single-* output can be one.
fn fault(operation: &SoapOperation) -> Option<&Profile> {
    let is_possible = operation.operation.output.is_single() && !operation.operation.is_receipt();
    operation.fault.as_deref().filter(|_| is_possible)
}

#[cfg(test)]
mod tests;
