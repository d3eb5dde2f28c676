//! Numbers as JSON writes them and as XML Schema does: digit for digit, since a number is more than a float can hold.

/// Digits of a number written without an exponent: more is refused, since `1e999999999` is a short text.
const MAX_DIGITS: usize = 1_000;

/// A JSON number without an exponent, as `xs:decimal` has it. None where that would take too many digits.
pub(super) fn plain(number: &str) -> Option<String> {
    let Some((mantissa, exponent)) = number.split_once(['e', 'E']) else {
        return Some(number.to_owned());
    };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some("0".into());
    }
    let exponent: i64 = exponent.parse().ok()?;
    // Where the point stands in `significant`.
    let skipped = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(whole.len()).ok()?.checked_sub(skipped)?.checked_add(exponent)?;
    let length = i64::try_from(significant.len()).ok()?;
    let most = i64::try_from(MAX_DIGITS).ok()?;
    if length > most || point > most || point < -most {
        return None;
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    Some(
        match usize::try_from(point).ok().filter(|point| *point > 0).map(|point| significant.split_at_checked(point)) {
            None => format!("{sign}0.{}{significant}", zeros(-point)),
            Some(None | Some((_, ""))) => format!("{sign}{significant}{}", zeros(point - length)),
            Some(Some((whole, fraction))) => format!("{sign}{whole}.{fraction}"),
        },
    )
}

/// As [`plain`], for a number that has to be whole: `1e2` and `100.0` are 100.
pub(super) fn whole(number: &str) -> Option<String> {
    let plain = plain(number)?;
    match plain.split_once('.') {
        None => Some(plain),
        Some((whole, fraction)) => fraction.bytes().all(|b| b == b'0').then(|| whole.to_owned()),
    }
}

/// An `xs:decimal` (or one of its integers), which has been checked, as JSON writes it.
pub(super) fn json(decimal: &str) -> String {
    let (sign, unsigned) = match decimal.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", decimal.strip_prefix('+').unwrap_or(decimal)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    match fraction {
        // Some readers take `-0` for a float.
        "" if whole == "0" => "0".into(),
        "" => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exponents_are_written_out() {
        for (number, expected) in [
            ("12.50", "12.50"),
            ("-0", "-0"),
            ("1e5", "100000"),
            ("1.25E+1", "12.5"),
            ("1.25e2", "125"),
            ("-1.25e-3", "-0.00125"),
            ("0.001e2", "0.1"),
            ("0.001e3", "1"),
            ("10e-1", "1.0"),
            ("0.0e9", "0"),
            ("0e99999999999999999999", "0"),
        ] {
            assert_eq!(plain(number).as_deref(), Some(expected), "{number}");
        }
        for huge in ["1e1001", "1e-1002", "1e99999999999999999999", "1e9223372036854775807"] {
            assert_eq!(plain(huge), None, "{huge}");
        }
        assert_eq!(whole("1.50e1").as_deref(), Some("15"));
        assert_eq!(whole("2.0").as_deref(), Some("2"));
        assert_eq!(whole("2.5"), None);
    }

    #[test]
    fn decimals_become_json() {
        for (decimal, expected) in [
            ("+5", "5"),
            ("05", "5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-.50", "-0.50"),
            ("-0", "0"),
            ("-00.0", "-0.0"),
            ("12345678901234567890123.10", "12345678901234567890123.10"),
        ] {
            assert_eq!(json(decimal), expected, "{decimal}");
        }
    }

    proptest! {
        #[test]
        fn a_number_keeps_its_value(number in "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?") {
            let there = plain(&number).unwrap();
            prop_assert!(!there.contains(['e', 'E']));
            let back = json(&there);
            let (one, other): (f64, f64) = (number.parse().unwrap(), back.parse().unwrap());
            prop_assert!(one.to_string() == other.to_string() || one == other, "{} {} {}", number, there, back);
        }
    }
}
