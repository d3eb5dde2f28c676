//! Tokens and the audit log. Other changes note themselves by [`note`], in their own transaction.

use sqlx::Row as _;

use super::{Answer, Change, Connection, Row, Stop, StoreError, ThisStore, cannot, signed, text, unsigned};
use crate::refusal::token_taken;
use crate::{Access, AuditEntry, By, Token, time};

/// Adds to the audit log.
pub(super) async fn note(by: &By, on: &mut Connection) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (at, who, action, target, detail) VALUES ($1, $2, $3, $4, $5)")
        .bind(time::to_millis(time::now()))
        .bind(by.who.as_deref().map(text))
        .bind(by.action)
        .bind(text(&by.target))
        .bind(text(&by.detail))
        .execute(on)
        .await
        .map_err(cannot("write its audit log"))?;
    Ok(())
}

struct Note(By);

impl Change for Note {
    type Output = ();

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        Ok(note(&self.0, on).await?)
    }
}

struct PutToken {
    token: Token,
    by: By,
}

impl Change for PutToken {
    type Output = ();

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        let Self { token, by } = self;
        let kept = sqlx::query(
            "INSERT INTO token (name, role, hash, made_at, expires_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(text(&token.name))
        .bind(token.role.to_string())
        .bind(token.hash.as_slice())
        .bind(time::to_millis(token.made_at))
        .bind(token.expires_at.map(time::to_millis))
        .execute(&mut *on)
        .await
        .map_err(cannot("keep a token"))?;
        if kept.rows_affected() == 0 {
            return Err(Stop::Refused(token_taken(&token.name)));
        }
        Ok(note(by, on).await?)
    }
}

struct DeleteToken {
    name: String,
    by: By,
}

impl Change for DeleteToken {
    type Output = bool;

    async fn apply(&mut self, on: &mut Connection) -> Result<bool, Stop> {
        let deleted = sqlx::query("DELETE FROM token WHERE name = $1")
            .bind(text(&self.name))
            .execute(&mut *on)
            .await
            .map_err(cannot("delete a token"))?;
        let there_was = deleted.rows_affected() > 0;
        if there_was {
            note(&self.by, on).await?;
        }
        Ok(there_was)
    }
}

fn token(row: &Row) -> Result<Token, StoreError> {
    let damaged = cannot("read a token");
    let (hash, role): (Vec<u8>, String) =
        (row.try_get("hash").map_err(&damaged)?, row.try_get("role").map_err(&damaged)?);
    let name: String = row.try_get("name").map_err(&damaged)?;
    let unreadable = || StoreError::corrupt(format!("the token `{name}` can't be read: delete it and make another"));
    Ok(Token {
        role: role.parse().map_err(|_| unreadable())?,
        hash: hash.try_into().map_err(|_| unreadable())?,
        made_at: time::from_millis(row.try_get("made_at").map_err(&damaged)?),
        expires_at: row.try_get::<Option<i64>, _>("expires_at").map_err(&damaged)?.map(time::from_millis),
        name,
    })
}

impl Access for ThisStore {
    fn put_token(&self, token: Token, by: By) -> Answer<'_, ()> {
        Box::pin(self.main.writer.write(PutToken { token, by }))
    }

    fn delete_token<'a>(&'a self, name: &'a str, by: By) -> Answer<'a, bool> {
        Box::pin(self.main.writer.write(DeleteToken { name: name.to_owned(), by }))
    }

    fn tokens(&self) -> Answer<'_, Vec<Token>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT name, role, hash, made_at, expires_at FROM token")
                .fetch_all(&self.main.readers)
                .await
                .map_err(cannot("read its tokens"))?;
            let mut tokens = rows.iter().map(token).collect::<Result<Vec<_>, _>>()?;
            // Not by the database, whose order is that of its language.
            tokens.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(tokens)
        })
    }

    fn token(&self, hash: [u8; 32]) -> Answer<'_, Option<Token>> {
        Box::pin(async move {
            let row = sqlx::query("SELECT name, role, hash, made_at, expires_at FROM token WHERE hash = $1")
                .bind(hash.as_slice())
                .fetch_optional(&self.main.readers)
                .await
                .map_err(cannot("read its tokens"))?;
            row.as_ref().map(token).transpose()
        })
    }

    fn note(&self, by: By) -> Answer<'_, ()> {
        Box::pin(self.main.writer.write(Note(by)))
    }

    fn audit(&self, before: Option<u64>, limit: u32) -> Answer<'_, Vec<AuditEntry>> {
        Box::pin(async move {
            let rows: Vec<(i64, i64, Option<String>, String, String, String)> = sqlx::query_as(
                "SELECT number, at, who, action, target, detail FROM audit WHERE number < $1 ORDER BY number DESC LIMIT $2",
            )
            .bind(before.map_or(i64::MAX, signed))
            .bind(i64::from(limit))
            .fetch_all(&self.main.readers)
            .await
            .map_err(cannot("read its audit log"))?;
            let entry = |(number, at, who, action, target, detail)| AuditEntry {
                number: unsigned(number),
                at: unsigned(at),
                who,
                action,
                target,
                detail,
            };
            Ok(rows.into_iter().map(entry).collect())
        })
    }
}
