//! Bindings of the WIT package `auricle:process`, generated at compile time. They cost nothing until they are called.
//! Host functions are implemented on [`State`](crate::state::State): documents, properties and log beside this file, `sql` in
//! `connections`, `http-client` in `outgoing`.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "process",
    with: {
        "auricle:process/documents.document": crate::documents::Doc,
        "auricle:process/sql.connection": crate::connections::Connection,
        "auricle:process/sql.transaction": crate::connections::Transaction,
        "auricle:process/sql.cursor": crate::connections::Cursor,
    },
    imports: {
        "auricle:process/processes.call": async | trappable,
        "auricle:process/http-client.send": async | trappable,
        "auricle:process/sql": async | trappable,
        default: trappable,
    },
    exports: { default: async },
});

/// The optional export, in a world of its own so that its type is checked when a component is loaded.
pub(crate) mod lifecycle {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package auricle:host;
            world lifecycle-only {
                export auricle:process/lifecycle@0.1.0;
            }
        ",
        exports: { default: async },
    });
}
