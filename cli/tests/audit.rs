//! `vitrine audit`: pages in files, and pairs of which somebody changed one.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests of a host look at the world's clock, files and sockets"
)]

use std::process::Command;

const PAGE: &str = "<!DOCTYPE html><html><head><title>Lamp</title><script src=\"/a.js\"></script></head>\
    <body><p>A lamp</p><a href=\"/basket\">Buy</a></body></html>";

/// Runs `vitrine audit` on files of these names, and says its exit code and what it wrote.
fn audit(files: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let run = Command::new(env!("CARGO_BIN_EXE_vitrine"))
        .arg("audit")
        .args(args)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let mut said = String::from_utf8_lossy(&run.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&run.stderr));
    (run.status.code(), said)
}

#[test]
fn a_page_that_differs_only_as_declared_passes_and_each_pass_says_what_it_did() {
    let config = "[passes.preconnect]\norigins = [\"https://cdn.example\"]\n";
    let files = [("p.html", PAGE), ("v.toml", config)];
    let (code, said) = audit(&files, &["p.html", "--config", "v.toml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing differs beyond"), "{said}");
    let preconnect = said.lines().find(|line| line.starts_with("  preconnect "));
    assert!(
        preconnect.is_some_and(|l| l.ends_with("applied in 1 place")),
        "{said}"
    );
}

#[test]
fn a_served_page_in_which_a_link_leads_elsewhere_is_broken() {
    let doctored = PAGE.replace("/basket", "/elsewhere");
    let files = [
        ("shop.html", PAGE),
        ("same.html", PAGE),
        ("served.html", &doctored),
    ];
    let (code, said) = audit(&files, &["shop.html", "--served", "served.html"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("BROKEN  links: "), "{said}");
    assert!(said.contains("/elsewhere"), "{said}");
    let (code, said) = audit(&files, &["shop.html", "--served", "same.html"]);
    assert_eq!(code, Some(0), "{said}");
}
