//! `spin:key-value`: label `cache` in memory, every other label in `SQLite`.

pub(crate) mod memory;
mod sqlite;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::metrics;
use memory::Memory;
use sqlite::Table;

/// The label that lives in memory.
const MEMORY_LABEL: &str = "cache";

/// A store that a component has opened.
#[derive(Clone)]
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub enum Store {
    Memory(Arc<Memory>),
    Table(Arc<Table>),
}

/// All stores that the manifest names.
pub(crate) struct Stores {
    stores: BTreeMap<String, Store>,
    pub(crate) metrics: Arc<metrics::Store>,
}

impl Stores {
    /// `labels` are those of the manifest. `budget` is that of the memory store, in bytes, `most` that of a file.
    pub(crate) fn new<'l>(
        labels: impl Iterator<Item = &'l str>,
        state: &Path,
        budget: usize,
        most: u64,
    ) -> Self {
        let metrics: Arc<metrics::Store> = Arc::default();
        let stores = labels
            .map(|label| {
                let store = if label == MEMORY_LABEL {
                    Store::Memory(Arc::new(Memory::new(budget, Arc::clone(&metrics))))
                } else {
                    let file = state.join(format!("kv-{label}.sqlite3"));
                    Store::Table(Arc::new(Table::new(file, most)))
                };
                (label.to_owned(), store)
            })
            .collect();
        Self { stores, metrics }
    }

    pub(crate) fn open(&self, label: &str) -> Option<Store> {
        self.stores.get(label).cloned()
    }
}

/// Why a store failed, in words.
pub(crate) type Result<T> = std::result::Result<T, String>;

impl Store {
    pub(crate) async fn get(&self, key: String) -> Result<Option<Bytes>> {
        match self {
            Self::Memory(memory) => Ok(memory.get(&key)),
            Self::Table(table) => table.get(key).await,
        }
    }

    pub(crate) async fn set(&self, key: String, value: Vec<u8>) -> Result<()> {
        match self {
            Self::Memory(memory) => memory.set(key, value.into()),
            Self::Table(table) => table.set(key, value).await,
        }
    }

    pub(crate) async fn delete(&self, key: String) -> Result<()> {
        match self {
            Self::Memory(memory) => {
                memory.delete(&key);
                Ok(())
            }
            Self::Table(table) => table.delete(key).await,
        }
    }

    pub(crate) async fn exists(&self, key: String) -> Result<bool> {
        match self {
            Self::Memory(memory) => Ok(memory.exists(&key)),
            Self::Table(table) => table.exists(key).await,
        }
    }

    pub(crate) async fn keys(&self) -> Result<Vec<String>> {
        match self {
            Self::Memory(memory) => Ok(memory.keys()),
            Self::Table(table) => table.keys().await,
        }
    }
}
