//! `vitrine hints`: a file with mistakes is refused before anybody is asked.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests of a host look at the world's clock, files and sockets"
)]

use std::process::Command;

/// Runs `vitrine hints import` on a file, against an edge that is not there.
fn import(text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hints.json");
    std::fs::write(&file, text).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_vitrine"))
        .args(["hints", "import", "hints.json", "--token", "t"])
        .args(["--edge", "http://127.0.0.1:1"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    (run.status.code(), said)
}

#[test]
fn a_file_with_mistakes_is_refused_with_the_place_of_each() {
    let (code, said) = import("{\"version\": 1,\n \"templates\": 7}");
    assert_eq!(code, Some(1));
    assert!(
        said.contains("error: hints.json:2:15: invalid type"),
        "{said}"
    );
    let (code, said) = import(
        r#"{"version":1,"templates":[{"template":"product","groups":[{"viewport":"phone","views":9,
            "images":[{"selector":"img[","seen":10}]}]}]}"#,
    );
    assert_eq!(code, Some(1));
    let entry = "error: hints.json: templates[0].groups[0].images[0]";
    assert!(
        said.contains(&format!("{entry}.selector: `img[`")),
        "{said}"
    );
    assert!(
        said.contains(&format!("{entry}.seen: 10; expected at most views, 9")),
        "{said}"
    );
    assert!(said.contains("2 mistakes; nothing was changed"), "{said}");
}

#[test]
fn a_fine_file_is_handed_to_the_edge_and_its_absence_is_told() {
    let (code, said) = import(r#"{"version":1,"templates":[]}"#);
    assert_eq!(code, Some(2));
    assert!(said.contains("cannot ask http://127.0.0.1:1/"), "{said}");
}
