//! The table of `docs/hosts.md`: which case holds on which host.

use std::fmt::Write as _;
use std::path::Path;

use vitrine_edge::testing::conformance::Case;

use super::super::Results;
use super::door::Door;

const BEGIN: &str = "<!-- conformance:begin -->";
const END: &str = "<!-- conformance:end -->";
/// The hosts of the table. Spin itself runs the same components as the embedded host and is not on every machine.
const COLUMNS: [&str; 2] = ["embedded", "fastly"];

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    results: Results,
    what: std::collections::BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn note(&mut self, door: &Door, case: &Case, result: Result<(), String>) {
        self.what.insert(case.name.clone(), case.what.clone());
        self.results
            .entry(case.name.clone())
            .or_default()
            .insert(door.name, result);
    }

    pub(crate) fn totals(&self) -> (usize, usize) {
        let all = || self.results.values().flat_map(|doors| doors.values());
        (
            all().filter(|result| result.is_ok()).count(),
            all().filter(|result| result.is_err()).count(),
        )
    }

    /// Every case must hold on the embedded host and on Spin; what a host of another kind lacks is a row.
    pub(crate) fn all_hold_on_spin(&self) -> bool {
        self.results.values().all(|doors| {
            ["embedded", "spin"]
                .iter()
                .all(|name| doors.get(name).is_none_or(Result::is_ok))
        })
    }

    fn table(&self) -> String {
        let holding = |name: &str| {
            self.results
                .values()
                .filter(|doors| doors.get(name).is_some_and(Result::is_ok))
                .count()
        };
        let mut table = format!(
            "{BEGIN}\n\n| case | embedded (Spin components) | Fastly Compute |\n|---|---|---|\n"
        );
        for (case, doors) in &self.results {
            let cell = |name: &str| match doors.get(name) {
                Some(Ok(())) => "yes",
                Some(Err(_)) => "**no**",
                None => "not run",
            };
            let _ = writeln!(
                table,
                "| {} | {} | {} |",
                self.what[case],
                cell(COLUMNS[0]),
                cell(COLUMNS[1])
            );
        }
        let _ = writeln!(
            table,
            "| **{} cases** | **{}** | **{}** |\n\n{END}",
            self.results.len(),
            holding(COLUMNS[0]),
            holding(COLUMNS[1])
        );
        table
    }
}

/// Fails if the table in the docs says anything else than what was seen. Runs without one of the hosts do not
/// judge the table.
pub(crate) fn hold_current(seen: &Seen, doors: &[Door]) -> Result<(), String> {
    if COLUMNS
        .iter()
        .any(|name| doors.iter().all(|door| door.name != *name))
    {
        return Ok(());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/hosts.md");
    let docs = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let missing = || format!("docs/hosts.md has no lines `{BEGIN}` and `{END}`");
    let begin = docs.find(BEGIN).ok_or_else(missing)?;
    let end = docs.find(END).ok_or_else(missing)? + END.len();
    let table = seen.table();
    if docs[begin..end] == *table.trim_end() {
        return Ok(());
    }
    if std::env::var_os("BLESS").is_some() {
        let new = format!("{}{}{}", &docs[..begin], table.trim_end(), &docs[end..]);
        return std::fs::write(&path, new).map_err(|error| error.to_string());
    }
    Err("the conformance table in docs/hosts.md is not what was seen; BLESS=1 writes it".into())
}
