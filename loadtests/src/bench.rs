//! `vitrine-loadtests bench`: a page straight, through Vitrine with everything off, and with everything on, in turns;
//! then `vitrine up` beside another host on the same trivial component. Prints JSON for `loadtests/baselines/`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::load::{self, Outcome, Plan};
use crate::stage::{Scene, Stage};

/// Arguments of `vitrine-loadtests bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The `vitrine` binary.
    #[arg(long, default_value = "target/release/vitrine")]
    vitrine: PathBuf,
    /// The merchant file with everything off.
    #[arg(long, default_value = "loadtests/merchants/off.toml")]
    off: PathBuf,
    /// The merchant file with everything on.
    #[arg(long, default_value = "vitrine.toml")]
    on: PathBuf,
    /// The `wasmtime` binary, for `wasmtime serve`.
    #[arg(long, requires = "trivial")]
    wasmtime: Option<PathBuf>,
    /// Folder of the trivial component and its manifest.
    #[arg(long)]
    trivial: Option<PathBuf>,
    /// Visitors at the same time.
    #[arg(long, default_value_t = 8)]
    visitors: usize,
    /// Requests of one run, at most.
    #[arg(long, default_value_t = 1500)]
    requests: usize,
    /// Longest time of one run, in seconds.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Runs of each subject, in turns; the middle one counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[derive(Serialize)]
struct Subject {
    name: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
    all_per_second: Vec<f64>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut report = Map::new();
    report.insert("machine".into(), machine());
    report.insert("visitors".into(), args.visitors.into());
    report.insert("page".into(), page(&args).await?);
    if let (Some(wasmtime), Some(trivial)) = (&args.wasmtime, &args.trivial) {
        report.insert("trivial".into(), hosts(&args, wasmtime, trivial).await?);
    }
    let text = serde_json::to_string_pretty(&Value::Object(report))?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// The product page of a shop that takes no time of its own.
async fn page(args: &Args) -> anyhow::Result<Value> {
    let scene = |file: &PathBuf, port: u16, origin: Option<&str>| Scene {
        vitrine: args.vitrine.clone(),
        config: Some(file.clone()),
        origin: origin.map(str::to_owned),
        shop_port: 23_000,
        // The vendors' port is in the merchant file's rules; nothing loads from it here.
        third_party_port: 3001,
        vitrine_port: port,
        think_ms: 0,
        state_dir: None,
        up: Vec::new(),
        instead: None,
    };
    let mut off = Stage::set(&scene(&args.off, 24_000, None)).await?;
    let on = Stage::set(&scene(&args.on, 24_001, Some(&off.origin))).await;
    let outcome = match on {
        Ok(mut on) => {
            let subjects = [
                ("straight", off.origin.clone()),
                ("all off", off.vitrine.clone()),
                ("all on", on.vitrine.clone()),
            ];
            let plain = turns(args, &subjects, "/p/ember-mug", "identity").await;
            let brotli = turns(args, &subjects[2..], "/p/ember-mug", "br").await;
            on.strike().await;
            plain.and_then(|plain| {
                Ok(json!({ "path": "/p/ember-mug", "identity": plain, "brotli": brotli? }))
            })
        }
        Err(error) => Err(error),
    };
    off.strike().await;
    outcome
}

/// The same component under two hosts.
async fn hosts(args: &Args, wasmtime: &Path, trivial: &Path) -> anyhow::Result<Value> {
    let component = trivial.join("../../target/wasm32-wasip2/release/vitrine_trivial.wasm");
    let scene = |port: u16, instead: Option<String>, up: Vec<String>| Scene {
        vitrine: args.vitrine.clone(),
        config: None,
        // Neither host calls out here.
        origin: Some("http://127.0.0.1:9".into()),
        shop_port: 0,
        third_party_port: 0,
        vitrine_port: port,
        think_ms: 0,
        state_dir: None,
        up,
        instead,
    };
    let manifest = format!("--manifest={}", trivial.join("spin.toml").display());
    let serve = format!(
        "{} serve --addr 127.0.0.1:24003 -Scli,p3 -Wcomponent-model-async {}",
        wasmtime.display(),
        component.display()
    );
    // `wasmtime serve` writes no access log: the same work is without one.
    let quiet = vec![manifest, "--quiet".into()];
    let mut ours = Stage::set(&scene(24_002, None, quiet))
        .await
        .context("vitrine up, trivial component")?;
    let theirs = Stage::set(&scene(24_003, Some(serve), Vec::new()))
        .await
        .context("wasmtime serve, trivial component");
    let outcome = match theirs {
        Ok(mut theirs) => {
            let subjects = [
                ("vitrine up", ours.vitrine.clone()),
                ("wasmtime serve", theirs.vitrine.clone()),
            ];
            let outcome = turns(args, &subjects, "/", "identity").await;
            theirs.strike().await;
            outcome
        }
        Err(error) => Err(error),
    };
    ours.strike().await;
    outcome
}

/// Runs the subjects in turns, so that a busy minute of the machine meets them all, after one run that does not count.
async fn turns(
    args: &Args,
    subjects: &[(&'static str, String)],
    path: &str,
    accept_encoding: &'static str,
) -> anyhow::Result<Value> {
    let plan = |base: &str| Plan {
        base: base.to_owned(),
        path: path.to_owned(),
        headers: HeaderMap::from_iter([
            (ACCEPT_ENCODING, HeaderValue::from_static(accept_encoding)),
            (ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8")),
        ]),
        visitors: args.visitors,
        requests: args.requests,
        time: Duration::from_secs(args.seconds),
        every: None,
    };
    let mut runs: Vec<Vec<Outcome>> = vec![Vec::new(); subjects.len()];
    for round in 0..=args.rounds {
        for (at, (name, base)) in subjects.iter().enumerate() {
            let mut plan = plan(base);
            if round == 0 {
                plan.requests /= 5;
            }
            let outcome = load::run(&plan).await?;
            eprintln!(
                "{name} ({accept_encoding}), round {round}: {} requests/s, p50 {} ms, p99 {} ms, {} errors",
                outcome.per_second, outcome.p50_ms, outcome.p99_ms, outcome.errors
            );
            if round > 0 {
                runs[at].push(outcome);
            }
        }
    }
    let subjects = subjects.iter().zip(runs).filter_map(|((name, _), runs)| {
        let all_per_second = runs.iter().map(|run| run.per_second).collect();
        Some(Subject {
            name,
            outcome: load::middle(runs)?,
            all_per_second,
        })
    });
    Ok(serde_json::to_value(subjects.collect::<Vec<_>>())?)
}

/// What the numbers were measured on.
fn machine() -> Value {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({ "cores": cores, "processor": model.map_or("unknown", str::trim) })
}
