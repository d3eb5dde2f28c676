//! The schema of a service's own namespace: the elements around messages, which its operations name.

use std::collections::HashSet;

use super::Described;
use super::outline::{Part, XSD, outline};
use crate::paging::TOKEN;
use crate::profile::Profile;
use crate::soap::SoapOperation;
use crate::soap::fault::element as fault_element;
use crate::xml;

/// Writes it. `links` are the elements that bring in the profiles.
pub(super) fn schema(described: &Described<'_>, links: &str) -> String {
    let mut types = Types { described, elements: String::new(), lists: Vec::new(), global: Vec::new() };
    for (_, operation) in &described.operations {
        types.request(operation);
        types.response(operation);
    }
    types.faults();
    types.schema(links)
}

struct Types<'a> {
    described: &'a Described<'a>,
    /// The global elements, written.
    elements: String,
    lists: Vec<ListType>,
    /// Names of global elements that are lists.
    global: Vec<String>,
}

/// The type of an element that lists documents.
#[derive(PartialEq, Eq)]
struct ListType {
    name: String,
    /// Qualified name of the documents' element.
    document: String,
    /// Whether it can have the token of a next page.
    is_paged: bool,
}

impl Types<'_> {
    /// The element of a request, where it is not that of the profile.
    fn request(&mut self, operation: &SoapOperation) {
        if operation.wrapped || operation.request.is_none() {
            let text = |name: &str, occurs: &str| format!("<xsd:element name=\"{name}\" type=\"xsd:string\"{occurs}/>");
            let keys = operation.keys.iter().map(|key| text(key, ""));
            let mut children: Vec<String> =
                keys.chain(operation.query.iter().map(|name| text(name, " minOccurs=\"0\""))).collect();
            if let Some(profile) = &operation.request {
                children.push(if operation.operation.input.is_multiple() {
                    self.list(operation, operation.list_name(), profile, false)
                } else {
                    format!("<xsd:element ref=\"{}\"/>", self.described.name(profile))
                });
            }
            self.wrapper(&operation.name, &children);
        }
        if operation.has_pages() {
            let token = format!("<xsd:element name=\"{TOKEN}\" type=\"xsd:string\"/>");
            self.wrapper(&operation.more_name(), &[token]);
        }
    }

    /// The elements of an answer.
    fn response(&mut self, operation: &SoapOperation) {
        let profile = operation.response.as_deref().filter(|_| !operation.operation.is_receipt());
        let Some(profile) = profile else {
            return self.wrapper(&operation.response_name(), &[]);
        };
        // A process may return no document. The answer then is the empty wrapper, also where there is none around documents.
        if !operation.operation.output.is_multiple() {
            let name = operation.response_name();
            if operation.wrapped {
                let child = format!("<xsd:element ref=\"{}\" minOccurs=\"0\"/>", self.described.name(profile));
                self.wrapper(&name, &[child]);
            } else if !self.described.profiles.iter().any(|profile| profile.root() == (&operation.namespace, &name)) {
                self.wrapper(&name, &[]);
            }
            return;
        }
        let name = operation.response_list_name();
        let list = self.list(operation, name.clone(), profile, true);
        if operation.wrapped {
            self.wrapper(&operation.response_name(), std::slice::from_ref(&list));
        } else if !self.global.contains(&list) {
            self.elements.push_str(&format!("  {list}\n"));
            self.global.push(list.clone());
        }
        self.wrapper(&format!("{}Response", operation.more_name()), &[list]);
    }

    /// The elements of faults whose profiles are of JSON: of the root's type, whose name is in the JSON profiles' schema.
    /// Profiles of one root share theirs.
    fn faults(&mut self) {
        let json = outline(&self.described.json);
        let mut written = HashSet::new();
        for profile in self.described.faults().filter(|profile| profile.is_json()) {
            let (_, root) = profile.root();
            let element = json.parts.iter().find(|part| part.kind == "element" && part.name == root);
            if let Some(Part { type_name, .. }) = element {
                let name = fault_element(profile);
                if written.insert(name.clone()) {
                    self.elements.push_str(&format!("  <xsd:element name=\"{name}\" type=\"{type_name}\"/>\n"));
                }
            }
        }
    }

    /// An element around others: its type has no name, as clients that take wrappers off expect it.
    fn wrapper(&mut self, name: &str, children: &[String]) {
        self.elements.push_str(&format!("  <xsd:element name=\"{name}\">\n    <xsd:complexType>\n"));
        if children.is_empty() {
            self.elements.push_str("      <xsd:sequence/>\n");
        } else {
            self.elements.push_str("      <xsd:sequence>\n");
            for child in children {
                self.elements.push_str(&format!("        {child}\n"));
            }
            self.elements.push_str("      </xsd:sequence>\n");
        }
        self.elements.push_str("    </xsd:complexType>\n  </xsd:element>\n");
    }

    /// An element that lists documents. Its type is named like it, unless another list has taken the name.
    fn list(&mut self, operation: &SoapOperation, name: String, profile: &Profile, is_paged: bool) -> String {
        let mut list = ListType { name: name.clone(), document: self.described.name(profile), is_paged };
        if self.lists.iter().any(|other| other.name == name && *other != list) {
            list.name = format!("{}{name}", operation.name);
        }
        let element = format!("<xsd:element name=\"{name}\" type=\"tns:{}\"/>", list.name);
        if !self.lists.contains(&list) {
            self.lists.push(list);
        }
        element
    }

    fn schema(self, links: &str) -> String {
        let prefixes = self.described.prefixes();
        let target = xml::quoted(&self.described.service.namespace);
        let mut text = format!(
            "<xsd:schema xmlns:xsd=\"{XSD}\"{prefixes} targetNamespace=\"{target}\" elementFormDefault=\"qualified\">\n"
        );
        text.push_str(links);
        text.push_str(&self.elements);
        for ListType { name, document, is_paged } in &self.lists {
            text.push_str(&format!(
                "  <xsd:complexType name=\"{name}\">\n    <xsd:sequence>\n      \
                 <xsd:element ref=\"{document}\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>\n    </xsd:sequence>\n"
            ));
            if *is_paged {
                text.push_str(&format!("    <xsd:attribute name=\"{TOKEN}\" type=\"xsd:string\"/>\n"));
            }
            text.push_str("  </xsd:complexType>\n");
        }
        text.push_str("</xsd:schema>");
        text
    }
}
