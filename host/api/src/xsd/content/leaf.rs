//! What a content model is made of at its bottom: an element or one of several, counted.

use super::particle::{Group, Order, Particle, Term};

/// A particle without order in it: every child that it takes is one of `terms`. Counting it costs two numbers, however
/// large they are, where other particles are written out as often as they may come.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'p> {
    pub(super) min: u32,
    /// None: without a bound.
    pub(super) max: Option<u32>,
    pub(super) terms: Vec<&'p Term>,
}

impl<'p> Leaf<'p> {
    /// The particle as a leaf, if it is one: an element or a wildcard, a choice of such that come once, or a group around a
    /// single leaf.
    pub(super) fn of(particle: &'p Particle) -> Option<Self> {
        let Term::Group(Group { order, items, .. }) = &*particle.term else {
            return Some(Self { min: particle.min, max: particle.max, terms: vec![&particle.term] });
        };
        if let [only] = &**items {
            return Self::of(only)?.times(particle.min, particle.max);
        }
        if *order != Order::Choice {
            return None;
        }
        // Not deeper than one level: a choice of choices is seldom counted.
        let terms = items.iter().map(|item| match &*item.term {
            Term::Group(_) => None,
            term if (item.min, item.max) == (1, Some(1)) => Some(term),
            _ => None,
        });
        let terms: Vec<_> = terms.collect::<Option<_>>()?;
        (!terms.is_empty()).then_some(Self { min: particle.min, max: particle.max, terms })
    }

    /// The leaf `min` to `max` times, if the counts that this gives leave none out: `(a{5,6}){1,2}` takes no 7.
    fn times(self, min: u32, max: Option<u32>) -> Option<Self> {
        let is_fixed = max == Some(min);
        let leaves_none_out = match self.max {
            // From k to k + 1 rounds: k * max has to reach (k + 1) * min - 1, and does for all k if for the least.
            Some(most) => u64::from(min) * u64::from(most) + 1 >= (u64::from(min) + 1) * u64::from(self.min),
            None => min > 0 || self.min <= 1,
        };
        (is_fixed || leaves_none_out).then(|| Self {
            min: self.min.saturating_mul(min),
            max: self.max.zip(max).map(|(most, rounds)| most.saturating_mul(rounds)),
            terms: self.terms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_multiplied_only_where_no_count_is_left_out() {
        let times = |(min, max): (u32, Option<u32>), rounds: (u32, Option<u32>)| {
            Leaf { min, max, terms: Vec::new() }.times(rounds.0, rounds.1).map(|leaf| (leaf.min, leaf.max))
        };
        // Each against the counts that are reached by adding up.
        for min in 0..5_u32 {
            for max in min.max(1)..7 {
                for low in 0..4_u32 {
                    for high in low.max(1)..5 {
                        let mut reached: Vec<u32> = (low..=high).flat_map(|k| k * min..=k * max).collect();
                        reached.sort_unstable();
                        reached.dedup();
                        let is_whole = reached.len() as u32 == high * max - low * min + 1;
                        let expected = is_whole.then_some((low * min, Some(high * max)));
                        assert_eq!(
                            times((min, Some(max)), (low, Some(high))),
                            expected,
                            "a{{{min},{max}}}{{{low},{high}}}"
                        );
                    }
                }
            }
        }
        assert_eq!(times((2, None), (1, Some(3))), Some((2, None)));
        assert_eq!(times((2, None), (0, Some(3))), None, "none or from two on: 1 is left out");
        assert_eq!(times((0, None), (0, None)), Some((0, None)));
        assert_eq!(times((1, Some(2)), (1, None)), Some((1, None)));
    }
}
