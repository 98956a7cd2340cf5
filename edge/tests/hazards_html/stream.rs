//! The stream: chunks, limits, encodings, size.

use super::*;

const TAG: &str = "<script src=\"https://tags.example/1.js\"></script>";

/// H01
#[test]
fn h01_markup_that_can_be_read_in_two_ways_is_delivered_whole_and_untouched_from_there() {
    for open in ["select", "frameset"] {
        for name in [
            "title",
            "style",
            "iframe",
            "xmp",
            "noembed",
            "noframes",
            "noscript",
            "plaintext",
        ] {
            let before = format!("<!doctype html><html><head>{TAG}</head><body><{open}>");
            let after = format!("<{name}>a<b></{name}>{TAG}<img src=x.png></body></html>\n");
            for chunk in [1, 7, usize::MAX] {
                let rewriter = Rewriter::new(&every_pass(), facts_with(&[]));
                let page = format!("{before}{after}");
                let (output, rewriter) = run(rewriter, page.as_bytes(), chunk);
                let output = String::from_utf8(output).unwrap();
                assert!(output.ends_with(&after), "{open} {name}: {output}");
                assert!(output.contains("1.js\" async"), "{open} {name}: {output}");
                assert!(rewriter.bailed_out().is_some(), "{open} {name}");
            }
        }
    }
}

/// H02
#[test]
fn h02_a_memory_limit_within_the_page_lets_the_rest_pass_and_is_counted_once() {
    let head = format!("<!doctype html><html><head>{TAG}</head><body>");
    let long = format!("<img alt=\"{}\">", "x".repeat(100_000));
    let tail = format!("{TAG}<p>the end</p></body></html>");
    let page = format!("{head}{long}{tail}");
    for chunk in [1000, 16 << 10, usize::MAX] {
        let (output, rewriter) = run(with_memory(&every_pass(), 20_000), page.as_bytes(), chunk);
        let output = String::from_utf8(output).unwrap();
        assert_eq!(rewriter.bailed_out(), Some("memory limit"));
        assert!(output.ends_with(&format!("{long}{tail}")));
        assert!(
            output.contains("1.js\" async"),
            "what came before is rewritten"
        );
    }
}

/// H02
#[test]
fn h02_at_every_memory_limit_the_page_is_whole() {
    let page = format!(
        "<!doctype html><html><head>{TAG}<title>T</title></head><body><div><div><p>{}</p>{TAG}</div></div></body></html>",
        "text ".repeat(50)
    );
    let expected = dom::visible_text(page.as_bytes()).unwrap();
    for memory in (0..2000).step_by(13) {
        for chunk in [1, 64, usize::MAX] {
            let (output, _) = run(with_memory(&every_pass(), memory), page.as_bytes(), chunk);
            assert_eq!(dom::visible_text(&output).unwrap(), expected, "{memory}");
            assert!(output.ends_with(b"</div></div></body></html>"), "{memory}");
        }
    }
}

/// H03
#[test]
fn h03_bytes_of_every_charset_come_out_as_they_went_in() {
    let cyrillic = b"\xCF\xF0\xE8\xE2\xE5\xF2 <a title=\xEC\xE8\xF0>\xEC\xE8\xF0</a>";
    let heads: [(&str, &str); 4] = [
        ("text/html", "<meta charset=windows-1251>"),
        (
            "text/html",
            "<meta http-equiv=content-type content='text/html; charset=windows-1251'>",
        ),
        ("text/html; charset=windows-1251", ""),
        (
            "text/html; charset=\"Windows-1251\"",
            "<meta charset=utf-8>",
        ),
    ];
    for (content_type, meta) in heads {
        let mut page = b"<!doctype html><html><head><title>".to_vec();
        page.extend_from_slice(cyrillic);
        page.extend_from_slice(format!("</title>{meta}{TAG}</head><body>").as_bytes());
        page.extend_from_slice(cyrillic);
        page.extend_from_slice(b"<script>var x='\xCF\xF0\xFF\xFE';</script></body></html>");
        let output = rewrite_with(&every_pass(), &[("content-type", content_type)], &page);
        let added = String::from_utf8_lossy(&output).matches("async").count();
        assert!(added >= 2, "the page is rewritten");
        assert_eq!(without_ascii_additions(&output), page);
    }
}

/// Takes out what every pass adds.
fn without_ascii_additions(output: &[u8]) -> Vec<u8> {
    let mut output = output.to_vec();
    for added in [BEACON, CONNECTION, " async=\"\""] {
        while let Some(at) = find(&output, added.as_bytes()) {
            output.drain(at..at + added.len());
        }
    }
    output
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

/// H03
#[test]
fn h03_an_attribute_that_is_not_ascii_is_not_renamed() {
    let page = b"<!doctype html><html><head><meta charset=windows-1251></head><body><script src=\"https://chat.example/\xEC\xE8\xF0.js\"></script></body></html>";
    let output = rewrite_with(&every_pass(), &[("content-type", "text/html")], page);
    assert!(
        find(
            &output,
            b"<script src=\"https://chat.example/\xEC\xE8\xF0.js\"></script>"
        )
        .is_some()
    );
}

/// H03
#[test]
fn h03_utf16_and_unknown_charsets_pass_untouched() {
    let page = format!("<!doctype html><html><head>{TAG}</head><body></body></html>");
    for charset in ["utf-16", "utf-16le", "iso-2022-jp", "x-no-such-thing"] {
        let content_type = format!("text/html; charset={charset}");
        untouched(&[("content-type", &content_type)], page.as_bytes());
    }
    for bom in [&b"\xFF\xFE"[..], b"\xFE\xFF"] {
        let wide: Vec<u8> = page.bytes().flat_map(|b| [b, 0]).collect();
        untouched(&[], &[bom, &wide].concat());
    }
    let with_bom = [b"\xEF\xBB\xBF", page.as_bytes()].concat();
    let output = rewrite_with(&every_pass(), &[("content-type", "text/html")], &with_bom);
    assert!(output.starts_with(b"\xEF\xBB\xBF<!doctype html>") && output.len() > with_bom.len());
}

/// H03
#[test]
fn h03_no_insertion_pushes_a_late_charset_out_of_sight() {
    // The <meta> ends just within the 1024 bytes that browsers search.
    let start = "<!doctype html><html><head><link rel=stylesheet href=/a.css>";
    let meta = "<meta charset=windows-1251>";
    let filler = format!(
        "<title>{}</title>",
        "x".repeat(1024 - start.len() - meta.len() - 15)
    );
    let page = format!(
        "{start}{filler}{meta}<link rel=stylesheet href=/b.css></head><body></body></html>"
    );
    assert_eq!(page.find(meta).unwrap() + meta.len(), 1024);
    let output = rewrite_with(
        &every_pass(),
        &[("content-type", "text/html")],
        page.as_bytes(),
    );
    let output = String::from_utf8(output).unwrap();
    assert!(output.find(meta).unwrap() + meta.len() <= 1024, "{output}");
    assert!(output.contains("preconnect"), "it comes after the <meta>");
}

/// H04
#[test]
fn h04_a_cut_at_any_byte_changes_nothing() {
    let page = format!(
        "\u{FEFF}<!-- a > b --><!DOCTYPE html>\n<html lang=\"d>e\"><head><meta charset=utf-8><title>Gr\u{f6}\u{df}e &amp; Preis</title>\
         <link rel=stylesheet href=/a.css>{TAG}<script>if (a<b) document.title='</scr'+'ipt>\u{20ac}'; gtag('consent','default')</script>\
         <noscript><img src=/n.png></noscript></head><body><img src='/1.png' alt=\"\u{1F600}\"><svg><image/></svg>\
         <script src=https://chat.example/c.js></script><!--[if IE]><p><![endif]--><p>\u{e4}&euro;</p></body></html>\n"
    );
    let page = page.as_bytes();
    let whole = rewrite_with(&every_pass(), &[], page);
    assert_ne!(whole, page);
    for cut in 0..=page.len() {
        let mut rewriter = Rewriter::new(&every_pass(), facts_with(&[]));
        let mut output = rewriter.write(&page[..cut]);
        output.extend(rewriter.write(&page[cut..]));
        output.extend(rewriter.end());
        assert!(output == whole, "cut at {cut}");
    }
    for chunk in 1..40 {
        let rewriter = Rewriter::new(&every_pass(), facts_with(&[]));
        assert!(run(rewriter, page, chunk).0 == whole, "chunks of {chunk}");
    }
}

/// H16: what the app asks before it sends the head of a response.
#[test]
fn h16_a_page_that_no_pass_changes_is_known_before_its_first_byte() {
    assert!(!Rewriter::new(&Config::off(), facts_with(&[])).active());
    let mut facts = facts_with(&[]);
    facts.rum_token = None;
    assert!(!Rewriter::new(&Config::default(), facts).active());
    assert!(Rewriter::new(&Config::default(), facts_with(&[])).active());
    let mut fragment = Rewriter::new(&Config::default(), facts_with(&[]));
    assert_eq!(fragment.write(b"<div>"), b"<div>");
    assert!(!fragment.active());
}

/// H20
#[test]
fn h20_everything_but_an_unfinished_tag_leaves_at_once() {
    let page = format!(
        "<!doctype html>\n<html lang=en><head><title>T</title>{TAG}</head><body><p>Some text that goes on and on</p><img src=a.png>{}</body></html>",
        "<p>more</p>".repeat(50)
    );
    let mut rewriter = Rewriter::new(&every_pass(), facts_with(&[]));
    let (mut given, mut sent) = (0, 0);
    for byte in page.as_bytes() {
        given += 1;
        sent += rewriter.write(&[*byte]).len();
        let unfinished = given - page[..given].rfind(['<', '>']).unwrap_or(0);
        assert!(
            sent + unfinished.max(16) + 1 >= given,
            "{given} given, {sent} sent"
        );
    }
}

/// H21
#[test]
fn h21_a_huge_attribute_passes_in_bounded_memory() {
    for size in [600_000, 1 << 20, 5 << 20] {
        let uri = format!("data:image/png;base64,{}", "QUJD".repeat(size / 4));
        let page = format!(
            "<!doctype html><html><head>{TAG}</head><body><img src=\"{uri}\"><p>end</p></body></html>"
        );
        let (output, rewriter) = run(
            Rewriter::new(&every_pass(), facts_with(&[])),
            page.as_bytes(),
            16 << 10,
        );
        assert!(output.ends_with(b"<p>end</p></body></html>"));
        assert!(find(&output, &uri.as_bytes()[uri.len() - 100..]).is_some());
        assert_eq!(rewriter.bailed_out().is_some(), size > 1_000_000, "{size}");
    }
}

/// H21
#[test]
fn h21_a_huge_page_streams_without_being_kept() {
    let mut rewriter = Rewriter::new(&every_pass(), facts_with(&[]));
    let mut sent = rewriter
        .write(format!("<!doctype html><html><head>{TAG}</head><body>").as_bytes())
        .len();
    let piece = format!(
        "<p class=a>{}</p>{}\n",
        "text ".repeat(3000),
        "<br>".repeat(20)
    );
    let mut given = 0;
    while given < 50_000_000 {
        given += piece.len();
        sent += rewriter.write(piece.as_bytes()).len();
        assert!(sent >= given, "{} bytes are held back", given - sent);
    }
    assert_eq!(rewriter.bailed_out(), None);
}

/// H21
#[test]
fn h21_deep_nesting_and_many_tags_pass_whole() {
    for (open, close) in [
        ("<div>", "</div>"),
        ("<b><i>", ""),
        ("<svg>", ""),
        ("<template>", ""),
    ] {
        let page = format!(
            "<!doctype html><html><head>{TAG}</head><body>{}x{}<p>end</p></body></html>",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        let (output, _) = run(
            Rewriter::new(&every_pass(), facts_with(&[])),
            page.as_bytes(),
            16 << 10,
        );
        let body = page.find("<body>").unwrap();
        assert!(output.ends_with(&page.as_bytes()[body..]), "{open}");
    }
}
