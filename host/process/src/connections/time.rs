//! Dates, times and timestamps in the one spelling of the WIT. Costs a parse each; used by the drivers only.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::Value;

/// A point in time, or what a clock on the wall shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timestamp {
    /// With an offset: one instant.
    Instant(DateTime<Utc>),
    /// Without: for a column that has no time zone.
    Local(NaiveDateTime),
}

impl Timestamp {
    /// The instant; a local one is taken as UTC, which is the zone of every session here.
    pub(super) fn instant(self) -> DateTime<Utc> {
        match self {
            Self::Instant(at) => at,
            Self::Local(at) => at.and_utc(),
        }
    }

    /// The date and time of day, of an instant in UTC.
    pub(super) fn local(self) -> NaiveDateTime {
        match self {
            Self::Instant(at) => at.naive_utc(),
            Self::Local(at) => at,
        }
    }

    /// As a value.
    pub(super) fn value(self) -> Value {
        let zone = if matches!(self, Self::Instant(_)) { "Z" } else { "" };
        let text = trim_fraction(&self.local().format("%Y-%m-%dT%H:%M:%S%.9f").to_string()) + zone;
        in_calendar(self.local().year(), text, Value::Timestamp)
    }
}

/// `2026-11-22`.
pub(super) fn parse_date(text: &str) -> Option<NaiveDate> {
    // Chrono also takes signs, blanks and years of other lengths.
    let shaped = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shaped) {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// `13:45:00.25`; seconds may be left out.
pub(super) fn parse_time(text: &str) -> Option<NaiveTime> {
    if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    NaiveTime::parse_from_str(text, "%H:%M:%S%.f").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M")).ok()
}

/// RFC 3339, or the same without an offset. A space may stand for the `T`, as databases write it.
pub(super) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = parse_date(date)?;
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    if let Some(time) = parse_time(clock) {
        return Some(Timestamp::Local(date.and_time(time)));
    }
    let text = format!("{}T{clock}", date.format("%Y-%m-%d"));
    Some(Timestamp::Instant(DateTime::parse_from_rfc3339(&text).ok()?.to_utc()))
}

/// A date as a value.
pub(super) fn date(date: NaiveDate) -> Value {
    in_calendar(date.year(), date.format("%Y-%m-%d").to_string(), Value::Date)
}

/// A time of day as a value.
pub(super) fn time(time: NaiveTime) -> Value {
    // A leap second is carried as nanoseconds beyond a second, and printed as 60.
    let digits = if time.nanosecond() == 0 { "%H:%M:%S" } else { "%H:%M:%S%.9f" };
    Value::Time(trim_fraction(&time.format(digits).to_string()))
}

/// Years that the spelling has no room for travel as text, since no guest's date type takes them.
fn in_calendar(year: i32, text: String, value: fn(String) -> Value) -> Value {
    if (0..=9999).contains(&year) { value(text) } else { Value::Text(text) }
}

fn trim_fraction(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(text: &str) -> Option<String> {
        match parse_timestamp(text)?.value() {
            Value::Timestamp(text) => Some(text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn timestamps_have_one_spelling() {
        assert_eq!(spelled("2026-11-22T13:45:00.250Z").as_deref(), Some("2026-11-22T13:45:00.25Z"));
        assert_eq!(spelled("2026-11-22 13:45:00").as_deref(), Some("2026-11-22T13:45:00"));
        assert_eq!(spelled("2026-11-22T13:45:00+02:00").as_deref(), Some("2026-11-22T11:45:00Z"));
        assert_eq!(spelled("2026-11-22T13:45").as_deref(), Some("2026-11-22T13:45:00"));
        for bad in [
            "",
            "2026-11-22",
            "2026-11-22T",
            "2026-13-22T00:00:00",
            "2026-11-22T25:00:00Z",
            "+2026-11-2T00:00:00Z",
            "é2026-11-22",
        ] {
            assert_eq!(spelled(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_and_times_are_strict() {
        assert!(parse_date("2026-02-28").is_some());
        for bad in ["2026-2-28", "2026-02-30", "28.02.2026", "2026-02-28 "] {
            assert!(parse_date(bad).is_none(), "{bad}");
        }
        assert!(matches!(time(parse_time("13:45:00.500").unwrap()), Value::Time(t) if t == "13:45:00.5"));
        assert!(matches!(time(parse_time("13:45").unwrap()), Value::Time(t) if t == "13:45:00"));
        assert!(parse_time("+1:00:00").is_none());
    }

    proptest! {
        #[test]
        fn what_is_spelled_is_read_back(seconds in 0i64..253_402_300_799, micros in 0u32..1_000_000) {
            let at = DateTime::from_timestamp(seconds, micros * 1000).unwrap();
            for timestamp in [Timestamp::Instant(at), Timestamp::Local(at.naive_utc())] {
                let Value::Timestamp(text) = timestamp.value() else { panic!() };
                prop_assert_eq!(parse_timestamp(&text), Some(timestamp));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = (parse_date(&text), parse_time(&text), parse_timestamp(&text));
        }
    }
}
