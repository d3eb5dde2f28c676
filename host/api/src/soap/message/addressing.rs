//! WS-Addressing: what a request says about who asks what, and where answers go. They go where HTTP has them go.
//!
//! Read are 1.0 (2005/08) and the submission of 2004/08, which older .NET speaks. Nothing of it decides what is called.

use super::header::Header;
use super::walk::{Tag, Walk};
use super::{Addressing, Refused};

const W3C: &str = "http://www.w3.org/2005/08/addressing";
const SUBMISSION: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";

/// The addresses that stand for the connection of the request, and for nowhere.
const ADDRESSES: [&str; 3] = [
    "http://www.w3.org/2005/08/addressing/anonymous",
    "http://www.w3.org/2005/08/addressing/none",
    "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous",
];

/// A header of WS-Addressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Action,
    MessageId,
    ReplyTo,
    FaultTo,
    To,
    From,
    RelatesTo,
}

/// The header of this name, and the namespace as a constant.
pub(super) fn field(namespace: &str, local: &str) -> Option<(&'static str, Field)> {
    let namespace = [W3C, SUBMISSION].into_iter().find(|known| *known == namespace)?;
    let field = match local {
        "Action" => Field::Action,
        "MessageID" => Field::MessageId,
        "ReplyTo" => Field::ReplyTo,
        "FaultTo" => Field::FaultTo,
        "To" => Field::To,
        "From" => Field::From,
        "RelatesTo" => Field::RelatesTo,
        _ => return None,
    };
    Some((namespace, field))
}

impl Header {
    /// Reads the header that has just begun.
    pub(super) fn addressed(
        &mut self,
        walk: &mut Walk<'_>,
        tag: Tag,
        namespace: &'static str,
        field: Field,
    ) -> Result<(), Box<Refused>> {
        let local = walk.reader.element().1;
        let none = Addressing { namespace, message_id: None, action: None };
        if self.addressing.get_or_insert(none).namespace != namespace {
            self.refuse(walk, tag.start, "headers of two versions of WS-Addressing: send those of one");
        }
        if field != Field::RelatesTo && self.fields.contains(&field) {
            self.refuse(walk, tag.start, format!("the WS-Addressing header `{local}` comes twice"));
        }
        self.fields.push(field);
        match field {
            Field::Action | Field::MessageId => match walk.value()? {
                Err(why) => self.refuse(walk, tag.start, format!("the WS-Addressing header `{local}` {why}")),
                Ok(text) => {
                    let text = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
                    if let Some(addressing) = &mut self.addressing {
                        let place =
                            if field == Field::Action { &mut addressing.action } else { &mut addressing.message_id };
                        *place = place.take().or(text);
                    }
                }
            },
            Field::ReplyTo | Field::FaultTo => {
                let address = address(walk, namespace)?;
                if !address.as_deref().is_some_and(|address| ADDRESSES.contains(&address)) {
                    self.refuse(
                        walk,
                        tag.start,
                        format!(
                            "wsa:OnlyAnonymousAddressSupported: answers go back on the connection of the request; \
                             leave `{local}` out, or send the anonymous address in it"
                        ),
                    );
                }
            }
            Field::To | Field::From | Field::RelatesTo => walk.skip()?,
        }
        Ok(())
    }
}

/// The address in the endpoint reference that has just begun.
fn address(walk: &mut Walk<'_>, namespace: &str) -> Result<Option<String>, Box<Refused>> {
    let mut address = None;
    while walk.child()?.is_some() {
        if walk.reader.element() == (namespace, "Address") {
            address = walk.value()?.ok().map(|text| text.trim().to_owned());
        } else {
            walk.skip()?;
        }
    }
    Ok(address)
}
