use super::*;

const GOOD: &str = r#"spin_manifest_version = 2
[application]
name = "a"
version = "1.0.0"
[variables]
host = { default = "h" }
key = { required = true, secret = true }
[[trigger.http]]
route = "/..."
component = "edge"
[[trigger.http]]
route = { private = true }
component = "optimizer"
[component.edge]
source = "edge.wasm"
description = "x"
allowed_outbound_hosts = ["http://optimizer.spin.internal"]
key_value_stores = ["cache"]
sqlite_databases = ["rum"]
files = ["a/*", { source = "b", destination = "/b" }]
environment = { A = "1" }
[component.edge.variables]
both = "{{ host }}-{{ key }}"
[component.edge.build]
command = "cargo build"
[component.edge.tool.vitrine]
memory_mib = 128
request_ms = 500
[component.optimizer]
source = "optimizer.wasm"
"#;

fn wrong(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let findings = Manifest::parse("spin.toml", &GOOD.replacen(from, to, 1)).unwrap_err();
    findings.to_string()
}

#[test]
fn a_manifest_is_read() {
    let manifest = Manifest::parse("spin.toml", GOOD).unwrap();
    assert_eq!(manifest.name, "a");
    assert_eq!(
        manifest.routes,
        [(Pattern::Below(String::new()), "edge".into())]
    );
    let edge = &manifest.components["edge"];
    assert_eq!(edge.limits.memory, 128 << 20);
    assert_eq!(edge.limits.request, Duration::from_millis(500));
    assert_eq!(edge.files.len(), 2);
    let optimizer = &manifest.components["optimizer"];
    assert_eq!(optimizer.limits.memory, 384 << 20);
    assert!(optimizer.limits.cpu_heavy);
}

#[test]
fn what_is_not_supported_is_named_with_its_place() {
    for (from, to, expected) in [
        (
            "[[trigger.http]]",
            "[[trigger.redis]]\nchannel = \"x\"\n[[trigger.http]]",
            "spin.toml:8:11: trigger type `redis`",
        ),
        (
            "description = \"x\"",
            "ai_models = [\"x\"]",
            "spin.toml:16:1: `component.edge.ai_models` is not supported",
        ),
        (
            "description = \"x\"",
            "dependencies = {}",
            "spin.toml:16:1: `component.edge.dependencies` is not supported",
        ),
        (
            "description = \"x\"",
            "descripton = \"x\"",
            "spin.toml:16:1: unknown key `component.edge.descripton`",
        ),
        (
            "source = \"edge.wasm\"",
            "source = { url = \"u\", digest = \"d\" }",
            "`component.edge.source` must be a path",
        ),
        (
            "request_ms = 500",
            "request_ms = 5",
            "spin.toml:28:14: `component.edge.tool.vitrine.request_ms` must be a whole number from 10",
        ),
        (
            "spin_manifest_version = 2",
            "spin_manifest_version = 1",
            "spin.toml:1:25: `spin_manifest_version` must be a whole number from 2 to 2",
        ),
        (
            "component = \"edge\"",
            "component = \"egde\"",
            "there is no `[component.egde]`",
        ),
        ("{{ host }}", "{{ hots }}", "there is no variable `hots`"),
        (
            "required = true, secret",
            "secret",
            "needs either `default` or `required = true`",
        ),
        ("\"cache\"", "\"../cache\"", "label `../cache`"),
        ("\"a/*\"", "\"../a/*\"", "leaves the manifest's directory"),
        (
            "\"http://optimizer.spin.internal\"",
            "\"optimizer\"",
            "allowed_outbound_hosts entry `optimizer`",
        ),
        (
            "name = \"a\"",
            "name = 1",
            "`application.name` must be a string, found integer",
        ),
        ("[application]", "[application", "spin.toml:2:"),
    ] {
        let message = wrong(from, to);
        assert!(
            message.contains(expected),
            "{expected:?} is not in {message:?}"
        );
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = GOOD
        .replace("description", "descripton")
        .replace("memory_mib", "memory_mb")
        .replace("version = \"1.0.0\"", "vresion = \"1\"");
    let Findings(findings) = Manifest::parse("spin.toml", &text).unwrap_err();
    assert_eq!(findings.len(), 3, "{findings:?}");
}

#[test]
fn the_projects_own_manifest_is_understood() {
    let text = include_str!("../../../../spin.toml");
    let manifest = Manifest::parse("spin.toml", text).unwrap();
    let names: Vec<_> = manifest.components.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["edge", "optimizer", "origin-adapter", "rum-collector"]
    );
}
