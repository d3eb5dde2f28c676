//! The work of one request in the benchmark, in six crossings of the border: one process property is read, the body is
//! taken in, a new document is made of it, two of its properties are set, and the document that came is dropped.
//!
//! Built for `wasm32-wasip2` (a guest with WASI) and for `wasm32-unknown-unknown` (one without), from this one source.
//! The property says what to do: `echo`, or, for the scenarios that want more than speed, `trap`, `spin` for ever, or `work`
//! for some fifty milliseconds before the echo, long enough that others want an instance meanwhile.

#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the macro that exports the listener passes raw pointers")]

mod bindings {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, reason = "generated")]

    wit_bindgen::generate!({ path: "../../../../wit", world: "auricle:process/process", generate_all });
}

use bindings::auricle::process::documents::Document;
use bindings::auricle::process::process_properties;
use bindings::exports::auricle::process::listener::{Failure, Guest};

struct Small;

impl Guest for Small {
    fn execute(documents: Vec<Document>) -> Result<Vec<Document>, Failure> {
        let wish = process_properties::get("query_do");
        match wish.as_deref() {
            Some("trap") => std::process::abort(),
            Some("spin") => loop {
                std::hint::spin_loop();
            },
            Some("work") => (0..150_000_000).for_each(|number| _ = std::hint::black_box(number)),
            _ => {}
        }
        let Some(document) = documents.first() else {
            return Err(Failure { message: "no document came".to_owned() });
        };
        let echo = Document::new(&document.data());
        echo.set_property("outheader_X-Bench-One", "1");
        echo.set_property("outheader_X-Bench-Two", "2");
        Ok(vec![echo])
    }
}

bindings::export!(Small with_types_in bindings);
