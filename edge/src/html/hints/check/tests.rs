use super::*;

fn problems(text: &str) -> Vec<String> {
    let problems = HintsFile::read(text.as_bytes()).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

/// A file of one group with these entries.
fn group(entries: &str) -> String {
    format!(
        r#"{{"version":1,"templates":[{{"template":"product","groups":[{{"viewport":"phone","views":100,{entries}}}]}}]}}"#
    )
}

#[test]
fn a_whole_file_is_read_as_it_is_written() {
    let file = HintsFile::read(
        group(
            r#""images":[{"selector":"main .gallery img","ordinal":1,"seen":100,"lcp":0,"below_fold":60,"hidden":40}],
            "origins":[{"origin":"https://cdn.example","before_lcp":100},{"origin":"https://cdn.example","cors":true,"before_lcp":3}],
            "resources":[
                {"url":"/fonts/a.woff2?v=2","kind":"font","type":"font/woff2","late":100},
                {"url":"https://cdn.example/a.css","kind":"style","crossorigin":"anonymous","integrity":"sha384-AAAA sha512-BBBB","late":1}
            ]"#,
        )
        .as_bytes(),
    )
    .unwrap();
    let group = &file.templates[0].groups[0];
    assert_eq!(
        (
            group.images.len(),
            group.origins.len(),
            group.resources.len()
        ),
        (1, 2, 2)
    );
}

#[test]
fn what_is_no_such_file_is_told_with_its_line_and_column() {
    assert_eq!(
        problems("{\n \"version\": 1,\n \"templates\": [}"),
        ["3:16: expected value"]
    );
    let wide = group("\"images\":[]").replace("phone", "wide");
    let told = problems(&wide);
    assert!(
        told[0].contains("unknown variant `wide`, expected one of `phone`, `tablet`, `desktop`"),
        "{told:?}"
    );
    assert!(told[0].starts_with("1:"), "{told:?}");
    let told = problems(&group("\"pictures\":[]"));
    assert!(told[0].contains("unknown field `pictures`"), "{told:?}");
    assert_eq!(
        problems(r#"{"version":2,"pages":[]}"#),
        ["version: version 2 is not known; expected 1"]
    );
    assert_eq!(problems("[1]").len(), 1);
    assert!(problems(&" ".repeat(MAX_FILE + 1))[0].contains("expected at most 1048576"));
}

#[test]
fn every_mistake_is_told_with_its_entry_and_what_was_expected() {
    let place = "templates[0].groups[0]";
    for (entries, at, said) in [
        (
            r#""images":[{"selector":"img:hover(","seen":1}]"#,
            "images[0].selector",
            "cannot be matched while a page streams",
        ),
        (
            r#""images":[{"selector":"img:nth-last-child(1)","seen":1}]"#,
            "images[0].selector",
            "cannot be matched while a page streams",
        ),
        (
            r#""images":[{"selector":"img","seen":101}]"#,
            "images[0].seen",
            "101; expected at most views, 100",
        ),
        (
            r#""images":[{"selector":"img","seen":90,"lcp":91}]"#,
            "images[0].lcp",
            "91; expected at most seen, 90",
        ),
        (
            r#""images":[{"selector":"img","seen":90,"below_fold":60,"hidden":31}]"#,
            "images[0]",
            "91 together",
        ),
        (
            r#""images":[{"selector":"img","seen":9},{"selector":"img","seen":8}]"#,
            "images[1]",
            "the same as an entry before",
        ),
        (
            r#""origins":[{"origin":"https://cdn.example/a.js","before_lcp":1}]"#,
            "origins[0].origin",
            "expected `https://host`",
        ),
        (
            r#""origins":[{"origin":"https://me@cdn.example","before_lcp":1}]"#,
            "origins[0].origin",
            "expected `https://host`",
        ),
        (
            r#""origins":[{"origin":"https://cdn.example","before_lcp":101}]"#,
            "origins[0].before_lcp",
            "expected at most views, 100",
        ),
        (
            r#""resources":[{"url":"//cdn.example/a.css","kind":"style","late":1}]"#,
            "resources[0].url",
            "expected a path",
        ),
        (
            r#""resources":[{"url":"/a.css>; rel=x","kind":"style","late":1}]"#,
            "resources[0].url",
            "expected a path",
        ),
        (
            r#""resources":[{"url":"javascript:alert(1)","kind":"script","late":1}]"#,
            "resources[0].url",
            "expected a path",
        ),
        (
            r#""resources":[{"url":"/a.css","kind":"style","integrity":"md5-x","late":1}]"#,
            "resources[0].integrity",
            "sha384",
        ),
        (
            r#""resources":[{"url":"/a.woff2","kind":"font","type":"font; x","late":1}]"#,
            "resources[0].type",
            "font/woff2",
        ),
        (
            r#""resources":[{"url":"/a.woff2","kind":"font","crossorigin":"use-credentials","late":1}]"#,
            "resources[0].crossorigin",
            "without credentials",
        ),
    ] {
        let told = problems(&group(entries));
        assert_eq!(told.len(), 1, "{entries}: {told:?}");
        assert!(told[0].starts_with(&format!("{place}.{at}: ")), "{told:?}");
        assert!(told[0].contains(said), "{told:?}");
    }
}

#[test]
fn a_file_has_bounds_and_so_has_what_is_told_of_it() {
    let hint = r#"{"selector":"img","seen":101}"#;
    let many = vec![hint; 200].join(",");
    let told = problems(&group(&format!("\"images\":[{many}]")));
    assert!(
        told[0].ends_with("200 entries; expected at most 64"),
        "{told:?}"
    );
    assert_eq!(told.len(), MAX_PROBLEMS);
    let template = r#"{"template":"A b","groups":[]}"#;
    let many = [template; 2].join(",");
    let told = problems(&format!("{{\"version\":1,\"templates\":[{many}]}}"));
    assert!(told[0].contains("lower-case letters"), "{told:?}");
    assert!(told[1].contains("is there twice"), "{told:?}");
}
