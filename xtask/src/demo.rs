//! `cargo xtask demo`.

use std::os::unix::process::CommandExt as _;

use anyhow::Context;

use crate::step::command;
use crate::{build, place, setup};

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Drive a browser over both, print a before/after table, write a report with screenshots, and end.
    #[arg(long)]
    compare: bool,
    /// Measured visits of each page and side, with --compare.
    #[arg(long, default_value_t = 5)]
    visits: u32,
    /// Port of the demo shop.
    #[arg(long, default_value_t = 3000)]
    shop_port: u16,
    /// Port of the vendors' origin.
    #[arg(long, default_value_t = 3001)]
    third_party_port: u16,
    /// Port of Vitrine.
    #[arg(long, default_value_t = 4000)]
    vitrine_port: u16,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.compare {
        setup::run_all()?;
    } else {
        setup::run_for_build()?;
    }
    build::run_all()?;
    let mut demo = command(place::lab());
    demo.arg("demo")
        .arg(format!("--shop-port={}", args.shop_port))
        .arg(format!("--third-party-port={}", args.third_party_port))
        .arg(format!("--vitrine-port={}", args.vitrine_port))
        .arg("--vitrine")
        .arg(place::vitrine())
        .arg("--config")
        .arg(place::root().join("vitrine.toml"))
        .arg("--state-dir")
        .arg(place::root().join(".vitrine"))
        .arg("--browser")
        .arg(place::browser())
        .arg("--report")
        .arg(place::target().join("compare/report.html"));
    if args.compare {
        demo.arg("--compare")
            .arg(format!("--visits={}", args.visits));
    }
    // The lab takes this process's place, so that Ctrl-C reaches the one who ends the children.
    Err(demo.exec()).context("cannot run the load lab")
}
