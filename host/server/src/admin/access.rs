//! Who asks: a token is looked up by its SHA-256, and known for a second after that. And the first token, which the host makes
//! itself.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use auricle_store::{By, Digest, Role, StoreError, StoreErrorKind, Token};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use moka::sync::Cache;

use super::failure::Failure;
use crate::host::{HostError, Inner};
use crate::limits::TOKEN_LIFETIME;

/// What every token begins with, so that those who look for secrets in the wrong places find it.
const PREFIX: &str = "auricle_";

/// Random bytes of a token.
const RANDOM: usize = 32;

/// The file of the first token, in the data folder.
const FILE: &str = "admin-token";

/// Tokens that are remembered at a time.
const REMEMBERED: u64 = 1_000;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) role: Role,
    expires_at: Option<SystemTime>,
}

/// Tokens that were looked up a moment ago.
pub(crate) struct Tokens(Cache<[u8; 32], Arc<Identity>>);

impl Default for Tokens {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_live(TOKEN_LIFETIME).build())
    }
}

impl Tokens {
    /// Forgets what was looked up: a token was deleted, or the store is another one.
    pub(super) fn forget(&self) {
        self.0.invalidate_all();
    }
}

/// The one whom the token of these headers names.
pub(super) async fn identify(host: &Inner, headers: &HeaderMap) -> Result<Arc<Identity>, Failure> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) = given.and_then(|given| given.split_once(' ')).ok_or_else(Failure::unknown)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Failure::unknown());
    }
    let hash = hash(token.trim());
    let known = match host.tokens.0.get(&hash) {
        Some(known) => known,
        None => {
            let token = host.store.token(hash).await?.ok_or_else(Failure::unknown)?;
            let found = Arc::new(Identity { name: token.name, role: token.role, expires_at: token.expires_at });
            host.tokens.0.insert(hash, found.clone());
            found
        }
    };
    match known.expires_at {
        Some(then) if then <= SystemTime::now() => Err(Failure::unknown()),
        _ => Ok(known),
    }
}

pub(super) fn hash(token: &str) -> [u8; 32] {
    *Digest::of(token.as_bytes()).as_bytes()
}

/// A new token.
pub(super) fn fresh() -> io::Result<String> {
    let mut random = [0; RANDOM];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
}

fn file(host: &Inner) -> PathBuf {
    host.config.data_dir.join(FILE)
}

/// Sees to it that the token of the data folder's file is known to the store; without a file it makes both.
pub(crate) async fn first_token(host: &Inner) -> Result<(), HostError> {
    let path = file(host);
    let failed = |source| HostError::Token { path: path.clone(), source };
    let at = path.clone();
    let made = tokio::task::spawn_blocking(move || read_or_make(&at)).await.map_err(io::Error::other);
    let token = made.and_then(|made| made).map_err(failed)?;
    let hash = hash(&token);
    if host.store.token(hash).await?.is_some() {
        return Ok(());
    }
    // Another host of the store has a token of that name: its own file.
    let short = host.node.get(..8).unwrap_or(&host.node);
    for name in ["admin".to_owned(), format!("admin-{short}")] {
        let token = Token { name: name.clone(), role: Role::Admin, hash, made_at: SystemTime::now(), expires_at: None };
        let by = By {
            who: Some("host".to_owned()),
            action: "add-token",
            target: name,
            detail: format!("role admin, in {}", path.display()),
        };
        match host.store.put_token(token, by).await {
            Ok(()) => {
                tracing::info!("a token of the role admin is in {}", path.display());
                return Ok(());
            }
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::new(StoreErrorKind::Conflict, "the names of the first admin token are taken").into())
}

fn read_or_make(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let token = fresh()?;
    // Written beside, then put in its place: whoever reads it reads all of it.
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(format!("{token}\n").as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    Ok(token)
}

/// A token that is deleted does not come back with the next start: its file goes too, if it is this host's.
pub(super) async fn forget_file(host: &Inner, deleted: [u8; 32]) {
    let path = file(host);
    let removed = tokio::task::spawn_blocking(move || {
        let text = fs::read_to_string(&path)?;
        if hash(text.trim()) == deleted { fs::remove_file(&path) } else { Ok(()) }
    });
    match removed.await {
        Ok(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "the file of the deleted token could not be removed: it would be known again after the next start");
        }
        _ => {}
    }
}
