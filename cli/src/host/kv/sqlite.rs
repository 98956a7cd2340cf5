//! A store in a `SQLite` file: small state that must survive a restart.

use std::path::PathBuf;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use crate::host::limits;
use crate::host::sqlite::{Database, Pooled};

/// One label.
pub(crate) struct Table(Database);

const CREATE: &str =
    "CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";

impl Table {
    pub(crate) fn new(file: PathBuf, most: u64) -> Self {
        Self(Database::new(file, most, Some(CREATE)))
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let connection = self.0.open().await.map_err(|e| e.to_string())?;
        Pooled::run(connection, move |c| work(c))
            .await
            .map_err(|e| e.to_string())
    }

    pub(crate) async fn get(&self, key: String) -> Result<Option<Bytes>, String> {
        self.with(move |c| {
            c.prepare_cached("SELECT value FROM kv WHERE key = ?1")?
                .query_row([key], |row| row.get::<_, Vec<u8>>(0))
                .optional()
        })
        .await
        .map(|found| found.map(Bytes::from))
    }

    pub(crate) async fn set(&self, key: String, value: Vec<u8>) -> Result<(), String> {
        if value.len() > limits::HOST_RESULT {
            return Err(format!("a value of {} bytes is too large", value.len()));
        }
        self.with(move |c| {
            c.prepare_cached("INSERT OR REPLACE INTO kv (key, value) VALUES (?1, ?2)")?
                .execute((key, value))
        })
        .await
        .map(|_| ())
    }

    pub(crate) async fn delete(&self, key: String) -> Result<(), String> {
        self.with(move |c| {
            c.prepare_cached("DELETE FROM kv WHERE key = ?1")?
                .execute([key])
        })
        .await
        .map(|_| ())
    }

    pub(crate) async fn exists(&self, key: String) -> Result<bool, String> {
        self.with(move |c| {
            c.prepare_cached("SELECT 1 FROM kv WHERE key = ?1")?
                .exists([key])
        })
        .await
    }

    pub(crate) async fn keys(&self) -> Result<Vec<String>, String> {
        self.with(|c| {
            let mut statement = c.prepare_cached("SELECT key FROM kv")?;
            let keys = statement.query_map([], |row| row.get(0))?;
            keys.collect()
        })
        .await
    }
}
