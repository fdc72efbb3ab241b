//! The wasmtime engine: one for the whole host, sized at start from what the components may use together.

use crate::budget::Ticks;
use crate::http_client;
use crate::limits::Limits;
use crate::pause;
use crate::state::State;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, RegallocAlgorithm};

/// Core instances of one component: its module, wit-component's shims, and as much again for each composed dependency.
const CORE_INSTANCES_PER_COMPONENT: u32 = 64;

/// Memory that a freed slot keeps mapped, so that the next instance does not fault it in again. 2 MiB is what a Rust
/// service has touched after its first requests (Spin keeps the same).
const MEMORY_KEEP_RESIDENT: usize = 2 << 20;
const TABLE_KEEP_RESIDENT: usize = 512 << 10;

/// What the engine must have room for.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Instances that may live at once, all pools together.
    pub instances: u32,
    /// Bytes of the largest linear memory that any component may have.
    pub max_memory: usize,
    /// Off where address space is short (`--disable-pooling`).
    pub pooling: bool,
}

impl EngineOptions {
    /// Room for two pools (HTTP and typed calls) of each component, and for as many again while a new version of a
    /// component replaces an old one.
    pub fn for_components<'a>(limits: impl Iterator<Item = &'a Limits> + Clone) -> Self {
        let pools: usize = limits.clone().map(|limits| limits.instances_with_reserve() * 2).sum();
        let max_memory = limits.map(|limits| limits.memory).max().unwrap_or(128 << 20);
        Self { instances: u32::try_from(pools * 2).unwrap_or(u32::MAX).max(16), max_memory, pooling: true }
    }
}

/// The engine, with the ticker that lets guests be interrupted.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
}

impl Engine {
    pub fn new(options: &EngineOptions) -> wasmtime::Result<Self> {
        let engine = if options.pooling {
            wasmtime::Engine::new(&config(Some(options))).or_else(|error| {
                tracing::warn!("instances are slower to start: the address space for a pool of them is not available (ulimit -v?): {error:#}");
                wasmtime::Engine::new(&config(None))
            })?
        } else {
            wasmtime::Engine::new(&config(None))?
        };
        start_ticker(&engine);
        Ok(Self { engine })
    }

    /// An engine that compiles in a fraction of the time, to slower code, which an engine of [`Engine::new`] runs.
    pub fn draft(options: &EngineOptions) -> wasmtime::Result<Self> {
        let mut config = config(options.pooling.then_some(options));
        config.cranelift_opt_level(OptLevel::None).cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        Ok(Self { engine: wasmtime::Engine::new(&config)? })
    }

    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// A linker with what every component has: WASI 0.2 (which Rust's standard library imports) and WASI 0.3.
    pub fn linker(&self) -> wasmtime::Result<Linker<State>> {
        let mut linker = Linker::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        http_client::add_to_linker(&mut linker)?;
        Ok(linker)
    }
}

fn config(pool: Option<&EngineOptions>) -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.wasm_component_model_async(true);
    config.concurrency_support(true);
    config.epoch_interruption(true);
    config.memory_init_cow(true);
    // 1.5 MiB of an async stack stay for host code below the guest's 512 KiB.
    config.max_wasm_stack(512 << 10);
    config.async_stack_size(2 << 20);
    if let Some(options) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(options)));
    }
    config
}

fn pooling(options: &EngineOptions) -> PoolingAllocationConfig {
    let instances = options.instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    pool.total_core_instances(instances.saturating_mul(8));
    pool.total_memories(instances.saturating_mul(2));
    pool.total_tables(instances.saturating_mul(4));
    pool.total_stacks(instances.saturating_mul(2));
    pool.max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT);
    pool.max_memories_per_component(32);
    pool.max_tables_per_component(64);
    pool.max_memory_size(options.max_memory);
    pool.table_elements(100_000);
    pool.max_component_instance_size(10 << 20);
    pool.max_core_instance_size(10 << 20);
    pool.linear_memory_keep_resident(MEMORY_KEEP_RESIDENT);
    pool.table_keep_resident(TABLE_KEEP_RESIDENT);
    pool.max_unused_warm_slots(instances.min(100));
    // 48.0.8 mistakes a dirty page that is not present for a clean one, so that the next tenant of a slot could read it.
    // Without swap, too: a page that the kernel moves (compaction) is not present for a moment.
    pool.pagemap_scan(Enabled::No);
    pool
}

/// Advances the epoch on a thread of its own: a busy scheduler must not stop the clock that interrupts its guests.
fn start_ticker(engine: &wasmtime::Engine) {
    let engine = engine.weak();
    let ticker = std::thread::Builder::new().name("epoch-ticker".into()).spawn(move || {
        let mut ticks = Ticks::default();
        while let Some(engine) = engine.upgrade() {
            pause::tick();
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(ticks.until_next());
        }
    });
    if let Err(error) = ticker {
        tracing::error!("failed to start the epoch ticker, guests that compute will not yield: {error}");
    }
}
