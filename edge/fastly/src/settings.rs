//! What `spin.toml` calls variables: a config store for the settings, a secret store for the secrets.

use fastly::{ConfigStore, SecretStore};

/// Name of both stores.
const STORE: &str = "vitrine";

/// Settings as JSON; `{}`, which means the defaults, where the store has none.
pub(crate) fn text(name: &str) -> String {
    ConfigStore::try_open(STORE)
        .ok()
        .and_then(|store| store.try_get(name).ok().flatten())
        .unwrap_or_else(|| "{}".to_owned())
}

/// A secret; empty, which closes what it opens, where the store has none.
pub(crate) fn secret(name: &str) -> String {
    SecretStore::open(STORE)
        .ok()
        .and_then(|store| store.try_get(name).ok().flatten())
        .and_then(|secret| secret.try_plaintext().ok())
        .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
        .unwrap_or_default()
}
