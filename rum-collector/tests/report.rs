//! From beacons in a database to a report in each format.
#![cfg(feature = "report")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use futures::executor::block_on;
use vitrine_rum_collector::report::source::{Dataset, Source as _, SqlSource};
use vitrine_rum_collector::report::{Arm, Limits, Metric, Report, Window, build, render};
use vitrine_rum_collector::store::sql::{self, Database as _};

const DAY_MS: u64 = 86_400_000;
const WINDOW: Window = Window {
    from_ms: NOW_MS - 28 * DAY_MS,
    to_ms: NOW_MS + 1,
};

/// Page views like a shop's: lognormal, slower on telephones, and slower for who is held back.
fn fill(database: &Sqlite, templates: &[&str], views: u32, holdback: bool) {
    block_on(sql::migrate(database)).unwrap();
    let mut state = 7_u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 + 1.0) / 2_147_483_650.0
    };
    database.connection.execute_batch("BEGIN").unwrap();
    for view in 0..views {
        let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        let (device, slower) = [
            ("phone", 1.5),
            ("phone", 1.5),
            ("desktop", 1.0),
            ("tablet", 1.2),
        ][view as usize % 4];
        let at = (uniform() * templates.len() as f64) as usize;
        let control = holdback && uniform() < 0.3;
        let lcp = 1_300.0
            * slower
            * (0.5 * normal).exp()
            * (if control { 1.45 } else { 1.0 })
            * (1.0 + at as f64 / 10.0);
        let arm = match (holdback, control) {
            (false, _) => None,
            (true, true) => Some("control"),
            (true, false) => Some("treatment"),
        };
        let inp = (uniform() < 0.6).then(|| (60.0 * slower * (0.8 * normal).exp()) as i64);
        let cls =
            (uniform() * uniform() * uniform() * if control { 6_000.0 } else { 2_500.0 }) as i64;
        database
            .connection
            .execute(
                "INSERT INTO page_views (view, seq, received_ms, site, template, arms, holdback, bucket, weight, device,
                 ua_class, nav_type, age_ms, lcp_ms, inp_ms, cls_1e4, fcp_ms, ttfb_ms, save_data, gpc)
                 VALUES (?1, ?2, ?3, 'demo', ?4, '', ?5, ?6, 1, ?7, 'x', ?8, 9, ?9, ?10, ?11, ?12, ?13, 0, 0)",
                rusqlite::params![
                    format!("view{view:06}"), view % 2, NOW_MS - u64::from(view % 20) * DAY_MS, templates[at], arm,
                    (uniform() * 1_024.0) as u16, device, if view % 9 == 0 { "reload" } else { "navigate" },
                    lcp as i64, inp, cls, (lcp * 0.6) as i64, (lcp * 0.2) as i64,
                ],
            )
            .unwrap();
    }
    database.connection.execute_batch("COMMIT").unwrap();
    let hour = NOW_MS / 3_600_000;
    for (result, n) in [
        ("accepted", 2 * views),
        ("duplicate", 31),
        ("bot", 12),
        ("rate_limited", 3),
    ] {
        let insert = format!("INSERT INTO beacons VALUES ({hour}, '{result}', {n})");
        block_on(database.execute(&insert, &[])).unwrap();
    }
}

fn read(database: &Sqlite) -> Dataset {
    block_on(SqlSource(database).read(WINDOW, None)).unwrap()
}

fn report(templates: &[&str], views: u32, holdback: bool) -> Report {
    let database = Sqlite::new();
    fill(&database, templates, views, holdback);
    build(&read(&database), WINDOW, Some("demo"), Limits::default())
}

#[test]
fn beacons_of_the_collector_come_out_in_the_report() {
    let world = World::new();
    for n in 0..120_u64 {
        world.now_ms.set(NOW_MS + n * 1_000);
        let lcp = 1_000 + n * 10;
        world.beacon(body(
            &format!("abcdefgh{n:03}"),
            0,
            &format!(r#""lcp":{lcp},"cls":0.05"#),
        ));
    }
    world.now_ms.set(NOW_MS + 200_000);
    world.beacon("{");
    let window = Window {
        to_ms: NOW_MS + 200_001,
        ..WINDOW
    };
    let dataset = block_on(SqlSource(&world.database).read(window, None)).unwrap();
    let report = build(&dataset, window, None, Limits::with_min_n(20));
    let whole = report.cells[0].arm(Arm::All).unwrap();
    assert_eq!((whole.views, whole.buckets), (120, 1));
    let lcp = whole.metric(Metric::Lcp).unwrap();
    // The 90th of 120; ranks by the binomial distribution.
    assert_eq!(lcp.p75.unwrap().value, 1_890);
    assert_eq!(whole.metric(Metric::Inp).unwrap().n, 0);
    let cls = whole.metric(Metric::Cls).unwrap();
    assert!((cls.shares.unwrap().good - 1.0).abs() < 1e-12);
    assert_eq!(report.cells[1].device.as_deref(), Some("phone"));
    assert_eq!(report.cells[2].template.as_deref(), Some("product"));
    let accepted = report
        .quality
        .beacons
        .iter()
        .find(|(name, _)| name == "accepted");
    assert_eq!(accepted, Some(&("accepted".to_owned(), 120)));
    // One bucket is too few to print anything by the usual limits.
    let usual = build(&dataset, window, None, Limits::default());
    assert!(
        usual
            .cells
            .iter()
            .flat_map(|c| &c.arms)
            .flat_map(|a| &a.metrics)
            .all(|m| m.p75.is_none())
    );
    assert!(render::table(&usual).contains("<50 visitors"));
}

#[test]
fn h103_holdback_and_treatment_stand_side_by_side() {
    let report = report(&["home", "product"], 6_000, true);
    assert!(report.holdback);
    let p75 = |arm| {
        report.cells[0]
            .arm(arm)
            .unwrap()
            .metric(Metric::Lcp)
            .unwrap()
            .p75
            .unwrap()
    };
    let (treatment, control) = (p75(Arm::Treatment), p75(Arm::Control));
    assert!(treatment.high.unwrap() < control.low.unwrap());
    let table = render::table(&report);
    let line = |arm: &str| {
        table
            .lines()
            .find(|line| line.contains("all templates") && line.contains(arm))
            .unwrap()
    };
    assert!(
        line("treatment").contains(&treatment.value.to_string()),
        "{table}"
    );
    assert!(
        line("control").contains(&control.value.to_string()),
        "{table}"
    );
    let gain = i64::from(treatment.value) - i64::from(control.value);
    assert!(
        line("treatment").contains(&format!("−{}", -gain)),
        "{table}"
    );
}

#[test]
fn a_p75_of_too_few_page_views_is_not_printed_and_one_of_few_is_marked() {
    let few = report(&["home"], 90, false);
    let table = render::table(&few);
    assert!(table.contains("n<100"), "{table}");
    assert!(!table.contains('~') || table.contains("rough (~)"));
    assert!(
        few.cells[0].arms[0]
            .metrics
            .iter()
            .all(|m| m.p75.is_none() && m.histogram.is_empty())
    );
    let some = report(&["home"], 200, false);
    let summary = some.cells[0].arms[0].metric(Metric::Lcp).unwrap();
    assert!(summary.p75.is_some() && summary.is_rough());
    assert!(
        render::table(&some)
            .lines()
            .any(|line| line.contains("all templates") && line.contains(" ~"))
    );
}

#[test]
fn an_empty_or_untouched_database_gives_an_empty_report() {
    let database = Sqlite::new();
    let empty = build(&read(&database), WINDOW, None, Limits::default());
    block_on(sql::migrate(&database)).unwrap();
    assert_eq!(
        build(&read(&database), WINDOW, None, Limits::default()),
        empty
    );
    assert!(render::table(&empty).contains("No page view"));
    assert!(render::html(&empty).contains("no page view"));
    let json: serde_json::Value = serde_json::from_str(&render::json(&empty)).unwrap();
    assert_eq!(json["records"][0]["arms"]["all"]["page_views"], 0);
}

#[test]
fn what_lies_outside_the_window_or_the_site_is_not_counted() {
    let database = Sqlite::new();
    fill(&database, &["home"], 400, false);
    let views = |window, site| {
        let dataset = block_on(SqlSource(&database).read(window, site)).unwrap();
        dataset
            .groups
            .values()
            .map(|group| group.views)
            .sum::<u64>()
    };
    assert_eq!(views(WINDOW, Some("demo")), 400);
    assert_eq!(views(WINDOW, Some("other")), 0);
    let today = Window {
        from_ms: NOW_MS,
        ..WINDOW
    };
    assert_eq!(views(today, None), 20);
    assert_eq!(
        views(
            Window {
                to_ms: NOW_MS,
                ..WINDOW
            },
            None
        ),
        380
    );
}

#[test]
fn the_same_page_views_in_another_order_give_the_same_bytes() {
    let (one, other) = (Sqlite::new(), Sqlite::new());
    fill(&one, &["home", "product"], 3_000, true);
    fill(&other, &["home", "product"], 1, true);
    other
        .connection
        .execute_batch("DELETE FROM page_views; DELETE FROM beacons")
        .unwrap();
    let copy = "SELECT * FROM page_views ORDER BY lcp_ms DESC, view";
    let names: Vec<String> = one
        .connection
        .prepare(copy)
        .unwrap()
        .column_names()
        .iter()
        .map(|n| (*n).to_owned())
        .collect();
    let places = vec!["?"; names.len()].join(",");
    let insert = format!(
        "INSERT INTO page_views ({}) VALUES ({places})",
        names.join(",")
    );
    for row in block_on(one.execute(copy, &[])).unwrap() {
        block_on(other.execute(&insert, &row)).unwrap();
    }
    for row in block_on(one.execute("SELECT hour, result, n FROM beacons", &[])).unwrap() {
        block_on(other.execute("INSERT INTO beacons VALUES (?, ?, ?)", &row)).unwrap();
    }
    let of = |database: &Sqlite| build(&read(database), WINDOW, None, Limits::default());
    let (one, other) = (of(&one), of(&other));
    for format in [render::table, render::json, render::csv, render::html] {
        assert_eq!(format(&one), format(&other));
    }
}

#[test]
fn json_has_the_shape_of_the_chrome_ux_report() {
    let report = report(&["home"], 1_000, false);
    let json: serde_json::Value = serde_json::from_str(&render::json(&report)).unwrap();
    let metrics = &json["records"][0]["arms"]["all"]["metrics"];
    let lcp = &metrics["largest_contentful_paint"];
    assert!(lcp["percentiles"]["p75"].is_u64());
    assert_eq!(lcp["histogram"][0]["start"], 0);
    assert_eq!(lcp["histogram"][0]["end"], 2_500);
    assert_eq!(lcp["histogram"][2]["start"], 4_000);
    assert!(lcp["histogram"][2].get("end").is_none());
    let whole: f64 = (0..3)
        .map(|bin| lcp["histogram"][bin]["density"].as_f64().unwrap())
        .sum();
    assert!((whole - 1.0).abs() < 2e-4);
    assert!(metrics["cumulative_layout_shift"]["percentiles"]["p75"].is_string());
    assert_eq!(
        metrics["cumulative_layout_shift"]["histogram"][0]["end"],
        "0.10"
    );
}

#[test]
fn csv_has_as_many_fields_in_every_line_and_runs_no_formula() {
    let report = report(&["home", "a,\"b\"", "=cmd"], 900, true);
    let csv = render::csv(&report);
    assert!(csv.contains("\r\n\"a,\"\"b\"\"\",") && csv.contains("\r\n'=cmd,"));
    for line in csv.trim_end().split("\r\n") {
        let unquoted = line.replace("\"a,\"\"b\"\"\"", "x");
        assert_eq!(unquoted.split(',').count(), 12, "{line}");
    }
}

#[test]
fn html_is_one_small_file_that_asks_nothing_of_any_network() {
    let names: Vec<String> = (0..25).map(|n| format!("template-{n}")).collect();
    let templates: Vec<&str> = names.iter().map(String::as_str).collect();
    let html = render::html(&report(&templates, 40_000, true));
    assert!(html.len() < 300_000, "{} bytes", html.len());
    for never in [
        "<script", "http://", "https://", "src=", "href=", "url(", "@import", "<link", "<img",
    ] {
        assert!(!html.contains(never), "{never}");
    }
    let hostile = render::html(&report(&["<script>alert(1)</script>"], 900, true));
    assert!(hostile.contains("&lt;script&gt;") && !hostile.contains("<script"));
    assert!(html.contains("15 less visited templates"));
    for always in [
        "<svg",
        "viewport",
        "Data quality",
        "with Vitrine",
        "held back",
        "LCP by day",
        "p75",
    ] {
        assert!(html.contains(always), "{always}");
    }
    // For looking at: target/tmp/report*.html.
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let looks = [
        (
            "report.html",
            report(&["home", "category", "product"], 12_000, true),
        ),
        (
            "report-plain.html",
            report(&["home", "category", "product"], 3_000, false),
        ),
        ("report-few.html", report(&["home"], 60, false)),
    ];
    for (name, report) in looks {
        std::fs::write(folder.join(name), render::html(&report)).unwrap();
        std::fs::write(
            folder.join(name).with_extension("txt"),
            render::table(&report),
        )
        .unwrap();
    }
}
