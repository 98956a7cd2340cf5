//! `cargo xtask test`: everything that can fail, one step after another, and a table at the end.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::step::seconds;
use crate::{build, setup, viceroy};

mod storefront;
mod work;

use work::{
    beacon, beside_evershop, browser, browser_alone, chaos, clippy, conformance, corpus,
    corpus_in_browser, corpus_natively, encoders_in_wasm, evershop_identity, first_byte, format,
    host, identity, libraries, memory, origin_faults, shop, tools,
};

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
    step("format", format),
    step("libraries: cargo test", libraries),
    step("xtask: cargo test", tools),
    step("lints: cargo clippy", clippy),
    after("set-up", "build: beacon", build::beacon),
    after("build: beacon", "build: components", build::components),
    after("build: components", HOST, build::host_and_tests),
    after("build: components", FASTLY, build::fastly),
    after(HOST, "host and lab: cargo test", host),
    after(
        HOST,
        "images: wasm against native, byte for byte",
        encoders_in_wasm,
    ),
    after(HOST, "demo shop: identity, switched off", || identity(OFF)),
    after(HOST, "demo shop: identity, each thing off", || {
        identity(EACH_OFF)
    }),
    after(HOST, "demo shop: first byte", first_byte),
    after(HOST, "demo shop: kill -9 of the origin", chaos),
    after(HOST, "origin faults", origin_faults),
    after(HOST, "memory: a page of 50 MB", memory),
    after(HOST, "demo shop: browser parity and cart", || {
        browser("parity.mjs", &[])
    }),
    after(HOST, "demo shop: back/forward cache", || {
        browser("bfcache.mjs", &[])
    }),
    after(HOST, "demo shop: a real beacon", beacon),
    after(HOST, "browser: facades", || browser_alone("facades.mjs")),
    after(HOST, "browser: critical CSS, content-visibility", || {
        browser_alone("css.mjs")
    }),
    after(HOST, "browser: lazy and largest images", || {
        browser_alone("images.mjs")
    }),
    after(HOST, "browser: widths, crops and hints", || {
        browser_alone("widths.mjs")
    }),
    after("set-up", CORPUS, || corpus(&["--fetch"])),
    after(HOST, "corpus: the browser's console", corpus_in_browser),
    after(HOST, "browser: scripts", || browser_alone("scripts.mjs")),
    after(HOST, "browser: consent", || browser_alone("consent.mjs")),
    after(HOST, "browser: fonts", || browser_alone("fonts.mjs")),
    after(HOST, "browser: smaller style sheets", || {
        browser_alone("sheets.mjs")
    }),
    after(HOST, "browser: pages fetched ahead", || {
        browser_alone("speculation.mjs")
    }),
    after(HOST, "browser: content security policies", || {
        browser_alone("csp.mjs")
    }),
    after(HOST, "corpus: the demo shop as it runs", || {
        storefront::DEMO_SHOP.browse()
    }),
    after(HOST, "EverShop: set-up", || shop("evershop.mjs", "setup")),
    after("EverShop: set-up", EVERSHOP, || {
        shop("evershop.mjs", "start")
    }),
    after(EVERSHOP, "EverShop: cart API", || {
        beside_evershop(ON, "evershop-cart.mjs")
    }),
    after(EVERSHOP, "EverShop: browser parity and cart", || {
        beside_evershop(ON, "evershop-browse.mjs")
    }),
    after(
        EVERSHOP,
        "EverShop: identity, switched off",
        evershop_identity,
    ),
    after(EVERSHOP, "corpus: EverShop as it runs", || {
        storefront::EVERSHOP.browse()
    }),
    after(EVERSHOP, "EverShop: pictures", || {
        storefront::EVERSHOP.show()
    }),
    after(EVERSHOP, "EverShop: stop", || shop("evershop.mjs", "stop")),
    after(HOST, "Oscar: set-up", || shop("oscar.mjs", "setup")),
    after("Oscar: set-up", OSCAR, || shop("oscar.mjs", "start")),
    after(OSCAR, "corpus: Oscar as it runs", || {
        storefront::OSCAR.browse()
    }),
    after(OSCAR, "Oscar: pictures", || storefront::OSCAR.show()),
    after(OSCAR, "Oscar: stop", || shop("oscar.mjs", "stop")),
    after(CORPUS, "corpus: the second parser", corpus_natively),
    after(FASTLY, VICEROY, || viceroy::install().map(drop)),
    after(
        VICEROY,
        "conformance: every host, and the table of them",
        conformance,
    ),
];

const HOST: &str = "build: vitrine and the lab";
const FASTLY: &str = "build: Fastly module";
const CORPUS: &str = "corpus: fetch pages that nobody wrote for Vitrine";
const EVERSHOP: &str = "EverShop: start";
const OSCAR: &str = "Oscar: start";
const VICEROY: &str = "Fastly: install Viceroy";

/// The merchant files that the stages run with.
const DEMO: &str = "vitrine.toml";
const OFF: &str = "loadtests/merchants/off.toml";
const EACH_OFF: &str = "loadtests/merchants/each-off.toml";
const ON: &str = "loadtests/merchants/evershop.toml";
const OSCAR_ON: &str = "loadtests/merchants/oscar.toml";

/// Where the shops of `loadtests/shops/` answer.
const EVERSHOP_URL: &str = "http://127.0.0.1:3100";
const OSCAR_URL: &str = "http://127.0.0.1:3300";

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
