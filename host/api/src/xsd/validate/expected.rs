//! How messages tell what may come at a place.

use crate::xsd::Schema;
use crate::xsd::content::Expected;

/// How many names are told.
const TOLD: usize = 6;

/// What may come, as "`Name`, `Phone` or the end of `Account`". `beside` is the namespace of what came instead: names of others are
/// told with theirs.
pub(super) fn told(schema: &Schema, expected: &Expected<'_>, beside: Option<&str>, parent: &str) -> String {
    let elements = expected.elements.iter().map(|id| {
        let (namespace, local) = schema.name(*id);
        if beside.is_none_or(|beside| beside == namespace) { format!("`{local}`") } else { full(namespace, local) }
    });
    let mut told: Vec<String> = elements.collect();
    told.dedup();
    told.extend(expected.wildcards.iter().map(|wildcard| wildcard.allowed.told(&schema.names)));
    let more = told.len().saturating_sub(TOLD);
    told.truncate(TOLD);
    if more > 0 {
        told.push(format!("{more} others"));
    }
    if expected.end {
        told.push(format!("the end of `{parent}`"));
    }
    match told.pop() {
        None => "nothing that could come".into(),
        Some(last) if told.is_empty() => last,
        Some(last) => format!("{} or {last}", told.join(", ")),
    }
}

/// A name, with its namespace where another one is expected.
pub(super) fn found(schema: &Schema, expected: &Expected<'_>, found: (&str, &str)) -> String {
    let is_foreign = expected.elements.iter().any(|id| schema.name(*id).0 != found.0);
    if is_foreign { full(found.0, found.1) } else { format!("`{}`", found.1) }
}

/// A name, with its namespace where that of the other differs.
pub(super) fn name(one: (&str, &str), other: (&str, &str)) -> String {
    if one.0 == other.0 { format!("`{}`", one.1) } else { full(one.0, one.1) }
}

fn full(namespace: &str, local: &str) -> String {
    if namespace.is_empty() { format!("`{local}` of no namespace") } else { format!("`{local}` of {namespace}") }
}
