//! What the tests have in common: an engine, declarations, one-line executions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auricle_model::{
    Document, DocumentType, Execution, FailureKind, Grants, Limits, Mode, Operation, OperationKind, Outcome,
    PackageRef, ProcessDecl, Protocol, RetryPolicy,
};
use auricle_process::{Component, Engine, EngineConfig, ProcessSpec, Processes};

use crate::guests;

pub(crate) fn engine() -> Engine {
    Engine::new(EngineConfig { max_instances: Some(40), ..EngineConfig::default() }).unwrap()
}

pub(crate) fn decl(name: &str, mode: Mode) -> ProcessDecl {
    ProcessDecl {
        name: name.into(),
        package: PackageRef::Path("guest.wasm".into()),
        build: None,
        build_dir: PathBuf::new(),
        mode,
        operation: Operation {
            kind: OperationKind::Execute,
            object: "Test".into(),
            input: DocumentType::SingleData,
            output: DocumentType::SingleData,
            content_type: "text/plain".into(),
            return_documents: true,
            max_documents: 100,
        },
        limits: Limits { timeout: Duration::from_secs(20), memory: 16 << 20, max_concurrent: 4, ..Limits::default() },
        grants: Grants::default(),
        retry: RetryPolicy::default(),
        smoke: None,
        messages: auricle_model::Messages::default(),
    }
}

/// One process of the guest of many commands, called `test`.
pub(crate) struct Test {
    pub(crate) engine: Engine,
    pub(crate) component: Component,
    pub(crate) processes: Arc<Processes>,
}

impl Test {
    pub(crate) async fn new(mode: Mode) -> Self {
        Self::with(mode, |_| {}).await
    }

    pub(crate) async fn with(mode: Mode, change: impl FnOnce(&mut ProcessDecl)) -> Self {
        Self::start(engine(), guests::commands(), mode, change).await
    }

    pub(crate) async fn start(
        engine: Engine,
        wasm: Vec<u8>,
        mode: Mode,
        change: impl FnOnce(&mut ProcessDecl),
    ) -> Self {
        let component = engine.load(wasm.into()).await.unwrap();
        let mut decl = decl("test", mode);
        change(&mut decl);
        let processes = start(&engine, vec![ProcessSpec { decl, component: component.clone() }]).await;
        Self { engine, component, processes }
    }

    pub(crate) async fn run(&self, command: impl Into<Vec<u8>>) -> Outcome {
        self.processes.run(execution("test", command)).await
    }

    pub(crate) fn warm(&self) -> usize {
        self.processes.statuses()[0].warm
    }
}

pub(crate) async fn start(engine: &Engine, specs: Vec<ProcessSpec>) -> Arc<Processes> {
    Processes::start(engine, specs, &[]).await.unwrap()
}

pub(crate) fn execution(process: &str, command: impl Into<Vec<u8>>) -> Execution {
    let operation = Arc::new(decl(process, Mode::General).operation);
    let mut execution = Execution::new(process, operation, Protocol::Invoke);
    execution.documents = vec![Document::new(command.into())];
    execution
}

/// The one document that came back.
pub(crate) fn only(outcome: &Outcome) -> &[u8] {
    let documents = outcome.result.as_ref().unwrap();
    assert_eq!(documents.len(), 1);
    documents[0].data.pieces()[1]
}

/// The number in the one document that came back.
pub(crate) fn number(outcome: &Outcome) -> u32 {
    u32::from_le_bytes(only(outcome).try_into().unwrap())
}

/// The message of a failure, which has to be of this kind.
pub(crate) fn failed(outcome: &Outcome, kind: FailureKind) -> &str {
    let failure = outcome.result.as_ref().unwrap_err();
    assert_eq!(failure.kind, kind, "{failure}");
    &failure.message
}
