use std::io::Read as _;

use super::*;

fn get(path: &str, headers: &[(HeaderName, &str)]) -> Response<Bytes> {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().unwrap()))
        .collect();
    serve(&Method::GET, path, &headers)
}

fn header<'a>(response: &'a Response<Bytes>, name: &HeaderName) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[test]
fn a_path_is_a_script_only_if_it_names_one() {
    for path in [
        "/_v/rum/",
        "/_v/rum/x.js",
        "/_v/rum/0123456789abcdef",
        "/_v/rum/0123456789abcdeg.js",
    ] {
        assert_eq!(get(path, &[]).status(), StatusCode::NOT_FOUND, "{path}");
    }
    let posted = serve(&Method::POST, PATH, &HeaderMap::new());
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(header(&posted, &ALLOW), "GET, HEAD");
}

#[test]
fn a_build_without_a_script_says_so_and_how_to_get_one() {
    let response = get(PATH, &[]);
    if BODY.is_some() {
        assert_eq!(response.status(), StatusCode::OK);
    } else {
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            std::str::from_utf8(response.body())
                .unwrap()
                .contains("cargo xtask build")
        );
    }
}

#[test]
fn the_script_is_cached_for_ever_under_its_own_name_and_briefly_under_an_earlier_one() {
    let Some(body) = BODY else { return };
    let response = get(PATH, &[]);
    assert_eq!(response.body(), body);
    assert_eq!(header(&response, &CACHE_CONTROL), FOR_EVER);
    assert_eq!(
        header(&response, &CONTENT_TYPE),
        "text/javascript; charset=utf-8"
    );
    let earlier = get("/_v/rum/0123456789abcdef.js", &[]);
    assert_eq!(earlier.body(), body);
    assert_eq!(header(&earlier, &CACHE_CONTROL), FOR_NOW);
    let etag = header(&response, &ETAG).to_owned();
    let again = get(PATH, &[(IF_NONE_MATCH, &etag)]);
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(again.body().is_empty());
}

#[test]
fn the_compressed_forms_are_the_script() {
    let Some(body) = BODY else { return };
    let brotli = get(PATH, &[(ACCEPT_ENCODING, "gzip, deflate, br, zstd")]);
    assert_eq!(header(&brotli, &CONTENT_ENCODING), "br");
    let mut text = Vec::new();
    brotli::Decompressor::new(&brotli.body()[..], 4_096)
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(text, body);
    let gzip = get(PATH, &[(ACCEPT_ENCODING, "gzip, br;q=0")]);
    assert_eq!(header(&gzip, &CONTENT_ENCODING), "gzip");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&gzip.body()[..])
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(text, body);
    assert_eq!(header(&get(PATH, &[]), &CONTENT_ENCODING), "");
}

/// The budget is 4,500 bytes; hazard 102 allows 6 KB.
#[test]
fn h102_the_script_fits_its_budget_and_listens_to_nothing_that_costs_the_bfcache() {
    let (Some(body), Some(brotli)) = (BODY, BROTLI) else {
        return;
    };
    assert!(brotli.len() <= 4_500, "{} bytes in brotli", brotli.len());
    let text = std::str::from_utf8(body).unwrap();
    for never in [
        "unload",
        "localStorage",
        "sessionStorage",
        "indexedDB",
        "document.cookie",
        "cookieStore",
    ] {
        let found = text.replace("beforeunload", "unload").contains(never);
        assert!(!found, "{never}");
    }
    for always in [
        "pagehide",
        "visibilitychange",
        "globalPrivacyControl",
        "prerenderingchange",
        "currentScript",
    ] {
        assert!(text.contains(always), "{always}");
    }
}
