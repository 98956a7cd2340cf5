//! Puts an application into the binary: the manifest in the directory `VITRINE_EMBED`, and the components it names.
//! Without the variable the binary carries none, and says so when it is asked for one.
#![allow(
    clippy::disallowed_methods,
    reason = "a build script reads what cargo sets"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-env-changed=VITRINE_EMBED");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("embedded.rs");
    let code = match std::env::var_os("VITRINE_EMBED") {
        Some(directory) => embed(Path::new(&directory))?,
        None => "const MANIFEST: Option<&str> = None;\nconst COMPONENTS: &[(&str, &[u8])] = &[];\n"
            .into(),
    };
    std::fs::write(out, code)?;
    Ok(())
}

fn embed(directory: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let directory = directory.canonicalize()?;
    let file = directory.join("spin.toml");
    println!("cargo::rerun-if-changed={}", file.display());
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("VITRINE_EMBED: cannot read {}: {error}", file.display()))?;
    let manifest: toml::Table = toml::from_str(&text)?;
    let components = manifest
        .get("component")
        .and_then(toml::Value::as_table)
        .ok_or("VITRINE_EMBED: the manifest has no components")?;
    let mut code = format!(
        "const MANIFEST: Option<&str> = Some(include_str!({}));\n",
        literal(&file)?
    );
    code.push_str("const COMPONENTS: &[(&str, &[u8])] = &[\n");
    for (name, component) in components {
        let source = component
            .get("source")
            .and_then(toml::Value::as_str)
            .ok_or_else(|| format!("VITRINE_EMBED: component {name} has no source path"))?;
        let wasm = directory.join(source);
        if !wasm.is_file() {
            return Err(format!(
                "VITRINE_EMBED: {} is missing: build the components first",
                wasm.display()
            )
            .into());
        }
        println!("cargo::rerun-if-changed={}", wasm.display());
        writeln!(code, "    ({name:?}, include_bytes!({})),", literal(&wasm)?)?;
    }
    code.push_str("];\n");
    Ok(code)
}

/// A path as a string literal of Rust.
fn literal(path: &Path) -> Result<String, String> {
    path.to_str()
        .map(|path| format!("{path:?}"))
        .ok_or_else(|| format!("VITRINE_EMBED: {} is not UTF-8", path.display()))
}
