//! The guests that are counted, written in the text format: what they do is the same whatever compiler the machine has, so
//! that a count changes only where the host does.

use anyhow::{Context, Result};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract, as a part of this program: it runs from anywhere.
const CONTRACT: &str = include_str!("../../../wit/process.wit");

const WORLD: &str = "package count:guest; world guest { include auricle:process/process@0.1.0; }";

/// Six crossings: one property read, two set, the document's bytes, a new document of them, the drop of the old one.
/// The new document is the answer.
const SMALL: &str = r#"(module
  (import "auricle:process/process-properties@0.1.0" "get" (func $get (param i32 i32 i32)))
  (import "auricle:process/process-properties@0.1.0" "set" (func $set (param i32 i32 i32 i32)))
  (import "auricle:process/documents@0.1.0" "[constructor]document" (func $new (param i32 i32) (result i32)))
  (import "auricle:process/documents@0.1.0" "[method]document.data" (func $data (param i32 i32)))
  (import "auricle:process/documents@0.1.0" "[resource-drop]document" (func $drop (param i32)))
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 1024))
  (data (i32.const 16) "inmethod")
  (data (i32.const 32) "first")
  (data (i32.const 48) "second")
  (data (i32.const 64) "a value")
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func (export "auricle:process/listener@0.1.0#execute") (param $documents i32) (param $n i32) (result i32)
    (call $get (i32.const 16) (i32.const 8) (i32.const 128))
    (if (i32.eqz (i32.load8_u (i32.const 128))) (then (unreachable)))
    (call $set (i32.const 32) (i32.const 5) (i32.load (i32.const 132)) (i32.load (i32.const 136)))
    (call $set (i32.const 48) (i32.const 6) (i32.const 64) (i32.const 7))
    (call $data (i32.load (local.get $documents)) (i32.const 128))
    (i32.store (i32.const 256) (call $new (i32.load (i32.const 128)) (i32.load (i32.const 132))))
    (call $drop (i32.load (local.get $documents)))
    (i32.store8 (i32.const 160) (i32.const 0))
    (i32.store (i32.const 164) (i32.const 256))
    (i32.store (i32.const 168) (i32.const 1))
    (i32.const 160))
  (func (export "cabi_post_auricle:process/listener@0.1.0#execute") (param i32)
    (global.set $top (i32.const 1024))))"#;

/// Does nothing and imports nothing, with a memory, as every guest has one.
pub(crate) const NOTHING: &str = r#"(component
  (core module $m (memory (export "memory") 2) (func (export "run")))
  (core instance $i (instantiate $m))
  (func (export "run") (canon lift (core func $i "run"))))"#;

/// The component of six crossings.
pub(crate) fn small() -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    resolve.push_str("process.wit", CONTRACT)?;
    let package = resolve.push_str("guest.wit", WORLD)?;
    let world = resolve.select_world(&[package], Some("guest"))?;
    let mut module = wat::parse_str(SMALL)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    ComponentEncoder::default().module(&module)?.validate(true).encode().context("the guest")
}
