//! Plays the conformance cases over HTTP, through every door that it is told of, and holds the table in
//! `docs/hosts.md` to what it saw. `cargo xtask test` builds the doors and runs it; `BLESS=1` writes the table.
//!
//! A door is named by environment variables: `VITRINE_BIN` (and `VITRINE_MANIFEST`) for the Spin components in
//! the embedded host, `VICEROY_BIN` and `FASTLY_WASM` for Fastly Compute, `SPIN_BIN` (and `SPIN_RUNTIME_CONFIG`)
//! for the same components in Spin itself.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test of whole hosts listens, measures time, and says what went wrong by failing there"
)]

mod doors {
    pub(super) mod door;
    pub(super) mod origin;
    pub(super) mod table;
    pub(super) mod visitor;
}

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use doors::door::{self, Door};
use doors::origin::Origin;
use doors::{table, visitor};
use vitrine_edge::testing::conformance::{Case, judge_headers};

/// How long work after a response may take, over HTTP.
const SETTLE: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let (cases, policies) = Case::load(&folder).unwrap();
    let doors = door::from_environment();
    if doors.is_empty() {
        println!(
            "error: no door is named; see the head of edge/tests/doors.rs, or run `cargo xtask test`"
        );
        return ExitCode::FAILURE;
    }
    let origin = Origin::start(cases.clone()).await;
    let mut seen = table::Seen::default();
    for door in &doors {
        for (name, policy) in &policies {
            let cases: Vec<&Case> = cases.iter().filter(|case| case.policy == *name).collect();
            play_all(door, &policy.to_string(), &cases, &origin, &mut seen).await;
        }
    }
    let (passed, failed) = seen.totals();
    let table = table::hold_current(&seen, &doors);
    if let Err(error) = &table {
        println!("error: {error}");
    }
    println!("doors: {passed} passed, {failed} failed");
    // A case that a host cannot pass is a row of the table. A change of the table is a failure.
    if table.is_ok() && seen.all_hold_on_spin() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn play_all(
    door: &Door,
    policy: &str,
    cases: &[&Case],
    origin: &Origin,
    seen: &mut table::Seen,
) {
    let open = match door.open(policy, &origin.url()).await {
        Ok(open) => open,
        Err(error) => {
            for case in cases {
                seen.note(door, case, Err(format!("the door did not open: {error}")));
            }
            return;
        }
    };
    for case in cases {
        origin.forget(&case.place());
        let result = play(case, &open.address, origin).await;
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        println!("{}: {} ... {word}", door.name, case.name);
        if let Err(error) = &result {
            println!("    {error}");
        }
        seen.note(door, case, result);
    }
}

async fn play(case: &Case, address: &str, origin: &Origin) -> Result<(), String> {
    for (at, step) in case.steps.iter().enumerate() {
        let failed = |error: String| format!("step {}: {error}", at + 1);
        tokio::time::sleep(Duration::from_millis(step.wait_ms)).await;
        let answered = visitor::send(address, case, &step.request)
            .await
            .map_err(failed)?;
        let received = answered.received(origin.pause_ended(&case.place()));
        step.answer.judge(&received).map_err(failed)?;
        tokio::time::sleep(SETTLE).await;
        let log = origin.log(&case.place());
        if let Some(asked) = step.asked
            && log.asked != asked
        {
            return Err(failed(format!(
                "the origin was asked {} times instead of {asked}",
                log.asked
            )));
        }
        if !step.forwarded.is_empty() {
            let wrong = judge_headers(&step.forwarded, &log.headers);
            if !wrong.is_empty() {
                return Err(failed(format!("forwarded {}", wrong.join("; "))));
            }
        }
    }
    Ok(())
}

/// Results by case and door.
type Results = BTreeMap<String, BTreeMap<&'static str, Result<(), String>>>;
