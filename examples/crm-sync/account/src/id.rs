//! Salesforce record Ids: fifteen base-62 characters in which case matters, and a suffix of three that carries the case,
//! so that all eighteen stay unequal where case is not compared. The algorithm is the one that Salesforce publishes.

use std::fmt;

/// Key prefix of an Account.
const PREFIX: &str = "001";
const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The suffix's own alphabet: five bits a character.
const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The Id of an Account, always of eighteen characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id(String);

impl Id {
    /// Takes an Id of 18 characters as it is, and gives one of 15 its suffix.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with its field's name.
    pub fn parse(given: &str) -> Result<Self, String> {
        if !given.bytes().all(|byte| byte.is_ascii_alphanumeric()) || !matches!(given.len(), 15 | 18) {
            return Err("must be 15 or 18 letters and digits".to_owned());
        }
        if !given.starts_with(PREFIX) {
            return Err(format!("must begin with {PREFIX}, as the Id of every Account"));
        }
        let (short, suffix) = given.split_at(15);
        let right = checksum(short);
        if suffix.is_empty() || suffix == right {
            return Ok(Self(format!("{short}{right}")));
        }
        Err(format!(
            "must end with {right}, or is wrong before it: its last three characters tell the case of the others"
        ))
    }

    /// A new Id. Of the 62^12 there are, two alike are not to be expected in the life of a database.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let mut number = u128::from_le_bytes(bytes);
        let mut short = PREFIX.to_owned();
        for _ in 0..12 {
            short.push(letter(BASE_62, (number % 62) as usize));
            number /= 62;
        }
        let suffix = checksum(&short);
        Ok(Self(short + &suffix))
    }

    /// Its eighteen characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One character for each five: which of them are capitals, the first as the lowest bit.
fn checksum(short: &str) -> String {
    let capitals =
        |five: &[u8]| five.iter().rev().fold(0, |bits, byte| bits << 1 | usize::from(byte.is_ascii_uppercase()));
    short.as_bytes().chunks(5).map(|five| letter(BASE_32, capitals(five))).collect()
}

/// The character of an alphabet at a place that is inside of it.
fn letter(alphabet: &[u8], at: usize) -> char {
    alphabet.get(at).copied().map_or('?', char::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fifteen_characters_get_the_published_suffix() {
        assert_eq!(Id::parse("001D000000IqhSL").unwrap().as_str(), "001D000000IqhSLIAZ");
        assert_eq!(Id::parse("001000000000000").unwrap().as_str(), "001000000000000AAA");
        assert_eq!(Id::parse("001AAAAAAAAAAAA").unwrap().as_str(), "001AAAAAAAAAAAAY55");
        assert_eq!(Id::parse("001D000000IqhSLIAZ").unwrap().as_str(), "001D000000IqhSLIAZ");
    }

    #[test]
    fn what_is_no_account_id_is_refused_with_its_reason() {
        for (given, reason) in [
            ("", "15 or 18"),
            ("001D000000IqhSLI", "15 or 18"),
            ("001D000000Iqh-L", "15 or 18"),
            ("001D000000Iqhé", "15 or 18"),
            ("003D000000IqhSL", "begin with 001"),
            ("001d000000IqhSLIAZ", "end with AAZ"),
        ] {
            let error = Id::parse(given).unwrap_err();
            assert!(error.contains(reason), "{given}: {error}");
        }
    }

    #[test]
    fn a_new_id_is_well_formed_and_new() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| Id::random().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(Id::parse(id.as_str()), Ok(id));
        }
    }

    proptest! {
        #[test]
        fn ids_that_differ_by_case_alone_have_unequal_suffixes(tail in "[0-9A-Za-z]{12}", flip in 0usize..12) {
            let mut other = tail.clone().into_bytes();
            other[flip] = match other[flip] {
                byte if byte.is_ascii_lowercase() => byte.to_ascii_uppercase(),
                byte => byte.to_ascii_lowercase(),
            };
            let other = String::from_utf8(other).unwrap();
            prop_assume!(other != tail);
            prop_assert_ne!(checksum(&format!("001{tail}")), checksum(&format!("001{other}")));
        }

        #[test]
        fn any_text_is_an_id_or_refused(text in ".{0,20}") {
            if let Ok(id) = Id::parse(&text) {
                prop_assert!(id.as_str().starts_with(&text));
            }
        }
    }
}
