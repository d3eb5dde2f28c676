//! The atomic types: which texts are in the lexical space of one, and the values they stand for.
//!
//! Names are those of XML 1.0, fifth edition, as everywhere in Auricle. ENTITY and IDREF are looked at as names only:
//! without a DOCTYPE there are no entities, and what refers to what is the business of the application.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fluent_uri::UriRef;

use super::decimal::{Decimal, are_digits};
use super::duration::Duration;
use super::moment::{Kind as MomentKind, Moment};
use super::space::SPACE;
use super::value::{Kind, Value};
use super::{Fault, Namespaces, shown};
use crate::xml::is_ncname;

/// What decides about the lexical space of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Atom {
    Text,
    NmToken,
    Name,
    NcName,
    Id,
    Uri,
    Boolean,
    Decimal,
    Integer,
    Float,
    Double,
    Duration,
    Moment(MomentKind),
    Hex,
    Base64,
    QName,
}

impl Atom {
    /// The value that a text stands for, whose white space has been treated.
    pub(super) fn read<'t>(self, text: &'t str, namespaces: &Namespaces<'_>) -> Result<Value<'t>, Fault> {
        let borrowed = || Cow::Borrowed(text);
        let value = match self {
            Self::Text => Some(Kind::Text(borrowed())),
            Self::NmToken => is_nmtoken(text).then(|| Kind::Text(borrowed())),
            Self::Name => is_ncname(&text.replace(':', "_")).then(|| Kind::Text(borrowed())),
            Self::NcName => is_ncname(text).then(|| Kind::Text(borrowed())),
            Self::Id => is_ncname(text).then(|| Kind::Id(borrowed())),
            Self::Uri => is_uri(text).then(|| Kind::Uri(borrowed())),
            Self::Boolean => match text {
                "true" | "1" => Some(Kind::Boolean(true)),
                "false" | "0" => Some(Kind::Boolean(false)),
                _ => None,
            },
            Self::Decimal => Decimal::read(text).map(Kind::Decimal),
            Self::Integer => Decimal::read_integer(text).map(Kind::Decimal),
            Self::Float => floating(text).and_then(|text| text.parse().ok()).map(Kind::Float),
            Self::Double => floating(text).and_then(|text| text.parse().ok()).map(Kind::Double),
            Self::Duration => Duration::read(text).map(Kind::Duration),
            Self::Moment(kind) => Moment::read(kind, text).map(Kind::Moment),
            Self::Hex => hex(text).map(Kind::Hex),
            Self::Base64 => base64(text).map(Kind::Base64),
            Self::QName => {
                let (prefix, local) = text.split_once(':').unwrap_or(("", text));
                if is_ncname(local) && (text == local || is_ncname(prefix)) {
                    Some(Kind::Name { namespace: namespace(prefix, text, namespaces)?, local: Cow::Borrowed(local) })
                } else {
                    None
                }
            }
        };
        value.map(Value).ok_or_else(|| Fault {
            rule: "cvc-datatype-valid.1.2.1",
            message: format!("{} is not {}", shown(text), self.description()),
        })
    }

    /// What its values are, for messages.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::NmToken => "a name token (letters, digits and `.-_:`)",
            Self::Name => "a name",
            Self::NcName => "a name without colon",
            Self::Id => "an identifier (a name without colon)",
            Self::Uri => "a URI",
            Self::Boolean => "a boolean (`true`, `false`, `1` or `0`)",
            Self::Decimal => "a decimal number",
            Self::Integer => "an integer",
            Self::Float | Self::Double => "a floating-point number",
            Self::Duration => "a duration, like `P1Y2M3DT4H5M6S`",
            Self::Moment(MomentKind::DateTime) => "a date and time, like `2026-01-31T12:00:00Z`",
            Self::Moment(MomentKind::Date) => "a date, like `2026-01-31`",
            Self::Moment(MomentKind::Time) => "a time, like `12:00:00`",
            Self::Moment(MomentKind::YearMonth) => "a month of a year, like `2026-01`",
            Self::Moment(MomentKind::Year) => "a year, like `2026`",
            Self::Moment(MomentKind::MonthDay) => "a day of a month, like `--01-31`",
            Self::Moment(MomentKind::Day) => "a day, like `---31`",
            Self::Moment(MomentKind::Month) => "a month, like `--01`",
            Self::Hex => "bytes in hexadecimal digits",
            Self::Base64 => "bytes in base64",
            Self::QName => "a name with or without prefix",
        }
    }
}

fn is_nmtoken(text: &str) -> bool {
    // What may follow the first character of a name.
    !text.is_empty() && is_ncname(&format!("_{}", text.replace(':', "_")))
}

/// Whether it is a reference of RFC 3986 once the characters are escaped that URIs can't have, as the specification wants it.
fn is_uri(text: &str) -> bool {
    let needs_escape = |c: char| c <= ' ' || c >= '\u{7f}' || "<>\"{}|\\^`".contains(c);
    UriRef::parse(text.replace(needs_escape, "_").as_str()).is_ok()
}

/// A floating-point number as Rust reads it, if the text is one of the specification's.
fn floating(text: &str) -> Option<&str> {
    if matches!(text, "INF" | "-INF" | "NaN") {
        return Some(text);
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    (Decimal::read(mantissa).is_some() && !exponent.is_empty() && are_digits(exponent)).then_some(text)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Between any two characters there may be a space.
fn base64(text: &str) -> Option<Vec<u8>> {
    if text.contains(SPACE) { STANDARD.decode(text.replace(SPACE, "")).ok() } else { STANDARD.decode(text).ok() }
}

fn namespace(prefix: &str, name: &str, namespaces: &Namespaces<'_>) -> Result<String, Fault> {
    match namespaces(prefix) {
        Some(namespace) => Ok(namespace.to_owned()),
        None if prefix.is_empty() => Ok(String::new()),
        None => Err(Fault {
            rule: "cvc-datatype-valid.1.2.1",
            message: format!("{}: the prefix stands for no namespace here", shown(name)),
        }),
    }
}
