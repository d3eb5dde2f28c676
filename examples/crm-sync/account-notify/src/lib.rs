//! SOAP operation `notifications`: what Salesforce's outbound messaging sends when Accounts change, up to a hundred at a time. Each
//! takes the place of the one in the table, and the message is acknowledged.
//!
//! Salesforce sends a message until it is acknowledged, so any may come twice and an old one late: an Account that was changed
//! after the one in the message stays as it is. The host has held the message against its schema before it comes here.

use std::collections::HashMap;

use account::{Accounts, Changes, Problem, Refusal};
use auricle_guest::{Document, Error, Execution, Reply, listener, start};
use serde::{Deserialize, Serialize};

/// What ends the sending of a message.
const ACK: &str =
    r#"<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>"#;

/// What is read of a message.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Notification", default)]
    notifications: Vec<Notification>,
}

#[derive(Deserialize)]
struct Notification {
    /// The same when it is sent again.
    #[serde(rename = "Id")]
    id: String,
    /// Fields by their names; none for `xsi:nil`. Attributes are among them with an `@`, and never asked for.
    #[serde(rename = "sObject")]
    object: HashMap<String, Option<String>>,
}

#[start]
fn prepare() -> Result<(), Error> {
    account::prepare()
}

/// The listener.
///
/// # Errors
/// What the database says.
#[listener]
pub fn execute(_: Execution, documents: Vec<Document>) -> Result<Reply, Error> {
    notified(&documents).or_else(refused)
}

fn notified(documents: &[Document]) -> Result<Reply, Refusal> {
    let body = documents.first().map(Document::text).transpose()?.unwrap_or_default();
    let message: Message = quick_xml::de::from_str(&body)
        .map_err(|error| Refusal::Body(format!("The body must be an outbound message of Salesforce: {error}.")))?;
    // All are read before one is written: a message that is refused has changed nothing.
    let read = |notification: &Notification| Changes::whole(|field| notification.object.get(field.name)?.clone());
    let accounts = message.notifications.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let table = Accounts::open()?;
    for (Notification { id: notification, .. }, (id, account)) in message.notifications.iter().zip(&accounts) {
        let stored = table.replace(account)?;
        tracing::info!(notification, account = %id, stored, "account notified");
    }
    Ok(Reply::text(ACK))
}

/// Problem details as XML (RFC 7807, appendix A).
#[derive(Serialize)]
#[serde(rename = "problem")]
struct ProblemElement<'a> {
    #[serde(rename = "@xmlns")]
    namespace: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

fn refused(refusal: Refusal) -> Result<Reply, Error> {
    let Problem { title, status, detail, .. } = refusal.problem()?;
    let element = ProblemElement { namespace: "urn:ietf:rfc:7807", title, status, detail: &detail };
    let document = quick_xml::se::to_string(&element).map_err(Error::new)?;
    Ok(Reply::status(status).header("Content-Type", "application/problem+xml").text(document))
}
