//! How values of other crates look on the wire, for the OpenAPI document alone. A test holds each against the value itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use auricle_model::{ExecutionRecord, FailureKind, Mode, Protocol, RecordKind};
use auricle_store::Role;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A value that has a shape.
pub(super) trait Shaped: Serialize {
    type Shape: JsonSchema;
}

/// Values of another crate, as a list.
pub(super) struct Entries<T>(pub(super) Vec<T>);

/// A whole record.
pub(super) struct Record(pub(super) ExecutionRecord);

impl<T: Serialize> Serialize for Entries<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T: Shaped> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Vec::<T::Shape>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<T::Shape>::json_schema(generator)
    }
}

impl JsonSchema for Record {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        ExecutionRecordShape::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<ExecutionRecordShape>()
    }
}

impl Shaped for auricle_model::RecordSummary {
    type Shape = RecordSummaryShape;
}

impl Shaped for auricle_model::MinuteCount {
    type Shape = MinuteCountShape;
}

impl Shaped for auricle_store::AuditEntry {
    type Shape = AuditEntryShape;
}

/// Texts of which each is one of some.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident = $words:expr;)+) => { $(
        $(#[$meta])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "enum": $words })
            }
        }
    )+ };
}

words! {
    /// A role.
    RoleName = Role::ALL.map(|(_, name)| name);
    /// In what way an execution failed.
    FailureName = FailureKind::NAMES;
    /// How a process is run.
    ModeName = Mode::NAMES;
    /// How an execution was called.
    ProtocolName = Protocol::NAMES;
    /// How much of an execution was kept.
    RecordKindName = RecordKind::NAMES;
}

/// The id of an execution.
pub(super) struct IdText;

impl JsonSchema for IdText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IdText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid" })
    }
}

/// The digest of a package.
pub(super) struct DigestText;

impl JsonSchema for DigestText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DigestText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^sha256:[0-9a-fA-F]{64}$" })
    }
}

macro_rules! shape {
    ($(#[$meta:meta])* $name:ident as $shown:tt { $($field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(JsonSchema)]
        #[schemars(rename = $shown, rename_all = "kebab-case")]
        #[expect(dead_code, reason = "only its schema is used")]
        pub(super) struct $name { $(pub(super) $field: $type,)+ }
    };
}

shape! {
    /// A change that was made.
    AuditEntryShape as "AuditEntry" {
        number: u64,
        at: u64,
        who: Option<String>,
        action: String,
        target: String,
        detail: String,
    }
}

shape! {
    /// What happened to a process in a minute.
    MinuteCountShape as "MinuteCount" {
        environment: String,
        process: String,
        minute: u64,
        executions: u64,
        failures: u64,
        ran_us: u64,
        longest_us: u64,
        buckets: Vec<u64>,
    }
}

shape! {
    /// What executions are listed and found by.
    RecordSummaryShape as "RecordSummary" {
        id: IdText,
        environment: String,
        version: u32,
        process: String,
        api: Option<String>,
        route: Option<String>,
        protocol: ProtocolName,
        mode: ModeName,
        attempt: u32,
        debug: bool,
        began_at: u64,
        user: Option<String>,
        status: Option<u16>,
        failure: Option<FailureName>,
        waited_us: u64,
        ran_us: u64,
        kind: RecordKindName,
        trace_id: Option<String>,
    }
}

/// All that is kept of an execution. `docs/records.md` has the rest of it.
#[derive(JsonSchema)]
#[schemars(rename = "ExecutionRecord", rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ExecutionRecordShape {
    #[schemars(flatten)]
    summary: RecordSummaryShape,
    message: Option<String>,
    operation: BTreeMap<String, Value>,
    package: Option<String>,
    client: Option<String>,
    properties: BTreeMap<String, String>,
    documents_in: Vec<BTreeMap<String, Value>>,
    documents_out: Vec<BTreeMap<String, Value>>,
    log: Vec<BTreeMap<String, Value>>,
    notes: Vec<String>,
    phases: BTreeMap<String, u64>,
    cpu_us: u64,
    memory: u64,
    uses: u64,
    instance_age_us: u64,
    tape: Option<BTreeMap<String, Value>>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn same_keys<S: JsonSchema>(value: &impl Serialize, left_out: &[&str]) {
        let value = serde_json::to_value(value).unwrap();
        let given: BTreeSet<String> = value.as_object().unwrap().keys().cloned().collect();
        let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
        let schema = generator.root_schema_for::<S>().to_value();
        let told = schema["properties"].as_object().unwrap().keys().filter(|key| !left_out.contains(&key.as_str()));
        assert_eq!(given, told.cloned().collect());
    }

    #[test]
    fn shapes_are_those_of_the_values() {
        let record = super::super::executions::tests::record();
        same_keys::<RecordSummaryShape>(&record.summary, &[]);
        same_keys::<ExecutionRecordShape>(&record, &["tape"]);
        let entry = auricle_store::AuditEntry {
            number: 1,
            at: 2,
            who: None,
            action: "deploy".into(),
            target: "default".into(),
            detail: String::new(),
        };
        same_keys::<AuditEntryShape>(&entry, &[]);
        let count = auricle_model::MinuteCount {
            environment: String::new(),
            process: String::new(),
            minute: 0,
            executions: 0,
            failures: 0,
            ran_us: 0,
            longest_us: 0,
            buckets: [0; auricle_model::MinuteCount::BOUNDS_US.len() + 1],
        };
        same_keys::<MinuteCountShape>(&count, &[]);
    }
}
