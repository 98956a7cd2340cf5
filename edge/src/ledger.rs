//! What happened on this request: one line of JSON, without a query value, a cookie or a name in it.

use serde::Serialize;

use crate::html::{Outcome, PassReport, Rewriter};

/// One request, for the log.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Entry {
    /// When it came, in milliseconds since the Unix epoch.
    pub at: u64,
    /// Always `edge`.
    pub component: &'static str,
    /// Names the request in this log only.
    pub id: String,
    /// Which journey it took.
    pub route: &'static str,
    /// Page template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Method.
    pub method: String,
    /// Path without its query, and without what looks like an address of a person.
    pub path: String,
    /// Status answered.
    pub status: u16,
    /// Arm of the holdback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// `hit`, `miss`, `stale`, `revalidated` (the origin confirmed it) or `bypass`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<&'static str>,
    /// Why nothing was done, or why the cache was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Milliseconds until the origin's head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_ms: Option<u64>,
    /// What the adapter said about the origin, where that is not `ok`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The origin's headers, for `explain` only.
    #[serde(skip)]
    pub origin_headers: Option<http::HeaderMap>,
    /// What each pass did, or why not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<Pass>,
    /// Bytes from the origin; absent where the host moved the body without showing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_in: Option<u64>,
    /// Bytes to the visitor; absent likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_out: Option<u64>,
    /// Milliseconds until the last byte was handed over.
    pub ms: u64,
    /// What went wrong: the body broke off, or the visitor left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One pass on one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pass {
    /// Its name.
    pub pass: &'static str,
    /// Elements changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<u32>,
    /// Why it stayed away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip: Option<String>,
    /// Bytes added to the page, less those taken away.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes: i64,
    /// Microseconds spent, where time was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micros: Option<u64>,
    /// Particulars, for `explain` only.
    #[serde(skip)]
    pub notes: Vec<String>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_zero(bytes: &i64) -> bool {
    *bytes == 0
}

impl Pass {
    /// A pass that kept every other from the page.
    pub(crate) fn stopped(pass: &'static str, reason: String) -> Self {
        Self {
            pass,
            applied: None,
            skip: Some(reason),
            bytes: 0,
            micros: None,
            notes: Vec::new(),
        }
    }
}

/// What each pass did on a page.
pub(crate) fn passes(rewriter: &Rewriter) -> Vec<Pass> {
    let pass = |report: PassReport| {
        let (applied, skip) = match report.outcome {
            Outcome::Applied(places) => (Some(places), None),
            Outcome::Skipped(reason) => (None, Some(reason.into_owned())),
        };
        Pass {
            pass: report.pass,
            applied,
            skip,
            bytes: report.bytes,
            micros: report.micros,
            notes: report.notes,
        }
    };
    rewriter.reports().into_iter().map(pass).collect()
}

/// The passes that apply to a page, as they stand before its first byte.
pub(crate) fn applying(rewriter: &Rewriter) -> String {
    let reports = rewriter.reports();
    let applying = reports
        .iter()
        .filter(|report| matches!(report.outcome, Outcome::Applied(_)));
    applying
        .map(|report| report.pass)
        .collect::<Vec<_>>()
        .join(",")
}

impl Entry {
    /// The line.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A path that can stand in a log: no query, and no part that looks like an e-mail address (H53).
pub fn loggable_path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let personal = |part: &str| part.contains('@') || part.to_ascii_lowercase().contains("%40");
    if !personal(path) {
        return path.to_owned();
    }
    path.split('/')
        .map(|part| if personal(part) { "[redacted]" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_log_has_no_query_and_no_address() {
        assert_eq!(loggable_path("/p/7?email=a@b.example"), "/p/7");
        assert_eq!(
            loggable_path("/unsubscribe/a@b.example/x"),
            "/unsubscribe/[redacted]/x"
        );
        assert_eq!(loggable_path("/u/a%40b.example"), "/u/[redacted]");
    }
}
