//! A report for a terminal.

use std::fmt::Write as _;

use super::{Metric, Report, Summary};
use super::{
    cell_name, gain, hidden_because, notes, percent, shown_arms, shown_cells, window_text,
    with_interval,
};

/// Columns, each as wide as its widest cell.
struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// The report as text.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    let site = report.site.as_deref().unwrap_or("all sites");
    let views = report
        .cells
        .first()
        .and_then(|cell| cell.arms.first())
        .map_or(0, |arm| arm.views);
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "Real-user metrics of {site}, {}: {views} page views\n",
        window_text(report.window)
    );
    if views == 0 {
        text.push_str("No page view was recorded in this window.\n\n");
    }
    for metric in Metric::ALL {
        text.push_str(&of_metric(report, metric));
        text.push('\n');
    }
    text.push_str(&quality(report));
    for note in notes(report) {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

fn of_metric(report: &Report, metric: Metric) -> String {
    let [good, poor] = metric
        .thresholds()
        .map(|threshold| metric.with_unit(threshold));
    let mut table = Table {
        head: vec![
            "template",
            "device",
            "p75 [95 %]",
            "good",
            "needs impr.",
            "poor",
            "n",
        ],
        rows: Vec::new(),
    };
    if report.holdback {
        table.head.insert(2, "arm");
        table.head.push("treatment − control");
    }
    for cell in shown_cells(report) {
        for arm in shown_arms(report) {
            let Some(summary) = cell.arm(*arm).and_then(|arm| arm.metric(metric)) else {
                continue;
            };
            let (template, device) = cell_name(cell);
            let mut row = vec![template.to_owned(), device.to_owned()];
            if report.holdback {
                row.push(arm.word().to_owned());
            }
            row.extend(numbers(report, summary));
            if report.holdback && *arm == super::Arm::Treatment {
                row.push(gain(cell, metric).map_or_else(String::new, |gain| gain.text(metric)));
            }
            table.rows.push(row);
        }
    }
    let unit = if metric == Metric::Cls { "score" } else { "ms" };
    let label = metric.label();
    format!(
        "{label} ({unit}; good up to {good}, poor above {poor})\n{}",
        table.text()
    )
}

fn numbers(report: &Report, summary: &Summary) -> Vec<String> {
    let p75 = summary.p75.map_or_else(
        || hidden_because(report, summary),
        |p75| {
            let rough = if summary.is_rough() { "~" } else { "" };
            format!("{rough}{}", with_interval(summary.metric, &p75))
        },
    );
    let shares = summary.shares.map_or_else(Default::default, |shares| {
        [shares.good, shares.needs_improvement, shares.poor].map(percent)
    });
    let [good, middling, poor] = shares;
    vec![p75, good, middling, poor, summary.n.to_string()]
}

fn quality(report: &Report) -> String {
    let quality = &report.quality;
    let mut text = "Data quality\n".to_owned();
    let counts = |pairs: &[(String, u64)]| {
        let words: Vec<String> = pairs
            .iter()
            .map(|(name, n)| format!("{name} {n}"))
            .collect();
        if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(", ")
        }
    };
    let coverage: Vec<String> = quality
        .coverage
        .iter()
        .map(|(metric, share)| format!("{} {}", metric.label(), percent(*share)))
        .collect();
    for (name, value) in [
        ("beacons", counts(&quality.beacons)),
        ("navigations", counts(&quality.navigations)),
        ("have the metric", coverage.join(", ")),
        ("reported again", percent(quality.updated)),
        ("bots kept apart", quality.bots.to_string()),
    ] {
        let _ = writeln!(text, "  {name:15}  {value}");
    }
    text
}

impl Table {
    fn text(&self) -> String {
        let head: Vec<String> = self.head.iter().map(|name| (*name).to_owned()).collect();
        let width = |column: usize| {
            let cells = std::iter::once(&head).chain(&self.rows);
            cells
                .filter_map(|row| Some(row.get(column)?.chars().count()))
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let mut text = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = String::from(" ");
            for (cell, width) in row.iter().zip(&widths) {
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                let _ = write!(line, " {cell}{padding} ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
