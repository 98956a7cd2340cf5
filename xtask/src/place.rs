//! Where things are.

use std::path::PathBuf;

use anyhow::Context;

/// Where the C encoders lie: `optimizer/codecs/build.rs` asks the same module.
#[path = "../../optimizer/codecs/place.rs"]
#[allow(unreachable_pub, reason = "a module of two programs")]
pub(crate) mod codecs;

/// The repository.
pub(crate) fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}

/// What is expensive to make and survives `cargo clean`.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    codecs::cache().context("set VITRINE_CACHE: there is no home directory")
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
