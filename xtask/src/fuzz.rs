//! `cargo xtask fuzz`: one fuzz target per parser of ours, for a bounded time each.
//!
//! The targets are libFuzzer's, in the layout of `cargo fuzz`, but built with the stable toolchain: coverage
//! counters are a pass of LLVM, and no sanitizer is needed for code without `unsafe`.

use std::path::PathBuf;

use anyhow::Context;

use crate::place;
use crate::step::{cargo, command, run as must, step};

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs, in seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Only this target.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// What makes rustc count which branches an input takes.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
/// Longest input, in bytes: parsers of headers and selectors show their faults on short ones.
const MAX_LEN: &str = "-max_len=2048";

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = place::root().join("edge/fuzz");
    let target = place::target().join("fuzz");
    let triple = host()?;
    step("the fuzz targets", || {
        let mut build = cargo(&[
            "build",
            "--release",
            "--locked",
            "--target",
            &triple,
            "--manifest-path",
        ]);
        build.arg(folder.join("Cargo.toml"));
        // With a triple named, the flags do not reach build scripts and macros.
        build.env("RUSTFLAGS", COVERAGE);
        must(build.env("CARGO_TARGET_DIR", &target))
    })?;
    for name in targets(&folder)? {
        if args.only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let found = target.join("corpus").join(&name);
        let seeds = folder.join("corpus").join(&name);
        std::fs::create_dir_all(&found)?;
        std::fs::create_dir_all(&seeds)?;
        step(&format!("fuzzing {name} for {} s", args.seconds), || {
            let mut fuzz = command(target.join(&triple).join("release").join(&name));
            fuzz.arg(format!("-max_total_time={}", args.seconds));
            fuzz.arg(format!("-artifact_prefix={}/", found.display()));
            must(
                fuzz.arg(MAX_LEN)
                    .arg("-print_final_stats=1")
                    .arg(&found)
                    .arg(&seeds),
            )
        })?;
    }
    Ok(())
}

pub(crate) fn host() -> anyhow::Result<String> {
    let about = crate::step::output("rustc", &["-vV"]).context("rustc does not run")?;
    let line = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("`rustc -vV` names no host")?.to_owned())
}

fn targets(folder: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder.join("fuzz_targets"))?;
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let names = paths.iter().filter_map(|path| path.file_stem()?.to_str());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    Ok(names)
}
