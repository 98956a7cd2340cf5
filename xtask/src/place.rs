//! Where things are.

use std::path::PathBuf;

use anyhow::Context;

/// The repository.
pub(crate) fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}

/// What is expensive to make and survives `cargo clean`: `$VITRINE_CACHE`, or `vitrine` in the user's cache directory.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    if let Some(own) = std::env::var_os("VITRINE_CACHE") {
        return Ok(own.into());
    }
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = base
        .or_else(home)
        .context("set VITRINE_CACHE: there is no home directory")?;
    Ok(base.join("vitrine"))
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The `vitrine` binary.
pub(crate) fn vitrine() -> PathBuf {
    target().join("release/vitrine")
}

/// The load lab's binary.
pub(crate) fn lab() -> PathBuf {
    target().join("release/vitrine-loadtests")
}

/// The browser lab's scripts.
pub(crate) fn browser() -> PathBuf {
    root().join("loadtests/browser")
}
