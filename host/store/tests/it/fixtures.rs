//! What the tests put into stores.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auricle_model::{
    ApiDecl, Deployment, Document, DocumentType, Execution, ExecutionId, ExecutionRecord, Grants, Limits, LogLevel,
    LogLine, Mode, Operation, OperationKind, PackageRef, Phases, ProcessDecl, Properties, Protocol, RecordKind,
    RecordSummary, RecordedDocument, RetryPolicy,
};
use auricle_store::{
    By, Digest, IdempotencyKey, KeptAnswer, Lease, NewDeployment, Page, PageOwner, QueuedExecution, Store,
};
use bytes::Bytes;

/// The host of these tests.
pub(crate) const NODE: &str = "node-1";

pub(crate) fn operation() -> Operation {
    Operation {
        kind: OperationKind::Create,
        object: "Account".into(),
        input: DocumentType::MultipleJson,
        output: DocumentType::None,
        content_type: "text/plain".into(),
        return_documents: false,
        max_documents: 100,
    }
}

/// A request of two documents, one of them no text.
pub(crate) fn request(body: &str) -> QueuedExecution {
    request_to("account-create", body)
}

pub(crate) fn request_to(process: &str, body: &str) -> QueuedExecution {
    let mut execution = Execution::new(process, Arc::new(operation()), Protocol::Rest);
    execution.mode = Some(Mode::General);
    execution.properties = [("inpath", "/crm/Account"), ("query_q", "a\u{0}ö")].into_iter().collect();
    let headers: Properties = [("inheader_Content-Type", "application/json")].into_iter().collect();
    execution.documents = vec![
        Document::with_properties(body.to_owned(), headers),
        Document::new(Bytes::from_static(&[0, 0xff, 0xfe, b'\n', 0])),
    ];
    QueuedExecution::new("default", Some("ann".into()), execution)
}

pub(crate) fn deployment(process: &str, package: Digest) -> NewDeployment {
    let declared = ProcessDecl {
        name: process.into(),
        package: PackageRef::Path("/packages/a.wasm".into()),
        build: Some("make".into()),
        build_dir: "/packages".into(),
        mode: Mode::LowLatency,
        operation: operation(),
        limits: Limits::default(),
        grants: Grants::default(),
        retry: RetryPolicy::default(),
        smoke: None,
        messages: auricle_model::Messages::default(),
    };
    let api = ApiDecl {
        name: "crm".into(),
        base: "/crm".into(),
        title: "CRM".into(),
        version: "1.0.0".into(),
        description: String::new(),
        headers: vec!["X-Trace".into()],
        rest: Vec::new(),
        soap: Vec::new(),
        soap_settings: auricle_model::SoapSettings::default(),
    };
    NewDeployment {
        environment: "default".into(),
        deployment: Deployment { processes: vec![declared], apis: vec![api], ..Deployment::default() },
        packages: BTreeMap::from([(process.to_owned(), package)]),
        source: Some("/srv/auricle.toml".into()),
        fingerprint: Some("f1".into()),
        note: Some("first".into()),
        canary: None,
        expected: None,
    }
}

pub(crate) fn by(action: &'static str) -> By {
    By { who: Some("ann".into()), action, target: "default".into(), detail: "for a test".into() }
}

pub(crate) fn lease() -> Lease {
    lease_of(NODE, Duration::from_secs(60))
}

pub(crate) fn lease_of(node: &str, holds: Duration) -> Lease {
    Lease { node: node.into(), until: SystemTime::now() + holds }
}

/// A lease that has passed already.
pub(crate) fn past_lease_of(node: &str) -> Lease {
    Lease { node: node.into(), until: SystemTime::now() - Duration::from_secs(1) }
}

pub(crate) fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey {
        environment: "default".into(),
        user: "ann".into(),
        route: "POST /ws/rest/crm/Account".into(),
        key: name.into(),
    }
}

pub(crate) fn kept(status: u16) -> KeptAnswer {
    let headers = vec![("content-type".to_owned(), "text/plain".to_owned()), ("x-a".into(), "1".into())];
    KeptAnswer { status, headers, body: Bytes::from_static(b"an answer\0\xff") }
}

/// Whose pages they are, in these tests.
pub(crate) fn owner() -> PageOwner {
    PageOwner { environment: "default".into(), user: Some("ann".into()), place: "/ws/rest/crm/Account".into() }
}

/// A page of these documents.
pub(crate) fn page(documents: Vec<Document>, next: Option<&str>) -> Page {
    Page {
        execution: ExecutionId::new(),
        operation: Arc::new(operation()),
        own_object: "Konto\0".into(),
        documents,
        next: next.map(str::to_owned),
    }
}

/// Pages of these bodies, with tokens from `{name}0` on.
pub(crate) fn pages(name: &str, bodies: &[&str]) -> Vec<Page> {
    let next = |n: usize| (n < bodies.len()).then(|| format!("{name}{n}"));
    bodies.iter().zip(1..).map(|(body, n)| page(vec![Document::new((*body).to_owned())], next(n).as_deref())).collect()
}

pub(crate) fn soon() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

/// So many milliseconds after 1970: what stores keep exactly.
pub(crate) fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// A record of an execution that went well, begun at a time.
pub(crate) fn record(process: &str, began_at: SystemTime) -> ExecutionRecord {
    let document = RecordedDocument {
        size: 7,
        text: Some("{\"a\":\u{1}ö}".into()),
        properties: [("inheader_X", "1")].into_iter().collect(),
        ..RecordedDocument::default()
    };
    ExecutionRecord {
        summary: RecordSummary {
            id: ExecutionId::new(),
            environment: "default".into(),
            version: 3,
            process: process.into(),
            api: Some("crm".into()),
            route: Some("GET /ws/rest/crm/Account/{Id}".into()),
            protocol: Protocol::Rest,
            mode: Mode::General,
            attempt: 1,
            debug: false,
            began_at,
            user: Some("ann".into()),
            status: Some(200),
            failure: None,
            waited_us: 3,
            ran_us: 1200,
            kind: RecordKind::Whole,
            trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        },
        message: None,
        operation: operation(),
        package: Some("sha256:00".into()),
        client: Some("127.0.0.1:1".into()),
        properties: [("inpath", "/crm\u{0}")].into_iter().collect(),
        documents_in: vec![document.clone()],
        documents_out: vec![document],
        log: vec![LogLine { after: Duration::from_micros(5), level: LogLevel::Info, message: "hello".into() }],
        notes: vec!["a header was dropped".into()],
        phases: Phases { ran_us: 1200, ..Phases::default() },
        cpu_us: 900,
        memory: 1 << 20,
        uses: 1,
        instance_age_us: 2000,
        tape: None,
    }
}

/// Ids of all that is open, by pages.
pub(crate) async fn open_ids(store: &dyn Store) -> Vec<ExecutionId> {
    let mut ids: Vec<ExecutionId> = Vec::new();
    loop {
        let page = store.pending("default", NODE, ids.last().copied(), 50, &[]).await.unwrap();
        if page.is_empty() {
            return ids;
        }
        ids.extend(page.iter().map(|queued| queued.execution.id));
    }
}
