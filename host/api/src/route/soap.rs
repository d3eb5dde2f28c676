//! SOAP endpoints of a deployment: what each API serves there, made of its declarations and the profiles.
//!
//! The URL leads to a [`SoapSite`]; which of its operations a request is for, its body says.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use auricle_model::manifest::nearest;
use auricle_model::{
    ApiDecl, Deployment, DocumentType, Messages, Operation, ProcessDecl, Protocol, SoapDecl, SoapSettings, SoapVersions,
};
use http::Method;

use super::build::{Builder, Conflict, parts, written};
use super::trie::Part;
use super::{Endpoint, Place};
use crate::headers::HeaderPolicy;
use crate::profile::Profile;
use crate::soap::{SameBody, Service, ServiceParts, SoapOperation, Version, wsdl};
use crate::xml;

/// Name of a WSDL's service unless the API has another: the documented product's.
const SERVICE_NAME: &str = "WebServiceProvider";

/// What is at a SOAP URL.
#[derive(Debug)]
pub struct SoapSite {
    /// The version that is spoken there.
    pub version: Version,
    /// What is served.
    pub service: Arc<Service>,
    /// An endpoint for each operation of the service, in its order.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Segments of the protocol's root, after which `inpath` begins.
    pub(super) root: usize,
}

/// The profiles of a deployment by name; none where one could not be read.
pub(super) type Profiles = HashMap<String, Option<Arc<Profile>>>;

/// What an operation is declared as, and where.
struct Declared<'d> {
    key: String,
    decl: SoapDecl,
    process: &'d ProcessDecl,
    name: Arc<str>,
}

impl<'d> Builder<'d> {
    /// Reads the profiles; tells what is wrong with them.
    pub(super) fn profiles(&mut self, deployment: &Deployment) -> Profiles {
        let mut profiles = Profiles::new();
        for decl in &deployment.profiles {
            let read = Profile::new(decl).map_err(|errors| {
                let key = format!("profile[{}].file", decl.name);
                self.conflicts.extend(errors.into_iter().map(|error| Conflict::new(&key, error.to_string())));
            });
            profiles.insert(decl.name.clone(), read.ok().map(Arc::new));
        }
        profiles
    }

    /// The profile that a key names, if it is one and could be read.
    pub(super) fn profile(&mut self, name: Option<&String>, key: &str, profiles: &Profiles) -> Option<Arc<Profile>> {
        let name = name?;
        match profiles.get(name) {
            Some(read) => read.clone(),
            None => {
                let hint = nearest(name, profiles.keys().map(String::as_str));
                let hint = hint.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
                self.conflicts.push(Conflict::new(key, format!("there is no profile `{name}`{hint}")));
                None
            }
        }
    }

    /// The profile by which documents are checked that an endpoint takes, where it is to check them.
    pub(super) fn validating(
        &mut self,
        key: &str,
        messages: &Messages,
        input: DocumentType,
        profiles: &Profiles,
    ) -> Option<Arc<Profile>> {
        if !messages.validate {
            return None;
        }
        if messages.request.is_none() {
            let message = "`validate` needs a `request-profile` to check requests by";
            self.conflicts.push(Conflict::new(key, message));
        }
        let profile = self.profile(messages.request.as_ref(), key, profiles)?;
        self.fits(key, &profile, input, "takes").then_some(profile)
    }

    /// Whether documents of a type can be what a profile says.
    fn fits(&mut self, key: &str, profile: &Profile, documents: DocumentType, does: &str) -> bool {
        let fits = if profile.is_json() { documents.is_json() } else { documents.is_xml() };
        if !fits && documents != DocumentType::None {
            let kind = if profile.is_json() { "JSON Schema" } else { "XML Schema" };
            let message = format!(
                "the operation {does} {documents}, and profile `{}` is a {kind}: one does not go with the other",
                profile.name()
            );
            self.conflicts.push(Conflict::new(key, message));
        }
        fits
    }

    /// The places of an API's SOAP service, with their segments.
    pub(super) fn soap_api(
        &mut self,
        api: &'d ApiDecl,
        policy: &Arc<HeaderPolicy>,
        profiles: &Profiles,
    ) -> Vec<(Vec<Part>, Place)> {
        let mut declared = Vec::new();
        for (index, decl) in api.soap.iter().enumerate() {
            let key = format!("api[{}].soap[{index}]", api.name);
            match self.process(&decl.process) {
                Ok((process, name)) => declared.push(Declared { key, decl: decl.clone(), process, name }),
                Err(message) => self.conflicts.push(Conflict::new(format!("{key}.process"), message)),
            }
        }
        if declared.is_empty() {
            return Vec::new();
        }
        let documentation = [format!("{} {}", api.title, api.version), api.description.clone()];
        let documentation = documentation.join("\n").trim_end().to_owned();
        self.soap(Some(api.name.clone()), &api.base, documentation, &api.soap_settings, declared, policy, profiles)
    }

    /// The places of the processes that no API names.
    pub(super) fn soap_bare(
        &mut self,
        deployment: &'d Deployment,
        policy: &Arc<HeaderPolicy>,
        profiles: &Profiles,
    ) -> Vec<(Vec<Part>, Place)> {
        let rest = deployment.apis.iter().flat_map(|api| api.rest.iter().map(|route| route.process.as_str()));
        let soap = deployment.apis.iter().flat_map(|api| api.soap.iter().map(|operation| operation.process.as_str()));
        let named: HashSet<&str> = rest.chain(soap).collect();
        let alone = deployment.processes.iter().filter(|process| !named.contains(process.name.as_str()));
        let offered = alone.filter(|process| {
            let operation = &process.operation;
            is_named(operation)
                && is_offered(operation.input, &process.messages.request, profiles)
                && (operation.is_receipt() || is_offered(operation.output, &process.messages.response, profiles))
                && is_in_xml(&process.messages.fault, profiles)
        });
        let declared: Vec<Declared<'_>> = offered
            .map(|process| Declared {
                key: format!("process[{}]", process.name),
                decl: SoapDecl::new(&process.name),
                process,
                name: process.name.as_str().into(),
            })
            .collect();
        if declared.is_empty() {
            return Vec::new();
        }
        self.soap(None, "", String::new(), &SoapSettings::default(), declared, policy, profiles)
    }

    #[expect(clippy::too_many_arguments, reason = "what the two kinds of service differ in")]
    fn soap(
        &mut self,
        api: Option<String>,
        base: &str,
        documentation: String,
        settings: &SoapSettings,
        declared: Vec<Declared<'_>>,
        policy: &Arc<HeaderPolicy>,
        profiles: &Profiles,
    ) -> Vec<(Vec<Part>, Place)> {
        let mut operations = Vec::with_capacity(declared.len());
        for one in &declared {
            operations.push(self.soap_operation(one, settings, profiles));
        }
        let service = Service::new(ServiceParts {
            api: api.clone(),
            documentation,
            namespace: settings.namespace.clone(),
            name: settings.service_name.clone().unwrap_or_else(|| SERVICE_NAME.to_owned()),
            schema: settings.wsdl_schema,
            custom_wsdl: settings.wsdl.as_ref().map(|file| file.text.clone().into()),
            operations,
        });
        let key = |number: usize| declared.get(number).map_or("", |one| one.key.as_str());
        let service = match service {
            Ok(service) => Arc::new(service),
            Err(same) => {
                for SameBody { number, other, element: (namespace, local) } in same {
                    let message = format!(
                        "no body tells it from {}: both are for `{{{namespace}}}{local}`: give one another `operation`, or do not omit its wrapper",
                        key(other)
                    );
                    self.conflicts.push(Conflict::between(key(number), key(other), message));
                }
                return Vec::new();
            }
        };
        for wsdl::Finding { operation, message, is_error } in wsdl::check(&service) {
            let key = match operation {
                Some(number) => key(number).to_owned(),
                None => api.as_ref().map_or_else(String::new, |api| format!("api[{api}]")),
            };
            // Nobody has asked for the service of the processes outside of APIs: it keeps no deployment from being made.
            let findings = if is_error && api.is_some() { &mut self.conflicts } else { &mut self.remarks };
            findings.push(Conflict::new(key, message));
        }
        let roots = &self.server.roots;
        let versions = [(Version::V11, roots.soap.clone()), (Version::V12, roots.soap12.clone())];
        let mut places = Vec::new();
        for (version, root) in versions.into_iter().filter(|(version, _)| speaks(settings.versions, *version)) {
            let segments = parts([root.as_str(), base]);
            let endpoints = service.operations.iter().map(|operation| {
                let number = self.number();
                Arc::new(Endpoint {
                    number,
                    protocol: Protocol::Soap,
                    api: api.clone(),
                    methods: vec![Method::POST],
                    route: format!("{}#{}", written(&segments), operation.name),
                    process: operation.process.clone(),
                    object: operation.own_object.clone(),
                    operation: operation.operation.clone(),
                    headers: policy.clone(),
                    keys: Vec::new(),
                    validating: None,
                    soap: Some((version, operation.clone())),
                    template: segments.clone(),
                })
            });
            let endpoints: Vec<_> = endpoints.collect();
            self.endpoints.extend(endpoints.iter().cloned());
            let service = service.clone();
            let site = SoapSite { version, service, endpoints, root: parts([root.as_str()]).len() };
            places.push((segments, Place::Soap(Arc::new(site))));
        }
        places
    }

    /// The path parameters that every REST route to a process has: without them it is called nowhere.
    fn common_keys(&self, process: &str) -> Vec<String> {
        let Some((first, others)) = self.path_keys.get(process).and_then(|routes| routes.split_first()) else {
            return Vec::new();
        };
        first.iter().filter(|key| others.iter().all(|route| route.contains(*key))).cloned().collect()
    }

    fn soap_operation(&mut self, one: &Declared<'_>, settings: &SoapSettings, profiles: &Profiles) -> SoapOperation {
        let Declared { key, decl, process, name } = one;
        let operation = decl.in_force(&process.operation);
        let messages = decl.messages.over(&process.messages);
        let omits = decl.omit_wrappers.unwrap_or(settings.omit_wrappers);
        let passthrough = decl.envelope_passthrough.unwrap_or(settings.envelope_passthrough);
        let named = decl.operation.clone().unwrap_or_else(|| operation.name());
        let mut refuse = |message: String| self.conflicts.push(Conflict::new(key, message));
        if !xml::is_ncname(&named) {
            refuse(format!("`{named}` is no name that an element can have: name the `operation` otherwise"));
        }
        if passthrough && messages.validate {
            refuse("with `envelope-passthrough` nothing is checked: write `validate = false` here".to_owned());
        }
        if passthrough && !matches!(operation.input, DocumentType::SingleXml | DocumentType::SingleData) {
            refuse(format!(
                "with `envelope-passthrough` the input is single-xml or single-data, here it is {}",
                operation.input
            ));
        }
        if !passthrough && operation.input == DocumentType::SingleData {
            refuse("SOAP has no single-data: set its `input` to an XML or JSON type".to_owned());
        }
        if !passthrough && operation.output == DocumentType::SingleData && !operation.is_receipt() {
            refuse("SOAP has no single-data: set its `output` to an XML or JSON type".to_owned());
        }
        if omits && operation.input.is_multiple() {
            refuse(format!(
                "`omit-wrappers` leaves no place for the documents of {}: take one at a time",
                operation.input
            ));
        }
        let request = self.profile(messages.request.as_ref(), key, profiles);
        let request = request.filter(|profile| passthrough || self.fits(key, profile, operation.input, "takes"));
        let response = self.profile(messages.response.as_ref(), key, profiles);
        let response = response.filter(|profile| passthrough || self.fits(key, profile, operation.output, "gives"));
        let fault = self.profile(messages.fault.as_ref(), key, profiles);
        let fault = fault.filter(|profile| passthrough || self.fits(key, profile, operation.output, "gives"));
        for profile in [&request, &response, &fault].into_iter().flatten() {
            self.conflicts.extend(profile.not_in_xml().iter().map(|error| Conflict::new(key, error.to_string())));
        }
        if messages.validate && messages.request.is_none() {
            self.conflicts.push(Conflict::new(key, "`validate` needs a `request-profile` to check requests by"));
        }
        let of_paths = || self.common_keys(&process.name);
        let keys = if omits || passthrough { Vec::new() } else { decl.keys.clone().unwrap_or_else(of_paths) };
        SoapOperation {
            name: named,
            description: decl.description.clone(),
            process: name.clone(),
            own_object: process.operation.object.clone(),
            operation: Arc::new(operation),
            namespace: settings.namespace.clone(),
            wrapped: !omits,
            passthrough,
            returns_fault: decl.returns_fault,
            keys,
            query: decl.query.clone(),
            request,
            response,
            fault,
            validate: messages.validate,
        }
    }
}

/// Whether an operation and the lists of its documents have names that elements can have.
fn is_named(operation: &Operation) -> bool {
    let lists = operation.input.is_multiple() || operation.output.is_multiple();
    xml::is_ncname(&operation.name()) && (!lists || xml::is_ncname(&operation.object))
}

/// Whether documents of a type can be sent over SOAP.
fn is_offered(documents: DocumentType, profile: &Option<String>, profiles: &Profiles) -> bool {
    match documents {
        DocumentType::None | DocumentType::SingleXml | DocumentType::MultipleXml => true,
        DocumentType::SingleJson | DocumentType::MultipleJson => profile.is_some() && is_in_xml(profile, profiles),
        DocumentType::SingleData => false,
    }
}

/// Whether a profile, if there is one, leaves no message without a place in XML.
fn is_in_xml(profile: &Option<String>, profiles: &Profiles) -> bool {
    let read = profile.as_ref().and_then(|name| profiles.get(name)?.as_ref());
    read.is_none_or(|profile| profile.not_in_xml().is_empty())
}

const fn speaks(versions: SoapVersions, version: Version) -> bool {
    match (versions, version) {
        (SoapVersions::Both, _) => true,
        (SoapVersions::V11, version) => matches!(version, Version::V11),
        (SoapVersions::V12, version) => matches!(version, Version::V12),
    }
}

/// The path parameters of the REST routes to each process, by the routes: what its operations take as keys elsewhere.
pub(super) fn path_keys(deployment: &Deployment) -> HashMap<&str, Vec<BTreeSet<String>>> {
    let mut keys: HashMap<&str, Vec<BTreeSet<String>>> = HashMap::new();
    for route in deployment.apis.iter().flat_map(|api| &api.rest) {
        let names = Part::parse(&route.path).filter_map(|part| match part {
            Part::Parameter(name) => Some(name),
            Part::Literal(_) => None,
        });
        keys.entry(&route.process).or_default().push(names.collect());
    }
    keys
}
