//! `SQLite` files of the state directory. Every connection a guest opens is one of its own, so that transactions of
//! two requests never mix; work runs on threads that may block.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, params_from_iter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::interfaces::sqlite::{Error, RowResult, Value};
use super::limits;

/// One database.
#[derive(Clone)]
pub(crate) struct Database(Arc<Inner>);

struct Inner {
    file: PathBuf,
    /// Largest size of the file, in bytes.
    most: u64,
    schema: Option<&'static str>,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
}

/// A connection in use; it goes back when it is dropped.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Pooled {
    connection: Mutex<Option<Connection>>,
    /// Rows changed before this guest got the connection.
    changed_before: u64,
    database: Arc<Inner>,
    _room: OwnedSemaphorePermit,
}

/// What a statement returned.
pub(crate) struct Rows {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<RowResult>,
}

impl Database {
    pub(crate) fn new(file: PathBuf, most: u64, schema: Option<&'static str>) -> Self {
        Self(Arc::new(Inner {
            file,
            most,
            schema,
            idle: Mutex::default(),
            room: Arc::new(Semaphore::new(limits::SQLITE_CONNECTIONS)),
        }))
    }

    /// Opens a connection, or takes an idle one.
    pub(crate) async fn open(&self) -> Result<Arc<Pooled>, Failure> {
        let room = Arc::clone(&self.0.room).acquire_owned();
        let room = tokio::time::timeout(limits::SQLITE_BUSY, room)
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| Failure::Other("too many connections are open".into()))?;
        let idle = self
            .0
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = if let Some(connection) = idle {
            connection
        } else {
            let inner = Arc::clone(&self.0);
            blocking(move || inner.connect()).await?
        };
        Ok(Arc::new(Pooled {
            changed_before: connection.total_changes(),
            connection: Mutex::new(Some(connection)),
            database: Arc::clone(&self.0),
            _room: room,
        }))
    }
}

impl Inner {
    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.file)?;
        connection.busy_timeout(limits::SQLITE_BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A power cut may lose the last transactions, never the database.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        connection.pragma_update(None, "max_page_count", (self.most / page).max(1))?;
        if let Some(schema) = self.schema {
            connection.execute_batch(schema)?;
        }
        Ok(connection)
    }
}

impl Pooled {
    /// Runs work on the connection, on a thread that may block.
    pub(crate) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        blocking(move || {
            let guard = self
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match guard.as_ref() {
                Some(connection) => work(connection),
                // Taken only by `drop`.
                None => Err(rusqlite::Error::InvalidQuery),
            }
        })
        .await
    }

    pub(crate) async fn execute(
        self: Arc<Self>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Rows, Failure> {
        self.run(move |connection| execute(connection, &statement, parameters))
            .await
    }
}

impl Pooled {
    /// Rows that the last statement of this guest changed.
    pub(crate) async fn changes(self: Arc<Self>) -> u64 {
        let before = self.changed_before;
        let changes = move |c: &Connection| {
            Ok(if c.total_changes() == before {
                0
            } else {
                c.changes()
            })
        };
        self.run(changes).await.unwrap_or(0)
    }

    /// The row that this guest inserted last.
    pub(crate) async fn last_insert_rowid(self: Arc<Self>) -> i64 {
        let before = self.changed_before;
        let row = move |c: &Connection| {
            Ok(if c.total_changes() == before {
                0
            } else {
                c.last_insert_rowid()
            })
        };
        self.run(row).await.unwrap_or(0)
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let connection = self
            .connection
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(connection) = connection {
            // A transaction left open belongs to nobody.
            if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
                self.database
                    .idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(connection);
            }
        }
    }
}

fn execute(
    connection: &Connection,
    statement: &str,
    parameters: Vec<Value>,
) -> rusqlite::Result<Rows> {
    let mut statement = connection.prepare_cached(statement)?;
    let columns: Vec<String> = statement
        .column_names()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let width = columns.len();
    let mut found = statement.query(params_from_iter(parameters.into_iter().map(parameter)))?;
    let mut rows = Vec::new();
    let mut bytes = 0;
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(width);
        for column in 0..width {
            let value = value(row.get_ref(column)?);
            bytes += size(&value);
            values.push(value);
        }
        if bytes > limits::HOST_RESULT {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_TOOBIG),
                Some(format!(
                    "the result is larger than {} bytes",
                    limits::HOST_RESULT
                )),
            ));
        }
        rows.push(RowResult { values });
    }
    Ok(Rows { columns, rows })
}

fn parameter(value: Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as Sql;
    match value {
        Value::Integer(n) => Sql::Integer(n),
        Value::Real(n) => Sql::Real(n),
        Value::Text(text) => Sql::Text(text),
        Value::Blob(bytes) => Sql::Blob(bytes),
        Value::Null => Sql::Null,
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::Integer(n),
        ValueRef::Real(n) => Value::Real(n),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

fn size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            Value::Integer(_) | Value::Real(_) | Value::Null => 0,
        }
}

/// Why a statement failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// The disk, or the limit on the file, is reached.
    #[error("the database is full")]
    Full,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Full => Self::DatabaseFull,
            Failure::Other(message) => Self::Io(message),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Failure::from),
        Err(error) => Err(Failure::Other(error.to_string())),
    }
}
