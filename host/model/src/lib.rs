//! What every part of Auricle speaks: values and declarations, without I/O, an async runtime or an engine.
//!
//! Values travel with a request: [`Document`], [`Properties`], [`Execution`], [`Outcome`]. Declarations say what a
//! runtime serves: [`ProcessDecl`], [`ApiDecl`], [`RouteDecl`], [`ConnectionDecl`], gathered in a [`Deployment`] and
//! written by people in a manifest (module [`manifest`]).

mod api;
mod data;
mod document;
mod execution;
pub mod manifest;
mod operation;
mod process;
mod profile;
mod properties;
mod record;
mod reference;
mod server;
mod soap;
mod tape;
mod trace;
mod units;

pub use api::{ApiDecl, RouteDecl, RouteHeader};
pub use data::Data;
pub use document::Document;
pub use execution::{Execution, ExecutionId, Failure, FailureKind, LogLevel, LogLine, Mode, Outcome, Protocol, Retry};
pub use operation::{DocumentType, Operation, OperationKind, UnknownName};
pub use process::{
    AllowedHost, Bounds, ConnectionDecl, Deployment, FolderGrant, Grants, Guard, Limits, PackageRef, ProcessDecl,
    RetryPolicy, Smoke,
};
pub use profile::{MessageOverrides, Messages, ProfileDecl, ProfileKind, SourceFile};
pub use properties::{Properties, PropertySet};
pub use record::{ExecutionRecord, MinuteCount, Phases, RecordKind, RecordSummary, RecordedDocument};
pub use reference::{InvalidReference, OciReference};
pub use server::{RecordLevel, RecordsConfig, Redact, Roots, ServerConfig, StoreUrl, Trust};
pub use soap::{DEFAULT_NAMESPACE, SoapDecl, SoapSettings, SoapVersions, WsdlSchema};
pub use tape::{Tape, TapeEntry, Taping};
pub use trace::{SpanId, TRACE_TARGET, TraceContext, TraceId};
pub use units::{format_duration, format_size, parse_duration, parse_size};
