//! `auricle invoke`: runs a process here and now, without a server and beside one that runs.

use std::fs;
use std::io::{self, IsTerminal as _, Read as _};

use anyhow::Context as _;
use auricle::{Document, Engine, Execution, Manifest, Outcome, deploy};
use auricle_model::{DocumentType, Mode, Operation, Properties, Protocol};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::manifest::{self, Config};
use crate::progress::Spinner;
use crate::report::{self, Status, Voice, WrongUse, millis};

/// Run a process here, without a server
///
/// Prints the documents that it returns, one after the other, on standard output, and its log on standard error. Connections
/// and other grants are those of the manifest; nothing is recorded.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    /// The process
    #[arg(value_name = "PROCESS")]
    process: String,

    #[command(flatten)]
    config: Config,

    /// `general` or `low-latency`; else the process's own
    #[arg(long)]
    mode: Option<Mode>,

    #[command(flatten)]
    request: Request,
}

const EXAMPLE: &str = "\
Examples:
  auricle invoke account-get --param Id=001D000000IqhSLIAZ
  auricle invoke account-create --header Content-Type=application/json --document @account.json
  echo '{\"Name\":\"Acme\"}' | auricle invoke account-create --document - --json";

/// What the process is to see of a request.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "Request")]
struct Request {
    /// A process property
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    property: Vec<(String, String)>,

    /// A path parameter: the process property param_NAME
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,

    /// A query parameter: the process property query_NAME
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    query: Vec<(String, String)>,

    /// A request header: the document property inheader_NAME of each document
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    header: Vec<(String, String)>,

    /// A document: its text, @FILE, or - for standard input
    #[arg(long, value_name = "TEXT|@FILE|-", allow_hyphen_values = true)]
    document: Vec<String>,

    /// The process property inmethod
    #[arg(long)]
    method: Option<String>,

    /// The process property inpath
    #[arg(long)]
    path: Option<String>,

    /// The process property inuser
    #[arg(long)]
    user: Option<String>,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let manifest = args.config.load()?;
    let process = manifest::process(&manifest, &args.process)?;
    let mut execution = Execution::new(&*process.name, process.operation.clone().into(), Protocol::Invoke);
    execution.mode = args.mode;
    execution.properties = args.request.properties();
    execution.documents = args.request.documents(&process.operation)?;
    let outcome = execute(&manifest, execution).await?;
    Ok(tell(&args.process, &outcome, voice))
}

async fn execute(manifest: &Manifest, execution: Execution) -> anyhow::Result<Outcome> {
    let _turning = Spinner::new("running");
    let engine = Engine::new(manifest::small_engine(manifest)?)?;
    let processes = deploy::processes_for(&engine, manifest, &execution.process).await?;
    Ok(processes.run(execution).await)
}

/// `NAME=VALUE`; the value may be empty and hold further `=`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

impl Request {
    /// As a request would set them; what is given as `--property` goes above all.
    fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        for (name, value) in [("inmethod", &self.method), ("inpath", &self.path), ("inuser", &self.user)] {
            if let Some(value) = value {
                properties.set(name, value);
            }
        }
        for (name, value) in &self.query {
            let name = format!("query_{name}");
            // The second value of a key is `query_k[1]`, as over HTTP.
            let further = (1_usize..).map(|n| format!("{name}[{n}]"));
            let free = std::iter::once(name.clone()).chain(further).find(|n| properties.get(n).is_none());
            properties.set(free.unwrap_or(name), value);
        }
        for (name, value) in &self.param {
            properties.set(format!("param_{name}"), value);
        }
        for (name, value) in &self.property {
            properties.set(name, value);
        }
        properties
    }

    /// The documents; none given to a single-* input is one empty one, as of a request without a body.
    fn documents(&self, operation: &Operation) -> anyhow::Result<Vec<Document>> {
        if operation.input == DocumentType::None {
            if !self.document.is_empty() || !self.header.is_empty() {
                let message = "the process takes no input (`input = \"none\"`): it gets one empty document without headers, \
                               so leave out --document and --header";
                return Err(WrongUse(message.to_owned()).into());
            }
            return Ok(vec![Document::default()]);
        }
        let headers: Properties = self.header.iter().map(|(n, v)| (format!("inheader_{n}"), v)).collect();
        let one = |data: Vec<u8>| Document::with_properties(data, headers.clone());
        if self.document.is_empty() {
            return Ok(if operation.input.is_single() { vec![one(Vec::new())] } else { Vec::new() });
        }
        self.document.iter().map(|given| read(given).map(one)).collect()
    }
}

fn read(given: &str) -> anyhow::Result<Vec<u8>> {
    if given == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    match given.strip_prefix('@') {
        Some(file) => fs::read(file).with_context(|| format!("cannot read the document {file}")),
        None => Ok(given.as_bytes().to_vec()),
    }
}

fn tell(process: &str, outcome: &Outcome, voice: Voice) -> Status {
    let status = if outcome.result.is_ok() { Status::Done } else { Status::Failed };
    if voice.is_json() {
        report::value(&outcome_json(process, outcome));
        return status;
    }
    for line in &outcome.log {
        voice.note(format_args!("{:<5} {}", line.level.name(), line.message));
    }
    match &outcome.result {
        Ok(documents) => report::raw(&joined(documents, io::stdout().is_terminal())),
        Err(failure) => voice.note(format_args!("error: process `{process}`: {failure}")),
    }
    status
}

/// The documents, one after the other. A single one keeps its bytes exactly, but for a person to look at.
fn joined(documents: &[Document], for_a_person: bool) -> Vec<u8> {
    let mut all = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        if index > 0 && all.last() != Some(&b'\n') {
            all.push(b'\n');
        }
        all.extend_from_slice(&document.data.contiguous());
    }
    if for_a_person && !all.is_empty() && all.last() != Some(&b'\n') {
        all.push(b'\n');
    }
    all
}

fn outcome_json(process: &str, outcome: &Outcome) -> Value {
    let document = |document: &Document| {
        let (name, body) = match document.text() {
            Some(text) => ("text", text.into_owned()),
            None => ("base64", BASE64.encode(document.data.contiguous())),
        };
        json!({ name: body, "properties": document.properties })
    };
    let mut value = json!({
        "id": outcome.id,
        "process": process,
        "mode": outcome.mode,
        "ms": millis(outcome.ran),
        "memory": outcome.memory,
        "log": outcome.log,
    });
    let (name, result) = match &outcome.result {
        Ok(documents) => ("documents", documents.iter().map(document).collect()),
        Err(failure) => ("failure", json!({ "kind": failure.kind, "message": failure.message })),
    };
    if let Some(value) = value.as_object_mut() {
        value.insert(name.to_owned(), result);
    }
    value
}

#[cfg(test)]
mod tests {
    use auricle_model::OperationKind;

    use super::*;

    fn operation(input: DocumentType) -> Operation {
        Operation {
            kind: OperationKind::Execute,
            object: "X".into(),
            input,
            output: DocumentType::SingleData,
            content_type: "text/plain".into(),
            return_documents: true,
            max_documents: 100,
        }
    }

    fn pairs(texts: &[&str]) -> Vec<(String, String)> {
        texts.iter().map(|text| pair(text).unwrap()).collect()
    }

    #[test]
    fn a_pair_is_split_at_its_first_equals_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(pair("a="), Ok(("a".into(), String::new())));
        assert!(pair("a").is_err() && pair("=b").is_err());
    }

    #[test]
    fn properties_are_those_of_a_request() {
        let request = Request {
            property: pairs(&["own=1", "param_b=over"]),
            param: pairs(&["a=1", "b=2"]),
            query: pairs(&["q=1", "q=2", "q=3"]),
            method: Some("GET".into()),
            ..Request::default()
        };
        let properties = request.properties();
        let all: Vec<String> = properties.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let expected =
            ["inmethod=GET", "own=1", "param_a=1", "param_b=over", "query_q=1", "query_q[1]=2", "query_q[2]=3"];
        assert_eq!(all, expected);
    }

    #[test]
    fn no_document_is_what_a_request_without_a_body_gives() {
        let request = Request { header: pairs(&["Content-Type=text/csv"]), ..Request::default() };
        for (input, count) in [(DocumentType::SingleJson, 1), (DocumentType::MultipleXml, 0)] {
            let documents = request.documents(&operation(input)).unwrap();
            assert_eq!(documents.len(), count, "{input}");
            for document in documents {
                assert_eq!(document.properties.get("inheader_Content-Type"), Some("text/csv"));
                assert!(document.data.is_empty());
            }
        }
        // No input: as over HTTP neither headers nor a body get through.
        let none = operation(DocumentType::None);
        assert_eq!(Request::default().documents(&none).unwrap(), [Document::default()]);
        assert!(request.documents(&none).unwrap_err().is::<WrongUse>());
        let two = Request { document: vec!["a".into(), "b".into()], ..Request::default() };
        assert_eq!(two.documents(&operation(DocumentType::SingleData)).unwrap().len(), 2);
        let missing = Request { document: vec!["@/no/such/file".into()], ..Request::default() };
        assert!(missing.documents(&operation(DocumentType::SingleData)).is_err());
    }

    #[test]
    fn documents_are_parted_by_line_ends() {
        let documents = ["a", "b\n", "c"].map(Document::new);
        assert_eq!(joined(&documents, false), b"a\nb\nc");
        assert_eq!(joined(&documents[..1], false), b"a");
        assert_eq!(joined(&documents[..1], true), b"a\n");
        assert_eq!(joined(&[], true), b"");
    }
}
