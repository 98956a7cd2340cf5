//! A report as one HTML file: styles and charts are in it, and it asks nothing of any network.

use std::fmt::Write as _;

use super::chart::{days, histogram, rating, small_bar, ticks, tri_bar, whisker};
use super::{Arm, Cell, Metric, Report, Summary};
use super::{cell_name, escape, gain, hidden_because, notes, shown_arms, shown_cells, window_text};
use crate::report::ArmCell;
use crate::report::stats::Estimate;

/// With two arms, three devices and five metrics, some 450 rows of about 450 bytes: well below 300 KB.
const MAX_TEMPLATES: usize = 10;

const STYLE: &str = include_str!("report.css");

/// The report as one HTML file.
pub fn html(report: &Report) -> String {
    let site = escape(report.site.as_deref().unwrap_or("all sites"));
    let window = window_text(report.window);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Real-user metrics of {site}, {window}</title>\n<style>\n{STYLE}</style></head><body><main>\n"
    );
    page.push_str(&overview(report, &site, &window));
    if report
        .days
        .iter()
        .filter(|day| day.lcp.p75.is_some())
        .count()
        > 1
    {
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            page,
            "<h2>LCP by day</h2><div class=\"card narrow\">{}</div>",
            days(&report.days)
        );
    }
    for metric in Metric::ALL {
        page.push_str(&segments(report, metric));
    }
    page.push_str(&quality(report));
    page.push_str("</main></body></html>\n");
    page
}

fn overview(report: &Report, site: &str, window: &str) -> String {
    let whole = report.cells.first();
    let all = whole.and_then(|cell| cell.arm(Arm::All));
    let (views, buckets) = all.map_or((0, 0), |arm| (arm.views, arm.buckets));
    let mut html = format!(
        "<header><h1>Real-user metrics of {site}</h1>\
         <p class=\"soft\">{window} (UTC) · {views} page views of {buckets} visitor buckets</p>\
         <p>{}</p></header>\n",
        verdict(report, whole)
    );
    html.push_str("<section class=\"cards\">");
    if let Some(cell) = whole {
        for metric in Metric::ALL {
            html.push_str(&card(report, cell, metric));
        }
    }
    html.push_str("</section>\n");
    html
}

/// Whether the site passes the assessment of the Core Web Vitals, for those who get the optimisations and those
/// who do not.
fn verdict(report: &Report, whole: Option<&Cell>) -> String {
    let arms = shown_arms(report);
    let judged = arms.iter().filter_map(|arm| {
        let verdict = assessment(report, whole?.arm(*arm)?);
        Some(match arm {
            Arm::All => format!("All visitors: {verdict}"),
            arm => format!("{}: {verdict}", capitalised(arm_name(*arm))),
        })
    });
    judged.collect::<Vec<_>>().join("<br>")
}

/// INP may be missing: not every page is interacted with.
fn assessment(report: &Report, arm: &ArmCell) -> String {
    if arm.views == 0 {
        return "no page view was recorded in this window".into();
    }
    let good = |metric: Metric| {
        let p75 = arm.metric(metric)?.p75?;
        Some(p75.value <= metric.thresholds()[0])
    };
    match (good(Metric::Lcp), good(Metric::Cls), good(Metric::Inp)) {
        (Some(true), Some(true), Some(true) | None) => {
            "<strong class=\"val good\">passes</strong> the Core Web Vitals assessment".into()
        }
        (Some(_), Some(_), _) => {
            "<strong class=\"val poor\">does not pass</strong> the Core Web Vitals assessment"
                .into()
        }
        _ => format!(
            "not enough page views yet for the Core Web Vitals assessment ({} are needed)",
            report.limits.min_n
        ),
    }
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(rest).collect()
    })
}

fn card(report: &Report, cell: &Cell, metric: Metric) -> String {
    let [good, _] = metric.thresholds();
    let mut html = format!(
        "<article class=\"card\"><h3>{} <span class=\"soft small\">{} · good up to {}</span></h3>",
        metric.label(),
        title(metric),
        metric.with_unit(good)
    );
    let arms = shown_arms(report);
    if arms.len() > 1 {
        html.push_str("<div class=\"arms\">");
    }
    for arm in arms {
        let Some(summary) = cell.arm(*arm).and_then(|arm| arm.metric(metric)) else {
            continue;
        };
        let name = if arms.len() > 1 {
            format!("<p class=\"small soft\">{}</p>", arm_name(*arm))
        } else {
            String::new()
        };
        let _ = write!(html, "<div>{name}{}</div>", headline(report, summary));
    }
    if arms.len() > 1 {
        html.push_str("</div>");
        if let Some(gain) = gain(cell, metric) {
            let clear = if gain.is_clear() {
                "more than chance"
            } else {
                "could be chance"
            };
            let unit = if metric == Metric::Cls { "" } else { ", in ms" };
            let _ = write!(
                html,
                "<p class=\"small\">Difference of p75{unit}: <strong>{}</strong>, {clear}</p>",
                gain.text(metric)
            );
        }
    }
    // The picture is of the visitors who get the optimisations, where there are two kinds.
    let pictured = arms.first().and_then(|arm| cell.arm(*arm)?.metric(metric));
    if let [first, _, ..] = arms {
        let name = arm_name(*first);
        let _ = write!(html, "<p class=\"small soft\">Page views {name}:</p>");
    }
    html.push_str(&pictured.map_or_else(String::new, histogram));
    html.push_str("</article>");
    html
}

fn headline(report: &Report, summary: &Summary) -> String {
    let metric = summary.metric;
    let (Some(p75), Some(shares)) = (summary.p75, summary.shares) else {
        let why = hidden_because(report, summary);
        return format!(
            "<p class=\"big soft\">{}</p><p class=\"small soft\">{} page views</p>",
            escape(&why),
            summary.n
        );
    };
    let (rough, about) = rough(summary);
    format!(
        "<p class=\"big {}{rough}\">{about}{}</p>\
         <p class=\"small soft\">p75 of {} page views<br>95&nbsp;%: {}</p>{}\
         <p class=\"small soft\">good {} · needs improvement {} · poor {}</p>",
        rating(metric, p75.value),
        unbroken(&metric.with_unit(p75.value)),
        summary.n,
        interval(&p75, |value| unbroken(&metric.with_unit(value))),
        tri_bar(&shares),
        percent(shares.good),
        percent(shares.needs_improvement),
        percent(shares.poor)
    )
}

fn segments(report: &Report, metric: Metric) -> String {
    let label = metric.label();
    // The three that are assessed are open; the two that explain them can be opened.
    let explains = matches!(metric, Metric::Fcp | Metric::Ttfb);
    let (open, close) = if explains {
        ("<details><summary>", "</summary>")
    } else {
        ("", "")
    };
    let most = right_end(report, metric);
    let mut html = format!(
        "{open}<h2>{label} by template and device</h2>{close}\n\
         <div class=\"scroll\"><table style=\"{}\"><thead><tr>\
         <th scope=\"col\">Template</th><th scope=\"col\">Device</th>",
        ticks(metric, most)
    );
    if report.holdback {
        html.push_str("<th scope=\"col\">Visitors</th>");
    }
    html.push_str(
        "<th scope=\"col\" class=\"num\">p75</th><th scope=\"col\">95 %</th><th scope=\"col\"></th>\
         <th scope=\"col\" colspan=\"2\">Good / needs improvement / poor</th><th scope=\"col\" class=\"num\">n</th>",
    );
    if report.holdback {
        html.push_str("<th scope=\"col\">Difference of p75</th>");
    }
    html.push_str("</tr></thead><tbody>\n");
    let busiest = busiest_templates(report);
    let shown = |cell: &&Cell| {
        let template = cell.template.as_deref();
        template.is_none_or(|template| busiest.contains(&template))
    };
    for cell in shown_cells(report).filter(shown) {
        for arm in shown_arms(report) {
            html.push_str(&row(report, cell, *arm, metric, most));
        }
    }
    html.push_str("</tbody></table></div>\n");
    if explains {
        html.push_str("</details>\n");
    }
    html
}

/// The templates with most page views, as many as a file of bounded size has room for.
fn busiest_templates(report: &Report) -> Vec<&str> {
    let views = |cell: &Cell| cell.arm(Arm::All).map_or(0, |arm| arm.views);
    let mut templates: Vec<(u64, &str)> = report
        .cells
        .iter()
        .filter(|cell| cell.device.is_none())
        .filter_map(|cell| Some((views(cell), cell.template.as_deref()?)))
        .collect();
    templates.sort_by_key(|(views, name)| (std::cmp::Reverse(*views), *name));
    templates.truncate(MAX_TEMPLATES);
    templates.into_iter().map(|(_, name)| name).collect()
}

/// The right end of the scale of a table's whiskers: past the poor threshold, and past every interval up to
/// three times it.
fn right_end(report: &Report, metric: Metric) -> f64 {
    let [_, poor] = metric.thresholds();
    let ends = report
        .cells
        .iter()
        .flat_map(|cell| &cell.arms)
        .filter_map(|arm| arm.metric(metric)?.p75)
        .map(|p75| p75.high.unwrap_or(p75.value));
    let most = ends.max().unwrap_or(0).clamp(poor, poor * 3);
    f64::from(most) * 1.05
}

fn row(report: &Report, cell: &Cell, arm: Arm, metric: Metric, most: f64) -> String {
    let Some(summary) = cell.arm(arm).and_then(|arm| arm.metric(metric)) else {
        return String::new();
    };
    let (template, device) = cell_name(cell);
    let whole = if cell.template.is_none() || cell.device.is_none() {
        " class=\"whole\""
    } else {
        ""
    };
    let mut html = format!(
        "<tr{whole}><th scope=\"row\">{}</th><td>{}</td>",
        escape(template),
        escape(device)
    );
    if report.holdback {
        let _ = write!(html, "<td>{}</td>", arm_name(arm));
    }
    html.push_str(&numbers(report, summary, most));
    let _ = write!(html, "<td class=\"num\">{}</td>", summary.n);
    if report.holdback && arm == Arm::Treatment {
        // Beside both arms: the control's row follows.
        let text = gain(cell, metric).map_or_else(String::new, |gain| gain.text(metric));
        let text = text.replacen(" [", "<br>[", 1);
        let _ = write!(html, "<td class=\"small\" rowspan=\"2\">{text}</td>");
    }
    html.push_str("</tr>\n");
    html
}

fn numbers(report: &Report, summary: &Summary, most: f64) -> String {
    let metric = summary.metric;
    let (Some(p75), Some(shares)) = (summary.p75, summary.shares) else {
        let why = escape(&hidden_because(report, summary));
        return format!("<td class=\"num soft\">{why}</td><td colspan=\"4\"></td>");
    };
    let (rough, about) = rough(summary);
    format!(
        "<td class=\"num val {}{rough}\">{about}{}</td><td class=\"soft small\">{}</td><td>{}</td><td>{}</td>\
         <td class=\"soft small\">{} / {} / {}</td>",
        rating(metric, p75.value),
        metric.with_unit(p75.value),
        interval(&p75, |value| metric.plain(value)),
        whisker(summary, most),
        small_bar(&shares),
        percent(shares.good),
        percent(shares.needs_improvement),
        percent(shares.poor)
    )
}

/// The class and the mark of a p75 that is rough.
fn rough(summary: &Summary) -> (&'static str, &'static str) {
    if summary.is_rough() {
        (" rough", "~")
    } else {
        ("", "")
    }
}

/// `1180 – 1240`; an end that so few values do not give is left open.
fn interval(p75: &Estimate, text: impl Fn(u32) -> String) -> String {
    match (p75.low, p75.high) {
        (Some(low), Some(high)) => format!("{} – {}", text(low), text(high)),
        (Some(low), None) => format!("≥ {}", text(low)),
        (None, Some(high)) => format!("≤ {}", text(high)),
        (None, None) => "open".to_owned(),
    }
}

/// A share whose sign does not wrap onto a line of its own.
fn percent(share: f64) -> String {
    unbroken(&super::percent(share))
}

fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

fn quality(report: &Report) -> String {
    let quality = &report.quality;
    let counts = |pairs: &[(String, u64)]| {
        let words: Vec<String> = pairs
            .iter()
            .map(|(name, n)| format!("{} {n}", escape(name)))
            .collect();
        if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(" · ")
        }
    };
    let coverage: Vec<String> = quality
        .coverage
        .iter()
        .map(|(metric, share)| format!("{} {}", metric.label(), percent(*share)))
        .collect();
    let mut html = "<h2>Data quality</h2><div class=\"card\"><dl>".to_owned();
    for (term, text) in [
        ("Beacons by result", counts(&quality.beacons)),
        ("Navigations", counts(&quality.navigations)),
        ("Page views that have the metric", coverage.join(" · ")),
        (
            "Page views that were reported again",
            percent(quality.updated),
        ),
        ("Bots kept apart", quality.bots.to_string()),
    ] {
        let _ = write!(html, "<dt>{term}</dt><dd>{text}</dd>");
    }
    html.push_str("</dl></div>\n");
    let left_out = report
        .cells
        .iter()
        .filter(|cell| cell.device.is_none() && cell.template.is_some())
        .count()
        .saturating_sub(MAX_TEMPLATES);
    if left_out > 0 {
        let _ = write!(
            html,
            "<p class=\"small soft\">{left_out} less visited templates are in the other formats.</p>"
        );
    }
    for note in notes(report) {
        let _ = write!(html, "<p class=\"small soft\">{}</p>", escape(&note));
    }
    html
}

fn arm_name(arm: Arm) -> &'static str {
    match arm {
        Arm::All => "all",
        Arm::Treatment => "with Vitrine",
        Arm::Control => "held back",
    }
}

fn title(metric: Metric) -> &'static str {
    match metric {
        Metric::Lcp => "Largest Contentful Paint",
        Metric::Inp => "Interaction to Next Paint",
        Metric::Cls => "Cumulative Layout Shift",
        Metric::Fcp => "First Contentful Paint",
        Metric::Ttfb => "Time to First Byte",
    }
}
