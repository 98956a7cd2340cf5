//! `vitrine report`.

use std::process::ExitCode;

/// Arguments of `vitrine report`.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`vitrine report` is not built yet")
}
