//! One JSON line per page view, for hosts with log streams and no database.
//!
//! The stream's reader keeps the line with the greatest `seq` of each `view`.

use serde_json::{Map, Value, json};

use super::{PageView, Saved, Store, StoreError, Tally};

/// A store that writes lines. `F` hands one line to the host, and fails when the host did not take it.
#[derive(Debug)]
pub struct LogStore<F> {
    write: F,
}

impl<F: Fn(&str) -> Result<(), StoreError>> LogStore<F> {
    /// A store over `write`.
    pub fn new(write: F) -> Self {
        Self { write }
    }

    fn line(&self, kind: &str, view: &PageView, more: &[(&str, &str)]) -> Result<(), StoreError> {
        let mut line = Map::new();
        line.insert("kind".into(), kind.into());
        for (key, value) in more {
            line.insert((*key).into(), (*value).into());
        }
        let view = serde_json::to_value(view).map_err(|error| StoreError(error.to_string()))?;
        if let Value::Object(fields) = view {
            line.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
        (self.write)(&Value::Object(line).to_string())
    }
}

impl<F: Fn(&str) -> Result<(), StoreError>> Store for LogStore<F> {
    async fn save(&self, view: &PageView) -> Result<Saved, StoreError> {
        self.line("page_view", view, &[])?;
        Ok(Saved::Stored)
    }

    async fn save_bot(&self, view: &PageView, class: &'static str) -> Result<(), StoreError> {
        self.line("bot", view, &[("bot_class", class)])
    }

    async fn count(&self, tallies: &[Tally]) -> Result<(), StoreError> {
        for Tally { hour, result, n } in tallies {
            let line = json!({"kind": "beacons", "hour": hour, "result": result, "n": n});
            (self.write)(&line.to_string())?;
        }
        Ok(())
    }

    /// A stream's retention is its reader's.
    async fn expire(&self, _before_ms: u64, _most: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}
