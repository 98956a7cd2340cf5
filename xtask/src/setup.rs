//! What the project needs beside Rust: wasm targets, Node with two sets of packages, the C encoders, Chromium.

use std::path::Path;

use anyhow::{Context, bail, ensure};

mod codecs;

use crate::place;
use crate::step::{command, output, run as must, step};

/// The oldest Node that the scripts run on.
const NODE: u32 = 20;

/// Where Chromium may be.
const CHROMIUM: [&str; 3] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
];

/// What a demo or a build needs.
pub(crate) fn run_for_build() -> anyhow::Result<()> {
    step("wasm targets of the pinned toolchain", targets)?;
    step("Node", node)?;
    step("packages of the beacon script (npm)", || {
        packages("rum-collector/script")
    })?;
    step("C encoders (libaom, libwebp)", codecs::set_up)
}

/// Everything.
pub(crate) fn run_all() -> anyhow::Result<()> {
    run_for_build()?;
    step("packages of the browser lab (npm)", || {
        packages("loadtests/browser")
    })?;
    step("Chromium", chromium)
}

/// `rustup` adds what `rust-toolchain.toml` names; without rustup, the targets have to be there already.
fn targets() -> anyhow::Result<()> {
    if output("rustup", &["--version"]).is_some() {
        let installed = output("rustup", &["target", "list", "--installed"]).unwrap_or_default();
        for target in ["wasm32-wasip2", "wasm32-wasip1"] {
            if !installed.lines().any(|line| line == target) {
                must(command("rustup").args(["target", "add", target]))?;
            }
        }
        return Ok(());
    }
    let sysroot = output("rustc", &["--print", "sysroot"]).context("rustc is missing")?;
    for target in ["wasm32-wasip2", "wasm32-wasip1"] {
        let libraries = Path::new(&sysroot).join("lib/rustlib").join(target);
        ensure!(
            libraries.exists(),
            "this Rust has no target {target}, and there is no rustup to add it"
        );
    }
    Ok(())
}

fn node() -> anyhow::Result<()> {
    let Some(version) = output("node", &["--version"]) else {
        bail!(
            "Node {NODE} or later is missing: it bundles the beacon script (on Debian: apt-get install nodejs npm)"
        );
    };
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|text| text.parse::<u32>().ok());
    ensure!(
        major.is_some_and(|major| major >= NODE),
        "Node {version} is too old: {NODE} or later is needed"
    );
    output("npm", &["--version"]).context("npm is missing")?;
    eprintln!("    {version}");
    Ok(())
}

/// `npm ci`, unless what the lock names is there already.
fn packages(folder: &str) -> anyhow::Result<()> {
    let folder = place::root().join(folder);
    let lock =
        std::fs::read(folder.join("package-lock.json")).context("there is no package-lock.json")?;
    let stamp = folder.join("node_modules/.vitrine-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        eprintln!("    already installed");
        return Ok(());
    }
    must(
        command("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder),
    )?;
    std::fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}

fn chromium() -> anyhow::Result<()> {
    if let Some(own) = std::env::var_os("VITRINE_CHROMIUM") {
        ensure!(
            Path::new(&own).exists(),
            "VITRINE_CHROMIUM names {}, which is not there",
            own.display()
        );
        return Ok(());
    }
    if let Some(found) = CHROMIUM.iter().find(|path| Path::new(path).exists()) {
        eprintln!("    {found}");
        return Ok(());
    }
    apt(&["chromium"]).context("Chromium is missing (or set VITRINE_CHROMIUM to one)")
}

/// Installs Debian packages as root, or says how to.
fn apt(names: &[&str]) -> anyhow::Result<()> {
    let root = output("id", &["-u"]).is_some_and(|id| id == "0");
    let debian = Path::new("/usr/bin/apt-get").exists();
    if !(root && debian) {
        bail!(
            "install it with: sudo apt-get install --no-install-recommends {}",
            names.join(" ")
        );
    }
    must(command("apt-get").args(["update", "--quiet=2"]))?;
    let mut install = command("apt-get");
    install
        .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
        .args(names)
        .env("DEBIAN_FRONTEND", "noninteractive");
    must(&mut install)
}
