//! Checks the dependencies: those of the default features against the design, and all of them
//! against the licences, duplicates and sources in `deny.toml`.
//!
//! `cargo deny check bans licenses sources` checks the same file in more depth. This test needs no
//! further tool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn cargo(args: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(args).current_dir(root()).output().expect("cargo starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A package of the dependency graph.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    license: String,
    source: Option<String>,
}

/// Returns the packages of the workspace's dependency graph on Linux, with all features.
fn packages() -> Vec<Package> {
    let args = ["metadata", "--locked", "--all-features", "--format-version", "1"];
    let target = ["--filter-platform", "x86_64-unknown-linux-gnu"];
    let json = cargo(&[&args[..], &target].concat());
    let metadata: Value = serde_json::from_str(&json).expect("JSON");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let nodes = metadata["resolve"]["nodes"].as_array().expect("a list");
    let used: BTreeSet<&str> = nodes.iter().filter_map(|node| node["id"].as_str()).collect();
    metadata["packages"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| used.contains(id)))
        .map(|package| Package {
            name: text(&package["name"]).expect("a name"),
            version: text(&package["version"]).expect("a version"),
            license: text(&package["license"]).unwrap_or_default(),
            source: text(&package["source"]),
        })
        .collect()
}

fn deny() -> toml::Table {
    fs::read_to_string(root().join("deny.toml")).expect("deny.toml").parse().expect("TOML")
}

fn strings(value: &toml::Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|item| item.as_str().expect("a string")).collect()
}

/// Returns whether an SPDX expression is satisfied by the allowed licences.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut tokens = spaced.split_whitespace().peekable();
    let is_satisfied = any_of(&mut tokens, allowed);
    is_satisfied && tokens.next().is_none()
}

type Tokens<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(tokens: &mut Tokens<'_>, allowed: &[&str]) -> bool {
    let mut is_satisfied = all_of(tokens, allowed);
    while tokens.next_if_eq(&"OR").is_some() {
        is_satisfied |= all_of(tokens, allowed);
    }
    is_satisfied
}

fn all_of(tokens: &mut Tokens<'_>, allowed: &[&str]) -> bool {
    let mut is_satisfied = license(tokens, allowed);
    while tokens.next_if_eq(&"AND").is_some() {
        is_satisfied &= license(tokens, allowed);
    }
    is_satisfied
}

fn license(tokens: &mut Tokens<'_>, allowed: &[&str]) -> bool {
    match tokens.next() {
        Some("(") => {
            let is_satisfied = any_of(tokens, allowed);
            tokens.next() == Some(")") && is_satisfied
        }
        Some(name) => {
            // A licence with an exception is a licence of its own.
            let exception = tokens.next_if_eq(&"WITH").and_then(|_| tokens.next());
            exception.is_none() && allowed.contains(&name)
        }
        None => false,
    }
}

#[test]
fn license_expressions_are_evaluated() {
    let allowed = ["MIT", "Unicode-3.0"];
    for expression in ["MIT", "MIT OR GPL-2.0", "GPL-2.0/MIT", "(GPL-2.0 OR MIT) AND Unicode-3.0"] {
        assert!(is_allowed(expression, &allowed), "{expression}");
    }
    for expression in ["", "GPL-2.0", "MIT AND GPL-2.0", "MIT WITH exception", "MIT )", "(MIT"] {
        assert!(!is_allowed(expression, &allowed), "{expression}");
    }
}

#[test]
fn licenses_are_allowed() {
    let deny = deny();
    let allowed = strings(&deny["licenses"]["allow"]);
    let exceptions = deny["licenses"]["exceptions"].as_array().expect("a list");
    for package in packages() {
        let of_package = |entry: &&toml::Value| entry["crate"].as_str() == Some(&package.name);
        let exception = exceptions.iter().find(of_package).map(|entry| strings(&entry["allow"]));
        let allowed = exception.as_ref().unwrap_or(&allowed);
        assert!(is_allowed(&package.license, allowed), "{package:?}");
    }
}

#[test]
fn crates_come_from_the_allowed_registries() {
    let deny = deny();
    let allowed = strings(&deny["sources"]["allow-registry"]);
    for package in packages() {
        let registry = package.source.as_deref().map(|source| source.strip_prefix("registry+"));
        let is_allowed = registry.is_none_or(|url| url.is_some_and(|url| allowed.contains(&url)));
        assert!(is_allowed, "{package:?}");
    }
}

#[test]
fn only_the_listed_crates_have_several_versions() {
    let deny = deny();
    let skipped = deny["bans"]["skip"].as_array().expect("a list");
    let skipped: BTreeSet<&str> =
        skipped.iter().map(|entry| entry["crate"].as_str().expect("name@version")).collect();
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().push(package.version);
    }
    let mut used = BTreeSet::new();
    for (name, versions) in versions {
        let mut others = versions.len();
        for version in &versions {
            let major = version.split('.').next().unwrap_or_default();
            if let Some(entry) = skipped.get(format!("{name}@{major}").as_str()) {
                used.insert(*entry);
                others -= 1;
            }
        }
        assert!(others <= 1, "{name} has the versions {versions:?}: see [bans] in deny.toml");
    }
    assert_eq!(used, skipped, "deny.toml lists duplicates that do not occur");
}

#[test]
fn default_features_depend_on_the_expected_crates_only() {
    let args = ["tree", "-p", "auditlink", "--locked", "--edges", "normal", "--prefix", "none"];
    let tree = cargo(&[&args[..], &["--depth", "1"]].concat());
    let mut names: Vec<_> = tree.lines().skip(1).filter_map(|l| l.split(' ').next()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "bitflags",
            "bytes",
            "memchr",
            "netlink-packet-audit",
            "netlink-packet-core",
            "netlink-sys",
            "nix",
            "pcap-file",
            "syscalls",
            "thiserror",
        ]
    );
}
