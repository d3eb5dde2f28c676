//! The WSDL itself: messages, port type, binding, service.

use std::collections::HashSet;

use super::schemas::Schemas;
use super::{ADDRESS, DECLARATION, Described, Version, fault};
use crate::profile::Profile;
use crate::soap::SoapOperation;
use crate::xml;

/// Writes it. `is_single`: with the schemas in it.
pub(super) fn written(described: &Described<'_>, version: Version, is_single: bool) -> String {
    let service = described.service;
    let name = xml::quoted(&service.name);
    let soap = match version {
        Version::V11 => "http://schemas.xmlsoap.org/wsdl/soap/",
        Version::V12 => "http://schemas.xmlsoap.org/wsdl/soap12/",
    };
    // No default namespace: the names of elements in no namespace have no prefix.
    let mut text = format!(
        "{DECLARATION}<wsdl:definitions name=\"{name}\" targetNamespace=\"{}\" xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" \
         xmlns:soap=\"{soap}\" xmlns:xsd=\"{}\"{}>\n",
        xml::quoted(&service.namespace),
        super::outline::XSD,
        described.prefixes(),
    );
    types(described, is_single, &mut text);
    for (name, Message { element, part }) in messages(described) {
        text.push_str(&format!(
            "  <wsdl:message name=\"{name}\">\n    <wsdl:part name=\"{part}\" element=\"{element}\"/>\n  </wsdl:message>\n"
        ));
    }
    text.push_str(&format!("  <wsdl:portType name=\"{name}Port\">\n"));
    for call in calls(described) {
        call.declare(&mut text);
    }
    text.push_str(&format!(
        "  </wsdl:portType>\n  <wsdl:binding name=\"{name}PortBinding\" type=\"tns:{name}Port\">\n    \
         <soap:binding style=\"document\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>\n"
    ));
    for call in calls(described) {
        call.bind(version, &mut text);
    }
    text.push_str(&format!("  </wsdl:binding>\n  <wsdl:service name=\"{name}\">\n"));
    document(&service.documentation, "    ", &mut text);
    text.push_str(&format!(
        "    <wsdl:port name=\"{name}Port\" binding=\"tns:{name}PortBinding\">\n      \
         <soap:address location=\"{ADDRESS}\"/>\n    </wsdl:port>\n  </wsdl:service>\n</wsdl:definitions>\n"
    ));
    text
}

/// An operation of the port type: one of the service, or the further pages of one.
struct Call<'a> {
    name: String,
    description: &'a str,
    request: Message,
    response: Message,
    fault: Option<&'a Profile>,
}

/// What the body of a message holds.
pub(super) struct Message {
    /// Qualified name of the element.
    element: String,
    /// Name of the part: clients take wrappers off of `parameters` alone.
    part: String,
}

impl Call<'_> {
    fn declare(&self, text: &mut String) {
        let Self { name, fault, .. } = self;
        text.push_str(&format!("    <wsdl:operation name=\"{name}\">\n"));
        document(self.description, "      ", text);
        text.push_str(&format!("      <wsdl:input message=\"tns:{name}\"/>\n"));
        text.push_str(&format!("      <wsdl:output message=\"tns:{name}Response\"/>\n"));
        if let Some(fault) = fault {
            let message = fault_message(fault);
            text.push_str(&format!("      <wsdl:fault name=\"{}\" message=\"tns:{message}\"/>\n", fault.name()));
        }
        text.push_str("    </wsdl:operation>\n");
    }

    fn bind(&self, version: Version, text: &mut String) {
        let needed = if version == Version::V12 { " soapActionRequired=\"false\"" } else { "" };
        let body = "<soap:body use=\"literal\"/>";
        text.push_str(&format!(
            "    <wsdl:operation name=\"{}\">\n      <soap:operation soapAction=\"\"{needed}/>\n      \
             <wsdl:input>{body}</wsdl:input>\n      <wsdl:output>{body}</wsdl:output>\n",
            self.name
        ));
        if let Some(fault) = self.fault {
            let name = fault.name();
            text.push_str(&format!(
                "      <wsdl:fault name=\"{name}\"><soap:fault name=\"{name}\" use=\"literal\"/></wsdl:fault>\n"
            ));
        }
        text.push_str("    </wsdl:operation>\n");
    }
}

/// The operations of the port type, in their order.
fn calls<'a>(described: &'a Described<'_>) -> impl Iterator<Item = Call<'a>> {
    described.operations.iter().flat_map(|(_, operation)| {
        let own = Call {
            name: operation.name.clone(),
            description: &operation.description,
            request: request(described, operation),
            response: response(described, operation),
            fault: fault(operation),
        };
        let more = operation.has_pages().then(|| Call {
            name: operation.more_name(),
            description: "",
            request: Message::wrapper(&operation.more_name()),
            response: Message::wrapper(&format!("{}Response", operation.more_name())),
            fault: None,
        });
        [Some(own), more].into_iter().flatten()
    })
}

/// All messages by name. A fault that several operations can end in comes once.
pub(super) fn messages(described: &Described<'_>) -> Vec<(String, Message)> {
    let mut messages = Vec::new();
    let mut faults = HashSet::new();
    for call in calls(described) {
        messages.push((call.name.clone(), call.request));
        messages.push((format!("{}Response", call.name), call.response));
        if let Some(profile) = call.fault.filter(|profile| faults.insert(profile.name().to_owned())) {
            messages.push((
                fault_message(profile),
                Message { element: described.fault_name(profile), part: "fault".to_owned() },
            ));
        }
    }
    messages
}

/// JAX-WS names the exception after it.
fn fault_message(profile: &Profile) -> String {
    let name = profile.name();
    if name.ends_with("Fault") { name.to_owned() } else { format!("{name}Fault") }
}

impl Message {
    fn wrapper(name: &str) -> Self {
        Self { element: format!("tns:{name}"), part: "parameters".to_owned() }
    }

    /// A message without a wrapper: the part's name is that of the argument.
    fn bare(element: String) -> Self {
        let part = element.rsplit(':').next().unwrap_or_default().to_owned();
        Self { element, part }
    }
}

fn request(described: &Described<'_>, operation: &SoapOperation) -> Message {
    match &operation.request {
        Some(profile) if !operation.wrapped => Message::bare(described.name(profile)),
        _ => Message::wrapper(&operation.name),
    }
}

fn response(described: &Described<'_>, operation: &SoapOperation) -> Message {
    match &operation.response {
        Some(profile) if !operation.wrapped && !operation.operation.is_receipt() => {
            if operation.operation.output.is_multiple() {
                Message::bare(format!("tns:{}", operation.response_list_name()))
            } else {
                Message::bare(described.name(profile))
            }
        }
        _ => Message::wrapper(&operation.response_name()),
    }
}

/// The schemas, or where they are.
fn types(described: &Described<'_>, is_single: bool, text: &mut String) {
    let schemas = Schemas::of(described);
    text.push_str("  <wsdl:types>\n");
    if is_single {
        for schema in schemas.inline() {
            text.push_str(&schema);
            text.push('\n');
        }
    } else {
        text.push_str(&schemas.imports());
        text.push('\n');
    }
    text.push_str("  </wsdl:types>\n");
}

/// Words for people, where there are any.
fn document(words: &str, indent: &str, text: &mut String) {
    if !words.is_empty() {
        text.push_str(&format!("{indent}<wsdl:documentation>"));
        xml::escaped(words, text);
        text.push_str("</wsdl:documentation>\n");
    }
}
