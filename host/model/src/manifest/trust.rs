//! `[server.trust]`: whose packages are deployed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::problem::quote;
use super::reader::{Table, Value};
use super::values;
use crate::Trust;

/// How a key begins: the only kind there is.
const KIND: &str = "ed25519:";

pub(super) fn read(mut table: Table<'_>) -> Trust {
    let required = table.flag("required").unwrap_or(false);
    let given = table.get("keys");
    let keys = given.as_ref().map(keys).unwrap_or_default();
    if required && given.is_none_or(|value| value.entries().is_some_and(|entries| entries.is_empty())) {
        table.problem(
            "`required` without `keys` would refuse every package: write for example `keys = { release = \"ed25519:...\" }`, as `auricle keygen` prints it",
        );
    }
    table.finish();
    Trust { required, keys }
}

/// `{ release = "ed25519:BASE64" }`
fn keys(value: &Value<'_>) -> BTreeMap<String, [u8; 32]> {
    let mut keys = BTreeMap::new();
    for (name, value) in value.entries().unwrap_or_default() {
        match values::identifier("a key")(name) {
            Err(message) => value.problem(message),
            Ok(name) => keys.extend(value.parse(public_key).map(|key| (name, key))),
        }
    }
    keys
}

fn public_key(text: &str) -> Result<[u8; 32], String> {
    let bytes = text.strip_prefix(KIND).and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    // Who mixed up the two files would see a private key in the message.
    if text.contains("PRIVATE KEY") {
        return Err("is a private key: write the line that `auricle keygen` printed".into());
    }
    key.ok_or_else(|| {
        format!(
            "{} is no public key: it is `{KIND}` and 32 bytes in base64, as `auricle keygen` prints it",
            quote(text)
        )
    })
}
