//! Tokens, the audit log, and who asks.

use std::time::{Duration, SystemTime};

use auricle_store::{AuditEntry, Role, Token};

use super::endpoints::NoQuery;
use super::failure::Failure;
use super::shapes::{Entries, millis};
use super::speak::{Created, Done, Json};
use super::wire::{MadeToken, NewToken, PageQuery, TokenInfo, Whoami};
use super::{Call, access, executions};

/// Characters of a token's name.
const NAME: usize = 64;

pub(super) async fn whoami(call: Call, _: NoQuery, _: ()) -> Result<Json<Whoami>, Failure> {
    let host = &call.host;
    Ok(Json(Whoami {
        name: call.who.name.clone(),
        role: call.who.role,
        host_version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: host.config.environment.clone(),
        node: host.node.to_string(),
        state: host.state().name().to_owned(),
    }))
}

pub(super) async fn list(call: Call, _: NoQuery, _: ()) -> Result<Json<Vec<TokenInfo>>, Failure> {
    Ok(Json(call.host.store.tokens().await?.iter().map(info).collect()))
}

pub(super) async fn add(call: Call, _: NoQuery, Json(new): Json<NewToken>) -> Result<Created<MadeToken>, Failure> {
    let NewToken { name, role, expires_in_seconds } = new;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if name.is_empty() || name.len() > NAME || !name.chars().all(fits) {
        let detail = format!("`{name}` is no name of a token: 1 to {NAME} letters, digits, `.`, `_`, `-` or `@`");
        return Err(Failure::unprocessable(detail));
    }
    let made_at = SystemTime::now();
    let expires_at = match expires_in_seconds {
        Some(0) => return Err(Failure::unprocessable("`expires-in-seconds` is at least 1")),
        Some(seconds) => Some(
            made_at
                .checked_add(Duration::from_secs(seconds))
                .ok_or_else(|| Failure::unprocessable("`expires-in-seconds` is further away than time goes"))?,
        ),
        None => None,
    };
    let secret = access::fresh().map_err(|_| Failure::defect())?;
    let token = Token { name: name.clone(), role, hash: access::hash(&secret), made_at, expires_at };
    let info = info(&token);
    call.host.store.put_token(token, call.by("add-token", name, format!("role {role}"))).await?;
    Ok(Created(MadeToken { token: secret, info }))
}

pub(super) async fn delete(call: Call, _: NoQuery, _: ()) -> Result<Done, Failure> {
    let name = call.parameter("name");
    let tokens = call.host.store.tokens().await?;
    let Some(token) = tokens.iter().find(|token| token.name == name) else {
        return Err(Failure::not_found(format!("there is no token `{name}`")));
    };
    let holds =
        |token: &&Token| token.role == Role::Admin && token.expires_at.is_none_or(|then| then > SystemTime::now());
    let is_last = holds(&token) && tokens.iter().filter(holds).count() == 1;
    if is_last {
        let detail = format!("`{name}` is the last token of the role admin: make another one first");
        return Err(Failure::new(http::StatusCode::CONFLICT, detail));
    }
    call.host.store.delete_token(name, call.by("delete-token", name, format!("role {}", token.role))).await?;
    call.host.tokens.forget();
    access::forget_file(&call.host, token.hash).await;
    Ok(Done)
}

pub(super) async fn audit(call: Call, query: PageQuery, _: ()) -> Result<Json<Entries<AuditEntry>>, Failure> {
    let entries = call.host.store.audit(query.before, executions::limit(query.limit)?).await?;
    Ok(Json(Entries(entries)))
}

fn info(token: &Token) -> TokenInfo {
    let Token { name, role, made_at, expires_at, .. } = token;
    TokenInfo { name: name.clone(), role: *role, made_at: millis(*made_at), expires_at: expires_at.map(millis) }
}
