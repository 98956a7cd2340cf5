//! `cargo xtask`: set-up, build, demo, test, bench. Each step says what it does while it does it.
#![allow(
    clippy::disallowed_methods,
    reason = "xtask is the world's side of the ports"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod build;
mod demo;
mod fuzz;
mod place;
mod setup;
mod step;
mod test;
mod viceroy;

/// Set-up, build, demo, test and bench of the whole project.
#[derive(Parser)]
#[command(name = "cargo xtask", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check what the project needs, and install what can be installed.
    Setup,
    /// Bundle the beacon, build the components, and the `vitrine` binary that carries them.
    Build,
    /// The demo shop, and the same shop through Vitrine.
    Demo(demo::Args),
    /// Everything that can fail, with a table of steps at the end.
    Test(test::Args),
    /// Throw random input at every parser, for ten minutes each.
    Fuzz(fuzz::Args),
    /// Measure, and print JSON for `loadtests/baselines/`.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Setup => setup::run_all(),
        Command::Build => setup::run_all().and_then(|()| build::run()),
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
