//! Host functions that are called with names: these read them where they lie in the guest's memory.
//!
//! The generated bindings copy each argument into a `String` of its own first, which is most of the cost of looking up a
//! property. Names and values of up to 24 bytes are never allocated here; each function does what its namesake in
//! [`execution`](crate::execution) or [`documents`](crate::documents) does.

use compact_str::CompactString;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, WasmStr};

use crate::documents::Doc;
use crate::state::State;

type Context<'a> = StoreContextMut<'a, State>;

/// Replaces the generated forms of what nearly every execution calls.
pub(crate) fn in_place(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut properties = linker.instance("auricle:process/process-properties@0.1.0")?;
    properties.func_wrap("get", |store: Context<'_>, (name,): (WasmStr,)| {
        let name = name.to_str(&store)?;
        Ok((store.data().property(&name).map(str::to_owned),))
    })?;
    properties.func_wrap("set", |mut store: Context<'_>, (name, value): (WasmStr, WasmStr)| {
        let (name, value) = (text(&store, &name)?, text(&store, &value)?);
        store.data_mut().set_property(name, value)
    })?;
    let mut documents = linker.instance("auricle:process/documents@0.1.0")?;
    documents.func_wrap(
        "[method]document.property",
        |store: Context<'_>, (document, name): (Resource<Doc>, WasmStr)| {
            let name = name.to_str(&store)?;
            let document = store.data().documents.get(&document)?;
            Ok((document.properties.get_document(&name).map(str::to_owned),))
        },
    )?;
    documents.func_wrap(
        "[method]document.set-property",
        |mut store: Context<'_>, (document, name, value): (Resource<Doc>, WasmStr, WasmStr)| {
            let (name, value) = (text(&store, &name)?, text(&store, &value)?);
            store.data_mut().documents.set_property(&document, name, value)
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What is kept is bounded as where the bindings copy it.
fn text(store: &Context<'_>, text: &WasmStr) -> wasmtime::Result<CompactString> {
    let text = text.to_str(store)?;
    if text.len() > store.hostcall_fuel() {
        return Err(wasmtime::Error::msg("fuel allocated for hostcalls has been exhausted"));
    }
    Ok(CompactString::from(text))
}
