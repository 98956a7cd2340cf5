//! `cargo xtask test`: everything that can fail, one step after another, and a table at the end.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::step::{cargo, command, run as must, seconds};
use crate::{build, place, setup, viceroy};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the steps whose names contain this; what they need has to be built already.
    #[arg(long)]
    only: Option<String>,
    /// List the steps and end.
    #[arg(long)]
    list: bool,
}

/// One line of the table.
struct Step {
    name: &'static str,
    /// The step without which this one cannot run.
    needs: Option<&'static str>,
    work: fn() -> anyhow::Result<()>,
}

const fn step(name: &'static str, work: fn() -> anyhow::Result<()>) -> Step {
    Step {
        name,
        needs: None,
        work,
    }
}

const fn after(needs: &'static str, name: &'static str, work: fn() -> anyhow::Result<()>) -> Step {
    Step {
        name,
        needs: Some(needs),
        work,
    }
}

/// In order of cost: what fails fast stands first.
const STEPS: &[Step] = &[
    step("set-up", setup::run_all),
    step("format", || must(&mut cargo(&["fmt", "--all", "--check"]))),
    step("libraries: cargo test", || {
        must(&mut cargo(&["test", "--quiet"]))
    }),
    step("lab and xtask: cargo test", || {
        must(&mut cargo(&[
            "test",
            "--quiet",
            "-p",
            "vitrine-loadtests",
            "-p",
            "xtask",
        ]))
    }),
    step("lints: cargo clippy", clippy),
    after("set-up", "build: beacon", build::beacon),
    after("build: beacon", "build: components", build::components),
    after(
        "build: components",
        "build: vitrine and the lab",
        build::host,
    ),
    after("build: components", "build: Fastly module", build::fastly),
    after("build: vitrine and the lab", "host: cargo test", host),
    after("build: vitrine and the lab", "demo shop: identity", || {
        staged(
            OFF,
            &[
                "{lab}",
                "identity",
                "--origin",
                "{origin}",
                "--vitrine",
                "{vitrine}",
            ],
        )
    }),
    after(
        "build: vitrine and the lab",
        "demo shop: first byte",
        || {
            staged(
                DEMO,
                &[
                    "{lab}",
                    "first-byte",
                    "--origin",
                    "{origin}",
                    "--vitrine",
                    "{vitrine}",
                ],
            )
        },
    ),
    after(
        "build: vitrine and the lab",
        "demo shop: kill -9 of the origin",
        || lab(&["chaos"]),
    ),
    after(
        "build: vitrine and the lab",
        "demo shop: browser parity and cart",
        || {
            staged(
                DEMO,
                &[
                    "node",
                    "{browser}/parity.mjs",
                    "--origin",
                    "{origin}",
                    "--vitrine",
                    "{vitrine}",
                ],
            )
        },
    ),
    after(
        "build: vitrine and the lab",
        "demo shop: back/forward cache",
        || {
            staged(
                DEMO,
                &[
                    "node",
                    "{browser}/bfcache.mjs",
                    "--origin",
                    "{origin}",
                    "--vitrine",
                    "{vitrine}",
                ],
            )
        },
    ),
    after(
        "build: vitrine and the lab",
        "demo shop: a real beacon",
        beacon,
    ),
    after("build: vitrine and the lab", "EverShop: set-up", || {
        evershop("setup")
    }),
    after("EverShop: set-up", "EverShop: start", || evershop("start")),
    after(
        "EverShop: start",
        "EverShop: browser parity and cart",
        || {
            beside_evershop(
                ON,
                &[
                    "node",
                    "{browser}/parity.mjs",
                    "--shop",
                    "evershop",
                    "--origin",
                    "{origin}",
                    "--vitrine",
                    "{vitrine}",
                ],
            )
        },
    ),
    after("EverShop: start", "EverShop: identity", || {
        beside_evershop(
            OFF,
            &[
                "{lab}",
                "identity",
                "--shop",
                "evershop",
                "--origin",
                "{origin}",
                "--vitrine",
                "{vitrine}",
            ],
        )
    }),
    after("EverShop: start", "EverShop: stop", || evershop("stop")),
    after("build: Fastly module", "Fastly: install Viceroy", || {
        viceroy::install().map(drop)
    }),
];

/// The merchant files that the stages run with.
const DEMO: &str = "vitrine.toml";
const OFF: &str = "loadtests/merchants/off.toml";
const ON: &str = "loadtests/merchants/evershop.toml";

/// What became of a step.
enum Outcome {
    Passed,
    Failed(String),
    NotRun(&'static str),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let chosen = |step: &&Step| {
        args.only
            .as_deref()
            .is_none_or(|text| step.name.contains(text))
    };
    let steps: Vec<&Step> = STEPS.iter().filter(chosen).collect();
    if args.list {
        steps.iter().for_each(|step| eprintln!("{}", step.name));
        return Ok(());
    }
    let started = Instant::now();
    let mut results: Vec<(&Step, Outcome, Duration)> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let lost = step.needs.filter(|needs| {
            results.iter().any(|(done, outcome, _)| {
                done.name == *needs && !matches!(outcome, Outcome::Passed)
            })
        });
        eprintln!("\n==> [{}/{}] {}", at + 1, steps.len(), step.name);
        let begun = Instant::now();
        let outcome = match lost {
            Some(needs) => Outcome::NotRun(needs),
            None => match (step.work)() {
                Ok(()) => Outcome::Passed,
                Err(error) => Outcome::Failed(format!("{error:#}")),
            },
        };
        eprintln!("    {} in {}", tell(&outcome), seconds(begun.elapsed()));
        results.push((step, outcome, begun.elapsed()));
    }
    table(&results, started.elapsed())
}

fn tell(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "passed".into(),
        Outcome::Failed(why) => format!("FAILED: {why}"),
        Outcome::NotRun(needs) => format!("NOT RUN, because `{needs}` did not pass"),
    }
}

fn table(results: &[(&Step, Outcome, Duration)], total: Duration) -> anyhow::Result<()> {
    let width = results
        .iter()
        .map(|(step, ..)| step.name.len())
        .max()
        .unwrap_or(0);
    eprintln!("\n{:width$}  {:>12}  result", "step", "time");
    for (step, outcome, time) in results {
        eprintln!(
            "{:width$}  {:>12}  {}",
            step.name,
            seconds(*time),
            tell(outcome)
        );
    }
    let passed = results
        .iter()
        .filter(|(_, outcome, _)| matches!(outcome, Outcome::Passed))
        .count();
    let failed = results.len() - passed;
    eprintln!("{:width$}  {:>12}", "all", seconds(total));
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        bail!("{failed} of {} steps did not pass", results.len());
    }
    Ok(())
}

/// The libraries, the lab and this, on the native target. The doors build for wasm only and are seen by their builds.
fn clippy() -> anyhow::Result<()> {
    let mut lints = cargo(&["clippy", "--quiet", "--all-targets"]);
    for package in [
        "vitrine-edge",
        "vitrine-origin-adapter",
        "vitrine-optimizer",
        "vitrine-rum-collector",
        "vitrine-loadtests",
        "xtask",
    ] {
        lints.args(["-p", package]);
    }
    must(lints.args(["--", "-D", "warnings"]))
}

/// The host's own tests, in the profile in which wasmtime is built already.
fn host() -> anyhow::Result<()> {
    must(
        cargo(&["test", "--quiet", "--release", "-p", "vitrine"])
            .env("VITRINE_EMBED", place::root()),
    )
}

/// The lab, with nothing prepared.
fn lab(words: &[&str]) -> anyhow::Result<()> {
    must(
        command(place::lab())
            .args(words)
            .arg("--vitrine")
            .arg(place::vitrine()),
    )
}

/// The lab's stage: ports of its own, so that a running demo is not in the way.
fn stage(config: &str) -> Command {
    let mut stage = command(place::lab());
    stage
        .arg("stage")
        .arg("--vitrine")
        .arg(place::vitrine())
        .arg("--config")
        .arg(place::root().join(config))
        .args(["--vitrine-port", "14000"]);
    stage
}

/// Runs a command while the demo shop and Vitrine stand ready. The vendors keep the port that `vitrine.toml` names.
fn staged(config: &str, words: &[&str]) -> anyhow::Result<()> {
    must(
        stage(config)
            .args(["--shop-port", "13000", "--"])
            .args(words.iter().map(|word| filled(word))),
    )
}

fn beside_evershop(config: &str, words: &[&str]) -> anyhow::Result<()> {
    must(
        stage(config)
            .args(["--origin", "http://127.0.0.1:3100", "--"])
            .args(words.iter().map(|word| filled(word))),
    )
}

fn filled(word: &str) -> String {
    word.replace("{lab}", &place::lab().display().to_string())
        .replace("{browser}", &place::browser().display().to_string())
}

fn beacon() -> anyhow::Result<()> {
    let report = format!(
        "{} report --format json --state-dir {{state}}",
        place::vitrine().display()
    );
    staged(
        DEMO,
        &[
            "node",
            "{browser}/beacon.mjs",
            "--vitrine",
            "{vitrine}",
            "--report",
            &report,
        ],
    )
}

fn evershop(verb: &str) -> anyhow::Result<()> {
    let script: PathBuf = place::root().join("loadtests/shops/evershop.mjs");
    must(command("node").arg(script).arg(verb)).with_context(|| format!("evershop.mjs {verb}"))
}
