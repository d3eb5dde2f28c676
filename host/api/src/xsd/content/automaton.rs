//! Content models with order in them: the automaton of Glushkov, with counters.
//!
//! Its states are the leaves of the model, each a bit in the rows of a table that says which may follow which. Models of sound
//! schemas are in one state at a time; others may be in several, and never in more than there are leaves (and counts of those
//! that come at least twice and not without a bound). A child costs one look-up of its name and some bits.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::xsd::ElementId;
use crate::xsd::component::{Declared, Wildcard};
use crate::xsd::names::{Name, Space};

/// A compiled content model.
#[derive(Debug, Default)]
pub(in crate::xsd) struct Automaton {
    /// How often each leaf comes in a row: the least, which is at least 1, and the most.
    pub(super) counts: Vec<(u32, Option<u32>)>,
    /// The leaves of a name, ascending.
    pub(super) by_name: FxHashMap<Name, Vec<(u32, ElementId)>>,
    /// The leaves of wildcards, ascending.
    pub(super) wildcards: Vec<(u32, Wildcard)>,
    /// Words of a row.
    pub(super) width: usize,
    /// For each leaf the leaves that may follow it; then those that may come first.
    pub(super) follow: Vec<u64>,
    /// The leaves that may be the last.
    pub(super) last: Vec<u64>,
    pub(super) is_nullable: bool,
}

/// How far a run through an automaton has come.
#[derive(Debug, Clone)]
pub(in crate::xsd) struct Position {
    /// Ascending.
    states: SmallVec<[State; 2]>,
    /// Children so far.
    children: u32,
}

/// A leaf, and which child was the first that it took in this row of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    leaf: u32,
    since: u32,
}

/// What may come at a position.
#[derive(Debug, Default)]
pub(in crate::xsd) struct Expected<'m> {
    /// In the order of the schema, each once.
    pub(in crate::xsd) elements: Vec<ElementId>,
    pub(in crate::xsd) wildcards: Vec<&'m Wildcard>,
    pub(in crate::xsd) end: bool,
}

impl Automaton {
    /// The model that takes no child.
    pub(super) fn nothing() -> Self {
        Self { is_nullable: true, ..Self::default() }
    }

    /// How many leaves it has.
    pub(super) const fn size(&self) -> usize {
        self.counts.len()
    }

    /// The position before the first child: the state behind all leaves.
    pub(in crate::xsd) fn start(&self) -> Position {
        let start = u32::try_from(self.counts.len()).unwrap_or(u32::MAX);
        Position { states: SmallVec::from_elem(State { leaf: start, since: 0 }, 1), children: 0 }
    }

    /// Moves past a child, and says what it is declared as; none if it can't come here.
    pub(in crate::xsd) fn step(
        &self,
        position: &mut Position,
        name: Option<Name>,
        space: Option<Space>,
    ) -> Option<Declared> {
        let named: &[(u32, ElementId)] = name.and_then(|name| self.by_name.get(&name)).map_or(&[], |named| named);
        let mut candidates: SmallVec<[u32; 4]> = named.iter().map(|(leaf, _)| *leaf).collect();
        if !self.wildcards.is_empty() {
            let allowing = self.wildcards.iter().filter(|(_, wildcard)| wildcard.allows(space));
            candidates.extend(allowing.map(|(leaf, _)| *leaf));
            candidates.sort_unstable();
        }
        candidates.dedup();
        let child = position.children.saturating_add(1);
        let mut union = SmallVec::<[u64; 4]>::new();
        let reached = self.reached(position, &mut union);
        let mut states = SmallVec::new();
        let mut rest: &[State] = &position.states;
        for leaf in candidates {
            let before = rest.partition_point(|state| state.leaf < leaf);
            let own = rest.get(before..).unwrap_or_default();
            let (own, others) = own.split_at(own.partition_point(|state| state.leaf == leaf));
            rest = others;
            self.enter(leaf, own, child, is_set(reached, leaf), &mut states);
        }
        // An element of the schema goes before a wildcard that would take it, too.
        let is_in = |leaf: u32, states: &[State]| states.binary_search_by_key(&leaf, |state| state.leaf).is_ok();
        let element = named.iter().find(|(leaf, _)| is_in(*leaf, &states)).map(|(_, id)| Declared::Element(*id));
        let declared = element.or_else(|| {
            let mut wildcards = self.wildcards.iter().filter(|(_, wildcard)| wildcard.allows(space));
            wildcards.find(|(leaf, _)| is_in(*leaf, &states)).map(|(_, wildcard)| Declared::Wildcard(wildcard.process))
        })?;
        *position = Position { states, children: child };
        Some(declared)
    }

    /// Whether the content may end here.
    pub(in crate::xsd) fn is_complete(&self, position: &Position) -> bool {
        position.states.iter().any(|state| match self.counts.get(state.leaf as usize) {
            Some((min, _)) => is_set(&self.last, state.leaf) && count(*state, position.children) >= *min,
            None => self.is_nullable,
        })
    }

    /// What may come here.
    pub(in crate::xsd) fn expected(&self, position: &Position) -> Expected<'_> {
        let mut union = SmallVec::<[u64; 4]>::new();
        let reached = self.reached(position, &mut union);
        let is_open = |leaf: u32| {
            is_set(reached, leaf)
                || position.states.iter().any(|state| state.leaf == leaf && self.goes_on(*state, position.children))
        };
        let open = self.by_name.values().flatten().filter(|(leaf, _)| is_open(*leaf));
        let mut open: Vec<(u32, ElementId)> = open.copied().collect();
        open.sort_unstable_by_key(|(leaf, id)| (*leaf, id.0));
        let mut elements: Vec<ElementId> = Vec::new();
        for (_, id) in open {
            if !elements.contains(&id) {
                elements.push(id);
            }
        }
        let wildcards = self.wildcards.iter().filter(|(leaf, _)| is_open(*leaf)).map(|(_, wildcard)| wildcard);
        Expected { elements, wildcards: wildcards.collect(), end: self.is_complete(position) }
    }

    /// The leaves that may begin at a position.
    fn reached<'r>(&'r self, position: &Position, union: &'r mut SmallVec<[u64; 4]>) -> &'r [u64] {
        let left = position.states.iter().filter(|state| {
            self.counts.get(state.leaf as usize).is_none_or(|(min, _)| count(**state, position.children) >= *min)
        });
        let mut rows = left.map(|state| self.row(state.leaf));
        let first = rows.next().unwrap_or_default();
        let Some(second) = rows.next() else { return first };
        union.extend_from_slice(first);
        for row in std::iter::once(second).chain(rows) {
            for (word, other) in union.iter_mut().zip(row) {
                *word |= other;
            }
        }
        union
    }

    /// Notes the states of a leaf that takes the child: `own` are those that it had, `begins` says whether it may begin anew.
    fn enter(&self, leaf: u32, own: &[State], child: u32, begins: bool, states: &mut SmallVec<[State; 2]>) {
        let mut going = own.iter().filter(|state| self.goes_on(**state, child - 1)).copied();
        let new = begins.then_some(State { leaf, since: child });
        match self.counts.get(leaf as usize) {
            // One that has taken more can do all that others can.
            Some((_, None)) => states.extend(going.next().or(new)),
            // One that has taken less can do all that others can.
            Some((1, _)) => states.extend(new.or_else(|| going.next_back())),
            _ => states.extend(going.chain(new)),
        }
    }

    /// Whether a leaf may take one more child.
    fn goes_on(&self, state: State, children: u32) -> bool {
        self.counts.get(state.leaf as usize).is_some_and(|(_, max)| max.is_none_or(|max| count(state, children) < max))
    }

    fn row(&self, leaf: u32) -> &[u64] {
        let at = leaf as usize * self.width;
        self.follow.get(at..at + self.width).unwrap_or_default()
    }
}

/// How many children in a row a leaf has taken.
const fn count(state: State, children: u32) -> u32 {
    children.saturating_sub(state.since) + 1
}

/// Whether the bit of a leaf is set.
pub(super) fn is_set(row: &[u64], leaf: u32) -> bool {
    row.get(leaf as usize / 64).is_some_and(|word| word >> (leaf % 64) & 1 == 1)
}
