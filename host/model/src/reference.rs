//! References to artifacts of OCI registries: `registry/repository:tag`, `registry/repository@sha256:...`, or both.
//!
//! What they may say is fixed by the distribution specification of the Open Container Initiative. Here the registry is
//! always named, and so is a tag or a digest: what an untagged reference means changes with every push, and says so
//! nowhere. Pure and cheap.

use std::fmt;
use std::str::FromStr;

/// Longest tag.
const TAG: usize = 128;
/// Longest name of a repository, as most registries have it.
const REPOSITORY: usize = 255;

/// A reference, taken apart. It has a tag or a digest, or both: then the digest decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OciReference {
    /// `HOST` or `HOST:PORT`.
    pub registry: String,
    /// Its parts with `/` between them.
    pub repository: String,
    /// What may be moved to another artifact.
    pub tag: Option<String>,
    /// What never is: `sha256:` and 64 hexadecimal digits.
    pub digest: Option<String>,
}

/// Why a text is no reference: complete as a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}: write for example \"registry.example/acme/account-get:1.0\"")]
pub struct InvalidReference(&'static str);

impl FromStr for OciReference {
    type Err = InvalidReference;

    /// Reads what follows `oci://`, where that is written.
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let (registry, rest) = rest.split_once('/').ok_or(InvalidReference("it needs a registry and what is in it"))?;
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        if !is_registry(registry) {
            return Err(InvalidReference("what stands before the first `/` is no registry"));
        }
        if repository.len() > REPOSITORY || !repository.split('/').all(is_component) {
            return Err(InvalidReference(
                "a repository is named with lower-case letters, digits, and `.`, `_`, `-`, `/` between them",
            ));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(InvalidReference(
                "a tag has letters, digits, `.`, `_` and `-`, and begins with none of `.` and `-`",
            ));
        }
        match digest {
            None if tag.is_none() => return Err(InvalidReference("it has neither tag nor digest")),
            Some(digest) if !is_sha256(digest) => {
                return Err(InvalidReference("a digest is `sha256:` and 64 hexadecimal digits"));
            }
            _ => {}
        }
        let owned = |text: &str| text.to_owned();
        Ok(Self {
            registry: owned(registry),
            repository: owned(repository),
            tag: tag.map(owned),
            digest: digest.map(owned),
        })
    }
}

impl fmt::Display for OciReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// `HOST` or `HOST:PORT`.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    host.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

/// Letters and digits, with one `.`, one or two `_`, or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let between = |run: &str| matches!(run, "" | "." | "_" | "__") || run.chars().all(|c| c == '-');
    text.starts_with(plain) && text.ends_with(plain) && text.split(plain).all(between)
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= TAG && text.starts_with(word) && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

fn is_sha256(text: &str) -> bool {
    let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 64 && digits.bytes().all(hexadecimal))
}
