//! Page cases: `pages/<pass>/<case>/{in.html, out.html, case.json}`.
//!
//! Every case runs whole, in chunks of one and of seven bytes, twice, disabled, and with hardly any memory; and
//! the second parser finds no change that the pass does not declare.
//! `BLESS=1` writes `out.html` anew; a person reads the difference.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use vitrine_edge::audit::{self, dom};
use vitrine_edge::html::hints::TemplateHints;
use vitrine_edge::html::passes::{Config, NAMES};
use vitrine_edge::html::{
    EarlyHints, Exception, ImageKey, ImagePreload, Limits, Outcome, PageFacts, Rewriter,
};

/// `case.json`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The options of the pass under test; every other pass is off.
    options: serde_json::Value,
    /// The options of passes that run beside it.
    #[serde(default)]
    beside: BTreeMap<String, serde_json::Value>,
    #[serde(default = "default_url")]
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    rum_token: Option<String>,
    /// What has been learned of the page's template.
    #[serde(default)]
    hints: Option<TemplateHints>,
    /// What earlier views have shown of this very page.
    #[serde(default)]
    preloads: Vec<ImagePreload>,
    /// What this view shows of it: the preloads that it needs.
    #[serde(default)]
    learned: Option<Vec<ImagePreload>>,
    /// What the visitor's browser may fetch ahead.
    #[serde(default)]
    rules: Option<String>,
    /// What addresses of images are signed with.
    #[serde(default)]
    image_key: String,
    /// The page is only looked at.
    #[serde(default)]
    observed: bool,
    /// Selectors of parts that the pass leaves alone.
    #[serde(default)]
    excepted: Vec<String>,
    /// Values of `Link` that were sent ahead of the page.
    #[serde(default)]
    early: Option<Vec<String>>,
    /// What is added to the response's headers.
    #[serde(default)]
    added: Vec<(String, String)>,
    /// Hinted addresses that the page shows to be stale.
    #[serde(default)]
    stale: Vec<String>,
    /// `applied 2`, or the reason of a skip.
    outcome: String,
    /// Texts that the notes must contain, one note each.
    #[serde(default)]
    notes: Vec<String>,
}

impl Case {
    fn early(&self) -> EarlyHints {
        let Some(links) = &self.early else {
            return EarlyHints::Not("the host does not send them");
        };
        let links = links
            .iter()
            .map(|link| HeaderValue::from_str(link).unwrap());
        EarlyHints::Sent(links.collect())
    }

    fn exceptions(&self, pass: &str) -> Vec<Exception> {
        let selectors = self.excepted.iter();
        selectors
            .map(|selector| Exception {
                selector: selector.clone(),
                passes: vec![pass.to_owned()],
            })
            .collect()
    }
}

fn default_url() -> String {
    "https://shop.example/p/1".to_owned()
}

struct Loaded {
    pass: String,
    dir: PathBuf,
    case: Case,
    config: Config,
    input: Vec<u8>,
}

impl Loaded {
    fn read(pass: &str, dir: &Path) -> Result<Self, String> {
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", dir.display());
        let text = std::fs::read_to_string(dir.join("case.json")).map_err(|e| at(&e))?;
        let case: Case = serde_json::from_str(&text).map_err(|e| at(&e))?;
        let mut config = serde_json::to_value(Config::off()).map_err(|e| at(&e))?;
        config[pass] = case.options.clone();
        for (other, options) in &case.beside {
            config[other] = options.clone();
        }
        let config: Config = serde_json::from_value(config).map_err(|e| at(&e))?;
        let input = std::fs::read(dir.join("in.html")).map_err(|e| at(&e))?;
        Ok(Self {
            pass: pass.to_owned(),
            dir: dir.to_owned(),
            case,
            config,
            input,
        })
    }

    fn facts(&self) -> PageFacts {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.case.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        headers
            .entry("content-type")
            .or_insert(HeaderValue::from_static("text/html; charset=utf-8"));
        PageFacts {
            rum_token: self.case.rum_token.clone(),
            rum_script: "/_v/rum/0123456789abcdef.js",
            hints: self.case.hints.clone().map(Rc::new),
            early: self.case.early(),
            preloads: self.case.preloads.clone(),
            image_key: ImageKey(self.case.image_key.clone()),
            observed: self.case.observed,
            rules: self.case.rules.clone().ok_or("no page is kept at the edge"),
            exceptions: self.case.exceptions(&self.pass),
            ..PageFacts::new(self.case.url.parse().unwrap(), "product", headers)
        }
    }

    fn rewrite(&self, config: &Config, input: &[u8], chunk: usize) -> (Vec<u8>, Rewriter) {
        run(
            Rewriter::new(config, self.facts()),
            input,
            chunk.min(input.len().max(1)),
        )
    }

    fn expected(&self) -> Result<Vec<u8>, Failed> {
        let path = self.dir.join("out.html");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, self.rewrite(&self.config, &self.input, usize::MAX).0)?;
        }
        Ok(std::fs::read(&path)?)
    }

    fn headers(&self) -> Result<(), Failed> {
        let mut rewriter = Rewriter::new(&self.config, self.facts());
        let added: Vec<_> = rewriter
            .response_headers()
            .into_iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        if added != self.case.added {
            return Err(format!("added {added:?}, expected {:?}", self.case.added).into());
        }
        Ok(())
    }

    fn whole(&self) -> Result<(), Failed> {
        let expected = self.expected()?;
        let (output, rewriter) = self.rewrite(&self.config, &self.input, usize::MAX);
        same(&output, &expected)?;
        let reports = rewriter.reports();
        let report = reports
            .iter()
            .find(|report| report.pass == self.pass)
            .ok_or("the pass has no report")?;
        let outcome = match &report.outcome {
            Outcome::Applied(count) => format!("applied {count}"),
            Outcome::Skipped(reason) => reason.to_string(),
        };
        if outcome != self.case.outcome {
            return Err(format!("outcome {outcome:?}, expected {:?}", self.case.outcome).into());
        }
        if rewriter.preloads() != self.case.learned {
            return Err(format!("learned {:#?}", rewriter.preloads()).into());
        }
        if rewriter.stale() != self.case.stale {
            let stale = rewriter.stale();
            return Err(format!("stale {stale:?}, expected {:?}", self.case.stale).into());
        }
        for note in &self.case.notes {
            if !report.notes.iter().any(|seen| seen.contains(note)) {
                return Err(format!("no note {note:?} in {:#?}", report.notes).into());
            }
        }
        Ok(())
    }

    fn chunked(&self, chunk: usize) -> Result<(), Failed> {
        same(
            &self.rewrite(&self.config, &self.input, chunk).0,
            &self.expected()?,
        )
    }

    fn twice(&self) -> Result<(), Failed> {
        let expected = self.expected()?;
        same(
            &self.rewrite(&self.config, &expected, usize::MAX).0,
            &expected,
        )
    }

    fn disabled(&self) -> Result<(), Failed> {
        let (output, rewriter) = self.rewrite(&Config::off(), &self.input, 5);
        if rewriter.active() {
            return Err("a rewriter without passes is not active".into());
        }
        same(&output, &self.input)
    }

    /// Nothing differs to the second parser beyond what the passes declare.
    fn declared(&self) -> Result<(), Failed> {
        let (output, _) = self.rewrite(&self.config, &self.input, usize::MAX);
        let passes = std::iter::once(&self.pass).chain(self.case.beside.keys());
        let passes: Vec<&str> = passes.map(String::as_str).collect();
        let violations = audit::check(&self.input, &output, &passes)?;
        match violations.first() {
            Some(violation) => Err(violation.to_string().into()),
            None => Ok(()),
        }
    }

    /// With hardly any memory the page may be rewritten or not, but it is whole: same text, same end.
    fn tiny_memory(&self) -> Result<(), Failed> {
        for memory in [0, 40, 100, 300, 1000] {
            for chunk in [1, 7, usize::MAX] {
                let rewriter = Rewriter::with_limits(&self.config, self.facts(), Limits { memory });
                let (output, _) = run(rewriter, &self.input, chunk.min(self.input.len().max(1)));
                let (seen, given) = (dom::visible_text(&output), dom::visible_text(&self.input));
                if seen != given {
                    return Err(format!("{memory} bytes: {seen:?}, expected {given:?}").into());
                }
                let tail = &self.input[self.input.len().saturating_sub(8)..];
                if !output.ends_with(tail) || output.len() < self.input.len() {
                    return Err(format!("{memory} bytes: the page is cut short").into());
                }
            }
        }
        Ok(())
    }
}

fn run(mut rewriter: Rewriter, input: &[u8], chunk: usize) -> (Vec<u8>, Rewriter) {
    let mut output = Vec::new();
    rewriter.response_headers();
    for piece in input.chunks(chunk) {
        output.extend(rewriter.write(piece));
    }
    output.extend(rewriter.end());
    (output, rewriter)
}

fn same(seen: &[u8], expected: &[u8]) -> Result<(), Failed> {
    if seen == expected {
        return Ok(());
    }
    let at = seen
        .iter()
        .zip(expected)
        .take_while(|(a, b)| a == b)
        .count();
    let from = at.saturating_sub(60);
    let shown = |bytes: &[u8]| {
        let end = bytes.len().min(at + 120);
        String::from_utf8_lossy(&bytes[from.min(end)..end]).into_owned()
    };
    Err(format!(
        "at byte {at}\n seen: {}\n expected: {}",
        shown(seen),
        shown(expected)
    )
    .into())
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn trials_of(loaded: Loaded) -> Vec<Trial> {
    let loaded = std::sync::Arc::new(loaded);
    let name = format!("{}/{}", loaded.pass, name_of(&loaded.dir));
    let trial = |what: &str, test: fn(&Loaded) -> Result<(), Failed>| {
        let loaded = std::sync::Arc::clone(&loaded);
        Trial::test(format!("{name} {what}"), move || test(&loaded))
    };
    vec![
        trial("whole", Loaded::whole),
        trial("in its headers", Loaded::headers),
        trial("in single bytes", |case| case.chunked(1)),
        trial("in sevens", |case| case.chunked(7)),
        trial("twice", Loaded::twice),
        trial("disabled", Loaded::disabled),
        trial("by the second parser", Loaded::declared),
        trial("with hardly any memory", Loaded::tiny_memory),
    ]
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages");
    let mut trials = Vec::new();
    let mut cases: BTreeMap<String, usize> = BTreeMap::new();
    for pass in directories(&root) {
        for dir in directories(&pass) {
            let pass = name_of(&pass);
            *cases.entry(pass.clone()).or_default() += 1;
            match Loaded::read(&pass, &dir) {
                Ok(loaded) => trials.extend(trials_of(loaded)),
                Err(why) => trials.push(Trial::test(name_of(&dir), move || Err(why.into()))),
            }
        }
    }
    trials.push(Trial::test(
        "every registered pass has a case, and every case a pass",
        move || {
            let missing: Vec<_> = NAMES.iter().filter(|n| !cases.contains_key(**n)).collect();
            let unknown: Vec<_> = cases
                .keys()
                .filter(|n| !NAMES.contains(&n.as_str()))
                .collect();
            if missing.is_empty() && unknown.is_empty() {
                return Ok(());
            }
            Err(format!("without a case: {missing:?}; without a pass: {unknown:?}").into())
        },
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
