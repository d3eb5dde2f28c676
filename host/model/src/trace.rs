//! W3C Trace Context: which trace a request belongs to, as its caller says in `traceparent` and `tracestate`, and as it is
//! passed on to whatever a process calls.
//!
//! Read strictly: what is not as the recommendation has it counts as nothing, and is never passed on.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ExecutionId;

/// The target of the spans of requests and executions, at debug level: who exports traces takes these and no others.
pub const TRACE_TARGET: &str = "auricle::trace";

/// Bytes of a `traceparent` of version 00.
const LENGTH: usize = 55;
/// Somebody before wants this trace to be recorded.
const SAMPLED: u8 = 1;
/// The trace id is random; passed on as it came.
const RANDOM: u8 = 2;
/// Members of a `tracestate`.
const MEMBERS: usize = 32;
/// Bytes of a `tracestate` that are passed on, and bytes of a member that goes first where there are more.
const STATE_BYTES: usize = 512;
const LONG_MEMBER: usize = 128;

/// Names a trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Names a span of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

/// A place in a trace: what is done next belongs below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct TraceContext {
    trace: TraceId,
    parent: SpanId,
    flags: u8,
    state: Option<Arc<str>>,
}

impl TraceId {
    /// As OpenTelemetry has it.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl SpanId {
    /// A new one.
    pub fn random() -> Self {
        // The half with UUID's variant bits in it: never zero.
        Self(Uuid::new_v4().as_u64_pair().1.to_be_bytes())
    }

    /// As OpenTelemetry has it.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }
}

impl ExecutionId {
    /// The span of an attempt at this execution. It needs no chance of its own: the second half of the id is random.
    pub fn span(self, attempt: u32) -> SpanId {
        let half = self.as_u64_pair().1;
        SpanId(half.wrapping_add(attempt.saturating_sub(1).into()).to_be_bytes())
    }
}

impl TraceContext {
    /// Begins a trace that nobody had before.
    pub fn root(sampled: bool) -> Self {
        let flags = if sampled { SAMPLED } else { 0 };
        Self { trace: TraceId(Uuid::new_v4().into_bytes()), parent: SpanId::random(), flags, state: None }
    }

    /// Reads a `traceparent`. None where it is none: the request then has no context.
    pub fn parse(traceparent: &[u8]) -> Option<Self> {
        let (known, rest) = traceparent.split_at_checked(LENGTH)?;
        let [version] = hex(known.get(..2)?)?;
        match version {
            0 if !rest.is_empty() => return None,
            0xff => return None,
            // A later version may have more behind a dash; what is before it means the same.
            _ if !(rest.is_empty() || rest.starts_with(b"-")) => return None,
            _ => {}
        }
        let dashes = [2, 35, 52].iter().all(|place| known.get(*place) == Some(&b'-'));
        let trace: [u8; 16] = hex(known.get(3..35)?)?;
        let parent: [u8; 8] = hex(known.get(36..52)?)?;
        let [flags] = hex(known.get(53..55)?)?;
        let named = trace != [0; 16] && parent != [0; 8];
        (dashes && named).then_some(Self {
            trace: TraceId(trace),
            parent: SpanId(parent),
            flags: flags & (SAMPLED | RANDOM),
            state: None,
        })
    }

    /// With the `tracestate` headers of the same request, in their order. If they are not well-formed, without.
    #[must_use]
    pub fn with_state<'v>(mut self, values: impl IntoIterator<Item = &'v [u8]>) -> Self {
        self.state = state(values);
        self
    }

    /// The same trace, one span further down.
    #[must_use]
    pub fn below(&self, parent: SpanId) -> Self {
        Self { parent, ..self.clone() }
    }

    /// The trace.
    pub const fn trace_id(&self) -> TraceId {
        self.trace
    }

    /// The span that what comes next belongs to.
    pub const fn parent_id(&self) -> SpanId {
        self.parent
    }

    /// Whether somebody before wants the trace to be recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The header `traceparent` for whatever comes next.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace, self.parent, self.flags)
    }

    /// The header `tracestate` that goes with it.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// Lower-case digits only, as the recommendation wants it.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

fn state<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Option<Arc<str>> {
    let mut members: Vec<&str> = Vec::new();
    for value in values {
        for member in std::str::from_utf8(value).ok()?.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, text) = member.split_once('=')?;
            let again = members.iter().any(|known| known.split_once('=').is_some_and(|(known, _)| known == key));
            if again || !is_key(key) || !is_value(text) || members.len() == MEMBERS {
                return None;
            }
            members.push(member);
        }
    }
    let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>().saturating_sub(1);
    if length(&members) > STATE_BYTES {
        members.retain(|member| member.len() <= LONG_MEMBER);
    }
    // The oldest stand last.
    while length(&members) > STATE_BYTES {
        members.pop();
    }
    (!members.is_empty()).then(|| members.join(",").into())
}

/// `vendor`, or `tenant@vendor`.
fn is_key(key: &str) -> bool {
    let rest = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
    let part = |part: &str, first: fn(u8) -> bool, most: usize| {
        part.len() <= most && part.bytes().next().is_some_and(first) && part.bytes().all(rest)
    };
    let letter = |byte: u8| byte.is_ascii_lowercase();
    match key.split_once('@') {
        None => part(key, letter, 256),
        Some((tenant, vendor)) => {
            part(tenant, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit(), 241) && part(vendor, letter, 14)
        }
    }
}

fn is_value(value: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=' && byte != b',';
    (1..=256).contains(&value.len()) && value.bytes().all(plain)
}

/// What is kept of it where it has to last, in the words of the headers.
#[derive(Serialize, Deserialize)]
struct Written {
    traceparent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<Arc<str>>,
}

impl From<TraceContext> for Written {
    fn from(context: TraceContext) -> Self {
        Self { traceparent: context.traceparent(), tracestate: context.state }
    }
}

impl TryFrom<Written> for TraceContext {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let context = Self::parse(written.traceparent.as_bytes()).ok_or("it is no traceparent")?;
        Ok(context.with_state(written.tracestate.as_deref().map(str::as_bytes)))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse(text: &str) -> Option<TraceContext> {
        TraceContext::parse(text.as_bytes())
    }

    #[test]
    fn a_traceparent_comes_back_as_it_was() {
        let context = parse(GIVEN).unwrap();
        assert_eq!(context.traceparent(), GIVEN);
        assert!(context.is_sampled());
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.parent_id().to_string(), "00f067aa0ba902b7");
        assert!(!parse(&GIVEN.replace("-01", "-00")).unwrap().is_sampled());
    }

    #[test]
    fn flags_that_mean_nothing_yet_are_not_passed_on() {
        assert_eq!(parse(&GIVEN.replace("-01", "-ff")).unwrap().traceparent(), GIVEN.replace("-01", "-03"));
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for later in ["01", "cc", "fe"] {
            let given = GIVEN.replacen("00", later, 1);
            assert_eq!(parse(&given).unwrap().traceparent(), GIVEN);
            assert_eq!(parse(&format!("{given}-what-the-future-will-be-like")).unwrap().traceparent(), GIVEN);
            assert_eq!(parse(&format!("{given}.more")), None);
            assert_eq!(parse(&format!("{given}0")), None);
        }
    }

    #[test]
    fn what_is_no_traceparent_counts_as_nothing() {
        let wrong = [
            "".into(),
            "00".into(),
            GIVEN.replacen("00", "ff", 1),
            GIVEN.replacen("00", ".0", 1),
            format!("{GIVEN}-"),
            format!("{GIVEN}-more"),
            format!(" {GIVEN}"),
            GIVEN[..54].into(),
            GIVEN.to_uppercase(),
            GIVEN.replace('-', "_"),
            GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GIVEN.replace("4bf9", "4b.9"),
            GIVEN.replace("-01", "-0x"),
            GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", "ä".repeat(16).as_str()),
        ];
        for given in wrong {
            assert_eq!(parse(&given), None, "{given}");
        }
    }

    #[test]
    fn what_is_below_has_the_same_trace_and_another_parent() {
        let context = parse(GIVEN).unwrap().with_state([&b"a=1"[..]]);
        let below = context.below(SpanId::random());
        assert_eq!((below.trace_id(), below.is_sampled(), below.tracestate()), (context.trace_id(), true, Some("a=1")));
        assert_ne!(below.parent_id(), context.parent_id());
        let id = ExecutionId::new();
        assert_ne!(id.span(1), id.span(2));
        assert!(id.to_string().replace('-', "").ends_with(&id.span(1).to_string()));
    }

    #[test]
    fn a_root_can_be_read() {
        let root = TraceContext::root(true);
        assert_eq!(parse(&root.traceparent()), Some(root.clone()));
        assert_ne!(root.trace_id(), TraceContext::root(true).trace_id());
        assert!(!TraceContext::root(false).is_sampled());
    }

    fn with(values: &[&str]) -> Option<String> {
        let context = parse(GIVEN).unwrap().with_state(values.iter().map(|value| value.as_bytes()));
        context.tracestate().map(str::to_owned)
    }

    #[test]
    fn a_tracestate_is_put_together_and_passed_on() {
        assert_eq!(with(&[]), None);
        assert_eq!(with(&["", " , "]), None);
        assert_eq!(
            with(&["rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE"]).unwrap(),
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
        );
        assert_eq!(with(&["a=1", "b=2,,c=3"]).unwrap(), "a=1,b=2,c=3");
        assert_eq!(with(&["0t@v*/-_9=x y!"]).unwrap(), "0t@v*/-_9=x y!");
    }

    #[test]
    fn one_that_is_not_well_formed_is_left_out() {
        let long = format!("a={}", "x".repeat(257));
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        for value in
            ["a", "a=", "A=1", "1=1", "a=b=c", "a=1,a=2", "a=ä", "a@1=1", "@a=1", "a =1", &long, &many.join(",")]
        {
            assert_eq!(with(&["z=1", value]), None, "{value}");
        }
        assert!(with(&[&many[1..].join(",")]).is_some());
    }

    #[test]
    fn of_one_that_is_too_long_the_long_members_go_first_and_then_the_oldest() {
        let (long, short) = (format!("long={}", "x".repeat(200)), "x".repeat(100));
        let members: Vec<String> = (0..6).map(|n| format!("k{n}={short}")).collect();
        let kept = with(&[&long, &members.join(",")]).unwrap();
        assert_eq!(kept, members[..4].join(","));
    }

    #[test]
    fn it_is_kept_in_the_words_of_the_headers() {
        let context = parse(GIVEN).unwrap().with_state([&b"a=1"[..]]);
        let kept = serde_json::to_string(&context).unwrap();
        assert_eq!(kept, format!(r#"{{"traceparent":"{GIVEN}","tracestate":"a=1"}}"#));
        assert_eq!(serde_json::from_str::<TraceContext>(&kept).unwrap(), context);
        assert!(serde_json::from_str::<TraceContext>(r#"{"traceparent":"x"}"#).is_err());
    }
}
