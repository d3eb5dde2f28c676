//! A tree of path templates. It finds every template that a path begins with; which of them is best is not its business.
//!
//! A look-up touches no node that the path does not lead to: with literals alone one for each segment, with parameters at most
//! two ways at each. It allocates nothing. The depth of the tree, and so of the recursion, is that of the longest template.

use rustc_hash::FxHashMap;

use crate::target::Segment;

/// One segment of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// This very text.
    Literal(String),
    /// Any text, under this name.
    Parameter(String),
}

impl Part {
    /// The segments of a template, empty ones dropped: `{name}` is a parameter, everything else is meant as it is written.
    pub(super) fn parse(template: &str) -> impl Iterator<Item = Self> {
        template.split('/').filter(|segment| !segment.is_empty()).map(|segment| {
            match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) => Self::Parameter(name.to_owned()),
                None => Self::Literal(segment.to_owned()),
            }
        })
    }

    /// The text of a literal.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Parameter(_) => None,
        }
    }
}

/// Values by template.
#[derive(Debug)]
pub(super) struct Trie<T> {
    /// The keys are a manifest's: nobody else can choose them so that they collide.
    literals: FxHashMap<String, Self>,
    parameter: Option<Box<Self>>,
    values: Vec<T>,
}

impl<T> Trie<T> {
    pub(super) fn new() -> Self {
        Self { literals: FxHashMap::default(), parameter: None, values: Vec::new() }
    }

    /// The values of exactly this template.
    pub(super) fn at<'p>(&mut self, template: impl IntoIterator<Item = &'p Part>) -> &mut Vec<T> {
        let mut node = self;
        for part in template {
            node = match part {
                Part::Literal(text) => node.literals.entry(text.clone()).or_insert_with(Self::new),
                Part::Parameter(_) => node.parameter.get_or_insert_with(|| Box::new(Self::new())),
            };
        }
        &mut node.values
    }

    /// Shows each value whose template the path begins with, and how many segments the template has. Shorter templates are
    /// shown before longer ones that begin with them.
    pub(super) fn visit<'t>(&'t self, path: &[Segment<'_>], mut see: impl FnMut(usize, &'t T)) {
        self.visit_from(0, path, &mut see);
    }

    fn visit_from<'t>(&'t self, depth: usize, path: &[Segment<'_>], see: &mut dyn FnMut(usize, &'t T)) {
        for value in &self.values {
            see(depth, value);
        }
        let Some((segment, rest)) = path.split_first() else { return };
        if let Some(next) = self.literals.get(segment.text()) {
            next.visit_from(depth + 1, rest, see);
        }
        if let Some(next) = &self.parameter {
            next.visit_from(depth + 1, rest, see);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    #[test]
    fn shows_every_template_that_begins_the_path() {
        let mut trie = Trie::new();
        for template in ["", "a", "{x}", "a/{y}", "{x}/b", "a/c", "a/b/c/d"] {
            let parts: Vec<Part> = Part::parse(template).collect();
            trie.at(&parts).push(template);
        }
        let mut seen = Vec::new();
        trie.visit(Target::parse("/a/b/c").unwrap().segments(), |depth, value| seen.push((depth, *value)));
        seen.sort_unstable();
        assert_eq!(seen, [(0, ""), (1, "a"), (1, "{x}"), (2, "a/{y}"), (2, "{x}/b")]);
    }
}
