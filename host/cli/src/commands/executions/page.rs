//! The record of an execution as a page for people.

use std::fmt::Write as _;

use auricle_model::{ExecutionRecord, Phases, Properties, RecordKind, RecordSummary, RecordedDocument};
use indicatif::HumanBytes;

use crate::report::counted;
use crate::table::{lines, one_line};
use crate::when;

/// What an execution came to, in a word or two: `ok 200`, `trapped 500`.
pub(super) fn result(summary: &RecordSummary) -> String {
    let word = summary.failure.map_or("ok", auricle_model::FailureKind::name);
    match summary.status {
        Some(status) => format!("{word} {status}"),
        None => word.to_owned(),
    }
}

/// The page.
pub(super) fn page(record: &ExecutionRecord) -> String {
    let mut page = Page::default();
    head(&mut page, record);
    page.section("Times", 1);
    times(&mut page, &record.phases);
    page.field(
        "instance",
        format_args!(
            "used {}, {} old at the end, memory {}; computed {}",
            counted(usize::try_from(record.uses).unwrap_or(usize::MAX), "time"),
            when::took(record.instance_age_us),
            HumanBytes(record.memory),
            when::took(record.cpu_us)
        ),
    );
    if record.summary.kind == RecordKind::Summary {
        page.line("\nOnly this was kept: when it ended, more was to be recorded than could be written.");
        return page.end();
    }
    page.properties(&record.properties);
    documents(&mut page, "Documents in", &record.documents_in);
    documents(&mut page, "Documents out", &record.documents_out);
    page.section("Log", record.log.len());
    for line in &record.log {
        let after = u64::try_from(line.after.as_micros()).unwrap_or(u64::MAX);
        page.indented(&format!("+{:<9} {:<5} {}", when::took(after), line.level.name(), line.message));
    }
    page.section("Notes of the host", record.notes.len());
    for note in &record.notes {
        page.indented(note);
    }
    if let Some(tape) = &record.tape {
        page.section("Seen of the outside", 1);
        let cut = if tape.cut { ", and more that was not kept" } else { "" };
        page.indented(&format!("{} answers{cut}: `auricle executions replay` gives them again", tape.entries.len()));
    }
    page.end()
}

fn head(page: &mut Page, record: &ExecutionRecord) {
    let summary = &record.summary;
    page.line(&format!("execution {} of `{}`: {}", summary.id, one_line(&summary.process), result(summary)));
    if let Some(message) = &record.message {
        // What a trap says has lines of its own.
        page.field("message", lines(message).replace('\n', "\n            "));
    }
    page.field("began", when::utc_and_ago(when::millis(summary.began_at)));
    let debug = if summary.debug { ", a debug run" } else { "" };
    let attempt = if summary.attempt > 1 { format!(", attempt {}", summary.attempt) } else { String::new() };
    page.field("ran", format_args!("{}, by {}{attempt}{debug}", summary.mode, summary.protocol));
    page.field("where", format_args!("environment {}, version {}", one_line(&summary.environment), summary.version));
    if let Some(route) = &summary.route {
        let api = summary.api.as_deref().map(|api| format!(" of API {}", one_line(api))).unwrap_or_default();
        page.field("route", format_args!("{}{api}", one_line(route)));
    }
    let user = summary.user.as_deref().map(one_line);
    let caller: Vec<String> = user.into_iter().chain(record.client.as_deref().map(one_line)).collect();
    if !caller.is_empty() {
        page.field("caller", caller.join(" at "));
    }
    for (name, value) in [("package", &record.package), ("trace", &summary.trace_id)] {
        if let Some(value) = value {
            page.field(name, one_line(value));
        }
    }
}

fn times(page: &mut Page, phases: &Phases) {
    let steps = [
        ("read", phases.read_us),
        ("documents made", phases.inbound_us),
        ("waited", phases.waited_us),
        ("instance made", phases.instantiated_us),
        ("ran", phases.ran_us),
        ("response made", phases.outbound_us),
    ];
    let told: Vec<String> = steps
        .iter()
        .filter(|(_, took)| *took > 0)
        .map(|(name, took)| format!("{name} {}", when::took(*took)))
        .collect();
    if !told.is_empty() {
        page.field("steps", told.join(", "));
    }
}

fn documents(page: &mut Page, name: &str, documents: &[RecordedDocument]) {
    page.section(name, documents.len());
    for (index, document) in documents.iter().enumerate() {
        let altered = if document.altered { ", not as it was: cut, or redacted in part" } else { "" };
        page.indented(&format!("[{index}] {} bytes{altered}", document.size));
        for (name, value) in document.properties.iter() {
            page.indented(&format!("    {} = {}", one_line(name), one_line(value)));
        }
        match (&document.text, &document.base64) {
            (Some(text), _) => text.lines().for_each(|line| page.line(&format!("      | {line}"))),
            (None, Some(base64)) => page.indented(&format!("    base64 {base64}")),
            (None, None) => {}
        }
    }
}

/// What is written so far.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(&lines(text));
        self.0.push('\n');
    }

    fn indented(&mut self, text: &str) {
        self.line(&format!("  {}", one_line(text)));
    }

    fn field(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "  {name:<9} {value}");
    }

    /// Begins a section if anything comes in it.
    fn section(&mut self, name: &str, entries: usize) {
        if entries > 0 {
            self.line(&format!("\n{name}"));
        }
    }

    fn properties(&mut self, properties: &Properties) {
        self.section("Process properties", properties.iter().count());
        for (name, value) in properties.iter() {
            self.indented(&format!("{name} = {value}"));
        }
    }

    fn end(mut self) -> String {
        self.0.truncate(self.0.trim_end().len());
        self.0
    }
}
