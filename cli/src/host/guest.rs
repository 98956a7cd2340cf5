//! What an instance carries with it: its WASI world, its limits and the services it may use.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Result};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::Shared;
use super::limits::Limits;
use super::log::Channel;
use super::metrics;
use super::outbound::Outbound;
use super::outbound::allow::Allowed;
use super::variables::Variables;

/// Everything that the instances of one component have in common.
pub(crate) struct Blueprint {
    pub(crate) name: Arc<str>,
    pub(crate) limits: Limits,
    pub(crate) allowed: Allowed,
    pub(crate) key_value: BTreeSet<String>,
    pub(crate) sqlite: BTreeSet<String>,
    pub(crate) variables: Variables,
    pub(crate) environment: Vec<(String, String)>,
    /// Directories of the host and where the guest finds them, read-only.
    pub(crate) mounts: Vec<(PathBuf, String)>,
    pub(crate) metrics: Arc<metrics::Component>,
    pub(crate) shared: Arc<Shared>,
}

/// The data of a store.
pub(crate) struct Guest {
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryLimit,
    pub(crate) blueprint: Arc<Blueprint>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

/// Resources (open stores, connections, requests, bodies) that one instance may hold at once.
const RESOURCES: usize = 8192;

impl Guest {
    pub(crate) fn new(blueprint: Arc<Blueprint>) -> Result<Self> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        Ok(Self {
            table,
            memory: MemoryLimit {
                left: blueprint.limits.memory,
            },
            wasi: wasi(&blueprint)?,
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(Arc::clone(&blueprint)),
            blueprint,
        })
    }
}

fn wasi(blueprint: &Blueprint) -> Result<WasiCtx> {
    let log = &blueprint.shared.log;
    let mut builder = WasiCtx::builder();
    builder
        .envs(&blueprint.environment)
        .stdout(log.guest(&blueprint.name, Channel::Stdout))
        .stderr(log.guest(&blueprint.name, Channel::Stderr))
        // Components call out through HTTP, where `allowed_outbound_hosts` is enforced.
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    for (host, guest) in &blueprint.mounts {
        builder.preopened_dir(host, guest, FsPerms::ReadOnly)?;
    }
    Ok(builder.build())
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

/// Counts the linear memories of an instance together.
pub(crate) struct MemoryLimit {
    left: usize,
}

/// Elements of a table; a large Rust component has a few thousand.
const TABLE_ELEMENTS: usize = 20_000;

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let more = desired.saturating_sub(current);
        match self.left.checked_sub(more) {
            Some(left) => {
                self.left = left;
                Ok(true)
            }
            // The guest's allocator sees a failed growth, and traps.
            None => Ok(false),
        }
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
