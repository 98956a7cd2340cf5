//! Trouble on demand: how a test makes this shop slow, broken or half-hearted.
//!
//! A fault is written `kind` or `kind=number`, several joined by commas, and comes from the query
//! (`?__fault=half=2000`), from the header `x-demo-fault`, or from a standing rule set by `POST /__demo/fault`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// Longest wait that may be asked for: tests must end.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// What goes wrong with one response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fault {
    /// Wait before the response head.
    pub(crate) delay: Duration,
    /// Answer with this status instead, and a short page.
    pub(crate) status: Option<StatusCode>,
    /// Close the connection without an answer.
    pub(crate) refuse: bool,
    /// What happens to the body.
    pub(crate) body: Body,
}

/// What happens to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Body {
    /// Nothing.
    #[default]
    Whole,
    /// The document's `<head>` (or the first kilobyte), a wait, the rest.
    SlowHead(Duration),
    /// The first half, a wait, the second half.
    Half(Duration),
    /// The first half, then the connection breaks.
    Truncate,
    /// The first half, then silence with the connection open.
    Stall,
}

/// A fault that cannot be parsed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FaultError {
    #[error(
        "unknown fault `{0}`; known: delay=ms, slow-head=ms, half=ms, truncate, stall, refuse, status=code"
    )]
    Unknown(String),
    #[error("`{0}` needs a number within its limits")]
    Number(String),
}

impl std::str::FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut fault = Self::default();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (kind, value) = part.split_once('=').unwrap_or((part, ""));
            let wait = || {
                let wait = value.parse().map(Duration::from_millis);
                wait.ok()
                    .filter(|wait| *wait <= LONGEST_WAIT)
                    .ok_or_else(|| FaultError::Number(part.into()))
            };
            match kind {
                "delay" => fault.delay = wait()?,
                "slow-head" => fault.body = Body::SlowHead(wait()?),
                "half" => fault.body = Body::Half(wait()?),
                "truncate" => fault.body = Body::Truncate,
                "stall" => fault.body = Body::Stall,
                "refuse" => fault.refuse = true,
                "status" => {
                    let status = StatusCode::from_bytes(value.as_bytes());
                    fault.status = Some(status.map_err(|_| FaultError::Number(part.into()))?);
                }
                _ => return Err(FaultError::Unknown(kind.into())),
            }
        }
        Ok(fault)
    }
}

/// A standing fault: `POST /__demo/fault` takes one, `GET` lists them, `DELETE` clears them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// A path, or a path's beginning followed by `*`.
    pub(crate) path: String,
    /// What goes wrong.
    pub(crate) fault: String,
    /// How many requests it meets; without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u32>,
}

/// The standing faults.
#[derive(Default)]
pub(crate) struct Rules(Mutex<Vec<Rule>>);

impl Rules {
    /// Adds a rule, if its fault can be parsed.
    pub(crate) fn add(&self, rule: Rule) -> Result<(), FaultError> {
        rule.fault.parse::<Fault>()?;
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
        Ok(())
    }

    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(crate) fn list(&self) -> Vec<Rule> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The first rule that meets this path, counted as used.
    pub(crate) fn meet(&self, path: &str) -> Option<Fault> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules
            .iter_mut()
            .find(|rule| rule.times != Some(0) && matches(&rule.path, path))?;
        if let Some(times) = &mut rule.times {
            *times -= 1;
        }
        rule.fault.parse().ok()
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => pattern == path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_text_and_combine() {
        let fault: Fault = "delay=250, half=2000".parse().unwrap();
        assert_eq!(fault.delay, Duration::from_millis(250));
        assert_eq!(fault.body, Body::Half(Duration::from_secs(2)));
    }

    #[test]
    fn an_unknown_fault_is_refused_by_name() {
        assert_eq!(
            "explode".parse::<Fault>(),
            Err(FaultError::Unknown("explode".into()))
        );
        assert_eq!(
            "delay=999999999".parse::<Fault>(),
            Err(FaultError::Number("delay=999999999".into()))
        );
    }

    #[test]
    fn a_rule_meets_as_many_requests_as_it_says() {
        let rules = Rules::default();
        rules
            .add(Rule {
                path: "/p/*".into(),
                fault: "status=500".into(),
                times: Some(1),
            })
            .unwrap();
        assert_eq!(rules.meet("/c/ceramics"), None);
        assert!(rules.meet("/p/ember-mug").is_some());
        assert_eq!(rules.meet("/p/ember-mug"), None);
    }
}
