//! A content model as a schema document writes it: particles, groups of them, and how often each comes.

use std::rc::Rc;

use crate::xsd::ElementId;
use crate::xsd::component::Wildcard;

/// Something that comes a number of times. One that can't come at all is left out of what it stands in.
#[derive(Debug, Clone)]
pub(in crate::xsd) struct Particle {
    pub(in crate::xsd) min: u32,
    /// None: without a bound. Never 0.
    pub(in crate::xsd) max: Option<u32>,
    pub(in crate::xsd) term: Rc<Term>,
}

#[derive(Debug)]
pub(in crate::xsd) enum Term {
    Element(ElementId),
    Any(Wildcard),
    Group(Group),
}

/// `xs:sequence`, `xs:choice` or `xs:all`. One that is referred to is shared, not copied.
#[derive(Debug)]
pub(in crate::xsd) struct Group {
    pub(in crate::xsd) order: Order,
    pub(in crate::xsd) items: Vec<Particle>,
    /// How many groups lie inside each other, this one included: what goes through them recursively is bounded by it.
    height: usize,
    /// Whether all that has to come may be empty.
    is_nullable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::xsd) enum Order {
    Sequence,
    Choice,
    All,
}

impl Particle {
    pub(in crate::xsd) fn once(term: Rc<Term>) -> Self {
        Self { min: 1, max: Some(1), term }
    }

    /// Whether it is an `xs:all`.
    pub(in crate::xsd) fn is_all(&self) -> bool {
        matches!(&*self.term, Term::Group(Group { order: Order::All, .. }))
    }

    /// Whether it may be empty.
    pub(in crate::xsd) fn is_optional(&self) -> bool {
        self.min == 0 || matches!(&*self.term, Term::Group(group) if group.is_nullable)
    }
}

impl Group {
    pub(in crate::xsd) fn new(order: Order, items: Vec<Particle>) -> Self {
        let inner = items.iter().map(|item| match &*item.term {
            Term::Group(group) => group.height,
            _ => 0,
        });
        let height = inner.max().unwrap_or_default() + 1;
        let is_nullable = match order {
            Order::Choice => items.iter().any(Particle::is_optional),
            Order::Sequence | Order::All => items.iter().all(Particle::is_optional),
        };
        Self { order, items, height, is_nullable }
    }

    pub(in crate::xsd) const fn height(&self) -> usize {
        self.height
    }
}
