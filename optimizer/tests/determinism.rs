//! The same source and recipe give the same bytes on every machine, natively and in wasm: cache keys rely on it.
//!
//! `tests/digests.txt` holds the SHA-256 of every result. `BLESS=1 cargo test -p vitrine-optimizer --test determinism`
//! rewrites it after a deliberate change of an engine. The example `digests` prints the same lines from wasm.
#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test")]

#[path = "../examples/digests.rs"]
#[allow(dead_code, reason = "its main is not used here")]
mod digests;

#[test]
fn the_same_source_and_recipe_give_the_same_bytes_everywhere() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/digests.txt");
    let seen = digests::lines();
    if std::env::var_os("BLESS").is_some() {
        // Blessed without them, the file would lose the C engines' lines.
        assert!(digests::has_c_engines(), "run `cargo xtask setup` first");
        std::fs::write(path, seen.join("\n") + "\n").unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    // Without the C engines, their lines are not made.
    let expected = expected
        .lines()
        .filter(|line| digests::has_c_engines() || !line.contains(" lib"));
    assert_eq!(seen, expected.collect::<Vec<_>>());
}
