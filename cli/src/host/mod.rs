//! The host: one process that runs the application of a `spin.toml`.
//!
//! `manifest` reads the file and refuses what this host lacks; `engine`, `guest` and `handler` run components with
//! limits; `interfaces` gives them `spin:key-value`, `spin:sqlite` and `spin:variables`; `outbound` decides what leaves
//! them; `server` and `front` bring requests in; `bypass` answers with the shop's own page when a component fails.

pub(crate) mod answer;
pub(crate) mod bypass;
pub(crate) mod embedded;
pub(crate) mod engine;
pub(crate) mod front;
pub(crate) mod guest;
pub(crate) mod handler;
pub(crate) mod interfaces;
pub(crate) mod kv;
pub(crate) mod limits;
pub(crate) mod load;
pub(crate) mod log;
pub(crate) mod manifest;
pub(crate) mod metrics;
pub(crate) mod mounts;
pub(crate) mod outbound;
pub(crate) mod routes;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod sqlite;
pub(crate) mod upload;
pub(crate) mod values;
pub(crate) mod variables;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use http::{HeaderMap, Uri, header};
use sha2::{Digest, Sha256};

use outbound::client::Client;
use service::Service;

/// What all components and all requests share.
pub(crate) struct Shared {
    /// What the host calls itself in the log.
    pub(crate) own_name: Arc<str>,
    pub(crate) client: Client,
    pub(crate) stores: kv::Stores,
    pub(crate) databases: BTreeMap<String, sqlite::Database>,
    pub(crate) log: log::Log,
    pub(crate) host_metrics: metrics::Host,
    /// The process is about to end: instances are dropped in the middle of what they do.
    stopping: AtomicBool,
    services: OnceLock<BTreeMap<String, Arc<Service>>>,
    live: RwLock<Live>,
}

/// What the host itself takes from the variables.
#[derive(Default)]
struct Live {
    origin: Option<Uri>,
    operator: Option<[u8; 32]>,
}

impl Shared {
    pub(crate) fn new(
        stores: kv::Stores,
        databases: BTreeMap<String, sqlite::Database>,
        log: log::Log,
    ) -> Self {
        Self {
            own_name: "host".into(),
            client: Client::new(),
            stores,
            databases,
            log,
            host_metrics: metrics::Host::default(),
            stopping: AtomicBool::new(false),
            services: OnceLock::new(),
            live: RwLock::default(),
        }
    }

    /// From here on an instance that ends early is no news.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Makes the components known to each other. Once.
    pub(crate) fn introduce(&self, services: BTreeMap<String, Arc<Service>>) {
        let _ = self.services.set(services);
    }

    pub(crate) fn service(&self, name: &str) -> Option<&Arc<Service>> {
        self.services.get()?.get(name)
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.get().into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn components(&self) -> Vec<(Arc<str>, Arc<metrics::Component>)> {
        self.services()
            .map(|s| {
                (
                    Arc::clone(&s.blueprint.name),
                    Arc::clone(&s.blueprint.metrics),
                )
            })
            .collect()
    }

    /// Gives every component, and the host, new values.
    pub(crate) fn swap(&self, values: &BTreeMap<String, String>) {
        for service in self.services() {
            service.blueprint.variables.swap(values);
        }
        let live = Live {
            origin: values
                .get("origin_settings")
                .and_then(|json| origin_of(json)),
            operator: values
                .get("operator_token")
                .filter(|token| !token.is_empty())
                .map(|token| Sha256::digest(token).into()),
        };
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = live;
    }

    /// The shop's own address.
    pub(crate) fn origin(&self) -> Option<Uri> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.origin.clone()
    }

    /// Whether the request carries the operator token. Digests are compared, so that time tells nothing.
    pub(crate) fn is_operator(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        match (given, live.operator) {
            (Some(given), Some(expected)) => <[u8; 32]>::from(Sha256::digest(given)) == expected,
            _ => false,
        }
    }
}

/// The address in the variable `origin_settings`. `{}` has none, and means the default one.
fn origin_of(json: &str) -> Option<Uri> {
    #[derive(serde::Deserialize)]
    struct Settings {
        url: Option<String>,
    }
    let settings: Settings = serde_json::from_str(json).ok()?;
    let uri: Uri = settings.url?.parse().ok()?;
    uri.authority()?;
    Some(uri)
}
