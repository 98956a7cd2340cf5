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
    let mut build = cargo(&[
        "build",
        "--release",
        "--package",
        "vitrine",
        "--package",
        "vitrine-loadtests",
    ]);
    must(build.env("VITRINE_EMBED", place::root()))
}
