//! Durations and their partial order: a month is longer than 27 days and shorter than 32, so `P1M` and `P30D` have none.
//!
//! Limits: about a thousand million years, and seconds of up to eighteen digits after the point.

use std::cmp::Ordering;

use super::decimal::are_digits;
use super::moment::{DAY, SECOND, days, fraction};

/// Longer durations are refused, which leaves room for adding them.
const MOST_MONTHS: i128 = 12_000_000_000;
const MOST_TIME: i128 = 1_000_000_000 * 366 * DAY;
/// The moments that durations are added to for comparison (section 3.2.6.2 of the specification), as year and month.
const STARTS: [(i64, i64); 4] = [(1696, 9), (1697, 2), (1903, 3), (1903, 7)];

/// A duration: months, and time in 10⁻¹⁸ seconds. Both have its sign.
#[derive(Debug, Clone, Copy)]
pub(super) struct Duration {
    months: i64,
    time: i128,
}

impl Duration {
    /// Reads `-?PnYnMnDTnHnMnS`, of which parts may be left out, not all.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (sign, unsigned) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let parts = unsigned.strip_prefix('P')?;
        if parts.is_empty() || parts.ends_with('T') {
            return None;
        }
        let (mut date, mut clock) = parts.split_once('T').unwrap_or((parts, ""));
        let mut months: i128 = 0;
        for (unit, length) in [('Y', 12), ('M', 1)] {
            months = number(part(&mut date, unit))?.checked_mul(length)?.checked_add(months)?;
        }
        let mut time = number(part(&mut date, 'D'))?.checked_mul(DAY)?;
        for (unit, length) in [('H', 3600 * SECOND), ('M', 60 * SECOND)] {
            time = number(part(&mut clock, unit))?.checked_mul(length)?.checked_add(time)?;
        }
        if let Some(seconds) = part(&mut clock, 'S') {
            let (whole, after) = match seconds.split_once('.') {
                Some((whole, after)) => (whole, fraction(after)?),
                None => (seconds, 0),
            };
            time = number(Some(whole))?.checked_mul(SECOND)?.checked_add(after)?.checked_add(time)?;
        }
        if !date.is_empty() || !clock.is_empty() || months > MOST_MONTHS || time > MOST_TIME {
            return None;
        }
        Some(Self { months: sign * i64::try_from(months).ok()?, time: i128::from(sign) * time })
    }

    /// Where it leads to from a moment.
    fn since(self, (year, month): (i64, i64)) -> i128 {
        let months = year * 12 + (month - 1) + self.months;
        i128::from(days(months.div_euclid(12), months.rem_euclid(12) + 1)) * DAY + self.time
    }
}

/// Takes what stands before a unit off a text, if the unit is there.
fn part<'t>(rest: &mut &'t str, unit: char) -> Option<&'t str> {
    let (part, after) = rest.split_once(unit)?;
    *rest = after;
    Some(part)
}

/// Reads digits; a part that is not there counts 0.
fn number(digits: Option<&str>) -> Option<i128> {
    digits.map_or(Some(0), |digits| if are_digits(digits) { digits.parse().ok() } else { None })
}

impl PartialOrd for Duration {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let [first, rest @ ..] = STARTS.map(|start| self.since(start).cmp(&other.since(start)));
        rest.iter().all(|order| *order == first).then_some(first)
    }
}

impl PartialEq for Duration {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(left: &str, right: &str) -> Option<Ordering> {
        Duration::read(left).unwrap().partial_cmp(&Duration::read(right).unwrap())
    }

    #[test]
    fn months_and_days_compare_where_every_month_agrees() {
        assert_eq!(order("P1Y", "P12M"), Some(Ordering::Equal));
        assert_eq!(order("P1Y", "P364D"), Some(Ordering::Greater));
        assert_eq!(order("P1Y", "P365D"), None);
        assert_eq!(order("P1M", "P27D"), Some(Ordering::Greater));
        assert_eq!(order("P1M", "P30D"), None);
        assert_eq!(order("P1M", "P32D"), Some(Ordering::Less));
        assert_eq!(order("-P1D", "PT0.000000000000000001S"), Some(Ordering::Less));
        assert_eq!(order("P1DT24H", "PT172800.0S"), Some(Ordering::Equal));
    }

    #[test]
    fn parts_come_in_their_order_and_not_without_number() {
        for wrong in [
            "", "P", "PT", "P1YT", "1Y", "P1D1Y", "P-1Y", "PY", "P1", "PT1.S", "PT.5S", "P1.5Y", "P1YT1D", "P1S",
            "PTS", "+P1Y",
        ] {
            assert!(Duration::read(wrong).is_none(), "{wrong}");
        }
        assert!(Duration::read("P999999999Y11M30DT23H59M59.999999999999999999S").is_some());
        let most = i128::MAX;
        for long in [
            "P9999999999999999999999999999999999999999D".into(),
            format!("P{most}Y{most}M{most}DT{most}H{most}M{most}S"),
            format!("P{}Y{}M", most / 12, most),
        ] {
            assert!(Duration::read(&long).is_none(), "{long}");
        }
    }
}
