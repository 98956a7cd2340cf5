//! What each key admits by itself and the file as a whole contradicts.
//!
//! The checks read the document, not the typed configuration, so that they run beside every other finding
//! and can point at both places.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::finding::Finding;
use super::load::ReadFile;
use super::{Config, PathPattern, Policy};
use crate::html::passes;
use crate::route;

/// Name of the pages that match no template.
const OTHER: &str = "other";

/// Checks the document as a whole.
pub(super) fn check(document: &DeTable<'_>, files: ReadFile<'_>) -> Vec<Finding> {
    let document = Document {
        root: document,
        defaults: Config::default(),
    };
    let mut findings = Vec::new();
    document.templates(&mut findings);
    document.patience(&mut findings);
    document.rum(&mut findings);
    document.passes(&mut findings);
    document.critical_css(files, &mut findings);
    document.overrides(&mut findings);
    document.kept_pages(&mut findings);
    document.switches(&mut findings);
    findings
}

struct Document<'a> {
    root: &'a DeTable<'a>,
    defaults: Config,
}

/// A template as far as it can be read.
struct Template {
    name: Option<(String, Range<usize>)>,
    path: Option<(PathPattern, Range<usize>)>,
}

impl Document<'_> {
    fn get(&self, path: &[&str]) -> Option<&Spanned<DeValue<'_>>> {
        let (last, tables) = path.split_last()?;
        let mut table = self.root;
        for key in tables {
            table = table.get(*key)?.get_ref().as_table()?;
        }
        table.get(*last)
    }

    fn integer(&self, path: &[&str]) -> Option<(i64, Range<usize>)> {
        let value = self.get(path)?;
        let number = value.get_ref().as_integer()?;
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
        Some((number, value.span()))
    }

    fn switch(&self, path: &[&str]) -> Option<(bool, Range<usize>)> {
        let value = self.get(path)?;
        Some((value.get_ref().as_bool()?, value.span()))
    }

    fn all_templates(&self) -> Vec<Template> {
        let list = self.get(&["templates"]);
        let list = list.and_then(|list| list.get_ref().as_array());
        list.into_iter()
            .flat_map(|list| list.iter())
            .filter_map(|entry| entry.get_ref().as_table())
            .map(|table| {
                let text = |key: &str| {
                    let value = table.get(key)?;
                    Some((value.get_ref().as_str()?.to_owned(), value.span()))
                };
                Template {
                    name: text("name"),
                    path: text("path").and_then(|(path, at)| Some((path.parse().ok()?, at))),
                }
            })
            .collect()
    }

    fn templates(&self, findings: &mut Vec<Finding>) {
        let templates = self.all_templates();
        let sacred = self.sacred();
        for (index, template) in templates.iter().enumerate() {
            let earlier = &templates[..index];
            if let Some((name, at)) = &template.name {
                findings.extend(name_taken(name, at, earlier));
            }
            if let Some((path, at)) = &template.path {
                findings.extend(never_reached(path, at, earlier));
                let sacred = sacred.iter().find(|(sacred, _)| sacred.covers(path));
                findings.extend(sacred.map(|(sacred, place)| {
                    Finding::warning("these pages are sacred", at.clone())
                        .expected("nothing is done to them and no metrics are collected")
                        .related(place.clone(), format!("by `{sacred}`"))
                        .help("remove one of the two")
                }));
                findings.extend(always_sacred(path, at));
            }
        }
    }

    /// Kept pages of templates that there are not.
    fn kept_pages(&self, findings: &mut Vec<Finding>) {
        let templates = self.all_templates();
        let list = self.get(&["cache", "pages"]);
        let list = list.and_then(|list| list.get_ref().as_array());
        for name in list.into_iter().flat_map(|list| list.iter()) {
            let known = |n: &str| {
                let names = templates
                    .iter()
                    .filter_map(|template| template.name.as_ref());
                names.into_iter().any(|(known, _)| known == n)
            };
            if let Some(unknown) = name.get_ref().as_str().filter(|n| !known(n)) {
                let title = format!("there is no template `{unknown}`");
                let expected = "expected a name from `[[templates]]`";
                findings.push(Finding::error(title, name.span()).expected(expected));
            }
        }
    }

    fn sacred(&self) -> Vec<(PathPattern, Range<usize>)> {
        let list = self.get(&["sacred", "paths"]);
        let list = list.and_then(|list| list.get_ref().as_array());
        list.into_iter()
            .flat_map(|list| list.iter())
            .filter_map(|path| Some((path.get_ref().as_str()?.parse().ok()?, path.span())))
            .collect()
    }

    /// Deadlines that contradict each other.
    fn patience(&self, findings: &mut Vec<Finding>) {
        let connect = self.integer(&["origin", "connect_timeout_ms"]);
        let first_byte = self.integer(&["origin", "first_byte_timeout_ms"]);
        let default = i64::from(self.defaults.origin.first_byte_timeout_ms);
        let Some((connect, at)) = connect else { return };
        let wait = first_byte.as_ref().map_or(default, |(wait, _)| *wait);
        if connect > wait {
            let finding = Finding::error("the connection may take longer than the first byte", at)
                .expected(format!("expected at most `first_byte_timeout_ms`, {wait}"));
            findings.push(match first_byte {
                Some((_, place)) => finding.related(place, "the whole wait"),
                None => finding.help(format!("`first_byte_timeout_ms` is {wait} by default")),
            });
        }
    }

    /// Metrics that are asked for and cannot come.
    fn rum(&self, findings: &mut Vec<Finding>) {
        let off = self
            .switch(&["rum", "enabled"])
            .filter(|(enabled, _)| !enabled);
        let injected = self
            .switch(&["passes", "inject_rum", "enabled"])
            .filter(|(enabled, _)| *enabled);
        if let (Some((_, off)), Some((_, injected))) = (&off, &injected) {
            findings.push(
                Finding::error(
                    "the beacon is injected, and nobody collects it",
                    injected.clone(),
                )
                .expected("needs `rum.enabled`")
                .related(off.clone(), "metrics are switched off here")
                .help("write `enabled = true` in `[rum]`, or remove this line"),
            );
        }
        let held_back = self
            .integer(&["holdback", "percent"])
            .filter(|(percent, _)| *percent > 0);
        if let (Some((_, off)), Some((percent, at))) = (&off, held_back) {
            findings.push(
                Finding::warning("visitors are held back, and nothing measures them", at)
                    .expected(format!("{percent} % get the slower shop for no result"))
                    .related(off.clone(), "metrics are switched off here")
                    .help("write `percent = 0`"),
            );
        }
        if let Some((0, at)) = self.integer(&["rum", "sample_percent"])
            && off.is_none()
        {
            findings.push(
                Finding::warning("no visitor reports", at)
                    .expected("metrics are on, and 0 % of visitors are asked")
                    .help("write `enabled = false` in `[rum]`, or a share above 0"),
            );
        }
        self.rates(findings);
    }

    fn rates(&self, findings: &mut Vec<Finding>) {
        let client = self.integer(&["rum", "client_per_second"]);
        let site = self.integer(&["rum", "site_per_second"]);
        let default = i64::from(self.defaults.rum.site_per_second);
        let limit = site.as_ref().map_or(default, |(limit, _)| *limit);
        let Some((_, at)) = client.filter(|(client, _)| *client > limit) else {
            // Only the site's limit is written, below what one client may send.
            let default = i64::from(self.defaults.rum.client_per_second);
            if let (None, Some((limit, at))) = (self.integer(&["rum", "client_per_second"]), site)
                && default > limit
            {
                findings.push(
                    Finding::error("one client may send more beacons than the whole site", at)
                        .expected(format!("expected at least `client_per_second`, {default}"))
                        .help(format!("`client_per_second` is {default} by default")),
                );
            }
            return;
        };
        let finding = Finding::error("one client may send more beacons than the whole site", at)
            .expected(format!("expected at most `site_per_second`, {limit}"));
        findings.push(match site {
            Some((_, place)) => finding.related(place, "the whole site"),
            None => finding.help(format!("`site_per_second` is {limit} by default")),
        });
    }

    /// What the passes themselves find wrong with their options.
    fn passes(&self, findings: &mut Vec<Finding>) {
        let Some(written) = self.get(&["passes"]) else {
            return;
        };
        // Options that have no value at all are the walk's to report.
        let Ok(passes) = passes::Config::deserialize(ValueDeserializer::from(written.clone()))
        else {
            return;
        };
        for problem in passes.problems() {
            let at = self.place(&problem.key).unwrap_or_else(|| written.span());
            let names = problem.key.split('.');
            let key: Vec<&str> = names
                .filter(|step| step.parse::<usize>().is_err())
                .collect();
            let title = format!("`{}` is refused", key.join("."));
            findings.push(Finding::error(title, at).expected(problem.message));
        }
    }

    /// Files of styles that cannot be used, and templates that there are not.
    fn critical_css(&self, files: ReadFile<'_>, findings: &mut Vec<Finding>) {
        let written = self.get(&["passes", "critical_css"]);
        let options = written.map(|written| ValueDeserializer::from(written.clone()));
        let Some(mut options) =
            options.and_then(|options| passes::critical_css::Options::deserialize(options).ok())
        else {
            return;
        };
        let place = |index: usize, key: &str| {
            self.place(&format!("passes.critical_css.rules.{index}.{key}"))
        };
        let names = self.template_names();
        for (index, rule) in options.rules.iter().enumerate() {
            if !is_template(&names, &rule.template) {
                let at = place(index, "template").unwrap_or_default();
                findings.push(no_template(&rule.template, at));
            }
        }
        for (index, why) in options.take_files(files) {
            let at = place(index, "file").unwrap_or_default();
            let finding = Finding::error("the style cannot be used", at);
            findings.push(finding.expected(why));
        }
    }

    fn template_names(&self) -> Vec<String> {
        let templates = self.all_templates().into_iter();
        templates
            .filter_map(|template| Some(template.name?.0))
            .collect()
    }

    /// Passes that cannot be on together, and overrides that mean nothing.
    fn overrides(&self, findings: &mut Vec<Finding>) {
        for (pass, contract) in passes::CONTRACTS {
            for (other, why) in contract.conflicts {
                let on = |pass: &str| {
                    let written = self.switch(&["passes", pass, "enabled"]);
                    let default = self.defaults.passes.is_enabled(pass) == Some(true);
                    written.map_or(default.then_some(None), |(on, at)| on.then_some(Some(at)))
                };
                let (Some(here), Some(there)) = (on(pass), on(other)) else {
                    continue;
                };
                let Some(at) = here.clone().or(there.clone()) else {
                    continue;
                };
                let title = format!("`{pass}` and `{other}` cannot both be on");
                let mut finding = Finding::error(title, at).expected((*why).to_owned());
                if let (Some(_), Some(place)) = (here, there) {
                    finding = finding.related(place, format!("`{other}` is switched on here"));
                }
                findings.push(finding.help("switch one of the two off"));
            }
        }
        let names = self.template_names();
        let list = self.get(&["overrides"]);
        let list = list.and_then(|list| list.get_ref().as_array());
        for table in list.into_iter().flat_map(|list| list.iter()) {
            let Some(entry) = table.get_ref().as_table() else {
                continue;
            };
            let texts = |key: &str| {
                let list = entry.get(key).and_then(|list| list.get_ref().as_array());
                list.into_iter().flat_map(|list| list.iter())
            };
            for name in texts("templates") {
                let text = name.get_ref().as_str();
                let unknown = text.filter(|text| !is_template(&names, text));
                findings.extend(unknown.map(|unknown| no_template(unknown, name.span())));
            }
            if texts("selectors").next().is_some()
                && let Some(on) = entry.get("on")
                && texts("on").next().is_some()
            {
                let title = "a pass cannot be switched on for a part of a page";
                let finding = Finding::error(title, on.span()).expected("expected `off`");
                findings.push(finding.help("leave `selectors` out, or write `off`"));
            }
            if texts("on").next().is_none() && texts("off").next().is_none() {
                let title = "the override changes nothing";
                let finding = Finding::error(title, table.span());
                findings.push(finding.expected("expected `on` or `off` with names of passes"));
            }
        }
    }

    /// Where a value is written, or the innermost table of it that is: `passes.preconnect.origins.2`.
    fn place(&self, key: &str) -> Option<Range<usize>> {
        let mut steps = key.split('.');
        let mut value = self.root.get(steps.next()?)?;
        for step in steps {
            let inner = match value.get_ref() {
                DeValue::Table(table) => table.get(step),
                DeValue::Array(list) => step.parse::<usize>().ok().and_then(|at| list.get(at)),
                _ => None,
            };
            let Some(inner) = inner else { break };
            value = inner;
        }
        Some(value.span())
    }

    fn switches(&self, findings: &mut Vec<Finding>) {
        if let Some((false, at)) = self.switch(&["enabled"]) {
            findings.push(
                Finding::warning("everything is switched off", at)
                    .expected("every byte passes through untouched"),
            );
        }
    }
}

fn is_template(names: &[String], name: &str) -> bool {
    name == OTHER || names.iter().any(|known| known == name)
}

fn no_template(name: &str, at: Range<usize>) -> Finding {
    Finding::error(format!("there is no template `{name}`"), at)
        .expected("expected a name from `[[templates]]`, or `other`")
}

fn always_sacred(path: &PathPattern, at: &Range<usize>) -> Option<Finding> {
    let sacred = route::is_sacred(&route::decoded(path.as_str()), "", &Policy::default());
    sacred.then(|| {
        Finding::warning("these pages are sacred", at.clone())
            .expected("nothing is done to them and no metrics are collected")
            .help("cart, checkout, account, login, order and payment pages always are")
    })
}

fn name_taken(name: &str, at: &Range<usize>, earlier: &[Template]) -> Option<Finding> {
    if name == OTHER {
        return Some(
            Finding::error(format!("`{OTHER}` is no name for a template"), at.clone())
                .expected("names the pages that match no template"),
        );
    }
    let first = earlier
        .iter()
        .filter_map(|template| template.name.as_ref())
        .find(|(first, _)| first == name)?;
    Some(
        Finding::error(format!("two templates are named `{name}`"), at.clone())
            .expected("expected a name of its own")
            .related(first.1.clone(), "the first one")
            .help("reports tell templates apart by name"),
    )
}

fn never_reached(path: &PathPattern, at: &Range<usize>, earlier: &[Template]) -> Option<Finding> {
    let (first, place) = earlier
        .iter()
        .filter_map(|template| template.path.as_ref())
        .find(|(first, _)| first.covers(path))?;
    Some(
        Finding::warning("no page is of this template", at.clone())
            .expected(format!("every such page matches `{first}` first"))
            .related(place.clone(), "the first match wins")
            .help("put the narrower template first"),
    )
}
