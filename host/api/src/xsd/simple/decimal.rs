//! Decimal numbers of any length, compared by their digits: nothing is rounded and nothing overflows.
//!
//! Linear in the digits; borrows them from the text.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A decimal number without the zeros that say nothing, so that equal numbers have equal parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal<'t> {
    negative: bool,
    integer: Cow<'t, str>,
    fraction: Cow<'t, str>,
}

impl<'t> Decimal<'t> {
    /// Reads `[+-]? (digits ('.' digits?)? | '.' digits)`.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if (integer.is_empty() && fraction.is_empty()) || !are_digits(integer) || !are_digits(fraction) {
            return None;
        }
        let (integer, fraction) = (integer.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let negative = text.starts_with('-') && !(integer.is_empty() && fraction.is_empty());
        Some(Self { negative, integer: Cow::Borrowed(integer), fraction: Cow::Borrowed(fraction) })
    }

    /// Reads a number that has no point.
    pub(super) fn read_integer(text: &'t str) -> Option<Self> {
        if text.contains('.') { None } else { Self::read(text) }
    }

    /// How many digits it takes: for totalDigits.
    pub(super) fn digits(&self) -> u64 {
        (self.integer.len() + self.fraction.len()) as u64
    }

    /// How many digits come after the point: for fractionDigits.
    pub(super) fn fraction_digits(&self) -> u64 {
        self.fraction.len() as u64
    }

    pub(super) fn into_owned(self) -> Decimal<'static> {
        Decimal {
            negative: self.negative,
            integer: Cow::Owned(self.integer.into_owned()),
            fraction: Cow::Owned(self.fraction.into_owned()),
        }
    }

    fn magnitude(&self) -> (usize, &str, &str) {
        (self.integer.len(), &self.integer, &self.fraction)
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude().cmp(&other.magnitude()),
            (true, true) => other.magnitude().cmp(&self.magnitude()),
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether there are none but ASCII digits, or nothing.
pub(super) fn are_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_numbers() {
        let ascending = [
            "-100",
            "-99.5",
            "-99.49",
            "-1",
            "-.5",
            "0",
            ".05",
            "0.1",
            "0.12",
            "1",
            "9",
            "10",
            "123456789012345678901234567890",
        ];
        let numbers: Vec<_> = ascending.iter().map(|text| Decimal::read(text).unwrap()).collect();
        assert!(numbers.is_sorted());
        assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(Decimal::read("-0.0"), Decimal::read("+00"));
        assert_eq!(Decimal::read("01.50"), Decimal::read("1.5"));
    }

    #[test]
    fn digits_are_those_that_the_value_needs() {
        let counted = |text| Decimal::read(text).map(|number| (number.digits(), number.fraction_digits())).unwrap();
        assert_eq!(counted("0010.500"), (3, 1));
        assert_eq!(counted("0.001"), (3, 3));
        assert_eq!(counted("0"), (0, 0));
    }
}
