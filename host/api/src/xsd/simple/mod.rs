//! The simple types of XML Schema 1.0 part 2, second edition: what a text may be, and which value it stands for.
//!
//! All built-in types but NOTATION, all twelve facets. Checking a text costs time linear in it (times the facets and the
//! members of unions, both bounded when the schema is read) and allocates for little but lists, bytes and faults.
//! The schema reader builds types, the validator checks texts by them; nothing here knows elements or documents.

mod atom;
mod blocks;
mod builtin;
mod decimal;
mod duration;
mod facets;
mod moment;
mod pattern;
mod restriction;
mod space;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;
use std::sync::Arc;

use atom::Atom;
use facets::Facets;
pub(crate) use restriction::{Facet, FacetError};
use space::{WhiteSpace, words};
use value::Kind;
pub(crate) use value::Value;

/// How many types may be derived from, or be made of, one another in a row.
const MAX_DEPTH: usize = 100;
/// Most atomic types that a union can end up with.
const MAX_MEMBERS: usize = 1_000;

/// What a prefix stands for at a place (the empty one: the default namespace), for values that are names.
/// Over a reader: `&|prefix| reader.namespace(prefix)`.
pub(crate) type Namespaces<'n> = dyn Fn(&str) -> Option<&'n str> + 'n;

/// Why a text is no value of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// By its name in the specification: `cvc-datatype-valid.1.2.1`, `cvc-maxLength-valid`.
    pub(crate) rule: &'static str,
    /// "`abc` is not a decimal number"; long values are shortened.
    pub(crate) message: String,
}

/// A simple type. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct SimpleType(Arc<Definition>);

#[derive(Debug)]
struct Definition {
    /// What it is a restriction of; none for what stands directly below `anySimpleType`.
    base: Option<SimpleType>,
    variety: Variety,
    facets: Facets,
    /// How many types are in a row below it.
    depth: usize,
    /// How many atomic types it is made of.
    members: usize,
}

/// How values are made up.
#[derive(Debug, Clone)]
enum Variety {
    /// `anySimpleType`: any text.
    Any,
    Atomic(Atom),
    List(SimpleType),
    Union(Arc<[SimpleType]>),
}

impl SimpleType {
    /// A built-in type by its local name, `anySimpleType` too. The error is a sentence: there is none of the name, or it is
    /// not supported (`NOTATION`). `anyType` is not a simple type.
    pub(crate) fn builtin(local: &str) -> Result<Self, String> {
        builtin::named(local)
    }

    /// Whether a facet element has this local name.
    pub(crate) fn is_facet(name: &str) -> bool {
        restriction::NAMES.contains(&name)
    }

    /// What of a type's values obeys the facets, too. All that is wrong is told; an error that concerns the base has no
    /// facet to blame and takes the index 0.
    pub(crate) fn restrict(&self, facets: &[Facet<'_>]) -> Result<Self, Vec<FacetError>> {
        let facets = restriction::restrict(self, facets)?;
        Self::new(Some(self.clone()), self.0.variety.clone(), facets)
            .map_err(|message| vec![FacetError { facet: 0, message }])
    }

    /// A list of items between white space. The items can't be lists.
    pub(crate) fn list(item: &Self) -> Result<Self, String> {
        match &item.0.variety {
            Variety::Any => return Err("a list can't have items of `anySimpleType`".into()),
            _ if item.has_lists() => return Err("the items of a list can't be lists".into()),
            _ => {}
        }
        Self::new(None, Variety::List(item.clone()), Facets::new(WhiteSpace::Collapse))
    }

    /// A value is that of the first member that takes it.
    pub(crate) fn union(members: Vec<Self>) -> Result<Self, String> {
        if members.is_empty() {
            return Err("a union needs a member".into());
        }
        if members.iter().any(|member| matches!(member.0.variety, Variety::Any)) {
            return Err("a union can't have `anySimpleType` as a member".into());
        }
        Self::new(None, Variety::Union(members.into()), Facets::new(WhiteSpace::Preserve))
    }

    /// The value that a text stands for. White space is treated as the type says. Linear in the text.
    pub(crate) fn check<'t>(&self, text: &'t str, namespaces: &Namespaces<'_>) -> Result<Value<'t>, Fault> {
        self.read(text, namespaces).map(|(value, _)| value)
    }

    /// Whether it is the other, or derived from it: by restriction, as list or union from `anySimpleType`, or from a member of
    /// a union (cos-st-derived-ok). Types are the same when they come from the same call.
    pub(crate) fn is_derived_from(&self, base: &Self) -> bool {
        let mut ancestors = std::iter::successors(Some(self), |of| of.0.base.as_ref());
        match &base.0.variety {
            Variety::Any => true,
            _ if ancestors.any(|ancestor| Arc::ptr_eq(&ancestor.0, &base.0)) => true,
            Variety::Union(members) => members.iter().any(|member| self.is_derived_from(member)),
            Variety::Atomic(_) | Variety::List(_) => false,
        }
    }

    /// Whether `xs:ID` or derived from it: an attribute of it can't have a default or fixed value, and a type has one at most.
    pub(crate) fn is_id(&self) -> bool {
        matches!(self.0.variety, Variety::Atomic(Atom::Id))
    }

    fn new(base: Option<Self>, variety: Variety, facets: Facets) -> Result<Self, String> {
        let below = match &variety {
            Variety::Any | Variety::Atomic(_) => &[],
            Variety::List(item) => std::slice::from_ref(item),
            Variety::Union(members) => members,
        };
        let depth = 1 + below.iter().chain(&base).map(|of| of.0.depth).max().unwrap_or(0);
        let members = below.iter().map(|of| of.0.members).sum::<usize>().max(1);
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} types are derived from, or made of, one another"));
        }
        if members > MAX_MEMBERS {
            return Err(format!("a union has more than {MAX_MEMBERS} members, with those of its members"));
        }
        Ok(Self(Arc::new(Definition { base, variety, facets, depth, members })))
    }

    fn has_lists(&self) -> bool {
        match &self.0.variety {
            Variety::Any | Variety::Atomic(_) => false,
            Variety::List(_) => true,
            Variety::Union(members) => members.iter().any(Self::has_lists),
        }
    }

    /// The value, and how white space has been treated: a union leaves that to its members.
    fn read<'t>(&self, text: &'t str, namespaces: &Namespaces<'_>) -> Result<(Value<'t>, WhiteSpace), Fault> {
        let space = self.0.facets.white_space;
        let (value, space) = match &self.0.variety {
            Variety::Any => (Value(Kind::Text(text.into())), space),
            Variety::Atomic(atom) => {
                let value = match space.apply(text) {
                    Cow::Borrowed(text) => atom.read(text, namespaces)?,
                    Cow::Owned(text) => atom.read(&text, namespaces)?.into_owned(),
                };
                (value, space)
            }
            Variety::List(item) => {
                let items = words(text).map(|word| item.check(word, namespaces)).collect::<Result<_, _>>()?;
                (Value(Kind::List(items)), space)
            }
            Variety::Union(members) => union(members, text, namespaces)?,
        };
        self.0.facets.check(&value, || space.apply(text))?;
        Ok((value, space))
    }
}

/// The value by the first member that takes a text.
fn union<'t>(
    members: &[SimpleType],
    text: &'t str,
    namespaces: &Namespaces<'_>,
) -> Result<(Value<'t>, WhiteSpace), Fault> {
    let mut message = String::new();
    for member in members {
        match member.read(text, namespaces) {
            Ok(read) => return Ok(read),
            Err(_) if message.len() > 200 => {}
            Err(fault) if message.is_empty() => message = fault.message,
            Err(fault) => {
                message.push_str(", and ");
                message.push_str(&fault.message);
            }
        }
    }
    Err(Fault { rule: "cvc-datatype-valid.1.2.3", message })
}

/// A text as messages quote it: on one line, and not too long.
fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let start: String = chars.by_ref().take(MOST).collect();
    format!("`{start}{}`", if chars.next().is_some() { "..." } else { "" })
}
