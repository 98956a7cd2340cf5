//! Which C libraries, and where they lie once they are built. Shared by `build.rs`, which links them, and by
//! `cargo xtask setup`, which fetches and builds them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// A library's sources: an archive with a known digest.
pub struct Source {
    /// The library.
    pub name: &'static str,
    /// Its version; part of every recipe.
    pub version: &'static str,
    /// Where Debian keeps the archive as upstream made it, below a mirror's root.
    pub path: &'static str,
    /// SHA-256 of the archive.
    pub sha256: &'static str,
    /// SHA-1 of the archive, its name in Debian's archive of everything that ever was.
    pub sha1: &'static str,
}

/// From 3.14 on `tune=iq` saves 13 % of bytes, and speed 8 is good on flat backgrounds.
pub const LIBAOM: Source = Source {
    name: "libaom",
    version: "3.14.1",
    path: "pool/main/a/aom/aom_3.14.1.orig.tar.xz",
    sha256: "4ef9882eda023582499511b845f4d4368a34c9886f545a7eea4ca20799d3c161",
    sha1: "3193cd5af40938f931d1729dd86bb0417b1bdba4",
};

/// The encoders of 1.6 are those of every browser's test suite.
pub const LIBWEBP: Source = Source {
    name: "libwebp",
    version: "1.6.0",
    path: "pool/main/libw/libwebp/libwebp_1.6.0.orig.tar.gz",
    sha256: "e4ab7009bf0629fd11982d4c2aa83964cf244cffba7347ecd39019a9e38c4564",
    sha1: "c65babfd749817e6d0f8233d653f8a85e4220b48",
};

/// Says what is to become of the C libraries: `none` does without them, `required` fails without them.
pub const CHOICE: &str = "VITRINE_CODECS";

/// What is expensive to make and survives `cargo clean`: `$VITRINE_CACHE`, or `vitrine` in the user's cache directory.
pub fn cache() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    set("VITRINE_CACHE").or_else(|| {
        let home = || set("HOME").map(|home| home.join(".cache"));
        Some(set("XDG_CACHE_HOME").or_else(home)?.join("vitrine"))
    })
}

/// Where everything lies for a target: in the cache, under all that decides what the libraries are.
pub fn folder(cache: &Path, crate_folder: &Path, target: &str) -> std::io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    for source in [&LIBAOM, &LIBWEBP] {
        source.sha256.hash(&mut hasher);
    }
    for file in LIBRARY_SCRIPTS {
        std::fs::read(crate_folder.join(file))?.hash(&mut hasher);
    }
    let key = format!("{:016x}", hasher.finish());
    let target = if target.starts_with("wasm32") {
        WASM
    } else {
        target
    };
    Ok(cache.join("codecs").join(key).join(target))
}

/// What is linked, as linkers name it and in the order in which they need it: the functions in front, then the
/// libraries.
pub fn libraries(crate_folder: &Path) -> std::io::Result<[String; 3]> {
    let mut hasher = DefaultHasher::new();
    for file in FRONT_SCRIPTS {
        std::fs::read(crate_folder.join(file))?.hash(&mut hasher);
    }
    let front = format!("vitrine-{:016x}", hasher.finish());
    Ok([front, "aom".into(), "webp".into()])
}

/// The folder for WebAssembly, whatever the interface to its host.
pub const WASM: &str = "wasm32";

/// What the libraries are built by.
pub const LIBRARY_SCRIPTS: [&str; 4] = [
    "c/CMakeLists.txt",
    "c/wasm/arm_neon.h",
    "c/wasm/setjmp.h",
    "c/wasm/toolchain.cmake",
];

/// What the functions in front of them are built from.
pub const FRONT_SCRIPTS: [&str; 2] = ["c/encode.c", "c/encode.h"];
