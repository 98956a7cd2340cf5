//! `vitrine`: one binary that runs the layer and tells what it did.
#![allow(
    clippy::disallowed_methods,
    reason = "the host is the world's side of the ports"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;
mod host;

/// A performance layer for storefronts.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the layer in front of a shop.
    Up(commands::up::Args),
    /// Check `vitrine.toml`, or print its JSON Schema or the compiled policy.
    Check(commands::check::Args),
    /// Rewrite pages as `vitrine.toml` says, and look with a second parser for changes that no pass declares.
    Audit(commands::audit::Args),
    /// Say what was decided for a page and why.
    Explain(commands::explain::Args),
    /// Take in what has been learned of the shop's pages, or show what it leads to.
    Hints(commands::hints::Args),
    /// Images in other forms.
    Images(commands::images::Args),
    /// Real-user metrics: p75 with intervals, by template and device.
    Report(commands::report::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(args) => commands::up::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Audit(args) => commands::audit::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Hints(args) => commands::hints::run(&args),
        Command::Images(args) => commands::images::run(&args),
        Command::Report(args) => commands::report::run(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
