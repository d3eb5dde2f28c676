//! What somebody may have meant who asked for a route that is not there.
//!
//! Only for error messages, and anybody can ask for one: so the work is bounded by constants, whatever is deployed and whatever
//! is asked: about a million steps at most, and a short look at each route.

use std::cmp::Reverse;
use std::sync::Arc;

use http::Method;

use super::trie::Part;
use super::{Endpoint, serves};
use crate::target::{Segment, Target};

/// How many routes are told.
const TOLD: usize = 3;
/// How many routes are compared in full.
const COMPARED: usize = 128;
/// How many segments of each are compared.
const SEGMENTS: usize = 8;
/// How many characters of a segment are compared.
const CHARS: usize = 32;

/// The nearest routes, as `GET /ws/rest/crm/Account/{Id}`, the nearest first.
pub(super) fn routes<'e>(
    method: &Method,
    target: &Target<'_>,
    among: impl IntoIterator<Item = &'e Arc<Endpoint>>,
) -> Vec<String> {
    let asked = target.segments();
    let mut candidates: Vec<&Arc<Endpoint>> = among.into_iter().collect();
    if candidates.len() > COMPARED {
        candidates.select_nth_unstable_by_key(COMPARED, |endpoint| Reverse(in_common(&endpoint.route, target.path())));
        candidates.truncate(COMPARED);
    }
    let mut scored: Vec<(usize, String)> = candidates
        .into_iter()
        .map(|endpoint| {
            let method = endpoint.methods.iter().find(|own| serves(own, method)).or(endpoint.methods.first());
            let url = endpoint.route.split('#').next().unwrap_or_default();
            let told = format!("{} {url}", method.map_or("", Method::as_str));
            (distance(&endpoint.template, asked), told)
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().take(TOLD).map(|(_, told)| told).collect()
}

/// How many letters would have to change: a parameter takes any segment, a segment too many or too few counts as some letters.
fn distance(template: &[Part], asked: &[Segment<'_>]) -> usize {
    const SEGMENT: usize = 3;
    let segments = template.iter().zip(asked).take(SEGMENTS).map(|(part, segment)| match part {
        Part::Parameter(_) => 0,
        Part::Literal(text) => strsim::levenshtein(head(text), head(segment.text())),
    });
    segments.sum::<usize>() + SEGMENT * template.len().abs_diff(asked.len())
}

/// How many letters at the beginning and at the end are the same: what a single mistake leaves.
fn in_common(route: &str, path: &str) -> usize {
    let same = |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
    same(&mut route.bytes().zip(path.bytes())) + same(&mut route.bytes().rev().zip(path.bytes().rev()))
}

fn head(text: &str) -> &str {
    text.char_indices().nth(CHARS).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
