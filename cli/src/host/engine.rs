//! The wasmtime engine: pooled instances, compiled code cached on disk, and a clock that makes busy guests give way.

use std::path::Path;

use anyhow::Context as _;
use wasmtime::component::Linker;
use wasmtime::{
    Cache, CacheConfig, Config, Engine, EngineWeak, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};

use super::guest::Guest;
use super::{interfaces, limits};

/// Builds the engine. `cache` is the directory for compiled code.
pub(crate) fn build(cache: &Path) -> anyhow::Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.wasm_component_model_async(true);
    config.epoch_interruption(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    config.cache(Some(code_cache(cache)?));
    let engine = Engine::new(&config)
        .map_err(anyhow::Error::from)
        .context("the WebAssembly engine does not start")?;
    tick(engine.weak());
    Ok(engine)
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits::INSTANCES)
        .max_core_instances_per_component(limits::CORE_INSTANCES_PER_COMPONENT)
        .total_core_instances(limits::INSTANCES * 8)
        .total_memories(limits::INSTANCES * 2)
        .total_tables(limits::INSTANCES * 4)
        // A concurrent call may hold a stack of its own.
        .total_stacks(limits::INSTANCES * 4)
        .max_memory_size(limits::MAX_MEMORY)
        .max_core_instance_size(1 << 20)
        .max_component_instance_size(1 << 20)
        // What a recycled slot keeps mapped: clearing it is cheaper than faulting it in again.
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(64);
    pool
}

fn code_cache(directory: &Path) -> anyhow::Result<Cache> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let directory = directory
        .canonicalize()
        .with_context(|| format!("cannot find {}", directory.display()))?;
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    Ok(Cache::new(config)?)
}

/// Advances the epoch until the engine is gone.
fn tick(engine: EngineWeak) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(limits::EPOCH_TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
}

/// What every component is linked with.
pub(crate) fn linker(engine: &Engine) -> anyhow::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    interfaces::add_to_linker(&mut linker)?;
    Ok(linker)
}
