//! html5lib's tree-construction inputs through every pass: markup that parsers stumble over, collected by
//! those who write parsers. A browser must make of each the same document as before, but for declared edits.
//!
//! The inputs come from a crate that ships them, in a version and with a checksum that `html5lib/Cargo.lock`
//! pins; cargo fetches it once and keeps it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use vitrine_edge::html::passes::Config;

#[path = "common/rich.rs"]
mod rich;

/// As many inputs as the pinned version has. Fewer would mean that they are not read any more.
const INPUTS: usize = 1651;

/// What every pass that acts in a body finds something in, for what an input leaves open.
const TARGETS: &str = "<script src=\"https://chat.example/c.js\"></script>\
                       <script src=\"https://tags.example/t.js\"></script>\
                       <img src=\"/a.jpg\"><p>text</p><img src=\"/b.jpg\"><img src=\"/c.jpg\">\
                       <iframe src=\"https://www.youtube.com/embed/x\"></iframe>";

/// The files of the crate that ships the inputs.
fn crate_files() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/html5lib/Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo cannot fetch the inputs: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == "markup5ever_rcdom")
        .unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().to_owned()
}

/// Every input, with the file and line that it comes from.
fn inputs() -> Vec<(String, Vec<u8>)> {
    let folder = crate_files().join("html5lib-tests/tree-construction");
    let mut inputs = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|suffix| suffix == "dat") {
                inputs.extend(inputs_of(&path));
            }
        }
    }
    inputs.sort();
    inputs
}

/// The inputs of one file: each stands between `#data` and `#errors`.
fn inputs_of(path: &Path) -> Vec<(String, Vec<u8>)> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read(path).unwrap();
    let mut inputs: Vec<(String, Vec<u8>)> = Vec::new();
    let mut open: Option<(usize, Vec<&[u8]>)> = None;
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        match (line, &mut open) {
            (b"#data", None) => open = Some((at + 1, Vec::new())),
            (b"#errors", Some((from, lines))) => {
                inputs.push((format!("{name}:{from:05}"), lines.join(&b'\n')));
                open = None;
            }
            (line, Some((_, lines))) => lines.push(line),
            _ => {}
        }
    }
    inputs
}

/// An input as it is, as the beginning and within a whole page, and with more behind it.
fn pages(input: &[u8]) -> [Vec<u8>; 5] {
    let page = |before: &str, after: &str| [before.as_bytes(), input, after.as_bytes()].concat();
    [
        page("", ""),
        page("<!doctype html>", TARGETS),
        page(
            "<!doctype html><html><head><title>T</title>",
            "</head><body>x",
        ),
        page("<!doctype html><html><head></head><body>", TARGETS),
        page("<!doctype html><table><tr><td>", TARGETS),
    ]
}

#[test]
fn a_browser_makes_of_every_input_the_same_document_but_for_declared_edits() {
    let inputs = inputs();
    let config = rich::every_pass();
    let (mut rewritten, mut wrong) = (0, Vec::new());
    for (name, input) in &inputs {
        for (form, page) in pages(input).iter().enumerate() {
            let result = rich::rewrite(&config, rich::facts(), page);
            rewritten += usize::from(!result.applied.is_empty());
            for violation in result.violations.unwrap() {
                wrong.push(format!(
                    "{name} in form {form}: {violation}\n  before: {}\n  after:  {}",
                    String::from_utf8_lossy(page),
                    String::from_utf8_lossy(&result.output)
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} violations; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
    assert_eq!(inputs.len(), INPUTS);
    // Most are rewritten; the others are fragments, frames, or read in two ways.
    assert!(rewritten > 4 * INPUTS, "{rewritten} pages were rewritten");
}

#[test]
fn every_input_passes_byte_for_byte_when_every_pass_is_off() {
    for (name, input) in inputs() {
        for page in pages(&input) {
            let result = rich::rewrite(&Config::off(), rich::facts(), &page);
            assert!(result.output == page, "{name}");
        }
    }
}
