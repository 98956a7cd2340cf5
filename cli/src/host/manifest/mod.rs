//! `spin.toml`, version 2: what this host understands of it. Anything else is refused with its place and name.

mod reader;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

pub(crate) use reader::Findings;
use reader::{Node, Reader};

use super::limits::{self, Limits};
use super::outbound::allow::Allowed;
use super::routes::Pattern;
use super::variables::Template;

/// An application.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// `application.name`.
    pub(crate) name: String,
    /// `[variables]`.
    pub(crate) variables: BTreeMap<String, Variable>,
    /// Which component answers where.
    pub(crate) routes: Vec<(Pattern, String)>,
    /// `[component.ID]`.
    pub(crate) components: BTreeMap<String, Component>,
}

/// `[variables] NAME = { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) default: Option<String>,
}

/// `[component.ID]`
#[derive(Debug)]
pub(crate) struct Component {
    /// Path of the component, relative to the manifest.
    pub(crate) source: String,
    pub(crate) allowed: Allowed,
    pub(crate) key_value: BTreeSet<String>,
    pub(crate) sqlite: BTreeSet<String>,
    pub(crate) variables: BTreeMap<String, Template>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) files: Vec<Mount>,
    pub(crate) limits: Limits,
}

/// An entry of `files`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mount {
    /// Files that match, at the same path in the guest.
    Glob(String),
    /// A directory, elsewhere in the guest.
    Directory { source: String, destination: String },
}

const NO_BACKEND: &str = "this host has no such service";

impl Manifest {
    /// Reads a manifest. `file` is its name in messages.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Findings> {
        let mut reader = Reader::new(file, text);
        let document = match DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                reader.wrong(&span, error.message().to_owned());
                return Err(Findings(reader.findings));
            }
        };
        let root = Node {
            path: String::new(),
            span: 0..0,
            table: document.get_ref(),
        };
        let manifest = read(&mut reader, &root);
        if reader.findings.is_empty() {
            Ok(manifest)
        } else {
            Err(Findings(reader.findings))
        }
    }
}

fn read<'a>(reader: &mut Reader<'a>, root: &Node<'a>) -> Manifest {
    reader.only(
        root,
        &[
            "spin_manifest_version",
            "application",
            "variables",
            "trigger",
            "component",
        ],
        &[],
    );
    if !root.table.contains_key("spin_manifest_version") {
        reader.wrong(&root.span, "`spin_manifest_version` is missing".into());
    }
    reader.number(root, "spin_manifest_version", 2..=2);
    let name = application(reader, root);
    let variables = variables(reader, root);
    let components: BTreeMap<_, _> = reader
        .tables(root, "component")
        .into_iter()
        .map(|(id, node)| {
            let component = component(reader, &id, &node, &variables);
            (id, component)
        })
        .collect();
    let routes = triggers(reader, root, &components);
    Manifest {
        name,
        variables,
        routes,
        components,
    }
}

fn application<'a>(reader: &mut Reader<'a>, root: &Node<'a>) -> String {
    let Some(node) = reader.table(root, "application") else {
        reader.wrong(&root.span, "`[application]` is missing".into());
        return String::new();
    };
    reader.only(
        &node,
        &[
            "name",
            "version",
            "description",
            "authors",
            "targets",
            "tool",
        ],
        &[(
            "trigger",
            "only the HTTP trigger exists, and it has no settings here",
        )],
    );
    let name = reader.required(&node, "name");
    name.map_or_else(String::new, Spanned::into_inner)
}

fn variables<'a>(reader: &mut Reader<'a>, root: &Node<'a>) -> BTreeMap<String, Variable> {
    let mut found = BTreeMap::new();
    for (name, node) in reader.tables(root, "variables") {
        reader.only(
            &node,
            &["default", "required", "secret", "description"],
            &[],
        );
        reader.boolean(&node, "secret");
        let required = reader.boolean(&node, "required").unwrap_or(false);
        let default = reader.string(&node, "default").map(Spanned::into_inner);
        if required == default.is_some() {
            let path = &node.path;
            reader.wrong(
                &node.span,
                format!("`{path}` needs either `default` or `required = true`"),
            );
        }
        found.insert(name, Variable { default });
    }
    found
}

fn triggers<'a>(
    reader: &mut Reader<'a>,
    root: &Node<'a>,
    components: &BTreeMap<String, Component>,
) -> Vec<(Pattern, String)> {
    let Some(node) = reader.table(root, "trigger") else {
        reader.wrong(&root.span, "`[[trigger.http]]` is missing".into());
        return Vec::new();
    };
    for (kind, _) in node.table {
        if kind.get_ref() != "http" {
            let message = format!(
                "trigger type `{}` is not supported: only `[[trigger.http]]` is",
                kind.get_ref()
            );
            reader.wrong(&kind.span(), message);
        }
    }
    let mut routes: Vec<(Pattern, String)> = Vec::new();
    for value in reader.array(&node, "http") {
        let Some(trigger) = reader.as_table("trigger.http".into(), value) else {
            continue;
        };
        if let Some(route) = trigger_http(reader, &trigger, components) {
            if routes.iter().any(|(pattern, _)| *pattern == route.0) {
                let message = format!("route `{}` is given twice", route.0);
                reader.wrong(&trigger.span, message);
            }
            routes.push(route);
        }
    }
    routes
}

/// The route of one trigger; `None` for a private one.
fn trigger_http<'a>(
    reader: &mut Reader<'a>,
    trigger: &Node<'a>,
    components: &BTreeMap<String, Component>,
) -> Option<(Pattern, String)> {
    reader.only(
        trigger,
        &["id", "route", "component"],
        &[
            ("executor", "every component is a `wasi:http/service` (0.3)"),
            ("components", NO_BACKEND),
            ("static_response", NO_BACKEND),
        ],
    );
    let component = reader.required(trigger, "component");
    if let Some(id) = &component
        && !components.contains_key(id.get_ref())
    {
        reader.wrong(
            &id.span(),
            format!("there is no `[component.{}]`", id.get_ref()),
        );
    }
    if trigger
        .table
        .get("route")
        .is_some_and(|r| r.get_ref().is_table())
    {
        let node = reader.table(trigger, "route")?;
        reader.only(&node, &["private"], &[]);
        if reader.boolean(&node, "private") != Some(true) {
            reader.wrong(
                &node.span,
                "`route` must be a path or `{ private = true }`".into(),
            );
        }
        return None;
    }
    let route = reader.required(trigger, "route")?;
    match Pattern::parse(route.get_ref()) {
        Ok(pattern) => Some((pattern, component?.into_inner())),
        Err(message) => {
            reader.wrong(&route.span(), message);
            None
        }
    }
}

fn component<'a>(
    reader: &mut Reader<'a>,
    id: &str,
    node: &Node<'a>,
    variables: &BTreeMap<String, Variable>,
) -> Component {
    reader.only(
        node,
        &[
            "source",
            "description",
            "variables",
            "environment",
            "files",
            "allowed_outbound_hosts",
            "key_value_stores",
            "sqlite_databases",
            "targets",
            "build",
            "tool",
        ],
        &[
            ("ai_models", NO_BACKEND),
            ("exclude_files", "name the files to mount instead"),
            ("allowed_http_hosts", "write `allowed_outbound_hosts`"),
            (
                "dependencies",
                "compose the component before it is deployed",
            ),
            (
                "dependencies_inherit_configuration",
                "there are no dependencies here",
            ),
            ("profile", "there is one profile"),
        ],
    );
    Component {
        source: source(reader, node),
        allowed: allowed(reader, node),
        key_value: labels(reader, node, "key_value_stores"),
        sqlite: labels(reader, node, "sqlite_databases"),
        variables: templates(reader, node, variables),
        environment: reader
            .string_map(node, "environment")
            .into_iter()
            .map(|(name, value)| (name, value.into_inner()))
            .collect(),
        files: files(reader, node),
        limits: limits(reader, id, node),
    }
}

fn source<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> String {
    if node
        .table
        .get("source")
        .is_some_and(|s| s.get_ref().is_table())
    {
        let path = node.key("source");
        reader.wrong(
            &node.span,
            format!("`{path}` must be a path: components are not fetched from a URL or a registry"),
        );
        return String::new();
    }
    let source = reader.required(node, "source");
    source.map_or_else(String::new, Spanned::into_inner)
}

fn allowed<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Allowed {
    let mut allowed = Allowed::default();
    for host in reader.strings(node, "allowed_outbound_hosts") {
        if let Err(message) = allowed.add(host.get_ref()) {
            reader.wrong(&host.span(), message);
        }
    }
    allowed
}

fn labels<'a>(reader: &mut Reader<'a>, node: &Node<'a>, key: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for label in reader.strings(node, key) {
        // A label becomes part of a file name.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if label.get_ref().is_empty()
            || label.get_ref().len() > 64
            || !label.get_ref().chars().all(plain)
        {
            let message = format!(
                "label `{}` must be 1 to 64 letters, digits, `-` or `_`",
                label.get_ref()
            );
            reader.wrong(&label.span(), message);
        }
        found.insert(label.into_inner());
    }
    found
}

fn templates<'a>(
    reader: &mut Reader<'a>,
    node: &Node<'a>,
    variables: &BTreeMap<String, Variable>,
) -> BTreeMap<String, Template> {
    let mut found = BTreeMap::new();
    for (name, value) in reader.string_map(node, "variables") {
        match Template::parse(value.get_ref()) {
            Ok(template) => {
                for missing in template.names().filter(|n| !variables.contains_key(*n)) {
                    reader.wrong(&value.span(), format!("there is no variable `{missing}`"));
                }
                found.insert(name, template);
            }
            Err(message) => reader.wrong(&value.span(), message),
        }
    }
    found
}

fn files<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for value in reader.array(node, "files") {
        if let Some(glob) = value.get_ref().as_str() {
            if glob.starts_with('/') || glob.split('/').any(|part| part == "..") {
                reader.wrong(
                    &value.span(),
                    format!("`{glob}` leaves the manifest's directory"),
                );
            }
            mounts.push(Mount::Glob(glob.to_owned()));
            continue;
        }
        let Some(mount) = reader.as_table(node.key("files"), value) else {
            continue;
        };
        reader.only(&mount, &["source", "destination"], &[]);
        let source = reader.required(&mount, "source");
        let destination = reader.required(&mount, "destination");
        if let (Some(source), Some(destination)) = (source, destination) {
            if !destination.get_ref().starts_with('/') {
                let message = format!("`{}` must begin with `/`", destination.get_ref());
                reader.wrong(&destination.span(), message);
            }
            mounts.push(Mount::Directory {
                source: source.into_inner(),
                destination: destination.into_inner(),
            });
        }
    }
    mounts
}

/// `[component.ID.tool.vitrine]`, which Spin ignores.
fn limits<'a>(reader: &mut Reader<'a>, id: &str, node: &Node<'a>) -> Limits {
    let mut limits = Limits::of(id);
    let Some(tool) = reader.table(node, "tool") else {
        return limits;
    };
    let Some(ours) = reader.table(&tool, "vitrine") else {
        return limits;
    };
    reader.only(
        &ours,
        &[
            "memory_mib",
            "request_ms",
            "after_response_ms",
            "idle_ms",
            "reuse",
            "concurrent",
            "cpu_heavy",
        ],
        &[],
    );
    let most_ms = limits::MAX_REQUEST.as_millis() as u64;
    if let Some(mib) = reader.number(&ours, "memory_mib", 1..=(limits::MAX_MEMORY >> 20) as u64) {
        limits.memory = (mib as usize) << 20;
    }
    if let Some(ms) = reader.number(&ours, "request_ms", 10..=most_ms) {
        limits.request = Duration::from_millis(ms);
    }
    if let Some(ms) = reader.number(&ours, "after_response_ms", 10..=most_ms) {
        limits.after_response = Duration::from_millis(ms);
    }
    if let Some(ms) = reader.number(&ours, "idle_ms", 1..=most_ms) {
        limits.idle = Duration::from_millis(ms);
    }
    if let Some(count) = reader.number(&ours, "reuse", 1..=1_000_000) {
        limits.reuse = count as usize;
    }
    if let Some(count) = reader.number(&ours, "concurrent", 1..=256) {
        limits.concurrent = count as usize;
    }
    if let Some(heavy) = reader.boolean(&ours, "cpu_heavy") {
        limits.cpu_heavy = heavy;
    }
    limits
}
