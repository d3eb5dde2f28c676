//! Components that no toolchain would make: guests that mean harm, and files that are no guests.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::build::WORKSPACE;

/// A world of its own: a component of it is sound, and no listener process.
const OTHER: &str = "package test:other; world other { export run: func(); }";

const WORLD: &str = "package test:guest; world guest { include auricle:process/process@0.1.0; }";

/// What each guest does when it is executed, for ever.
#[derive(Debug, Clone, Copy)]
pub enum Harm {
    /// Calls itself.
    Recurse,
    /// Logs, but ends: the log is cut, which is no failure.
    FloodLog,
    /// Makes documents and keeps them.
    KeepDocuments,
    /// Adds to one document.
    GrowDocument,
    /// Sets properties.
    SetProperties,
}

impl Harm {
    fn code(self) -> &'static str {
        match self {
            Self::Recurse => "(drop (call $deeper (i32.const 0)))",
            Self::FloodLog => {
                "(loop $more
                  (call $log (i32.const 2) (i32.const 0) (i32.const 64))
                  (local.set $n (i32.add (local.get $n) (i32.const 1)))
                  (br_if $more (i32.lt_u (local.get $n) (i32.const 200000))))"
            }
            Self::KeepDocuments => "(loop $more (drop (call $new (i32.const 0) (i32.const 1))) (br $more))",
            Self::GrowDocument => {
                "(local.set $n (call $new (i32.const 0) (i32.const 0)))
                 (loop $more (call $append (local.get $n) (i32.const 0) (i32.const 65536)) (br $more))"
            }
            Self::SetProperties => {
                "(loop $more
                  (call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1024))
                  (br $more))"
            }
        }
    }
}

/// A listener process that does this, and returns no documents if it ever comes to an end.
pub fn guest(harm: Harm) -> Vec<u8> {
    let code = harm.code();
    let module = format!(
        r#"(module
          (import "auricle:process/process-properties@0.1.0" "set" (func $set (param i32 i32 i32 i32)))
          (import "auricle:process/execution@0.1.0" "log" (func $log (param i32 i32 i32)))
          (import "auricle:process/documents@0.1.0" "[constructor]document" (func $new (param i32 i32) (result i32)))
          (import "auricle:process/documents@0.1.0" "[method]document.append" (func $append (param i32 i32 i32)))
          (memory (export "memory") 2)
          (data (i32.const 0) "a line that says little, over and over and over and over again..")
          (func $deeper (param i32) (result i32)
            (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
          (func (export "auricle:process/listener@0.1.0#execute") (param i32 i32) (result i32)
            (local $n i32)
            {code}
            ;; ok, and an empty list
            (i32.store (i32.const 1024) (i32.const 0))
            (i32.store (i32.const 1028) (i32.const 0))
            (i32.store (i32.const 1032) (i32.const 0))
            (i32.const 1024)))"#
    );
    let mut resolve = Resolve::default();
    resolve.push_path(WORKSPACE.join("wit")).unwrap();
    encode(resolve, &module, WORLD, "guest")
}

/// A listener process that takes long to compile, and much memory, by the number of its operations. It returns nothing.
pub fn heavy(operations: usize) -> Vec<u8> {
    let one = "(local.set $n (i32.xor (i32.mul (local.get $n) (i32.load (local.get $n))) (i32.const 77)))";
    let module = format!(
        r#"(module
          (memory (export "memory") 1)
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
          (func (export "auricle:process/listener@0.1.0#execute") (param i32 i32) (result i32)
            (local $n i32)
            {}
            (i32.const 1024)))"#,
        one.repeat(operations)
    );
    let mut resolve = Resolve::default();
    resolve.push_path(WORKSPACE.join("wit")).unwrap();
    encode(resolve, &module, WORLD, "guest")
}

/// A component that exports no listener.
pub fn of_another_world() -> Vec<u8> {
    encode(Resolve::default(), r#"(module (func (export "run")))"#, OTHER, "other")
}

/// A core module: what comes out where the target is not a component's.
pub fn core_module() -> Vec<u8> {
    wat::parse_str("(module)").unwrap()
}

fn encode(mut resolve: Resolve, module: &str, wit: &str, world: &str) -> Vec<u8> {
    let package = resolve.push_str("world.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}
