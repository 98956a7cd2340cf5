//! H14 to H22: what may be changed, and that what is changed stays true.

use std::task::Poll;

use bytes::Bytes;
use vitrine_edge::encoding::{Coding, Decoder};
use vitrine_edge::testing::{Fake, FakeBody, Gate, Step, poll_once, run};

use super::support::{
    COMPRESSES, MARK, PAGE, REWRITES, all, app, coded, decoded, get, html, request, response, visit,
};

#[test]
fn h05_what_a_script_fetches_passes_untouched() {
    for header in [
        ("x-requested-with", "XMLHttpRequest"),
        ("hx-request", "true"),
        ("turbo-frame", "cart"),
        ("sec-fetch-dest", "empty"),
        ("accept", "application/json"),
    ] {
        let fake =
            Fake::with_origin(|| html(&[("content-length", "196"), ("etag", "\"1\"")], PAGE));
        let whole = fake.send(
            &app(COMPRESSES),
            get("/p/7", &[header, ("accept-encoding", "br")]),
        );
        assert_eq!(whole.text(), PAGE, "{header:?}");
        assert_eq!(whole.header("etag"), "\"1\"", "{header:?}");
    }
    let navigation = visit(REWRITES, &[("sec-fetch-dest", "document")], || {
        html(&[], PAGE)
    });
    assert!(navigation.text().contains(MARK));
}

#[test]
fn h14_no_transform_passes_untouched_in_any_case_and_place() {
    for value in [
        "no-transform",
        "public, No-Transform",
        "max-age=1,NO-TRANSFORM , private",
    ] {
        let whole = visit(COMPRESSES, &[("accept-encoding", "br")], move || {
            html(
                &[
                    ("cache-control", value),
                    ("content-length", "5"),
                    ("etag", "\"x\""),
                ],
                PAGE,
            )
        });
        assert_eq!(whole.text(), PAGE, "{value}");
        assert_eq!(whole.header("etag"), "\"x\"");
        assert_eq!(whole.header("cache-control"), value);
        assert!(whole.header("x-vitrine").contains("no-transform"));
    }
    let whole = visit(REWRITES, &[], || html(&[("cache-control", "public")], PAGE));
    assert!(whole.text().contains(MARK));
}

#[test]
fn h15_every_coding_we_read_is_decoded_once_and_written_whole() {
    for coding in [Coding::Gzip, Coding::Brotli, Coding::Deflate] {
        for (accepts, out) in [
            ("br, gzip", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("", Coding::Identity),
        ] {
            for size in [1, 7, 100_000] {
                let whole = visit(COMPRESSES, &[("accept-encoding", accepts)], move || {
                    let body = coded(coding, PAGE.as_bytes());
                    html(
                        &[("content-encoding", coding.token())],
                        FakeBody::in_pieces(&body, size),
                    )
                });
                assert_eq!(whole.broken, None);
                let expected = if out == Coding::Identity {
                    ""
                } else {
                    out.token()
                };
                assert_eq!(whole.header("content-encoding"), expected);
                let page = decoded(out, &whole.body);
                assert!(
                    String::from_utf8(page).unwrap().contains(MARK),
                    "{coding:?} to {out:?}"
                );
                assert!(all(&whole, "vary").contains(&"Accept-Encoding"));
            }
        }
    }
}

#[test]
fn h15_an_empty_body_is_empty_in_every_coding() {
    for label in ["gzip", "br", "deflate"] {
        let whole = visit(REWRITES, &[("accept-encoding", "gzip, br")], move || {
            html(&[("content-encoding", label)], "")
        });
        assert_eq!(whole.broken, None, "{label}");
        assert_eq!(whole.status, 200);
    }
}

#[test]
fn h15_unknown_doubled_and_mislabelled_codings_pass_untouched() {
    let twice = coded(Coding::Gzip, &coded(Coding::Gzip, PAGE.as_bytes()));
    for (label, body) in [
        ("zstd", b"\x28\xb5\x2f\xfd whatever".to_vec()),
        ("aws-chunked", PAGE.into()),
        ("gzip, gzip", twice.clone()),
        ("gzip", twice),
        ("gzip", PAGE.into()),
        ("br", PAGE.into()),
        ("deflate", PAGE.into()),
        ("gzip", coded(Coding::Brotli, PAGE.as_bytes())),
    ] {
        let sent = body.clone();
        let whole = visit(REWRITES, &[("accept-encoding", "gzip, br")], move || {
            html(
                &[("content-encoding", label), ("etag", "\"e\"")],
                FakeBody::in_pieces(&sent, 40),
            )
        });
        assert_eq!(whole.broken, None, "{label}");
        assert!(whole.body == body, "{label}");
        assert_eq!(whole.header("content-encoding"), label);
        assert_eq!(whole.header("etag"), "\"e\"", "{label}");
    }
}

#[test]
fn h15_the_origin_is_asked_only_for_codings_that_we_and_the_visitor_read() {
    for (visitor, asked) in [
        ("gzip, deflate, br, zstd", "br, gzip"),
        ("gzip;q=1, br;q=0", "gzip"),
        ("zstd", "identity"),
        ("", "identity"),
    ] {
        let fake = Fake::with_origin(|| html(&[], PAGE));
        fake.send(&app(REWRITES), get("/", &[("accept-encoding", visitor)]));
        assert_eq!(
            fake.seen()[0].headers["accept-encoding"],
            asked,
            "{visitor}"
        );
    }
}

#[test]
fn h16_a_changed_body_keeps_no_header_that_is_not_true_of_it() {
    let headers = [
        ("content-length", "137"),
        ("content-md5", "abc"),
        ("digest", "sha-256=abc"),
        ("repr-digest", "sha-256=:abc:"),
        ("content-digest", "sha-256=:abc:"),
        ("accept-ranges", "bytes"),
        ("etag", "\"strong\""),
    ];
    let whole = visit(REWRITES, &[], move || html(&headers, PAGE));
    for gone in &headers[..6] {
        assert_eq!(whole.header(gone.0), "", "{}", gone.0);
    }
    assert_eq!(whole.header("etag"), "W/\"strong\"");
    let weak = visit(REWRITES, &[], || html(&[("etag", "W/\"already\"")], PAGE));
    assert_eq!(weak.header("etag"), "W/\"already\"");
}

#[test]
fn h16_a_body_that_nothing_changes_keeps_all_its_headers() {
    let headers = [
        ("content-length", "137"),
        ("content-md5", "abc"),
        ("repr-digest", "sha-256=:abc:"),
        ("accept-ranges", "bytes"),
        ("etag", "\"strong\""),
    ];
    let policy =
        r#"{"compression":{"enabled":false},"rum":{"enabled":false},"holdback":{"percent":0}}"#;
    let whole = visit(policy, &[], move || html(&headers, PAGE));
    assert_eq!(whole.text(), PAGE);
    for (name, value) in headers {
        assert_eq!(whole.header(name), value);
    }
}

#[test]
fn h17_conditions_and_ranges_are_not_forwarded_for_a_page() {
    let conditions = [
        ("if-none-match", "W/\"1\""),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("range", "bytes=0-10"),
        ("if-range", "\"1\""),
        ("accept", "text/html"),
    ];
    let fake = Fake::with_origin(|| html(&[("etag", "\"1\"")], PAGE));
    let whole = fake.send(&app(REWRITES), get("/", &conditions));
    assert_eq!(whole.status, 200);
    for (name, _) in &conditions[..4] {
        assert!(!fake.seen()[0].headers.contains_key(*name), "{name}");
    }
    let off = Fake::with_origin(|| response(304, &[("etag", "\"1\"")], ""));
    let whole = off.send(&app(r#"{"enabled":false}"#), get("/", &conditions));
    assert_eq!(whole.status, 304);
    for (name, value) in conditions {
        assert_eq!(off.seen()[0].headers[name], value);
    }
}

#[test]
fn h17_a_304_or_206_that_comes_all_the_same_never_enters_the_rewriter() {
    for status in [304, 206] {
        let whole = visit(REWRITES, &[], move || {
            response(status, &[("content-type", "text/html")], "<html><head>")
        });
        assert_eq!(whole.status, status);
        assert_eq!(whole.text(), "<html><head>");
    }
}

#[test]
fn h18_headers_that_come_several_times_stay_several_and_in_order() {
    let several = [
        ("set-cookie", "a=1; Path=/"),
        ("set-cookie", "b=2; HttpOnly"),
        ("set-cookie", "a=3"),
        ("link", "</a.css>; rel=preload"),
        ("link", "</b.css>; rel=preload"),
        ("vary", "Cookie"),
        ("vary", "X-Country"),
        ("server-timing", "db;dur=5"),
        ("content-security-policy", "default-src *"),
        ("content-security-policy", "img-src *"),
    ];
    for policy in [REWRITES, COMPRESSES, r#"{"enabled":false}"#] {
        let whole = visit(policy, &[("accept-encoding", "gzip")], move || {
            html(&several, PAGE)
        });
        for name in [
            "set-cookie",
            "link",
            "vary",
            "server-timing",
            "content-security-policy",
        ] {
            let sent: Vec<_> = several
                .iter()
                .filter(|(n, _)| *n == name)
                .map(|(_, v)| *v)
                .collect();
            let got = all(&whole, name);
            assert_eq!(got[..sent.len()], sent[..], "{name}");
        }
    }
}

#[test]
fn h19_what_is_not_a_whole_page_passes_untouched() {
    for (status, headers) in [
        (204, vec![]),
        (205, vec![]),
        (301, vec![("location", "/x"), ("content-type", "text/html")]),
        (304, vec![("etag", "\"1\"")]),
        (404, vec![("content-type", "text/html")]),
        (500, vec![("content-type", "text/html"), ("etag", "\"5\"")]),
        (
            200,
            vec![
                ("content-type", "text/html"),
                ("content-disposition", "attachment; filename=x.html"),
            ],
        ),
        (200, vec![("content-type", "text/event-stream")]),
        (200, vec![("content-type", "application/grpc")]),
        (200, vec![("content-type", "application/xhtml+xml")]),
        (200, vec![]),
    ] {
        let body = if matches!(status, 204 | 205 | 304) {
            ""
        } else {
            PAGE
        };
        let sent = headers.clone();
        let whole = visit(COMPRESSES, &[("accept-encoding", "br")], move || {
            response(status, &sent, body)
        });
        assert_eq!(whole.status, status);
        assert_eq!(whole.text(), body, "{status} {headers:?}");
        for (name, value) in headers {
            assert_eq!(whole.header(name), value, "{status}");
        }
    }
}

#[test]
fn h19_head_answers_with_the_headers_of_get_and_no_body() {
    let origin = || html(&[("content-length", "137"), ("etag", "\"1\"")], PAGE);
    let accept = [("accept", "text/html"), ("accept-encoding", "br")];
    let got = Fake::with_origin(origin).send(&app(COMPRESSES), get("/", &accept));
    let head = Fake::with_origin(move || origin().map(|_| FakeBody::default()))
        .send(&app(COMPRESSES), request("HEAD", "/", &accept));
    assert!(head.body.is_empty());
    for (name, value) in &got.headers {
        if name != "server-timing" {
            assert_eq!(head.headers.get(name), Some(value), "{name}");
        }
    }
    assert_eq!(head.headers.len(), got.headers.len());
}

/// An origin that sends a head with style sheets, and then nothing for a while.
fn slow_page(gate: &Gate) -> FakeBody {
    let piece = |text: &'static str| Step::Piece(Bytes::from_static(text.as_bytes()));
    FakeBody::of([
        piece("<!doctype html><html><head><link rel=stylesheet href=/a.css></head><body>"),
        piece("<h1>Shoe</h1>"),
        Step::Wait(gate.clone()),
        piece("<p>and the rest</p></body></html>"),
    ])
}

#[test]
fn h20_what_the_origin_flushed_leaves_before_the_origin_goes_on() {
    for (accepts, out) in [
        ("br", Coding::Brotli),
        ("gzip", Coding::Gzip),
        ("", Coding::Identity),
    ] {
        let gate = Gate::default();
        let held = gate.clone();
        let fake = Fake::with_origin(move || html(&[], slow_page(&held)));
        let request = get(
            "/",
            &[("accept", "text/html"), ("accept-encoding", accepts)],
        );
        let mut answer = fake.begin(&app(COMPRESSES), request);
        let mut decoder = Decoder::new(out);
        let mut seen = Vec::new();
        // Everything that can be had while the origin is silent.
        loop {
            let mut next = std::pin::pin!(answer.body_mut().chunk());
            match poll_once(&mut next) {
                Poll::Ready(piece) => seen.extend(decoder.write(&piece.unwrap().unwrap()).unwrap()),
                Poll::Pending => break,
            }
        }
        let seen = String::from_utf8(seen).unwrap();
        assert!(
            seen.contains("/a.css") && seen.contains("<h1>Shoe</h1>"),
            "{accepts}: {seen}"
        );
        assert!(!seen.contains("and the rest"));
        gate.open();
        let mut rest = Vec::new();
        while let Some(piece) = run(answer.body_mut().chunk()).unwrap() {
            rest.extend(decoder.write(&piece).unwrap());
        }
        rest.extend(decoder.finish().unwrap());
        assert!(
            String::from_utf8(rest)
                .unwrap()
                .ends_with("and the rest</p></body></html>")
        );
    }
}

#[test]
fn h20_a_host_that_shows_no_pauses_gets_every_piece_flushed() {
    let gate = Gate::default();
    let held = gate.clone();
    let fake = Fake::with_origin(move || html(&[], slow_page(&held)));
    fake.set_capabilities(|c| c.pauses_visible = false);
    let request = get("/", &[("accept", "text/html"), ("accept-encoding", "br")]);
    let mut answer = fake.begin(&app(COMPRESSES), request);
    let mut decoder = Decoder::new(Coding::Brotli);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let piece = run(answer.body_mut().chunk()).unwrap().unwrap();
        seen.extend(decoder.write(&piece).unwrap());
    }
    assert!(String::from_utf8(seen).unwrap().ends_with("<h1>Shoe</h1>"));
}

#[test]
fn h20_small_pieces_that_come_at_once_are_not_each_flushed() {
    let page = format!(
        "<!doctype html><html><head></head><body>{}</body></html>",
        "<p>shoe</p>".repeat(3000)
    );
    let lone = visit(COMPRESSES, &[("accept-encoding", "br")], {
        let page = page.clone();
        move || html(&[], page.clone())
    });
    let pieces = visit(COMPRESSES, &[("accept-encoding", "br")], {
        let page = page.clone();
        move || html(&[], FakeBody::in_pieces(page.as_bytes(), 64))
    });
    assert!(
        pieces.body.len() < lone.body.len() + 400,
        "{} against {}",
        pieces.body.len(),
        lone.body.len()
    );
}

#[test]
fn h21_a_page_of_10_mb_streams_through_without_being_kept() {
    let filler = Bytes::from("<p>shoe</p>".repeat(6_000));
    let pieces = (10 << 20) / filler.len();
    let mut steps = vec![Step::Piece(Bytes::from_static(
        b"<!doctype html><html><head></head><body>",
    ))];
    steps.extend(std::iter::repeat_n(Step::Piece(filler.clone()), pieces));
    let fake = Fake::with_origin(move || html(&[], FakeBody::of(steps.clone())));
    let mut answer = fake.begin(&app(REWRITES), get("/", &[("accept", "text/html")]));
    let (mut total, mut largest) = (0, 0);
    while let Some(piece) = run(answer.body_mut().chunk()).unwrap() {
        total += piece.len();
        largest = largest.max(piece.len());
    }
    assert!(total > pieces * filler.len());
    assert!(
        largest < 2 * filler.len(),
        "a piece of {largest} bytes was held together"
    );
}

#[test]
fn h22_a_page_without_a_length_is_rewritten_like_any_other() {
    let without = visit(REWRITES, &[], || {
        html(&[], FakeBody::in_pieces(PAGE.as_bytes(), 10))
    });
    let with = visit(REWRITES, &[], || html(&[("content-length", "137")], PAGE));
    let chunked = visit(REWRITES, &[], || {
        html(&[("transfer-encoding", "chunked")], PAGE)
    });
    assert!(without.text().contains(MARK));
    assert_eq!(without.body, with.body);
    assert_eq!(without.body, chunked.body);
    assert_eq!(chunked.header("transfer-encoding"), "");
}

#[test]
fn a_body_that_breaks_off_is_never_given_a_proper_end() {
    for policy in [REWRITES, COMPRESSES, r#"{"enabled":false}"#] {
        let whole = visit(policy, &[("accept-encoding", "br")], || {
            html(
                &[],
                FakeBody::of([
                    Step::Piece(Bytes::from_static(b"<!doctype html><html><head>")),
                    Step::Break,
                ]),
            )
        });
        assert!(whole.broken.is_some(), "{policy}");
    }
}

#[test]
fn a_visitor_who_leaves_is_written_down_once() {
    let fake = Fake::with_origin(|| html(&[], FakeBody::in_pieces(PAGE.as_bytes(), 10)));
    let mut answer = fake.begin(&app(REWRITES), get("/", &[("accept", "text/html")]));
    run(answer.body_mut().chunk()).unwrap();
    drop(answer);
    assert_eq!(fake.lines().len(), 1);
    assert!(
        fake.lines()[0].contains("the visitor left"),
        "{}",
        fake.lines()[0]
    );
}
