//! The markup: what a browser makes of the page before and after.

use super::dom::{Node, nodes, nodes_without};
use super::*;

fn is_beacon(node: &Node) -> bool {
    node.is_element("script") && node.attribute("data-k").is_some()
}

/// Whether the page before and after is the same to a browser, but for the beacon; and the beacon is in.
#[track_caller]
fn same_dom_with_beacon(page: &str) {
    let output = rewrite_with(&beacon_only(), &[], page.as_bytes());
    let beacons = nodes(&output)
        .unwrap()
        .iter()
        .filter(|n| is_beacon(n))
        .count();
    assert_eq!(beacons, 1, "{}", String::from_utf8_lossy(&output));
    assert_eq!(
        nodes_without(&output, is_beacon).unwrap(),
        nodes_without(page.as_bytes(), |_| false).unwrap(),
        "{}",
        String::from_utf8_lossy(&output)
    );
}

/// H05
#[test]
fn h05_fragments_are_byte_identical() {
    let tag = "<script src=\"https://tags.example/1.js\"></script><img src=x.png>";
    for fragment in [
        format!("<div>{tag}</div>"),
        format!("  \n<turbo-stream action=\"append\"><template>{tag}</template></turbo-stream>"),
        format!("<!-- section --><section id=\"shopify-section\">{tag}</section>"),
        format!("<tr><td>{tag}</td></tr>"),
        format!("text {tag}"),
        format!("<title>oob</title>{tag}"),
        tag.to_owned(),
        "{\"html\":\"<html>\"}".to_owned(),
        String::new(),
        " ".to_owned(),
        "<".to_owned(),
        "<!-".to_owned(),
        "<!doctype html>".to_owned(),
    ] {
        untouched(&[], fragment.as_bytes());
    }
}

/// H06
#[test]
fn h06_a_document_with_implied_or_doubled_parts_gets_one_insertion_and_no_other_change() {
    for page in [
        "<!doctype html><html><head><title>T</title></head><body><p>x</body></html>",
        "<!doctype html><title>T</title><p>x",
        "<!doctype html><meta charset=utf-8><link rel=icon href=x><p>x</p>",
        "<!doctype html><html><p>x</p></html>",
        "<html><title>T</title>text<p>x</p>",
        "<html><head><title>T</title><body><p>x",
        "<html><head><title>T</title></head><p>x</p></html>",
        "<html><head></head><head></head><body><head></head><p>x</body></html>",
        "<html><head><title>T</title></head><body>x</body></html><!-- end --><p>after</p>",
        "<html><body><p>x</p></body><html lang=de><body class=b><p>y",
        "<html><head><title>T</title><x-app></x-app></head><body>x</body></html>",
        "<html><head><title>T</title><table><tr><td>x</table>",
        "<html><head><title>T</title><select><option>x</select>",
        "<html><head><title>T</title><svg><title>s</title></svg><p>x",
        "<html><head><title>T</title><p>one</head><p>two",
        "<head><title>T</title></head><body><p>x",
        "<body><p>x",
        "<html><frameset><frame src=a></frameset></html>",
        "<!doctype html><html><head></head>\n</html>",
        "<html><head><noscript><p></noscript><style></head></style></head><body>x",
        "<html><head><script>'</head><body>'</script></head><body>x",
        "<html><head><!-- </head><body> --><title></head></title></head><body>x",
        "<html><head><template><body><p></template></head><body>x",
    ] {
        same_dom_with_beacon(page);
    }
}

/// H06
#[test]
fn h06_without_a_safe_place_nothing_is_inserted() {
    for page in [
        "<!doctype html><html><head><title>T</title><script>open",
        "<!doctype html><html><head><!-- open",
        "<!doctype html><html><head><template><p>x</head><body>x</body></html>",
        "<!doctype html><html><head><title>T</ti",
    ] {
        let output = rewrite_with(&beacon_only(), &[], page.as_bytes());
        let found = nodes(&output)
            .unwrap()
            .iter()
            .filter(|n| is_beacon(n))
            .count();
        assert_eq!(found, 0, "{page}");
        assert_eq!(output, page.as_bytes());
    }
}

/// H07
#[test]
fn h07_tags_comments_and_white_space_that_no_pass_changes_are_kept_to_the_byte() {
    let body = "<body  class = 'a\"b'   DATA-x=1\n>\r\n<!--[if lt IE 9]><script src=x></script><![endif]--><!--$--><!--[--><p  >a</P ><!--]--><!--/$-->\
                <![if !IE]><Br/><![endif]><a href=a&b=c>\t</a><?php echo 1 ?><input disabled   value=\"&quot;\"></body>\n</html>\n";
    let page = format!(
        "<!DOCTYPE html SYSTEM 'about:legacy-compat'>\n<HTML  LANG=en ><head\t></head>{body}"
    );
    let output = rewrite(&page);
    assert!(output.ends_with(body), "{output}");
    assert_eq!(output.replace(BEACON, "").replace(CONNECTION, ""), page);
}

/// H08
#[test]
fn h08_nothing_is_changed_or_counted_where_a_browser_does_not_act() {
    let tag = "<script src=\"https://tags.example/1.js\"></script><img src=\"/x.png\"><link rel=preload href=x>";
    for (open, close) in [
        ("<noscript>", "</noscript>"),
        ("<template>", "</template>"),
        (
            "<div><template shadowrootmode=open><style></style>",
            "</template></div>",
        ),
        ("<template><template></template>", "</template>"),
        ("<template><div>", "</template>"),
        ("<svg><desc>", "</desc></svg>"),
        ("<svg><foreignObject><div>", "</div></foreignObject></svg>"),
        (
            "<math><annotation-xml encoding='text/html'>",
            "</annotation-xml></math>",
        ),
        ("<textarea>", "</textarea>"),
        ("<title>", "</title>"),
        ("<style>", "</style>"),
        ("<xmp>", "</xmp>"),
        ("<iframe srcdoc=\"<img src=x>\">", "</iframe>"),
        ("<noembed>", "</noembed>"),
        ("<!--", "-->"),
        ("<script type=text/template>", "<\\/script></script>"),
    ] {
        // Within a script element, the first end tag ends it.
        let inner = if open.contains("text/template") {
            "<img src=\"/x.png\">"
        } else {
            tag
        };
        let inert = format!("{open}{inner}{close}");
        let page = format!(
            "<!doctype html><html><head></head><body>{inert}<img src=\"/y.png\"></body></html>"
        );
        let rewriter = Rewriter::new(&every_pass(), facts_with(&[]));
        let (output, rewriter) = run(rewriter, page.as_bytes(), usize::MAX);
        let output = String::from_utf8(output).unwrap();
        assert!(output.contains(&inert), "{output}");
        assert_eq!(
            outcome_of(&rewriter, "third_party_scripts"),
            "applied 0",
            "{open}"
        );
        assert_eq!(outcome_of(&rewriter, "size_images"), "applied 1", "{open}");
    }
}

/// H09
#[test]
fn h09_addresses_are_read_against_the_base_and_ours_do_not_depend_on_it() {
    let page = "<!doctype html><html><head><base href=\"https://static.example/v7/\"><base href=\"https://other.example/\">\
                <script src=\"a.js\"></script><script src=\"https://shop.example/own.js\"></script></head><body></body></html>";
    let output = rewrite(page);
    assert!(
        output.contains("<script src=\"a.js\" async=\"\">"),
        "static.example is a third party: {output}"
    );
    assert!(output.contains("<script src=\"https://shop.example/own.js\"></script>"));
    assert!(
        output.contains("<script src=\"https://shop.example/_v/rum/0123456789abcdef.js\" async")
    );
    let output = rewrite(&page.replace("https://static.example/v7/", "/de/"));
    assert!(
        output.contains("<script src=\"a.js\"></script>"),
        "a.js is the shop's own: {output}"
    );
    assert!(output.contains("<script src=\"/_v/rum/0123456789abcdef.js\" async"));
}

/// H10
#[test]
fn h10_amp_xhtml_and_xml_pass_untouched() {
    let body = "<head><script src=\"https://tags.example/1.js\"></script></head><body><img src=x></body></html>";
    for html in [
        "<!doctype html><html \u{26A1}>",
        "<!doctype html><html lang=en \u{26A1}\u{FE0F} dir=ltr>",
        "<!doctype html>\n<!-- c --><html amp lang=en>",
        "<html AMP=\"\">",
        "<html \u{26A1}4email data-css-strict>",
        "<html amp4ads>",
    ] {
        untouched(&[], format!("{html}{body}").as_bytes());
    }
    untouched(
        &[("content-type", "application/xhtml+xml")],
        format!("<html>{body}").as_bytes(),
    );
    untouched(
        &[("content-type", "application/rss+xml")],
        b"<?xml version=\"1.0\"?><rss/>",
    );
    untouched(
        &[],
        b"<?xml version=\"1.0\"?><rss version=\"2.0\"><channel/></rss>",
    );
    untouched(
        &[],
        b"<?xml version=\"1.0\"?><!DOCTYPE svg><svg><image/></svg>",
    );
    untouched(
        &[("content-type", "text/x-component")],
        format!("<html>{body}").as_bytes(),
    );
    // Not AMP: a word that only begins so.
    assert_ne!(
        rewrite(&format!("<html amplitude>{body}")),
        format!("<html amplitude>{body}")
    );
}

/// H11
#[test]
fn h11_of_duplicate_attributes_the_first_is_the_truth_and_stays() {
    let page = "<!doctype html><html><head><script src=\"/own.js\" src=\"https://tags.example/1.js\"></script>\
                <script src=\"https://tags.example/2.js\" src=\"/own.js\" type=\"text/javascript\" type=module></script>\
                <script src=\"https://chat.example/3.js\" src=\"/own.js\"></script></head>\
                <body><img src=a.png width=1 width=2></body></html>";
    let output = rewrite(page);
    assert!(output.contains("<script src=\"/own.js\" src=\"https://tags.example/1.js\"></script>"));
    assert!(output.contains("<script src=\"https://tags.example/2.js\" src=\"/own.js\" type=\"text/javascript\" type=module async=\"\">"));
    assert!(
        output.contains("<script src=\"https://chat.example/3.js\" src=\"/own.js\"></script>"),
        "not renamed: {output}"
    );
    let scripts = |html: &str| -> Vec<Option<String>> {
        let all = nodes(html.as_bytes()).unwrap();
        let scripts = all
            .iter()
            .filter(|n| n.is_element("script") && !is_beacon(n));
        scripts
            .map(|n| n.attribute("src").map(str::to_owned))
            .collect()
    };
    assert_eq!(scripts(&output), scripts(page));
}

/// H12
#[test]
fn h12_values_with_both_quotes_and_references_read_the_same_after_the_change() {
    for value in [
        r#"src='https://chat.example/c?a="b"&amp;c=%27&lt;'"#,
        r#"src="https://chat.example/c?a='b'&amp;amp;c&quot;d""#,
        r"src=https://chat.example/c?a=1&b=2&copy=3",
        r#"src="https://chat.example/c?&#x22;&#39;&notit;&""#,
    ] {
        let page = format!(
            "<!doctype html><html><head></head><body><script {value} onload='a(\"x\")' data-y=\"it's\" type='text/javascript'></script></body></html>"
        );
        let output = rewrite(&page);
        let before = nodes(page.as_bytes()).unwrap();
        let before = before.iter().find(|n| n.is_element("script")).unwrap();
        let after = nodes(output.as_bytes()).unwrap();
        let after = after
            .iter()
            .find(|n| n.attribute("data-v-src").is_some())
            .expect("it waits");
        assert_eq!(
            after.attribute("data-v-src"),
            before.attribute("src"),
            "{output}"
        );
        assert_eq!(after.attribute("data-v-type"), before.attribute("type"));
        for kept in ["onload", "data-y"] {
            assert_eq!(after.attribute(kept), before.attribute(kept), "{output}");
        }
    }
}

/// H13
#[test]
fn h13_scripts_that_hide_their_end_are_read_as_a_browser_reads_them() {
    let tag = "<script src=\"https://tags.example/1.js\"></script>";
    for hidden in [
        format!(
            "<script><!-- <script> {} </script> --></script>",
            "<img src=x>"
        ),
        "<script>var s = '<img src=x><\\/script>';</script>".to_owned(),
        "<script>/* <!-- */ var a = '<img src=x>';</script>".to_owned(),
        "<style>/* </styl <img src=x> */</style>".to_owned(),
    ] {
        let page = format!("<!doctype html><html><head></head><body>{hidden}{tag}</body></html>");
        let output = rewrite(&page);
        assert!(output.contains(&hidden), "{output}");
        assert!(output.contains("1.js\" async"), "{output}");
    }
    let plaintext = format!(
        "<!doctype html><html><head></head><body><plaintext>{tag}<img src=x></plaintext></body></html>"
    );
    assert!(rewrite(&plaintext).ends_with(&plaintext[plaintext.find("<plaintext>").unwrap()..]));
}

/// H23
#[test]
fn h23_text_that_looks_like_our_markers_or_esi_is_only_text() {
    let body = "<body><p>data-v-src data-v-idle &lt;esi:include&gt;</p><esi:include src=\"/secret\"/><!--esi <p>x</p> --><!-- data-v-src --><a data-v-src=x data-k=y>a</a></body></html>";
    let page = format!("<!doctype html><html><head></head>{body}");
    assert!(rewrite(&page).ends_with(body));
    // A script that claims to be the beacon, from elsewhere, does not keep ours out.
    let fake = "<!doctype html><html><head><script src=\"https://evil.example/_v/rum/x.js\" data-k=\"1\"></script></head><body></body></html>";
    assert!(rewrite(fake).contains(BEACON));
}

/// H24
#[test]
fn h24_data_within_scripts_is_never_rewritten() {
    for data in [
        "<script>self.__next_f.push([1,\"2c:T4a,<img src=\\\"/x.png\\\"><script src=https://a.example>\\u003c/script>\"])</script>",
        "<script type=\"text/x-magento-init\">{\"*\":{\"a\":\"<img src=x>\"}}</script>",
        "<script type=\"application/json\" id=\"__NUXT_DATA__\">[\"<img src=x>\"]</script>",
        "<script type=\"application/ld+json\">{\"image\":\"https://shop.example/x.png\"}</script>",
        "<script>window.__remixContext = {\"a\":\"<link rel=preload>\"};\u{fffd}\u{0}</script>",
    ] {
        let page = format!("<!doctype html><html><head></head><body>{data}<p>x</p></body></html>");
        let output = rewrite(&page);
        assert!(output.contains(data), "{output}");
    }
    untouched(
        &[("content-type", "text/x-component")],
        b"0:[\"$\",\"html\",null]",
    );
    // Bytes that are not valid in the page's encoding survive in scripts that a pass reads.
    let mut page = b"<!doctype html><html><head></head><body><script>var a='\xFF\xC3\x28\xED\xA0\x80';gtag('consent','default')</script><p>\xFF</p></body></html>".to_vec();
    let output = rewrite_with(&every_pass(), &[], &page);
    let tail = page.split_off(page.windows(6).position(|w| w == b"<body>").unwrap());
    assert!(output.ends_with(&tail));
}

/// H65
#[test]
fn h65_images_of_a_lazy_loader_are_not_sized() {
    for image in [
        "<img data-src=a.png>",
        "<img data-srcset='a.png 1x' src=x.gif>",
        "<img class='x lazyload' src=x.gif>",
        "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
        "<img class=lozad src=a.png>",
    ] {
        let page = format!("<!doctype html><html><head></head><body>{image}</body></html>");
        assert!(rewrite(&page).contains(image), "{image}");
    }
}

/// H67
#[test]
fn h67_an_image_is_sized_only_by_a_rule() {
    let page = "<!doctype html><html><head></head><body><img src=a.png></body></html>";
    let output = rewrite_with(&Config::default(), &[], page.as_bytes());
    assert!(
        String::from_utf8(output)
            .unwrap()
            .ends_with("<body><img src=a.png></body></html>")
    );
    assert!(rewrite(page).contains("<img src=a.png width=\"6\" height=\"8\">"));
}

/// H107
#[test]
fn h107_with_everything_off_the_body_is_byte_identical() {
    let page = "<!doctype html><html><head><script src=\"https://tags.example/1.js\"></script></head><body><img src=x></body></html>";
    let output = rewrite_with(&Config::off(), &[], page.as_bytes());
    assert_eq!(output, page.as_bytes());
}

/// H109
#[test]
fn h109_an_edge_behind_an_edge_changes_nothing() {
    for page in [
        "<!doctype html><html><head><meta charset=utf-8><link rel=stylesheet href=/a.css><script src=\"https://tags.example/1.js\"></script></head><body><img src=x><script src=\"https://chat.example/c.js\"></script></body></html>",
        "<!doctype html><title>T</title><p>x<script src=\"https://chat.example/c.js\">fallback()</script>",
        "<html><head><base href=\"https://static.example/\"><title>T</title></head><body></body></html>",
    ] {
        let once = rewrite(page);
        assert_ne!(once, page);
        assert_eq!(rewrite(&once), once);
    }
}
