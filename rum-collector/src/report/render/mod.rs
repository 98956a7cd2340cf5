//! A report as text for people, as data for programs, and as one page.

use std::fmt::Write as _;

use super::stats::{Estimate, difference};
use super::{Arm, Cell, Metric, Report, Summary, Window};

mod chart;
mod csv;
mod html;
mod json;
mod table;

pub use csv::csv;
pub use html::html;
pub use json::json;
pub use table::table;

/// The arms that a person compares: both where there is a holdback, otherwise all together.
fn shown_arms(report: &Report) -> &'static [Arm] {
    if report.holdback {
        &[Arm::Treatment, Arm::Control]
    } else {
        &[Arm::All]
    }
}

/// The cells without those that only repeat another: where there is one kind of device, all devices are it.
fn shown_cells(report: &Report) -> impl Iterator<Item = &Cell> {
    let devices = |template: Option<&str>| {
        let of = report
            .cells
            .iter()
            .filter(move |cell| cell.device.is_some() && cell.template.as_deref() == template);
        of.count()
    };
    report.cells.iter().filter(move |cell| {
        let template = cell.template.as_deref();
        match (template, &cell.device) {
            (None, Some(_)) => devices(None) > 1,
            (Some(_), None) => devices(template) > 1,
            _ => true,
        }
    })
}

fn cell_name(cell: &Cell) -> (&str, &str) {
    (
        cell.template.as_deref().unwrap_or("all templates"),
        cell.device.as_deref().unwrap_or("all devices"),
    )
}

/// Why a p75 is not printed.
fn hidden_because(report: &Report, summary: &Summary) -> String {
    if summary.n == 0 {
        "–".into()
    } else if summary.n < report.limits.min_n {
        format!("n<{}", report.limits.min_n)
    } else {
        format!("<{} visitors", report.limits.min_buckets)
    }
}

/// `1180 [1120, 1240]`, with `–` for an open end.
fn with_interval(metric: Metric, estimate: &Estimate) -> String {
    let end = |end: Option<u32>| end.map_or_else(|| "–".into(), |value| metric.plain(value));
    format!(
        "{} [{}, {}]",
        metric.plain(estimate.value),
        end(estimate.low),
        end(estimate.high)
    )
}

/// Treatment less control: the difference, its interval, and the difference in percent of control.
struct Gain {
    point: f64,
    low: f64,
    high: f64,
    percent: f64,
}

fn gain(cell: &Cell, metric: Metric) -> Option<Gain> {
    let p75 = |arm| cell.arm(arm)?.metric(metric)?.p75;
    let (treatment, control) = (p75(Arm::Treatment)?, p75(Arm::Control)?);
    let (point, low, high) = difference(&treatment, &control)?;
    Some(Gain {
        point,
        low,
        high,
        percent: 100.0 * point / f64::from(control.value).max(1.0),
    })
}

impl Gain {
    /// Whether there is a difference as far as its interval goes.
    fn is_clear(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }

    /// `−310 (−24 %) [−420, −200]`
    fn text(&self, metric: Metric) -> String {
        let signed = |value: f64| {
            let size = value.abs().round() as u32;
            format!("{}{}", sign(value), metric.plain(size))
        };
        format!(
            "{} ({}{:.0} %) [{}, {}]",
            signed(self.point),
            sign(self.percent.round()),
            self.percent.abs(),
            signed(self.low),
            signed(self.high)
        )
    }
}

/// No sign where there is no difference.
fn sign(value: f64) -> &'static str {
    match value {
        value if value < 0.0 => "−",
        value if value > 0.0 => "+",
        _ => "",
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `2026-10-27 – 2026-11-24`, in UTC.
fn window_text(window: Window) -> String {
    const DAY_MS: u64 = 86_400_000;
    let (from, to) = (
        window.from_ms / DAY_MS,
        window.to_ms.saturating_sub(1) / DAY_MS,
    );
    if from == to {
        date(from)
    } else {
        format!("{} – {}", date(from), date(to))
    }
}

/// A day since the Unix epoch as `YYYY-MM-DD` in the Gregorian calendar (Howard Hinnant's `civil_from_days`).
fn date(day: u64) -> String {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

/// What a reader must know to read the numbers. In every format for people.
fn notes(report: &Report) -> Vec<String> {
    let mut notes = vec![
        "p75 by nearest rank over weighted page views, with its 95 % interval. The interval takes page views as \
         independent: where visitors view many pages it is somewhat too narrow."
            .to_owned(),
        format!("A p75 of fewer than {} page views is rough (~).", super::ROUGH_N),
    ];
    let floor = |n: u64, buckets: usize| format!("{n} page views of {buckets} visitor buckets");
    let (min_n, buckets) = (report.limits.min_n, report.limits.min_buckets);
    notes.push(if min_n < super::MIN_N {
        format!(
            "The usual floor of {} is lowered to an n of {min_n}: these are not numbers to decide by.",
            floor(super::MIN_N, super::MIN_BUCKETS)
        )
    } else {
        format!("A p75 is printed from {} on.", floor(min_n, buckets))
    });
    if report.holdback {
        notes.push(
            "Treatment gets the optimisations, control is held back. Differences are of p75s at one look; they are \
             not a test that may be repeated until it pleases."
                .to_owned(),
        );
    }
    notes
}

/// Text in HTML, or in an attribute between double quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "&#{};", u32::from('\u{fffd}'));
            }
            c => escaped.push(c),
        }
    }
    escaped
}
