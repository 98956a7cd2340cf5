//! Scripts: order, opt-outs, consent, other optimisers.

use super::dom::{Node, nodes};
use super::*;

fn page(head: &str) -> String {
    format!("<!doctype html><html><head>{head}</head><body><p>x</p></body></html>")
}

/// The classic scripts that run in document order: inline text, or address.
fn ordered_scripts(html: &str) -> Vec<String> {
    let nodes = nodes(html.as_bytes()).unwrap();
    let mut scripts = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let classic = node
            .attribute("type")
            .is_none_or(|t| t.is_empty() || t == "text/javascript");
        if !node.is_element("script") || !classic || node.attribute("async").is_some() {
            continue;
        }
        if node.attribute("data-v").is_some() {
            continue;
        }
        scripts.push(match (node.attribute("src"), nodes.get(at + 1)) {
            (Some(src), _) => src.to_owned(),
            (None, Some(Node::Text { text, .. })) => text.clone(),
            (None, _) => String::new(),
        });
    }
    scripts
}

pub(super) fn moving(rules: &str) -> Config {
    let mut config = Config::off();
    config.other_optimisers.enabled = true;
    config.third_party_scripts.enabled = true;
    config.third_party_scripts.rules = serde_json::from_str(rules).unwrap();
    config
}

pub(super) fn rewrite_by(rules: &str, page: &str) -> String {
    String::from_utf8(rewrite_with(&moving(rules), &[], page.as_bytes())).unwrap()
}

/// H25
#[test]
fn h25_script_order_is_kept_but_for_what_a_rule_names() {
    let html = page(
        "<script>window.q=[]</script><script src=\"/js/jquery.js\"></script><script src=\"https://tags.example/1.js\"></script>\
         <script>q.push(1)</script><script src=\"https://libs.example/ui.js\"></script><script defer src=/d.js></script><script>ui()</script>",
    );
    let output = rewrite_by(
        r#"[{"match":"https://tags.example/*","action":"async"}]"#,
        &html,
    );
    let mut expected = ordered_scripts(&html);
    expected.retain(|script| script != "https://tags.example/1.js");
    assert_eq!(ordered_scripts(&output), expected);
    assert_eq!(expected.len(), ordered_scripts(&html).len() - 1);
}

/// H25
#[test]
fn h25_a_vendor_that_the_page_calls_by_name_is_not_moved_by_any_rule() {
    for (src, why) in [
        (
            "https://maps.googleapis.com/maps/api/js?key=1",
            "the page calls what google-maps defines",
        ),
        (
            "https://code.jquery.com/jquery-3.7.1.min.js",
            "protected (library)",
        ),
        (
            "https://www.googleadservices.com/pagead/conversion.js",
            "writes into the document",
        ),
    ] {
        let html = page(&format!(
            "<script src=\"{src}\"></script><script>use()</script>"
        ));
        for action in ["async", "defer", "idle"] {
            let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
            let rewriter = Rewriter::new(&moving(&rules), facts_with(&[]));
            let (output, rewriter) = run(rewriter, html.as_bytes(), usize::MAX);
            assert_eq!(String::from_utf8(output).unwrap(), html, "{action} {src}");
            let reports = rewriter.reports();
            let notes: Vec<_> = reports.iter().flat_map(|r| &r.notes).collect();
            assert!(notes.iter().any(|note| note.contains(why)), "{notes:?}");
        }
    }
}

/// H26
#[test]
fn h26_inline_scripts_and_modules_never_get_async_or_defer() {
    let html = page(
        "<script>a()</script><script type=module src=\"https://tags.example/m.js\"></script><script type=module>import 'x'</script><script async>b()</script>",
    );
    for action in ["async", "defer", "idle", "block"] {
        let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
        assert_eq!(rewrite_by(&rules, &html), html, "{action}");
    }
}

/// H27
#[test]
fn h27_a_waiting_script_runs_as_its_own_element() {
    let output = rewrite_by(
        r#"[{"vendor":"intercom","action":"idle"}]"#,
        &page("<script id=me src=\"https://widget.intercom.io/widget/a\" data-app=7></script>"),
    );
    let nodes = nodes(output.as_bytes()).unwrap();
    let waiting = nodes
        .iter()
        .find(|n| n.attribute("id") == Some("me"))
        .unwrap();
    assert!(waiting.is_element("script"));
    assert_eq!(waiting.attribute("data-app"), Some("7"));
    // The loader gives the address back to the element, and creates none.
    assert!(output.contains("s.src=u") && !output.contains("createElement"));
}

/// H28
#[test]
fn h28_no_event_is_made_up() {
    let output = rewrite_by(
        r#"[{"vendor":"intercom","action":"idle"}]"#,
        &page("<script src=\"https://widget.intercom.io/widget/a\"></script>"),
    );
    for made_up in [
        "dispatchEvent",
        "new Event",
        "createEvent",
        "readyState=\"",
        "DOMContentLoaded",
    ] {
        assert!(!output.contains(made_up), "{made_up}");
    }
}

/// H29, H30
#[test]
fn h30_every_other_attribute_of_a_moved_script_is_kept_in_place() {
    let attributes = "integrity=\"sha384-abc\" crossorigin=anonymous referrerpolicy='no-referrer' nonce=abc fetchpriority=low blocking=render data-a=1 onload=\"ok()\" onerror='no()' id=t";
    let html = page(&format!(
        "<script src=\"https://tags.example/1.js\" {attributes}></script>"
    ));
    for (action, expected) in [
        (
            "async",
            format!("<script src=\"https://tags.example/1.js\" {attributes} async=\"\">"),
        ),
        (
            "defer",
            format!("<script src=\"https://tags.example/1.js\" {attributes} defer=\"\">"),
        ),
        (
            "idle",
            format!(
                "<script {attributes} type=\"text/v-idle\" data-v-src=\"https://tags.example/1.js\">"
            ),
        ),
    ] {
        let rules = format!(r#"[{{"match":"https://tags.example/*","action":"{action}"}}]"#);
        let output = rewrite_by(&rules, &html);
        assert!(output.contains(&expected), "{output}");
    }
}

/// H31
#[test]
fn h31_what_is_not_javascript_is_left_to_the_byte() {
    for kind in [
        "application/json",
        "application/ld+json",
        "importmap",
        "speculationrules",
        "text/template",
        "text/x-handlebars",
        "text/plain",
        "text/partytown",
        "text/babel",
        "x",
        "module",
    ] {
        let html = page(&format!(
            "<script type=\"{kind}\" src=\"https://tags.example/1.js\">{{}}</script><script type=\"{kind}\">{{}}</script>"
        ));
        for action in ["async", "idle", "block"] {
            let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
            assert_eq!(rewrite_by(&rules, &html), html, "{kind} {action}");
        }
    }
    // What is inserted is a classic script: an import map may still follow it.
    assert!(!BEACON.contains("module"));
}

/// H32
#[test]
fn h32_consent_tools_stay_and_what_they_hold_back_stays_held() {
    let html = page(
        "<script src=\"https://consent.cookiebot.com/uc.js\" data-cbid=1></script>\
         <script type=\"text/plain\" data-cookieconsent=\"statistics\" src=\"https://tags.example/1.js\"></script>\
         <script data-usercentrics=\"Hotjar\" src=\"https://tags.example/2.js\"></script>\
         <script data-cmp-vendor=7 src=\"https://tags.example/3.js\"></script>\
         <script src=\"https://tags.example/4.js\"></script>",
    );
    for action in ["async", "defer", "idle"] {
        let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
        assert_eq!(rewrite_by(&rules, &html), html, "{action}");
    }
}

/// H33
#[test]
fn h33_google_tags_stay_behind_a_consent_default() {
    let gtm = "<script src=\"https://www.googletagmanager.com/gtm.js?id=GTM-1\"></script>";
    let default = "<script>function gtag(){}\ngtag('consent', 'default', {});</script>";
    let rules = r#"[{"vendor":"google-tag-manager","action":"async"}]"#;
    let html = page(&format!("{default}{gtm}"));
    assert_eq!(rewrite_by(rules, &html), html);
    for chunk in [1, 7, 50] {
        let rewriter = Rewriter::new(&moving(rules), facts_with(&[]));
        assert_eq!(run(rewriter, html.as_bytes(), chunk).0, html.as_bytes());
    }
    assert_ne!(rewrite_by(rules, &page(gtm)), page(gtm));
}

/// H34
#[test]
fn h34_bootstraps_in_the_head_stay_as_they_are() {
    let bootstraps = "<script>document.documentElement.className='dark'</script>\
                      <script src=\"https://cdn.optimizely.com/js/1.js\"></script>\
                      <script src=\"https://dev.visualwebsiteoptimizer.com/lib/1.js\"></script>\
                      <script src=\"/js/theme.js\"></script>";
    let html = page(bootstraps);
    for action in ["async", "idle", "block"] {
        let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
        assert_eq!(rewrite_by(&rules, &html), html, "{action}");
    }
}

/// H35
#[test]
fn h35_payment_captcha_fraud_and_bot_detection_are_never_touched() {
    for src in [
        "https://js.stripe.com/v3/",
        "https://www.paypal.com/sdk/js?client-id=x",
        "https://www.paypalobjects.com/api/checkout.js",
        "https://checkoutshopper-live.adyen.com/checkoutshopper/sdk/5/adyen.js",
        "https://x.klarnacdn.net/kp/lib/v1/api.js",
        "https://js.braintreegateway.com/web/3.97.1/js/client.min.js",
        "https://pay.google.com/gp/p/js/pay.js",
        "https://js.hcaptcha.com/1/api.js",
        "https://www.google.com/recaptcha/api.js",
        "https://www.gstatic.com/recaptcha/releases/x/recaptcha__en.js",
        "https://challenges.cloudflare.com/turnstile/v0/api.js",
        "https://js.datadome.co/tags.js",
        "https://cdn9.forter.com/sn/x/script.js",
        "https://client.perimeterx.net/PX1/main.min.js",
        "https://beacon.riskified.com/?shop=x",
        "https://cdn-scripts.signifyd.com/api/script-tag.js",
    ] {
        let html = page(&format!(
            "<script src=\"{}\"></script>",
            src.replace('&', "&amp;")
        ));
        for action in ["async", "defer", "idle", "block"] {
            let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
            assert_eq!(rewrite_by(&rules, &html), html, "{action} {src}");
        }
    }
}

/// H36, H37
#[test]
fn h36_the_loader_has_a_deadline_and_waits_for_no_one() {
    let output = rewrite_by(
        r#"[{"vendor":"intercom","action":"idle"}]"#,
        &page("<script src=\"https://widget.intercom.io/widget/a\"></script>"),
    );
    assert!(output.contains("{timeout:4000}"));
    assert_eq!(output.matches("addEventListener(").count(), 2);
    for listener in [
        "addEventListener('load',l)",
        "addEventListener('prerenderingchange',b)",
    ] {
        assert!(output.contains(listener), "and not in the capture phase");
    }
    for interaction in [
        "click",
        "touch",
        "mouse",
        "pointer",
        "key",
        "scroll",
        "preventDefault",
        "capture",
    ] {
        assert!(!output.contains(interaction), "{interaction}");
    }
}

/// H40
#[test]
fn h40_a_script_element_stays_for_those_who_insert_before_the_first() {
    for action in ["async", "idle", "block"] {
        let html = page("<script src=\"https://tags.example/1.js\"></script>");
        let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
        let output = rewrite_by(&rules, &html);
        assert!(
            nodes(output.as_bytes())
                .unwrap()
                .iter()
                .any(|n| n.is_element("script")),
            "{action}"
        );
    }
}

/// H41
#[test]
fn h41_opt_outs_hold_on_the_element_and_below_it() {
    for opt_out in [
        "data-cfasync=\"false\"",
        "data-pagespeed-no-defer",
        "data-no-optimize",
        "data-no-optimize=\"1\"",
        "data-no-defer",
        "nowprocket",
        "data-perf-ignore",
    ] {
        for action in ["async", "defer", "idle", "block"] {
            let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
            let on = page(&format!(
                "<script {opt_out} src=\"https://tags.example/1.js\"></script>"
            ));
            assert_eq!(rewrite_by(&rules, &on), on);
            let below = page(&format!(
                "</head><body><div {opt_out}><p><span><script src=\"https://tags.example/1.js\"></script></span></p></div>"
            ));
            assert_eq!(rewrite_by(&rules, &below), below);
            let beside = page(&format!(
                "</head><body><div {opt_out}></div><script src=\"https://tags.example/1.js\"></script>"
            ));
            assert_ne!(
                rewrite_by(&rules, &beside),
                beside,
                "the opt-out ends with its element"
            );
        }
    }
}

/// H42
#[test]
fn h42_where_another_optimiser_is_at_work_scripts_are_left_to_it() {
    let tag = "<script src=\"https://tags.example/1.js\"></script>";
    let rules = r#"[{"match":"https://tags.example/*","action":"async"}]"#;
    for sign in [
        "<script type=\"8a7b-text/javascript\" src=\"/a.js\"></script>",
        "<script src=\"https://ajax.cloudflare.com/cdn-cgi/scripts/x/cloudflare-static/rocket-loader.min.js\"></script>",
        "<script type=\"text/psajs\" src=\"/a.js\"></script>",
        "<script type=\"litespeed/javascript\" data-src=\"/a.js\"></script>",
        "<script type=\"rocketlazyloadscript\" data-rocket-src=\"/a.js\"></script>",
        "<script>class RocketLazyLoadScripts{}</script>",
        "<script type=\"nitropack/inlinescript\">x</script>",
        "<script src=\"https://cdn-abc.nitrocdn.com/x.js\"></script>",
        "<script>var speedKit={appName:'x'}</script>",
    ] {
        let html = page(&format!("{sign}{tag}"));
        assert_eq!(rewrite_by(rules, &html), html, "{sign}");
        let reason = outcome(&moving(rules), &[], &html, "third_party_scripts");
        assert!(
            reason.starts_with("another optimiser is at work"),
            "{sign}: {reason}"
        );
    }
    assert_ne!(rewrite_by(rules, &page(tag)), page(tag));
}
