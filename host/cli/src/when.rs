//! Times as the admin API has them (milliseconds since 1970) and as people read and write them: UTC, or how long ago.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A moment that was asked for: `--since 1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) u64);

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> u64 {
    millis(SystemTime::now())
}

/// A time in milliseconds since 1970.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Reads how long ago (`90s`, `15m`, `1h`, `7d`), a day, or a time in UTC (`2026-11-22`, `2026-11-22T10:00`, RFC 3339).
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(ago) = duration(text) {
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        return Ok(Moment(now().saturating_sub(ago)));
    }
    let day = || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN).and_utc());
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"];
    let time = || formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let exact = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok();
    let found = exact.or_else(day).or_else(|| time().map(|time| time.and_utc()));
    let millis = found.and_then(|time| u64::try_from(time.timestamp_millis()).ok());
    millis.map(Moment).ok_or_else(|| {
        format!(
            "`{text}` is no time: write how long ago, as `90s`, `1h`, `7d`, or a time in UTC, as `2026-11-22T10:00`"
        )
    })
}

/// Reads a time span, as in the manifest.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    auricle_model::parse_duration(text)
        .ok_or_else(|| format!("`{text}` is no time span: write for example `500ms`, `90s`, `15m`, `1h` or `7d`"))
}

/// A time in UTC, to the second: `2026-11-22 10:00:00Z`.
pub(crate) fn utc(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(DateTime::from_timestamp_millis);
    time.map_or_else(|| "?".to_owned(), |time| time.format("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// How far a time is from now, in one unit: `3m ago`, `in 2h`.
pub(crate) fn from_now(millis: u64) -> String {
    relative(millis, now())
}

/// Both: `2026-11-22 10:00:00Z (3m ago)`.
pub(crate) fn utc_and_ago(millis: u64) -> String {
    format!("{} ({})", utc(millis), from_now(millis))
}

fn relative(millis: u64, now: u64) -> String {
    let span = now.abs_diff(millis);
    let units = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)];
    let Some((unit, length)) = units.into_iter().find(|(_, length)| span >= *length) else {
        return "now".to_owned();
    };
    let span = format!("{}{unit}", span / length);
    if millis > now { format!("in {span}") } else { format!("{span} ago") }
}

/// A time that something took, given in microseconds, with three digits that count: `350 µs`, `1.25 ms`, `12.0 s`.
pub(crate) fn took(micros: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
    let exact = micros as f64;
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.2} ms", exact / 1e3),
        10_000..100_000 => format!("{:.1} ms", exact / 1e3),
        100_000..1_000_000 => format!("{:.0} ms", exact / 1e3),
        _ => format!("{:.1} s", exact / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spans_back_or_times() {
        let noon = 1_795_348_800_000;
        for text in ["2026-11-22T12:00", "2026-11-22 12:00:00", "2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00"] {
            assert_eq!(moment(text), Ok(Moment(noon)), "{text}");
        }
        assert_eq!(moment("2026-11-22"), Ok(Moment(noon - 12 * HOUR)));
        for (text, span) in [("90s", 90 * SECOND), ("1h", HOUR), ("7d", 7 * DAY)] {
            let before = now();
            let Moment(found) = moment(text).unwrap();
            assert!((before - span..=now() - span).contains(&found), "{text}");
        }
        for text in ["", "yesterday", "1", "-1h", "2026-13-01", "1900-01-01"] {
            assert!(moment(text).unwrap_err().contains("2026-11-22T10:00"), "{text}");
        }
    }

    #[test]
    fn times_are_told_in_utc_and_from_now() {
        assert_eq!(utc(1_795_348_800_999), "2026-11-22 12:00:00Z");
        let told = |then: u64| relative(then, 10 * DAY);
        assert_eq!(told(10 * DAY - 999), "now");
        assert_eq!(told(10 * DAY - 90 * SECOND), "1m ago");
        assert_eq!(told(7 * DAY), "3d ago");
        assert_eq!(told(10 * DAY + 2 * HOUR), "in 2h");
    }

    #[test]
    fn what_something_took_has_three_digits() {
        let told = [999, 1_250, 12_340, 350_400, 12_000_000].map(took);
        assert_eq!(told, ["999 µs", "1.25 ms", "12.3 ms", "350 ms", "12.0 s"]);
    }
}
