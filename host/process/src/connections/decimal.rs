//! Decimals as text, exact at any size: the WIT's spelling and PostgreSQL's binary `numeric`, without a detour over floats.
//! Costs one pass over the digits. Used by the drivers only.

use super::Value;

/// PostgreSQL holds `numeric` in groups of four decimal digits.
const GROUP: usize = 4;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// A decimal taken apart: sign, digits before the point, digits after it.
pub(super) struct Parts<'a> {
    pub(super) negative: bool,
    pub(super) whole: &'a str,
    pub(super) fraction: &'a str,
}

/// Reads `-12.50`: an optional sign, digits with an optional point, no exponent.
pub(super) fn parse(text: &str) -> Option<Parts<'_>> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    (is_digits(whole) && is_digits(fraction) && whole.len() + fraction.len() > 0).then_some(Parts {
        negative,
        whole,
        fraction,
    })
}

/// How many digits carry weight: without leading zeros, and without trailing ones after the point.
pub(super) fn significant_digits(parts: &Parts<'_>) -> usize {
    let whole = parts.whole.trim_start_matches('0');
    let fraction = parts.fraction.trim_end_matches('0');
    if whole.is_empty() { fraction.trim_start_matches('0').len() } else { whole.len() + fraction.len() }
}

/// The whole number that a decimal is, if it is one: `5`, `5.00`.
pub(super) fn to_integer(text: &str) -> Option<i64> {
    let parts = parse(text)?;
    if parts.fraction.bytes().any(|b| b != b'0') {
        return None;
    }
    let whole = if parts.whole.is_empty() { "0" } else { parts.whole };
    let magnitude: i128 = whole.parse().ok()?;
    i64::try_from(if parts.negative { -magnitude } else { magnitude }).ok()
}

/// PostgreSQL's binary form of a decimal. None when it is no decimal, or larger than `numeric` can be.
pub(super) fn to_postgres(text: &str) -> Option<Vec<u8>> {
    let Parts { negative, whole, fraction } = parse(text)?;
    let whole = whole.trim_start_matches('0');
    let lead = (GROUP - whole.len() % GROUP) % GROUP;
    let padded = std::iter::repeat_n(b'0', lead).chain(whole.bytes()).chain(fraction.bytes());
    let mut groups: Vec<u16> = Vec::with_capacity((whole.len() + fraction.len()) / GROUP + 2);
    let (mut group, mut filled) = (0, 0);
    for digit in padded {
        group = group * 10 + u16::from(digit - b'0');
        filled += 1;
        if filled == GROUP {
            groups.push(group);
            (group, filled) = (0, 0);
        }
    }
    if filled > 0 {
        (filled..GROUP).for_each(|_| group *= 10);
        groups.push(group);
    }

    let mut weight = i16::try_from((whole.len() + lead) / GROUP).ok()? - 1;
    let zeros = groups.iter().take_while(|g| **g == 0).count();
    groups.drain(..zeros);
    weight = weight.checked_sub(i16::try_from(zeros).ok()?)?;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }

    let count = i16::try_from(groups.len()).ok()?;
    let scale = u16::try_from(fraction.len()).ok().filter(|s| *s < 0x4000)?;
    let sign = if negative && count > 0 { NEGATIVE } else { 0 };
    let mut bytes = Vec::with_capacity(8 + 2 * groups.len());
    bytes.extend(count.to_be_bytes());
    bytes.extend(weight.to_be_bytes());
    bytes.extend(sign.to_be_bytes());
    bytes.extend(scale.to_be_bytes());
    groups.iter().for_each(|g| bytes.extend(g.to_be_bytes()));
    Some(bytes)
}

/// A binary `numeric` as PostgreSQL prints it. What has no digits (NaN, infinities) becomes a float. None when it is malformed.
pub(super) fn from_postgres(bytes: &[u8]) -> Option<Value> {
    let mut words = bytes.chunks_exact(2).map(|w| w.try_into().map(u16::from_be_bytes).unwrap_or_default());
    let count = usize::from(words.next()?);
    let weight = i32::from(words.next()?.cast_signed());
    let sign = words.next()?;
    let scale = usize::from(words.next()?);
    match sign {
        NAN => return Some(Value::Float(f64::NAN)),
        INFINITY => return Some(Value::Float(f64::INFINITY)),
        MINUS_INFINITY => return Some(Value::Float(f64::NEG_INFINITY)),
        0 | NEGATIVE => {}
        _ => return None,
    }
    let groups: Vec<u16> = words.collect();
    if groups.len() != count {
        return None;
    }
    // The group of a power of 10000; those that are not sent are zero.
    let at = |power: i32| usize::try_from(weight - power).ok().and_then(|i| groups.get(i)).copied().unwrap_or(0);

    let mut text = String::with_capacity(2 + scale + GROUP * count.max(1));
    if sign == NEGATIVE {
        text.push('-');
    }
    text.push_str(&at(weight.max(0)).to_string());
    (0..weight.max(0)).rev().for_each(|power| text.push_str(&format!("{:04}", at(power))));
    if scale > 0 {
        text.push('.');
        let point = text.len();
        let mut power = -1;
        while text.len() - point < scale {
            text.push_str(&format!("{:04}", at(power)));
            power -= 1;
        }
        text.truncate(point + scale);
    }
    Some(Value::Decimal(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn through_postgres(text: &str) -> String {
        match from_postgres(&to_postgres(text).unwrap()).unwrap() {
            Value::Decimal(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keeps_every_digit_and_the_scale() {
        for text in [
            "0",
            "0.00",
            "1",
            "-1",
            "12.50",
            "-0.0001",
            "10000",
            "100000000",
            "1234567890123456789012345678.000000000000000001",
        ] {
            assert_eq!(through_postgres(text), text);
        }
        assert_eq!(through_postgres("+007.10"), "7.10");
        assert_eq!(through_postgres(".5"), "0.5");
        assert_eq!(through_postgres("-0"), "0");
    }

    #[test]
    fn is_what_postgres_sends() {
        // 12345.678: groups 1, 2345, 6780.
        assert_eq!(to_postgres("12345.678").unwrap(), [0, 3, 0, 1, 0, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1A, 0x7C]);
        assert!(matches!(from_postgres(&[0, 0, 0, 0, 0xC0, 0, 0, 0]), Some(Value::Float(f)) if f.is_nan()));
        assert!(from_postgres(&[0, 1, 0, 0, 0, 0, 0, 0]).is_none());
    }

    #[test]
    fn refuses_what_is_no_decimal() {
        for text in ["", "-", ".", "1e5", "1.2.3", "NaN", "0x1", " 1", "1 ", "--1", "١"] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert_eq!(to_integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(to_integer("5.00"), Some(5));
        assert_eq!(to_integer("5.01"), None);
    }

    proptest! {
        #[test]
        fn any_decimal_survives(text in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?") {
            let expected = if text.bytes().any(|b| matches!(b, b'1'..=b'9')) { &text[..] } else { text.trim_start_matches('-') };
            prop_assert_eq!(through_postgres(&text), expected);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = from_postgres(&bytes);
        }
    }
}
