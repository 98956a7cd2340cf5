//! What browsers answer, as tables.

use super::*;

const NONCE: &str = "abc";

/// A page at `https://shop.example/p/1` with these headers; a value after `report: ` only reports, one after
/// `meta: ` stands in the page.
fn csp(policies: &[&str]) -> Csp {
    let mut headers = HeaderMap::new();
    for policy in policies {
        let (name, value) = match policy.strip_prefix("report: ") {
            Some(value) => (CONTENT_SECURITY_POLICY_REPORT_ONLY, value),
            None => (CONTENT_SECURITY_POLICY, *policy),
        };
        if !value.starts_with("meta: ") {
            headers.append(name, value.parse().unwrap());
        }
    }
    let mut csp = Csp::of("https://shop.example/p/1".parse().unwrap(), &headers);
    for policy in policies.iter().filter_map(|p| p.strip_prefix("meta: ")) {
        csp.add_meta(policy);
    }
    csp
}

fn at(path: &str) -> Url {
    Url::parse("https://shop.example/p/1")
        .unwrap()
        .join(path)
        .unwrap()
}

/// `yes`, `nonce abc`, or why not without its beginning; and behind a bar what is only reported.
fn told(verdict: &Verdict) -> String {
    let short = |why: &str| why.replace("the page's CSP does not allow ", "no: ");
    let ruling = match &verdict.ruling {
        Ruling::Allowed => "yes".to_owned(),
        Ruling::WithNonce(nonce) => format!("nonce {nonce}"),
        Ruling::Blocked(why) => short(why),
    };
    match verdict.reported {
        Some(why) => format!("{ruling} | {}", short(why)),
        None => ruling,
    }
}

fn table(of: impl Fn(&Csp) -> Verdict, rows: &[(&[&str], &str)]) {
    for (policies, expected) in rows {
        assert_eq!(told(&of(&csp(policies))), *expected, "{policies:?}");
    }
}

#[test]
fn h43_an_own_script_is_judged_as_a_browser_would() {
    table(
        |csp| csp.external_script(&at("/_v/rum/1.js")),
        &[
            (&[], "yes"),
            (&["default-src 'self'"], "yes"),
            (&["default-src 'none'"], "no: the script"),
            (&["default-src 'none'; script-src-elem 'self'"], "yes"),
            (&["script-src 'self'; script-src 'none'"], "yes"),
            (&["script-src https:"], "yes"),
            (&["script-src shop.example"], "yes"),
            (&["script-src *.example"], "yes"),
            (&["script-src *.shop.example"], "no: the script"),
            (&["script-src https://shop.example/_v/"], "yes"),
            (&["script-src https://shop.example/js/"], "no: the script"),
            (&["script-src https://shop.example:8443"], "no: the script"),
            (
                &["script-src 'nonce-abc' 'strict-dynamic' 'self'"],
                "nonce abc",
            ),
            (
                &["script-src 'strict-dynamic' 'sha256-AAAA' 'self'"],
                "the page's CSP has strict-dynamic and no nonce",
            ),
            (
                &["script-src 'self'", "script-src 'nonce-abc'"],
                "nonce abc",
            ),
            (&["script-src 'self', script-src 'none'"], "no: the script"),
            (
                &["script-src 'nonce-abc'", "script-src 'nonce-def'"],
                TWO_NONCES,
            ),
            (
                &["sandbox allow-forms"],
                "the page's CSP is a sandbox without scripts",
            ),
            (&["sandbox allow-scripts"], "yes"),
            (&["script-src 'nonce-\"><svg/onload=1>'"], "no: the script"),
            (&["script-src 'nonce-a=b'"], "no: the script"),
            (&["meta: script-src 'self'"], "yes"),
            (&["meta: script-src 'none'"], "no: the script"),
            (&["meta: sandbox; script-src 'self'"], "yes"),
            (
                &["script-src 'self'", "meta: script-src https://a.example"],
                "no: the script",
            ),
        ],
    );
}

#[test]
fn h43_a_policy_that_only_reports_blocks_nothing_and_is_spared_what_a_nonce_spares_it() {
    table(
        |csp| csp.external_script(&at("/_v/rum/1.js")),
        &[
            (&["report: script-src 'none'"], "yes | no: the script"),
            (&["report: script-src 'nonce-abc'"], "nonce abc"),
            (&["report: script-src 'self'"], "yes"),
            (
                &["script-src 'nonce-abc'", "report: script-src 'nonce-abc'"],
                "nonce abc",
            ),
            (
                &["script-src 'nonce-abc'", "report: script-src 'nonce-def'"],
                "nonce abc | the page's policies want two different nonces",
            ),
            (
                &["script-src 'none'", "report: default-src *"],
                "no: the script",
            ),
        ],
    );
}

/// The digest of `let a=1`, as `openssl dgst -sha256 -binary | base64` writes it.
const SHA256: &str = "'sha256-+Q3dsIT3kYyYXlBldxY4Baal1kEoF6cDrlPvZn4iLYs='";

#[test]
fn inline_scripts_need_unsafe_inline_a_hash_or_a_nonce() {
    let no = "no: inline scripts";
    let in_url_letters = SHA256.replace('+', "-").replace('/', "_");
    table(
        |csp| csp.inline_script("let a=1"),
        &[
            (&["img-src 'self'"], "yes"),
            (&["default-src 'self'"], no),
            (&["default-src 'unsafe-inline'"], "yes"),
            (&["script-src 'unsafe-inline'"], "yes"),
            (&["script-src 'unsafe-inline' 'sha256-AAAA'"], no),
            (&["script-src 'unsafe-inline' 'strict-dynamic'"], no),
            (&["script-src 'unsafe-inline' 'nonce-abc'"], "nonce abc"),
            (&["script-src 'inline-speculation-rules'"], no),
            (&[&format!("script-src {SHA256}")], "yes"),
            (
                &[&format!("script-src {in_url_letters} 'strict-dynamic'")],
                "yes",
            ),
            (&[&format!("script-src {SHA256}"), "script-src 'self'"], no),
            (&["script-src-attr 'unsafe-inline'; script-src 'self'"], no),
        ],
    );
}

#[test]
fn styles_obey_the_directives_for_styles() {
    let no = "no: inline styles";
    table(
        |csp| csp.inline_style("a{}"),
        &[
            (&["script-src 'none'"], "yes"),
            (&["default-src 'self'"], no),
            (&["default-src 'none'; style-src 'unsafe-inline'"], "yes"),
            (&["style-src 'unsafe-inline' 'strict-dynamic'"], "yes"),
            (&["style-src 'unsafe-inline' 'sha256-AAAA'"], no),
            (&["style-src 'unsafe-inline' 'nonce-abc'"], "nonce abc"),
            (&["style-src 'unsafe-inline'; style-src-elem 'self'"], no),
            (
                &["style-src 'none'; style-src-elem 'nonce-abc'"],
                "nonce abc",
            ),
            (&["style-src-attr 'none'"], "yes"),
            (&["sandbox"], "yes"),
        ],
    );
    table(
        |csp| csp.external_style(&at("/_v/s/0-a.css")),
        &[
            (&["default-src 'self'"], "yes"),
            (&["style-src https://cdn.example 'nonce-abc'"], "nonce abc"),
            (&["style-src 'unsafe-inline'"], "no: the style sheet"),
            (
                &["style-src 'self'; style-src-elem 'none'"],
                "no: the style sheet",
            ),
        ],
    );
}

/// A nonce lets no attribute in.
#[test]
fn style_attributes_obey_their_own_directive_and_no_nonce_helps() {
    let no = "no: style attributes";
    let hash = "'sha256-Uf5EHbRSn8EU9qJ7lLO3XNniIeQ5wRvF29yaXTcSFZs='";
    table(
        |csp| csp.style_attribute("aspect-ratio:4/3"),
        &[
            (&["img-src 'self'"], "yes"),
            (&["default-src 'self'"], no),
            (&["style-src 'unsafe-inline'"], "yes"),
            (&["style-src 'unsafe-inline' 'nonce-abc'"], no),
            (&["style-src 'nonce-abc'"], no),
            (&["style-src 'self'; style-src-attr 'unsafe-inline'"], "yes"),
            (&["style-src 'unsafe-inline'; style-src-attr 'none'"], no),
            (&["style-src-elem 'none'"], "yes"),
            (&[&format!("style-src {hash}")], no),
            (&[&format!("style-src 'unsafe-hashes' {hash}")], "yes"),
        ],
    );
}

#[test]
fn h48_inline_rules_need_a_word_of_their_own_or_what_lets_scripts_in() {
    let no = "no: inline speculation rules";
    table(
        |csp| csp.speculation_rules("let a=1"),
        &[
            (&[], "yes"),
            (&["default-src 'self'"], no),
            (&["script-src 'self' 'inline-speculation-rules'"], "yes"),
            (&["default-src 'self' 'inline-speculation-rules'"], "yes"),
            (&["script-src 'strict-dynamic' 'nonce-abc'"], "nonce abc"),
            (&["script-src 'unsafe-inline'"], "yes"),
            (&[&format!("script-src {SHA256}")], "yes"),
            (
                &["script-src 'inline-speculation-rules'", "script-src 'self'"],
                no,
            ),
            (
                &["sandbox; script-src 'inline-speculation-rules'"],
                "the page's CSP is a sandbox without scripts",
            ),
        ],
    );
}

#[test]
fn what_is_loaded_obeys_its_directive_or_default_src() {
    type Ask = fn(&Csp, &Url) -> Verdict;
    let things: [(&str, &str, Ask); 4] = [
        ("font-src", "no: the font", Csp::font),
        ("img-src", "no: the image", Csp::image),
        ("frame-src", "no: the frame", Csp::frame),
        ("connect-src", "no: the beacon", Csp::beacon),
    ];
    for (directive, no, ask) in things {
        let own = |csp: &Csp| ask(csp, &at("/x"));
        let elsewhere = |csp: &Csp| ask(csp, &at("https://a.example/x"));
        let (none, only_ours) = (
            format!("default-src *; {directive} 'none'"),
            format!("default-src 'none'; {directive} 'self'"),
        );
        table(
            own,
            &[
                (&["default-src 'self'"], "yes"),
                (&["script-src 'none'; sandbox"], "yes"),
                (&[&none], no),
                (&[&only_ours], "yes"),
                (&["default-src 'nonce-abc'"], no),
            ],
        );
        table(
            elsewhere,
            &[(&["default-src 'self'"], no), (&["default-src *"], "yes")],
        );
    }
    table(
        |csp| csp.frame(&at("/x")),
        &[
            (&["child-src 'none'"], "no: the frame"),
            (&["child-src 'none'; frame-src 'self'"], "yes"),
        ],
    );
}

#[test]
fn the_receipt_says_what_was_refused_and_what_is_reported() {
    let script = |policies: &[&str], receipt: &mut Receipt| {
        csp(policies).external_script(&at("/a.js")).admit(receipt)
    };
    let mut receipt = Receipt::default();
    let nonce = script(&["script-src 'nonce-abc'"], &mut receipt);
    assert_eq!(nonce, Some(format!(" nonce=\"{NONCE}\"")));
    assert_eq!((receipt.stopped.clone(), receipt.notes.len()), (None, 0));
    for _ in 0..2 {
        let plain = script(&["report: script-src 'none'"], &mut receipt);
        assert_eq!(plain.as_deref(), Some(""));
    }
    assert_eq!(
        receipt.notes,
        ["a report-only policy will report it: the page's CSP does not allow the script"]
    );
    assert_eq!(script(&["script-src 'none'"], &mut receipt), None);
    let why = "the page's CSP does not allow the script";
    assert_eq!(receipt.stopped.as_deref(), Some(why));
    // Where something else was inserted before, the refusal stands beside it.
    receipt.applied();
    assert_eq!(script(&["script-src 'none'"], &mut receipt), None);
    assert_eq!(receipt.notes[1], format!("not inserted: {why}"));
}
