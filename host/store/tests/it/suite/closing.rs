//! The end of a store.

use auricle_model::Retry;
use auricle_store::{PageOwner, Reception, RecordFilter, Store, StoreError, StoreErrorKind};

use crate::fixtures::{NODE, request};

pub(super) async fn a_closed_store_refuses(store: &dyn Store) {
    store.close().await.unwrap();
    store.close().await.unwrap();
    let error = store.enqueue(request("{}"), Reception::Waiting, None).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (StoreErrorKind::Unavailable, Retry::Later));
    let unavailable = |error: StoreError| assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    unavailable(store.pending("default", NODE, None, 1, &[]).await.unwrap_err());
    let owner = PageOwner { environment: "default".into(), user: None, place: "/a".into() };
    unavailable(store.page(&owner, "token").await.unwrap_err());
    unavailable(store.put_records(Vec::new(), Vec::new()).await.unwrap_err());
    unavailable(store.records(&RecordFilter::default(), 1).await.unwrap_err());
}
