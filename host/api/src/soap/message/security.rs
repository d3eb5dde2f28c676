//! WS-Security: the user name and password of a UsernameToken.
//!
//! Nothing is checked here: what is read are credentials for whoever checks them. Digests of passwords would need the
//! password itself on this side, so they are refused; TLS is what keeps a PasswordText secret.

use super::walk::{NoValue, Tag, Walk};
use super::{Credentials, Refused};
use crate::parse_error::ParseError;
use crate::percent::excerpt;

/// Namespace of WS-Security's own elements.
pub(super) const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const PASSWORD_TEXT: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";

/// What a `wsse:Security` block holds.
#[derive(Debug, Default)]
pub(super) struct Security {
    pub(super) credentials: Option<Credentials>,
    /// The first token in it that is not read: a signature, a certificate.
    pub(super) unread: Option<String>,
    /// What is wrong with it, and where.
    pub(super) problem: Option<(usize, String)>,
}

/// Reads the block that has just begun.
pub(super) fn read(walk: &mut Walk<'_>) -> Result<Security, Box<Refused>> {
    let mut security = Security::default();
    let mut tokens = 0;
    while let Some(tag) = walk.child()? {
        match walk.reader.element() {
            (WSSE, "UsernameToken") => {
                tokens += 1;
                if tokens > 1 {
                    security.refuse(tag, "`wsse:UsernameToken` comes twice: send one");
                }
                security.username_token(walk, tag)?;
            }
            (WSU, "Timestamp") => walk.skip()?,
            (_, other) => {
                security.unread.get_or_insert_with(|| excerpt(other).into_owned());
                walk.skip()?;
            }
        }
    }
    Ok(security)
}

impl Security {
    fn username_token(&mut self, walk: &mut Walk<'_>, token: Tag) -> Result<(), Box<Refused>> {
        let (mut username, mut password) = (None, None);
        while let Some(tag) = walk.child()? {
            match walk.reader.element() {
                (WSSE, "Username") => {
                    let value = walk.value()?;
                    self.once("wsse:Username", tag, value.map(|text| text.trim().to_owned()), &mut username);
                }
                (WSSE, "Password") => {
                    let text = self.password(walk, tag)?;
                    self.once("wsse:Password", tag, text, &mut password);
                }
                _ => walk.skip()?,
            }
        }
        self.credentials = username.zip(password).map(|(username, password)| Credentials { username, password });
        if self.credentials.is_none() {
            self.refuse(
                token,
                "a `wsse:UsernameToken` holds a `wsse:Username` and a `wsse:Password` of type PasswordText",
            );
        }
        Ok(())
    }

    /// The password that has just begun.
    fn password(&mut self, walk: &mut Walk<'_>, tag: Tag) -> Result<Result<String, NoValue>, ParseError> {
        let kind = walk.reader.attributes().find(|a| a.local == "Type" && a.namespace.is_empty());
        let kind = kind.map_or_else(|| PASSWORD_TEXT.to_owned(), |attribute| attribute.value.trim().to_owned());
        if kind != PASSWORD_TEXT {
            let kind = excerpt(kind.rsplit('#').next().unwrap_or_default()).into_owned();
            self.refuse(
                tag,
                format!("a `wsse:Password` of type `{kind}` is not taken: send it as PasswordText, over TLS"),
            );
        }
        walk.value()
    }

    fn once(&mut self, name: &str, tag: Tag, value: Result<String, NoValue>, place: &mut Option<String>) {
        match value {
            Err(why) => self.refuse(tag, format!("`{name}` {why}")),
            Ok(_) if place.is_some() => self.refuse(tag, format!("`{name}` comes twice")),
            Ok(text) => *place = Some(text),
        }
    }

    fn refuse(&mut self, tag: Tag, message: impl Into<String>) {
        self.problem.get_or_insert_with(|| (tag.start, message.into()));
    }
}
