//! Sizes and durations as people write them: `"10MiB"`, `"30s"`.

use std::time::Duration;

const SIZES: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const DURATIONS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

fn number_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let scale = units.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    number.parse::<u64>().ok()?.checked_mul(scale)
}

/// Reads a size in bytes: a whole number and `B`, `KiB`, `MiB` or `GiB`.
pub fn parse_size(text: &str) -> Option<u64> {
    number_unit(text, SIZES)
}

/// Reads a duration: a whole number and `ms`, `s`, `m`, `h` or `d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    number_unit(text, DURATIONS).map(Duration::from_millis)
}

/// Writes a size so that [`parse_size`] gives it back.
pub fn format_size(bytes: u64) -> String {
    let (unit, scale) = *SIZES.iter().find(|(_, s)| bytes >= *s && bytes.is_multiple_of(*s)).unwrap_or(&("B", 1));
    format!("{}{unit}", bytes / scale)
}

/// Writes a duration so that [`parse_duration`] gives it back, to the millisecond.
pub fn format_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    let fits = |scale: u64| ms >= u128::from(scale) && ms.is_multiple_of(u128::from(scale));
    let (unit, scale) = *DURATIONS.iter().rev().find(|(_, scale)| fits(*scale)).unwrap_or(&("ms", 1));
    format!("{}{unit}", ms / u128::from(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_read_and_written() {
        assert_eq!(parse_size("10MiB"), Some(10 << 20));
        assert_eq!(parse_size("1 KiB"), Some(1024));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!(parse_duration("7d"), Some(Duration::from_secs(7 * 24 * 3600)));
        for bad in ["", "10", "MiB", "10 megs", "-1B", "1.5MiB", "99999999999999999999B", "18446744073709551615GiB"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
        for size in [0, 1, 1023, 1024, 10 << 20, 3 << 30] {
            assert_eq!(parse_size(&format_size(size)), Some(size));
        }
        for ms in [0, 1, 999, 1000, 61_500, 120_000, 7_200_000, 86_400_000] {
            let d = Duration::from_millis(ms);
            assert_eq!(parse_duration(&format_duration(d)), Some(d));
        }
    }
}
