//! The JSON Schema of `vitrine.toml`, generated from the types, and the walk that holds a document
//! against it.
//!
//! The walk knows no key by name: what a key may hold, its bound, its unit and its words come from the
//! schema, so a new setting is checked, explained and documented by being declared.

use schemars::generate::SchemaSettings;
use serde_json::Value;

/// JSON Schema (2020-12) of `vitrine.toml`. Beside the standard keywords, `x-unit` names a number's unit.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
    });
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<super::Config>()
        .to_value();
    schema["title"] = "vitrine.toml".into();
    add_units("", &mut schema);
    // A pass is described once, in the head of its file.
    for docs in crate::html::passes::docs() {
        let pass = &mut schema["properties"]["passes"]["properties"][docs.name];
        pass["description"] = docs.what.into();
    }
    schema
}

/// Units that a key's name states need no `x-unit` of their own.
const UNIT_SUFFIXES: [(&str, &str); 8] = [
    ("_ms", "milliseconds"),
    ("_s", "seconds"),
    ("_days", "days"),
    ("_bytes", "bytes"),
    ("_pixels", "pixels"),
    ("_px", "CSS pixels"),
    ("percent", "percent"),
    ("_per_second", "beacons per second"),
];

fn add_units(key: &str, schema: &mut Value) {
    if is_number(schema) && schema.get("x-unit").is_none() {
        let unit = UNIT_SUFFIXES
            .iter()
            .find(|(suffix, _)| key.ends_with(suffix));
        if let Some((_, unit)) = unit {
            schema["x-unit"] = (*unit).into();
        }
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (key, property) in properties {
            add_units(key, property);
        }
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(inner).filter(|inner| inner.is_object()) {
            add_units(key, inner);
        }
    }
}

fn is_number(schema: &Value) -> bool {
    matches!(kind(schema), Kind::Integer | Kind::Number)
}

/// What a schema admits, as far as TOML tells values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of a list of texts.
    Choice,
    Text,
    Integer,
    Number,
    Switch,
    List,
    Table,
    /// Something that only the type itself can check.
    Other,
}

pub(super) fn kind(schema: &Value) -> Kind {
    if !choices(schema).is_empty() {
        return Kind::Choice;
    }
    let types = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        // TOML has no null: an optional value is absent.
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ => Vec::new(),
    };
    match types[..] {
        ["string"] => Kind::Text,
        ["integer"] => Kind::Integer,
        ["number"] => Kind::Number,
        ["boolean"] => Kind::Switch,
        ["array"] => Kind::List,
        ["object"] => Kind::Table,
        _ => Kind::Other,
    }
}

/// The texts that a closed choice admits, each with its words; empty for anything else.
pub(super) fn choices(schema: &Value) -> Vec<(&str, &str)> {
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        return list
            .iter()
            .filter_map(|choice| Some((choice.as_str()?, "")))
            .collect();
    }
    if let Some(one) = schema.get("const").and_then(Value::as_str) {
        return vec![(one, description(schema))];
    }
    let variants = ["oneOf", "anyOf"]
        .iter()
        .find_map(|key| schema.get(key)?.as_array());
    let Some(variants) = variants else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for variant in variants.iter().filter(|variant| !is_null(variant)) {
        let some = choices(variant);
        if some.is_empty() {
            return Vec::new();
        }
        all.extend(some);
    }
    all
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The schema without the wrapping that an optional value has.
pub(super) fn without_null(schema: &Value) -> &Value {
    let variants = schema.get("anyOf").and_then(Value::as_array);
    let Some(variants) = variants else {
        return schema;
    };
    let mut rest = variants.iter().filter(|variant| !is_null(variant));
    match (rest.next(), rest.next()) {
        (Some(only), None) => only,
        _ => schema,
    }
}

/// The words of a schema, without its default section.
pub(super) fn description(schema: &Value) -> &str {
    let text = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.split("### Default").next().unwrap_or(text).trim()
}

/// The first paragraph of the words, on one line.
pub(super) fn summary(schema: &Value) -> String {
    let first = description(schema).split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn number(schema: &Value, key: &str) -> Option<f64> {
    schema.get(key).and_then(Value::as_f64)
}

/// What a value has to be, with its bound and unit: `an integer from 10 to 60000, in milliseconds`.
pub(super) fn expectation(schema: &Value) -> String {
    let schema = without_null(schema);
    match kind(schema) {
        Kind::Choice => one_of(choices(schema).iter().map(|(choice, _)| *choice)),
        Kind::Text => text_expectation(schema),
        Kind::Integer => format!("an integer{}", bound(schema)),
        Kind::Number => format!("a number{}", bound(schema)),
        Kind::Switch => "`true` or `false`".into(),
        Kind::List => match schema.get("items") {
            Some(items) if kind(items) == Kind::Table => "a list of tables".into(),
            Some(items) => format!("a list, each entry {}", expectation(items)),
            None => "a list".into(),
        },
        Kind::Table => "a table".into(),
        Kind::Other => "another value".into(),
    }
}

/// Most choices that a message lists; the reference lists them all.
pub(super) const MOST_CHOICES: usize = 12;

pub(super) fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        [few @ .., _] if quoted.len() > MOST_CHOICES => {
            let few = few[..MOST_CHOICES / 2].join(", ");
            format!("one of {} names, such as {few}", quoted.len())
        }
        _ => format!("one of {}", quoted.join(", ")),
    }
}

fn text_expectation(schema: &Value) -> String {
    let format = schema.get("format").and_then(Value::as_str);
    if let Some(format) = format {
        return super::format::noun(format).into();
    }
    match schema.get("pattern").and_then(Value::as_str) {
        Some(pattern) => format!("a text of the form `{pattern}`"),
        None => match schema.get("maxLength").and_then(Value::as_u64) {
            Some(max) => format!("a text of at most {max} characters"),
            None => "a text".into(),
        },
    }
}

/// ` from 10 to 60000, in milliseconds`, as far as the schema says.
pub(super) fn bound(schema: &Value) -> String {
    let written = |key| schema.get(key).map(ToString::to_string);
    let range = match (written("minimum"), written("maximum")) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" of at least {min}"),
        (None, Some(max)) => format!(" of at most {max}"),
        (None, None) => String::new(),
    };
    let unit = schema.get("x-unit").and_then(Value::as_str);
    unit.map_or(range.clone(), |unit| format!("{range}, in {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `visit` with the dotted path of every key, tables included.
    fn each_key(at: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            let path = format!("{at}{}{key}", if at.is_empty() { "" } else { "." });
            visit(&path, property);
            let property = without_null(property);
            each_key(&path, property, visit);
            for inner in ["items", "additionalProperties"] {
                if let Some(inner) = property.get(inner) {
                    each_key(&path, inner, visit);
                }
            }
        }
    }

    /// Checks every key that holds a value, and reports all that fail.
    fn check_values(problem: impl Fn(&Value) -> Option<String>) {
        let mut problems = Vec::new();
        each_key("", &json_schema(), &mut |path, schema| {
            let inner = without_null(schema);
            let table = kind(inner) == Kind::Table && inner.get("properties").is_some();
            if !table && let Some(problem) = problem(schema) {
                problems.push(format!("{path} {problem}"));
            }
        });
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    #[test]
    fn every_key_has_words() {
        each_key("", &json_schema(), &mut |path, schema| {
            let words = summary(schema);
            assert!(words.ends_with(['.', ':']), "{path}: {words}");
        });
    }

    #[test]
    fn every_key_states_its_default_and_the_default_is_that() {
        check_values(|schema| {
            let words = schema["description"].as_str().unwrap_or_default();
            let Some((_, stated)) = words.split_once("### Default\n") else {
                return Some("has no `### Default`".into());
            };
            let actual = schema.get("default").filter(|actual| !actual.is_null());
            let Some(actual) = actual else {
                return (!stated.starts_with("None")).then(|| format!("has none, not {stated}"));
            };
            let quoted = stated.split('`').nth(1).unwrap_or_default();
            (serde_json::from_str::<Value>(quoted).ok().as_ref() != Some(actual))
                .then(|| format!("has {actual}, not {stated}"))
        });
    }

    #[test]
    fn every_number_has_a_unit_and_two_bounds() {
        check_values(|schema| {
            let schema = without_null(schema);
            let lacking = ["minimum", "maximum", "x-unit"]
                .into_iter()
                .find(|key| is_number(schema) && schema.get(*key).is_none())?;
            Some(format!("has no {lacking}"))
        });
    }

    fn unbounded(schema: &Value) -> Option<String> {
        let schema = without_null(schema);
        let has = |key: &str| schema.get(key).is_some();
        let bounded = match kind(schema) {
            Kind::Text => has("maxLength") || has("pattern") || has("format"),
            Kind::List => has("maxItems"),
            Kind::Table => has("properties") || has("maxProperties"),
            Kind::Other => return Some(format!("is nothing that the walk can check: {schema}")),
            Kind::Choice | Kind::Integer | Kind::Number | Kind::Switch => true,
        };
        match schema.get("items") {
            _ if !bounded => Some("has no bound".into()),
            Some(items) if items.get("properties").is_none() => unbounded(items),
            _ => None,
        }
    }

    #[test]
    fn every_text_and_list_has_a_bound() {
        check_values(unbounded);
    }

    #[test]
    fn every_format_and_pattern_is_one_that_is_checked() {
        fn unchecked(schema: &Value) -> Option<String> {
            let schema = without_null(schema);
            let text = |key: &str| schema.get(key).and_then(Value::as_str);
            if let Some(format) = text("format").filter(|_| !is_number(schema))
                && !super::super::format::FORMATS.contains(&format)
            {
                return Some(format!("has the format {format}, which nobody checks"));
            }
            if let Some(pattern) = text("pattern")
                && let Err(error) = regex_lite::Regex::new(pattern)
            {
                return Some(error.to_string());
            }
            schema.get("items").and_then(unchecked)
        }
        check_values(unchecked);
    }

    #[test]
    fn every_table_refuses_unknown_keys() {
        let schema = json_schema();
        assert_eq!(schema["additionalProperties"], false);
        each_key("", &schema, &mut |path, schema| {
            let inner = without_null(schema);
            let inner = inner.get("items").unwrap_or(inner);
            if inner.get("properties").is_some() {
                assert_eq!(inner["additionalProperties"], false, "{path}");
            }
        });
    }
}
