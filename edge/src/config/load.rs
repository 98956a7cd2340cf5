//! From the text of `vitrine.toml` to what the components load.

use std::ops::Range;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use super::finding::{Finding, Findings, Severity};
use super::{Config, Policy, conflict, format, schema, walk};

/// Longest configuration file, in bytes. One that a person wrote has a few thousand.
const MAX_BYTES: usize = 1 << 20;

/// A configuration as the components load it: the values of their variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// The variable `policy`: JSON of [`Policy`].
    pub policy: String,
    /// The variable `origin_settings`: JSON of the origin adapter's settings.
    pub origin_settings: String,
    /// The variable `rum_settings`: JSON of the collector's settings.
    pub rum_settings: String,
    /// The digest of all of it; `policy.version`.
    pub version: String,
    /// The configuration that it was compiled from.
    pub config: Config,
    /// What works, and does not do what it seems to say.
    pub warnings: Findings,
}

/// Reads, checks and compiles a configuration. The name is only for messages.
///
/// ```
/// use vitrine_edge::config::load;
///
/// let compiled = load("vitrine.toml", "[origin]\nurl = \"https://shop.example\"")?;
/// assert!(compiled.origin_settings.contains("https://shop.example"));
///
/// let findings = load("vitrine.toml", "[orgin]").expect_err("no such table");
/// assert!(findings.to_string().contains("did you mean `origin`?"));
/// # Ok::<(), vitrine_edge::config::Findings>(())
/// ```
pub fn load(name: &str, text: &str) -> Result<Compiled, Findings> {
    load_for(name, text, None)
}

/// Reads a file that the configuration names, from where the configuration is. The error is the end of a
/// sentence.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Like [`load`], for the shop at `origin` whatever the file says. The address is checked like the file's.
pub fn load_for(name: &str, text: &str, origin: Option<&str>) -> Result<Compiled, Findings> {
    load_with(name, text, origin, &|_| {
        Err("there are no files here".into())
    })
}

/// Like [`load_for`], with the files that the configuration names.
pub fn load_with(
    name: &str,
    text: &str,
    origin: Option<&str>,
    files: ReadFile<'_>,
) -> Result<Compiled, Findings> {
    if text.len() > MAX_BYTES {
        let title = format!("the file is longer than {MAX_BYTES} bytes");
        return Err(Findings::new(name, "", vec![Finding::error(title, 0..0)]));
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut findings: Vec<Finding> = errors.iter().map(|error| syntax(text, error)).collect();
    let schema = schema::json_schema();
    let mut further = walk::check(text, &document, &schema);
    let mut conflicts = conflict::check(document.get_ref(), files);
    // What is wrong by itself needs no second opinion.
    let judged: Vec<Range<usize>> = further.iter().map(|f| f.at.clone()).collect();
    conflicts.retain(|finding| !judged.iter().any(|at| overlap(at, &finding.at)));
    further.extend(conflicts);
    // What a broken line seems to say is guesswork: only its syntax error is reported.
    let broken: Vec<usize> = findings.iter().map(|f| line_of(text, f.at.start)).collect();
    further.retain(|finding| {
        let nowhere = finding.at.is_empty() && !broken.is_empty();
        !nowhere && !broken.contains(&line_of(text, finding.at.start))
    });
    findings.extend(further);
    findings.extend(origin.and_then(|origin| origin_option(origin, &schema)));
    if has_error(&findings) {
        return Err(Findings::new(name, text, findings));
    }
    match read(document) {
        Ok(mut config) => {
            // What cannot be read is among the findings above.
            config.passes.critical_css.take_files(files);
            if let Some(origin) = origin {
                config.origin.url = origin.into();
            }
            let warnings = Findings::new(name, text, findings);
            compile(config, warnings).map_err(|error| ours(name, text, &error))
        }
        Err(finding) => {
            findings.push(*finding);
            Err(Findings::new(name, text, findings))
        }
    }
}

fn has_error(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

fn syntax(text: &str, error: &toml::de::Error) -> Finding {
    let at = error.span().unwrap_or(text.len()..text.len());
    let message = error.message();
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let finding = Finding::error(format!("not TOML: {what}"), at);
    match (what, expected) {
        ("duplicate key", _) => finding.expected("is already written further up"),
        (_, "" | "nothing") => finding.expected("not expected here"),
        _ => finding.expected(format!("expected {expected}")),
    }
}

/// `--origin`, held against the bounds of `origin.url`.
fn origin_option(origin: &str, schema: &serde_json::Value) -> Option<Finding> {
    let key = &schema["properties"]["origin"]["properties"]["url"];
    let mistake = format::check(key["format"].as_str()?, origin).err()?;
    let mut finding = Finding::error("`--origin` is not an address", mistake.at);
    finding = finding.expected(mistake.problem);
    finding.help = mistake.help.into_iter().collect();
    finding.option = Some(("--origin".into(), origin.into()));
    Some(finding)
}

/// What the schema cannot say, the types themselves refuse.
fn read(document: Spanned<DeTable<'_>>) -> Result<Config, Box<Finding>> {
    Config::deserialize(Deserializer::from(document)).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        Box::new(Finding::error(error.message(), at).expected("not expected here"))
    })
}

fn compile(config: Config, warnings: Findings) -> Result<Compiled, serde_json::Error> {
    let origin_settings = serde_json::to_string(&config.origin)?;
    let rum_settings = serde_json::to_string(&config.rum)?;
    let mut policy = Policy::from(&config);
    policy.version = digest(&[&serde_json::to_string(&policy)?, &origin_settings]);
    Ok(Compiled {
        policy: serde_json::to_string(&policy)?,
        origin_settings,
        rum_settings,
        version: policy.version,
        config,
        warnings,
    })
}

/// 48 bits of SHA-256, in hexadecimal: enough to tell the configurations of one site apart. The JSON is
/// canonical in that equal values give equal text: keys in declared order, no spaces, every default written.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digits = hash.finalize();
    let first = digits[..6]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{first:012x}")
}

/// A configuration that passed every check and still has no JSON form: a defect of this program.
fn ours(name: &str, text: &str, error: &serde_json::Error) -> Findings {
    let title = format!("the checked configuration cannot be written as JSON: {error}");
    Findings::new(name, text, vec![Finding::error(title, 0..0)])
}
