//! From particles to the automaton: for each part of a model the leaves that may come first and last in it.
//!
//! A group that comes several times is written out as often, which is bounded; a leaf is counted instead. Costs a row of bits
//! for each leaf, hence a quarter of a megabyte for a model of a thousand.

use rustc_hash::FxHashMap;

use super::automaton::{Automaton, is_set};
use super::leaf::Leaf;
use super::particle::{Group, Order, Particle, Term};
use crate::xsd::component::Element;

/// Leaves of one model: more is refused.
pub(super) const MAX_LEAVES: usize = 5_000;

/// Parts of one model that have no leaf in them do not count as leaves, but take time: more parts are refused.
const MAX_PARTS: usize = 8 * MAX_LEAVES;

/// Bits for leaves.
type Bits = Vec<u64>;

/// A part of a model.
struct Part {
    first: Bits,
    last: Bits,
    is_nullable: bool,
}

struct Builder<'p> {
    leaves: Vec<Leaf<'p>>,
    follow: Vec<u64>,
    width: usize,
}

/// Compiles a model; none if it is too large.
pub(super) fn build(particle: &Particle, elements: &[Element]) -> Option<Automaton> {
    let mut parts = MAX_PARTS;
    let size = size(particle, &mut parts).filter(|size| *size <= MAX_LEAVES)?;
    let width = size.div_ceil(64);
    let mut builder = Builder { leaves: Vec::with_capacity(size), follow: vec![0; size * width], width };
    let whole = builder.part(particle);
    let Builder { leaves, mut follow, width } = builder;
    // Of groups that may be empty fewer copies are needed than there was room for.
    follow.truncate(leaves.len() * width);
    follow.extend(&whole.first);
    let mut automaton = Automaton {
        counts: leaves.iter().map(|leaf| (leaf.min.max(1), leaf.max)).collect(),
        by_name: FxHashMap::default(),
        wildcards: Vec::new(),
        width,
        follow,
        last: whole.last,
        is_nullable: whole.is_nullable,
    };
    for (index, leaf) in (0..).zip(&leaves) {
        for term in &leaf.terms {
            match term {
                Term::Element(id) => {
                    if let Some(element) = elements.get(id.0) {
                        automaton.by_name.entry(element.name).or_default().push((index, *id));
                    }
                }
                Term::Any(wildcard) => automaton.wildcards.push((index, wildcard.clone())),
                Term::Group(_) => {}
            }
        }
    }
    Some(automaton)
}

/// How many leaves a particle is written out to, at most; none when there are too many parts to tell.
fn size(particle: &Particle, parts: &mut usize) -> Option<usize> {
    *parts = parts.checked_sub(1)?;
    if Leaf::of(particle).is_some() {
        return Some(1);
    }
    let Term::Group(Group { items, .. }) = &*particle.term else { return Some(1) };
    let once = items.iter().try_fold(0_usize, |sum, item| size(item, parts).map(|size| sum.saturating_add(size)))?;
    let copies = copies(particle);
    // Each copy is walked through: an empty one takes its time, too.
    *parts = parts.checked_sub(copies.saturating_sub(1))?;
    Some(once.saturating_mul(copies))
}

/// How often a group is written out.
fn copies(particle: &Particle) -> usize {
    particle.max.unwrap_or(particle.min.max(1)) as usize
}

impl<'p> Builder<'p> {
    fn part(&mut self, particle: &'p Particle) -> Part {
        if let Some(leaf) = Leaf::of(particle) {
            let mut part = self.nothing(leaf.min == 0);
            let index = self.leaves.len();
            for bits in [&mut part.first, &mut part.last] {
                if let Some(word) = bits.get_mut(index / 64) {
                    *word |= 1 << (index % 64);
                }
            }
            self.leaves.push(leaf);
            return part;
        }
        let Term::Group(group) = &*particle.term else { return self.nothing(true) };
        // Written out from the last copy to the first: each is followed by those that are there already.
        let mut last = self.group(group);
        let min = if last.is_nullable { 0 } else { particle.min as usize };
        // That a copy may be empty is said of the whole: each by itself is there because something is in it.
        let copies = if particle.max.is_none() && min <= 1 { 1 } else { copies(particle) };
        last.is_nullable = copies > min;
        if particle.max.is_none() {
            self.link(&last.last, &last.first);
        }
        let mut whole = last;
        for rounds in 2..=copies {
            let mut copy = self.group(group);
            copy.is_nullable = false;
            whole = self.sequence(copy, whole);
            // `copies - rounds` come before this one.
            whole.is_nullable = copies - rounds >= min;
        }
        whole
    }

    /// A group that comes once.
    fn group(&mut self, group: &'p Group) -> Part {
        let is_choice = group.order == Order::Choice;
        let mut whole = self.nothing(!is_choice);
        for item in &group.items {
            let item = self.part(item);
            if is_choice {
                unite(&mut whole.first, &item.first);
                unite(&mut whole.last, &item.last);
                whole.is_nullable |= item.is_nullable;
            } else {
                whole = self.sequence(whole, item);
            }
        }
        whole
    }

    fn sequence(&mut self, mut one: Part, mut two: Part) -> Part {
        self.link(&one.last, &two.first);
        if one.is_nullable {
            unite(&mut one.first, &two.first);
        }
        if two.is_nullable {
            unite(&mut two.last, &one.last);
        }
        Part { first: one.first, last: two.last, is_nullable: one.is_nullable && two.is_nullable }
    }

    /// Lets some leaves be followed by others.
    fn link(&mut self, last: &[u64], first: &[u64]) {
        // Mostly a few neighbours.
        let Some(begin) = first.iter().position(|word| *word != 0) else { return };
        let first = first.get(begin..).unwrap_or_default();
        let first = first.get(..=first.iter().rposition(|word| *word != 0).unwrap_or_default()).unwrap_or_default();
        for (leaf, row) in (0..).zip(self.follow.chunks_exact_mut(self.width.max(1))).take(self.leaves.len()) {
            if is_set(last, leaf) {
                unite(row.get_mut(begin..).unwrap_or_default(), first);
            }
        }
    }

    fn nothing(&self, is_nullable: bool) -> Part {
        Part { first: vec![0; self.width], last: vec![0; self.width], is_nullable }
    }
}

fn unite(bits: &mut [u64], others: &[u64]) {
    for (word, other) in bits.iter_mut().zip(others) {
        *word |= other;
    }
}
