//! Viceroy, Fastly's local host, from the crates registry.

use std::path::PathBuf;

use crate::place;
use crate::step::{cargo, run};

/// The version that the Fastly door is tested with.
const VERSION: &str = "0.22.0";

/// Installs it once, into the cache, and says where it is.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    let folder = place::cache()?.join(format!("viceroy-{VERSION}"));
    let program = folder.join("bin/viceroy");
    if !program.exists() {
        eprintln!(
            "    building Viceroy {VERSION} into {}: this takes several minutes, once",
            folder.display()
        );
        let mut install = cargo(&[
            "install",
            "viceroy",
            "--version",
            VERSION,
            "--locked",
            "--quiet",
            "--root",
        ]);
        install.arg(&folder);
        // Correctness is tested here, not speed: less optimisation builds in half the time.
        for (name, value) in [
            ("OPT_LEVEL", "1"),
            ("LTO", "off"),
            ("CODEGEN_UNITS", "16"),
            ("DEBUG", "false"),
        ] {
            install.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
        }
        run(install.env("CARGO_TARGET_DIR", folder.join("build")))?;
        std::fs::remove_dir_all(folder.join("build"))?;
    }
    Ok(program)
}
