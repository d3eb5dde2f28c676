//! The documents of a schema together: which namespace each declares, and what it may refer to.
//!
//! Nothing is fetched. An `xs:import` is satisfied by the documents of its namespace among those that were given, an
//! `xs:include` by the one whose file has the name that its location ends with.

use super::faults::Faults;
use super::names::{Names, Space, XSD, XSI, told};
use super::tree::{self, Node};
use super::{Source, vocabulary};

/// A document that has been read.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) root: Node<'a>,
    /// The namespace of what it declares.
    pub(super) target: Space,
    /// It names no namespace and was included by a document of one: what it refers to without a prefix is there, too.
    is_chameleon: bool,
    imports: Vec<Space>,
    /// Whether local elements are in the namespace where they do not say it themselves.
    pub(super) qualifies_elements: bool,
    /// Whether local attributes are in the namespace where they do not say it themselves.
    pub(super) qualifies_attributes: bool,
}

impl Document<'_> {
    /// What a name in a value of one of its elements stands for, or why it stands for nothing that can be referred to.
    pub(super) fn resolve<'n>(
        &self,
        node: &Node<'_>,
        name: &'n str,
        names: &Names,
    ) -> Result<(Space, &'n str), String> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let space = match node.space(prefix) {
            Some(Space::NONE) | None if prefix.is_empty() => {
                if self.is_chameleon {
                    self.target
                } else {
                    Space::NONE
                }
            }
            Some(space) => space,
            None => return Err(format!("prefix `{prefix}` is not declared: `xmlns:{prefix}=\"...\"` is missing")),
        };
        let text = names.space_text(space);
        if space == self.target || text == XSD || self.imports.contains(&space) {
            return Ok((space, local));
        }
        Err(match text {
            "" => format!(
                "`{local}` is in no namespace here: its prefix is missing, or an `xs:import` without `namespace`"
            ),
            _ => format!(
                "`{name}` is of the namespace {text}, which this document does not import: `xs:import` is missing"
            ),
        })
    }
}

/// Reads all documents; none if it can't be said what belongs together.
pub(super) fn read<'a>(
    sources: &[Source<'a>],
    names: &mut Names,
    faults: &mut Faults<'_>,
) -> Option<Vec<Document<'a>>> {
    let mut nodes = 0;
    let mut documents = Vec::with_capacity(sources.len());
    for (index, source) in sources.iter().enumerate() {
        if let Some(root) = tree::read(index, source, &mut nodes, names, faults) {
            vocabulary::check(&root, faults);
            documents.push(document(root, names, faults));
        }
    }
    if documents.len() < sources.len() || documents.iter().any(|document| document.root.local != "schema") {
        return None;
    }
    includes(sources, &mut documents, names, faults);
    imports(&mut documents, names, faults);
    Some(documents)
}

fn document<'a>(root: Node<'a>, names: &mut Names, faults: &mut Faults<'_>) -> Document<'a> {
    let target = root.value("targetNamespace").unwrap_or_default();
    if target.is_empty() && root.attribute("targetNamespace").is_some() {
        faults.add(root.document, root.place("targetNamespace"), "`targetNamespace` is empty: leave it out");
    }
    if target == XSD || target == XSI {
        faults.add(
            root.document,
            root.place("targetNamespace"),
            "the namespaces of XML Schema are known already: leave this file out",
        );
    }
    let target = names.space(target);
    let mut is_qualified = |attribute: &str| match root.value(attribute) {
        None | Some("unqualified") => false,
        Some("qualified") => true,
        Some(other) => {
            let message = format!("`{attribute}` is `qualified` or `unqualified`, not `{other}`");
            faults.add(root.document, root.place(attribute), message);
            false
        }
    };
    let (qualifies_elements, qualifies_attributes) =
        (is_qualified("elementFormDefault"), is_qualified("attributeFormDefault"));
    Document { root, target, is_chameleon: false, imports: Vec::new(), qualifies_elements, qualifies_attributes }
}

/// Gives the documents that others include their namespace.
fn includes(sources: &[Source<'_>], documents: &mut [Document<'_>], names: &Names, faults: &mut Faults<'_>) {
    let mut todo: Vec<usize> = (0..documents.len()).rev().collect();
    while let Some(index) = todo.pop() {
        let Some(including) = documents.get(index) else { continue };
        let target = including.target;
        let mut given = Vec::new();
        for node in including.root.children.iter().filter(|node| node.local == "include") {
            let Some(location) = node.value("schemaLocation") else {
                faults.add(index, node.at, "`xs:include` needs `schemaLocation`");
                continue;
            };
            let Some(found) = sources.iter().position(|source| file_name(source.path) == file_name(location)) else {
                let message = format!("`{location}` is not among the files of the schema: add it to `file = [...]`");
                faults.add(index, node.place("schemaLocation"), message);
                continue;
            };
            given.push((found, node.place("schemaLocation")));
        }
        for (found, place) in given {
            let Some(included) = documents.get_mut(found) else { continue };
            if included.target == target {
                continue;
            }
            if included.target == Space::NONE {
                (included.target, included.is_chameleon) = (target, true);
                todo.push(found);
                continue;
            }
            let (path, other) = (sources.get(found).map_or("", |s| s.path), names.space_text(included.target));
            let message = if included.is_chameleon {
                format!(
                    "`{path}` is included by documents of two namespaces, which is not supported: give it a `targetNamespace`"
                )
            } else {
                format!(
                    "`{path}` is of the namespace {other}: import it, only documents of the same namespace are included"
                )
            };
            faults.add(index, place, message);
        }
    }
}

/// Notes what each document imports.
fn imports(documents: &mut [Document<'_>], names: &mut Names, faults: &mut Faults<'_>) {
    let targets: Vec<Space> = documents.iter().map(|document| document.target).collect();
    for (index, document) in documents.iter_mut().enumerate() {
        for node in document.root.children.iter().filter(|node| node.local == "import") {
            let text = node.value("namespace").unwrap_or_default();
            let space = names.space(text);
            let place = node.place("namespace");
            let of = told(text);
            if space == document.target {
                faults.add(
                    index,
                    place,
                    format!("the document is of {of} itself: `xs:include` is for documents of the same"),
                );
            } else if text != XSD && !targets.contains(&space) {
                let file = node.value("schemaLocation").map_or("its schema document", file_name);
                faults.add(index, place, format!("no file of the schema declares {of}: add {file} to `file = [...]`"));
            } else {
                document.imports.push(space);
            }
        }
    }
}

/// What a path or an address ends with.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
