//! The demo shop and the load lab. Everything here speaks HTTP and knows no code of the layer it tests.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod cache;
mod shop;

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
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Shop(args) => shop::run(args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
