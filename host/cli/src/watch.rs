//! Watches what a manifest is made of: its files, the sources of each process, and packages that no command builds.
//!
//! Folders are watched one by one, so that `target`, `node_modules` and what hides behind a dot cost nothing. What a build or
//! a running process writes is no source: packages, databases, writable folders; and a file that is written with the
//! bytes that it had is no change, so a build that writes among its sources settles.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use auricle::Manifest;
use auricle_model::{ConnectionDecl, ProcessDecl};
use notify::event::{Event, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::build;

/// Silence after which a burst of changes is over: editors write in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// A burst longer than this is looked at anyway.
const BURST: Duration = Duration::from_secs(2);

/// Folders of tools, in which nobody edits.
const TOOLS: [&str; 4] = ["target", "node_modules", "__pycache__", "dist"];

/// What changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    paths: BTreeSet<PathBuf>,
    /// Changes were lost: anything may have changed.
    all: bool,
}

/// What of the file system a manifest is about.
#[derive(Debug, Default)]
struct Scope {
    /// The manifest, what it includes, and the schemas that they name.
    manifests: BTreeSet<PathBuf>,
    /// Packages that no command builds.
    packages: BTreeSet<PathBuf>,
    /// Folders with sources.
    roots: BTreeSet<PathBuf>,
    /// Files and folders below them that are written by machines. Of files, what begins with their name too: SQLite's
    /// companions.
    written: BTreeSet<PathBuf>,
}

/// Tells changes of what a manifest is made of.
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    events: mpsc::UnboundedReceiver<notify::Result<Event>>,
    scope: Scope,
    /// Hash of each file that has changed before.
    seen: HashMap<PathBuf, Option<u64>>,
}

impl Changes {
    /// Everything: as at the start.
    pub(crate) fn all() -> Self {
        Self { paths: BTreeSet::new(), all: true }
    }

    /// Whether one of the manifest's own files is among them.
    pub(crate) fn touch_manifest(&self, manifest: &Manifest) -> bool {
        self.all || manifest.files().iter().any(|file| self.paths.contains(&resolved(file)))
    }

    /// Whether a process has to be built again: something changed in the folder that its command runs in.
    pub(crate) fn touch_sources(&self, process: &ProcessDecl) -> bool {
        let folder = canonical(&process.build_dir);
        self.all || self.paths.iter().any(|path| path.starts_with(&folder))
    }

    /// Those that are not looked at yet come to those that are.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        self.all |= other.all;
        self
    }
}

impl Scope {
    fn of(manifest: &Manifest) -> Self {
        let mut scope = Self { manifests: manifest.files().iter().map(|f| resolved(f)).collect(), ..Self::default() };
        scope.written.insert(resolved(&manifest.server.data_dir));
        scope.written.extend(manifest.deployment.connections.iter().filter_map(database).map(|file| resolved(&file)));
        for process in &manifest.deployment.processes {
            let package = build::package(process).map(|file| resolved(file));
            if process.build.is_some() {
                scope.roots.insert(canonical(&process.build_dir));
                scope.written.extend(package);
            } else {
                scope.packages.extend(package);
            }
            let writable = process.grants.files.iter().filter(|folder| folder.write);
            scope.written.extend(writable.map(|folder| resolved(&folder.host)));
        }
        scope
    }

    /// Whether a change of this file or folder means something.
    fn concerns(&self, path: &Path) -> bool {
        if self.manifests.contains(path) || self.packages.contains(path) {
            return true;
        }
        let below = self.roots.iter().filter_map(|root| path.strip_prefix(root).ok());
        let mut below = below.filter(|rest| !rest.as_os_str().is_empty());
        below.any(|rest| rest.iter().all(|part| is_source(&part.to_string_lossy()))) && !self.is_written(path)
    }

    fn is_written(&self, path: &Path) -> bool {
        let name = path.to_string_lossy();
        self.written.iter().any(|written| {
            path.starts_with(written)
                || name.strip_prefix(&*written.to_string_lossy()).is_some_and(|r| r.starts_with('-'))
        })
    }
}

/// Whether a name can be an author's: not a tool's folder or lock file (which follows a file that is watched), nothing
/// hidden, no temporary file of an editor.
fn is_source(name: &str) -> bool {
    let lock = name.ends_with(".lock");
    let temporary = name.ends_with('~') || name.ends_with(".swp") || name.ends_with(".tmp") || name == "4913";
    !(name.starts_with('.') || name.starts_with('#') || lock || temporary || TOOLS.contains(&name))
}

/// The file of a SQLite connection.
fn database(connection: &ConnectionDecl) -> Option<PathBuf> {
    let file = connection.url.strip_prefix("sqlite://")?;
    Some(file.split('?').next().unwrap_or(file).into())
}

impl Watch {
    /// Watches what a manifest is made of.
    pub(crate) fn new(manifest: &Manifest) -> anyhow::Result<Self> {
        let (send, events) = mpsc::unbounded_channel();
        // Nobody waits for the answer any more when the program ends.
        let watcher = notify::recommended_watcher(move |event| drop(send.send(event))).context("cannot watch files")?;
        let mut watch = Self { watcher, events, scope: Scope::default(), seen: HashMap::new() };
        watch.follow(manifest)?;
        Ok(watch)
    }

    /// Watches what another version of the manifest is made of; what was watched before stays watched.
    pub(crate) fn follow(&mut self, manifest: &Manifest) -> anyhow::Result<()> {
        self.scope = Scope::of(manifest);
        let files = self.scope.manifests.iter().chain(&self.scope.packages);
        let beside: Vec<PathBuf> = files.filter_map(|file| Some(file.parent()?.to_owned())).collect();
        for folder in beside {
            // The folder of a package that is yet to be put there.
            if folder.is_dir() {
                self.add(&folder)?;
            }
        }
        for root in self.scope.roots.clone() {
            self.add_tree(root)?;
        }
        Ok(())
    }

    /// Also watches a file that a manifest could not be read for.
    pub(crate) fn follow_file(&mut self, file: &Path) -> anyhow::Result<()> {
        let Ok(file) = std::path::absolute(file) else { return Ok(()) };
        let file = resolved(&file);
        if let Some(folder) = file.parent().filter(|folder| folder.is_dir()) {
            self.add(folder)?;
        }
        self.scope.manifests.insert(file);
        Ok(())
    }

    /// Waits for changes, and then until they are over.
    pub(crate) async fn next(&mut self) -> Changes {
        loop {
            let mut changes = Changes::default();
            let Some(event) = self.events.recv().await else { return std::future::pending().await };
            self.note(event, &mut changes);
            let over = tokio::time::Instant::now() + BURST;
            while let Ok(Ok(Some(event))) =
                tokio::time::timeout_at(over, tokio::time::timeout(QUIET, self.events.recv())).await
            {
                self.note(event, &mut changes);
            }
            if changes != Changes::default() {
                return changes;
            }
        }
    }

    fn note(&mut self, event: notify::Result<Event>, changes: &mut Changes) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "a change may have been missed");
                changes.all = true;
                return;
            }
        };
        changes.all |= event.need_rescan();
        if matches!(event.kind, EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_))) {
            return;
        }
        for path in event.paths {
            if !self.scope.concerns(&path) {
                continue;
            }
            if path.is_dir() {
                // What was written into it before it was watched is told by the folder itself.
                if let Err(error) = self.add_tree(path.clone()) {
                    tracing::warn!("{error:#}");
                }
                changes.paths.insert(path);
            } else if self.is_changed(&path) {
                changes.paths.insert(path);
            }
        }
    }

    fn is_changed(&mut self, path: &Path) -> bool {
        let now = fs::read(path).ok().map(|bytes| {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            hasher.finish()
        });
        self.seen.insert(path.to_owned(), now) != Some(now)
    }

    fn add_tree(&mut self, root: PathBuf) -> anyhow::Result<()> {
        let mut rest = vec![root];
        while let Some(folder) = rest.pop() {
            // A folder that has gone meanwhile needs no watching.
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            rest.extend(folders.map(|entry| entry.path()).filter(|path| self.scope.concerns(path)));
            self.add(&folder)?;
        }
        Ok(())
    }

    fn add(&mut self, folder: &Path) -> anyhow::Result<()> {
        // Even if it is watched already: a folder that was removed and made anew is another one.
        let watched = self.watcher.watch(folder, RecursiveMode::NonRecursive);
        watched.with_context(|| format!("cannot watch {}", folder.display()))
    }
}

/// A path without links, as the system's notices name it.
fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A file in its folder without links; the file itself may be a link, or not be there.
fn resolved(file: &Path) -> PathBuf {
    match (file.parent(), file.file_name()) {
        (Some(folder), Some(name)) => canonical(folder).join(name),
        _ => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        [[connection]]
        name = "erp"
        url = "sqlite://erp.db"
        [[process]]
        name = "a"
        package = "out/a.wasm"
        build = "make"
        type = "get"
        object = "A"
        input = "none"
        output = "single-json"
        files = { "/in" = "in", "/out" = { path = "results", write = true } }
        [[profile]]
        name = "P"
        file = "target/p.json"
        [[process]]
        name = "b"
        package = "given/b.wasm"
        type = "get"
        object = "B"
        input = "none"
        output = "single-json"
    "#;

    fn scratch() -> (tempfile::TempDir, PathBuf, Manifest) {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for below in ["src", "out", "given", "target", ".git", "in", "results"] {
            fs::create_dir(root.join(below)).unwrap();
        }
        fs::write(root.join("auricle.toml"), MANIFEST).unwrap();
        fs::write(root.join("target/p.json"), "{}").unwrap();
        let manifest = Manifest::load(&root.join("auricle.toml")).unwrap();
        (folder, root, manifest)
    }

    #[test]
    fn what_authors_write_concerns_and_what_machines_write_does_not() {
        let (_folder, root, manifest) = scratch();
        let scope = Scope::of(&manifest);
        for path in [
            "auricle.toml",
            "src",
            "src/lib.rs",
            "src/deep/er.rs",
            "given/b.wasm",
            "in/rates.csv",
            "Cargo.toml",
            "target/p.json",
        ] {
            assert!(scope.concerns(&root.join(path)), "{path}");
        }
        let machines = [
            "",
            "out/a.wasm",
            "target",
            "target/debug/x",
            ".git/HEAD",
            ".auricle/auricle.db",
            "erp.db",
            "erp.db-wal",
            "results/1.csv",
            "src/.lib.rs.swp",
            "src/lib.rs~",
            "src/#lib.rs#",
            "Cargo.lock",
            "node_modules/x/index.js",
        ];
        for path in machines {
            assert!(!scope.concerns(&root.join(path)), "{path}");
        }
    }

    #[test]
    fn changes_touch_whom_they_concern() {
        let (_folder, root, manifest) = scratch();
        let process = &manifest.deployment.processes[0];
        let changed = |path: &str| Changes { paths: [root.join(path)].into(), all: false };
        assert!(changed("src/lib.rs").touch_sources(process));
        assert!(!changed("src/lib.rs").touch_manifest(&manifest));
        assert!(changed("auricle.toml").touch_manifest(&manifest));
        assert!(changed("target/p.json").touch_manifest(&manifest), "a schema is a part of it");
        assert!(Changes::all().touch_sources(process));
        assert!(!Changes { paths: ["/elsewhere".into()].into(), all: false }.touch_sources(process));
    }

    #[tokio::test]
    async fn a_burst_is_one_change_and_the_same_bytes_are_none() {
        let (_folder, root, manifest) = scratch();
        let mut watch = Watch::new(&manifest).unwrap();
        for text in ["1", "2", "3"] {
            fs::write(root.join("src/lib.rs"), text).unwrap();
            fs::write(root.join("target/x"), text).unwrap();
        }
        let soon = Duration::from_secs(10);
        let changes = tokio::time::timeout(soon, watch.next()).await.unwrap();
        assert_eq!(changes.paths, [root.join("src/lib.rs")].into());

        fs::write(root.join("src/lib.rs"), "3").unwrap();
        fs::create_dir(root.join("src/new")).unwrap();
        let changes = tokio::time::timeout(soon, watch.next()).await.unwrap();
        assert_eq!(changes.paths, [root.join("src/new")].into());

        fs::write(root.join("src/new/mod.rs"), "").unwrap();
        let changes = tokio::time::timeout(soon, watch.next()).await.unwrap();
        assert_eq!(changes.paths, [root.join("src/new/mod.rs")].into());
    }
}
