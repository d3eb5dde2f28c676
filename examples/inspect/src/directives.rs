//! What query parameters make `inspect` do: first the side effects, then the answer, then its status and headers.

use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

use auricle_guest::logging::{Level, log};
use auricle_guest::prelude::*;

/// The memory page of WebAssembly hosts that matters here: touching a byte in each makes it real.
const PAGE: usize = 4096;

/// `log`, `sleep_ms`, `spin_ms`, `alloc_mb`, then `trap` and `fail`. Gives the allocated memory, to be held.
pub(crate) fn obey(execution: &Execution) -> Result<Vec<u8>, Error> {
    for line in execution.queries("log") {
        log(Level::Info, &line);
    }
    if let Some(time) = number(execution, "sleep_ms")? {
        sleep(Duration::from_millis(time));
    }
    if let Some(time) = number(execution, "spin_ms")? {
        spin(Duration::from_millis(time));
    }
    let held = match number(execution, "alloc_mb")? {
        Some(size) => alloc(size)?,
        None => Vec::new(),
    };
    if flag(execution, "trap") {
        trap();
    }
    if let Some(message) = execution.query("fail") {
        return Err(Error::new(message));
    }
    Ok(held)
}

/// The documents that `body`, `echo` or `documents` ask for; none when there is none of them.
pub(crate) fn answer(execution: &Execution, documents: &[Document]) -> Result<Option<Vec<Document>>, Error> {
    if let Some(body) = execution.query("body") {
        return Ok(Some(vec![body.into()]));
    }
    if flag(execution, "echo") {
        return Ok(Some(documents.iter().map(Document::duplicate).collect()));
    }
    let Some(count) = number(execution, "documents")? else { return Ok(None) };
    let xml = execution.operation().output.ends_with("-xml");
    let one = |n: u64| if xml { format!("<n>{n}</n>") } else { format!("{{\"n\":{n}}}") };
    Ok(Some((1..=count).map(|n| one(n).into()).collect()))
}

/// `set_status` and `set_header*`, on the first document. They are passed on as they are, wrong ones too: what the host
/// says to those is worth looking at. Where there is no document, there is nothing to set them on.
pub(crate) fn dress(execution: &Execution, mut documents: Vec<Document>) -> Reply {
    let Some(first) = documents.first_mut() else { return Reply::new() };
    if let Some(status) = execution.query("set_status") {
        first.set_property("outstatuscode", &status);
    }
    let set = execution.properties().into_iter().filter(|(name, _)| name.starts_with("query_set_header"));
    set.fold(Reply::documents(documents), |reply, (_, header)| {
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        reply.header(name, value)
    })
}

/// A whole number of the query.
fn number(execution: &Execution, name: &str) -> Result<Option<u64>, Error> {
    let Some(text) = execution.query(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(error) => bail!("the query parameter `{name}` is `{text}`, and has to be a whole number: {error}"),
    }
}

/// Whether a parameter is there, and neither `0` nor `false`.
fn flag(execution: &Execution, name: &str) -> bool {
    execution.query(name).is_some_and(|value| value != "0" && value != "false")
}

/// Burns CPU. The clock is asked seldom, so that nearly all of it is the guest's own.
fn spin(time: Duration) {
    let begin = Instant::now();
    let mut n = 0_u64;
    while begin.elapsed() < time {
        for _ in 0..10_000 {
            n = black_box(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
    }
}

/// Takes memory and touches all of it. Where the host gives no more, Rust's allocator traps: that is the point.
fn alloc(megabytes: u64) -> Result<Vec<u8>, Error> {
    let size = usize::try_from(megabytes).ok().and_then(|n| n.checked_mul(1 << 20));
    let Some(size) = size.filter(|size| isize::try_from(*size).is_ok()) else {
        bail!("the query parameter `alloc_mb` is {megabytes}: more than a guest can address");
    };
    let mut memory = vec![0_u8; size];
    memory.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    Ok(black_box(memory))
}

#[expect(clippy::panic, reason = "a trap was asked for")]
fn trap() -> ! {
    panic!("asked to by `trap=1`")
}

#[cfg(test)]
mod tests {
    use auricle_guest::testing::{Outcome, Run};

    use crate::execute;

    use super::*;

    fn told(name: &str, value: &str) -> Outcome {
        Run::new().query(name, value).execute(execute)
    }

    fn texts(outcome: &Outcome) -> Vec<String> {
        outcome.documents().iter().map(|document| document.text().unwrap()).collect()
    }

    #[test]
    fn status_and_headers_are_set_as_given() {
        let run = Run::new().query("set_status", "418").query("set_header", "Some-Data:5");
        let run = run.query("set_header1", "Set-Cookie:a=1").query("set_header2", "Set-Cookie:b=2:3");
        let outcome = run.execute(execute);
        assert_eq!(outcome.status(), 418);
        assert_eq!(outcome.header("Some-Data").as_deref(), Some("5"));
        assert_eq!(outcome.header("Set-Cookie").as_deref(), Some("a=1"));
        assert_eq!(outcome.header("Set-Cookie[1]").as_deref(), Some("b=2:3"));
        let wrong = told("set_status", "abc");
        assert_eq!(wrong.documents()[0].property("outstatuscode").as_deref(), Some("abc"));
    }

    #[test]
    fn the_answer_can_be_chosen() {
        assert_eq!(texts(&told("body", "<a/>")), ["<a/>"]);
        let run = Run::new().query("echo", "1").header("Content-Type", "text/csv").document("x").document("y");
        let echoed = run.execute(execute);
        assert_eq!(texts(&echoed), ["x", "y"]);
        assert_eq!(echoed.documents()[1].property("inheader_Content-Type").as_deref(), Some("text/csv"));
        assert!(told("echo", "0").text().starts_with("{\"process\""));
    }

    #[test]
    fn documents_fit_the_output_type() {
        assert_eq!(texts(&told("documents", "3")), ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"]);
        let xml = Run::new().output("multiple-xml").query("documents", "2").execute(execute);
        assert_eq!(texts(&xml), ["<n>1</n>", "<n>2</n>"]);
        let none = Run::new().query("documents", "0").query("set_status", "204").execute(execute);
        assert!(none.documents().is_empty() && none.failure().is_none());
    }

    #[test]
    fn it_fails_and_logs_as_told() {
        assert_eq!(told("fail", "so be it").failure(), Some("so be it"));
        let logged: Vec<_> = told("log", "a line").log().iter().map(|line| line.message.clone()).collect();
        assert_eq!(logged, ["a line"]);
        let wrong = told("sleep_ms", "soon");
        assert!(wrong.failure().is_some_and(|m| m.contains("`sleep_ms`") && m.contains("`soon`")), "{wrong:?}");
    }

    #[test]
    #[should_panic(expected = "asked to by `trap=1`")]
    fn it_traps_as_told() {
        told("trap", "1");
    }

    #[test]
    fn it_takes_its_time() {
        for name in ["sleep_ms", "spin_ms"] {
            let begin = Instant::now();
            assert_eq!(told(name, "30").failure(), None);
            assert!(begin.elapsed() >= Duration::from_millis(30), "{name}");
        }
    }

    #[test]
    fn memory_is_taken_and_touched() {
        let held = alloc(3).unwrap();
        assert_eq!(held.len(), 3 << 20);
        assert!(held.iter().step_by(PAGE).all(|byte| *byte == 1));
        assert!(alloc(u64::MAX).unwrap_err().message().contains("alloc_mb"));
        assert_eq!(told("alloc_mb", "2").failure(), None);
    }
}
