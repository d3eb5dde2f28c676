//! Further pages of answers, one row each.

use std::time::SystemTime;

use sqlx::QueryBuilder;

use super::{Answer, Change, Connection, Engine, Stop, StoreError, ThisStore, cannot, signed, text, unsigned};
use crate::limits::{CLEANED_ROWS, ENCODED_INLINE, PAGE_ROW, PAGES_CHANGE, PAGES_CHANGE_BYTES, PAGES_STATEMENT};
use crate::{Page, PageOwner, Pages, codec, time};

/// A page with what it is found by.
struct Keyed {
    key: [u8; 32],
    previous: Option<[u8; 32]>,
    page: Page,
}

/// The same as it is kept.
struct Row {
    key: [u8; 32],
    previous: Option<[u8; 32]>,
    data: Vec<u8>,
}

impl Row {
    fn bytes(&self) -> u64 {
        self.data.len() as u64 + PAGE_ROW
    }
}

/// Bytes of the documents of a page.
fn size(page: &Page) -> usize {
    page.documents.iter().map(|document| document.data.len()).sum()
}

/// Each page with its key and that of the one before it.
fn keyed(owner: &PageOwner, first: &str, pages: Vec<Page>) -> Vec<Keyed> {
    let mut all = Vec::with_capacity(pages.len());
    let (mut key, mut previous) = (owner.key(first), None);
    for page in pages {
        let next = page.next.as_deref().map(|next| owner.key(next));
        all.push(Keyed { key, previous, page });
        let Some(next) = next else { break };
        previous = Some(std::mem::replace(&mut key, next));
    }
    all
}

/// Encodes the pages of one change: at once where they are small, elsewhere where it would hold up other tasks.
async fn encode(pages: Vec<Keyed>) -> Result<Vec<Row>, StoreError> {
    fn all(pages: Vec<Keyed>) -> Result<Vec<Row>, StoreError> {
        let row = |Keyed { key, previous, page }| Ok(Row { key, previous, data: codec::encode_page(page)? });
        pages.into_iter().map(row).collect()
    }
    if pages.iter().map(|keyed| size(&keyed.page)).sum::<usize>() < ENCODED_INLINE {
        return all(pages);
    }
    tokio::task::spawn_blocking(move || all(pages))
        .await
        .map_err(|_| StoreError::unavailable("the host is stopping: pages were not kept"))?
}

struct Hold {
    environment: String,
    until: SystemTime,
    rows: Vec<Row>,
}

impl Change for Hold {
    type Output = ();

    fn weight(&self) -> usize {
        self.rows.iter().map(|row| row.data.len()).sum()
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        for rows in self.rows.chunks(PAGES_STATEMENT) {
            let mut statement =
                QueryBuilder::<Engine>::new("INSERT INTO page (key, environment, previous, keep_until, bytes, data) ");
            // In the order of the columns.
            statement.push_values(rows, |mut values, row| {
                values
                    .push_bind(row.key.as_slice())
                    .push_bind(text(&self.environment))
                    .push_bind(row.previous.as_ref().map(<[u8; 32]>::as_slice))
                    .push_bind(time::to_millis(self.until))
                    .push_bind(signed(row.bytes()))
                    .push_bind(row.data.as_slice());
            });
            // Only the statement of a full chunk comes again.
            let again = rows.len() == PAGES_STATEMENT;
            statement.build().persistent(again).execute(&mut *on).await.map_err(cannot("keep pages"))?;
        }
        Ok(())
    }
}

struct GiveUp(Vec<u8>);

impl Change for GiveUp {
    type Output = ();

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        sqlx::query("DELETE FROM page WHERE key = $1")
            .bind(self.0.as_slice())
            .execute(on)
            .await
            .map_err(cannot("give up a page"))?;
        Ok(())
    }
}

/// One step of the clean-up; whether there is more.
struct Prune {
    environment: String,
    /// The latest time to go of those that have to go before it.
    newest: i64,
}

impl Change for Prune {
    type Output = bool;

    async fn apply(&mut self, on: &mut Connection) -> Result<bool, Stop> {
        let deleted = sqlx::query(
            "DELETE FROM page WHERE key IN (SELECT key FROM page WHERE environment = $1 AND keep_until <= $2 LIMIT $3)",
        )
        .bind(text(&self.environment))
        .bind(self.newest)
        .bind(signed(CLEANED_ROWS as u64))
        .execute(on)
        .await
        .map_err(cannot("delete old pages"))?;
        Ok(deleted.rows_affected() >= CLEANED_ROWS as u64)
    }
}

impl ThisStore {
    async fn bytes_of_pages(&self, environment: &str) -> Result<u64, StoreError> {
        sqlx::query_scalar("SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM page WHERE environment = $1")
            .bind(text(environment))
            .fetch_one(&self.main.readers)
            .await
            .map(unsigned)
            .map_err(cannot("count its pages"))
    }
}

impl Pages for ThisStore {
    fn hold_pages<'a>(
        &'a self,
        owner: &'a PageOwner,
        first: &'a str,
        pages: Vec<Page>,
        until: SystemTime,
    ) -> Answer<'a, u64> {
        Box::pin(async move {
            let mut written = 0;
            let mut pages = keyed(owner, first, pages).into_iter().peekable();
            while let Some(page) = pages.next() {
                let mut bytes = size(&page.page);
                let mut fit = vec![page];
                while let Some(page) = pages.next_if(|next| {
                    bytes += size(&next.page);
                    fit.len() < PAGES_CHANGE && bytes <= PAGES_CHANGE_BYTES
                }) {
                    fit.push(page);
                }
                let rows = encode(fit).await?;
                written += rows.iter().map(Row::bytes).sum::<u64>();
                self.main.writer.write(Hold { environment: owner.environment.clone(), until, rows }).await?;
            }
            Ok(written)
        })
    }

    fn page<'a>(&'a self, owner: &'a PageOwner, token: &'a str) -> Answer<'a, Option<Page>> {
        Box::pin(async move {
            let found: Option<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
                "SELECT page.data, earlier.key FROM page LEFT JOIN page AS earlier ON earlier.key = page.previous
                 WHERE page.key = $1 AND page.keep_until > $2",
            )
            .bind(owner.key(token).as_slice())
            .bind(time::to_millis(SystemTime::now()))
            .fetch_optional(&self.main.readers)
            .await
            .map_err(cannot("read a page"))?;
            let Some((data, earlier)) = found else { return Ok(None) };
            let page = codec::decode_page(data.into())?;
            // Only once: who asks again waits for no write.
            if let Some(earlier) = earlier {
                self.main.writer.write(GiveUp(earlier)).await?;
            }
            Ok(Some(page))
        })
    }

    fn prune_pages<'a>(&'a self, environment: &'a str, max_bytes: u64) -> Answer<'a, u64> {
        Box::pin(async move {
            let bytes = self.bytes_of_pages(environment).await?;
            if bytes <= max_bytes {
                return Ok(bytes);
            }
            // Where what the older ones take up is as much as is too much.
            let newest: Option<i64> = sqlx::query_scalar(
                "SELECT min(keep_until) FROM (SELECT keep_until, sum(bytes) OVER (ORDER BY keep_until) AS older
                                              FROM page WHERE environment = $1) AS aged
                 WHERE older >= $2",
            )
            .bind(text(environment))
            .bind(signed(bytes - max_bytes))
            .fetch_one(&self.main.readers)
            .await
            .map_err(cannot("find its oldest pages"))?;
            let Some(newest) = newest else { return Ok(bytes) };
            while self.main.writer.write(Prune { environment: environment.to_owned(), newest }).await? {}
            self.bytes_of_pages(environment).await
        })
    }
}
