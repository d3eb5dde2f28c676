//! What wit-bindgen makes of `wit/process.wit`. Nothing but `host::wasm` and the glue of the attribute macros looks in here.
//!
//! The listener and the lifecycle are generated as two worlds, so that a process exports `lifecycle` only when it has a
//! function for it: a component has to export all of the world that it is linked with, and linking unites worlds.

#![allow(unsafe_code, reason = "the component ABI passes raw pointers; the generator's code is all there is of it")]
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, reason = "generated")]

/// The world `process`: all imports, and the listener.
pub mod process {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "auricle:process/process",
        export_macro_name: "__export_listener",
        pub_export_macro: true,
        default_bindings_module: "auricle_guest::__private::process",
        generate_all,
    });
}

/// The lifecycle alone.
pub mod lifecycle {
    wit_bindgen::generate!({
        inline: "
            package auricle:guest-rust;
            world lifecycle-only {
                export auricle:process/lifecycle@0.1.0;
            }
        ",
        path: "../../wit",
        world: "auricle:guest-rust/lifecycle-only",
        export_macro_name: "__export_lifecycle",
        pub_export_macro: true,
        default_bindings_module: "auricle_guest::__private::lifecycle",
        generate_all,
    });
}
