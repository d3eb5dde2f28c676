//! Packages.

use auricle_store::{Digest, Store};
use bytes::Bytes;

pub(super) async fn packages_are_kept_once_by_their_digest(store: &dyn Store) {
    let bytes = Bytes::from(vec![7; 100_000]);
    let digest = store.put_package(bytes.clone(), None).await.unwrap();
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(store.put_package(bytes.clone(), None).await.unwrap(), digest);
    assert_eq!(store.package(digest).await.unwrap(), Some(bytes));
    let never = Digest::of(b"never put");
    assert_eq!(store.package(never).await.unwrap(), None);
    assert_eq!(store.package_info(never).await.unwrap(), None);
    let nothing = store.put_package(Bytes::new(), None).await.unwrap();
    assert_eq!(store.package(nothing).await.unwrap(), Some(Bytes::new()));
}

pub(super) async fn what_is_known_of_a_package_has_its_signer(store: &dyn Store) {
    let bytes = Bytes::from_static(b"package");
    let digest = store.put_package(bytes.clone(), None).await.unwrap();
    let first = store.package_info(digest).await.unwrap().unwrap();
    assert_eq!((first.digest, first.size, first.signed_by.as_deref()), (digest, 7, None));

    store.put_package(bytes.clone(), Some("release".into())).await.unwrap();
    let signed = store.package_info(digest).await.unwrap().unwrap();
    assert_eq!((signed.signed_by.as_deref(), signed.added_at), (Some("release"), first.added_at));

    store.put_package(bytes, None).await.unwrap();
    let again = store.package_info(digest).await.unwrap().unwrap();
    assert_eq!(again.signed_by.as_deref(), Some("release"), "a signature is not lost by a put without one");
}
