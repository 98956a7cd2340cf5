//! Where things are kept that are expensive to make and cheap to keep.

use std::path::PathBuf;

use anyhow::Context;

/// `$VITRINE_CACHE`, or `vitrine` in the user's cache directory.
pub(crate) fn directory() -> anyhow::Result<PathBuf> {
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
