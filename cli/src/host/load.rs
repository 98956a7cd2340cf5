//! From a manifest to components that can be called.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::embedded::Embedded;
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
    pub(crate) embedded: &'static [Embedded],
    pub(crate) state: PathBuf,
    /// Bytes for the memory store.
    pub(crate) cache_budget: usize,
    /// Largest `SQLite` file.
    pub(crate) state_limit: u64,
}

/// Threads for CPU-heavy components: those on which visitors wait, and those for what nobody waits for.
pub(crate) struct Cpu {
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) background: tokio::runtime::Handle,
    /// How many there are of either.
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
    let (threads, spare) = (Semaphore::new(cpu.threads), Semaphore::new(cpu.threads));
    let (threads, spare) = (Arc::new(threads), Arc::new(spare));
    let mut services = BTreeMap::new();
    for ((name, component), pre) in manifest.components.into_iter().zip(compiled) {
        let blueprint = blueprint(&name, component, place, &shared)?;
        let heavy = blueprint.limits.cpu_heavy;
        let pool = Pool {
            engine: engine.clone(),
            pre: Arc::new(ProxyPre::P3(pre)),
            blueprint: Arc::new(blueprint),
        };
        let service = if heavy {
            let queue = CpuQueue::new(cpu.runtime.clone(), Arc::clone(&threads));
            let background = CpuQueue::new(cpu.background.clone(), Arc::clone(&spare));
            Service::heavy(pool, queue, background)
        } else {
            Service::light(pool)
        };
        services.insert(name, Arc::new(service));
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
            .flat_map(labels)
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
/// Says so when it takes long.
fn compile(
    engine: &Engine,
    linker: &Linker<Guest>,
    components: &BTreeMap<String, manifest::Component>,
    place: &Place,
) -> anyhow::Result<Vec<ServicePre<Guest>>> {
    let started = Instant::now();
    let (finished, progress) = mpsc::channel();
    std::thread::scope(|scope| {
        let running: Vec<_> = components
            .iter()
            .map(|(name, component)| {
                let finished = finished.clone();
                scope.spawn(move || {
                    let result = compile_one(engine, linker, name, component, place)
                        .with_context(|| format!("component {name}"));
                    if result.is_ok() {
                        // The other end outlives this thread.
                        let _ = finished.send((name.as_str(), started.elapsed()));
                    }
                    result
                })
            })
            .collect();
        drop(finished);
        let sizes = components
            .iter()
            .map(|(name, component)| (name.as_str(), size(name, &component.source, place)));
        tell(&progress, sizes.collect());
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

/// What is read from disk is there sooner than this.
const SILENCE: Duration = Duration::from_millis(400);

/// Says which components are being compiled, and how long each took, until all are done.
fn tell(progress: &Receiver<(&str, Duration)>, mut waiting: BTreeMap<&str, u64>) {
    let deadline = Instant::now() + SILENCE;
    while let Ok((name, _)) =
        progress.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    {
        waiting.remove(name);
    }
    if waiting.is_empty() {
        return;
    }
    for (name, bytes) in &waiting {
        eprintln!("compiling {name} ({:.1} MB) …", *bytes as f64 / 1e6);
    }
    let mut total = Duration::ZERO;
    for (name, took) in progress {
        waiting.remove(name);
        eprintln!("compiled {name} in {:.1} s", took.as_secs_f64());
        total = total.max(took);
    }
    // Otherwise one failed, and its error follows.
    if waiting.is_empty() {
        let total = total.as_secs_f64();
        eprintln!("compiled all in {total:.1} s; the next start reads the code from disk");
    }
}

/// Bytes of a component; none when it cannot be read, which is an error elsewhere.
fn size(name: &str, source: &str, place: &Place) -> u64 {
    match embedded(name, place) {
        Some(bytes) => bytes.len() as u64,
        None => std::fs::metadata(place.directory.join(source)).map_or(0, |file| file.len()),
    }
}

fn embedded(name: &str, place: &Place) -> Option<&'static [u8]> {
    let found = place
        .embedded
        .iter()
        .find(|(embedded, _)| *embedded == name);
    found.map(|(_, bytes)| *bytes)
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

fn source(
    name: &str,
    source: &str,
    place: &Place,
) -> anyhow::Result<std::borrow::Cow<'static, [u8]>> {
    if let Some(bytes) = embedded(name, place) {
        return Ok(bytes.into());
    }
    let path = place.directory.join(source);
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes.into())
}
