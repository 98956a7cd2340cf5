//! `vitrine images`: images in other forms.

mod sign;

use std::process::ExitCode;

/// Arguments of `vitrine images`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Write the addresses of images in another form, signed, for the shop's own templates.
    Sign(sign::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Sign(args) => sign::run(args),
    }
}
