//! The other side of signatures: private keys, for the program's `keygen`, `sign` and `push`. A host never needs one.

use std::fmt;

use auricle_store::Digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::signature::{PublicKey, Signature};

/// What the PEM of a private key is called.
const LABEL: &str = "PRIVATE KEY";

/// An Ed25519 private key. Never printed.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text holds none that is understood.
    #[error("it holds no Ed25519 private key (PKCS#8, PEM): make one with `auricle keygen`")]
    NotOne,
    /// The system gave no random numbers, or the library failed.
    #[error("no key could be made")]
    NotMade,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        Ed25519KeyPair::generate().map_err(|_| KeyError::NotMade).and_then(Self::of)
    }

    /// Reads a key: PKCS#8 in PEM, as `auricle keygen` and `openssl genpkey -algorithm ed25519` write it.
    ///
    /// # Errors
    ///
    /// The text holds no such key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let block = pem::parse(text).map_err(|_| KeyError::NotOne)?;
        if block.tag() != LABEL {
            return Err(KeyError::NotOne);
        }
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(block.contents()).map_err(|_| KeyError::NotOne)?;
        Self::of(pair)
    }

    fn of(pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let public = pair.public_key().as_ref().try_into().map(PublicKey).map_err(|_| KeyError::NotMade)?;
        Ok(Self { pair, public })
    }

    /// The key as a text that [`SigningKey::from_pem`] reads. A secret.
    ///
    /// # Errors
    ///
    /// The library could not write it.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| KeyError::NotMade)?;
        Ok(pem::encode(&pem::Pem::new(LABEL, der.as_ref())))
    }

    /// What others need to trust it.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs the package of this digest.
    pub fn sign(&self, digest: &Digest) -> Signature {
        let made = self.pair.sign(digest.as_bytes());
        let mut bytes = [0; 64];
        bytes.iter_mut().zip(made.as_ref()).for_each(|(to, from)| *to = *from);
        Signature::new(self.public, bytes)
    }
}
