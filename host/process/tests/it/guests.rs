//! Components for the tests. The canonical ABI is written by hand; what each command does is said beside it.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What the guests need of WASI, in the smallest form that links: interfaces may be imported in part.
const WASI: [(&str, &str); 4] = [
    (
        "io.wit",
        "package wasi:io@0.2.6;
        interface poll { resource pollable { block: func(); } }
        interface error { resource error; }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
        }",
    ),
    (
        "clocks.wit",
        "package wasi:clocks@0.2.6;
        interface monotonic-clock {
            use wasi:io/poll@0.2.6.{pollable};
            subscribe-duration: func(when: u64) -> pollable;
        }",
    ),
    (
        "filesystem.wit",
        "package wasi:filesystem@0.2.6;
        interface types {
            enum error-code {
                access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
                illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links,
                message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space,
                not-directory, not-empty, not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted,
                pipe, read-only, invalid-seek, text-file-busy, cross-device,
            }
            resource descriptor { create-directory-at: func(path: string) -> result<_, error-code>; }
        }
        interface preopens {
            use types.{descriptor};
            get-directories: func() -> list<tuple<descriptor, string>>;
        }",
    ),
    (
        "cli.wit",
        "package wasi:cli@0.2.6;
        interface environment { get-environment: func() -> list<tuple<string, string>>; }
        interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }
        interface stderr { use wasi:io/streams@0.2.6.{output-stream}; get-stderr: func() -> output-stream; }",
    ),
];

const WORLD: &str = "package test:guest;
    world guest {
        include auricle:process/process@0.1.0;
        import wasi:cli/environment@0.2.6;
        import wasi:cli/stdout@0.2.6;
        import wasi:cli/stderr@0.2.6;
        import wasi:clocks/monotonic-clock@0.2.6;
        import wasi:filesystem/preopens@0.2.6;
    }
    world guest-with-lifecycle {
        include guest;
        export auricle:process/lifecycle@0.1.0;
    }";

/// Imports, memory and what every guest needs. Memory below 1024 is fixed: 128 results of calls, 160 the result of
/// `execute`, 256 a list of one handle.
const PRELUDE: &str = r#"
  (import "auricle:process/process-properties@0.1.0" "get" (func $get (param i32 i32 i32)))
  (import "auricle:process/process-properties@0.1.0" "set" (func $set (param i32 i32 i32 i32)))
  (import "auricle:process/execution@0.1.0" "log" (func $log (param i32 i32 i32)))
  (import "auricle:process/execution@0.1.0" "id" (func $id (param i32)))
  (import "auricle:process/execution@0.1.0" "mode" (func $mode (param i32)))
  (import "auricle:process/documents@0.1.0" "[constructor]document" (func $new (param i32 i32) (result i32)))
  (import "auricle:process/documents@0.1.0" "[method]document.data" (func $data (param i32 i32)))
  (import "auricle:process/documents@0.1.0" "[method]document.size" (func $size (param i32) (result i64)))
  (import "auricle:process/documents@0.1.0" "[method]document.append" (func $append (param i32 i32 i32)))
  (import "auricle:process/documents@0.1.0" "[method]document.duplicate" (func $duplicate (param i32) (result i32)))
  (import "auricle:process/documents@0.1.0" "[resource-drop]document" (func $drop (param i32)))
  (import "auricle:process/processes@0.1.0" "call" (func $call (param i32 i32 i32 i32 i32)))
  (import "wasi:cli/environment@0.2.6" "get-environment" (func $environment (param i32)))
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/stderr@0.2.6" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))
  (import "wasi:filesystem/types@0.2.6" "[method]descriptor.create-directory-at" (func $mkdir (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (table $table 1 funcref)
  (global $top (mut i32) (i32.const 1024))
  (global $uses (mut i32) (i32.const 0))
  (global $kept (mut i32) (i32.const 0))
  (global $ready (mut i32) (i32.const 0))
  (data (i32.const 16) "asked to fail")
  (data (i32.const 32) "who")
  (data (i32.const 48) "a line that says little")
  (data (i32.const 80) "one\ntwo\n")
  (data (i32.const 96) "ut")
  (func $alloc (export "cabi_realloc") (param $p i32) (param $os i32) (param $al i32) (param $ns i32) (result i32)
    (local $r i32)
    (local.set $r (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $r) (local.get $ns)))
    (block $ok (loop $l
      (br_if $ok (i32.le_u (global.get $top) (i32.shl (memory.size) (i32.const 16))))
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
      (br $l)))
    (if (local.get $p) (then (memory.copy (local.get $r) (local.get $p) (local.get $os))))
    (local.get $r))
  (func $result (param $tag i32) (param $ptr i32) (param $len i32) (result i32)
    (i32.store8 (i32.const 160) (local.get $tag))
    (i32.store (i32.const 164) (local.get $ptr))
    (i32.store (i32.const 168) (local.get $len))
    (i32.const 160))
  ;; The result of `execute`: one new document of these bytes.
  (func $document (param $ptr i32) (param $len i32) (result i32)
    (i32.store (i32.const 256) (call $new (local.get $ptr) (local.get $len)))
    (call $result (i32.const 0) (i32.const 256) (i32.const 1)))
  ;; The result of `execute`: what `processes.call` gave at 128, or its error as a failure.
  (func $called (result i32)
    (call $result (i32.load8_u (i32.const 128)) (i32.load (i32.const 132)) (i32.load (i32.const 136))))
  (func $deeper (param i32) (result i32) (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func $wait (param $nanoseconds i64) (call $block (call $after (local.get $nanoseconds))))
  (func (export "cabi_post_auricle:process/listener@0.1.0#execute") (param i32) (global.set $top (i32.const 1024)))
"#;

/// A guest that does what the first byte of its first document says; `$p` and `$l` are that document's bytes.
const COMMANDS: &[(char, &str)] = &[
    // echo: gives its documents back
    ('e', "(return (call $result (i32.const 0) (local.get $docs) (local.get $n)))"),
    // uses: how often this instance has executed, as four bytes
    ('u', "(i32.store (i32.const 512) (global.get $uses)) (return (call $document (i32.const 512) (i32.const 4)))"),
    // ready: whether `lifecycle.start` has run, as four bytes
    ('y', "(i32.store (i32.const 512) (global.get $ready)) (return (call $document (i32.const 512) (i32.const 4)))"),
    // trap
    ('t', "(unreachable)"),
    // panic: says something on stderr and traps
    ('x', "(call $write (call $stderr) (i32.const 16) (i32.const 13) (i32.const 128)) (unreachable)"),
    // spin for ever
    ('s', "(loop $forever (br $forever))"),
    // sleep for ten minutes in a call of the host
    ('w', "(call $wait (i64.const 600000000000))"),
    // sleep for 200 ms, then say the uses
    ('z', "(call $wait (i64.const 200000000)) (i32.store (i32.const 512) (global.get $uses)) (return (call $document (i32.const 512) (i32.const 4)))"),
    // leave 500 timers open, then say the uses
    ('q', "(loop $more (drop (call $after (i64.const 1))) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $more (i32.lt_u (local.get $i) (i32.const 500))))
        (i32.store (i32.const 512) (global.get $uses)) (return (call $document (i32.const 512) (i32.const 4)))"),
    // memory: grow until refused, then abort
    ('m', "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)"),
    // grow by 2 MiB and keep it
    ('g', "(drop (memory.grow (i32.const 32))) (i32.store (i32.const 512) (global.get $uses)) (return (call $document (i32.const 512) (i32.const 4)))"),
    // table: grow until refused, then abort
    ('T', "(loop $more (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 100)) (i32.const -1)))) (unreachable)"),
    // hand over 128 KiB in one call
    ('H', "(return (call $document (i32.const 0) (i32.const 131072)))"),
    // recurse for ever
    ('r', "(drop (call $deeper (i32.const 0)))"),
    // log: 200,000 lines
    ('l', "(loop $more (call $log (i32.const 2) (i32.const 48) (i32.const 23)) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $more (i32.lt_u (local.get $i) (i32.const 200000)))) (return (call $result (i32.const 0) (i32.const 0) (i32.const 0)))"),
    // handles: make documents for ever and keep them
    ('h', "(loop $more (drop (call $new (i32.const 16) (i32.const 1))) (br $more))"),
    // bytes: append to one document for ever
    ('b', "(local.set $h (call $new (i32.const 0) (i32.const 0))) (loop $more (call $append (local.get $h) (i32.const 0) (i32.const 65536)) (br $more))"),
    // bytes by duplicates: each counts in full
    ('B', "(local.set $h (call $new (i32.const 0) (i32.const 65536))) (loop $more (drop (call $duplicate (local.get $h))) (br $more))"),
    // properties: set for ever
    ('P', "(loop $more (call $set (i32.const 32) (i32.const 3) (i32.const 0) (i32.const 1024)) (br $more))"),
    // fail
    ('f', "(return (call $result (i32.const 1) (i32.const 16) (i32.const 13)))"),
    // property: the value of `who`, nothing if it was never set
    ('p', "(call $get (i32.const 32) (i32.const 3) (i32.const 128))
        (if (i32.eqz (i32.load8_u (i32.const 128))) (then (return (call $document (i32.const 0) (i32.const 0)))))
        (return (call $document (i32.load (i32.const 132)) (i32.load (i32.const 136))))"),
    // set `who` to the rest of the document, call the process named `child` with a document `p`, give what it returns
    ('S', "(call $set (i32.const 32) (i32.const 3) (i32.add (local.get $p) (i32.const 1)) (i32.sub (local.get $l) (i32.const 1)))
        (i32.store8 (i32.const 512) (i32.const 0x70))
        (i32.store (i32.const 256) (call $new (i32.const 512) (i32.const 1)))
        (i32.store (i32.const 516) (i32.const 0x6c696863)) (i32.store8 (i32.const 520) (i32.const 0x64))
        (call $call (i32.const 516) (i32.const 5) (i32.const 256) (i32.const 1) (i32.const 128)) (return (call $called))"),
    // call the process named by the rest of the document with these same documents
    ('c', "(call $call (i32.add (local.get $p) (i32.const 1)) (i32.sub (local.get $l) (i32.const 1)) (local.get $docs) (local.get $n) (i32.const 128)) (return (call $called))"),
    // call the process named from the third byte on, with a document of the second byte
    ('d', "(i32.store (i32.const 256) (call $new (i32.add (local.get $p) (i32.const 1)) (i32.const 1)))
        (call $call (i32.add (local.get $p) (i32.const 2)) (i32.sub (local.get $l) (i32.const 2)) (i32.const 256) (i32.const 1) (i32.const 128)) (return (call $called))"),
    // id of the execution
    ('i', "(call $id (i32.const 128)) (return (call $document (i32.load (i32.const 128)) (i32.load (i32.const 132))))"),
    // mode of the execution
    ('o', "(call $mode (i32.const 128)) (return (call $document (i32.load (i32.const 128)) (i32.load (i32.const 132))))"),
    // keep the document beyond the execution, and use it in the next
    ('k', "(global.set $kept (i32.load (local.get $docs))) (return (call $result (i32.const 0) (i32.const 0) (i32.const 0)))"),
    ('K', "(drop (call $size (global.get $kept)))"),
    // drop the kept document, late
    ('D', "(call $drop (global.get $kept)) (return (call $document (local.get $p) (local.get $l)))"),
    // the name of the first variable of the environment
    ('v', "(call $environment (i32.const 128)) (if (i32.eqz (i32.load (i32.const 132))) (then (return (call $document (i32.const 0) (i32.const 0)))))
        (local.set $i (i32.load (i32.const 128))) (return (call $document (i32.load (local.get $i)) (i32.load (i32.add (local.get $i) (i32.const 4)))))"),
    // stdout: two lines
    ('O', "(call $write (call $stdout) (i32.const 80) (i32.const 8) (i32.const 128)) (return (call $result (i32.const 0) (i32.const 0) (i32.const 0)))"),
    // make a folder named by the rest of the document in the first granted folder: gives tag and error code
    ('n', "(call $directories (i32.const 128)) (if (i32.eqz (i32.load (i32.const 132))) (then (return (call $result (i32.const 1) (i32.const 16) (i32.const 13)))))
        (call $mkdir (i32.load (i32.load (i32.const 128))) (i32.add (local.get $p) (i32.const 1)) (i32.sub (local.get $l) (i32.const 1)) (i32.const 512))
        (return (call $document (i32.const 512) (i32.const 2)))"),
];

fn listener() -> String {
    let mut body = String::new();
    for (command, code) in COMMANDS {
        body += &format!("(if (i32.eq (local.get $c) (i32.const {})) (then {code}))\n", *command as u32);
    }
    format!(
        r#"(func $execute (export "auricle:process/listener@0.1.0#execute") (param $docs i32) (param $n i32) (result i32)
            (local $c i32) (local $p i32) (local $l i32) (local $i i32) (local $h i32)
            (global.set $uses (i32.add (global.get $uses) (i32.const 1)))
            (if (i32.eqz (local.get $n)) (then (return (call $result (i32.const 0) (i32.const 0) (i32.const 0)))))
            (call $data (i32.load (local.get $docs)) (i32.const 128))
            (local.set $p (i32.load (i32.const 128)))
            (local.set $l (i32.load (i32.const 132)))
            (local.set $c (i32.load8_u (local.get $p)))
            {body}
            (unreachable))"#
    )
}

/// The guest of many commands.
pub(crate) fn commands() -> Vec<u8> {
    component(&format!("(module {PRELUDE} {})", listener()), WORLD, "guest")
}

/// The same with more in its module.
pub(crate) fn with(more: &str) -> Vec<u8> {
    component(&format!("(module {PRELUDE} {} {more})", listener()), WORLD, "guest")
}

/// The same with `lifecycle.start`, whose body leaves the address of its result.
pub(crate) fn with_start(body: &str) -> Vec<u8> {
    let start = format!(r#"(func (export "auricle:process/lifecycle@0.1.0#start") (result i32) {body})"#);
    component(&format!("(module {PRELUDE} {} {start})", listener()), WORLD, "guest-with-lifecycle")
}

/// A start that succeeds and leaves its mark.
pub(crate) const START: &str = "(global.set $ready (i32.add (global.get $ready) (i32.const 1)))
    (call $log (i32.const 2) (i32.const 48) (i32.const 23))
    (i32.store8 (i32.const 176) (i32.const 0)) (i32.const 176)";

/// A start that keeps the first letter of the mode as its mark.
pub(crate) const MODE_AT_START: &str =
    "(call $mode (i32.const 128)) (global.set $ready (i32.load8_u (i32.load (i32.const 128))))
    (i32.store8 (i32.const 176) (i32.const 0)) (i32.const 176)";

/// A start that fails.
pub(crate) const FAILING_START: &str =
    "(i32.store8 (i32.const 176) (i32.const 1)) (i32.store (i32.const 180) (i32.const 16))
    (i32.store (i32.const 184) (i32.const 13)) (i32.const 176)";

/// A module of one exported function, as a component of a world. The world is in the last of the packages.
pub(crate) fn component(wat: &str, wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_path("../../wit").unwrap();
    for (name, text) in WASI {
        resolve.push_str(name, text).unwrap();
    }
    encode(resolve, wat, wit, world)
}

/// The same without the real package `auricle:process`, to stand for another version of it.
pub(crate) fn foreign_component(wat: &str, packages: &[&str], world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (last, others) = packages.split_last().unwrap();
    for (index, text) in others.iter().enumerate() {
        resolve.push_str(format!("{index}.wit"), text).unwrap();
    }
    encode(resolve, wat, last, world)
}

fn encode(mut resolve: Resolve, wat: &str, wit: &str, world: &str) -> Vec<u8> {
    let package = resolve.push_str("world.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(wat).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}
