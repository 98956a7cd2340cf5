//! Whether a page may be shared between visitors. A page is a shop's answer to one person until the shop says
//! otherwise: the headers have to, and then nothing in the request or in the page may speak against it.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, COOKIE,
};
use http::{HeaderMap, HeaderName, StatusCode};

use super::freshness::{Bypass, Kind, Question, Shareable};
use crate::experiment;
use crate::headers::{media_type, tokens};

/// Longest time for which a page is shared, whatever its headers say: prices and stock change.
const MAX_LIFETIME_S: u64 = 60;

/// What names a token of one session in a page, in lower case (H79).
const TOKENS: [&str; 8] = [
    "form_key",
    "authenticity_token",
    "csrf",
    "xsrf",
    "_wpnonce",
    "__requestverificationtoken",
    " nonce=",
    "sessionid",
];
/// Shortest text of a request that is looked for in the page: a shorter one would be found by chance.
const MIN_REFLECTED: usize = 6;

/// Why a page is not shared, as far as its head tells.
pub fn refusal(question: &Question<'_>, headers: &HeaderMap) -> Option<Bypass> {
    Shareable::judge_as(Kind::Page, question, StatusCode::OK, headers).err()
}

/// Judges a page that has come to its end. `visitor` is the address of the client.
pub fn judge(
    question: &Question<'_>,
    headers: &HeaderMap,
    body: &[u8],
    visitor: Option<&str>,
) -> Result<Shareable, Bypass> {
    let proof = Shareable::judge_as(Kind::Page, question, StatusCode::OK, headers)?;
    is_impersonal(question.request, body, visitor)?;
    Ok(proof.at_most(MAX_LIFETIME_S))
}

/// Whether the headers leave no doubt that a page is for everybody (H45, H76, H78).
pub(super) fn is_public(request: &HeaderMap, headers: &HeaderMap) -> Result<(), Bypass> {
    if media_type(headers) != "text/html" {
        return Err(Bypass::because("type"));
    }
    if has_foreign_cookies(request) {
        return Err(Bypass::because("cookie"));
    }
    let says_so = tokens(headers, &CACHE_CONTROL).any(|directive| {
        let name = directive.split('=').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("public") || name.eq_ignore_ascii_case("s-maxage")
    });
    if !says_so {
        return Err(Bypass::because("not-public"));
    }
    let has_nonce = |name: HeaderName| {
        let policies = headers.get_all(name).iter();
        policies.into_iter().any(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            text.contains("'nonce-")
        })
    };
    if has_nonce(CONTENT_SECURITY_POLICY) || has_nonce(CONTENT_SECURITY_POLICY_REPORT_ONLY) {
        return Err(Bypass::because("nonce"));
    }
    Ok(())
}

/// Whether a request carries any cookie but our own.
pub(crate) fn has_foreign_cookies(request: &HeaderMap) -> bool {
    request.get_all(COOKIE).iter().any(|line| {
        let Ok(line) = line.to_str() else {
            return true;
        };
        let names = line
            .split(';')
            .map(|pair| pair.split('=').next().unwrap_or_default().trim());
        names
            .filter(|name| !name.is_empty())
            .any(|name| name != experiment::COOKIE)
    })
}

/// Whether nothing in the page is one visitor's: no token of a session, nothing that the request brought along.
fn is_impersonal(request: &HeaderMap, body: &[u8], visitor: Option<&str>) -> Result<(), Bypass> {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    if TOKENS.iter().any(|token| text.contains(token)) {
        return Err(Bypass::because("token"));
    }
    let brought = [http::header::USER_AGENT, http::header::REFERER];
    let brought = brought
        .iter()
        .filter_map(|name| request.get(name)?.to_str().ok());
    let mut brought = brought
        .chain(visitor)
        .filter(|value| value.len() >= MIN_REFLECTED);
    if brought.any(|value| text.contains(&value.to_ascii_lowercase())) {
        return Err(Bypass::because("reflects-the-request"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    const PAGE: &str = "<!doctype html><html><body><h1>Vase</h1></body></html>";

    fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn judged(
        request: &[(&'static str, &str)],
        response: &[(&'static str, &str)],
        body: &str,
    ) -> String {
        let mut headers = map(response);
        headers
            .entry("content-type")
            .or_insert("text/html".parse().unwrap());
        let request = map(request);
        let question = Question {
            method: &Method::GET,
            request: &request,
            keyed: &["accept-encoding"],
            now_ms: 1_795_478_400_000,
            stale_default_s: 86_400,
            session_cookies: &["sid".to_owned()],
        };
        match judge(&question, &headers, body.as_bytes(), Some("203.0.113.9")) {
            Ok(proof) => {
                let f = proof.freshness();
                assert_eq!((f.stale_while_revalidate_s, f.stale_if_error_s), (0, 0));
                format!("{} s", f.lifetime_s)
            }
            Err(Bypass(why)) => why.into_owned(),
        }
    }

    const PUBLIC: (&str, &str) = ("cache-control", "public, max-age=30");

    #[test]
    fn h76_only_a_page_that_the_shop_declares_public_and_fresh_is_shared() {
        for (headers, expected) in [
            (&[PUBLIC][..], "30 s"),
            (&[("cache-control", "s-maxage=3600")], "60 s"),
            (&[("cache-control", "max-age=30")], "not-public"),
            (&[("cache-control", "public")], "no-freshness"),
            (
                &[("cache-control", "public, private, max-age=30")],
                "private",
            ),
            (&[], "not-public"),
            (&[PUBLIC, ("set-cookie", "a=1")], "set-cookie"),
            (&[PUBLIC, ("content-type", "application/json")], "type"),
        ] {
            assert_eq!(judged(&[], headers, PAGE), expected, "{headers:?}");
        }
    }

    #[test]
    fn h77_only_vary_by_coding_is_shared() {
        for (vary, expected) in [
            ("Accept-Encoding", "30 s"),
            ("Cookie", "vary:cookie"),
            ("*", "vary:*"),
            ("Accept-Encoding, User-Agent", "vary:user-agent"),
        ] {
            assert_eq!(
                judged(&[], &[PUBLIC, ("vary", vary)], PAGE),
                expected,
                "{vary}"
            );
        }
    }

    #[test]
    fn h78_a_visitor_with_any_cookie_but_our_own_fills_nothing() {
        for (cookie, expected) in [
            ("_v_b=0123456789abcdef", "30 s"),
            ("sid=1", "cookie"),
            ("_v_b=0123456789abcdef; currency=EUR", "cookie"),
            ("_v_bx=1", "cookie"),
        ] {
            assert_eq!(
                judged(&[("cookie", cookie)], &[PUBLIC], PAGE),
                expected,
                "{cookie}"
            );
        }
        assert_eq!(
            judged(&[("authorization", "Basic x")], &[PUBLIC], PAGE),
            "authorization"
        );
    }

    #[test]
    fn h79_a_page_with_a_token_of_a_session_or_something_of_the_request_is_not_shared() {
        for inside in [
            "<input name=\"form_key\" value=\"x\">",
            "<meta name=\"csrf-token\">",
            "<input name=authenticity_token>",
            "<input name=_wpnonce>",
            "<input name=__RequestVerificationToken>",
            "<script nonce=\"r4nd0m\">",
        ] {
            assert_eq!(
                judged(&[], &[PUBLIC], &format!("{PAGE}{inside}")),
                "token",
                "{inside}"
            );
        }
        for (header, value) in [
            ("user-agent", "Mozilla/5.0 (X11)"),
            ("referer", "https://search.example/?q=vase"),
            ("accept", "203.0.113.9"),
        ] {
            let page = format!("{PAGE}<!-- {value} -->");
            assert_eq!(
                judged(&[(header, value)], &[PUBLIC], &page),
                "reflects-the-request"
            );
        }
    }

    #[test]
    fn h45_a_page_whose_policy_has_a_nonce_is_not_shared() {
        for name in [
            "content-security-policy",
            "content-security-policy-report-only",
        ] {
            let policy = (name, "script-src 'self' 'Nonce-r4nd0m'");
            assert_eq!(judged(&[], &[PUBLIC, policy], PAGE), "nonce", "{name}");
        }
        let plain = ("content-security-policy", "script-src 'self'");
        assert_eq!(judged(&[], &[PUBLIC, plain], PAGE), "30 s");
    }
}
