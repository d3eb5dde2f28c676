//! Versions, and what environments serve.

use std::collections::{BTreeMap, BTreeSet};

use auricle_model::Retry;
use auricle_store::{
    Canary, CanaryRule, DeploymentVersion, Digest, NewDeployment, Serving, Store, StoreErrorKind, VersionSummary,
};
use bytes::Bytes;

use crate::fixtures::{by, deployment};

async fn package(store: &dyn Store) -> Digest {
    store.put_package(Bytes::from_static(b"package"), None).await.unwrap()
}

async fn deploy(store: &dyn Store, new: NewDeployment) -> DeploymentVersion {
    store.deploy(new, by("deploy")).await.unwrap()
}

async fn served(store: &dyn Store, environment: &str) -> (Option<u32>, Option<u32>) {
    let Serving { active, canary, .. } = store.serving(environment).await.unwrap();
    (active, canary.map(|canary| canary.version))
}

fn rule() -> CanaryRule {
    CanaryRule { share: 500, header: Some(("X-Try".into(), "it".into())) }
}

pub(super) async fn a_deployment_becomes_the_active_version(store: &dyn Store) {
    assert_eq!(store.serving("default").await.unwrap(), Serving::default());
    let given = deployment("account-create", package(store).await);
    let first = deploy(store, given.clone()).await;
    assert_eq!((first.version, &first.deployment, first.deployed_by.as_deref()), (1, &given.deployment, Some("ann")));
    let serving = store.serving("default").await.unwrap();
    assert_eq!((serving.active, serving.since, &serving.canary), (Some(1), Some(first.deployed_at), &None));

    let second = deploy(store, NewDeployment { source: None, note: None, ..given.clone() }).await;
    assert_eq!(second.version, 2);
    let after = store.serving("default").await.unwrap();
    assert_eq!((after.active, after.previous), (Some(2), Some(1)));
    assert!(after.revision > serving.revision);

    let other = deploy(store, NewDeployment { environment: "test".into(), ..given }).await;
    assert_eq!(other.version, 1, "versions count in each environment");
    assert_eq!(served(store, "default").await, (Some(2), None));

    let manifest = "/srv/auricle.toml";
    assert_eq!(store.last_from("default", manifest).await.unwrap(), Some(first));
    assert_eq!(store.last_from("default", "/srv/other.toml").await.unwrap(), None);
    assert_eq!(store.last_from("elsewhere", manifest).await.unwrap(), None);
}

pub(super) async fn a_deployment_without_its_packages_is_refused(store: &dyn Store) {
    let package = package(store).await;
    let good = deployment("account-create", package);
    let unknown = deployment("account-create", Digest::of(b"never put"));
    let none = NewDeployment { packages: BTreeMap::new(), ..good.clone() };
    let extra = [("account-create".to_owned(), package), ("ghost".to_owned(), package)];
    let extra = NewDeployment { packages: BTreeMap::from(extra), ..good.clone() };
    for (bad, named) in [(unknown, "account-create"), (none, "account-create"), (extra, "ghost")] {
        let error = store.deploy(bad, by("deploy")).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (StoreErrorKind::Invalid, Retry::No));
        assert!(error.to_string().contains(named), "{error}");
    }
    assert_eq!(store.serving("default").await.unwrap(), Serving::default());
    assert!(store.environments().await.unwrap().is_empty());
    assert_eq!(deploy(store, good).await.version, 1, "a refused deployment takes no number");
}

pub(super) async fn a_version_is_kept_as_it_was(store: &dyn Store) {
    let given = deployment("account-create", package(store).await);
    let first = deploy(store, given.clone()).await;
    deploy(store, NewDeployment { note: Some("second".into()), ..given.clone() }).await;
    assert_eq!(store.version("default", 1).await.unwrap(), Some(first.clone()));
    assert_eq!((first.packages, first.fingerprint, first.note), (given.packages, given.fingerprint, given.note));
    for (environment, version) in [("default", 0), ("default", 3), ("test", 1)] {
        assert_eq!(store.version(environment, version).await.unwrap(), None);
    }
}

pub(super) async fn an_earlier_version_is_served_again(store: &dyn Store) {
    let given = deployment("account-create", package(store).await);
    deploy(store, given.clone()).await;
    deploy(store, given).await;
    let before = store.serving("default").await.unwrap();

    let back = store.serve("default", before.revision, Some(1), None, by("rollback")).await.unwrap();
    assert_eq!((back.active, back.previous, back.canary.clone()), (Some(1), Some(2), None));
    assert!(back.revision > before.revision);
    assert_eq!(store.serving("default").await.unwrap(), back);
    assert_eq!(store.environments().await.unwrap()[0].newest, 2, "no version is lost");

    let gone = store.serve("default", back.revision, None, None, by("undeploy")).await.unwrap();
    assert_eq!((gone.active, gone.previous), (None, Some(1)));
    assert!(store.version("default", 2).await.unwrap().is_some());
}

pub(super) async fn a_canary_is_beside_the_active_version(store: &dyn Store) {
    let given = deployment("account-create", package(store).await);
    deploy(store, given.clone()).await;
    let trial = NewDeployment { canary: Some(rule()), ..given.clone() };
    assert_eq!(deploy(store, trial.clone()).await.version, 2);
    let serving = store.serving("default").await.unwrap();
    assert_eq!((serving.active, serving.canary.clone()), (Some(1), Some(Canary { version: 2, rule: rule() })));

    assert_eq!(deploy(store, trial.clone()).await.version, 3);
    assert_eq!(served(store, "default").await, (Some(1), Some(3)), "a canary takes the place of one before");

    let revision = store.serving("default").await.unwrap().revision;
    let promoted = store.serve("default", revision, Some(3), None, by("promote")).await.unwrap();
    assert_eq!((promoted.active, promoted.canary, promoted.previous), (Some(3), None, Some(1)));

    deploy(store, trial).await;
    deploy(store, given).await;
    assert_eq!(served(store, "default").await, (Some(5), None), "a new active version ends a canary");
    let (revision, canary) = (store.serving("default").await.unwrap().revision, Canary { version: 4, rule: rule() });
    store.serve("default", revision, Some(5), Some(canary), by("canary")).await.unwrap();
    assert_eq!(served(store, "default").await, (Some(5), Some(4)));
}

pub(super) async fn a_change_on_an_old_revision_is_a_conflict(store: &dyn Store) {
    let given = deployment("account-create", package(store).await);
    let first = NewDeployment { expected: Some(0), ..given.clone() };
    deploy(store, first.clone()).await;
    let old = store.serving("default").await.unwrap().revision;
    deploy(store, NewDeployment { expected: Some(old), ..given.clone() }).await;

    let now = store.serving("default").await.unwrap();
    let refused = [
        store.serve("default", old, Some(1), None, by("rollback")).await.unwrap_err(),
        store.deploy(first, by("deploy")).await.unwrap_err(),
        store.deploy(NewDeployment { expected: Some(old), ..given.clone() }, by("deploy")).await.unwrap_err(),
        store
            .deploy(NewDeployment { environment: "new".into(), expected: Some(7), ..given }, by("deploy"))
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}");
    }
    assert_eq!(store.serving("default").await.unwrap(), now);
    assert_eq!(store.serving("new").await.unwrap(), Serving::default());
    assert_eq!(store.versions("default", None, 10).await.unwrap().len(), 2);
}

pub(super) async fn what_was_never_deployed_is_not_served(store: &dyn Store) {
    let never = store.serve("default", 0, None, None, by("undeploy")).await.unwrap_err();
    assert_eq!(never.kind(), StoreErrorKind::Invalid, "{never}");
    deploy(store, deployment("account-create", package(store).await)).await;
    let before = store.serving("default").await.unwrap();
    let ghost = Canary { version: 2, rule: rule() };
    for (active, canary) in [(Some(2), None), (Some(0), None), (Some(1), Some(ghost))] {
        let error = store.serve("default", before.revision, active, canary, by("rollback")).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    }
    assert_eq!(store.serving("default").await.unwrap(), before);
}

pub(super) async fn versions_and_environments_are_listed(store: &dyn Store) {
    let given = deployment("account-create", package(store).await);
    let mut made = Vec::new();
    for note in ["one", "two", "three"] {
        made.push(deploy(store, NewDeployment { note: Some(note.into()), ..given.clone() }).await);
    }
    let summary = |of: &DeploymentVersion| VersionSummary {
        version: of.version,
        deployed_at: of.deployed_at,
        deployed_by: of.deployed_by.clone(),
        note: of.note.clone(),
        source: of.source.clone(),
        processes: 1,
        apis: 1,
    };
    let newest_first: Vec<_> = made.iter().rev().map(summary).collect();
    assert_eq!(store.versions("default", None, 10).await.unwrap(), newest_first);
    assert_eq!(store.versions("default", Some(3), 1).await.unwrap(), newest_first[1..2]);
    assert!(store.versions("default", Some(1), 10).await.unwrap().is_empty());
    assert!(store.versions("test", None, 10).await.unwrap().is_empty());

    // Byte order, whatever language a database sorts in.
    for name in ["a", "Z"] {
        deploy(store, NewDeployment { environment: name.into(), ..given.clone() }).await;
    }
    let environments = store.environments().await.unwrap();
    let names: Vec<_> = environments.iter().map(|environment| (&*environment.name, environment.newest)).collect();
    assert_eq!(names, [("Z", 1), ("a", 1), ("default", 3)]);
    assert_eq!(environments[2].serving, store.serving("default").await.unwrap());
}

pub(super) async fn of_many_deployers_at_once_each_gets_a_version(store: &dyn Store) {
    let given = deployment("account-create", package(store).await);
    let all = (0..12).map(|_| store.deploy(given.clone(), by("deploy")));
    let made = futures_util::future::join_all(all).await;
    let versions: BTreeSet<u32> = made.into_iter().map(|version| version.unwrap().version).collect();
    assert_eq!(versions, (1..=12).collect());
    let serving = store.serving("default").await.unwrap();
    assert!(serving.active.is_some_and(|active| versions.contains(&active)));

    let both = (1..=2).map(|version| store.serve("default", serving.revision, Some(version), None, by("rollback")));
    let both = futures_util::future::join_all(both).await;
    assert_eq!(both.iter().filter(|made| made.is_ok()).count(), 1, "one decision on one revision: {both:?}");
}
