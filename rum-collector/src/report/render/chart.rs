//! Charts as inline SVG. Every chart says in its label what it shows, so that it need not be seen.

use std::fmt::Write as _;

use super::{escape, percent};
use crate::report::stats::Shares;
use crate::report::{Bin, Day, Metric, Summary};

/// The three shares as one bar, with a text that names them.
pub(super) fn tri_bar(shares: &Shares) -> String {
    let parts = [
        ("good", "Good", shares.good),
        ("ni", "Needs improvement", shares.needs_improvement),
        ("poor", "Poor", shares.poor),
    ];
    let label: Vec<String> = parts
        .iter()
        .map(|(_, name, share)| format!("{name} {}", percent(*share)))
        .collect();
    let mut svg = format!(
        "<svg class=\"tri\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        label.join(", ")
    );
    let mut x = 0.0;
    for (class, _, share) in parts {
        let width = share * 100.0;
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.2}\" width=\"{width:.2}\" height=\"8\"/>"
        );
        x += width;
    }
    svg.push_str("</svg>");
    svg
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 150.0;
const BASE: f64 = 122.0;
const TOP: f64 = 24.0;

/// How the values are spread, with the thresholds and the p75 as lines.
pub(super) fn histogram(summary: &Summary) -> String {
    let metric = summary.metric;
    let bins = &summary.histogram;
    let highest = bins.iter().map(|bin| bin.density).fold(0.0, f64::max);
    let Some(per_unit) = scale(bins) else {
        return String::new();
    };
    let [good, poor] = metric.thresholds();
    let mut svg = format!(
        "<svg class=\"hist\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Distribution of {}: {}\">",
        metric.label(),
        summary
            .shares
            .as_ref()
            .map_or_else(String::new, |s| format!("{} good", percent(s.good)))
    );
    let step = WIDTH / bins.len() as f64;
    for (at, bin) in bins.iter().enumerate() {
        let height = (BASE - TOP) * bin.density / highest.max(f64::MIN_POSITIVE);
        if height <= 0.0 {
            continue;
        }
        let class = match bin.end {
            Some(end) if end <= good => "good",
            Some(end) if end <= poor => "ni",
            _ => "poor",
        };
        let to = bin.end.map_or_else(
            || "and more".to_owned(),
            |end| format!("to {}", metric.with_unit(end)),
        );
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\">\
             <title>{} {to}: {:.1} %</title></rect>",
            at as f64 * step + 0.75,
            BASE - height,
            step - 1.5,
            metric.with_unit(bin.start),
            bin.density * 100.0
        );
    }
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{BASE}\" y2=\"{BASE}\"/>"
    );
    for threshold in [good, poor] {
        let x = f64::from(threshold) * per_unit;
        let _ = write!(
            svg,
            "<line class=\"limit\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{BASE}\"/>\
             <text x=\"{x:.1}\" y=\"138\" text-anchor=\"middle\">{}</text>",
            metric.with_unit(threshold)
        );
    }
    if let Some(p75) = summary.p75 {
        let place = |value: u32| (f64::from(value) * per_unit).min(WIDTH - 1.0);
        let x = place(p75.value);
        let (low, high) = (p75.low.map_or(0.0, place), p75.high.map_or(WIDTH, place));
        // The label stays inside the picture.
        let (anchor, text_x) = if x > WIDTH - 90.0 {
            ("end", x - 4.0)
        } else {
            ("start", x + 4.0)
        };
        let _ = write!(
            svg,
            "<line class=\"p75\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"4\" y2=\"{BASE}\"/>\
             <line class=\"whisker\" x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"16\" y2=\"16\"/>\
             <text class=\"strong\" x=\"{text_x:.1}\" y=\"12\" text-anchor=\"{anchor}\">p75 {}</text>",
            metric.with_unit(p75.value)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Picture units per unit of value. `None` where there are no bins.
fn scale(bins: &[Bin]) -> Option<f64> {
    let width = bins.first()?.end?;
    Some(WIDTH / bins.len() as f64 / f64::from(width))
}

/// A p75 with its interval on a scale that ends at `most`. Ticks at the thresholds are the table's background:
/// see [`ticks`]. Tables have many rows, so this is as short as it can be.
pub(super) fn whisker(summary: &Summary, most: f64) -> String {
    let Some(p75) = summary.p75 else {
        return String::new();
    };
    let place = |value: u32| (f64::from(value) / most * 100.0).clamp(0.0, 100.0);
    let (low, high) = (p75.low.map_or(0.0, place), p75.high.map_or(100.0, place));
    format!(
        "<svg class=\"whisk {}\" viewBox=\"0 0 100 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <path d=\"M{low:.1} 6H{high:.1}\"/><path d=\"M{:.1} 1v10\"/></svg>",
        rating(summary.metric, p75.value),
        place(p75.value)
    )
}

/// The places of the thresholds on the scale of a table's whiskers, as its custom properties.
pub(super) fn ticks(metric: Metric, most: f64) -> String {
    let [good, poor] = metric.thresholds().map(|at| f64::from(at) / most * 100.0);
    format!("--good-at:{good:.1}%;--poor-at:{poor:.1}%")
}

/// The shares as a bar for a table, where the text beside it says the same.
pub(super) fn small_bar(shares: &Shares) -> String {
    let (good, not_poor) = (shares.good * 100.0, (1.0 - shares.poor) * 100.0);
    format!(
        "<svg class=\"tri\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <path class=\"poor\" d=\"M0 4H100\"/><path class=\"ni\" d=\"M0 4H{not_poor:.1}\"/>\
         <path class=\"good\" d=\"M0 4H{good:.1}\"/></svg>"
    )
}

/// The class of a value by its metric's thresholds.
pub(super) fn rating(metric: Metric, value: u32) -> &'static str {
    let [good, poor] = metric.thresholds();
    match value {
        value if value <= good => "good",
        value if value <= poor => "ni",
        _ => "poor",
    }
}

/// LCP p75 day by day, each with its interval.
pub(super) fn days(days: &[Day]) -> String {
    let metric = Metric::Lcp;
    let shown: Vec<_> = days
        .iter()
        .filter_map(|day| Some((day.day, day.lcp.p75?)))
        .collect();
    let (Some((first, _)), Some((last, _))) = (shown.first(), shown.last()) else {
        return String::new();
    };
    let [good, poor] = metric.thresholds();
    let top_of = |p75: &crate::report::stats::Estimate| p75.high.unwrap_or(p75.value);
    let most = shown
        .iter()
        .map(|(_, p75)| top_of(p75))
        .max()
        .unwrap_or(0)
        .max(good + 300);
    let y = |value: u32| BASE - (BASE - TOP) * f64::from(value) / f64::from(most) / 1.05;
    let span = (last - first).max(1) as f64;
    // The thresholds' labels stand to the right of the last day.
    let x = |day: u64| 8.0 + (day - first) as f64 / span * (WIDTH - 68.0);
    let mut svg = format!(
        "<svg class=\"hist\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"LCP p75 by day\">"
    );
    for threshold in [good, poor]
        .into_iter()
        .filter(|threshold| *threshold < most)
    {
        let at = y(threshold);
        let _ = write!(
            svg,
            "<line class=\"limit\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            at - 4.0,
            metric.with_unit(threshold)
        );
    }
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{BASE}\" y2=\"{BASE}\"/>"
    );
    let points: Vec<String> = shown
        .iter()
        .map(|(day, p75)| format!("{:.1},{:.1}", x(*day), y(p75.value)))
        .collect();
    let _ = write!(
        svg,
        "<polyline class=\"course\" points=\"{}\"/>",
        points.join(" ")
    );
    for (day, p75) in &shown {
        let (x, low, high) = (x(*day), y(p75.low.unwrap_or(0)), y(top_of(p75)));
        let _ = write!(
            svg,
            "<line class=\"whisker\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>\
             <circle class=\"{}\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"3.5\"><title>{}: {}</title></circle>",
            rating(metric, p75.value),
            y(p75.value),
            escape(&super::date(*day)),
            metric.with_unit(p75.value)
        );
    }
    for (day, anchor, at) in [(first, "start", 0.0), (last, "end", WIDTH - 52.0)] {
        let _ = write!(
            svg,
            "<text x=\"{at}\" y=\"138\" text-anchor=\"{anchor}\">{}</text>",
            super::date(*day)
        );
    }
    svg.push_str("</svg>");
    svg
}
