//! The adapter's records in a KV store: insert where absent and compare-and-swap by generation.

use fastly::kv_store::{InsertMode, KVStore, KVStoreError, LookupResponse};
use vitrine_origin_adapter::platform::StoreError;

const STORE: &str = "vitrine-state";
/// A record begins with its time of expiry, milliseconds since the Unix epoch, big-endian.
const HEADER: usize = 8;

fn open() -> Result<KVStore, StoreError> {
    KVStore::open(STORE)
        .map_err(fault)?
        .ok_or_else(|| StoreError(format!("there is no KV store {STORE}")))
}

fn fault(error: KVStoreError) -> StoreError {
    StoreError(error.to_string())
}

/// A record and the generation it was read at.
struct Record {
    generation: u64,
    expires_ms: u64,
    value: Vec<u8>,
}

impl Record {
    fn of(mut found: LookupResponse) -> Self {
        let generation = found.current_generation();
        let mut bytes = found.take_body_bytes();
        let value = bytes.split_off(HEADER.min(bytes.len()));
        let expires_ms = bytes.try_into().map_or(0, u64::from_be_bytes);
        Self {
            generation,
            expires_ms,
            value,
        }
    }

    fn is_live(&self) -> bool {
        self.expires_ms > crate::platform::now_ms()
    }
}

fn find(store: &KVStore, key: &str) -> Result<Option<Record>, StoreError> {
    match store.lookup(key) {
        Ok(found) => Ok(Some(Record::of(found))),
        Err(KVStoreError::ItemNotFound) => Ok(None),
        Err(error) => Err(fault(error)),
    }
}

fn framed(value: &[u8], expires_ms: u64) -> Vec<u8> {
    let mut bytes = expires_ms.to_be_bytes().to_vec();
    bytes.extend_from_slice(value);
    bytes
}

/// `false` when another instance was faster.
fn won(result: Result<(), KVStoreError>) -> Result<bool, StoreError> {
    match result {
        Ok(()) => Ok(true),
        Err(KVStoreError::ItemPreconditionFailed) => Ok(false),
        Err(error) => Err(fault(error)),
    }
}

pub(crate) fn read(key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let record = find(&open()?, key)?;
    Ok(record.filter(Record::is_live).map(|record| record.value))
}

pub(crate) fn insert(key: &str, value: &[u8], expires_ms: u64) -> Result<bool, StoreError> {
    let store = open()?;
    let value = framed(value, expires_ms);
    match find(&store, key)? {
        Some(record) if record.is_live() => Ok(false),
        Some(expired) => won(store
            .build_insert()
            .if_generation_match(expired.generation)
            .execute(key, value)),
        None => won(store
            .build_insert()
            .mode(InsertMode::Add)
            .execute(key, value)),
    }
}

pub(crate) fn swap(key: &str, old: &[u8], new: &[u8], expires_ms: u64) -> Result<bool, StoreError> {
    let store = open()?;
    match find(&store, key)? {
        Some(record) if record.is_live() && record.value == old => won(store
            .build_insert()
            .if_generation_match(record.generation)
            .execute(key, framed(new, expires_ms))),
        _ => Ok(false),
    }
}

pub(crate) fn remove(key: &str, old: &[u8]) -> Result<(), StoreError> {
    let store = open()?;
    match find(&store, key)? {
        Some(record) if record.value == old => match store.delete(key) {
            Ok(()) | Err(KVStoreError::ItemNotFound) => Ok(()),
            Err(error) => Err(fault(error)),
        },
        _ => Ok(()),
    }
}

/// Notes live in the same store, without an expiry of their own.
pub(crate) fn write_note(key: &str, value: &[u8]) -> Result<(), StoreError> {
    open()?.insert(key, framed(value, u64::MAX)).map_err(fault)
}
