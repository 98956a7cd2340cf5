//! Takes the bundled beacon script into the library, if it was built.
//!
//! `cargo test` needs nothing but Rust, and the bundle needs Node: so its absence is not an error here but a
//! fact that the library reports (`script::BODY` is `None`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    // The folder is in the repository, its content is not.
    println!("cargo::rerun-if-changed=script/dist");
    println!("cargo::rerun-if-changed=build.rs");
    let bundle = root.join("script/dist/beacon.js");
    let form = |suffix: &str| {
        let path = PathBuf::from(format!("{}{suffix}", bundle.display()));
        path.is_file().then_some(path)
    };
    let generated = match (form(""), form(".br"), form(".gz")) {
        (Some(body), Some(brotli), Some(gzip)) => present(&body, &brotli, &gzip),
        _ => absent(),
    };
    std::fs::write(out.join("script.rs"), generated).expect("OUT_DIR can be written");
}

fn present(body: &Path, brotli: &Path, gzip: &Path) -> String {
    let digest = Sha256::digest(std::fs::read(body).expect("the bundle can be read"));
    let mut hash = String::new();
    for byte in &digest[..8] {
        write!(hash, "{byte:02x}").expect("a String can be written to");
    }
    let include = |path: &Path| format!("Some(include_bytes!({:?}))", path.display().to_string());
    source(&hash, &include(body), &include(brotli), &include(gzip))
}

fn absent() -> String {
    source("not-built", "None", "None", "None")
}

fn source(hash: &str, body: &str, brotli: &str, gzip: &str) -> String {
    format!(
        "/// Where the script is served: its content's digest is in the name, so that it can be cached for ever.\n\
         pub const PATH: &str = \"/_v/rum/{hash}.js\";\n\
         /// The digest in [`PATH`]; `not-built` when there is no script.\n\
         pub const HASH: &str = \"{hash}\";\n\
         /// The script, or `None` in a build made before `cargo xtask build` bundled it.\n\
         pub const BODY: Option<&[u8]> = {body};\n\
         pub(crate) const BROTLI: Option<&[u8]> = {brotli};\n\
         pub(crate) const GZIP: Option<&[u8]> = {gzip};\n"
    )
}
