//! Bytes on a tape: as text where they are UTF-8, so that people can read them, and in Base64 where they are not.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Bytes that are an answer by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Blob(#[serde(with = "as_blob")] pub(crate) Bytes);

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form<T> {
    Text(T),
    Base64(T),
}

/// For a field that holds bytes: `#[serde(with = "as_blob")]`.
pub(crate) mod as_blob {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{Bytes, Form};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Form::Text(text).serialize(to),
            Err(_) => Form::Base64(&*STANDARD.encode(bytes)).serialize(to),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        match Form::<String>::deserialize(from)? {
            Form::Text(text) => Ok(text.into()),
            Form::Base64(text) => STANDARD.decode(text).map(Bytes::from).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_went() {
        for (bytes, json) in [
            (&b"gr\xc3\xbc\xc3\x9fe\n"[..], r#"{"text":"grüße\n"}"#),
            (&b"\xff\x00"[..], r#"{"base64":"/wA="}"#),
            (&b""[..], r#"{"text":""}"#),
        ] {
            let blob = Blob(Bytes::from_static(bytes));
            assert_eq!(serde_json::to_string(&blob).unwrap(), json);
            assert_eq!(serde_json::from_str::<Blob>(json).unwrap(), blob);
        }
        assert!(serde_json::from_str::<Blob>(r#"{"base64":"?"}"#).is_err());
    }
}
