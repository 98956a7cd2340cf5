//! Where the values of variables come from: the manifest's defaults, `vitrine.toml`, keys of this installation,
//! the environment and the command line, the later over the earlier.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use vitrine_edge::config::{Compiled, Findings};

use super::manifest::Manifest;

/// Everything but `vitrine.toml`.
pub(crate) struct Sources {
    defaults: BTreeMap<String, Option<String>>,
    generated: BTreeMap<String, String>,
    given: BTreeMap<String, String>,
}

/// Prefix of environment variables that set variables.
const ENVIRONMENT: &str = "VITRINE_VAR_";

impl Sources {
    /// `set` holds the `NAME=VALUE` of the command line.
    pub(crate) fn new(manifest: &Manifest, set: &[String], state: &Path) -> anyhow::Result<Self> {
        let defaults: BTreeMap<_, _> = manifest
            .variables
            .iter()
            .map(|(name, variable)| (name.clone(), variable.default.clone()))
            .collect();
        let mut given = BTreeMap::new();
        for name in defaults.keys() {
            if let Ok(value) = std::env::var(format!("{ENVIRONMENT}{}", name.to_ascii_uppercase()))
            {
                given.insert(name.clone(), value);
            }
        }
        for pair in set {
            let (name, value) = pair
                .split_once('=')
                .with_context(|| format!("--set {pair}: expected NAME=VALUE"))?;
            anyhow::ensure!(
                defaults.contains_key(name),
                "--set {name}: the manifest has no such variable"
            );
            given.insert(name.to_owned(), value.to_owned());
        }
        let mut sources = Self {
            defaults,
            generated: BTreeMap::new(),
            given,
        };
        sources.generate(state)?;
        Ok(sources)
    }

    /// Makes the keys that an installation needs and nobody gave.
    fn generate(&mut self, state: &Path) -> anyhow::Result<()> {
        for name in ["rum_key", "operator_token"] {
            if self.defaults.contains_key(name) && !self.given.contains_key(name) {
                self.generated
                    .insert(name.to_owned(), secret(&state.join(name))?);
            }
        }
        Ok(())
    }

    /// Whether the value was made here, and not given.
    pub(crate) fn is_generated(&self, name: &str) -> bool {
        self.generated.contains_key(name)
    }

    /// All values together. Fails for a required variable without one.
    pub(crate) fn compose(&self, compiled: &Compiled) -> anyhow::Result<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        for (name, default) in &self.defaults {
            let file = match name.as_str() {
                "policy" => Some(&compiled.policy),
                "origin_settings" => Some(&compiled.origin_settings),
                "rum_settings" => Some(&compiled.rum_settings),
                _ => None,
            };
            let value = self
                .given
                .get(name)
                .or_else(|| self.generated.get(name))
                .or(file)
                .or(default.as_ref())
                .with_context(|| {
                    format!(
                        "variable `{name}` is required: give --set {name}=VALUE or {ENVIRONMENT}{}",
                        name.to_ascii_uppercase()
                    )
                })?;
            values.insert(name.clone(), value.clone());
        }
        Ok(values)
    }
}

/// Reads a secret of this installation, or makes it. Readable by its owner only.
fn secret(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| anyhow::anyhow!("the system gives no random bytes: {e}"))?;
    let secret = bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            text
        });
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(file, "{secret}").with_context(|| format!("cannot write {}", path.display()))?;
    Ok(secret)
}

/// Longest file that the configuration may name, in bytes: a little more than any of them may have, so that
/// the one that is too long is told so by who knows its bound.
const MAX_NAMED_FILE: u64 = 1 << 20;

/// Reads a file that the configuration at `config` names, from the folder of the configuration.
pub(crate) fn read_beside(config: &Path, file: &str) -> Result<String, String> {
    let path = config.parent().unwrap_or(Path::new("")).join(file);
    let read = || {
        let mut text = String::new();
        let file = std::fs::File::open(&path)?;
        file.take(MAX_NAMED_FILE).read_to_string(&mut text)?;
        std::io::Result::Ok(text)
    };
    read().map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// `vitrine.toml`, watched. Without a file the defaults hold.
pub(crate) struct Merchant {
    path: Option<PathBuf>,
    origin: Option<String>,
    seen: Option<Stamp>,
}

/// Tells that a file may have changed.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    text: String,
}

impl Merchant {
    pub(crate) fn new(path: Option<PathBuf>, origin: Option<String>) -> Self {
        Self {
            path,
            origin,
            seen: None,
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Reads and compiles the file. The outer error is about the file, the inner one about what it says.
    pub(crate) fn load(&mut self) -> anyhow::Result<Result<Compiled, Findings>> {
        let (name, text) = match &self.path {
            None => ("(defaults)".to_owned(), String::new()),
            Some(path) => {
                let stamp = Stamp::of(path)?;
                let text = stamp.text.clone();
                self.seen = Some(stamp);
                (path.display().to_string(), text)
            }
        };
        let path = self.path.as_deref().unwrap_or(Path::new(""));
        Ok(vitrine_edge::config::load_with(
            &name,
            &text,
            self.origin.as_deref(),
            &|file| read_beside(path, file),
        ))
    }

    /// Whether the file differs from what was loaded last. A file that is being replaced has not changed yet.
    pub(crate) fn changed(&self) -> bool {
        let (Some(path), Some(seen)) = (&self.path, &self.seen) else {
            return false;
        };
        let modified = std::fs::metadata(path).and_then(|m| m.modified()).ok();
        if modified.is_none() || modified == seen.modified {
            return false;
        }
        Stamp::of(path).is_ok_and(|now| now != *seen)
    }
}

impl Stamp {
    fn of(path: &Path) -> anyhow::Result<Self> {
        // The time first: a change between the two reads is seen again, never missed.
        let modified = std::fs::metadata(path).and_then(|m| m.modified()).ok();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { modified, text })
    }
}
