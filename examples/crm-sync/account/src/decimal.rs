//! Money, exact: eighteen digits, two of them after the point. It is never a floating-point number on its way from one
//! JSON text through the database into another.

use std::fmt;

/// A number of up to sixteen digits before the point and two after it: `NUMERIC(18,2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal {
    hundredths: i64,
}

/// Beyond it no exponent can lead to a number that fits, whatever digits it is written with; it bounds the work.
const LARGEST_EXPONENT: i64 = 1000;

impl Decimal {
    /// Reads a number as JSON and SQL write it: `-12.50`, `3e6`.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with its field's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let not_a_number = || "must be a number".to_owned();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| not_a_number())?),
            None => (text, 0),
        };
        let (negative, unsigned) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || !digits().all(|byte| byte.is_ascii_digit()) {
            return Err(not_a_number());
        }
        if digits().all(|byte| byte == b'0') {
            return Ok(Self { hundredths: 0 });
        }
        let too_large = || "must have at most 16 digits before the point".to_owned();
        let too_fine = || "must have at most 2 digits after the point".to_owned();
        if exponent > LARGEST_EXPONENT {
            return Err(too_large());
        }
        if exponent < -LARGEST_EXPONENT {
            return Err(too_fine());
        }

        // How many of the digits make up the hundredths; what is missing of them are zeros.
        let wanted = whole.len() as i64 + exponent + 2;
        let mut hundredths: i64 = 0;
        for (at, digit) in digits().map(|byte| i64::from(byte - b'0')).enumerate() {
            if (at as i64) < wanted {
                hundredths = hundredths.checked_mul(10).and_then(|n| n.checked_add(digit)).ok_or_else(too_large)?;
            } else if digit != 0 {
                return Err(too_fine());
            }
        }
        let given = (whole.len() + fraction.len()) as i64;
        for _ in given..wanted {
            hundredths = hundredths.checked_mul(10).ok_or_else(too_large)?;
        }
        if hundredths >= 10_i64.pow(18) {
            return Err(too_large());
        }
        Ok(Self { hundredths: if negative { -hundredths } else { hundredths } })
    }

    /// The same as a whole number, if it is one.
    pub fn whole(self) -> Option<i64> {
        (self.hundredths % 100 == 0).then_some(self.hundredths / 100)
    }
}

impl fmt::Display for Decimal {
    /// The shortest form: `12`, `12.5`, `-0.05`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.hundredths < 0 { "-" } else { "" };
        let (whole, rest) = (self.hundredths.unsigned_abs() / 100, self.hundredths.unsigned_abs() % 100);
        match rest {
            0 => write!(f, "{sign}{whole}"),
            tenths if tenths % 10 == 0 => write!(f, "{sign}{whole}.{}", tenths / 10),
            hundredths => write!(f, "{sign}{whole}.{hundredths:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        Decimal::parse(text).map(|decimal| decimal.to_string())
    }

    #[test]
    fn every_spelling_of_a_number_is_read_exactly() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("12.50", "12.5"),
            ("-0.05", "-0.05"),
            ("1.5E3", "1500"),
            ("125e-2", "1.25"),
            ("0.0003e4", "3"),
            ("0e999999", "0"),
            ("10.00000", "10"),
            ("1234567890123456.78", "1234567890123456.78"),
            ("-9999999999999999.99", "-9999999999999999.99"),
        ] {
            assert_eq!(shown(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_rounded() {
        for (text, reason) in [
            ("10000000000000000", "16 digits"),
            ("1e16", "16 digits"),
            ("1e999999", "16 digits"),
            ("99999999999999999999999999", "16 digits"),
            ("0.005", "2 digits"),
            ("1e-3", "2 digits"),
            ("1e-999999", "2 digits"),
            ("", "a number"),
            (".5", "a number"),
            ("1e", "a number"),
            ("--1", "a number"),
            ("12,5", "a number"),
            ("NaN", "a number"),
        ] {
            let error = shown(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same(hundredths in -(10_i64.pow(18) - 1)..10_i64.pow(18)) {
            let decimal = Decimal { hundredths };
            prop_assert_eq!(Decimal::parse(&decimal.to_string()), Ok(decimal));
        }

        #[test]
        fn any_text_is_a_number_or_refused(text in "[-+.eE0-9]{0,30}") {
            if let Ok(decimal) = Decimal::parse(&text) {
                prop_assert_eq!(Decimal::parse(&decimal.to_string()), Ok(decimal));
            }
        }
    }
}
