//! A store in memory, with a budget in bytes. The value that was not read for the longest time goes first.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hashlink::LinkedHashMap;

use crate::host::metrics;

/// What an entry costs beside its key and value: the map's node, the counts, the allocator's share.
const ENTRY: usize = 128;

pub(crate) struct Memory {
    budget: usize,
    inner: Mutex<Inner>,
    metrics: Arc<metrics::Store>,
}

#[derive(Default)]
struct Inner {
    /// Ordered from the least to the most recently used.
    entries: LinkedHashMap<Box<str>, Bytes>,
    bytes: usize,
}

fn cost(key: &str, value: &Bytes) -> usize {
    key.len() + value.len() + ENTRY
}

impl Memory {
    pub(crate) fn new(budget: usize, metrics: Arc<metrics::Store>) -> Self {
        Self {
            budget,
            inner: Mutex::default(),
            metrics,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &str) -> Option<Bytes> {
        let mut inner = self.lock();
        let found = inner.entries.to_back(key).map(|value| value.clone());
        drop(inner);
        let counter = if found.is_some() {
            &self.metrics.hits
        } else {
            &self.metrics.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Stores a value, and evicts others until all fit. A value that cannot fit is refused.
    pub(crate) fn set(&self, key: String, value: Bytes) -> Result<(), String> {
        let cost_now = cost(&key, &value);
        let mut inner = self.lock();
        if cost_now > self.budget {
            // What was there is older than what could not be stored.
            inner.remove(&key);
            self.report(&inner);
            return Err(format!(
                "a value of {} bytes does not fit into {} bytes",
                value.len(),
                self.budget
            ));
        }
        inner.remove(&key);
        let mut evicted = 0;
        while inner.bytes + cost_now > self.budget {
            let Some((key, value)) = inner.entries.pop_front() else {
                break;
            };
            inner.bytes -= cost(&key, &value);
            evicted += 1;
        }
        inner.bytes += cost_now;
        inner.entries.insert(key.into_boxed_str(), value);
        self.metrics.evictions.fetch_add(evicted, Ordering::Relaxed);
        self.report(&inner);
        Ok(())
    }

    pub(crate) fn delete(&self, key: &str) {
        let mut inner = self.lock();
        inner.remove(key);
        self.report(&inner);
    }

    pub(crate) fn exists(&self, key: &str) -> bool {
        self.lock().entries.contains_key(key)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.lock()
            .entries
            .keys()
            .map(ToString::to_string)
            .collect()
    }

    fn report(&self, inner: &Inner) {
        self.metrics
            .bytes
            .store(inner.bytes as u64, Ordering::Relaxed);
        self.metrics
            .entries
            .store(inner.entries.len() as u64, Ordering::Relaxed);
    }
}

impl Inner {
    fn remove(&mut self, key: &str) {
        if let Some((key, value)) = self.entries.remove_entry(key) {
            self.bytes -= cost(&key, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(values: usize) -> Memory {
        Memory::new(values * (ENTRY + 1 + 100), Arc::default())
    }

    fn value() -> Bytes {
        Bytes::from(vec![7; 100])
    }

    #[test]
    fn the_least_recently_read_value_goes_first() {
        let memory = memory(3);
        for key in ["a", "b", "c"] {
            memory.set(key.into(), value()).unwrap();
        }
        memory.get("a");
        memory.set("d".into(), value()).unwrap();
        let mut keys = memory.keys();
        keys.sort();
        assert_eq!(keys, ["a", "c", "d"]);
    }

    #[test]
    fn the_budget_is_never_exceeded() {
        let memory = memory(4);
        for round in 0..1000 {
            memory
                .set(format!("{}", round % 7), Bytes::from(vec![0; round % 300]))
                .unwrap();
            let inner = memory.lock();
            let sum: usize = inner.entries.iter().map(|(k, v)| cost(k, v)).sum();
            assert_eq!(sum, inner.bytes);
            assert!(sum <= memory.budget);
        }
    }

    #[test]
    fn a_value_beyond_the_budget_is_refused_and_does_not_leave_the_old_one() {
        let memory = memory(1);
        memory.set("a".into(), value()).unwrap();
        assert!(memory.set("a".into(), Bytes::from(vec![0; 1000])).is_err());
        assert_eq!(memory.get("a"), None);
        assert_eq!(memory.lock().bytes, 0);
    }
}
