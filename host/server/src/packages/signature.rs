//! Signatures of packages: Ed25519 over the 32 bytes of the digest. Who signed the digest signed the bytes.
//!
//! As text a signature is base64 of the signer's public key and what it signed, 96 bytes; the key only tells a wrong key
//! from changed bytes, and what counts is whether [`Trust`] has it. The 64 bytes of a bare signature, as other tools make
//! them, are taken too. Cost: microseconds.

use std::fmt;
use std::str::FromStr;

use auricle_model::Trust;
use auricle_store::Digest;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a public key.
const KEY: usize = 32;
/// Bytes of a bare signature.
const SIGNATURE: usize = 64;

/// Why a package is not taken for signed. Complete as a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The text is no signature.
    #[error("its signature is none: it is base64 of 64 or 96 bytes, as `auricle sign` writes it")]
    Malformed,
    /// Its key is none of those that are trusted.
    #[error(
        "it is signed with the key {0}, which is not trusted: add that to [server.trust] `keys`, or sign it with one of them"
    )]
    UnknownKey(PublicKey),
    /// The key is trusted, and did not sign these bytes.
    #[error(
        "its signature by `{0}` is for other bytes: it was changed after it was signed; sign it again with `auricle sign`"
    )]
    Changed(String),
    /// A bare signature that no trusted key made for these bytes.
    #[error(
        "no key of [server.trust] `keys` made its signature for these bytes: another key did, or they were changed after; sign it again with `auricle sign`"
    )]
    Unverified,
    /// There is none, and one is required.
    #[error("it is not signed by a trusted key, which [server.trust] `required` demands: sign it with `auricle sign`")]
    Missing,
    /// The key that signed it is trusted no longer.
    #[error("it was signed by `{0}`, which is not in [server.trust] `keys` any more: sign it with one that is")]
    Withdrawn(String),
}

/// An Ed25519 public key. As text: `ed25519:` and base64, as [server.trust] takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; KEY]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", STANDARD.encode(self.0))
    }
}

/// A signature, not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    key: Option<PublicKey>,
    bytes: [u8; SIGNATURE],
}

impl Signature {
    pub(super) fn new(key: PublicKey, bytes: [u8; SIGNATURE]) -> Self {
        Self { key: Some(key), bytes }
    }

    /// Whether this key made it for the package of this digest.
    fn is_by(&self, key: &[u8; KEY], digest: &Digest) -> bool {
        UnparsedPublicKey::new(&ED25519, key).verify(digest.as_bytes(), &self.bytes).is_ok()
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let decoded = STANDARD.decode(text.trim()).map_err(|_| SignatureError::Malformed)?;
        let (key, bytes) = match decoded.split_first_chunk::<KEY>() {
            Some((key, bytes)) if bytes.len() == SIGNATURE => (Some(PublicKey(*key)), bytes),
            _ => (None, decoded.as_slice()),
        };
        let bytes = bytes.try_into().map_err(|_| SignatureError::Malformed)?;
        Ok(Self { key, bytes })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.iter().flat_map(|key| key.0);
        f.write_str(&STANDARD.encode(key.chain(self.bytes).collect::<Vec<u8>>()))
    }
}

/// The name of the trusted key that signed the package of this digest.
///
/// # Errors
///
/// The text is no signature, or not by a trusted key for this digest: each in its own words.
pub fn verify(trust: &Trust, digest: &Digest, text: &str) -> Result<String, SignatureError> {
    let signature: Signature = text.parse()?;
    let Some(key) = signature.key else {
        let signer = trust.keys.iter().find(|(_, key)| signature.is_by(key, digest));
        return signer.map(|(name, _)| name.clone()).ok_or(SignatureError::Unverified);
    };
    match trust.keys.iter().find(|(_, trusted)| **trusted == key.0) {
        None => Err(SignatureError::UnknownKey(key)),
        Some((name, trusted)) if signature.is_by(trusted, digest) => Ok(name.clone()),
        Some((name, _)) => Err(SignatureError::Changed(name.clone())),
    }
}

/// As [`verify`], for a package that need not be signed: no signature, or one that says nothing to those who trust other
/// keys or none, is no signer. With `required` it has to be signed by a trusted key.
///
/// # Errors
///
/// As [`verify`]; and that there is none and has to be one.
pub fn signer(trust: &Trust, digest: &Digest, text: Option<&str>) -> Result<Option<String>, SignatureError> {
    match text.map(|text| verify(trust, digest, text)) {
        None if trust.required => Err(SignatureError::Missing),
        None => Ok(None),
        Some(Err(SignatureError::UnknownKey(_) | SignatureError::Unverified)) if !trust.required => Ok(None),
        Some(verified) => verified.map(Some),
    }
}

/// Whether a package may be deployed that was taken in with this signer.
///
/// # Errors
///
/// A signature is required, and there was none or its key is trusted no longer.
pub fn admit(trust: &Trust, signed_by: Option<&str>) -> Result<(), SignatureError> {
    match signed_by {
        _ if !trust.required => Ok(()),
        None => Err(SignatureError::Missing),
        Some(name) if trust.keys.contains_key(name) => Ok(()),
        Some(name) => Err(SignatureError::Withdrawn(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::SigningKey;
    use super::*;

    fn trust(required: bool, keys: &[(&str, &SigningKey)]) -> Trust {
        Trust { required, keys: keys.iter().map(|(name, key)| ((*name).to_owned(), key.public().0)).collect() }
    }

    #[test]
    fn a_signature_is_by_its_key_for_its_bytes() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let (digest, changed) = (Digest::of(b"bytes"), Digest::of(b"bytez"));
        let text = key.sign(&digest).to_string();
        let both = trust(true, &[("other", &other), ("release", &key)]);
        assert_eq!(verify(&both, &digest, &text), Ok("release".into()));
        assert_eq!(verify(&both, &changed, &text), Err(SignatureError::Changed("release".into())));
        assert_eq!(
            verify(&trust(true, &[("other", &other)]), &digest, &text),
            Err(SignatureError::UnknownKey(key.public()))
        );
        for wrong in ["", "x", "AAAA", &text[..text.len() - 4]] {
            assert_eq!(verify(&both, &digest, wrong), Err(SignatureError::Malformed), "{wrong}");
        }
    }

    #[test]
    fn a_key_that_is_only_named_proves_nothing() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let digest = Digest::of(b"bytes");
        let forged = Signature::new(key.public(), other.sign(&digest).bytes).to_string();
        let trusted = trust(false, &[("release", &key)]);
        assert_eq!(verify(&trusted, &digest, &forged), Err(SignatureError::Changed("release".into())));
        assert_eq!(signer(&trusted, &digest, Some(&forged)), Err(SignatureError::Changed("release".into())));
    }

    #[test]
    fn a_bare_signature_is_taken_too() {
        let key = SigningKey::generate().unwrap();
        let digest = Digest::of(b"bytes");
        let text = Signature { key: None, ..key.sign(&digest) }.to_string();
        assert_eq!(verify(&trust(true, &[("release", &key)]), &digest, &text), Ok("release".into()));
        assert_eq!(
            verify(&trust(true, &[("release", &key)]), &Digest::of(b""), &text),
            Err(SignatureError::Unverified)
        );
    }

    #[test]
    fn what_is_not_required_may_be_missing_or_unknown() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let digest = Digest::of(b"bytes");
        let text = other.sign(&digest).to_string();
        let (open, strict) = (trust(false, &[("release", &key)]), trust(true, &[("release", &key)]));
        assert_eq!(signer(&open, &digest, None), Ok(None));
        assert_eq!(signer(&open, &digest, Some(&text)), Ok(None));
        assert_eq!(signer(&open, &digest, Some("x")), Err(SignatureError::Malformed));
        assert_eq!(signer(&strict, &digest, None), Err(SignatureError::Missing));
        assert_eq!(signer(&strict, &digest, Some(&text)), Err(SignatureError::UnknownKey(other.public())));
        assert_eq!(admit(&open, None), Ok(()));
        assert_eq!(admit(&strict, None), Err(SignatureError::Missing));
        assert_eq!(admit(&strict, Some("release")), Ok(()));
        assert_eq!(admit(&strict, Some("old")), Err(SignatureError::Withdrawn("old".into())));
    }
}
