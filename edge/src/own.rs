//! Our own small files: scripts and style sheets that pages load.
//!
//! A file's name holds its digest, so that it can be kept for ever. They are served here and nowhere else, and
//! whatever the switches say: a page that names one may have been kept by a browser for a while.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};
use sha2::{Digest, Sha256};

use crate::answer::{Answer, AnswerBody};
use crate::context::Context;
use crate::platform::Platform;
use crate::problem;
use crate::speculation;

/// What the path of each begins with.
const PREFIX: &str = "/_v/s/";
/// A year, the longest that caches heed.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For pages that name a file of another build: they get this one's, and ask again soon.
const FOR_NOW: &str = "public, max-age=300";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Makes the link in a player's facade a button.
pub(crate) static FACADE_SCRIPT: LazyLock<File> =
    LazyLock::new(|| File::of_source("facade.js", SCRIPT, include_str!("own/facade.js")));
/// What a player's facade looks like.
pub(crate) static FACADE_STYLE: LazyLock<File> =
    LazyLock::new(|| File::of_source("facade.css", STYLE, include_str!("own/facade.css")));

/// Makes the button of a chat that waits.
pub(crate) static CHAT_SCRIPT: LazyLock<File> =
    LazyLock::new(|| File::of_source("chat.js", SCRIPT, include_str!("own/chat.js")));

/// Takes the offer of several widths back when a script changes an image.
pub(crate) static SWAP_SCRIPT: LazyLock<File> =
    LazyLock::new(|| File::of_source("swap.js", SCRIPT, include_str!("own/swap.js")));
/// Switches style sheets on that do not block the page.
pub(crate) static SHEETS_SCRIPT: LazyLock<File> =
    LazyLock::new(|| File::of_source("sheets.js", SCRIPT, include_str!("own/sheets.js")));

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    name: &'static str,
    kind: &'static str,
    body: Bytes,
    path: String,
}

impl File {
    /// A file with this content, served as this media type.
    pub(crate) fn new(name: &'static str, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut path = PREFIX.to_owned();
        // 64 bits tell the versions of one file apart.
        for byte in &Sha256::digest(&body)[..8] {
            let _ = write!(path, "{byte:02x}");
        }
        let _ = write!(path, "-{name}");
        Self {
            name,
            kind,
            body,
            path,
        }
    }

    /// A file of ours as visitors need it: without indentation and without lines that only comment.
    fn of_source(name: &'static str, kind: &'static str, source: &str) -> Self {
        let lines = source.lines().map(str::trim);
        let body: Vec<&str> = lines
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .collect();
        Self::new(name, kind, body.join("\n"))
    }

    /// Where pages load it from. Plain ASCII that can stand in an attribute.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

/// What browsers may fetch ahead, for pages that cannot carry it themselves.
pub(crate) fn speculation_rules(rules: &str) -> File {
    File::new(
        RULES_NAME,
        "application/speculationrules+json",
        rules.to_owned(),
    )
}

const RULES_NAME: &str = "prefetch.json";

/// The file of a name, as it is in this build.
fn named(name: &str) -> Option<File> {
    let files = [
        &FACADE_SCRIPT,
        &FACADE_STYLE,
        &CHAT_SCRIPT,
        &SHEETS_SCRIPT,
        &SWAP_SCRIPT,
    ];
    files
        .into_iter()
        .map(LazyLock::force)
        .find(|file| file.name == name)
        .cloned()
}

/// Answers a request below `/_v` that nothing else answers.
pub(crate) fn respond<P: Platform>(context: &Context<P>) -> Answer<P> {
    let path = context.uri.path();
    let by_name = |name: &str| {
        let rules = || speculation::rules(&context.app.policy);
        match name {
            RULES_NAME => rules().map(|rules| speculation_rules(&rules)),
            _ => named(name),
        }
    };
    let Some(file) = name_in(path).and_then(by_name) else {
        return problem::json(StatusCode::NOT_FOUND, "nothing lives at this reserved path");
    };
    if context.method != Method::GET && context.method != Method::HEAD {
        let mut refusal = problem::json(
            StatusCode::METHOD_NOT_ALLOWED,
            "this file is fetched with GET",
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        refusal.headers_mut().insert(ALLOW, allowed);
        return refusal;
    }
    let lifetime = if path == file.path { FOR_EVER } else { FOR_NOW };
    let mut answer = problem::answer(StatusCode::OK, file.kind, Vec::new());
    if context.method == Method::GET {
        *answer.body_mut() = AnswerBody::Full(file.body);
    }
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(lifetime));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    answer
}

/// The file's name in a path of ours, whatever the digest before it.
fn name_in(path: &str) -> Option<&str> {
    let (digest, name) = path.strip_prefix(PREFIX)?.split_at_checked(16)?;
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    digest
        .bytes()
        .all(is_digit)
        .then(|| name.strip_prefix('-'))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fake, FakeBody};
    use crate::{App, Secrets};

    #[test]
    fn a_path_changes_with_the_content_and_means_itself_in_an_attribute() {
        let (one, two) = (
            File::new("a.js", SCRIPT, "1"),
            File::new("a.js", SCRIPT, "2"),
        );
        assert_eq!(one.path(), "/_v/s/6b86b273ff34fce1-a.js");
        assert_ne!(one.path(), two.path());
    }

    #[test]
    fn a_name_is_read_behind_any_digest_and_no_other_way() {
        for (path, name) in [
            ("/_v/s/6b86b273ff34fce1-a.js", Some("a.js")),
            ("/_v/s/0000000000000000-a.js", Some("a.js")),
            ("/_v/s/6B86b273ff34fce1-a.js", None),
            ("/_v/s/6b86b273ff34fce1a.js", None),
            ("/_v/s/6b86-a.js", None),
            ("/_v/s/", None),
            ("/_v/x/6b86b273ff34fce1-a.js", None),
        ] {
            assert_eq!(name_in(path), name, "{path}");
        }
    }

    #[test]
    fn comments_and_indentation_of_a_source_are_not_sent() {
        let file = File::of_source("a.js", SCRIPT, "// why\nf(1);\n\n  g('//x');\n");
        assert_eq!(&file.body[..], b"f(1);\ng('//x');");
    }

    fn sent(method: &str, path: &str) -> crate::testing::Whole {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.body(FakeBody::default()).unwrap();
        // Nothing else is on: what pages have been given is served all the same.
        let app = App::load(r#"{"enabled":false}"#, Secrets::default());
        Fake::with_origin(|| unreachable!("the shop is not asked")).send(&app, request)
    }

    #[test]
    fn a_file_is_kept_for_ever_by_its_own_name_and_for_now_by_another_builds() {
        for file in [&FACADE_SCRIPT, &FACADE_STYLE, &CHAT_SCRIPT, &SHEETS_SCRIPT] {
            let whole = sent("GET", file.path());
            assert_eq!(whole.status, 200);
            assert_eq!(whole.body, file.body);
            assert_eq!(whole.headers["content-type"], file.kind);
            assert_eq!(whole.headers["cache-control"], FOR_EVER);
            assert_eq!(whole.headers["x-content-type-options"], "nosniff");
            assert_eq!(whole.headers["x-robots-tag"], "noindex");
            let other = sent("GET", &format!("{PREFIX}0123456789abcdef-{}", file.name));
            assert_eq!(other.body, file.body);
            assert_eq!(other.headers["cache-control"], FOR_NOW);
        }
    }

    #[test]
    fn nothing_else_is_served_and_nothing_is_taken() {
        assert!(sent("HEAD", CHAT_SCRIPT.path()).body.is_empty());
        assert_eq!(sent("POST", CHAT_SCRIPT.path()).status, 405);
        assert_eq!(sent("GET", "/_v/s/0123456789abcdef-passwd").status, 404);
        assert_eq!(sent("GET", "/_v/s/").status, 404);
    }
}
