//! Header conditions of routes: `headers = { Content-Type = "json" }`.
//!
//! `decisions.md`, "Routing": the name without case; the value equal without case, or the media type equal (parameters ignored),
//! or, for a bare word, the media subtype or its `+suffix` equal. In `Accept` it is enough that one of the media ranges
//! does so; a range such as `*/*` equals no media type: a route without the condition is there for those who take anything.

use auricle_model::RouteHeader;
use http::HeaderMap;
use http::header::{ACCEPT, HeaderName};

use crate::headers::NotAHeaderName;

/// A condition, ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) name: HeaderName,
    /// As the manifest has it.
    pub(super) value: String,
}

impl Condition {
    pub(super) fn new(declared: &RouteHeader) -> Result<Self, NotAHeaderName> {
        let name = declared.name.parse().map_err(|_| NotAHeaderName(declared.name.clone()))?;
        Ok(Self { name, value: declared.value.trim().to_owned() })
    }

    /// Whether a request meets it.
    pub(super) fn holds(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(&self.name).iter().filter_map(|v| std::str::from_utf8(v.as_bytes()).ok());
        if self.name == ACCEPT {
            // A condition that is itself a list can only be equal to the whole.
            values.any(|list| {
                list.trim().eq_ignore_ascii_case(&self.value)
                    || list.split(',').any(|range| acceptable(range) && self.equals(range))
            })
        } else {
            values.any(|value| self.equals(value))
        }
    }

    fn equals(&self, given: &str) -> bool {
        let given = given.trim();
        if given.eq_ignore_ascii_case(&self.value) {
            return true;
        }
        match (media_type(&self.value), media_type(given)) {
            (Some(wanted), Some(media)) => media.eq_ignore_ascii_case(wanted),
            (None, Some(media)) => subtype_words(media).any(|word| word.eq_ignore_ascii_case(&self.value)),
            (_, None) => false,
        }
    }

    /// What two conditions have in common that the same requests meet.
    pub(super) fn key(&self) -> (String, String) {
        let value = media_type(&self.value).unwrap_or(&self.value);
        (self.name.as_str().to_owned(), value.to_ascii_lowercase())
    }
}

/// `type/subtype` of a media type, without its parameters.
fn media_type(value: &str) -> Option<&str> {
    let essence = value.split(';').next()?.trim();
    let (kind, subtype) = essence.split_once('/')?;
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    (token(kind) && token(subtype)).then_some(essence)
}

/// The words that stand for a media type: its subtype, and the suffix of that (RFC 6838, section 4.2.8).
fn subtype_words(media_type: &str) -> impl Iterator<Item = &str> {
    let subtype = media_type.split_once('/').map(|(_, subtype)| subtype);
    let suffix = subtype.and_then(|s| s.rsplit_once('+')).map(|(_, suffix)| suffix);
    subtype.into_iter().chain(suffix)
}

/// Whether a media range is wanted at all: a weight of 0 says "not this" (RFC 9110, section 12.4.2).
fn acceptable(range: &str) -> bool {
    let weight =
        range.split(';').skip(1).filter_map(|p| p.split_once('=')).find(|(n, _)| n.trim().eq_ignore_ascii_case("q"));
    weight.is_none_or(|(_, value)| value.trim().parse::<f32>() != Ok(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(name: &str, wanted: &str, given: &[&str]) -> bool {
        let condition = Condition::new(&RouteHeader { name: name.into(), value: wanted.into() }).unwrap();
        condition.holds(&given.iter().map(|v| (name.parse().unwrap(), v.parse().unwrap())).collect())
    }

    #[test]
    fn a_value_holds_when_it_is_equal_without_case() {
        assert!(holds("X-Tenant", "Blue", &["blue"]));
        assert!(!holds("X-Tenant", "Blue", &["blue sky"]));
        assert!(!holds("X-Tenant", "Blue", &[]));
        assert!(holds("X-Tenant", "Blue", &["red", "blue"]));
        assert!(holds("Content-Type", "xml", &["xml"]));
    }

    #[test]
    fn a_media_type_holds_whatever_its_parameters() {
        assert!(holds("Content-Type", "application/json", &["Application/JSON; charset=utf-8"]));
        assert!(holds("Content-Type", "application/json; v=1", &["application/json"]));
        assert!(!holds("Content-Type", "application/json", &["application/problem+json"]));
        assert!(!holds("Content-Type", "application/json", &["text/json"]));
    }

    #[test]
    fn a_bare_word_holds_for_subtype_and_suffix() {
        assert!(holds("Content-Type", "json", &["text/json;charset=utf-8"]));
        assert!(holds("Content-Type", "json", &["application/vnd.a+JSON"]));
        assert!(!holds("Content-Type", "json", &["application/jsonp"]));
        assert!(!holds("Content-Type", "json", &["json/x"]));
        assert!(!holds("Content-Type", "json", &["/json"]));
    }

    #[test]
    fn accept_holds_when_one_of_its_ranges_does() {
        assert!(holds("Accept", "json", &["text/html, application/json;q=0.5"]));
        assert!(holds("Accept", "json", &["text/html", "application/json"]));
        assert!(!holds("Accept", "json", &["application/json;q=0.0, text/html"]));
        assert!(!holds("Accept", "json", &["*/*"]));
        assert!(!holds("Content-Type", "json", &["text/html, application/json"]));
    }
}
