//! libaom and libwebp: fetched by digest, and compiled once for this machine and once for WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use super::apt;
use crate::place;
use crate::place::codecs::{
    CHOICE, FRONT_SCRIPTS, LIBAOM, LIBWEBP, Source, WASM, folder, libraries,
};
use crate::step::{command, output, run as must, seconds};

/// Versions of clang that compile the NEON paths for WebAssembly, the best known first.
const CLANGS: [u32; 6] = [19, 20, 21, 22, 18, 17];

/// What the build needs, by Debian's names.
const PACKAGES: [&str; 9] = [
    "clang-19",
    "llvm-19",
    "wasi-libc",
    "libsimde-dev",
    "cmake",
    "ninja-build",
    "nasm",
    "perl",
    "xz-utils",
];

/// Where the archives are: Debian's mirrors, and its archive of everything that ever was, by SHA-1.
const MIRROR: &str = "http://deb.debian.org/debian/";
const SNAPSHOT: &str = "https://snapshot.debian.org/file/";

/// Builds what is missing. Where that cannot be done, the encoders in Rust take over, and one line says so.
pub(super) fn set_up() -> anyhow::Result<()> {
    let choice = std::env::var(CHOICE).unwrap_or_default();
    if choice == "none" {
        eprintln!("    left out: {CHOICE}=none");
        return Ok(());
    }
    match build_what_is_missing() {
        Err(why) if choice != "required" => {
            eprintln!(
                "    not built, so AVIF comes from rav1e, later and larger, and WebP not at all: {why:#}"
            );
            Ok(())
        }
        outcome => outcome,
    }
}

fn build_what_is_missing() -> anyhow::Result<()> {
    let own = place::root().join("optimizer/codecs");
    let cache = place::cache()?;
    let native = crate::fuzz::host()?;
    let tools = Tools::find_or_install()?;
    let [front, ..] = libraries(&own)?;
    let mut is_new = false;
    for target in [WASM, native.as_str()] {
        let to = folder(&cache, &own, target)?;
        let made_by = fs::read_to_string(to.join(MADE_BY)).unwrap_or_default();
        let front = to.join(format!("lib{front}.a"));
        if made_by == tools.compiler && front.exists() {
            eprintln!("    {target}: already built, in {}", to.display());
            continue;
        }
        let started = std::time::Instant::now();
        if made_by != tools.compiler {
            let work = to.with_extension("build");
            tools.build(target, &to, &work)?;
            fs::remove_dir_all(&work)?;
        }
        tools.build_front(target, &own, &to, &front)?;
        is_new = true;
        eprintln!("    {target}: {}", seconds(started.elapsed()));
    }
    if is_new {
        // Cargo watches no file that is not there, so it has to be told of new ones.
        let script = fs::File::options()
            .append(true)
            .open(own.join("build.rs"))?;
        script.set_modified(SystemTime::now())?;
    }
    Ok(())
}

/// The line that says which compiler made the libraries beside it. It is written last.
const MADE_BY: &str = "made-by.txt";

/// What compiles.
struct Tools {
    /// `-19`, or nothing where the plain name is recent enough.
    suffix: String,
    /// The compiler's own words on what it is.
    compiler: String,
    wasi: PathBuf,
    simde: PathBuf,
}

impl Tools {
    fn find_or_install() -> anyhow::Result<Self> {
        if let Ok(found) = Self::find() {
            return Ok(found);
        }
        apt(&PACKAGES)?;
        Self::find()
    }

    fn find() -> anyhow::Result<Self> {
        for tool in ["cmake", "ninja", "perl", "tar"] {
            output(tool, &["--version"]).with_context(|| format!("{tool} is missing"))?;
        }
        if cfg!(target_arch = "x86_64") {
            output("nasm", &["-v"]).context("nasm is missing")?;
        }
        let suffix = CLANGS.iter().map(|version| format!("-{version}"));
        let (suffix, compiler) = suffix
            .chain([String::new()])
            .find_map(|suffix| {
                let about = output(&format!("clang{suffix}"), &["--version"])?;
                output(&format!("llvm-ar{suffix}"), &["--version"])?;
                let line = about.lines().next()?.to_owned();
                is_recent(&line).then_some((suffix, line))
            })
            .context("clang 17 or later, with llvm-ar, is missing")?;
        let sdk = std::env::var_os("WASI_SDK_PATH").map(PathBuf::from);
        let sdk = sdk.map(|sdk| sdk.join("share/wasi-sysroot/include/wasm32-wasip1"));
        Ok(Self {
            suffix,
            compiler,
            wasi: first(
                "the headers of wasi-libc",
                sdk.into_iter().chain([
                    "/usr/include/wasm32-wasi".into(),
                    "/opt/wasi-sdk/share/wasi-sysroot/include/wasm32-wasip1".into(),
                ]),
            )?,
            simde: first(
                "SIMDe",
                ["/usr", "/usr/local", "/opt/homebrew"]
                    .map(|prefix| Path::new(prefix).join("include/simde"))
                    .into_iter(),
            )?,
        })
    }

    /// Compiles both libraries.
    fn build(&self, target: &str, to: &Path, work: &Path) -> anyhow::Result<()> {
        let scripts = place::root().join("optimizer/codecs/c");
        if work.exists() {
            fs::remove_dir_all(work)?;
        }
        fs::create_dir_all(work)?;
        let aom = unpacked(&LIBAOM, work)?;
        let webp = unpacked(&LIBWEBP, work)?.join(format!("libwebp-{}", LIBWEBP.version));
        let mut configure = command("cmake");
        configure.args([
            "-G",
            "Ninja",
            "-DCMAKE_BUILD_TYPE=Release",
            "--log-level=ERROR",
        ]);
        configure.arg("-S").arg(&scripts).arg("-B").arg(work);
        for (name, tool) in [("C_COMPILER", "clang"), ("CXX_COMPILER", "clang++")] {
            configure.arg(format!("-DCMAKE_{name}={tool}{}", self.suffix));
        }
        configure.arg(format!("-DAOM_SOURCE={}", aom.display()));
        configure.arg(format!("-DWEBP_SOURCE={}", webp.display()));
        if target == WASM {
            let toolchain = scripts.join("wasm/toolchain.cmake");
            configure.arg(format!("-DCMAKE_TOOLCHAIN_FILE={}", toolchain.display()));
            configure.arg(format!("-DWASI_INCLUDE={}", self.wasi.display()));
            // SIMDe alone: its neighbours are the headers of another machine.
            let alone = work.join("simde-alone");
            fs::create_dir(&alone)?;
            std::os::unix::fs::symlink(&self.simde, alone.join("simde"))?;
            configure.arg(format!("-DSIMDE={}", alone.display()));
        }
        quietly(&mut configure, work)?;
        quietly(
            command("ninja").arg("-C").arg(work).args(["aom", "webp"]),
            work,
        )?;
        fs::create_dir_all(to)?;
        fs::copy(work.join("libaom/libaom.a"), to.join("libaom.a"))?;
        fs::copy(work.join("libwebp.a"), to.join("libwebp.a"))?;
        for (source, from) in [(&aom, "aom"), (&webp, "src/webp")] {
            headers(&source.join(from), &to.join("include"))?;
        }
        fs::write(to.join(MADE_BY), &self.compiler)?;
        Ok(())
    }

    /// Compiles the functions in front of the libraries, which Rust calls.
    fn build_front(&self, target: &str, own: &Path, to: &Path, front: &Path) -> anyhow::Result<()> {
        let object = front.with_extension("o");
        let mut compile = command(format!("clang{}", self.suffix));
        compile
            .args(["-O2", "-Wall", "-Wextra", "-fPIC", "-c"])
            .arg(own.join(FRONT_SCRIPTS[0]));
        compile.arg("-isystem").arg(to.join("include"));
        if target == WASM {
            compile
                .arg("--target=wasm32-wasi")
                .arg("-isystem")
                .arg(&self.wasi);
        }
        must(compile.arg("-o").arg(&object))?;
        // Written whole or not at all: its being there is what says that it is done.
        let half = front.with_extension("half");
        let mut archive = command(format!("llvm-ar{}", self.suffix));
        must(archive.arg("rcs").arg(&half).arg(&object))?;
        fs::remove_file(&object)?;
        fs::rename(half, front)?;
        Ok(())
    }
}

/// Copies a library's public headers, in a folder of their own.
fn headers(from: &Path, to: &Path) -> anyhow::Result<()> {
    let to = to.join(from.file_name().context("headers lie in a folder")?);
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let (Some("h"), Some(name)) = (
            path.extension().and_then(|end| end.to_str()),
            path.file_name(),
        ) {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// Whether the compiler's first line names a version that is known to do it.
fn is_recent(line: &str) -> bool {
    let version = line.split("clang version ").nth(1);
    let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| CLANGS.iter().any(|known| *known <= major))
}

fn first(what: &str, mut places: impl Iterator<Item = PathBuf>) -> anyhow::Result<PathBuf> {
    places
        .find(|path| path.exists())
        .with_context(|| format!("{what} are missing"))
}

/// Runs a command whose thousand lines are of interest only when it fails.
fn quietly(command: &mut std::process::Command, work: &Path) -> anyhow::Result<()> {
    let log = work.join("vitrine.log");
    let file = fs::File::create(&log)?;
    let outcome = must(command.stdout(file.try_clone()?).stderr(file));
    outcome.map_err(|error| {
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last: Vec<&str> = text.lines().rev().take(20).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        error.context(last.join("\n"))
    })
}

/// The folder with a library's sources, fetched and unpacked.
fn unpacked(source: &Source, work: &Path) -> anyhow::Result<PathBuf> {
    let folder = place::cache()?.join("codecs/sources");
    fs::create_dir_all(&folder)?;
    let archive = folder.join(Path::new(source.path).file_name().context("no file name")?);
    if !is_what_it_should_be(&archive, source) {
        fetch(source, &archive)?;
    }
    let to = work.join("sources").join(source.name);
    fs::create_dir_all(&to)?;
    must(command("tar").arg("-xf").arg(&archive).arg("-C").arg(&to))?;
    Ok(to)
}

/// From the mirrors, or from the archive once Debian has moved on to another version.
fn fetch(source: &Source, archive: &Path) -> anyhow::Result<()> {
    let addresses = [
        format!("{MIRROR}{}", source.path),
        format!("{SNAPSHOT}{}", source.sha1),
    ];
    for address in &addresses {
        let done = download(address, archive).is_ok() && is_what_it_should_be(archive, source);
        if done {
            eprintln!("    {} {}: {address}", source.name, source.version);
            return Ok(());
        }
    }
    bail!(
        "{} {} cannot be fetched: put the archive with SHA-256 {} at {}",
        source.name,
        source.version,
        source.sha256,
        archive.display()
    )
}

/// By apt's own helper, which is everywhere on Debian, or else by curl.
fn download(address: &str, to: &Path) -> anyhow::Result<()> {
    const APT: &str = "/usr/lib/apt/apt-helper";
    let mut fetch = if Path::new(APT).exists() {
        let mut helper = command(APT);
        helper.arg("download-file").arg(address).arg(to);
        helper
    } else {
        let mut curl = command("curl");
        curl.args([
            "--fail",
            "--location",
            "--silent",
            "--show-error",
            "--max-time",
            "120",
        ]);
        curl.arg("--output").arg(to).arg(address);
        curl
    };
    let quiet = std::process::Stdio::null;
    must(fetch.stdout(quiet()).stderr(quiet()))
}

fn is_what_it_should_be(archive: &Path, source: &Source) -> bool {
    fs::read(archive).is_ok_and(|bytes| {
        let digest = Sha256::digest(&bytes);
        let digits = digest.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>() == source.sha256
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_is_judged_by_the_version_that_it_names() {
        for recent in [
            "Debian clang version 19.1.7 (3~deb12u1)",
            "Ubuntu clang version 18.1.3 (1ubuntu1)",
            "clang version 23.0.0git",
        ] {
            assert!(is_recent(recent), "{recent}");
        }
        for not in [
            "Debian clang version 14.0.6",
            "Apple clang version 15.0.0 (clang-1500.3.9.4)",
            "gcc (Debian 12.2.0) 12.2.0",
            "",
        ] {
            assert!(!is_recent(not), "{not}");
        }
    }

    #[test]
    fn an_archive_with_other_bytes_is_not_taken() {
        let folder = std::env::temp_dir().join(format!("vitrine-codecs-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let archive = folder.join("archive");
        assert!(!is_what_it_should_be(&archive, &LIBAOM), "it is not there");
        fs::write(&archive, "something else").unwrap();
        assert!(!is_what_it_should_be(&archive, &LIBAOM));
        fs::remove_dir_all(&folder).unwrap();
    }
}
