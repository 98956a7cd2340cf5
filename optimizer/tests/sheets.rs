//! H55, H56: what becomes of style sheets.

#![allow(clippy::unwrap_used, reason = "helpers of tests may stop a test")]

use bytes::Bytes;
use http::Request;
use proptest::prelude::*;
use vitrine_optimizer::{Coding, Skip, minify, respond};

/// A sheet with enough to leave out, and `rule` in it.
fn with(rule: &str) -> String {
    format!(
        "/* {} */\n{rule}\n.a {{\n    color: red;\n}}\n",
        "why ".repeat(40)
    )
}

fn minified(sheet: &str) -> Result<String, Skip> {
    minify(sheet.as_bytes(), true, Coding::Identity).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn h55_a_sheet_that_is_not_understood_whole_stays_as_it_is() {
    for rule in [
        "a{*zoom:1}",
        "a{_height:1px}",
        "a{width:100px\\9}",
        "a{color:red !ie}",
        "a{filter:progid:DXImageTransform.Microsoft.gradient(startColorstr='#80000000')}",
        "a{width:expression(document.body.clientWidth)}",
        "@media \\0screen{a{b:c}}",
        "@-moz-document url-prefix(){a{b:c}}",
        "@tailwind base;",
        "@brand-new (x){a{b:c}}",
        "a{color:red",
        "a{color:red}}",
        "a{b:url(x y)}",
        "a{b:\"broken\n}",
        "a b c d:unknown(({b:c}",
        "a[{b:c}",
        "::{b:c}",
        "@media (min-width:){{}}}",
        "<!-- a{b:c} -->",
    ] {
        assert!(minified(&with(rule)).is_err(), "{rule}");
    }
}

#[test]
fn h55_what_is_new_and_understood_is_kept_token_by_token() {
    for rule in [
        "@layer reset,base;",
        "@layer base{a{color:red}}",
        ".card{& .title{color:red}&:hover{color:blue}@media (width>=600px){color:green}}",
        "@container side (min-width:400px){a{color:red}}",
        "@property --x{syntax:'<length>';inherits:false;initial-value:0px}",
        "@font-face{font-family:A;src:url(a.woff2);unicode-range:U+0025-00FF,u+4??}",
        "a:has(>img):is(.b,#c):not(.d){color:oklch(70% 0.1 200)}",
        "a{--empty: ;--json: { \"a\" : [ 1 , 2 ] };color:var(--empty,)}",
        "a{color:color-mix(in oklab,red 20%,blue);inset:0;aspect-ratio:16/9}",
        "@supports (display:grid) and (not (display:inline-grid)){a{color:red}}",
        "@keyframes x{from{opacity:0}50.50%{opacity:.5}to{opacity:1}}",
        "a{width:calc(100% - (2*var(--g)) + 1px)}",
        "a{content:\"\\201C\";background:url(data:image/svg+xml;utf8,%3Csvg/%3E)}",
        "a{display:-webkit-box;display:flex;color:#f00;color:color(display-p3 1 0 0)}",
        "@import url(\"a.css\") layer(x) supports(display:grid) screen;",
    ] {
        let out = minified(&with(rule)).unwrap_or_else(|skip| format!("{skip}: {rule}"));
        let out = out.replace(";}", "}");
        assert!(out.contains(rule.trim_end_matches(';')), "{rule}\n{out}");
    }
}

/// Bootstrap has notes for its right-to-left edition there.
#[test]
fn h55_a_note_behind_a_value_leaves_nothing_behind() {
    let out = minified(&with("a::before{content:var(--d, \"/\") /* rtl: x */;}")).unwrap();
    assert!(
        out.starts_with("a::before{content:var(--d, \"/\")}"),
        "{out}"
    );
}

#[test]
fn h56_order_and_what_comes_first_in_a_sheet_stay() {
    let sheet = "@charset \"utf-8\";\n@import \"one.css\";\n@import url(two.css) print;\n@namespace svg \
        url(http://www.w3.org/2000/svg);\n\n/*! Licence: MIT */\n.a { color : red }\n.a { color : blue }\n\
        .b { background : url( \"../img/a.png\" ) ; }\n.a { color : red }\n/* the end of a long, long sheet */\n";
    assert_eq!(
        minified(sheet).unwrap(),
        "@charset \"utf-8\";@import \"one.css\";@import url(two.css) print;@namespace svg \
        url(http://www.w3.org/2000/svg);/*! Licence: MIT */ .a{color :red}.a{color :blue}\
        .b{background :url(\"../img/a.png\")}.a{color :red}"
    );
}

#[test]
fn h55_a_sheet_stays_where_little_is_won_or_its_bytes_are_described_elsewhere() {
    assert_eq!(
        minified(".a{color:red}.b{color:blue}"),
        Err(Skip::NotSmaller)
    );
    assert_eq!(
        minified(&with("/*# sourceMappingURL=a.css.map */")),
        Err(Skip::SourceMap)
    );
    let job = |bytes: &[u8], utf8| minify(bytes, utf8, Coding::Identity);
    let accents = with("a{content:\"é\"}");
    assert_eq!(job(accents.as_bytes(), false), Err(Skip::Charset));
    assert!(job(accents.as_bytes(), true).is_ok());
    assert!(job(format!("\u{feff}{accents}").as_bytes(), false).is_ok());
    assert!(job(format!("@charset \"utf-8\";{accents}").as_bytes(), false).is_ok());
    let latin = format!("@charset \"iso-8859-1\";{}", with(""));
    assert_eq!(job(latin.as_bytes(), false), Err(Skip::Charset));
    assert_eq!(job(b"a{content:\"\xe9\"}", true), Err(Skip::Charset));
    assert_eq!(job(&vec![b' '; (2 << 20) + 1], true), Err(Skip::TooLarge));
}

#[test]
fn h55_a_sheet_made_to_exhaust_a_parser_stays_as_it_is() {
    for opening in ["a{", "(", "[", "@media x{", "a{b:(", "a{--x:[", ":is("] {
        let sheet = with(&opening.repeat(20_000));
        assert!(minified(&sheet).is_err(), "{opening}");
    }
}

#[test]
fn a_sheet_goes_over_http_in_the_coding_that_is_asked_for() {
    let ask = |headers: &[(&str, &str)]| {
        let mut request = Request::post("/css").header("content-type", "text/css");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        respond(&request.body(Bytes::from(with("a{b:c}"))).unwrap())
    };
    let plain = ask(&[]);
    assert_eq!(&plain.body()[..], b"a{b:c}.a{color:red}");
    assert_eq!(plain.headers()["content-type"], "text/css; charset=utf-8");
    let br = ask(&[("x-vitrine-coding", "br")]);
    assert_eq!(br.headers()["content-encoding"], "br");
    let mut read = Vec::new();
    brotli::BrotliDecompress(&mut &br.body()[..], &mut read).unwrap();
    assert_eq!(read, plain.body()[..]);
    assert_eq!(ask(&[("x-vitrine-coding", "zstd")]).status(), 400);
}

/// Pieces of which sheets are made.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        ".b",
        "#c",
        ":hover",
        "::before",
        ">",
        "+",
        "~",
        "*",
        " ",
        "\n",
        "/* c */",
        "/**/",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        ";",
        ",",
        "color",
        "red",
        "--x",
        "1px",
        "0.50em",
        "-1",
        "+1",
        "50%",
        "#fff",
        "\"s\"",
        "url(a.png)",
        "url(\"b\")",
        "calc(",
        "var(--x)",
        "@media",
        "@layer",
        "screen",
        "and",
        "!important",
        "&",
        "U+26",
        "n",
        "2n",
        "/",
        "|",
        "=",
        "margin",
        "a{color:red}",
        "b{margin: 0 1px;}",
        "@media print{a{b:c}}",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is made of a sheet, the other parser reads the same from it; and doing it again changes nothing.
    #[test]
    fn h55_a_minified_sheet_means_the_same_and_stays_itself(pieces in prop::collection::vec(piece(), 0..40)) {
        let sheet = with(&pieces.concat());
        if let Ok(once) = minified(&sheet) {
            prop_assert!(once.len() < sheet.len());
            prop_assert_eq!(minified(&once), Err(Skip::NotSmaller));
        }
    }
}
