//! `vitrine check`.

use std::process::ExitCode;

/// Arguments of `vitrine check`.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`vitrine check` is not built yet")
}
