//! `spin:variables`: templates of the manifest, filled from a snapshot that can be swapped while requests run.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

/// Text with `{{ name }}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| format!("`{{{{` without `}}}}` in `{text}`"))?;
            let name = name.trim();
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!("`{{{{ {name} }}}}` is not the name of a variable"));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Name(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    fn fill(&self, values: &BTreeMap<String, String>) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Name(name) => values.get(name).map_or("", String::as_str),
            })
            .collect()
    }
}

/// The variables of one component, as it sees them.
pub(crate) struct Variables {
    templates: BTreeMap<String, Template>,
    filled: RwLock<Arc<HashMap<String, Arc<str>>>>,
}

impl Variables {
    pub(crate) fn new(templates: BTreeMap<String, Template>) -> Self {
        Self {
            templates,
            filled: RwLock::default(),
        }
    }

    /// Replaces all values at once: a reader sees the old ones or the new ones, never some of each.
    pub(crate) fn swap(&self, values: &BTreeMap<String, String>) {
        let filled: HashMap<_, Arc<str>> = self
            .templates
            .iter()
            .map(|(name, template)| (name.clone(), template.fill(values).into()))
            .collect();
        *self.filled.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(filled);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<str>> {
        let filled = self.filled.read().unwrap_or_else(PoisonError::into_inner);
        filled.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_from_the_values() {
        let template = Template::parse("https://{{ host }}:{{port}}/x").unwrap();
        let values = BTreeMap::from([("host".into(), "a.b".into()), ("port".into(), "1".into())]);
        assert_eq!(template.fill(&values), "https://a.b:1/x");
        assert_eq!(template.names().collect::<Vec<_>>(), ["host", "port"]);
    }

    #[test]
    fn a_broken_template_is_refused() {
        assert!(Template::parse("{{ x").is_err());
        assert!(Template::parse("{{ a b }}").is_err());
        assert!(Template::parse("{{}}").is_err());
    }

    #[test]
    fn values_are_swapped_as_a_whole() {
        let variables = Variables::new(BTreeMap::from([(
            "v".into(),
            Template::parse("{{ a }}{{ b }}").unwrap(),
        )]));
        variables.swap(&BTreeMap::from([
            ("a".into(), "1".into()),
            ("b".into(), "1".into()),
        ]));
        assert_eq!(&*variables.get("v").unwrap(), "11");
        variables.swap(&BTreeMap::from([
            ("a".into(), "2".into()),
            ("b".into(), "2".into()),
        ]));
        assert_eq!(&*variables.get("v").unwrap(), "22");
        assert!(variables.get("w").is_none());
    }
}
