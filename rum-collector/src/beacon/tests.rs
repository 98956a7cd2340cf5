use super::*;

const VIEW: &str = r#""v":1,"k":"1.x.y","i":"abcdefgh01","q":0,"n":"navigate","t":5000"#;

fn read(more: &str) -> Result<Beacon, Fault> {
    let comma = if more.is_empty() { "" } else { "," };
    Beacon::read(format!("{{{VIEW}{comma}{more}}}").as_bytes())
}

#[test]
fn a_full_beacon_is_read_whole() {
    let beacon = read(
        r#""lcp":2500.4,"fcp":900,"ttfb":80.5,"inp":120,"cls":0.12345,"ls":[81,400,1500,519],"is":[8,90,22],
        "la":"main>img.hero","ia":"button#buy","ca":"div.promo","lu":"/img/hero.jpg","iv":"self classic-script",
        "vw":412,"dm":8,"ect":"4g","sd":1,"e":[["view_item",null],["purchase",1],["custom:size_chart",2]],
        "rv":[129900,"EUR","a1b2c3d4e5"],"er":2,"wd":0"#,
    )
    .unwrap();
    assert_eq!(beacon.lcp_ms, Some(2_500));
    assert_eq!(beacon.ttfb_ms, Some(81));
    assert_eq!(beacon.cls_1e4, Some(1_235));
    assert_eq!(beacon.lcp_parts, Some([81, 400, 1_500, 519]));
    assert_eq!(beacon.lcp_target.as_deref(), Some("main>img.hero"));
    assert_eq!(beacon.events.len(), 3);
    assert_eq!(beacon.revenue.unwrap().minor, 129_900);
    assert!(beacon.save_data && !beacon.automated);
}

#[test]
fn a_metric_that_is_not_there_is_none_and_not_zero() {
    let beacon = read("").unwrap();
    assert_eq!((beacon.lcp_ms, beacon.cls_1e4), (None, None));
    assert_eq!(read(r#""lcp":-0.0"#).unwrap().lcp_ms, Some(0));
}

#[test]
fn other_fields_and_types_are_errors_of_the_schema() {
    for more in [
        r#""x":1"#,
        r#""cwv":null"#,
        r#""lcp":"2500""#,
        r#""lcp":null"#,
        r#""lcp":[1]"#,
        r#""inp":1.5"#,
        r#""ls":[1,2,3]"#,
        r#""ls":[1,2,3,"4"]"#,
        r#""la":5"#,
        r#""ect":"5g""#,
        r#""sd":"yes""#,
        r#""e":{}"#,
        r#""e":[["view_item"]]"#,
        r#""e":[["bought",1]]"#,
        r#""rv":[1,"EUR"]"#,
        r#""rv":129900"#,
        // An error of the schema is told before one of the range.
        r#""lcp":1e308,"x":1"#,
    ] {
        assert_eq!(read(more), Err(Fault::Schema), "{more}");
    }
    for body in ["null", "[]", "{}", "1", "\"x\"", r#"{"v":1}"#] {
        assert_eq!(Beacon::read(body.as_bytes()), Err(Fault::Schema), "{body}");
    }
    for (field, other) in [
        ("\"v\":1", "\"v\":2"),
        ("\"n\":\"navigate\"", "\"n\":\"teleport\""),
    ] {
        let body = format!("{{{}}}", VIEW.replace(field, other));
        assert_eq!(Beacon::read(body.as_bytes()), Err(Fault::Schema), "{body}");
    }
}

#[test]
fn every_required_field_is_required() {
    let fields: Vec<&str> = VIEW.split(',').collect();
    for left_out in 0..fields.len() {
        let mut rest = fields.clone();
        rest.remove(left_out);
        let body = format!("{{{}}}", rest.join(","));
        assert_eq!(Beacon::read(body.as_bytes()), Err(Fault::Schema), "{body}");
    }
}

#[test]
fn values_outside_their_limits_are_errors_of_the_range() {
    let long = "x".repeat(129);
    let longer = "x".repeat(257);
    let events = vec![r#"["view_item",null]"#; 17].join(",");
    for more in [
        r#""lcp":1e308"#.to_owned(),
        r#""lcp":-1"#.into(),
        r#""lcp":600000.1"#.into(),
        r#""ttfb":120001"#.into(),
        r#""inp":60001"#.into(),
        r#""cls":100.1"#.into(),
        r#""cls":-0.1"#.into(),
        r#""vw":16385"#.into(),
        r#""er":65536"#.into(),
        r#""sd":2"#.into(),
        format!(r#""la":"{long}""#),
        format!(r#""lu":"{longer}""#),
        format!(r#""e":[{events}]"#),
        r#""e":[["custom:",1]]"#.into(),
        r#""e":[["custom:a b",1]]"#.into(),
        r#""e":[["purchase",-1]]"#.into(),
        // Parts that do not add up, parts of nothing, and revenue without a purchase.
        r#""lcp":1000,"ls":[100,200,300,413]"#.into(),
        r#""ls":[0,0,0,0]"#.into(),
        r#""rv":[1,"EUR","a1b2c3d4"]"#.into(),
        r#""e":[["purchase",1]],"rv":[1,"eur","a1b2c3d4"]"#.into(),
        r#""e":[["purchase",1]],"rv":[10000000001,"EUR","a1b2c3d4"]"#.into(),
    ] {
        assert_eq!(read(&more), Err(Fault::Range), "{more}");
    }
    assert!(
        read(r#""lcp":1000,"ls":[100,200,300,412]"#).is_ok(),
        "2 ms and 1 % are allowed"
    );
    for (field, other) in [
        ("\"t\":5000", "\"t\":-5000"),
        ("\"t\":5000", "\"t\":86400001"),
        ("\"q\":0", "\"q\":16"),
        ("abcdefgh01", "abc"),
        ("abcdefgh01", "ABCDEFGH01"),
        ("abcdefgh01", "abcdefghijklmnopqrstuvwxy"),
    ] {
        let body = format!("{{{}}}", VIEW.replace(field, other));
        assert_eq!(Beacon::read(body.as_bytes()), Err(Fault::Range), "{body}");
    }
}

#[test]
fn free_text_is_scrubbed() {
    for (text, kept) in [
        ("main>img.hero", "main>img.hero"),
        ("/img/hero.jpg?user=7", "/img/hero.jpg"),
        ("/u/jo.doe+x@example.com/pic.jpg", "/u/{address}/pic.jpg"),
        ("/u/jo%40example.com", "/u/{address}"),
        ("div#call-4917012345678", "div#call-{number}"),
        ("div#p-12345678", "div#p-12345678"),
        ("a\u{0}b\u{7f}\u{85}\nc", "abc"),
    ] {
        assert_eq!(scrub(text), kept, "{text:?}");
    }
}
