//! Values: what texts stand for. Equality and order are those of the value spaces: `1.0` is `01` as a decimal number.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::decimal::Decimal;
use super::duration::Duration;
use super::moment::Moment;

/// A value. Borrows from the text where it can. Values of different primitive types are never equal.
#[derive(Debug, Clone)]
pub(crate) struct Value<'t>(pub(super) Kind<'t>);

/// What a value is made of, by primitive type.
#[derive(Debug, Clone)]
pub(super) enum Kind<'t> {
    Text(Cow<'t, str>),
    /// A text that no other identifier of the document may be.
    Id(Cow<'t, str>),
    Uri(Cow<'t, str>),
    Boolean(bool),
    Decimal(Decimal<'t>),
    Float(f32),
    Double(f64),
    Duration(Duration),
    Moment(Moment),
    Hex(Vec<u8>),
    Base64(Vec<u8>),
    Name {
        namespace: String,
        local: Cow<'t, str>,
    },
    List(Vec<Value<'t>>),
}

impl Value<'_> {
    /// The value without what it borrows: to be kept.
    pub(crate) fn into_owned(self) -> Value<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Value(match self.0 {
            Kind::Text(text) => Kind::Text(owned(text)),
            Kind::Id(text) => Kind::Id(owned(text)),
            Kind::Uri(text) => Kind::Uri(owned(text)),
            Kind::Boolean(value) => Kind::Boolean(value),
            Kind::Decimal(value) => Kind::Decimal(value.into_owned()),
            Kind::Float(value) => Kind::Float(value),
            Kind::Double(value) => Kind::Double(value),
            Kind::Duration(value) => Kind::Duration(value),
            Kind::Moment(value) => Kind::Moment(value),
            Kind::Hex(bytes) => Kind::Hex(bytes),
            Kind::Base64(bytes) => Kind::Base64(bytes),
            Kind::Name { namespace, local } => Kind::Name { namespace, local: owned(local) },
            Kind::List(items) => Kind::List(items.into_iter().map(Value::into_owned).collect()),
        })
    }

    /// The identifiers in it (`xs:ID`): one, or several where it is a list. Each may be in a document once (cvc-id.2).
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        let items = match &self.0 {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(self),
        };
        items.iter().filter_map(|item| match &item.0 {
            Kind::Id(id) => Some(&**id),
            _ => None,
        })
    }

    /// Text that is compared as it is.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.0 {
            Kind::Text(text) | Kind::Id(text) => Some(text),
            _ => None,
        }
    }

    /// What the length facets count, and the word for it. Names have no length (every facet of length holds).
    pub(super) fn length(&self) -> Option<(u64, &'static str)> {
        match &self.0 {
            Kind::Text(text) | Kind::Id(text) | Kind::Uri(text) => Some((text.chars().count() as u64, "character")),
            Kind::Hex(bytes) | Kind::Base64(bytes) => Some((bytes.len() as u64, "byte")),
            Kind::List(items) => Some((items.len() as u64, "item")),
            _ => None,
        }
    }

    /// The order of values of one primitive type, where the type has one and it is known.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (&self.0, &other.0) {
            (Kind::Decimal(one), Kind::Decimal(other)) => one.partial_cmp(other),
            (Kind::Float(one), Kind::Float(other)) if one.is_nan() && other.is_nan() => Some(Ordering::Equal),
            (Kind::Float(one), Kind::Float(other)) => one.partial_cmp(other),
            (Kind::Double(one), Kind::Double(other)) if one.is_nan() && other.is_nan() => Some(Ordering::Equal),
            (Kind::Double(one), Kind::Double(other)) => one.partial_cmp(other),
            (Kind::Duration(one), Kind::Duration(other)) => one.partial_cmp(other),
            (Kind::Moment(one), Kind::Moment(other)) => one.partial_cmp(other),
            _ => None,
        }
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Uri(one), Kind::Uri(other)) => one == other,
            (Kind::Boolean(one), Kind::Boolean(other)) => one == other,
            (Kind::Hex(one), Kind::Hex(other)) | (Kind::Base64(one), Kind::Base64(other)) => one == other,
            (Kind::Name { namespace, local }, Kind::Name { namespace: other_namespace, local: other_local }) => {
                namespace == other_namespace && local == other_local
            }
            (Kind::List(one), Kind::List(other)) => one == other,
            _ => match (self.text(), other.text()) {
                (Some(one), Some(other)) => one == other,
                _ => self.order(other) == Some(Ordering::Equal),
            },
        }
    }
}
