//! Content models: which children an element may have, and in which order.

mod automaton;
mod build;
mod leaf;
mod particle;
#[cfg(test)]
mod tests;

use super::ElementId;
use super::component::{Declared, Element};
use super::names::{Name, Space};
use automaton::Automaton;
pub(super) use automaton::Expected;
pub(super) use particle::{Group, Order, Particle, Term};

/// Leaves of all models of a schema: more is refused.
const MAX_LEAVES: usize = 200_000;

/// A compiled content model.
#[derive(Debug)]
pub(super) enum Model {
    Ordered(Automaton),
    /// `xs:all`: any order, each once.
    All {
        /// With whether it has to be there.
        members: Vec<(Name, ElementId, bool)>,
        /// None of them has to be there if none is.
        is_optional: bool,
    },
}

/// How far the children of an element have come in its model.
#[derive(Debug)]
pub(super) enum Position {
    Ordered(automaton::Position),
    /// Which members have come.
    All(Vec<bool>),
}

/// Compiles models as long as they are not too large together.
#[derive(Debug)]
pub(super) struct Compiler {
    left: usize,
}

impl Compiler {
    pub(super) const fn new() -> Self {
        Self { left: MAX_LEAVES }
    }

    /// The model of a particle; none of an empty one. The error says what is too large.
    pub(super) fn model(&mut self, particle: Option<&Particle>, elements: &[Element]) -> Result<Model, String> {
        let Some(particle) = particle else { return Ok(Model::Ordered(Automaton::nothing())) };
        if let Term::Group(Group { order: Order::All, items, .. }) = &*particle.term {
            let member = |item: &Particle| match &*item.term {
                Term::Element(id) => elements.get(id.0).map(|element| (element.name, *id, item.min > 0)),
                _ => None,
            };
            let members = items.iter().filter_map(member).collect();
            return Ok(Model::All { members, is_optional: particle.min == 0 });
        }
        let automaton = build::build(particle, elements).ok_or_else(|| {
            format!(
                "the content model is too large: written out as often as its groups may come, it has more than {} \
                 elements; make `maxOccurs` of the groups smaller, or `unbounded`",
                build::MAX_LEAVES
            )
        })?;
        self.left = self.left.checked_sub(automaton.size()).ok_or_else(|| {
            format!("the content models of the schema are too large: more than {MAX_LEAVES} elements in all")
        })?;
        Ok(Model::Ordered(automaton))
    }
}

impl Model {
    pub(super) fn start(&self) -> Position {
        match self {
            Self::Ordered(automaton) => Position::Ordered(automaton.start()),
            Self::All { members, .. } => Position::All(vec![false; members.len()]),
        }
    }

    /// Moves past a child, and says what it is declared as; none if it can't come here.
    pub(super) fn step(&self, position: &mut Position, name: Option<Name>, space: Option<Space>) -> Option<Declared> {
        match (self, position) {
            (Self::Ordered(automaton), Position::Ordered(position)) => automaton.step(position, name, space),
            (Self::All { members, .. }, Position::All(seen)) => {
                let mut open = members.iter().zip(seen).filter(|(_, seen)| !**seen);
                let ((_, id, _), seen) = open.find(|((own, ..), _)| Some(*own) == name)?;
                *seen = true;
                Some(Declared::Element(*id))
            }
            _ => None,
        }
    }

    /// Whether the content may end here.
    pub(super) fn is_complete(&self, position: &Position) -> bool {
        match (self, position) {
            (Self::Ordered(automaton), Position::Ordered(position)) => automaton.is_complete(position),
            (Self::All { members, is_optional }, Position::All(seen)) => {
                let is_missing = members.iter().zip(seen).any(|((.., required), seen)| *required && !seen);
                !is_missing || (*is_optional && !seen.contains(&true))
            }
            _ => false,
        }
    }

    /// What may come here.
    pub(super) fn expected(&self, position: &Position) -> Expected<'_> {
        match (self, position) {
            (Self::Ordered(automaton), Position::Ordered(position)) => automaton.expected(position),
            (Self::All { members, .. }, Position::All(seen)) => Expected {
                elements: members.iter().zip(seen).filter(|(_, seen)| !**seen).map(|((_, id, _), _)| *id).collect(),
                wildcards: Vec::new(),
                end: self.is_complete(position),
            },
            _ => Expected::default(),
        }
    }
}
