//! Why an execution failed: one message, made from any error by `?`.
//!
//! It becomes the WIT's `failure`: the instance stays fit for the next execution, the message goes to the execution's
//! record, and the caller sees it only when debugging. An answer that the caller is to see is a [`Reply`](crate::Reply)
//! with a status instead.

use std::error::Error as StdError;
use std::fmt;

/// A message, with the causes it was made from. Built by `?` from any [`std::error::Error`], by [`Error::new`] or by
/// [`bail!`](crate::bail).
///
/// Like other catch-all errors it is no `std::error::Error` itself: only so can `?` turn every other one into it.
pub struct Error {
    message: String,
}

/// A result whose error fails the execution.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with this message.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string() }
    }

    /// The same error, with what was being done in front: `reading the account: no such column`.
    #[must_use]
    pub fn context(self, doing: impl fmt::Display) -> Self {
        Self { message: format!("{doing}: {}", self.message) }
    }

    /// The whole message, causes included.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<E: StdError> From<E> for Error {
    /// Writes the error and its chain of sources, each once: many errors repeat their source in their own text.
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            source = cause.source();
        }
        Self { message }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The message as it is: this is what a test's `unwrap` prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Says what was being done when something failed or was missing.
///
/// ```
/// use auricle_guest::prelude::*;
///
/// fn page(query: Option<&str>) -> Result<u32, Error> {
///     query.context("the query parameter `page` is missing")?.parse::<u32>().context("the query parameter `page`")
/// }
/// assert_eq!(page(None).unwrap_err().message(), "the query parameter `page` is missing");
/// assert_eq!(page(Some("x")).unwrap_err().message(), "the query parameter `page`: invalid digit found in string");
/// ```
pub trait Context<T> {
    /// The value, or an [`Error`] that begins with `doing`.
    ///
    /// # Errors
    /// Where there is no value.
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(doing))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::new(doing))
    }
}

/// Returns from the function with an [`Error`] made from a format string.
///
/// ```
/// use auricle_guest::{bail, Error};
///
/// fn positive(n: i64) -> Result<i64, Error> {
///     if n <= 0 {
///         bail!("{n} is not positive");
///     }
///     Ok(n)
/// }
/// assert_eq!(positive(-1).unwrap_err().message(), "-1 is not positive");
/// ```
#[macro_export]
macro_rules! bail {
    ($($message:tt)+) => {
        return ::core::result::Result::Err($crate::Error::new(::core::format_args!($($message)+)))
    };
}

#[cfg(test)]
mod tests {
    use std::fmt::{Display, Formatter};

    use super::*;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError, &'static str);

    impl Display for Outer {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str(self.1)
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_chain_of_sources_is_told_once() {
        let cause = "x".parse::<u32>().unwrap_err();
        assert_eq!(Error::from(Outer(cause.clone(), "no page")).message(), "no page: invalid digit found in string");
        let repeats = Outer(cause, "no page: invalid digit found in string");
        assert_eq!(Error::from(repeats).message(), "no page: invalid digit found in string");
    }

    #[test]
    fn context_goes_in_front() {
        let error = Error::new("no such table").context("reading the account");
        assert_eq!(
            format!("{error} / {error:?}"),
            "reading the account: no such table / reading the account: no such table"
        );
    }
}
