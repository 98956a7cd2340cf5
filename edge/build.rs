//! Turns `src/html/vendors.json` into a table of constants: a guest may live for one request only, and would
//! read the data anew for each. What is wrong with the data stops the build.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    id: String,
    category: String,
    r#match: Vec<String>,
    /// Only the tests look at them.
    #[serde(rename = "examples")]
    _examples: IgnoredAny,
    #[serde(default = "global")]
    interface: String,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    google: bool,
}

fn global() -> String {
    "global".to_owned()
}

fn main() {
    const DATA: &str = "src/html/vendors.json";
    println!("cargo::rerun-if-changed={DATA}");
    println!("cargo::rerun-if-changed=build.rs");
    let text = std::fs::read_to_string(DATA).expect("vendors.json can be read");
    let vendors: Vec<Vendor> = serde_json::from_str(&text).expect("vendors.json is well-formed");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let source = format!("{}{}", table(&vendors), index(&vendors));
    std::fs::write(out.join("vendors.rs"), source).expect("OUT_DIR can be written");
}

fn table(vendors: &[Vendor]) -> String {
    let mut source = format!("static VENDORS: [Vendor; {}] = [\n", vendors.len());
    for vendor in vendors {
        let actions = vendor.actions.iter();
        let actions: Vec<_> = actions.map(|a| format!("Action::{}", variant(a))).collect();
        writeln!(
            source,
            "Vendor {{ id: {:?}, category: Category::{}, patterns: &{:?}, parsed: OnceLock::new(), interface: Interface::{}, \
             actions: &[{}], protected: {}, google: {} }},",
            vendor.id,
            variant(&vendor.category),
            vendor.r#match,
            variant(&vendor.interface),
            actions.join(", "),
            vendor.protected,
            vendor.google,
        )
        .expect("a String can be written to");
    }
    source + "];\n"
}

/// Which vendors have a pattern for hosts of a domain, sorted by the domain; the empty domain is any host.
fn index(vendors: &[Vendor]) -> String {
    let mut index: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, vendor) in vendors.iter().enumerate() {
        for pattern in &vendor.r#match {
            let places = index.entry(domain(pattern)).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
    }
    let mut source = "const BY_DOMAIN: &[(&str, &[usize])] = &[\n".to_owned();
    for (domain, places) in index {
        writeln!(source, "({domain:?}, &{places:?}),").expect("a String can be written to");
    }
    source + "];\n"
}

/// The last two labels of the hosts that a pattern stands for.
fn domain(pattern: &str) -> &str {
    let host = pattern
        .strip_prefix("//")
        .expect("a pattern begins with //");
    let host = host.split('/').next().expect("split gives one part");
    if host == "*" {
        return "";
    }
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    dots.next().expect("a host has two labels");
    let domain = &host[dots.next().map_or(0, |dot| dot + 1)..];
    assert!(
        !domain.contains('*'),
        "{pattern}: the last two labels are written out"
    );
    domain
}

/// `tag-manager` as `TagManager`.
fn variant(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}
