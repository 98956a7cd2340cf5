//! Content security policy.

use super::*;

const PAGE: &str = "<!doctype html><html><head><title>T</title></head><body></body></html>";

fn beacon(headers: &[(&str, &str)]) -> String {
    outcome(&beacon_only(), headers, PAGE, "inject_rum")
}

const CSP: &str = "content-security-policy";

/// H43
#[test]
fn h43_every_policy_counts_and_default_src_stands_in() {
    for (headers, expected) in [
        (&[(CSP, "default-src 'self'")][..], "applied 1"),
        (
            &[(CSP, "default-src 'none'")],
            "the page's CSP does not allow the beacon",
        ),
        (
            &[(CSP, "default-src https://cdn.example; connect-src 'self'")],
            "the page's CSP does not allow the script",
        ),
        (
            &[
                (CSP, "script-src 'self'"),
                (CSP, "script-src https://cdn.example"),
            ],
            "the page's CSP does not allow the script",
        ),
        (
            &[(CSP, "script-src 'self', script-src 'none'")],
            "the page's CSP does not allow the script",
        ),
        (
            &[("content-security-policy-report-only", "default-src 'none'")],
            "applied 1",
        ),
        (&[(CSP, "DEFAULT-SRC 'SELF'")], "applied 1"),
    ] {
        assert_eq!(beacon(headers), expected, "{headers:?}");
    }
    let meta = PAGE.replace(
        "<title>",
        "<META HTTP-EQUIV=content-security-policy CONTENT=\"default-src &apos;none&apos;\"><title>",
    );
    let refused = outcome(&beacon_only(), &[], &meta, "inject_rum");
    assert_eq!(refused, "the page's CSP does not allow the beacon");
    // default-src alone is the policy for inline scripts too.
    let chat = PAGE.replace(
        "</body>",
        "<script src=\"https://chat.example/c.js\"></script></body>",
    );
    let output = rewrite_with(
        &every_pass(),
        &[(CSP, "default-src 'self' https:")],
        chat.as_bytes(),
    );
    let output = String::from_utf8(output).unwrap();
    assert!(
        output.contains("<script src=\"https://chat.example/c.js\"></script>"),
        "{output}"
    );
}

/// H44
#[test]
fn h44_under_strict_dynamic_only_a_nonce_lets_us_in() {
    let strict = "script-src 'self' https: 'strict-dynamic' 'sha256-abc'";
    assert_eq!(
        beacon(&[(CSP, strict)]),
        "the page's CSP has strict-dynamic and no nonce"
    );
    let with_nonce = "script-src 'self' 'strict-dynamic' 'nonce-r4nd0m+/='";
    let output = rewrite_with(&beacon_only(), &[(CSP, with_nonce)], PAGE.as_bytes());
    let output = String::from_utf8(output).unwrap();
    assert!(
        output.contains("nonce=\"r4nd0m+/=\"></script></head>"),
        "{output}"
    );
}

/// H46
#[test]
fn h46_a_policy_in_the_page_is_kept_to_the_byte() {
    let meta = "<meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'self' 'unsafe-inline'; connect-src 'self'\">";
    let page = PAGE.replace("<title>", &format!("{meta}<title>"));
    let output = rewrite(&page);
    assert!(output.contains(meta) && output.contains(BEACON), "{output}");
    assert_eq!(output.matches("http-equiv").count(), 1);
}

/// H47
#[test]
fn h47_sheets_are_as_they_were_where_the_policy_blocks_what_would_switch_them() {
    let page = PAGE.replace(
        "<title>",
        "<link rel=\"stylesheet\" href=\"/a.css\"><link rel=stylesheet href=/b.css media=screen><title>",
    );
    let mut config = Config::off();
    config.critical_css = serde_json::from_str(
        r#"{"enabled": true, "rules": [{"template": "product", "css": "h1{color:red}"}]}"#,
    )
    .unwrap();
    for blocking in [
        "script-src 'none'",
        "default-src 'self'",
        "script-src 'self'; style-src 'self'",
        "style-src 'unsafe-inline' 'sha256-AAAA'",
        "script-src 'strict-dynamic' 'sha256-AAAA' 'self'",
        "sandbox allow-forms",
    ] {
        let output = rewrite_with(&config, &[(CSP, blocking)], page.as_bytes());
        assert_eq!(String::from_utf8_lossy(&output), page, "{blocking}");
    }
    for (policy, nonce) in [
        ("img-src 'self'", ""),
        ("script-src 'self'; style-src 'unsafe-inline'", ""),
        ("default-src 'self' 'nonce-abc'", " nonce=\"abc\""),
        ("require-trusted-types-for 'script'", ""),
    ] {
        let output = rewrite_with(&config, &[(CSP, policy)], page.as_bytes());
        let output = String::from_utf8(output).unwrap();
        let style = format!("<style data-v=\"critical_css\"{nonce}>h1{{color:red}}</style><script");
        assert!(output.contains(&style), "{policy}: {output}");
        assert_eq!(output.matches("media=\"print\"").count(), 2, "{output}");
        assert!(!output.contains("onload"), "{output}");
    }
}
