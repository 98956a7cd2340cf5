//! Asking a running edge as its operator: who that is, and how.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use url::Url;
use vitrine_edge::html::hints::Problem;

/// Where the edge of `vitrine up` answers.
pub(crate) const DEFAULT_EDGE: &str = "http://127.0.0.1:4000";
/// Longest wait for an answer: it may include a whole page, as the shop makes it.
const PATIENCE: Duration = Duration::from_mins(1);
/// Longest answer, in bytes. The edge bounds its own; a stranger's may be anything.
const MAX_BYTES: usize = 8 << 20;

/// Who is asking.
#[derive(clap::Args)]
pub(crate) struct Operator {
    /// The operator's token. Default: the environment variable `VITRINE_VAR_OPERATOR_TOKEN`, else the one that
    /// `vitrine up` made for this installation.
    #[arg(long, value_name = "TOKEN", global = true)]
    token: Option<String>,
    /// Where `vitrine up` keeps what it made.
    #[arg(
        long,
        value_name = "DIRECTORY",
        default_value = ".vitrine",
        global = true
    )]
    state_dir: PathBuf,
}

/// What the edge says when it does not do as asked.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// In one sentence.
    pub(crate) detail: String,
    /// One by one, where several things are wrong.
    pub(crate) problems: Vec<Problem>,
}

impl Operator {
    /// Sends a request, and waits for the whole answer. The inner error is the edge's own.
    pub(crate) fn ask(
        &self,
        edge: &Url,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> anyhow::Result<Result<Bytes, Refusal>> {
        let request = request
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", self.token()?))
            .body(Full::new(Bytes::from(body)))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let answer =
            runtime.block_on(async { tokio::time::timeout(PATIENCE, send(request)).await });
        let answer = answer
            .with_context(|| format!("{edge} did not answer within {} s", PATIENCE.as_secs()))?;
        let (status, body) = answer.with_context(|| format!("cannot ask {edge}"))?;
        if status == StatusCode::OK {
            return Ok(Ok(body));
        }
        let mut refusal = refusal(&body);
        refusal.detail = format!("{edge} answered {status}: {}", refusal.detail);
        Ok(Err(refusal))
    }

    fn token(&self) -> anyhow::Result<String> {
        let given = self.token.clone();
        if let Some(token) = given.or_else(|| std::env::var("VITRINE_VAR_OPERATOR_TOKEN").ok()) {
            return Ok(token);
        }
        let path = self.state_dir.join("operator_token");
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "no --token, and cannot read {}; run this where `vitrine up` runs",
                path.display()
            )
        })?;
        Ok(text.trim().to_owned())
    }
}

async fn send(request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    let (parts, body) = fetch(request).await?;
    Ok((parts.status, body))
}

/// Sends a request anywhere, and reads the whole answer.
pub(crate) async fn fetch(
    request: Request<Full<Bytes>>,
) -> anyhow::Result<(http::response::Parts, Bytes)> {
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_http1()
        .build();
    let client = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(connector);
    let (parts, body) = client.request(request).await?.into_parts();
    let body = Limited::new(body, MAX_BYTES).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?;
    Ok((parts, body.to_bytes()))
}

/// What an RFC 9457 problem says, or the beginning of whatever came.
fn refusal(body: &[u8]) -> Refusal {
    #[derive(Deserialize)]
    struct Said {
        title: Option<String>,
        detail: Option<String>,
        #[serde(default)]
        errors: Vec<Problem>,
    }
    let said: Option<Said> = serde_json::from_slice(body).ok();
    let Some(Said {
        title,
        detail,
        errors,
    }) = said
    else {
        return Refusal {
            detail: String::from_utf8_lossy(body).chars().take(200).collect(),
            problems: Vec::new(),
        };
    };
    Refusal {
        detail: detail.or(title).unwrap_or_default(),
        problems: errors,
    }
}

/// Text from elsewhere, for a terminal that it may not steer.
pub(crate) fn plain(text: &str) -> String {
    let shown = |char: char| if char.is_control() { '\u{fffd}' } else { char };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_edges_words_or_by_its_beginning() {
        let said = refusal(
            br#"{"title":"Unprocessable Entity","detail":"it has mistakes","errors":[{"place":"1:2","message":"m"}]}"#,
        );
        assert_eq!(said.detail, "it has mistakes");
        assert_eq!(said.problems[0].to_string(), "1:2: m");
        assert_eq!(refusal(b"<h1>Bad gateway").detail, "<h1>Bad gateway");
        assert_eq!(refusal(br#"{"title":"Not Found"}"#).detail, "Not Found");
    }
}
