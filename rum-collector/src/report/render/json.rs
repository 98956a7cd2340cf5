//! A report as JSON. The block of a metric has the shape of the Chrome UX Report's API, and more beside it.

use serde_json::{Map, Value, json};

use super::{Metric, Report, Summary};
use crate::report::{ArmCell, Cell};

/// Raised when a reader of an earlier version would misread.
const VERSION: u32 = 1;

/// The report as JSON.
pub fn json(report: &Report) -> String {
    let quality = &report.quality;
    let counts = |pairs: &[(String, u64)]| -> Map<String, Value> {
        pairs
            .iter()
            .map(|(name, n)| (name.clone(), json!(n)))
            .collect()
    };
    let coverage: Map<String, Value> = quality
        .coverage
        .iter()
        .map(|(metric, share)| (metric.name().to_owned(), json!(rounded(*share))))
        .collect();
    let days: Vec<Value> = report
        .days
        .iter()
        .map(|day| json!({"date": super::date(day.day), "largest_contentful_paint": of_metric(&day.lcp)}))
        .collect();
    let value = json!({
        "version": VERSION,
        "site": report.site,
        "window": report.window,
        "limits": report.limits,
        "holdback": report.holdback,
        "records": report.cells.iter().map(record).collect::<Vec<_>>(),
        "days": days,
        "quality": {
            "beacons": counts(&quality.beacons),
            "navigations": counts(&quality.navigations),
            "coverage": coverage,
            "updated": rounded(quality.updated),
            "bots": quality.bots,
        },
    });
    format!("{value:#}\n")
}

fn record(cell: &Cell) -> Value {
    let arms: Map<String, Value> = cell
        .arms
        .iter()
        .map(|arm| (arm.arm.word().to_owned(), of_arm(arm)))
        .collect();
    json!({
        "key": {"template": cell.template, "device": cell.device},
        "arms": arms,
    })
}

fn of_arm(arm: &ArmCell) -> Value {
    let metrics: Map<String, Value> = arm
        .metrics
        .iter()
        .map(|summary| (summary.metric.name().to_owned(), of_metric(summary)))
        .collect();
    json!({"page_views": arm.views, "buckets": arm.buckets, "metrics": metrics})
}

fn of_metric(summary: &Summary) -> Value {
    let metric = summary.metric;
    let mut block = json!({"n": summary.n, "n_eff": (summary.n_eff * 10.0).round() / 10.0});
    if let (Some(p75), Some(shares)) = (summary.p75, summary.shares) {
        let [good, poor] = metric.thresholds();
        let bin = |start: Option<u32>, end: Option<u32>, density: f64| {
            let mut bin = Map::new();
            bin.insert(
                "start".into(),
                start.map_or_else(|| value(metric, 0), |v| value(metric, v)),
            );
            if let Some(end) = end {
                bin.insert("end".into(), value(metric, end));
            }
            bin.insert("density".into(), json!(rounded(density)));
            Value::Object(bin)
        };
        block["histogram"] = json!([
            bin(None, Some(good), shares.good),
            bin(Some(good), Some(poor), shares.needs_improvement),
            bin(Some(poor), None, shares.poor),
        ]);
        block["percentiles"] = json!({"p75": value(metric, p75.value)});
        block["p75_interval"] = json!([
            p75.low.map(|low| value(metric, low)),
            p75.high.map(|high| value(metric, high)),
        ]);
        block["rough"] = json!(summary.is_rough());
    }
    block
}

/// Milliseconds as numbers; the layout shift score as text with two decimals, as the Chrome UX Report has it.
fn value(metric: Metric, value: u32) -> Value {
    match metric {
        Metric::Cls => json!(format!("{:.2}", f64::from(value) / 10_000.0)),
        _ => json!(value),
    }
}

fn rounded(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}
