//! The hostile set: files that are made to do harm, each made here, the same ones every time.
//!
//! `cargo run -p vitrine-optimizer --example hostile_set -- FOLDER` writes them, one folder for each format, as seeds
//! for the fuzz targets and to look at. `tests/hostile_set.rs` holds the optimizer against every one.
#![allow(
    clippy::unwrap_used,
    reason = "what is made here is well-formed, or the run must stop"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the test uses another part of it than the example"
)]

mod animated;
mod bombs;
#[path = "../../tests/common/mod.rs"]
pub(crate) mod common;
mod damage;
mod disguise;
mod gif_webp;
mod raw;
mod traps;

/// One file, and what is known of it.
pub struct Hostile {
    /// The format whose reader it is made for: also the name of that reader's fuzz target.
    pub kind: &'static str,
    /// What is wrong with it.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// The only reasons for which it may be refused, where its header tells. It must then be refused.
    pub told: Option<&'static [&'static str]>,
}

impl Hostile {
    /// A file of which only the end is asked for: the original, a smaller one, or a reason.
    pub fn new(kind: &'static str, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            kind,
            name: name.into(),
            bytes,
            told: None,
        }
    }

    /// A file whose first bytes say enough to refuse it.
    pub fn told(
        kind: &'static str,
        name: impl Into<String>,
        bytes: Vec<u8>,
        why: &'static [&'static str],
    ) -> Self {
        Self {
            told: Some(why),
            ..Self::new(kind, name, bytes)
        }
    }
}

/// All of them.
pub fn files() -> Vec<Hostile> {
    let mut files = bombs::files();
    files.extend(animated::files());
    files.extend(damage::files());
    files.extend(disguise::files());
    files.extend(gif_webp::files());
    files.extend(traps::files());
    files
}

fn main() {
    let folder = std::env::args_os()
        .nth(1)
        .unwrap_or_else(|| "target/hostile_set".into());
    let folder = std::path::PathBuf::from(folder);
    for (number, file) in files().iter().enumerate() {
        let within = folder.join(file.kind);
        std::fs::create_dir_all(&within).unwrap();
        let name: String = file
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        std::fs::write(within.join(format!("{number:03}-{name}")), &file.bytes).unwrap();
    }
}
