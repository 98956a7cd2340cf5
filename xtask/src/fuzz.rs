//! `cargo xtask fuzz`: one fuzz target per parser of ours and per decoder, for a bounded time each.
//!
//! The targets are libFuzzer's, in the layout of `cargo fuzz`, but built with the stable toolchain: coverage
//! counters are a pass of LLVM, and no sanitizer is needed for code without `unsafe`.

use std::path::{Path, PathBuf};

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

/// A workspace of fuzz targets, and its longest input in bytes.
struct Targets {
    folder: &'static str,
    max_len: u32,
}

const ALL: [Targets; 2] = [
    // Parsers of headers and selectors show their faults on short ones.
    Targets {
        folder: "edge/fuzz",
        max_len: 2048,
    },
    // The files of the hostile set, which are the seeds, fit but for the long ones.
    Targets {
        folder: "optimizer/fuzz",
        max_len: 16_384,
    },
];

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let target = place::target().join("fuzz");
    let wanted = |name: &String| args.only.as_ref().is_none_or(|only| only == name);
    for workspace in ALL {
        let folder = place::root().join(workspace.folder);
        let mut names = targets(&folder)?;
        names.retain(wanted);
        if names.is_empty() {
            continue;
        }
        let built = build(&folder, &target)?;
        if workspace.folder == "optimizer/fuzz" {
            hostile_set(&target.join("corpus"))?;
        }
        for name in names {
            let found = target.join("corpus").join(&name);
            let seeds = folder.join("corpus").join(&name);
            std::fs::create_dir_all(&found)?;
            step(&format!("fuzzing {name} for {} s", args.seconds), || {
                let mut fuzz = command(built.join(&name));
                fuzz.arg(format!("-max_total_time={}", args.seconds));
                fuzz.arg(format!("-max_len={}", workspace.max_len));
                fuzz.arg(format!("-artifact_prefix={}/", found.display()));
                fuzz.arg("-print_final_stats=1").arg(&found);
                if seeds.is_dir() {
                    fuzz.arg(&seeds);
                }
                must(&mut fuzz)
            })?;
        }
    }
    Ok(())
}

/// Compiles a workspace's targets; where they are then.
fn build(folder: &Path, target: &Path) -> anyhow::Result<PathBuf> {
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
        must(build.env("CARGO_TARGET_DIR", target))
    })?;
    Ok(target.join(&triple).join("release"))
}

/// The hostile set as seeds, made by the example of that name.
fn hostile_set(corpus: &Path) -> anyhow::Result<()> {
    step("the hostile set", || {
        let example = [
            "run",
            "-q",
            "-p",
            "vitrine-optimizer",
            "--example",
            "hostile_set",
            "--",
        ];
        must(cargo(&example).arg(corpus))
    })
}

pub(crate) fn host() -> anyhow::Result<String> {
    let about = crate::step::output("rustc", &["-vV"]).context("rustc does not run")?;
    let line = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("`rustc -vV` names no host")?.to_owned())
}

fn targets(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder.join("fuzz_targets"))?;
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let names = paths.iter().filter_map(|path| path.file_stem()?.to_str());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    Ok(names)
}
