//! From sources to one binary: beacon, components, and the host that carries them.

use crate::place;
use crate::step::{cargo, command, run as must, step};

/// The components, as `spin.toml` names their files.
const COMPONENTS: [&str; 4] = [
    "vitrine-edge-spin",
    "vitrine-origin-adapter-spin",
    "vitrine-optimizer-spin",
    "vitrine-rum-collector-spin",
];

pub(crate) fn run_all() -> anyhow::Result<()> {
    step("beacon script (esbuild)", beacon)?;
    step("four components (wasm32-wasip2)", components)?;
    step(
        "vitrine, with the components inside, and the load lab (release)",
        host,
    )
}

pub(crate) fn run() -> anyhow::Result<()> {
    run_all()?;
    step("the Fastly module (wasm32-wasip1)", fastly)?;
    eprintln!("built: {}", place::vitrine().display());
    Ok(())
}

pub(crate) fn beacon() -> anyhow::Result<()> {
    let folder = place::root().join("rum-collector/script");
    must(
        command("npm")
            .args(["run", "--silent", "build"])
            .current_dir(folder),
    )
}

pub(crate) fn components() -> anyhow::Result<()> {
    let mut build = cargo(&["build", "--profile", "wasm", "--target", "wasm32-wasip2"]);
    for component in COMPONENTS {
        build.args(["--package", component]);
    }
    must(&mut build)
}

pub(crate) fn fastly() -> anyhow::Result<()> {
    must(&mut cargo(&[
        "build",
        "--package",
        "vitrine-edge-fastly",
        "--profile",
        "wasm",
        "--target",
        "wasm32-wasip1",
    ]))
}

/// The host and the lab in one go: they share most of what they stand on.
pub(crate) fn host() -> anyhow::Result<()> {
    must(&mut of_host("build"))
}

/// The same, with what their tests need. The features of what they stand on are then those of [`test_host`], and
/// wasmtime is compiled once for both.
pub(crate) fn host_and_tests() -> anyhow::Result<()> {
    must(of_host("build").args(["--bins", "--tests"]))
}

/// The tests of the host and of the lab.
pub(crate) fn test_host() -> anyhow::Result<()> {
    must(of_host("test").arg("--quiet"))
}

fn of_host(verb: &str) -> std::process::Command {
    let packages = ["--package", "vitrine", "--package", "vitrine-loadtests"];
    let mut cargo = cargo(&[verb, "--release"]);
    cargo.args(packages).env("VITRINE_EMBED", place::root());
    cargo
}
