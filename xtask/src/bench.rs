//! `cargo xtask bench`: criterion benches, then load over real sockets; JSON on standard output.

use std::path::{Path, PathBuf};

use crate::step::{cargo, command, run as must, step};
use crate::{build, place, setup};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the criterion benches.
    #[arg(long)]
    load_only: bool,
    /// Leave out the comparison with `wasmtime serve`, whose build takes long the first time.
    #[arg(long)]
    no_wasmtime: bool,
}

/// Where the benches look for pages.
const PAGES: &str = "VITRINE_BENCH_PAGES";

/// The wasmtime that `vitrine up` is held against: the line it is built on.
const WASMTIME: &str = "48.0.8";

/// What `wasmtime serve` is made of; everything else in that binary only takes time to build.
const SERVE: &str = "serve,run,compile,wasi-http,cranelift,component-model,component-model-async,pooling-allocator,\
                     parallel-compilation,cache,threads,gc,gc-drc,logging,backtrace";

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    setup::run_for_build()?;
    build::run_all()?;
    let pages = step("pages of running shops", pages)?;
    if !args.load_only {
        step("criterion benches of the libraries", || {
            must(cargo(&["bench"]).env(PAGES, &pages))
        })?;
    }
    if !args.no_wasmtime {
        let wasmtime = step("wasmtime, from the crates registry", wasmtime)?;
        step("rewriting: natively, and inside wasm", || {
            rewriting(&wasmtime, &pages)
        })?;
    }
    let mut load = command(place::lab());
    load.arg("bench").arg("--vitrine").arg(place::vitrine());
    if !args.no_wasmtime {
        load.arg("--wasmtime").arg(wasmtime()?);
        load.arg("--trivial")
            .arg(step("the trivial component", trivial)?);
    }
    step("load: straight, all off, all on", || must(&mut load))?;
    step("the same edits by Cloudflare's workerd", || {
        let mut peers = command(Path::new("node"));
        peers.arg(place::root().join("loadtests/peers/workerd.mjs"));
        peers.arg("--pages").arg(&pages);
        peers.arg("--vitrine").arg(place::vitrine());
        must(peers.arg("--manifest").arg(place::root().join("spin.toml")))
    })
}

/// Saves pages of running shops. They are not ours, and no part of the repository.
fn pages() -> anyhow::Result<PathBuf> {
    let folder = place::target().join("bench-pages");
    let mut save = command(Path::new("node"));
    save.arg(place::root().join("loadtests/peers/pages.mjs"));
    must(save.arg("--lab").arg(place::lab()).arg("--to").arg(&folder))?;
    Ok(folder)
}

fn wasmtime() -> anyhow::Result<PathBuf> {
    let folder = place::cache()?.join(format!("wasmtime-{WASMTIME}"));
    let program = folder.join("bin/wasmtime");
    if !program.exists() {
        let mut install = cargo(&[
            "install",
            "wasmtime-cli",
            "--version",
            WASMTIME,
            "--locked",
            "--quiet",
            "--root",
        ]);
        install
            .arg(&folder)
            .args(["--no-default-features", "--features", SERVE])
            .env("CARGO_TARGET_DIR", folder.join("build"));
        must(&mut install)?;
        std::fs::remove_dir_all(folder.join("build"))?;
    }
    Ok(program)
}

/// One program, built twice under the same profile, and run in turns. Each run prints a line of JSON.
fn rewriting(wasmtime: &Path, pages: &Path) -> anyhow::Result<()> {
    const PROGRAM: &str = "vitrine-rewrite-rate";
    for target in [&[][..], &["--target", "wasm32-wasip1"]] {
        must(cargo(&["build", "--profile", "wasm", "--package", PROGRAM]).args(target))?;
    }
    let native = place::target().join("wasm").join(PROGRAM);
    let module = place::target().join(format!("wasm32-wasip1/wasm/{PROGRAM}.wasm"));
    for _ in 0..3 {
        must(command(&native).env(PAGES, pages))?;
        let mut wasm = command(wasmtime);
        wasm.arg("run").arg("--dir");
        wasm.arg(format!("{}::/pages", pages.display()));
        wasm.arg("--env").arg(format!("{PAGES}=/pages"));
        must(wasm.arg(&module))?;
    }
    Ok(())
}

/// A component that answers every request with a few bytes, in a workspace of its own: the project's does not need it.
fn trivial() -> anyhow::Result<PathBuf> {
    let folder = place::root().join("loadtests/trivial");
    let mut build = cargo(&["build", "--quiet", "--release", "--target", "wasm32-wasip2"]);
    must(
        build
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", place::target()),
    )?;
    Ok(folder)
}
