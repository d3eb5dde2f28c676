//! The execution's log. [`log`] writes a line; `tracing` events and records of the `log` crate arrive here by themselves,
//! from the first execution on, when the feature of that name is on (`tracing` is by default).
//!
//! In the host, events of level `info` and above are passed on. The environment variable `RUST_LOG` changes that to
//! another level or to `off`, for the whole process: `env = { RUST_LOG = "debug" }` in the manifest. It is read once for
//! each instance. Under [`testing`](crate::testing) everything is passed on.

use crate::host;

/// The weight of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step.
    Trace,
    /// For the author.
    Debug,
    /// For the operator.
    Info,
    /// Something may be wrong.
    Warn,
    /// Something is wrong.
    Error,
}

/// Writes a line to the execution's log, whatever the level that events are filtered by.
pub fn log(level: Level, message: &str) {
    host::execution::log(level, message);
}

/// Sends events to the host from now on. Called before each execution; only the first call does anything.
#[cfg(target_family = "wasm")]
pub(crate) fn install() {
    #[cfg(any(feature = "tracing", feature = "log"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            let given = std::env::var("RUST_LOG").ok();
            let given = given.as_deref();
            // A process that has installed a subscriber or logger of its own keeps it.
            #[cfg(feature = "tracing")]
            let _ = tracing::subscriber::set_global_default(events::HostSubscriber::new(filter(
                given,
                tracing::level_filters::LevelFilter::INFO,
            )));
            #[cfg(feature = "log")]
            records::install(filter(given, log::LevelFilter::Info));
        });
    }
}

/// The level given, or the default where it is none. An empty one is none: `tracing` would read it as `error`.
#[cfg(all(any(target_family = "wasm", test), any(feature = "tracing", feature = "log")))]
fn filter<F: std::str::FromStr>(given: Option<&str>, default: F) -> F {
    given.filter(|level| !level.is_empty()).and_then(|level| level.parse().ok()).unwrap_or(default)
}

/// Runs something with its events sent to the mocked host. The subscriber is this thread's and goes afterwards, so that
/// tests that run side by side do not see each other.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn scoped<T>(run: impl FnOnce() -> T) -> T {
    #[cfg(feature = "log")]
    records::install(log::LevelFilter::Trace);
    #[cfg(feature = "tracing")]
    let run = || {
        let subscriber = events::HostSubscriber::new(tracing::level_filters::LevelFilter::TRACE);
        tracing::subscriber::with_default(subscriber, run)
    };
    run()
}

#[cfg(feature = "log")]
mod records {
    //! Records of the `log` crate.

    use log::{LevelFilter, Log, Metadata, Record};

    use super::Level;

    struct HostLogger;

    pub(super) fn install(filter: LevelFilter) {
        if log::set_logger(&HostLogger).is_ok() {
            log::set_max_level(filter);
        }
    }

    impl Log for HostLogger {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.level() <= log::max_level()
        }

        fn log(&self, record: &Record<'_>) {
            let level = match record.level() {
                log::Level::Trace => Level::Trace,
                log::Level::Debug => Level::Debug,
                log::Level::Info => Level::Info,
                log::Level::Warn => Level::Warn,
                log::Level::Error => Level::Error,
            };
            super::log(level, &record.args().to_string());
        }

        fn flush(&self) {}
    }
}

#[cfg(feature = "tracing")]
mod events {
    //! Events of `tracing`: `span{field=1}: message key=value`, one line each.

    use std::collections::HashMap;
    use std::fmt::{Debug, Write};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use tracing::field::{Field, Visit};
    use tracing::level_filters::LevelFilter;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::Level;

    pub(super) struct HostSubscriber {
        filter: LevelFilter,
        spans: Mutex<Spans>,
    }

    /// The spans that are open, and those entered, outermost first. A guest has one thread, and so has a test's run.
    #[derive(Default)]
    struct Spans {
        last: u64,
        open: HashMap<u64, Span>,
        entered: Vec<u64>,
    }

    struct Span {
        name: &'static str,
        fields: Fields,
        handles: usize,
    }

    impl HostSubscriber {
        pub(super) fn new(filter: LevelFilter) -> Self {
            Self { filter, spans: Mutex::default() }
        }

        fn spans(&self) -> MutexGuard<'_, Spans> {
            self.spans.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Subscriber for HostSubscriber {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= self.filter
        }

        fn max_level_hint(&self) -> Option<LevelFilter> {
            Some(self.filter)
        }

        fn new_span(&self, attributes: &Attributes<'_>) -> Id {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            let mut spans = self.spans();
            spans.last += 1;
            let id = spans.last;
            spans.open.insert(id, Span { name: attributes.metadata().name(), fields, handles: 1 });
            Id::from_u64(id)
        }

        fn record(&self, id: &Id, values: &Record<'_>) {
            // Before the lock is taken: a value's own `Debug` may write events itself.
            let mut fields = Fields::default();
            values.record(&mut fields);
            if let Some(span) = self.spans().open.get_mut(&id.into_u64()) {
                span.fields.append(&fields);
            }
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let mut line = String::new();
            let spans = self.spans();
            for span in spans.entered.iter().filter_map(|id| spans.open.get(id)) {
                line.push_str(span.name);
                if !span.fields.rest.is_empty() {
                    _ = write!(line, "{{{}}}", span.fields.rest);
                }
                line.push_str(": ");
            }
            drop(spans);
            line.push_str(&fields.message);
            if !fields.message.is_empty() && !fields.rest.is_empty() {
                line.push(' ');
            }
            line.push_str(&fields.rest);
            let level = match *event.metadata().level() {
                tracing::Level::TRACE => Level::Trace,
                tracing::Level::DEBUG => Level::Debug,
                tracing::Level::INFO => Level::Info,
                tracing::Level::WARN => Level::Warn,
                tracing::Level::ERROR => Level::Error,
            };
            super::log(level, &line);
        }

        fn enter(&self, id: &Id) {
            self.spans().entered.push(id.into_u64());
        }

        fn exit(&self, id: &Id) {
            let mut spans = self.spans();
            if let Some(place) = spans.entered.iter().rposition(|entered| *entered == id.into_u64()) {
                spans.entered.remove(place);
            }
        }

        fn clone_span(&self, id: &Id) -> Id {
            if let Some(span) = self.spans().open.get_mut(&id.into_u64()) {
                span.handles += 1;
            }
            id.clone()
        }

        fn try_close(&self, id: Id) -> bool {
            let mut spans = self.spans();
            let Some(span) = spans.open.get_mut(&id.into_u64()) else { return false };
            span.handles -= 1;
            let closed = span.handles == 0;
            if closed {
                spans.open.remove(&id.into_u64());
            }
            closed
        }
    }

    /// The message, and the other fields as `key=value` with spaces between.
    #[derive(Default)]
    struct Fields {
        message: String,
        rest: String,
    }

    impl Fields {
        fn append(&mut self, later: &Self) {
            self.message.push_str(&later.message);
            if !self.rest.is_empty() && !later.rest.is_empty() {
                self.rest.push(' ');
            }
            self.rest.push_str(&later.rest);
        }
    }

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            let written = if field.name() == "message" {
                write!(self.message, "{value:?}")
            } else {
                let space = if self.rest.is_empty() { "" } else { " " };
                write!(self.rest, "{space}{}={value:?}", field.name())
            };
            // Only a value's own `Debug` can fail, and then the rest of the line is still worth having.
            _ = written;
        }

        fn record_str(&mut self, field: &Field, value: &str) {
            if field.name() == "message" {
                self.message.push_str(value);
            } else {
                self.record_debug(field, &value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::Execution;
    use crate::testing::{LogLine, Run};

    fn lines(run: fn()) -> Vec<(Level, String)> {
        let outcome = Run::new().execute(move |_: Execution, _| run());
        outcome.log().iter().map(|LogLine { level, message }| (*level, message.clone())).collect()
    }

    #[test]
    fn a_line_is_written_as_it_is() {
        assert_eq!(lines(|| log(Level::Warn, "beware")), [(Level::Warn, "beware".to_owned())]);
    }

    #[cfg(feature = "tracing")]
    #[test]
    fn the_level_is_the_one_given_or_the_default() {
        use tracing::level_filters::LevelFilter;
        let info = |given| filter(given, LevelFilter::INFO);
        let levels = [info(None), info(Some("")), info(Some("chatty")), info(Some("debug")), info(Some("off"))];
        let expected = [LevelFilter::INFO, LevelFilter::INFO, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::OFF];
        assert_eq!(levels, expected);
    }

    #[cfg(feature = "tracing")]
    #[test]
    fn events_carry_their_fields_and_spans() {
        let written = lines(|| {
            let outer = tracing::info_span!("outer", id = 7, late = tracing::field::Empty).entered();
            outer.record("late", "x");
            tracing::debug_span!("inner").in_scope(|| tracing::info!(name = "Acme", count = 2, "found {}", "it"));
            drop(outer);
            tracing::error!(code = 5);
        });
        let expected = [
            (Level::Info, r#"outer{id=7 late="x"}: inner: found it name="Acme" count=2"#.to_owned()),
            (Level::Error, "code=5".to_owned()),
        ];
        assert_eq!(written, expected);
    }

    #[cfg(feature = "tracing")]
    #[test]
    fn a_field_may_write_events_while_it_is_written() {
        struct Chatty;
        impl std::fmt::Debug for Chatty {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let _entered = tracing::info_span!("within").entered();
                tracing::info!("asked");
                f.write_str("chatty")
            }
        }
        let written = lines(|| {
            let span = tracing::info_span!("outer", id = 7, late = tracing::field::Empty).entered();
            span.record("late", tracing::field::debug(Chatty));
            tracing::info!("done");
        });
        let expected = ["outer{id=7}: within: asked", "outer{id=7 late=chatty}: done"];
        assert_eq!(written.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>(), expected);
    }

    #[cfg(feature = "log")]
    #[test]
    fn records_of_the_log_crate_arrive() {
        assert_eq!(lines(|| log::debug!("n is {}", 1)), [(Level::Debug, "n is 1".to_owned())]);
    }
}
