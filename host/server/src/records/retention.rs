//! Deletes records that are too old, and the oldest where all take too much. Looks every minute, and after much was written.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use auricle_store::Records;
use tokio::time::timeout;

use super::Shared;
use crate::limits::RECORDS_PRUNE;

/// Looks again and again, as long as the store is there.
pub(super) async fn prune(store: Weak<dyn Records>, keep: Duration, max_bytes: u64, shared: Arc<Shared>) {
    let mut failing = false;
    loop {
        let Some(store) = store.upgrade() else { return };
        let before = SystemTime::now().checked_sub(keep).unwrap_or(SystemTime::UNIX_EPOCH);
        match store.prune_records(before, max_bytes).await {
            Ok(left) => {
                failing = false;
                shared.records.store(left.records, Ordering::Relaxed);
                shared.bytes.store(left.bytes, Ordering::Relaxed);
            }
            Err(error) => {
                shared.errors.fetch_add(1, Ordering::Relaxed);
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "old execution records cannot be deleted; trying again");
                }
            }
        }
        drop(store);
        // Late or early is the same: it looks.
        let _ = timeout(RECORDS_PRUNE, shared.filled.notified()).await;
    }
}
