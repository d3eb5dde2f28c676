//! The eight types of dates and times, as moments on one time line, and their partial order: of a moment with a time zone
//! and one without, the order is known where they are more than 14 hours apart.
//!
//! Limits (the specification asks for four digits of a year and three of a second): years of up to nine digits, seconds of
//! up to eighteen digits after the point.

use std::cmp::Ordering;

use super::decimal::are_digits;

/// 10⁻¹⁸ seconds.
pub(super) const SECOND: i128 = 1_000_000_000_000_000_000;
const MINUTE: i128 = 60 * SECOND;
pub(super) const DAY: i128 = 24 * 60 * MINUTE;
/// The farthest that a time zone can be from UTC.
const FARTHEST: i128 = 14 * 60 * MINUTE;

/// Which of the parts of a date and time a type has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    DateTime,
    Date,
    Time,
    YearMonth,
    Year,
    MonthDay,
    Day,
    Month,
}

/// When something is. What a type does not have counts as in the first moment of a leap year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    kind: Kind,
    /// In 10⁻¹⁸ seconds: in UTC where there is a time zone, else by the clock on the wall.
    at: i128,
    zoned: bool,
}

impl Moment {
    /// Reads the lexical form of a kind.
    pub(super) fn read(kind: Kind, text: &str) -> Option<Self> {
        let mut scan = Scan { rest: text };
        let (mut year, mut month, mut day, mut time) = (2000, 1, 1, 0);
        match kind {
            Kind::DateTime => {
                (year, month, day) = (scan.year()?, scan.dashed()?, scan.dashed()?);
                scan.literal("T")?;
                time = scan.time()?;
            }
            Kind::Date => (year, month, day) = (scan.year()?, scan.dashed()?, scan.dashed()?),
            Kind::Time => time = scan.time()?,
            Kind::YearMonth => (year, month) = (scan.year()?, scan.dashed()?),
            Kind::Year => year = scan.year()?,
            Kind::MonthDay => {
                scan.literal("-")?;
                (month, day) = (scan.dashed()?, scan.dashed()?);
            }
            Kind::Day => {
                scan.literal("--")?;
                day = scan.dashed()?;
            }
            Kind::Month => {
                scan.literal("-")?;
                month = scan.dashed()?;
            }
        }
        if day < 1 || day > days_of_month(year, month)? {
            return None;
        }
        let zone = scan.zone()?;
        let mut at = (i128::from(days(year, month)) + i128::from(day - 1)) * DAY + time - zone.unwrap_or(0);
        if kind == Kind::Time && (zone.is_some() || time == DAY) {
            // A time of day recurs: 00:00:00+01:00 is 23:00:00Z, of whichever day.
            at = i128::from(days(2000, 1)) * DAY + at.rem_euclid(DAY);
        }
        Some(Self { kind, at, zoned: zone.is_some() })
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if self.kind != other.kind {
            return None;
        }
        match (self.zoned, other.zoned) {
            (true, false) => between(self.at, other.at),
            (false, true) => between(other.at, self.at).map(Ordering::reverse),
            _ => Some(self.at.cmp(&other.at)),
        }
    }
}

/// The order of a moment in UTC and one of an unknown time zone.
fn between(utc: i128, unknown: i128) -> Option<Ordering> {
    if utc < unknown - FARTHEST {
        Some(Ordering::Less)
    } else if utc > unknown + FARTHEST {
        Some(Ordering::Greater)
    } else {
        None
    }
}

/// Days from the first day of the year 0 of the Gregorian calendar to the first of a month. Years count as they are
/// written (appendix E of the specification), although there is no year 0.
pub(super) fn days(year: i64, month: i64) -> i64 {
    // Years that begin in March end with the day that comes and goes.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5
}

fn days_of_month(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => Some(if leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// Reads digits of seconds behind the point as 10⁻¹⁸ seconds.
pub(super) fn fraction(digits: &str) -> Option<i128> {
    let told = digits.trim_end_matches('0');
    if digits.is_empty() || !are_digits(digits) || told.len() > 18 {
        return None;
    }
    format!("{told:0<18}").parse().ok()
}

/// What is left to read of a text.
struct Scan<'t> {
    rest: &'t str,
}

impl<'t> Scan<'t> {
    fn literal(&mut self, literal: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// The digits that come next, which may be none.
    fn digits(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        digits
    }

    fn two(&mut self) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(2)?;
        self.rest = rest;
        if are_digits(digits) { digits.parse().ok() } else { None }
    }

    fn dashed(&mut self) -> Option<i64> {
        self.literal("-")?;
        self.two()
    }

    fn year(&mut self) -> Option<i64> {
        let sign = if self.literal("-").is_some() { -1 } else { 1 };
        let digits = self.digits();
        if !(4..=9).contains(&digits.len()) || (digits.len() > 4 && digits.starts_with('0')) {
            return None;
        }
        digits.parse().ok().filter(|year| *year != 0).map(|year: i64| sign * year)
    }

    /// `hh:mm:ss('.'s+)?`, where 24:00:00 is the end of the day.
    fn time(&mut self) -> Option<i128> {
        let hour = self.two()?;
        self.literal(":")?;
        let minute = self.two()?;
        self.literal(":")?;
        let second = self.two()?;
        let fraction = if self.literal(".").is_some() { fraction(self.digits())? } else { 0 };
        let within = i128::from(hour * 60 + minute) * MINUTE + i128::from(second) * SECOND + fraction;
        (minute < 60 && second < 60 && (hour < 24 || within == DAY)).then_some(within)
    }

    /// The time zone that the text ends with; none where it ends without.
    #[expect(clippy::option_option, reason = "outside: whether the text is in order; inside: whether it has a zone")]
    fn zone(&mut self) -> Option<Option<i128>> {
        if self.rest.is_empty() || self.rest == "Z" {
            return Some((!self.rest.is_empty()).then_some(0));
        }
        let sign = if self.literal("-").is_some() { -1 } else { self.literal("+").map(|()| 1)? };
        let hour = self.two()?;
        self.literal(":")?;
        let minute = self.two()?;
        let zone = i128::from(hour * 60 + minute) * MINUTE;
        (self.rest.is_empty() && minute < 60 && zone <= FARTHEST).then_some(Some(sign * zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(left: &str, right: &str) -> Option<Ordering> {
        Moment::read(Kind::DateTime, left).unwrap().partial_cmp(&Moment::read(Kind::DateTime, right).unwrap())
    }

    #[test]
    fn moments_follow_one_another() {
        let ascending = [
            "-0001-12-31T23:59:59",
            "0001-01-01T00:00:00",
            "1999-12-31T24:00:00",
            "2000-02-29T00:00:00.000000000000000001",
            "2000-03-01T00:00:00",
            "12000-01-01T00:00:00",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(order(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
        }
        assert_eq!(order("1999-12-31T24:00:00", "2000-01-01T00:00:00"), Some(Ordering::Equal));
        assert_eq!(order("2000-01-01T00:00:00+01:00", "1999-12-31T23:00:00Z"), Some(Ordering::Equal));
    }

    #[test]
    fn an_unknown_time_zone_leaves_the_order_open_within_14_hours() {
        assert_eq!(order("2000-01-15T12:00:00", "2000-01-16T12:00:00Z"), Some(Ordering::Less));
        assert_eq!(order("2000-01-16T12:00:00Z", "2000-01-15T12:00:00"), Some(Ordering::Greater));
        assert_eq!(order("2000-01-16T00:00:00", "2000-01-16T12:00:00Z"), None);
        assert_eq!(order("2000-01-16T12:00:00", "2000-01-16T12:00:00Z"), None);
    }
}
