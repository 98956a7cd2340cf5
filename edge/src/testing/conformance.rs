//! Conformance cases: what a visitor must see, whatever host the edge runs on.
//!
//! A case is a JSON file in `edge/tests/conformance/` (its README is the reference of the form). This module
//! reads cases, plays their origin, and judges answers; it does not know how requests travel, so the same
//! cases run on the fake platform here and over HTTP through every door.

use std::collections::BTreeMap;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::encoding::{Coding, Decoder, Encoder};

/// One case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Name of the file, without its ending.
    #[serde(skip)]
    pub name: String,
    /// What it shows, as a sentence.
    pub what: String,
    /// Name of the policy in `policies.json`.
    pub policy: String,
    /// What the origin answers, by path; the last answer of a list repeats.
    pub origin: BTreeMap<String, Vec<Scripted>>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// An answer of the origin.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    /// Status.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body in pieces.
    #[serde(default)]
    pub body: Vec<Piece>,
    /// The coding that the body is sent in; the header says so only if it is written above.
    #[serde(default)]
    pub coding: Option<String>,
}

fn ok() -> u16 {
    200
}

/// A piece of a scripted body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Piece {
    /// Text.
    Text(String),
    /// Text many times over.
    Repeat {
        /// The text.
        repeat: String,
        /// How often.
        times: usize,
    },
    /// A pause.
    Delay {
        /// Its length in milliseconds.
        delay_ms: u64,
    },
    /// The origin breaks off here.
    Break {
        /// Always true.
        #[serde(rename = "break")]
        breaks: bool,
    },
}

/// One thing that happens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Time passes first, in milliseconds.
    #[serde(default)]
    pub wait_ms: u64,
    /// What the visitor sends.
    pub request: Sent,
    /// What he must get.
    pub answer: Expected,
    /// How often the origin must have been asked in this case so far.
    #[serde(default)]
    pub asked: Option<usize>,
    /// What the origin must have been sent last.
    #[serde(default)]
    pub forwarded: BTreeMap<String, Header>,
}

/// A request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// Method.
    #[serde(default = "get")]
    pub method: String,
    /// Path and query; `$` is the place of the case, where its origin answers.
    pub path: String,
    /// Headers, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body.
    #[serde(default)]
    pub body: String,
}

fn get() -> String {
    "GET".into()
}

/// What an answer must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Status.
    pub status: u16,
    /// Headers by name.
    #[serde(default)]
    pub headers: BTreeMap<String, Header>,
    /// The coding that the body must come in; it is decoded before it is compared.
    #[serde(default)]
    pub coding: Option<String>,
    /// The whole body.
    #[serde(default)]
    pub body: Option<Piece>,
    /// Texts that must be in the body.
    #[serde(default)]
    pub contains: Vec<String>,
    /// Texts that must not be.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Texts that must be there while the origin pauses.
    #[serde(default)]
    pub early: Vec<String>,
    /// Whether the connection must break instead of ending properly.
    #[serde(default)]
    pub broken: bool,
}

/// What a header must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Header {
    /// Present once, with this value.
    Is(String),
    /// Present this often, with these values in this order.
    All(Vec<String>),
    /// Present, with this text in one of its values.
    Contains {
        /// The text.
        contains: String,
    },
    /// Absent.
    Absent(Option<()>),
}

/// An answer as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, still coded.
    pub body: Vec<u8>,
    /// How much of the body had arrived when the origin's first pause was at its end.
    pub early: usize,
    /// Whether the connection broke.
    pub broken: bool,
}

impl Case {
    /// All cases of a folder, by name, and the policies they run under.
    pub fn load(folder: &Path) -> Result<(Vec<Self>, BTreeMap<String, serde_json::Value>), String> {
        let failed =
            |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let read =
            |path: &Path| std::fs::read_to_string(path).map_err(|error| failed(path, &error));
        let path = folder.join("policies.json");
        let policies: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&read(&path)?).map_err(|error| failed(&path, &error))?;
        let mut cases = Vec::new();
        for entry in std::fs::read_dir(folder)
            .map_err(|error| failed(folder, &error))?
            .flatten()
        {
            let path = entry.path();
            let name = path
                .file_stem()
                .map(|s| s.to_string_lossy().into_owned())
                .unwrap_or_default();
            if path.extension().is_none_or(|e| e != "json") || name == "policies" {
                continue;
            }
            let mut case: Self =
                serde_json::from_str(&read(&path)?).map_err(|error| failed(&path, &error))?;
            if !policies.contains_key(&case.policy) {
                return Err(failed(&path, &format_args!("no policy `{}`", case.policy)));
            }
            case.name = name;
            cases.push(case);
        }
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((cases, policies))
    }

    /// Where on the shop the case lives: its paths never meet those of another case.
    pub fn place(&self) -> String {
        format!("/conformance/{}", self.name)
    }

    /// A path of the case on the shop.
    pub fn path(&self, written: &str) -> String {
        written.replacen('$', &self.place(), 1)
    }

    /// The origin's answer to its `nth` request (from 0) for a path and query.
    pub fn origin(&self, path_and_query: &str, nth: usize) -> Option<&Scripted> {
        let written = path_and_query.strip_prefix(&self.place())?;
        let answers = self.origin.get(&format!("${written}"))?;
        answers.get(nth.min(answers.len().saturating_sub(1)))
    }
}

impl Scripted {
    /// The body as the origin sends it: coded, and with pauses where they were written. A coded body is
    /// flushed at each pause.
    pub fn pieces(&self) -> Vec<Wire> {
        let coding = self
            .coding
            .as_deref()
            .and_then(coding_named)
            .unwrap_or(Coding::Identity);
        let mut encoder = Encoder::new(coding, 5);
        let mut out = Vec::new();
        for piece in &self.body {
            match piece {
                Piece::Text(text) => out.push(Wire::Bytes(code(&mut encoder, text.as_bytes()))),
                Piece::Repeat { repeat, times } => {
                    out.push(Wire::Bytes(code(
                        &mut encoder,
                        repeat.repeat(*times).as_bytes(),
                    )));
                }
                Piece::Delay { delay_ms } => {
                    if let Some(encoder) = &mut encoder {
                        out.push(Wire::Bytes(encoder.flush()));
                    }
                    out.push(Wire::Delay(*delay_ms));
                }
                Piece::Break { .. } => {
                    out.push(Wire::Break);
                    return out;
                }
            }
        }
        if let Some(encoder) = encoder {
            out.push(Wire::Bytes(encoder.finish()));
        }
        out.retain(|piece| *piece != Wire::Bytes(Vec::new()));
        out
    }
}

/// A piece of a body on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    /// Bytes.
    Bytes(Vec<u8>),
    /// A pause, in milliseconds.
    Delay(u64),
    /// The connection breaks.
    Break,
}

fn code(encoder: &mut Option<Encoder>, bytes: &[u8]) -> Vec<u8> {
    match encoder {
        Some(encoder) => encoder.write(bytes),
        None => bytes.to_vec(),
    }
}

fn coding_named(name: &str) -> Option<Coding> {
    [Coding::Identity, Coding::Gzip, Coding::Brotli]
        .into_iter()
        .find(|coding| coding.token() == name)
}

impl Expected {
    /// Judges an answer; the error says everything that is wrong with it.
    pub fn judge(&self, received: &Received) -> Result<(), String> {
        let mut wrong = Vec::new();
        if received.status != self.status {
            wrong.push(format!(
                "status {} instead of {}",
                received.status, self.status
            ));
        }
        if received.broken != self.broken {
            wrong.push(format!(
                "broken off: {}, expected {}",
                received.broken, self.broken
            ));
        }
        wrong.extend(judge_headers(&self.headers, &received.headers));
        match self.decode(&received.headers, &received.body, !self.broken) {
            Ok(text) => wrong.extend(self.judge_text(&text)),
            Err(error) => wrong.push(error),
        }
        let early = received.body.get(..received.early).unwrap_or_default();
        let early = self
            .decode(&received.headers, early, false)
            .unwrap_or_default();
        for text in self.early.iter().filter(|text| !early.contains(*text)) {
            wrong.push(format!("`{text}` was held back while the origin paused"));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("; "))
        }
    }

    fn decode(&self, headers: &HeaderMap, body: &[u8], whole: bool) -> Result<String, String> {
        let said = headers
            .get("content-encoding")
            .and_then(|value| value.to_str().ok());
        let Some(expected) = &self.coding else {
            return Ok(String::from_utf8_lossy(body).into_owned());
        };
        let plain = expected == "identity";
        if said.unwrap_or("identity") != expected {
            return Err(format!("content-encoding {said:?} instead of {expected}"));
        }
        let coding = coding_named(expected).ok_or(format!("no coding `{expected}`"))?;
        if plain {
            return Ok(String::from_utf8_lossy(body).into_owned());
        }
        let mut decoder = Decoder::new(coding);
        let mut text = decoder.write(body).map_err(|error| error.to_string())?;
        if whole && !body.is_empty() {
            text.extend(decoder.finish().map_err(|error| error.to_string())?);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn judge_text(&self, text: &str) -> Vec<String> {
        let shown: String = text.chars().take(300).collect();
        let mut wrong = Vec::new();
        let whole = match &self.body {
            Some(Piece::Text(whole)) => Some(whole.clone()),
            Some(Piece::Repeat { repeat, times }) => Some(repeat.repeat(*times)),
            _ => None,
        };
        if whole.is_some_and(|whole| whole != text) {
            wrong.push(format!("the body is `{shown}`"));
        }
        for missing in self.contains.iter().filter(|part| !text.contains(*part)) {
            wrong.push(format!("`{missing}` is not in `{shown}`"));
        }
        for extra in self.lacks.iter().filter(|part| text.contains(*part)) {
            wrong.push(format!("`{extra}` is in `{shown}`"));
        }
        wrong
    }
}

/// Everything that is wrong with some headers.
pub fn judge_headers(expected: &BTreeMap<String, Header>, headers: &HeaderMap) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, expected) in expected {
        let values: Vec<&str> = headers
            .get_all(name.as_str())
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let holds = match expected {
            Header::Is(value) => values == [value],
            Header::All(all) => values == *all,
            Header::Contains { contains } => values.iter().any(|value| value.contains(contains)),
            Header::Absent(_) => values.is_empty(),
        };
        if !holds {
            wrong.push(format!("{name} is {values:?}, expected {expected:?}"));
        }
    }
    wrong
}

/// Headers from a list of pairs.
pub fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        map.append(
            name,
            HeaderValue::from_str(value).map_err(|error| error.to_string())?,
        );
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(json: &str) -> Expected {
        serde_json::from_str(json).unwrap()
    }

    fn received(pairs: &[(&str, &str)], body: &str) -> Received {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        Received {
            status: 200,
            headers: headers(&pairs).unwrap(),
            body: body.into(),
            early: 4,
            broken: false,
        }
    }

    #[test]
    fn an_answer_that_is_wrong_in_any_way_is_refused() {
        let answer = received(&[("a", "1"), ("b", "2"), ("b", "3")], "half and half");
        for holds in [
            r#"{"status":200,"headers":{"a":"1","b":["2","3"],"c":null},"body":"half and half","early":["half"]}"#,
            r#"{"status":200,"headers":{"b":{"contains":"3"}},"contains":["and"],"lacks":["none"],"coding":"identity"}"#,
        ] {
            expected(holds).judge(&answer).unwrap();
        }
        for fails in [
            r#"{"status":201}"#,
            r#"{"status":200,"broken":true}"#,
            r#"{"status":200,"headers":{"a":"2"}}"#,
            r#"{"status":200,"headers":{"b":"2"}}"#,
            r#"{"status":200,"headers":{"b":["3","2"]}}"#,
            r#"{"status":200,"headers":{"a":null}}"#,
            r#"{"status":200,"headers":{"c":{"contains":""}}}"#,
            r#"{"status":200,"body":"half"}"#,
            r#"{"status":200,"contains":["whole"]}"#,
            r#"{"status":200,"lacks":["and"]}"#,
            r#"{"status":200,"early":["and"]}"#,
            r#"{"status":200,"coding":"gzip"}"#,
        ] {
            assert!(expected(fails).judge(&answer).is_err(), "{fails}");
        }
        let mislabelled = received(&[("content-encoding", "gzip")], "half and half");
        assert!(
            expected(r#"{"status":200,"coding":"gzip"}"#)
                .judge(&mislabelled)
                .is_err()
        );
    }

    #[test]
    fn a_scripted_body_is_coded_and_pauses_where_it_says() {
        let scripted: Scripted =
            serde_json::from_str(r#"{"body":["one",{"delay_ms":5},"two"],"coding":"gzip"}"#)
                .unwrap();
        let pieces = scripted.pieces();
        let at = pieces
            .iter()
            .position(|piece| *piece == Wire::Delay(5))
            .unwrap();
        let mut decoder = Decoder::new(Coding::Gzip);
        let mut read = |pieces: &[Wire]| -> Vec<u8> {
            let bytes = pieces.iter().filter_map(|p| match p {
                Wire::Bytes(bytes) => Some(decoder.write(bytes).unwrap()),
                _ => None,
            });
            bytes.flatten().collect()
        };
        assert_eq!(read(&pieces[..at]), b"one");
        assert_eq!(read(&pieces[at..]), b"two");
    }
}
