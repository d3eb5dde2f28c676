//! What an engine holds at a moment, for metrics. Asked for when somebody looks, never on a request's way.

/// Room for instances, and what the pooling allocator has given out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineStatus {
    /// Permits of instances that there are: [`Engine::max_instances`](crate::Engine::max_instances). Most components take one for each instance.
    pub permits: u64,
    /// Of these those that nobody has.
    pub free: u64,
    /// Executions that wait for one.
    pub starving: u64,
    /// The pooling allocator's own counts; none where instances are mapped one by one.
    pub allocator: Option<AllocatorStatus>,
}

/// What the pooling allocator counts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllocatorStatus {
    /// Components that are instantiated.
    pub component_instances: u64,
    /// Core modules that are.
    pub core_instances: u64,
    /// Linear memories in use.
    pub memories: u64,
    /// Tables in use.
    pub tables: u64,
    /// Stacks in use.
    pub stacks: u64,
    /// Memory slots that lie ready, still mapped for the module that used them last.
    pub unused_warm_memories: u64,
    /// Bytes of memories and tables not in use that are kept resident.
    pub unused_bytes_resident: u64,
}

impl AllocatorStatus {
    pub(crate) fn of(engine: &wasmtime::Engine) -> Option<Self> {
        let metrics = engine.pooling_allocator_metrics()?;
        let resident = metrics.unused_memory_bytes_resident() + metrics.unused_table_bytes_resident();
        Some(Self {
            component_instances: metrics.component_instances(),
            core_instances: metrics.core_instances(),
            memories: metrics.memories() as u64,
            tables: metrics.tables() as u64,
            stacks: metrics.stacks() as u64,
            unused_warm_memories: u64::from(metrics.unused_warm_memories()),
            unused_bytes_resident: resident as u64,
        })
    }
}
