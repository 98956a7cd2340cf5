//! Links the C libraries where `cargo xtask setup` has built them. Without them the crate compiles all the same, says
//! so in [`LINKED`](../vitrine_codecs/constant.LINKED.html), and refuses to encode.
#![allow(
    clippy::disallowed_methods,
    reason = "a build script reads what cargo sets"
)]

use std::path::Path;

#[allow(
    dead_code,
    reason = "shared with xtask, which fetches what is named there"
)]
#[allow(unreachable_pub, reason = "a module of two programs")]
mod place;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::var("CARGO_MANIFEST_DIR")?;
    let folder = Path::new(&folder);
    let target = std::env::var("TARGET")?;
    for name in [place::CHOICE, "VITRINE_CACHE", "XDG_CACHE_HOME", "HOME"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=place.rs");
    for file in place::LIBRARY_SCRIPTS.iter().chain(&place::FRONT_SCRIPTS) {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rustc-env=LIBAOM={}", place::LIBAOM.version);
    println!("cargo::rustc-env=LIBWEBP={}", place::LIBWEBP.version);

    let choice = std::env::var(place::CHOICE).unwrap_or_default();
    let Some(cache) = place::cache().filter(|_| choice != "none") else {
        return Ok(());
    };
    let place = place::folder(&cache, folder, &target)?;
    let libraries = place::libraries(folder)?;
    let file = |name: &String| place.join(format!("lib{name}.a"));
    if libraries.iter().all(|name| file(name).exists()) {
        println!("cargo::rustc-cfg=linked");
        println!("cargo::rustc-link-search=native={}", place.display());
        for name in &libraries {
            println!("cargo::rerun-if-changed={}", file(name).display());
            println!("cargo::rustc-link-lib=static={name}");
        }
    } else if choice == "required" {
        return Err(format!("no C encoders for {target}: run `cargo xtask setup`").into());
    }
    Ok(())
}
