//! Further pages of answers.

use std::time::{Duration, SystemTime};

use auricle_model::Document;
use auricle_store::{Page, PageOwner, Store};
use bytes::Bytes;

use crate::fixtures::{owner, page, pages, soon};

async fn hold(store: &dyn Store, name: &str, bodies: &[&str], until: SystemTime) -> u64 {
    store.hold_pages(&owner(), &format!("{name}0"), pages(name, bodies), until).await.unwrap()
}

async fn found(store: &dyn Store, token: &str) -> Option<Page> {
    store.page(&owner(), token).await.unwrap()
}

async fn body(store: &dyn Store, token: &str) -> Option<String> {
    Some(found(store, token).await?.documents[0].text().unwrap().to_string())
}

pub(super) async fn a_page_comes_back_as_it_was(store: &dyn Store) {
    let documents = vec![
        Document::with_properties("{\"a\":\"ö\"}", [("outheader_X", "1\0")].into_iter().collect()),
        Document::new(Bytes::from_static(&[0, 0xff, b'\n'])),
        Document::new(Bytes::from(vec![7; 1 << 20])),
    ];
    let given = page(documents, Some("next"));
    store.hold_pages(&owner(), "token", vec![given.clone()], soon()).await.unwrap();
    assert_eq!(found(store, "token").await, Some(given));
    assert_eq!(found(store, "other").await, None);
    store.hold_pages(&owner(), "none", Vec::new(), soon()).await.unwrap();
    assert_eq!(found(store, "none").await, None);
}

pub(super) async fn a_page_serves_again_until_the_next_is_fetched(store: &dyn Store) {
    hold(store, "a", &["2", "3", "4"], soon()).await;
    hold(store, "b", &["2"], soon()).await;
    for _ in 0..2 {
        let second = found(store, "a0").await.unwrap();
        assert_eq!((second.documents[0].text().unwrap().to_string(), second.next.as_deref()), ("2".into(), Some("a1")));
    }
    for _ in 0..2 {
        assert_eq!(body(store, "a1").await.as_deref(), Some("3"));
        assert_eq!(body(store, "a0").await, None, "the page after it was fetched");
    }
    let last = found(store, "a2").await.unwrap();
    assert_eq!((last.documents[0].text().unwrap().to_string(), last.next), ("4".into(), None));
    assert_eq!(body(store, "a1").await, None);
    assert_eq!(body(store, "b0").await.as_deref(), Some("2"), "of another answer");
}

pub(super) async fn pages_of_others_are_not_given(store: &dyn Store) {
    hold(store, "a", &["2", "3"], soon()).await;
    let mine = owner();
    for other in [
        PageOwner { environment: "test".into(), ..mine.clone() },
        PageOwner { user: Some("joe".into()), ..mine.clone() },
        PageOwner { user: None, ..mine.clone() },
        PageOwner { place: "/ws/rest/crm".into(), ..mine.clone() },
        PageOwner { place: format!("/{}", "long/".repeat(10_000)), ..mine.clone() },
    ] {
        assert_eq!(store.page(&other, "a1").await.unwrap(), None, "{other:?}");
        assert_eq!(store.page(&other, "a0").await.unwrap(), None, "{other:?}");
    }
    assert_eq!(body(store, "a0").await.as_deref(), Some("2"), "who is refused gives up nothing");
}

pub(super) async fn a_page_goes_with_its_time(store: &dyn Store) {
    hold(store, "past", &["2"], SystemTime::now() - Duration::from_secs(1)).await;
    assert_eq!(body(store, "past0").await, None);
    hold(store, "a", &["2"], soon()).await;
    store.expire(SystemTime::now()).await.unwrap();
    assert_eq!(body(store, "a0").await.as_deref(), Some("2"));
    let kept = store.prune_pages("default", u64::MAX).await.unwrap();
    store.expire(soon() + Duration::from_secs(60)).await.unwrap();
    assert_eq!(body(store, "a0").await, None);
    assert_eq!((kept > 0, store.prune_pages("default", u64::MAX).await.unwrap()), (true, 0));
}

pub(super) async fn the_oldest_pages_go_first_and_whole_answers_at_a_time(store: &dyn Store) {
    let text = "x".repeat(10_000);
    let bodies = [text.as_str(), &text, &text];
    let mut bytes = 0;
    for (age, name) in ["c", "b", "a"].into_iter().enumerate() {
        bytes = hold(store, name, &bodies, soon() - Duration::from_secs(age as u64)).await;
    }
    let elsewhere = PageOwner { environment: "test".into(), ..owner() };
    store.hold_pages(&elsewhere, "d0", pages("d", &bodies), soon() - Duration::from_secs(9)).await.unwrap();
    assert!((30_000..40_000).contains(&bytes), "{bytes}");
    assert_eq!(store.prune_pages("default", 3 * bytes).await.unwrap(), 3 * bytes);
    assert_eq!(store.prune_pages("default", 3 * bytes - 1).await.unwrap(), 2 * bytes);
    for token in ["a0", "a1", "a2"] {
        assert_eq!(body(store, token).await, None, "{token}");
    }
    assert!(body(store, "b0").await.is_some() && body(store, "c0").await.is_some());
    assert_eq!(store.prune_pages("default", 1).await.unwrap(), 0);
    assert_eq!(store.prune_pages("test", u64::MAX).await.unwrap(), bytes, "each environment has its own");
}

/// More than one statement, one change and one step of a clean-up take.
pub(super) async fn many_pages_are_all_there(store: &dyn Store) {
    let bodies: Vec<String> = (0..1500).map(|n| n.to_string()).collect();
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    hold(store, "a", &bodies, soon()).await;
    let large = Bytes::from(vec![b'x'; 3 << 20]);
    let next = |n: usize| (n < 2).then(|| format!("large{}", n + 1));
    let larger = (0..3).map(|n| page(vec![Document::new(large.clone())], next(n).as_deref())).collect();
    store.hold_pages(&owner(), "large0", larger, soon()).await.unwrap();
    for n in [0, 63, 64, 1023, 1024, 1499] {
        assert_eq!(body(store, &format!("a{n}")).await, Some(n.to_string()));
    }
    for n in 0..3 {
        assert_eq!(found(store, &format!("large{n}")).await.unwrap().documents[0].data.len(), large.len());
    }
    assert_eq!(store.prune_pages("default", 0).await.unwrap(), 0);
    assert_eq!(body(store, "a1200").await, None);
}
