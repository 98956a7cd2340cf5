//! `vitrine up`.

use std::process::ExitCode;

/// Arguments of `vitrine up`.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`vitrine up` is not built yet")
}
