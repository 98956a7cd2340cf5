//! Holds a TOML document against the schema: unknown keys, wrong types, values out of bounds, unknown
//! choices, texts of the wrong form. Every finding, not the first.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::finding::Finding;
use super::format;
use super::schema::{self, Kind};

/// Checks a document against the schema of the whole file.
pub(super) fn check(text: &str, document: &Spanned<DeTable<'_>>, schema: &Value) -> Vec<Finding> {
    let mut walk = Walk {
        text,
        root: schema,
        findings: Vec::new(),
    };
    walk.table("", schema, document.get_ref(), document.span());
    walk.findings
}

/// The bytes of a text within a string of the document, where its literal has no escapes; else all of it.
pub(super) fn within(
    text: &str,
    literal: Range<usize>,
    value: &str,
    at: &Range<usize>,
) -> Range<usize> {
    let written = text.get(literal.clone()).unwrap_or_default();
    let plain = written.len() == value.len() + 2 && written.get(1..=value.len()) == Some(value);
    if plain {
        literal.start + 1 + at.start..literal.start + 1 + at.end
    } else {
        literal
    }
}

struct Walk<'a> {
    text: &'a str,
    root: &'a Value,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn table(&mut self, path: &str, schema: &Value, table: &DeTable<'_>, at: Range<usize>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let further = schema
            .get("additionalProperties")
            .filter(|further| further.is_object());
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let inner = match path {
                "" => name.to_owned(),
                _ => format!("{path}.{name}"),
            };
            match properties
                .and_then(|properties| properties.get(name))
                .or(further)
            {
                Some(property) => self.value(&inner, property, value, key.span()),
                None => self.unknown_key(path, schema, name, key.span()),
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !table.keys().any(|key| key.get_ref() == name) {
                let words = &schema["properties"][name];
                self.findings.push(
                    Finding::error(
                        format!("{} has no `{name}`", heading(path, self.root)),
                        at.clone(),
                    )
                    .expected(format!("expected a key `{name}`"))
                    .help(format!("`{name}`: {}", schema::summary(words))),
                );
            }
        }
        let most = schema.get("maxProperties").and_then(Value::as_u64);
        if let Some(most) = most.filter(|most| table.len() as u64 > *most) {
            self.findings.push(
                Finding::error(format!("`{path}` has {} entries", table.len()), at)
                    .expected(format!("expected at most {most}")),
            );
        }
    }

    fn unknown_key(&mut self, path: &str, schema: &Value, name: &str, at: Range<usize>) {
        let valid: Vec<&str> = schema
            .get("properties")
            .and_then(Value::as_object)
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let passes = path == "passes";
        let table = heading(path, self.root);
        let mut finding = if passes {
            Finding::error(format!("unknown pass `{name}`"), at)
                .expected(format!("not one of the {} passes", valid.len()))
        } else {
            Finding::error(format!("unknown key `{name}` in {table}"), at)
                .expected(format!("not a key of {table}"))
        };
        let home = homes(self.root, name);
        finding = if let Some(why) = never(schema, name) {
            finding.help(why)
        } else if let Some(nearest) = nearest(name, valid.iter().copied()) {
            finding.help(format!("did you mean `{nearest}`?"))
        } else if let [home] = home.as_slice() {
            finding.help(format!("`{name}` is a key of {}", heading(home, self.root)))
        } else {
            finding.help(format!("{table} has {}", listed(&valid)))
        };
        if passes {
            finding = finding.help("`vitrine explain passes` lists them all");
        }
        self.findings.push(finding);
    }

    fn value(
        &mut self,
        path: &str,
        schema: &Value,
        value: &Spanned<DeValue<'_>>,
        key: Range<usize>,
    ) {
        let at = value.span();
        let whole = schema;
        let schema = schema::without_null(schema);
        match (schema::kind(schema), value.get_ref()) {
            (Kind::Table, DeValue::Table(table)) => self.table(path, schema, table, key),
            (Kind::List, DeValue::Array(list)) => self.list(path, schema, list, key),
            (Kind::Choice, DeValue::String(text)) => self.choice(path, whole, text, at),
            (Kind::Text, DeValue::String(text)) => self.string(path, whole, text, at),
            (Kind::Integer | Kind::Number, DeValue::Integer(number)) => {
                self.number(path, whole, integer(number), at);
            }
            (Kind::Number, DeValue::Float(number)) => {
                self.number(path, whole, number.as_str().parse().unwrap_or(f64::NAN), at);
            }
            (Kind::Switch, DeValue::Boolean(_)) | (Kind::Other, _) => {}
            // A table's span is that of its whole header or braces; the key says which.
            (_, DeValue::Table(_)) => self.wrong_type(path, whole, value.get_ref(), key),
            (_, other) => self.wrong_type(path, whole, other, at),
        }
    }

    fn list(
        &mut self,
        path: &str,
        schema: &Value,
        list: &[Spanned<DeValue<'_>>],
        key: Range<usize>,
    ) {
        let most = schema.get("maxItems").and_then(Value::as_u64);
        if let Some(most) = most.filter(|most| list.len() as u64 > *most) {
            self.findings.push(
                Finding::error(format!("`{path}` has {} entries", list.len()), key)
                    .expected(format!("expected at most {most}")),
            );
        }
        if let Some(items) = schema.get("items") {
            for item in list {
                self.value(path, items, item, item.span());
            }
        }
    }

    fn choice(&mut self, path: &str, schema: &Value, text: &str, at: Range<usize>) {
        let choices = schema::choices(schema::without_null(schema));
        if choices.iter().any(|(choice, _)| *choice == text) {
            return;
        }
        let names = || choices.iter().map(|(choice, _)| *choice);
        let mut finding = Finding::error(format!("unknown value {text:?} for `{path}`"), at)
            .expected(format!("expected {}", schema::one_of(names())));
        if let Some(why) = never(schema, text) {
            finding = finding.help(why);
        } else if let Some(nearest) = nearest(text, names()) {
            finding = finding.help(format!("did you mean {nearest:?}?"));
        }
        self.findings.push(explained(finding, path, schema));
    }

    fn string(&mut self, path: &str, schema: &Value, text: &str, at: Range<usize>) {
        let whole = schema;
        let schema = schema::without_null(schema);
        let format = schema.get("format").and_then(Value::as_str);
        if let Some(format) = format
            && let Err(mistake) = format::check(format, text)
        {
            let spot = within(self.text, at.clone(), text, &mistake.at);
            let noun = format::noun(format);
            let mut finding =
                Finding::error(format!("`{path}` is not {noun}"), spot).expected(mistake.problem);
            if let Some(help) = mistake.help {
                finding = finding.help(help);
            }
            self.findings.push(explained(finding, path, whole));
            return;
        }
        let long = schema
            .get("maxLength")
            .and_then(Value::as_u64)
            .is_some_and(|max| text.chars().count() as u64 > max);
        let pattern = schema.get("pattern").and_then(Value::as_str);
        let unlike = pattern
            .and_then(|pattern| regex_lite::Regex::new(pattern).ok())
            .is_some_and(|pattern| !pattern.is_match(text));
        if long || unlike {
            let what = if long {
                "too long"
            } else {
                "not of the right form"
            };
            let finding = Finding::error(format!("`{path}` is {what}"), at)
                .expected(format!("expected {}", schema::expectation(schema)));
            self.findings.push(explained(finding, path, whole));
        }
    }

    fn number(&mut self, path: &str, schema: &Value, number: f64, at: Range<usize>) {
        let whole = schema;
        let schema = schema::without_null(schema);
        let below = schema::number(schema, "minimum").is_some_and(|min| number < min);
        let above = schema::number(schema, "maximum").is_some_and(|max| number > max);
        if below || above || number.is_nan() {
            let bound = if below { "below" } else { "above" };
            let finding = Finding::error(format!("`{path}` is {bound} its bound"), at)
                .expected(format!("expected {}", schema::expectation(schema)));
            self.findings.push(explained(finding, path, whole));
        }
    }

    fn wrong_type(&mut self, path: &str, schema: &Value, value: &DeValue<'_>, at: Range<usize>) {
        let expected = schema::expectation(schema);
        let mut finding = Finding::error(format!("`{path}` is {}", found(value)), at)
            .expected(format!("expected {expected}"));
        let inner = schema::without_null(schema);
        if let Some(help) = type_help(path, inner, value, self.root) {
            finding = finding.help(help);
        }
        self.findings.push(explained(finding, path, schema));
    }
}

/// What to write instead, where the mistake says what was meant.
fn type_help(path: &str, schema: &Value, value: &DeValue<'_>, root: &Value) -> Option<String> {
    let table_list = schema
        .get("items")
        .is_some_and(|items| schema::kind(items) == Kind::Table);
    match (schema::kind(schema), value) {
        (Kind::Table, _) => Some(format!(
            "write {} on a line of its own, and its keys below it",
            heading(path, root)
        )),
        (Kind::List, DeValue::Table(_)) if table_list => {
            Some(format!("write `[[{path}]]`, once for each"))
        }
        (Kind::List, DeValue::String(text)) => Some(format!("write `[{text:?}]`")),
        (Kind::Integer | Kind::Number, DeValue::String(text)) => {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            let unit = schema.get("x-unit").and_then(Value::as_str);
            match (digits.as_str(), unit) {
                ("", _) => None,
                (digits, Some(unit)) if digits.len() < text.len() => {
                    Some(format!("write the number of {unit} alone, without quotes"))
                }
                (digits, _) => Some(format!("write `{digits}`, without quotes")),
            }
        }
        (Kind::Integer, DeValue::Float(_)) => Some("write a whole number".into()),
        (Kind::Switch, DeValue::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some("write `true`, without quotes".into()),
            "false" | "no" | "off" | "0" => Some("write `false`, without quotes".into()),
            _ => None,
        },
        (Kind::Switch, DeValue::Integer(number)) => match number.as_str() {
            "1" => Some("write `true`".into()),
            "0" => Some("write `false`".into()),
            _ => None,
        },
        (Kind::Text | Kind::Choice, DeValue::Integer(_) | DeValue::Float(_)) => {
            Some("write it in quotes".into())
        }
        _ => None,
    }
}

/// Adds what the key is for.
fn explained(finding: Finding, path: &str, schema: &Value) -> Finding {
    match schema::summary(schema) {
        words if words.is_empty() => finding,
        words => finding.help(format!("`{path}`: {words}")),
    }
}

fn integer(number: &DeInteger<'_>) -> f64 {
    // Far outside every bound still says on which side.
    i128::from_str_radix(number.as_str(), number.radix()).map_or(f64::MAX, |number| number as f64)
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a switch",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A table as it is written: `[origin]`, `[[templates]]`, or the file itself.
fn heading(path: &str, root: &Value) -> String {
    if path.is_empty() {
        return "the file".into();
    }
    let mut schema = root;
    for key in path.split('.') {
        let table = schema::without_null(schema);
        let table = table.get("items").unwrap_or(table);
        schema = &table["properties"][key];
    }
    if schema::kind(schema::without_null(schema)) == Kind::List {
        format!("`[[{path}]]`")
    } else {
        format!("`[{path}]`")
    }
}

/// The tables that have a key of this name.
fn homes(root: &Value, name: &str) -> Vec<String> {
    fn collect(path: &str, schema: &Value, name: &str, homes: &mut Vec<String>) {
        let schema = schema::without_null(schema);
        let schema = schema.get("items").unwrap_or(schema);
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        if properties.contains_key(name) {
            homes.push(path.to_owned());
        }
        for (key, property) in properties {
            let inner = match path {
                "" => key.clone(),
                _ => format!("{path}.{key}"),
            };
            collect(&inner, property, name, homes);
        }
    }
    let mut homes = Vec::new();
    collect("", root, name, &mut homes);
    homes
}

/// Why there is no key or choice of this name and never will be, where the schema says so (`x-never`).
fn never<'a>(schema: &'a Value, name: &str) -> Option<&'a str> {
    let plain = name.to_lowercase().replace('-', "_");
    schema.get("x-never")?.get(&plain)?.as_str()
}

/// The name that was most probably meant: at most a third of it is different.
fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let written = plain(written);
    let limit = (written.chars().count() / 3).max(1);
    names
        .map(|name| {
            let name_plain = plain(name);
            // `timeout` for `timeout_ms`: a name that only lacks its unit is near however short it is.
            let distance = if name_plain
                .strip_prefix(&*written)
                .is_some_and(|rest| rest.starts_with('_'))
            {
                1
            } else {
                strsim::damerau_levenshtein(&written, &name_plain)
            };
            (distance, name)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "no keys".into(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
