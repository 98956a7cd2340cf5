//! `vitrine explain`.

use std::process::ExitCode;

/// Arguments of `vitrine explain`.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`vitrine explain` is not built yet")
}
