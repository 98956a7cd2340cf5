use super::*;

const CONTRACTS: &[(&str, Contract)] = &[
    (
        "inserts",
        contract(&[Edit::Inserts("script"), Edit::Inserts("link")]),
    ),
    ("sizes", contract(&[Edit::Attribute("img", "width")])),
    ("moves", contract(&[Edit::MovesScripts])),
    ("reads", contract(&[])),
];

const fn contract(edits: &'static [Edit]) -> Contract {
    Contract {
        after: &[],
        conflicts: &[],
        edits,
    }
}

fn page(body: &str) -> String {
    format!("<!doctype html><html><head><title>T</title></head><body>{body}</body></html>")
}

fn violations(pass: &str, before: &str, after: &str) -> Vec<Violation> {
    let (before, after) = (page(before), page(after));
    check_by(CONTRACTS, before.as_bytes(), after.as_bytes(), &[pass]).unwrap()
}

#[track_caller]
fn none(pass: &str, before: &str, after: &str) {
    assert_eq!(violations(pass, before, after), []);
}

#[track_caller]
fn one(pass: &str, before: &str, after: &str) -> Violation {
    let mut violations = violations(pass, before, after);
    assert_eq!(violations.len(), 1, "{violations:#?}");
    violations.remove(0)
}

#[test]
fn what_a_pass_declares_is_no_violation() {
    none(
        "inserts",
        "one two<p>x</p>",
        "one <script data-v=inserts>a()</script>two<link data-v=inserts rel=x><p>x</p>",
    );
    none("sizes", "<img src=a>", "<img width=3 src=a>");
    none(
        "moves",
        "<script src=a></script>",
        "<script src=a async></script>",
    );
    none(
        "moves",
        "<script src=a type=text/javascript></script>",
        "<script data-v-src=a type=text/v-idle data-v-type=text/javascript></script>",
    );
}

#[test]
fn what_the_page_had_from_a_pass_before_is_no_violation() {
    let had = "<script data-v=inserts src=x></script><p>y</p>";
    none("inserts", had, had);
    none(
        "inserts",
        had,
        "<script data-v=inserts src=x></script><p >y</p>",
    );
}

#[test]
fn what_no_pass_declares_is_named_by_what_it_touches() {
    let kind = |before: &str, after: &str| one("sizes", before, after).kind;
    for (expected, before, after) in [
        (Kind::Text, "<p>one</p>", "<p>two</p>"),
        (Kind::Links, "<a href=a>x</a>", "<a href=b>x</a>"),
        (Kind::Forms, "<input name=a>", "<input name=b>"),
        (Kind::Ids, "<p id=a>", "<p id=b>"),
        (Kind::Scripts, "<script>a</script>", "<script>b</script>"),
        (
            Kind::Scripts,
            "<script src=a></script>",
            "<script src=a async></script>",
        ),
        (
            Kind::Modules,
            "<script type=importmap>{}</script>",
            "<script type=importmap>{ }</script>",
        ),
        (
            Kind::JsonLd,
            "<script type=application/ld+json>{}</script>",
            "<script type=application/ld+json>[]</script>",
        ),
        (
            Kind::InlineData,
            "<script type=text/x-magento-init>{}</script>",
            "<script type=text/x-magento-init>[]</script>",
        ),
        (
            Kind::Integrity,
            "<script src=a integrity=x></script>",
            "<script src=a></script>",
        ),
        (Kind::Styles, "<style>a{}</style>", "<style>a{b:c}</style>"),
        (
            Kind::Meta,
            "<meta name=robots content=index>",
            "<meta name=robots content=noindex>",
        ),
        (
            Kind::Meta,
            "<link rel=canonical href=a>",
            "<link rel=canonical href=b>",
        ),
        (Kind::Markup, "<!--[-->", "<!--]-->"),
        (Kind::Markup, "<img src=a>", "<img src=b>"),
    ] {
        assert_eq!(kind(before, after), expected, "{before}");
    }
    let title = check_by(
        CONTRACTS,
        b"<!doctype html><title>a</title>",
        b"<!doctype html><title>b</title>",
        &["sizes"],
    );
    assert_eq!(title.unwrap()[0].kind, Kind::Title);
}

#[test]
fn scripts_in_another_order_are_violations_even_where_scripts_may_wait() {
    let (a, b) = ("<script src=a></script>", "<script src=b></script>");
    let seen = violations("moves", &format!("{a}{b}"), &format!("{b}{a}"));
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|v| v.kind == Kind::Scripts), "{seen:#?}");
    let inline = one(
        "moves",
        "<script>a()</script>",
        "<script async>a()</script>",
    );
    assert_eq!(inline.kind, Kind::Scripts);
    let undone = one(
        "moves",
        "<script src=a async></script>",
        "<script src=a></script>",
    );
    assert_eq!(undone.place, "`async` of <script>");
}

#[test]
fn a_violation_says_what_where_and_who() {
    let seen = one(
        "sizes",
        "<p>x</p><img src=a>",
        "<p>x</p><img src=a height=4>",
    );
    assert_eq!(
        seen.to_string(),
        "markup: `height` of <img> (sizes): expected nothing, found \"4\""
    );
    let seen = one(
        "inserts",
        "<p>x</p>",
        "<p>x</p><iframe data-v=inserts></iframe>",
    );
    assert_eq!(
        seen.to_string(),
        "markup: <iframe> in <body> (inserts): expected nothing, found <iframe data-v=\"inserts\">"
    );
    let seen = one(
        "sizes",
        "<ul><li><a href=b>x</a><li>y</ul>",
        "<ul><li><li>y</ul>",
    );
    assert_eq!(
        (seen.kind, seen.place.as_str()),
        (Kind::Links, "<a> in <li>")
    );
    assert_eq!(seen.found, "nothing");
}

#[test]
fn an_insertion_by_a_pass_that_was_not_at_work_is_a_violation() {
    let seen = one(
        "reads",
        "<p>x</p>",
        "<script data-v=inserts></script><p>x</p>",
    );
    assert_eq!(seen.kind, Kind::Scripts);
}

#[test]
fn several_differences_are_found_and_the_walk_goes_on() {
    let seen = violations(
        "sizes",
        "<p id=a>x</p><div><a href=a>y</a></div><p>z</p><input name=q>",
        "<p id=b>x</p><div></div><p>z!</p><input name=q>",
    );
    let kinds: Vec<Kind> = seen.iter().map(|v| v.kind).collect();
    assert_eq!(kinds, [Kind::Ids, Kind::Links, Kind::Text], "{seen:#?}");
}

#[test]
fn an_inserted_module_before_the_import_map_is_a_violation() {
    let map = "<script type=importmap>{}</script>";
    let module = "<script type=module data-v=inserts src=x></script>";
    none("inserts", map, &format!("{map}{module}"));
    let seen = one("inserts", map, &format!("{module}{map}"));
    assert_eq!(seen.kind, Kind::Modules);
    assert_eq!(seen.passes, ["inserts"]);
}

#[test]
fn a_page_without_bounds_is_not_checked() {
    let large = |body: String| check_by(CONTRACTS, page(&body).as_bytes(), b"x", &["sizes"]);
    assert_eq!(large("x".repeat(3 << 20)), Err(TooLarge::Bytes));
    assert_eq!(large("<div>".repeat(2000)), Err(TooLarge::Depth));
    assert_eq!(large("<br>".repeat(200_000)), Err(TooLarge::Nodes));
    let formatting: Vec<String> = (0..900).map(|i| format!("<font size={i}>")).collect();
    let formatting = formatting.concat();
    assert_eq!(
        large(format!("<p>{formatting}{}", "<p>x".repeat(100_000))),
        Err(TooLarge::Nodes)
    );
}
