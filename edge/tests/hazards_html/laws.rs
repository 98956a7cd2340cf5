//! Laws that hold for any bytes in any pieces.

use proptest::prelude::*;

use super::*;

/// Markup that parsers stumble over, and what our passes look for.
const SOUP: &[&str] = &[
    "<!doctype html>",
    "<html>",
    "<html lang='a>b'>",
    "<head>",
    "</head>",
    "<body>",
    "</body>",
    "</html>",
    "<title>",
    "</title>",
    "<style>",
    "</style>",
    "<script>",
    "</script>",
    "<script src=\"https://tags.example/1.js\">",
    "<script src=https://chat.example/c.js>",
    "<script src=/own.js async>",
    "<!--",
    "-->",
    "<!-->",
    "<![CDATA[",
    "]]>",
    "<noscript>",
    "</noscript>",
    "<template>",
    "</template>",
    "<svg>",
    "</svg>",
    "<math>",
    "</math>",
    "<mtext>",
    "<foreignObject>",
    "</foreignObject>",
    "<select>",
    "</select>",
    "<option>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<b>",
    "<i>",
    "</b>",
    "</i>",
    "<a href=x>",
    "</a>",
    "<img src=\"/x.png\">",
    "<img src=a width=1>",
    "<picture>",
    "<source media=x>",
    "</picture>",
    "<textarea>",
    "</textarea>",
    "<iframe>",
    "</iframe>",
    "<frameset>",
    "<frame>",
    "<plaintext>",
    "<base href='https://b.example/'>",
    "<link rel=stylesheet href=x>",
    "<link rel=preconnect href=https://cdn.example>",
    "<meta charset=utf-8>",
    "<meta charset=windows-1251>",
    "<meta http-equiv=content-security-policy content=\"script-src 'self'\">",
    "<form>",
    "</form>",
    "<br>",
    "</br>",
    "<",
    ">",
    "&amp;",
    "&",
    "text",
    " ",
    "\n",
    "\u{e4}\u{20ac}",
    "gtag('consent','default')",
    "<div data-no-optimize>",
    "<x-y>",
    "</x-y>",
];

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        40 => proptest::sample::select(SOUP).prop_map(|s| s.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    (any::<bool>(), proptest::collection::vec(piece, 0..40)).prop_map(|(doctype, pieces)| {
        let mut page = if doctype {
            b"<!doctype html>".to_vec()
        } else {
            Vec::new()
        };
        page.extend(pieces.concat());
        page
    })
}

fn chunks() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1..30_usize, 1..20)
}

fn run_in(mut rewriter: Rewriter, input: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut rest = input;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at((*size).min(rest.len()));
        output.extend(rewriter.write(piece));
        rest = more;
    }
    output.extend(rewriter.end());
    output
}

fn is_subsequence(short: &[u8], long: &[u8]) -> bool {
    let mut long = long.iter();
    short.iter().all(|byte| long.any(|other| other == byte))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn disabled_is_identity(page in soup(), sizes in chunks()) {
        let rewriter = Rewriter::new(&Config::off(), facts_with(&[]));
        prop_assert_eq!(run_in(rewriter, &page, &sizes), page);
    }

    #[test]
    fn the_pieces_in_which_a_page_arrives_do_not_matter(page in soup(), sizes in chunks()) {
        let whole = rewrite_with(&every_pass(), &[], &page);
        let pieces = run_in(Rewriter::new(&every_pass(), facts_with(&[])), &page, &sizes);
        prop_assert_eq!(String::from_utf8_lossy(&pieces), String::from_utf8_lossy(&whole));
    }

    #[test]
    fn no_byte_is_lost(page in soup(), sizes in chunks(), memory in 0..3000_usize) {
        let rewriter = Rewriter::with_limits(&beacon_only(), facts_with(&[]), Limits { memory });
        let output = run_in(rewriter, &page, &sizes);
        prop_assert!(is_subsequence(&page, &output), "{}", String::from_utf8_lossy(&output));
    }

    #[test]
    fn rewriting_twice_is_rewriting_once(page in soup()) {
        let once = rewrite_with(&every_pass(), &[], &page);
        let twice = rewrite_with(&every_pass(), &[], &once);
        prop_assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
    }

    #[test]
    fn the_second_parser_finds_only_what_passes_declare(page in soup()) {
        let page = String::from_utf8_lossy(&page).into_owned();
        let (output, rewriter) = run(
            Rewriter::new(&every_pass(), facts_with(&[])),
            page.as_bytes(),
            usize::MAX,
        );
        let violations = audit::check(page.as_bytes(), &output, &applied(&rewriter)).unwrap();
        prop_assert_eq!(violations, [], "{}", String::from_utf8_lossy(&output));
    }
}
