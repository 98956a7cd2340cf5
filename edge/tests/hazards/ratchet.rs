//! The ratchet: every hazard has a test by its number, or stands in `open_hazards.txt`, never both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Hazards are numbered from 1 to this.
const LAST: u16 = 110;
/// Where tests are, from the workspace's root.
const ROOMS: [&str; 7] = [
    "cli",
    "edge",
    "loadtests",
    "optimizer",
    "origin-adapter",
    "rum-collector",
    "xtask",
];
/// Folders without tests of ours.
const SKIPPED: [&str; 4] = ["target", "node_modules", "dist", "fuzz"];

#[test]
fn every_hazard_is_tested_or_open_and_none_is_both() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tested: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for room in ROOMS {
        collect(&root.join(room), &mut tested);
    }
    let text = fs::read_to_string(root.join("edge/tests/open_hazards.txt")).unwrap();
    let open: BTreeSet<u16> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let number = line
                .strip_prefix('H')
                .and_then(|rest| rest.split(' ').next()?.parse().ok());
            number.unwrap_or_else(|| panic!("not a hazard: {line}"))
        })
        .collect();
    for hazard in 1..=LAST {
        match (tested.get(&hazard), open.contains(&hazard)) {
            (None, false) => panic!("H{hazard:02} has no test, and is not in open_hazards.txt"),
            (Some(tests), true) => {
                panic!("H{hazard:02} is tested by {tests:?}: take it out of open_hazards.txt")
            }
            _ => {}
        }
    }
    assert!(
        open.iter()
            .chain(tested.keys())
            .all(|n| (1..=LAST).contains(n))
    );
}

/// Collects the hazards that tests in a folder name: functions `hNN_…` under `#[test]` (or the attribute of
/// another test harness), and `test("hNN_…")` in scripts.
fn collect(folder: &Path, tested: &mut BTreeMap<u16, Vec<String>>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let (path, name) = (
            entry.path(),
            entry.file_name().to_string_lossy().into_owned(),
        );
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(&path, tested);
            }
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for test in tests_in(&name, &text) {
            if let Some(hazard) = hazard_of(test) {
                tested
                    .entry(hazard)
                    .or_default()
                    .push(format!("{name}: {test}"));
            }
        }
    }
}

fn tests_in<'a>(file: &str, text: &'a str) -> Vec<&'a str> {
    let name_after = |line: &'a str, mark: &str| {
        let rest = line.trim_start().strip_prefix(mark)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        Some(&rest[..end])
    };
    let lines: Vec<&str> = text.lines().collect();
    let is_attribute = |line: &str| line.trim_start().starts_with("#[") && line.contains("test");
    match file.rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("rs") => lines
            .iter()
            .enumerate()
            .filter(|(at, _)| {
                let above = lines[..*at]
                    .iter()
                    .rev()
                    .take_while(|l| l.trim_start().starts_with("#["));
                // Inside `proptest!` and the like the attribute stands above as well.
                above.clone().any(|line| is_attribute(line))
            })
            .filter_map(|(_, line)| {
                name_after(line, "fn ").or_else(|| name_after(line, "async fn "))
            })
            .collect(),
        Some("js" | "mjs" | "ts") => lines
            .iter()
            .filter_map(|line| name_after(line, "test(\"").or_else(|| name_after(line, "test('")))
            .collect(),
        _ => Vec::new(),
    }
}

fn hazard_of(test: &str) -> Option<u16> {
    let (number, _) = test.strip_prefix('h')?.split_once('_')?;
    (number.len() >= 2).then(|| number.parse().ok()).flatten()
}

#[test]
fn the_ratchet_sees_tests_and_nothing_else() {
    let text = "#[test]\nfn h14_a() {}\n// fn h15_b\nfn h16_helper() {}\n#[tokio::test]\n#[cfg(unix)]\nasync fn h17_c() {}\n";
    assert_eq!(tests_in("x.rs", text), ["h14_a", "h17_c"]);
    assert_eq!(
        tests_in("x.mjs", "test('h110_back', async () => {\n"),
        ["h110_back"]
    );
    assert_eq!(hazard_of("h110_back"), Some(110));
    assert_eq!(hazard_of("hello_world"), None);
    assert_eq!(hazard_of("h1_x"), None);
}
