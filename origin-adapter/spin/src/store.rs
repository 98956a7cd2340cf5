//! Shared state: notes in the key-value store `state`, records in the SQLite database `adapter`.

use std::cell::RefCell;
use std::rc::Rc;

use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Error, Value};
use vitrine_origin_adapter::platform::StoreError;

/// One in so many inserts sweeps out what has expired.
const SWEEP_ONE_IN: u64 = 64;
/// So that a sweep never holds up the request that does it.
const SWEEP_ROWS: i64 = 256;

thread_local! {
    static NOTES: RefCell<Option<Rc<Store>>> = const { RefCell::new(None) };
    static RECORDS: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

async fn notes() -> Option<Rc<Store>> {
    if let Some(store) = NOTES.with_borrow(Clone::clone) {
        return Some(store);
    }
    let store = Rc::new(Store::open("state").await.ok()?);
    NOTES.set(Some(Rc::clone(&store)));
    Some(store)
}

pub(crate) async fn note(key: &str) -> Option<Vec<u8>> {
    notes().await?.get(key).await.ok()?
}

pub(crate) async fn take_note(key: &str, value: &[u8]) {
    if let Some(store) = notes().await {
        let _ = store.set(key, value).await;
    }
}

async fn records() -> Result<Rc<Connection>, StoreError> {
    if let Some(connection) = RECORDS.with_borrow(Clone::clone) {
        return Ok(connection);
    }
    let connection = Connection::open("adapter").await.map_err(failed)?;
    run(
        &connection,
        "CREATE TABLE IF NOT EXISTS records \
         (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID",
        vec![],
    )
    .await?;
    run(
        &connection,
        "CREATE INDEX IF NOT EXISTS records_expires ON records (expires)",
        vec![],
    )
    .await?;
    let connection = Rc::new(connection);
    RECORDS.set(Some(Rc::clone(&connection)));
    Ok(connection)
}

/// Runs a statement and says whether it gave a row.
async fn run(
    connection: &Connection,
    statement: &str,
    values: Vec<Value>,
) -> Result<bool, StoreError> {
    let result = connection
        .execute(statement, values)
        .await
        .map_err(failed)?;
    Ok(!result.collect().await.map_err(failed)?.is_empty())
}

pub(crate) async fn read(key: &str, now_ms: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let result = records()
        .await?
        .execute(
            "SELECT value FROM records WHERE key = ? AND expires > ?",
            vec![Value::text(key), time(now_ms)],
        )
        .await
        .map_err(failed)?;
    let rows = result.collect().await.map_err(failed)?;
    Ok(rows
        .first()
        .and_then(|row| row.get::<&[u8]>(0))
        .map(<[u8]>::to_vec))
}

pub(crate) async fn insert(
    key: &str,
    value: &[u8],
    expires_ms: u64,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let connection = records().await?;
    if wasip3::random::random::get_random_u64() % SWEEP_ONE_IN == 0 {
        sweep(&connection, now_ms).await?;
    }
    let record = || {
        vec![
            Value::text(key),
            Value::blob(value),
            time(expires_ms),
            time(now_ms),
        ]
    };
    match run(&connection, INSERT, record()).await {
        Ok(inserted) => Ok(inserted),
        // A full database may have room once it is swept.
        Err(_) => {
            sweep(&connection, now_ms).await?;
            run(&connection, INSERT, record()).await
        }
    }
}

const INSERT: &str = "INSERT INTO records (key, value, expires) VALUES (?1, ?2, ?3) \
     ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires \
     WHERE records.expires <= ?4 RETURNING 1";

async fn sweep(connection: &Connection, now_ms: u64) -> Result<(), StoreError> {
    run(
        connection,
        "DELETE FROM records WHERE key IN (SELECT key FROM records WHERE expires <= ?1 LIMIT ?2)",
        vec![time(now_ms), Value::Integer(SWEEP_ROWS)],
    )
    .await
    .map(|_| ())
}

pub(crate) async fn swap(
    key: &str,
    old: &[u8],
    new: &[u8],
    expires_ms: u64,
) -> Result<bool, StoreError> {
    run(
        &*records().await?,
        "UPDATE records SET value = ?3, expires = ?4 WHERE key = ?1 AND value = ?2 RETURNING 1",
        vec![
            Value::text(key),
            Value::blob(old),
            Value::blob(new),
            time(expires_ms),
        ],
    )
    .await
}

pub(crate) async fn remove(key: &str, old: &[u8]) -> Result<(), StoreError> {
    run(
        &*records().await?,
        "DELETE FROM records WHERE key = ?1 AND value = ?2",
        vec![Value::text(key), Value::blob(old)],
    )
    .await
    .map(|_| ())
}

fn time(ms: u64) -> Value {
    Value::Integer(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn failed(error: Error) -> StoreError {
    eprintln!("database adapter: {error}");
    // The next use opens the database anew.
    RECORDS.set(None);
    StoreError(error.to_string())
}
