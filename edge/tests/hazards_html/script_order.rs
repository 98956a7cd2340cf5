//! Scripts of generated pages: what no rule may touch stays to the byte, and what a rule moves keeps its place.

use proptest::prelude::*;

use super::dom::{Node, nodes};
use super::*;

/// What becomes of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    /// Gets this attribute.
    Gets(&'static str),
    /// Gives its address to this attribute.
    Waits(&'static str),
}

use Fate::{Gets, Stays, Waits};

/// Scripts, with `#` for their number, and what the rules make of them.
const SCRIPTS: &[(&str, Fate)] = &[
    ("<script data-n=#>f(#)</script>", Stays),
    (
        "<script data-n=#>document.write('<p>#</p>')</script>",
        Stays,
    ),
    ("<script data-n=# src=\"/own-#.js\"></script>", Stays),
    ("<script data-n=# src=\"/own-#.js\" defer></script>", Stays),
    (
        "<script data-n=# src=\"https://stay.example/#.js\"></script>",
        Stays,
    ),
    (
        "<script data-n=# src=\"https://async.example/#.js\"></script>",
        Gets("async"),
    ),
    (
        "<script data-n=# src=\"https://defer.example/#.js\"></script>",
        Gets("defer"),
    ),
    (
        "<script data-n=# src=\"https://idle.example/#.js\"></script>",
        Waits("data-v-src"),
    ),
    (
        "<script data-n=# async src=\"https://idle.example/#.js\"></script>",
        Waits("data-v-src"),
    ),
    (
        "<script data-n=# src=\"https://block.example/#.js\"></script>",
        Waits("data-v-blocked"),
    ),
    (
        "<script data-n=# defer src=\"https://async.example/#.js\"></script>",
        Stays,
    ),
    (
        "<script data-n=# type=module src=\"https://async.example/#.js\"></script>",
        Stays,
    ),
    (
        "<script data-n=# nomodule src=\"https://defer.example/#.js\"></script>",
        Stays,
    ),
    (
        "<script data-n=# type=\"text/plain\" src=\"https://idle.example/#.js\"></script>",
        Stays,
    ),
    (
        "<script data-n=# data-no-optimize src=\"https://idle.example/#.js\"></script>",
        Stays,
    ),
    (
        "<script data-n=# data-cookieconsent=x src=\"https://async.example/#.js\"></script>",
        Stays,
    ),
    (
        "<script data-n=# src=\"https://js.stripe.com/v3/?#\"></script>",
        Stays,
    ),
    (
        "<script data-n=# src=\"https://maps.googleapis.com/maps/api/js?#\"></script>",
        Stays,
    ),
    (
        "<template><script data-n=# src=\"https://async.example/#.js\"></script></template>",
        Stays,
    ),
    (
        "<noscript><script src=\"https://async.example/#.js\"></script></noscript>",
        Stays,
    ),
];

const RULES: &str = r#"[
    {"match": "//async.example/*", "action": "async"},
    {"match": "//defer.example/*", "action": "defer"},
    {"match": "//idle.example/*", "action": "idle"},
    {"match": "//block.example/*", "action": "block"},
    {"match": "//js.stripe.com/*", "action": "async"},
    {"match": "//maps.googleapis.com/*", "action": "defer"}
]"#;

/// What stands between scripts.
const BETWEEN: &[&str] = &[
    "",
    "\n",
    "<!-- x -->",
    "<style>p{}</style>",
    "<link rel=stylesheet href=/a.css>",
];
const IN_BODY: &[&str] = &[
    "<p>x</p>",
    "<div>",
    "</div>",
    "<img src=x>",
    "<table><tr><td>x</table>",
];

type Piece = (usize, &'static str);

fn pieces(between: Vec<&'static str>) -> impl Strategy<Value = Vec<Piece>> {
    let piece = (0..SCRIPTS.len(), proptest::sample::select(between));
    proptest::collection::vec(piece, 0..12)
}

/// The page, and the fate of each of its scripts by number.
fn page((head, body): &(Vec<Piece>, Vec<Piece>)) -> (String, Vec<Fate>) {
    let mut html = "<!doctype html><html><head><title>x</title>".to_owned();
    let mut fates = Vec::new();
    for (at, (script, between)) in head.iter().chain(body).enumerate() {
        if at == head.len() {
            html.push_str("</head><body><h1>x</h1>");
        }
        let (text, fate) = SCRIPTS[*script];
        html.push_str(between);
        html.push_str(&text.replace('#', &fates.len().to_string()));
        fates.push(fate);
    }
    (html, fates)
}

/// The page's own scripts in document order, each with the text in it.
fn scripts(html: &str) -> Vec<(Vec<(String, String)>, String)> {
    let nodes = nodes(html.as_bytes()).unwrap();
    let mut scripts = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let Node::Element {
            name, attributes, ..
        } = node
        else {
            continue;
        };
        if name == "script" && node.attribute("data-v").is_none() {
            let text = match nodes.get(at + 1) {
                Some(Node::Text { text, .. }) => text.clone(),
                _ => String::new(),
            };
            scripts.push((attributes.clone(), text));
        }
    }
    scripts
}

fn expected(mut attributes: Vec<(String, String)>, fate: Fate) -> Vec<(String, String)> {
    match fate {
        Stays => {}
        Gets(name) => attributes.push((name.into(), String::new())),
        Waits(name) => {
            let src = attributes
                .iter()
                .position(|(name, _)| name == "src")
                .unwrap();
            let (_, address) = attributes.remove(src);
            let kind = if name == "data-v-src" {
                "text/v-idle"
            } else {
                "text/v-blocked"
            };
            attributes.push(("type".into(), kind.into()));
            attributes.push((name.into(), address));
        }
    }
    attributes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// H25: no script changes its place among the others, a rule changes its scripts and nothing else, and what it
    /// changes can only come later.
    #[test]
    fn h25_only_what_a_rule_names_moves_and_it_only_moves_back(
        pieces in (pieces(BETWEEN.to_vec()), pieces([BETWEEN, IN_BODY].concat())),
        chunk in 1..200_usize,
    ) {
        let (html, fates) = page(&pieces);
        let rewriter = Rewriter::new(&super::scripts::moving(RULES), facts_with(&[]));
        let output = String::from_utf8(run(rewriter, html.as_bytes(), chunk).0).unwrap();
        let (before, after) = (scripts(&html), scripts(&output));
        prop_assert_eq!(before.len(), after.len());
        for ((attributes, text), (now, text_now)) in before.into_iter().zip(after) {
            let number = attributes.iter().find(|(name, _)| name == "data-n");
            let fate = number.map_or(Stays, |(_, n)| fates[n.parse::<usize>().unwrap()]);
            prop_assert_eq!(&now, &expected(attributes, fate), "{}", &output);
            prop_assert_eq!(text, text_now);
        }
    }
}

/// Every vendor, with its category and the addresses in the data.
fn vendors() -> Vec<serde_json::Value> {
    serde_json::from_str(include_str!("../../src/html/vendors.json")).unwrap()
}

fn address(text: &str) -> String {
    text.replace('&', "&amp;")
}

/// H32, H34, H35
#[test]
fn h35_no_protected_vendor_is_touched_by_any_rule() {
    let mut seen = 0;
    for vendor in vendors().iter().filter(|v| v["protected"] == true) {
        for example in vendor["examples"].as_array().unwrap() {
            let src = address(example.as_str().unwrap());
            let html = format!(
                "<!doctype html><html><head><script src=\"{src}\"></script></head><body></body></html>"
            );
            let (id, category) = (&vendor["id"], &vendor["category"]);
            for action in ["async", "defer", "idle", "block"] {
                for subject in [
                    format!(r#""vendor":{id}"#),
                    format!(r#""category":{category}"#),
                    r#""match":"https://**""#.to_owned(),
                ] {
                    let rules = format!(r#"[{{{subject},"action":"{action}"}}]"#);
                    assert_eq!(
                        super::scripts::rewrite_by(&rules, &html),
                        html,
                        "{action} {src}"
                    );
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

/// H27
#[test]
fn h27_a_script_that_writes_into_the_document_or_is_called_by_name_stays() {
    let stays = |v: &&serde_json::Value| v["interface"] == "writes" || v.get("interface").is_none();
    for vendor in vendors().iter().filter(stays) {
        let src = address(vendor["examples"][0].as_str().unwrap());
        let html = format!(
            "<!doctype html><html><head><script src=\"{src}\"></script></head><body></body></html>"
        );
        for action in ["async", "defer", "idle"] {
            let rules = format!(r#"[{{"match":"https://**","action":"{action}"}}]"#);
            assert_eq!(
                super::scripts::rewrite_by(&rules, &html),
                html,
                "{action} {src}"
            );
        }
    }
}

/// H39
#[test]
fn h39_what_counts_visitors_or_sales_never_waits_until_idle() {
    let counts = [
        "advertising",
        "affiliate",
        "analytics",
        "monitoring",
        "tag-manager",
    ];
    for vendor in vendors()
        .iter()
        .filter(|v| counts.contains(&v["category"].as_str().unwrap()))
    {
        let src = address(vendor["examples"][0].as_str().unwrap());
        let html = format!(
            "<!doctype html><html><head><script src=\"{src}\"></script></head><body></body></html>"
        );
        let rules = r#"[{"match":"https://**","action":"idle"}]"#;
        assert_eq!(super::scripts::rewrite_by(rules, &html), html, "{src}");
    }
}

/// H31
#[test]
fn h31_an_import_map_stays_before_the_first_module() {
    let html = "<!doctype html><html><head><title>x</title><script src=\"https://chat.example/c.js\"></script>\
                <link rel=stylesheet href=/a.css><script type=importmap>{\"imports\":{\"a\":\"/a.js\"}}</script>\
                <link rel=modulepreload href=/a.js><script type=module>import 'a'</script></head><body><img src=x></body></html>";
    let output = rewrite(html);
    assert_ne!(output, html);
    let nodes = nodes(output.as_bytes()).unwrap();
    let is_module = |node: &Node| {
        node.attribute("type") == Some("module") || node.attribute("rel") == Some("modulepreload")
    };
    let map = nodes
        .iter()
        .position(|node| node.attribute("type") == Some("importmap"));
    let module = nodes.iter().position(is_module);
    assert!(map.is_some() && map < module, "{output}");
    let ours = nodes
        .iter()
        .filter(|node| node.attribute("data-v").is_some());
    assert!(
        ours.clone().count() >= 2 && !ours.clone().any(is_module),
        "{output}"
    );
}
