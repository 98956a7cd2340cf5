//! `vitrine-loadtests demo`: the shop, and the shop through Vitrine, side by side.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::stage::{self, Scene};

/// Arguments of `vitrine-loadtests demo`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    scene: Scene,
    /// Drive a browser over both, print a before/after table, write a report, and end.
    #[arg(long)]
    compare: bool,
    /// Measured visits of each page and side, with --compare.
    #[arg(long, default_value_t = 5)]
    visits: u32,
    /// Folder of the browser lab.
    #[arg(long, default_value = "loadtests/browser")]
    browser: PathBuf,
    /// Where the report goes, with --compare.
    #[arg(long, default_value = "target/compare/report.html")]
    report: PathBuf,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut command = Vec::new();
    if args.compare {
        command = vec![
            OsString::from("node"),
            args.browser.join("compare.mjs").into(),
            "--origin".into(),
            "{origin}".into(),
            "--vitrine".into(),
            "{vitrine}".into(),
            "--visits".into(),
            args.visits.to_string().into(),
            "--out".into(),
            args.report.into(),
        ];
    }
    stage::run(stage::Args::new(args.scene, command)).await
}
