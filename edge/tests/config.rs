//! Every message about a configuration file has a golden: `tests/config/<case>/{in.toml,err.txt}`.
//!
//! `BLESS=1 cargo test -p vitrine-edge --test config` writes the goldens anew; a person reads the diff.

use std::path::{Path, PathBuf};

use vitrine_edge::config::{Policy, json_schema, load, load_for, reference};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

/// Compares with a golden, or writes it when `BLESS` is set. Returns what differs.
fn golden(path: &Path, actual: &str) -> Option<String> {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, actual).expect("a writable golden");
        return None;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    (expected != actual).then(|| {
        format!(
            "{}\n--- expected\n{expected}\n--- actual\n{actual}",
            path.display()
        )
    })
}

#[test]
fn every_mistake_is_reported_as_its_golden_says() {
    let cases = cases();
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    let mut differences = Vec::new();
    for case in cases {
        let text = std::fs::read_to_string(case.join("in.toml")).expect("in.toml");
        let account = match load("vitrine.toml", &text) {
            Ok(compiled) => {
                assert!(!compiled.warnings.is_empty(), "{} is fine", case.display());
                compiled.warnings.to_string()
            }
            Err(findings) => findings.to_string(),
        };
        differences.extend(golden(&case.join("err.txt"), &account));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn nothing_written_is_every_default() {
    let compiled = load("vitrine.toml", "").expect("an empty file is fine");
    assert!(compiled.warnings.is_empty());
    let mut policy: Policy = serde_json::from_str(&compiled.policy).expect("a policy");
    assert_eq!(policy.version.len(), 12);
    policy.version.clear();
    assert_eq!(policy, Policy::default());
    let guest: Policy = serde_json::from_str("{}").expect("guests accept `{}`");
    assert_eq!(guest, Policy::default());
}

#[test]
fn the_version_follows_the_meaning_and_not_the_spelling() {
    let version = |text: &str| load("vitrine.toml", text).expect(text).version;
    let plain = version("[cache]\nenabled = true\nmax_body_bytes = 2048\n");
    assert_eq!(
        plain,
        version("cache = { max_body_bytes = 0x800 } # the same\n")
    );
    assert_ne!(plain, version("[cache]\nmax_body_bytes = 2049\n"));
    assert_ne!(version(""), version("[origin]\nretry = false\n"));
    assert_ne!(version(""), version("[rum]\nretention_days = 7\n"));
}

#[test]
fn the_shop_on_the_command_line_wins_and_is_checked() {
    let file = "[origin]\nurl = \"http://127.0.0.1:1\"\n";
    let compiled = load_for("vitrine.toml", file, Some("http://127.0.0.1:2")).expect("fine");
    assert_eq!(compiled.config.origin.url, "http://127.0.0.1:2");
    let findings = load_for("vitrine.toml", file, Some("127.0.0.1:2")).expect_err("no scheme");
    let account = findings.to_string();
    assert!(account.contains("--> --origin:1:1"), "{account}");
    assert!(account.contains("write `https://127.0.0.1:2`"), "{account}");
}

#[test]
fn a_finding_for_a_log_is_one_line_with_its_place() {
    let text = "[site]\nid = \"über\"\n[chache]\n";
    let findings = load("shop.toml", text).expect_err("two mistakes");
    assert_eq!(
        findings.lines(),
        [
            "shop.toml:2:6: error: `site.id` is not of the right form",
            "shop.toml:3:2: error: unknown key `chache` in the file",
        ]
    );
}

#[test]
fn colour_is_only_on_request() {
    let findings = load("vitrine.toml", "x = 1").expect_err("no such key");
    assert!(!findings.to_string().contains('\u{1b}'));
    assert!(findings.render(true).contains('\u{1b}'));
}

#[test]
fn the_demo_shops_file_is_fine() {
    let text = std::fs::read_to_string(root().join("vitrine.toml")).expect("vitrine.toml");
    let compiled = load("vitrine.toml", &text).unwrap_or_else(|findings| panic!("{findings}"));
    assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
}

/// Holds a generated document against the committed one.
fn assert_current(path: &str, actual: &str) {
    let difference = golden(&root().join(path), actual);
    let how = format!("BLESS=1 cargo test -p vitrine-edge --test config writes {path} anew");
    assert!(
        difference.is_none(),
        "{how}\n{}",
        difference.unwrap_or_default()
    );
}

#[test]
fn the_reference_in_the_documents_is_the_generated_one() {
    assert_current("docs/configuration.md", &reference());
}

#[test]
fn the_schema_in_the_documents_is_the_generated_one() {
    let schema = serde_json::to_string_pretty(&json_schema()).expect("JSON");
    assert_current("docs/vitrine.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_schema_is_a_2020_12_one_without_references() {
    let schema = json_schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert!(!schema.to_string().contains("\"$ref\""));
    assert_eq!(
        schema["properties"]["holdback"]["properties"]["percent"]["maximum"],
        50
    );
}

#[test]
fn no_text_makes_the_check_fail_to_answer() {
    // Every prefix of a real file, and every file with one byte changed, is judged and not choked on.
    let text = std::fs::read_to_string(root().join("vitrine.toml")).expect("vitrine.toml");
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    for (at, _) in text.char_indices().step_by(7) {
        let _ = load("vitrine.toml", &text[..at]).map_err(|findings| findings.to_string());
        let changed = format!("{}é{}", &text[..at], text.get(at + 1..).unwrap_or_default());
        let _ = load("vitrine.toml", &changed).map_err(|findings| findings.to_string());
    }
}
