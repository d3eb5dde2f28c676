//! How values spread, counted in fixed buckets: two relaxed additions a value, no lock, no allocation. A reader may see one
//! of the two before the other; both are right in the end.

use std::sync::atomic::{AtomicU64, Ordering};

/// Values counted by the bucket that they fall into. `N` is one more than there are bounds: the last bucket has none.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    buckets: [AtomicU64; N],
    sum: AtomicU64,
}

/// What [`Histogram`]s held at one moment, together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// Upper bounds of all buckets but the last, rising; a value equal to a bound belongs to its bucket.
    pub bounds: &'static [u64],
    /// Values in each bucket alone, one more than there are bounds.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: u64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; N], sum: AtomicU64::new(0) }
    }
}

impl<const N: usize> Histogram<N> {
    /// Counts a value in the buckets of `bounds`, which have to be the same each time.
    pub fn add(&self, bounds: &'static [u64], value: u64) {
        let place = bounds.partition_point(|bound| *bound < value).min(N - 1);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
            self.sum.fetch_add(value, Ordering::Relaxed);
        }
    }

    /// Values so far.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }
}

impl Spread {
    /// What these histograms hold together, all of them counted with `bounds`.
    pub fn of<'h, const N: usize>(
        bounds: &'static [u64],
        histograms: impl IntoIterator<Item = &'h Histogram<N>>,
    ) -> Self {
        let mut spread = Self { bounds, counts: vec![0; N], sum: 0 };
        for histogram in histograms {
            for (count, bucket) in spread.counts.iter_mut().zip(&histogram.buckets) {
                *count += bucket.load(Ordering::Relaxed);
            }
            spread.sum = spread.sum.wrapping_add(histogram.sum.load(Ordering::Relaxed));
        }
        spread
    }

    /// Values in all buckets.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_first_bucket_that_holds_it() {
        const BOUNDS: &[u64] = &[10, 20];
        let (one, other) = (Histogram::<3>::default(), Histogram::<3>::default());
        [0, 10, 11, 20].into_iter().for_each(|value| one.add(BOUNDS, value));
        [21, 1 << 40].into_iter().for_each(|value| other.add(BOUNDS, value));
        let spread = Spread::of(BOUNDS, [&one, &other]);
        assert_eq!(spread.counts, [2, 2, 2]);
        assert_eq!((spread.count(), one.count()), (6, 4));
        assert_eq!(spread.sum, 62 + (1 << 40));
    }
}
