//! One execution in the product, without sockets: the engine with its documents, and the whole host. What a layer adds is the
//! difference to the one below it; the lowest are in `bare`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use auricle::{Host, MemoryStore};
use auricle_model::{Document, Execution, Mode, Protocol};
use auricle_process::{Engine, ProcessSpec, Processes};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tower_service::Service;

use crate::bare::runtime;
use crate::benches::Run;
use crate::site::{self, BODY};
use crate::{guests, pure};

/// The engine and the documents: an execution goes in, an outcome comes out.
pub(crate) fn documents(mode: Mode, folder: &Path) -> Result<Run> {
    let runtime = runtime()?;
    let manifest = site::manifest(folder)?;
    let mut specs = Vec::new();
    let engine = Engine::new(site::settings(folder))?;
    for decl in manifest.deployment.processes {
        let component = runtime.block_on(engine.load(guests::small()?.into()))?;
        specs.push(ProcessSpec { decl, component });
    }
    let started = runtime.block_on(Processes::start(&engine, specs, &[]));
    let processes = started.map_err(|errors| anyhow!("{errors:?}"))?;
    let name: Arc<str> = mode.name().into();
    let operation = processes.get(&name).ok_or_else(|| anyhow!("no process"))?.operation().clone();
    Ok(Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                let mut execution = Execution::new(name.clone(), operation.clone(), Protocol::Rest);
                execution.properties.set("inmethod", "POST");
                execution.documents.push(Document::new(BODY));
                let documents = processes.run(execution).await.result?;
                ensure!(documents.iter().map(|d| d.data.contiguous()).eq([BODY.as_bytes()]), "not the echo");
            }
            Ok(())
        })
    }))
}

/// The whole host: a request goes in, a response comes out; only the socket and the reading of HTTP are missing.
pub(crate) fn host(mode: Mode, folder: &Path) -> Result<Run> {
    let runtime = runtime()?;
    let host = Host::builder()
        .manifest(site::manifest(folder)?)
        .engine(site::settings(folder))
        .store(Arc::new(MemoryStore::new()));
    let host = runtime.block_on(host.start())?;
    let mut service = host.service();
    let (mut head, ()) = Request::post(format!("/ws/rest/count/{}/7?who=me", mode.name())).body(())?.into_parts();
    head.headers = pure::headers();
    head.headers.insert(CONTENT_LENGTH, BODY.len().into());
    Ok(Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                let request = Request::from_parts(head.clone(), Full::new(Bytes::from_static(BODY.as_bytes())));
                let response = service.call(request).await?;
                let status = response.status();
                let body = response.into_body().collect().await?.to_bytes();
                ensure!(status == StatusCode::OK && body == BODY, "{status}: {body:?}");
            }
            Ok(())
        })
    }))
}
