//! Moments: what Salesforce sends and RFC 3339 allows comes in, one spelling goes out.

use std::fmt;

use chrono::{DateTime, Datelike, SubsecRound, Utc};

/// A moment in UTC, to the millisecond. Written `2026-11-22T13:45:00.250Z`: always as long, so that it sorts as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

/// The years that Salesforce has.
const YEARS: std::ops::RangeInclusive<i32> = 1700..=4000;

impl Timestamp {
    /// This moment.
    pub fn now() -> Self {
        Self(Utc::now().trunc_subsecs(3))
    }

    /// Reads RFC 3339, and Salesforce's own spelling, whose offset has no colon: `2026-11-22T13:45:00.000+0000`.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with its field's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let moment = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
            .map_err(|_| "must be a date and time with its offset, as 2026-11-22T13:45:00Z".to_owned())?;
        let moment = moment.with_timezone(&Utc).trunc_subsecs(3);
        if !YEARS.contains(&moment.year()) {
            return Err(format!("must lie between the years {} and {}", YEARS.start(), YEARS.end()));
        }
        Ok(Self(moment))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_becomes_one() {
        for (text, expected) in [
            ("2026-11-22T13:45:00Z", "2026-11-22T13:45:00.000Z"),
            ("2026-11-22T13:45:00.25+02:00", "2026-11-22T11:45:00.250Z"),
            ("2026-11-22T13:45:00.000+0000", "2026-11-22T13:45:00.000Z"),
            ("2026-11-22T13:45:00-0130", "2026-11-22T15:15:00.000Z"),
            ("2026-11-22T13:45:00.123456789Z", "2026-11-22T13:45:00.123Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|moment| moment.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in
            ["", "2026-11-22", "2026-11-22T13:45:00", "2026-13-22T13:45:00Z", "yesterday", "1605-11-05T00:00:00Z"]
        {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn now_is_as_it_would_be_read_again() {
        let now = Timestamp::now();
        assert_eq!(Timestamp::parse(&now.to_string()), Ok(now));
    }
}
