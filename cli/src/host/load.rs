//! From a manifest to components that can be called.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::front::Front;
use super::guest::{Blueprint, Guest};
use super::handler::Pool;
use super::log::Log;
use super::manifest::{self, Manifest};
use super::service::{CpuQueue, Service};
use super::sqlite::Database;
use super::variables::Variables;
use super::{Shared, engine, kv, mounts};

/// Where components come from, and where state goes.
pub(crate) struct Place {
    /// The directory of the manifest; empty for the embedded application.
    pub(crate) directory: PathBuf,
    /// Components inside the binary, by name.
    pub(crate) embedded: &'static [(&'static str, &'static [u8])],
    pub(crate) state: PathBuf,
    /// Bytes for the memory store.
    pub(crate) cache_budget: usize,
    /// Largest SQLite file.
    pub(crate) state_limit: u64,
}

/// Threads for CPU-heavy components.
pub(crate) struct Cpu {
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) threads: usize,
}

/// Compiles the components and connects them.
pub(crate) fn application(
    manifest: Manifest,
    place: &Place,
    cpu: &Cpu,
    log: Log,
) -> anyhow::Result<Front> {
    let engine = engine::build(&place.state.join("modules"))?;
    let linker = engine::linker(&engine)?;
    let compiled = compile(&engine, &linker, &manifest.components, place)?;
    let shared = Arc::new(shared(&manifest, place, log));
    let threads = Arc::new(Semaphore::new(cpu.threads));
    let mut services = BTreeMap::new();
    for ((name, component), pre) in manifest.components.into_iter().zip(compiled) {
        let blueprint = blueprint(&name, component, place, &shared)?;
        let heavy = blueprint.limits.cpu_heavy;
        let pool = Pool {
            engine: engine.clone(),
            pre: ProxyPre::P3(pre),
            blueprint: Arc::new(blueprint),
        };
        let queue = heavy.then(|| CpuQueue::new(cpu.runtime.clone(), Arc::clone(&threads)));
        services.insert(name, Arc::new(Service::new(pool, queue)));
    }
    let mut routes = Vec::new();
    for (pattern, name) in manifest.routes {
        let service = services
            .get(&name)
            .with_context(|| format!("route {pattern} leads to no component"))?;
        routes.push((pattern, Arc::clone(service)));
    }
    shared.introduce(services);
    Ok(Front::new(shared, routes))
}

fn shared(manifest: &Manifest, place: &Place, log: Log) -> Shared {
    let all = |labels: fn(&manifest::Component) -> &BTreeSet<String>| -> BTreeSet<&str> {
        manifest
            .components
            .values()
            .flat_map(|c| labels(c))
            .map(String::as_str)
            .collect()
    };
    let stores = kv::Stores::new(
        all(|c| &c.key_value).into_iter(),
        &place.state,
        place.cache_budget,
        place.state_limit,
    );
    let databases = all(|c| &c.sqlite)
        .into_iter()
        .map(|label| {
            let file = place.state.join(format!("{label}.sqlite3"));
            (
                label.to_owned(),
                Database::new(file, place.state_limit, None),
            )
        })
        .collect();
    Shared::new(stores, databases, log)
}

fn blueprint(
    name: &str,
    component: manifest::Component,
    place: &Place,
    shared: &Arc<Shared>,
) -> anyhow::Result<Blueprint> {
    let target = place.state.join("mounts").join(name);
    Ok(Blueprint {
        name: name.into(),
        limits: component.limits,
        allowed: component.allowed,
        key_value: component.key_value,
        sqlite: component.sqlite,
        variables: Variables::new(component.variables),
        environment: component.environment.into_iter().collect(),
        mounts: mounts::prepare(&component.files, &place.directory, &target)
            .with_context(|| format!("component {name}"))?,
        metrics: Arc::default(),
        shared: Arc::clone(shared),
    })
}

/// Compiles all components side by side; each takes seconds the first time, and is read from disk afterwards.
fn compile(
    engine: &Engine,
    linker: &Linker<Guest>,
    components: &BTreeMap<String, manifest::Component>,
    place: &Place,
) -> anyhow::Result<Vec<ServicePre<Guest>>> {
    std::thread::scope(|scope| {
        let running: Vec<_> = components
            .iter()
            .map(|(name, component)| {
                scope.spawn(move || {
                    compile_one(engine, linker, name, component, place)
                        .with_context(|| format!("component {name}"))
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("the compiler failed"))?
            })
            .collect()
    })
}

fn compile_one(
    engine: &Engine,
    linker: &Linker<Guest>,
    name: &str,
    component: &manifest::Component,
    place: &Place,
) -> anyhow::Result<ServicePre<Guest>> {
    let bytes = source(name, &component.source, place)?;
    let component = Component::from_binary(engine, &bytes).map_err(anyhow::Error::from)?;
    let pre = linker
        .instantiate_pre(&component)
        .map_err(anyhow::Error::from)
        .context("it imports something that this host does not have")?;
    ServicePre::new(pre)
        .map_err(anyhow::Error::from)
        .context("it is not a `wasi:http/service` of WASI 0.3")
}

fn source<'b>(
    name: &str,
    source: &str,
    place: &Place,
) -> anyhow::Result<std::borrow::Cow<'b, [u8]>> {
    if let Some((_, bytes)) = place
        .embedded
        .iter()
        .find(|(embedded, _)| *embedded == name)
    {
        return Ok((*bytes).into());
    }
    let path: PathBuf = Path::new(&place.directory).join(source);
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes.into())
}
