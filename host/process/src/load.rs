//! From a component's bytes, or from its digest alone, to a component that can be instantiated.
//!
//! What is in use is shared; what the cache has is mapped and linked, some at a time; the rest stands in line to be compiled. Whoever
//! asks for one that is being loaded waits for that. Nothing here is on the way of a request.

use std::collections::HashMap;
use std::fs::File;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::Semaphore;
use wasmtime::component::Linker;

use crate::cache::{self, Cache, Code};
use crate::compile::{self, Compiler, Line, blocking};
use crate::component::{self, Component, Inner, LoadError};
use crate::progress::Progress;
use crate::state::State;

type Making = BoxFuture<'static, Result<Component, LoadError>>;
type Loading = Shared<Making>;

/// Loads components for one engine.
pub(crate) struct Loader {
    linker: Linker<State>,
    cache: Option<Cache>,
    compiler: Option<Compiler>,
    /// Permits that the engine has for instances.
    room: u32,
    line: Line,
    /// Bounds how many are mapped and linked at a time: it is work of the processor alone.
    linking: Semaphore,
    known: Arc<Known>,
    /// What is being loaded, by digest.
    loading: Mutex<HashMap<String, WeakShared<Making>>>,
}

/// Components by digest, as long as somebody uses them.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashMap<String, Weak<Inner>>>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Inner>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, digest: &str) -> Option<Component> {
        self.lock().get(digest).and_then(Weak::upgrade).map(Component)
    }

    /// Forgets a component that is gone, unless it has come again meanwhile.
    pub(crate) fn forget(&self, digest: &str) {
        let mut known = self.lock();
        if known.get(digest).is_some_and(|component| component.strong_count() == 0) {
            known.remove(digest);
        }
    }
}

impl Loader {
    pub(crate) fn new(
        linker: Linker<State>,
        cache: Option<Cache>,
        compiler: Option<Compiler>,
        progress: Progress,
        room: u32,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            linker,
            cache,
            compiler,
            room,
            line: Line::new(cores, progress),
            linking: Semaphore::new(cores),
            known: Arc::default(),
            loading: Mutex::default(),
        }
    }

    /// One that is in use or in the cache.
    pub(crate) async fn cached(self: &Arc<Self>, digest: &str) -> Result<Option<Component>, LoadError> {
        if let Some(component) = self.known.get(digest) {
            return Ok(Some(component));
        }
        if self.cache.is_none() {
            return Ok(None);
        }
        let digest = digest.to_owned();
        self.link(move |loader| match &loader.cache {
            Some(cache) => Ok(cache.get(&digest, loader.linker.engine()).map(|compiled| (digest, compiled))),
            None => Ok(None),
        })
        .await
    }

    /// Whether it is in use or in the cache.
    pub(crate) async fn is_cached(self: &Arc<Self>, digest: &str) -> bool {
        if self.known.get(digest).is_some() {
            return true;
        }
        let (loader, digest) = (self.clone(), digest.to_owned());
        blocking(move || Ok(loader.cache.as_ref().is_some_and(|cache| cache.has(&digest)))).await.unwrap_or(false)
    }

    /// Any. Its bytes are asked for when it has to be compiled, and when it is its turn.
    pub(crate) async fn load(
        self: &Arc<Self>,
        name: &str,
        digest: String,
        bytes: impl Future<Output = Result<Bytes, LoadError>> + Send + 'static,
    ) -> Result<Component, LoadError> {
        if let Some(component) = self.known.get(&digest) {
            return Ok(component);
        }
        self.loading(name, digest, bytes).await
    }

    /// The loading of a component that goes on, or a new one.
    fn loading(
        self: &Arc<Self>,
        name: &str,
        digest: String,
        bytes: impl Future<Output = Result<Bytes, LoadError>> + Send + 'static,
    ) -> Loading {
        let mut all = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loading) = all.get(&digest).and_then(WeakShared::upgrade) {
            return loading;
        }
        let (loader, name, own) = (self.clone(), name.to_owned(), digest.clone());
        let ending = Ending { loader: self.clone(), digest: digest.clone() };
        let loading = async move {
            let _ending = ending;
            loader.find_or_make(&name, own, bytes).await
        };
        let loading = loading.boxed().shared();
        if let Some(weak) = loading.downgrade() {
            all.insert(digest, weak);
        }
        loading
    }

    async fn find_or_make(
        self: &Arc<Self>,
        name: &str,
        digest: String,
        bytes: impl Future<Output = Result<Bytes, LoadError>>,
    ) -> Result<Component, LoadError> {
        let place = self.line.enter(name);
        if let Some(component) = self.cached(&digest).await? {
            return Ok(component);
        }
        let turn = place.turn().await?;
        let wasm = bytes.await?;
        component::check_header(&wasm)?;
        let (bytes, own) = (wasm.clone(), digest.clone());
        let changed = || LoadError::Host("the package is being changed: try again when it is not".to_owned());
        blocking(move || (component::digest(&bytes) == own).then_some(()).ok_or_else(changed)).await?;
        let (size, threads) = (wasm.len(), turn.threads());
        turn.follow(size, self.make(digest, wasm, threads)).await
    }

    /// Compiles a component and keeps what came of it.
    async fn make(self: &Arc<Self>, digest: String, wasm: Bytes, threads: usize) -> Result<Component, LoadError> {
        let engine = self.linker.engine();
        let compiled = |to| compile::compile(engine, self.compiler.as_ref(), wasm, threads, to);
        let Some(cache) = &self.cache else {
            let file = tempfile::tempfile().map_err(not_written)?;
            compiled(file.try_clone().map_err(not_written)?).await?;
            return self.take(digest, file, |_, _| Ok(())).await;
        };
        let part = cache.begin(&digest).map_err(not_written)?;
        let file = || part.as_file().try_clone().map_err(not_written);
        compiled(file()?).await?;
        let file = file()?;
        self.take(digest, file, |cache, digest| cache.map_or(Ok(()), |cache| cache.keep(digest, part))).await
    }

    /// Maps and links what was just compiled, and keeps it if it can be mapped.
    async fn take(
        self: &Arc<Self>,
        digest: String,
        file: File,
        keep: impl FnOnce(Option<&Cache>, &str) -> io::Result<()> + Send + 'static,
    ) -> Result<Component, LoadError> {
        let component = self.link(move |loader| {
            let compiled = cache::map(loader.linker.engine(), &file).map_err(|e| unusable(format!("{e:#}")))?;
            if let Err(error) = keep(loader.cache.as_ref(), &digest) {
                tracing::warn!(digest, %error, "a compiled component is not cached");
            }
            Ok(Some((digest, compiled)))
        });
        component.await?.ok_or_else(|| LoadError::Host("a compiled component is gone".to_owned()))
    }

    /// Links what is found, and makes it known.
    async fn link(
        self: &Arc<Self>,
        find: impl FnOnce(&Self) -> Result<Option<(String, Code)>, LoadError> + Send + 'static,
    ) -> Result<Option<Component>, LoadError> {
        let _permit = self.linking.acquire().await.map_err(|e| LoadError::Host(e.to_string()))?;
        let loader = self.clone();
        blocking(move || {
            let Some((digest, compiled)) = find(&loader)? else { return Ok(None) };
            let known = Arc::downgrade(&loader.known);
            let inner = Arc::new(Inner::link(&loader.linker, compiled, digest.clone(), loader.room, known)?);
            loader.known.lock().insert(digest, Arc::downgrade(&inner));
            Ok(Some(Component(inner)))
        })
        .await
    }
}

/// Takes a loading off the list, also when all that waited for it have gone.
struct Ending {
    loader: Arc<Loader>,
    digest: String,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut all = self.loader.loading.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.digest);
    }
}

/// What was just compiled is sound, but may be more than one instance is given.
fn unusable(why: String) -> LoadError {
    match component::not_loaded(why) {
        LoadError::Corrupt { why } => LoadError::Host(format!("what the compiler made cannot be used: {why}")),
        other => other,
    }
}

fn not_written(error: io::Error) -> LoadError {
    LoadError::Host(format!("the compiled component cannot be written: {error}"))
}
