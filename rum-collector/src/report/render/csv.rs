//! A report as comma-separated values: one line per cell, arm and metric.

use std::fmt::Write as _;

use super::Report;

/// The report as CSV (RFC 4180). Values are milliseconds, or the score for CLS; what is not printed is empty.
pub fn csv(report: &Report) -> String {
    let mut text =
        "template,device,arm,metric,n,n_eff,p75,p75_low,p75_high,good,needs_improvement,poor\r\n"
            .to_owned();
    for cell in &report.cells {
        for arm in &cell.arms {
            for summary in &arm.metrics {
                let value = |value: Option<u32>| {
                    value.map_or_else(String::new, |v| summary.metric.plain(v))
                };
                let share = |share: Option<f64>| {
                    share.map_or_else(String::new, |share| format!("{share:.4}"))
                };
                // Writing to a String cannot fail.
                let _ = write!(
                    text,
                    "{},{},{},{},{},{:.1},{},{},{},{},{},{}\r\n",
                    field(cell.template.as_deref().unwrap_or("*")),
                    cell.device.as_deref().unwrap_or("*"),
                    arm.arm.word(),
                    summary.metric.label().to_ascii_lowercase(),
                    summary.n,
                    summary.n_eff,
                    value(summary.p75.map(|p75| p75.value)),
                    value(summary.p75.and_then(|p75| p75.low)),
                    value(summary.p75.and_then(|p75| p75.high)),
                    share(summary.shares.map(|shares| shares.good)),
                    share(summary.shares.map(|shares| shares.needs_improvement)),
                    share(summary.shares.map(|shares| shares.poor)),
                );
            }
        }
    }
    text
}

/// A field, quoted where it must be. A template's name that a spreadsheet would take for a formula is defused.
fn field(text: &str) -> String {
    let defused = if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if defused.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", defused.replace('"', "\"\""))
    } else {
        defused
    }
}
