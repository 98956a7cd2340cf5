//! The demo shop and the load lab. Everything here speaks HTTP and knows no code of the layer it tests.
#![allow(
    clippy::disallowed_methods,
    reason = "the lab is the world's side of the ports"
)]

use std::process::ExitCode;

use anyhow::bail;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

mod bench;
mod cache;
mod chaos;
mod client;
mod crawl;
mod demo;
mod first_byte;
mod identity;
mod load;
mod shop;
mod stage;

/// The demo shop and the load lab.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the demo shop and its vendors' origin.
    Shop(shop::Args),
    /// Run the demo shop and Vitrine in front of it, or compare the two in a browser.
    Demo(demo::Args),
    /// Run a command while the demo shop and Vitrine stand ready.
    Stage(stage::Args),
    /// With everything off, compare answers straight and through Vitrine byte by byte.
    Identity(identity::Args),
    /// See that the first half of a page does not wait for the second.
    FirstByte(first_byte::Args),
    /// Kill the shop in the middle of an answer, and see that the visitor can tell and does not wait.
    Chaos(chaos::Args),
    /// Measure requests per second and latency, straight and through Vitrine.
    Bench(bench::Args),
    /// Ask for one address again and again, and say how long the answers took, as JSON
    Load(load::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// These three end what they started by themselves, in order. The others are dropped when interrupted, and every
/// child process goes with its handle.
async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Shop(args) => shop::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Stage(args) => stage::run(args).await,
        Command::Identity(args) => unless_interrupted(identity::run(args)).await,
        Command::FirstByte(args) => unless_interrupted(first_byte::run(args)).await,
        Command::Chaos(args) => unless_interrupted(chaos::run(args)).await,
        Command::Bench(args) => unless_interrupted(bench::run(args)).await,
        Command::Load(args) => unless_interrupted(load::measure(args)).await,
    }
}

pub(crate) async fn unless_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = work => outcome,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("interrupted"),
    }
}
