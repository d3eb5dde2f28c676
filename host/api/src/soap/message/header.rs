//! The header of an envelope: which of its blocks are for the host, and what they say.
//!
//! All blocks are read before one of them refuses the message, so that the refusal relates to the message as a whole.

use super::addressing::{self, Field};
use super::security;
use super::walk::{Tag, Walk};
use super::{Addressing, Credentials, Headers, MAX_BLOCKS, Refused};
use crate::soap::Version;
use crate::soap::fault::Code;
use crate::soap::message::envelope::of_namespace;

/// What a header has said so far.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) addressing: Option<Addressing>,
    /// The addressing headers that there were.
    pub(super) fields: Vec<Field>,
    security: Option<security::Security>,
    not_understood: Vec<(String, String)>,
    /// What of a security block that has to be understood is not.
    unread: Option<String>,
    /// What it is refused for, if everything is understood.
    problem: Option<Box<Refused>>,
}

impl Header {
    /// What is kept of it: what it says.
    pub(super) fn into_headers(self) -> Headers {
        let credentials: Option<Credentials> = self.security.and_then(|security| security.credentials);
        Headers { addressing: self.addressing, credentials }
    }

    /// Reads the header, which has just begun.
    pub(super) fn read(&mut self, walk: &mut Walk<'_>, version: Version) -> Result<(), Box<Refused>> {
        let mut blocks = 0;
        while let Some(tag) = walk.child()? {
            blocks += 1;
            if blocks > MAX_BLOCKS {
                return Err(walk.refused(tag.start, format!("more than {MAX_BLOCKS} header blocks")));
            }
            self.block(walk, version, tag)?;
        }
        if !self.not_understood.is_empty() {
            return Err(self.must_understand());
        }
        self.problem.take().map_or(Ok(()), Err)
    }

    fn block(&mut self, walk: &mut Walk<'_>, version: Version, tag: Tag) -> Result<(), Box<Refused>> {
        let (is_ours, must) = asked(walk, version);
        let (namespace, local) = walk.reader.element();
        if namespace == security::WSSE && local == "Security" {
            let security = security::read(walk)?;
            if is_ours {
                self.secured(walk, tag, security, must);
            }
            return Ok(());
        }
        match addressing::field(namespace, local) {
            Some((namespace, field)) if is_ours => return self.addressed(walk, tag, namespace, field),
            None if is_ours && must => self.not_understood.push((namespace.to_owned(), local.to_owned())),
            _ => {}
        }
        Ok(walk.skip()?)
    }

    fn secured(&mut self, walk: &Walk<'_>, tag: Tag, security: security::Security, must: bool) {
        if must && let Some(unread) = &security.unread {
            self.unread = Some(unread.clone());
            self.not_understood.push((security::WSSE.to_owned(), "Security".to_owned()));
        }
        if let Some((at, problem)) = &security.problem {
            self.refuse(walk, *at, problem.clone());
        }
        if self.security.replace(security).is_some() {
            self.refuse(walk, tag.start, "`wsse:Security` comes twice: send one block for this service");
        }
    }

    /// Remembers what the message is refused for.
    pub(super) fn refuse(&mut self, walk: &Walk<'_>, at: usize, message: impl Into<String>) {
        self.problem.get_or_insert_with(|| walk.refused(at, message));
    }

    fn must_understand(&mut self) -> Box<Refused> {
        let names: Vec<_> = self
            .not_understood
            .iter()
            .map(|(namespace, local)| format!("`{local}` {}", of_namespace(namespace)))
            .collect();
        let mut message = format!(
            "mustUnderstand is set for what is not understood here: {}. Send the message without it",
            names.join(", ")
        );
        if let Some(unread) = self.unread.take() {
            message.push_str(&format!(
                "; of `wsse:Security` a UsernameToken with PasswordText and a Timestamp are read, and `{unread}` is not"
            ));
        }
        let mut refused = Refused::new(Code::MustUnderstand, crate::parse_error::short(message));
        refused.not_understood = std::mem::take(&mut self.not_understood);
        refused
    }
}

/// Whether the block that has just begun is for the host, and whether it must be understood.
fn asked(walk: &Walk<'_>, version: Version) -> (bool, bool) {
    let (mut is_ours, mut must) = (true, false);
    for attribute in walk.reader.attributes().filter(|attribute| attribute.namespace == version.namespace()) {
        let value = attribute.value.trim();
        match (attribute.local, version) {
            ("mustUnderstand", _) => must = matches!(value, "1" | "true"),
            ("actor", Version::V11) => is_ours = matches!(value, "" | "http://schemas.xmlsoap.org/soap/actor/next"),
            ("role", Version::V12) => {
                is_ours = matches!(
                    value,
                    "" | "http://www.w3.org/2003/05/soap-envelope/role/next"
                        | "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"
                );
            }
            _ => {}
        }
    }
    (is_ours, must)
}
