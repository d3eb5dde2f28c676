//! Tokens and the audit log.

use auricle_store::{By, Role, Store, StoreErrorKind, Token};
use bytes::Bytes;

use crate::fixtures::{at, by, deployment};

fn token(name: &str, hash: u8) -> Token {
    Token {
        name: name.into(),
        role: Role::Publisher,
        hash: [hash; 32],
        made_at: at(1_700_000_000_123),
        expires_at: None,
    }
}

pub(super) async fn tokens_are_kept_by_name_and_found_by_hash(store: &dyn Store) {
    let (mut bob, ann) = (token("bob", 2), token("ann", 1));
    bob.expires_at = Some(at(1_900_000_000_456));
    store.put_token(bob.clone(), by("token-add")).await.unwrap();
    store.put_token(ann.clone(), by("token-add")).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [ann.clone(), bob.clone()]);
    assert_eq!(store.token([2; 32]).await.unwrap(), Some(bob));
    assert_eq!(store.token([3; 32]).await.unwrap(), None);

    for taken in [token("ann", 9), token("carl", 1)] {
        let error = store.put_token(taken.clone(), by("token-add")).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
        assert!(error.to_string().contains(&taken.name), "{error}");
    }
    assert!(store.delete_token("bob", by("token-remove")).await.unwrap());
    assert!(!store.delete_token("bob", by("token-remove")).await.unwrap());
    assert_eq!(store.tokens().await.unwrap(), [ann]);
    assert_eq!(store.token([2; 32]).await.unwrap(), None);
    let audit: Vec<_> = store.audit(None, 10).await.unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(audit, ["token-remove", "token-add", "token-add"], "what was refused or found nothing changed nothing");
}

pub(super) async fn every_change_is_in_the_audit_log(store: &dyn Store) {
    assert!(store.audit(None, 10).await.unwrap().is_empty());
    let package = store.put_package(Bytes::from_static(b"package"), None).await.unwrap();
    store.deploy(deployment("account-create", package), by("deploy")).await.unwrap();
    let revision = store.serving("default").await.unwrap().revision;
    store.serve("default", revision, None, None, by("undeploy")).await.unwrap();
    store.serve("default", revision, Some(1), None, by("late")).await.unwrap_err();
    store.note(By { who: None, action: "restart", target: "host".into(), detail: "ä\u{1}".into() }).await.unwrap();

    let all = store.audit(None, 10).await.unwrap();
    let actions: Vec<_> = all.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["restart", "undeploy", "deploy"], "newest first, without what was refused");
    assert_eq!((all[0].who.as_deref(), all[0].target.as_str(), all[0].detail.as_str()), (None, "host", "ä\u{1}"));
    assert_eq!((all[2].who.as_deref(), all[2].target.as_str()), (Some("ann"), "default"));
    assert!(all[0].number > all[1].number && all[1].number > all[2].number);
    assert!(all[0].at >= all[2].at && all[2].at > 1_700_000_000_000);

    assert_eq!(store.audit(Some(all[0].number), 1).await.unwrap(), all[1..2]);
    assert!(store.audit(Some(all[2].number), 10).await.unwrap().is_empty());
}
