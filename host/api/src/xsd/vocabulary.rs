//! Which elements and attributes may stand where in a schema document, and which are refused by name.
//!
//! This is the schema for schemas of XML Schema 1.0 as a table: what reads a document can then trust its shape.

use super::faults::Faults;
use super::tree::Node;

/// Children in their order: names of which any may come here, and whether several of them may.
type Slot = (&'static [&'static str], bool);

/// What may stand in an element.
struct Rule {
    attributes: &'static [&'static str],
    children: &'static [Slot],
    /// It means nothing without one of its children.
    needs_child: bool,
}

impl Rule {
    const fn new(attributes: &'static [&'static str], children: &'static [Slot]) -> Self {
        Self { attributes, children, needs_child: false }
    }

    const fn needs_child(self) -> Self {
        Self { needs_child: true, ..self }
    }
}

const MODEL: Slot = (&["group", "all", "choice", "sequence"], false);
const PARTICLES: Slot = (&["element", "group", "choice", "sequence", "any"], true);
const ATTRIBUTES: Slot = (&["attribute", "attributeGroup"], true);
const ANY_ATTRIBUTE: Slot = (&["anyAttribute"], false);
const SIMPLE_TYPE: Slot = (&["simpleType"], false);
const FACETS: Slot = (
    &[
        "minExclusive",
        "minInclusive",
        "maxExclusive",
        "maxInclusive",
        "totalDigits",
        "fractionDigits",
        "length",
        "minLength",
        "maxLength",
        "enumeration",
        "whiteSpace",
        "pattern",
    ],
    true,
);

/// What may stand in an element, by its name and that of the element around it.
fn rule(parent: &str, local: &str) -> Option<Rule> {
    let is_global = parent == "schema";
    Some(match local {
        "schema" => Rule::new(
            &[
                "targetNamespace",
                "version",
                "elementFormDefault",
                "attributeFormDefault",
                "finalDefault",
                "blockDefault",
            ],
            &[
                (&["include", "import"], true),
                (&["simpleType", "complexType", "group", "attributeGroup", "element", "attribute"], true),
            ],
        ),
        "include" => Rule::new(&["schemaLocation"], &[]),
        "import" => Rule::new(&["namespace", "schemaLocation"], &[]),
        "element" if is_global => Rule::new(
            &["name", "type", "default", "fixed", "nillable", "abstract", "final", "block"],
            &[(&["simpleType", "complexType"], false)],
        ),
        "element" => Rule::new(
            &["name", "ref", "type", "minOccurs", "maxOccurs", "default", "fixed", "nillable", "block", "form"],
            &[(&["simpleType", "complexType"], false)],
        ),
        "attribute" if is_global => Rule::new(&["name", "type", "default", "fixed"], &[SIMPLE_TYPE]),
        "attribute" => Rule::new(&["name", "ref", "type", "use", "default", "fixed", "form"], &[SIMPLE_TYPE]),
        "complexType" => Rule::new(
            if is_global { &["name", "mixed", "abstract", "final", "block"] } else { &["mixed"] },
            &[
                (&["simpleContent", "complexContent", "group", "all", "choice", "sequence"], false),
                ATTRIBUTES,
                ANY_ATTRIBUTE,
            ],
        ),
        "simpleContent" => Rule::new(&[], &[(&["restriction", "extension"], false)]).needs_child(),
        "complexContent" => Rule::new(&["mixed"], &[(&["restriction", "extension"], false)]).needs_child(),
        "extension" if parent == "simpleContent" => Rule::new(&["base"], &[ATTRIBUTES, ANY_ATTRIBUTE]),
        "restriction" if parent == "simpleContent" => {
            Rule::new(&["base"], &[SIMPLE_TYPE, FACETS, ATTRIBUTES, ANY_ATTRIBUTE])
        }
        "restriction" if parent == "simpleType" => Rule::new(&["base"], &[SIMPLE_TYPE, FACETS]),
        "extension" | "restriction" => Rule::new(&["base"], &[MODEL, ATTRIBUTES, ANY_ATTRIBUTE]),
        "group" if is_global => Rule::new(&["name"], &[(&["all", "choice", "sequence"], false)]).needs_child(),
        "group" => Rule::new(&["ref", "minOccurs", "maxOccurs"], &[]),
        // What a named group holds comes once: its references say how often.
        "all" | "choice" | "sequence" if parent == "group" => {
            Rule::new(&[], if local == "all" { &[(&["element"], true)] } else { &[PARTICLES] })
        }
        "all" => Rule::new(&["minOccurs", "maxOccurs"], &[(&["element"], true)]),
        "choice" | "sequence" => Rule::new(&["minOccurs", "maxOccurs"], &[PARTICLES]),
        "any" => Rule::new(&["namespace", "processContents", "minOccurs", "maxOccurs"], &[]),
        "anyAttribute" => Rule::new(&["namespace", "processContents"], &[]),
        "attributeGroup" if is_global => Rule::new(&["name"], &[ATTRIBUTES, ANY_ATTRIBUTE]),
        "attributeGroup" => Rule::new(&["ref"], &[]),
        "simpleType" => {
            Rule::new(if is_global { &["name", "final"] } else { &[] }, &[(&["restriction", "list", "union"], false)])
                .needs_child()
        }
        "list" => Rule::new(&["itemType"], &[SIMPLE_TYPE]),
        "union" => Rule::new(&["memberTypes"], &[(&["simpleType"], true)]),
        "pattern" | "enumeration" => Rule::new(&["value"], &[]),
        facet if FACETS.0.contains(&facet) => Rule::new(&["value", "fixed"], &[]),
        _ => return None,
    })
}

/// Why an element is refused wherever it stands, if it is.
fn refused_element(local: &str) -> Option<&'static str> {
    Some(match local {
        "redefine" => "is not supported: declare the types anew, or include the document as it is",
        "key" | "keyref" | "unique" | "selector" | "field" => "is not supported: identity constraints can't be checked",
        "notation" => "is not supported",
        "assert" | "assertion" | "alternative" | "openContent" | "defaultOpenContent" | "override"
        | "explicitTimezone" => "is of XML Schema 1.1: version 1.0 is supported",
        _ => return None,
    })
}

/// Why an attribute is refused wherever it stands, if it is.
fn refused_attribute(local: &str, value: &str) -> Option<&'static str> {
    Some(match local {
        "substitutionGroup" => "is not supported: list the elements in an `xs:choice`",
        "block" | "final" | "blockDefault" | "finalDefault" if !value.is_empty() => {
            "is not supported, unless it is empty: nothing is blocked"
        }
        "defaultAttributes"
        | "defaultAttributesApply"
        | "xpathDefaultNamespace"
        | "inheritable"
        | "notNamespace"
        | "notQName"
        | "appliesToEmpty" => "is of XML Schema 1.1: version 1.0 is supported",
        _ => return None,
    })
}

/// Tells what can't stand where it does in a document, and what is not supported.
pub(super) fn check(root: &Node<'_>, faults: &mut Faults<'_>) {
    if root.local == "schema" {
        node("", root, faults);
    } else {
        faults.add(
            root.document,
            root.at,
            format!("the root element of a schema is `xs:schema`, not `xs:{}`", root.local),
        );
    }
}

fn node(parent: &str, node: &Node<'_>, faults: &mut Faults<'_>) {
    let local = node.local;
    let Some(rule) = rule(parent, local) else { return };
    for attribute in &node.attributes {
        let name = attribute.local;
        if let Some(why) = refused_attribute(name, attribute.value.trim()) {
            faults.add(node.document, attribute.at, format!("`{name}` of `xs:{local}` {why}"));
        } else if name != "id" && !rule.attributes.contains(&name) {
            faults.add(node.document, attribute.at, format!("`{name}` is no attribute of `xs:{local}` here"));
        }
    }
    if rule.needs_child && node.children.is_empty() {
        let children: Vec<_> =
            rule.children.iter().flat_map(|(names, _)| names.iter()).map(|n| format!("`xs:{n}`")).collect();
        faults.add(node.document, node.at, format!("`xs:{local}` needs a child: {}", children.join(" or ")));
    }
    let mut slots = rule.children.iter().peekable();
    for child in &node.children {
        let name = child.local;
        if let Some(why) = refused_element(name) {
            faults.add(child.document, child.at, format!("`xs:{name}` {why}"));
            continue;
        }
        while slots.next_if(|(names, _)| !names.contains(&name)).is_some() {}
        match slots.peek() {
            Some((_, true)) => {}
            Some((_, false)) => drop(slots.next()),
            None => {
                let message = if rule.children.iter().any(|(names, _)| names.contains(&name)) {
                    format!("`xs:{name}` can't stand in `xs:{local}` after what comes before it")
                } else {
                    format!("`xs:{name}` can't stand in `xs:{local}`")
                };
                faults.add(child.document, child.at, message);
                break;
            }
        }
        self::node(local, child, faults);
    }
}
