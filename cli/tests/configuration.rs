//! Manifests and merchant files: taken as they are meant, refused with their place, and read again when they change.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests of a host look at the world's clock, files and sockets"
)]

mod support;

use std::time::Duration;

use support::{Host, Site};

async fn becomes(host: &Host, needle: &str) -> bool {
    for _ in 0..400 {
        if host.get("/variable?policy").await.text.contains(needle) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_taken_over_and_a_wrong_one_is_reported_and_the_old_values_stay() {
    let site = Site::new();
    site.write("vitrine.toml", "[site]\nid = \"one\"\n");
    let host = site.up(&[]);
    assert!(becomes(&host, "\"one\"").await);
    site.write("vitrine.toml", "[site]\nid = \"two\"\n");
    assert!(becomes(&host, "\"two\"").await);
    site.write("vitrine.toml", "[site]\nidd = \"three\"\n");
    host.messages.wait("the old one stays").await;
    host.messages.wait("vitrine.toml:2:1").await;
    assert!(becomes(&host, "\"two\"").await);
    assert_eq!(
        host.metric("vitrine_config_reload_failures_total").await as u32,
        1
    );
    site.write("vitrine.toml", "[site]\nid = \"four\"\n");
    assert!(becomes(&host, "\"four\"").await);
    assert_eq!(
        host.get("/served").await.status,
        200,
        "the same instance goes on"
    );
}

#[test]
fn a_wrong_file_at_the_start_is_refused_with_its_place() {
    let site = Site::new();
    site.write("vitrine.toml", "[site]\nidd = \"one\"\n");
    let (code, said) = site.refused(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("vitrine.toml:2:1"), "{said}");
}

#[test]
fn what_the_host_lacks_is_refused_with_file_line_and_key() {
    let manifest = support::manifest().replace(
        "[component.api]\n",
        "[component.api]\nai_models = [\"x\"]\n",
    );
    let line = manifest
        .lines()
        .position(|l| l.starts_with("ai_models"))
        .unwrap()
        + 1;
    let (code, said) = Site::with(&manifest).refused(&[]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains(&format!(
            "spin.toml:{line}:1: `component.api.ai_models` is not supported"
        )),
        "{said}"
    );
}

#[test]
fn a_component_that_is_not_there_is_named() {
    let site = Site::with(&support::manifest().replace("vitrine_test_guest.wasm", "nothing.wasm"));
    let (code, said) = site.refused(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("nothing.wasm"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_come_from_the_command_line_and_fill_templates() {
    let site = Site::new();
    let host = site.up(&["--set", "colour=blue"]);
    assert_eq!(host.get("/variable?colour").await.text, "a blue door");
    let reply = host.get("/variable?origin_settings").await;
    assert!(
        reply.text.contains("Undefined"),
        "a component sees only its own: {}",
        reply.text
    );
    let (code, said) = site.refused(&["--set", "hue=blue"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("hue"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_token_is_made_once_and_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::new();
    let file = site.dir.path().join(".vitrine/operator_token");
    let host = site.up(&[]);
    host.messages.wait("operator_token").await;
    drop(host);
    let first = std::fs::read_to_string(&file).unwrap();
    assert_eq!(first.trim().len(), 64);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    drop(site.up(&[]));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), first);
}
