//! What there is to compare with: wasmtime alone, in the settings that `auricle-process` gives it, with a guest that does
//! nothing, and with the small guest and as little of a host around it as it can do with.

use std::sync::Arc;

use anyhow::{Result, ensure};
use auricle_model::Mode;
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use wasmtime::component::{
    Component, ComponentType, InstancePre, Lift, Linker, Resource, ResourceType, TypedFunc, WasmStr,
};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, StoreContextMut};
use wasmtime::{UpdateDeadline, error::Error};

use crate::benches::Run;
use crate::guests;
use crate::site::{BODY, INSTANCES};

/// A typed call of a component that does nothing.
pub(crate) fn engine(mode: Mode) -> Result<Run> {
    let engine = wasmtime()?;
    let component = Component::new(&engine, wat::parse_str(guests::NOTHING)?)?;
    let pre = Linker::<()>::new(&engine).instantiate_pre(&component)?;
    let runtime = runtime()?;
    let make = async move || {
        let mut store = store(&engine, ());
        let instance = pre.instantiate_async(&mut store).await?;
        let run: TypedFunc<(), ()> = instance.get_typed_func(&mut store, "run")?;
        Ok::<_, Error>((store, run))
    };
    Ok(match mode {
        Mode::General => Box::new(move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    let (mut store, run) = make().await?;
                    run.call_async(&mut store, ()).await?;
                }
                Ok(())
            })
        }),
        Mode::LowLatency => {
            let (mut store, run) = runtime.block_on(make())?;
            Box::new(move |times| {
                runtime.block_on(async {
                    for _ in 0..times {
                        run.call_async(&mut store, ()).await?;
                    }
                    Ok(())
                })
            })
        }
    })
}

/// The small guest, with a host that keeps two properties and two documents and bounds nothing.
pub(crate) fn crossings(mode: Mode) -> Result<Run> {
    let engine = wasmtime()?;
    let component = Component::new(&engine, guests::small()?)?;
    let pre = host(&engine)?.instantiate_pre(&component)?;
    let runtime = runtime()?;
    Ok(match mode {
        Mode::General => Box::new(move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    let (mut store, execute) = small(&engine, &pre).await?;
                    call(&mut store, &execute).await?;
                }
                Ok(())
            })
        }),
        Mode::LowLatency => {
            let (mut store, execute) = runtime.block_on(small(&engine, &pre))?;
            Box::new(move |times| {
                runtime.block_on(async {
                    for _ in 0..times {
                        call(&mut store, &execute).await?;
                    }
                    Ok(())
                })
            })
        }
    })
}

/// A runtime on this thread alone: nothing is handed from one thread to another, which would be chance.
pub(crate) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn wasmtime() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 8)
        .total_memories(INSTANCES)
        .total_tables(INSTANCES * 8)
        .total_stacks(INSTANCES)
        .linear_memory_keep_resident(128 << 10)
        .table_keep_resident(64 << 10)
        .decommit_batch_size(1)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .gc_support(false)
        .wasm_memory64(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(Engine::new(&config)?)
}

fn store<T: Send + 'static>(engine: &Engine, data: T) -> Store<T> {
    let mut store = Store::new(engine, data);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
    store
}

/// All that the small guest can reach.
#[derive(Default)]
struct State {
    properties: Vec<(Box<str>, Arc<str>)>,
    documents: [Bytes; 2],
}

/// The resource type of documents: a name only.
enum Doc {}

/// What the guest exports.
type Execute = TypedFunc<(Vec<Resource<Doc>>,), (std::result::Result<Vec<Resource<Doc>>, Failure>,)>;

#[derive(ComponentType, Lift)]
#[component(record)]
struct Failure {
    message: String,
}

fn host(engine: &Engine) -> Result<Linker<State>> {
    type Context<'a> = StoreContextMut<'a, State>;
    let mut linker = Linker::new(engine);
    let mut properties = linker.instance("auricle:process/process-properties@0.1.0")?;
    properties.func_wrap("get", |context: Context<'_>, (name,): (WasmStr,)| {
        let name = name.to_str(&context)?;
        let mut properties = context.data().properties.iter();
        Ok((properties.find(|(known, _)| **known == *name).map(|(_, value)| value.clone()),))
    })?;
    properties.func_wrap("set", |mut context: Context<'_>, (name, value): (Box<str>, Box<str>)| {
        context.data_mut().properties.push((name, value.into()));
        Ok(())
    })?;
    let mut documents = linker.instance("auricle:process/documents@0.1.0")?;
    documents.resource("document", ResourceType::host::<Doc>(), |mut context: Context<'_>, index| {
        *document(&mut context, index)? = Bytes::new();
        Ok(())
    })?;
    documents.func_wrap("[constructor]document", |mut context: Context<'_>, (data,): (Vec<u8>,)| {
        *document(&mut context, 1)? = data.into();
        Ok((Resource::<Doc>::new_own(1),))
    })?;
    documents.func_wrap("[method]document.data", |mut context: Context<'_>, (handle,): (Resource<Doc>,)| {
        Ok((document(&mut context, handle.rep())?.clone(),))
    })?;
    Ok(linker)
}

fn document<'a>(context: &'a mut StoreContextMut<'_, State>, index: u32) -> wasmtime::Result<&'a mut Bytes> {
    context.data_mut().documents.get_mut(index as usize).ok_or_else(|| Error::msg("no such document"))
}

async fn small(engine: &Engine, pre: &InstancePre<State>) -> Result<(Store<State>, Execute)> {
    let mut store = store(engine, State::default());
    let instance = pre.instantiate_async(&mut store).await?;
    let listener = instance.get_export_index(&mut store, None, "auricle:process/listener@0.1.0");
    let execute = instance.get_export_index(&mut store, listener.as_ref(), "execute");
    let execute = execute.ok_or_else(|| Error::msg("no `execute`"))?;
    let execute = instance.get_typed_func(&mut store, execute)?;
    Ok((store, execute))
}

async fn call(store: &mut Store<State>, execute: &Execute) -> Result<()> {
    let state = store.data_mut();
    state.properties.clear();
    state.properties.push(("inmethod".into(), "POST".into()));
    state.documents = [Bytes::from_static(BODY.as_bytes()), Bytes::new()];
    let (returned,) = execute.call_async(&mut *store, (vec![Resource::new_own(0)],)).await?;
    let returned = returned.map_err(|failure| Error::msg(failure.message))?;
    let [document] = &returned[..] else { return Err(Error::msg("not one document").into()) };
    ensure!(document.rep() == 1 && store.data().documents[1] == BODY, "not the echo");
    Ok(())
}
