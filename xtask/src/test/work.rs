//! What the steps of `cargo xtask test` do.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use super::{DEMO, EVERSHOP_URL, OFF, storefront};
use crate::step::{cargo, command, output, run as must};
use crate::{build, place, viceroy};

pub(super) fn format() -> anyhow::Result<()> {
    must(&mut cargo(&["fmt", "--all", "--check"]))
}

/// Exactly what a newcomer runs.
pub(super) fn libraries() -> anyhow::Result<()> {
    must(&mut cargo(&["test", "--quiet"]))
}

pub(super) fn tools() -> anyhow::Result<()> {
    must(&mut cargo(&["test", "--quiet", "-p", "xtask"]))
}

/// The libraries, the lab and this, on the native target. The doors build for wasm only and are seen by their builds.
/// The host is left out: wasmtime and all that it stands on would be checked once more, beside the build.
pub(super) fn clippy() -> anyhow::Result<()> {
    let mut lints = cargo(&[
        "clippy",
        "--quiet",
        "--all-targets",
        "--features",
        "vitrine-edge/doors",
    ]);
    for package in [
        "vitrine-edge",
        "vitrine-origin-adapter",
        "vitrine-codecs",
        "vitrine-optimizer",
        "vitrine-rum-collector",
        "vitrine-loadtests",
        "xtask",
    ] {
        lints.args(["-p", package]);
    }
    must(lints.args(["--", "-D", "warnings"]))
}

/// The tests of the host and of the lab, in the profile in which wasmtime is built already, on components of their own.
pub(super) fn host() -> anyhow::Result<()> {
    let components = ["-p", "vitrine-test-guest", "-p", "vitrine-test-hello"];
    must(cargo(&["build", "--profile", "wasm", "--target", "wasm32-wasip2"]).args(components))?;
    build::test_host()
}

/// The same cases over HTTP through every door. The table of hosts is held to what was seen.
pub(super) fn conformance() -> anyhow::Result<()> {
    let mut doors = cargo(&[
        "test",
        "--quiet",
        "-p",
        "vitrine-edge",
        "--features",
        "doors",
        "--test",
        "doors",
    ]);
    let module = place::target().join("wasm32-wasip1/wasm/vitrine-edge-fastly.wasm");
    doors
        .env("VITRINE_BIN", place::vitrine())
        .env("VITRINE_MANIFEST", place::root().join("spin.toml"))
        .env("VICEROY_BIN", viceroy::install()?)
        .env("FASTLY_WASM", module);
    must(&mut doors)
}

pub(super) fn identity(config: &str) -> anyhow::Result<()> {
    must(staged(config).arg(place::lab()).args([
        "identity",
        "--origin",
        "{origin}",
        "--vitrine",
        "{vitrine}",
    ]))
}

pub(super) fn first_byte() -> anyhow::Result<()> {
    must(staged(DEMO).arg(place::lab()).args([
        "first-byte",
        "--origin",
        "{origin}",
        "--vitrine",
        "{vitrine}",
    ]))
}

pub(super) fn chaos() -> anyhow::Result<()> {
    must(scene("chaos", DEMO).args(["--shop-port", "13000"]))
}

pub(super) fn origin_faults() -> anyhow::Result<()> {
    must(
        command("node")
            .arg(shops("origin-faults.mjs"))
            .arg(place::vitrine())
            .arg(place::root().join("spin.toml")),
    )
}

/// Beside what other steps have compiled: the script starts the host twice, and is interested in the second time.
pub(super) fn memory() -> anyhow::Result<()> {
    must(
        command("node")
            .arg(place::root().join("loadtests/memory.mjs"))
            .arg("--vitrine")
            .arg(place::vitrine())
            .arg("--manifest")
            .arg(place::root().join("spin.toml"))
            .arg("--state")
            .arg(place::target().join("stage")),
    )
}

/// A script of the browser lab over the demo shop and Vitrine.
pub(super) fn browser(script: &str, more: &[&str]) -> anyhow::Result<()> {
    must(
        staged(DEMO)
            .arg("node")
            .arg(place::browser().join(script))
            .args(["--origin", "{origin}", "--vitrine", "{vitrine}"])
            .args(more),
    )
}

/// The optimizer's component against the library, byte for byte, on the shops' photographs too.
pub(super) fn encoders_in_wasm() -> anyhow::Result<()> {
    let script = shops("photographs.mjs").display().to_string();
    let photographs = output("node", &[&script]).context("there are no photographs")?;
    let component = place::target().join("wasm32-wasip2/wasm/vitrine_optimizer_spin.wasm");
    let mut test = cargo(&["test", "--quiet", "-p", "vitrine-optimizer"]);
    test.args([
        "--features",
        "hosted",
        "--test",
        "hosted",
        "--",
        "--nocapture",
    ])
    .env("VITRINE_BIN", place::vitrine())
    .env("OPTIMIZER_WASM", component)
    .env("VITRINE_PHOTOS", photographs);
    must(&mut test)
}

/// A script of the browser lab that brings a shop of its own.
pub(super) fn browser_alone(script: &str) -> anyhow::Result<()> {
    must(
        command("node")
            .arg(place::browser().join(script))
            .arg("--vitrine")
            .arg(place::vitrine())
            .arg("--manifest")
            .arg(place::root().join("spin.toml")),
    )
}

pub(super) fn beacon() -> anyhow::Result<()> {
    // The least number of page views that a report shows is for shops with visitors; here there are nine.
    let report = format!(
        "{} report --format json --state-dir {{state}} --min-n 1",
        place::vitrine().display()
    );
    must(
        staged(DEMO)
            .arg("node")
            .arg(place::browser().join("beacon.mjs"))
            .args(["--vitrine", "{vitrine}", "--report", &report]),
    )
}

/// The corpus's script, with the pages in the cache.
pub(super) fn corpus(more: &[&str]) -> anyhow::Result<()> {
    must(
        command("node")
            .arg(place::browser().join("corpus.mjs"))
            .arg("--folder")
            .arg(place::cache()?.join("corpus"))
            .args(more),
    )
}

/// The passes over the corpus and the pages of the storefronts, without a host.
pub(super) fn corpus_natively() -> anyhow::Result<()> {
    let mut folders = vec![place::cache()?.join("corpus")];
    folders.extend(storefront::folders());
    let test = [
        "-p",
        "vitrine-edge",
        "--features",
        "corpus",
        "--test",
        "corpus",
    ];
    must(
        cargo(&["test", "--quiet"])
            .args(test)
            .env("VITRINE_CORPUS", std::env::join_paths(folders)?),
    )
}

/// The corpus straight and through Vitrine, with every default on.
pub(super) fn corpus_in_browser() -> anyhow::Result<()> {
    let path = |path: PathBuf| path.display().to_string();
    let (binary, root) = (path(place::vitrine()), place::root());
    let (manifest, config) = (
        path(root.join("spin.toml")),
        path(root.join("loadtests/merchants/corpus.toml")),
    );
    let (binary, manifest, config) = (binary.as_str(), manifest.as_str(), config.as_str());
    corpus(&[
        "--binary",
        binary,
        "--manifest",
        manifest,
        "--config",
        config,
    ])
}

/// A verb of a shop's own script.
pub(super) fn shop(script: &str, verb: &str) -> anyhow::Result<()> {
    must(command("node").arg(shops(script)).arg(verb))
}

pub(super) fn beside_evershop(config: &str, script: &str) -> anyhow::Result<()> {
    must(
        beside(config, EVERSHOP_URL)
            .arg("node")
            .arg(shops(script))
            .args(["{vitrine}", "{origin}"]),
    )
    .with_context(|| script.to_owned())
}

pub(super) fn evershop_identity() -> anyhow::Result<()> {
    must(beside(OFF, EVERSHOP_URL).arg(place::lab()).args([
        "identity",
        "--origin",
        "{origin}",
        "--vitrine",
        "{vitrine}",
    ]))
}

/// The lab with Vitrine on a port of its own, so that a running demo is not in the way.
fn scene(verb: &str, config: &str) -> Command {
    let mut lab = command(place::lab());
    lab.arg(verb)
        .arg("--vitrine")
        .arg(place::vitrine())
        .arg("--config")
        .arg(place::root().join(config))
        .arg("--state-dir")
        .arg(place::target().join("stage"))
        .args(["--vitrine-port", "14000"]);
    lab
}

/// The demo shop and Vitrine, and then a command. The vendors keep the port that `vitrine.toml` names.
pub(super) fn staged(config: &str) -> Command {
    let mut lab = scene("stage", config);
    lab.args(["--shop-port", "13000", "--"]);
    lab
}

/// Vitrine in front of a shop that runs, and then a command.
pub(super) fn beside(config: &str, origin: &str) -> Command {
    let mut lab = scene("stage", config);
    lab.args(["--origin", origin, "--"]);
    lab
}

fn shops(script: &str) -> PathBuf {
    place::root().join("loadtests/shops").join(script)
}
