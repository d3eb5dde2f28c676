//! Whether what a component exports has the types of the world. The generated bindings find that out only when an instance
//! is made; a deployment should not get that far.

use wasmtime::Engine;
use wasmtime::component::types::{Component, ComponentFunc, ComponentItem};
use wasmtime::component::{ResourceType, Type};

use crate::documents::Doc;

/// `execute: func(documents: list<document>) -> result<list<document>, failure>`.
pub(crate) fn check_listener(engine: &Engine, component: &Component) -> Result<(), &'static str> {
    let right = exported(engine, component, "auricle:process/listener@0.1.", "execute").is_some_and(|execute| {
        let takes_documents = matches!(&params(&execute)[..], [ty] if is_documents(ty));
        takes_documents
            && is_result(
                &execute,
                |ok| ok.is_some_and(|ty| is_documents(&ty)),
                |err| match err {
                    Some(Type::Record(failure)) => {
                        failure.fields().map(|f| (f.name, f.ty)).eq([("message", Type::String)])
                    }
                    _ => false,
                },
            )
    });
    right.then_some(()).ok_or(
        "`execute` should be func(documents: list<document>) -> result<list<document>, failure>, with the documents of \
         `auricle:process/documents`",
    )
}

/// `start: func() -> result<_, string>`.
pub(crate) fn check_lifecycle(engine: &Engine, component: &Component) -> Result<(), &'static str> {
    let right = exported(engine, component, "auricle:process/lifecycle@0.1.", "start").is_some_and(|start| {
        params(&start).is_empty() && is_result(&start, |ok| ok.is_none(), |err| err == Some(Type::String))
    });
    right.then_some(()).ok_or("`start` should be func() -> result<_, string>")
}

/// A function of an exported interface, of whichever compatible version.
fn exported(engine: &Engine, component: &Component, interface: &str, function: &str) -> Option<ComponentFunc> {
    let (_, found) = component.exports(engine).find(|(name, _)| name.starts_with(interface))?;
    let ComponentItem::ComponentInstance(instance) = found.ty else { return None };
    match instance.get_export(engine, function)?.ty {
        ComponentItem::ComponentFunc(function) if !function.async_() => Some(function),
        _ => None,
    }
}

fn params(function: &ComponentFunc) -> Vec<Type> {
    function.params().map(|(_, ty)| ty).collect()
}

fn is_result(
    function: &ComponentFunc,
    ok: impl FnOnce(Option<Type>) -> bool,
    err: impl FnOnce(Option<Type>) -> bool,
) -> bool {
    match &function.results().collect::<Vec<_>>()[..] {
        [Type::Result(result)] => ok(result.ok()) && err(result.err()),
        _ => false,
    }
}

fn is_documents(ty: &Type) -> bool {
    matches!(ty, Type::List(list) if list.ty() == Type::Own(ResourceType::host::<Doc>()))
}
