//! What the crate shows to the world: its public items, as listed in `tests/data/public-api.txt`, and
//! the crates that come with it.
//!
//! The listing is made of rustdoc's JSON form. After a change that is meant:
//! `AUDITLINK_API=write cargo test --test api`, and read the diff.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cargo(words: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(words)
        .envs(variables.iter().copied())
        .current_dir(root())
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {words:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// The versions of rustdoc's JSON form that the listing was seen to be the same with.
const KNOWN_FORMATS: std::ops::RangeInclusive<u64> = 57..=59;

#[test]
fn the_public_items_are_those_listed() {
    let wish = std::env::var("AUDITLINK_API").unwrap_or_default();
    let folder = root().join("target/api");
    let folder = folder.to_str().expect("a plain path");
    // the JSON form is unstable; the variable lets a stable toolchain write it, for this crate alone
    let words = ["rustdoc", "--lib", "--all-features", "--locked", "--target-dir", folder, "--"];
    let options = ["-Z", "unstable-options", "--output-format", "json"];
    cargo(&[&words[..], &options].concat(), &[("RUSTC_BOOTSTRAP", "auditlink")]);
    let json = Path::new(folder).join("doc/auditlink.json");
    let format: Value =
        serde_json::from_str(&fs::read_to_string(&json).expect("a file")).expect("JSON");
    let version = format["format_version"].as_u64().expect("a version");
    if !KNOWN_FORMATS.contains(&version) {
        assert!(
            wish.is_empty(),
            "this toolchain writes format {version}: see whether it can be read"
        );
        println!("not compared: this toolchain writes format {version} of rustdoc's JSON");
        return;
    }
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .expect("a known format");
    let listed = root().join("tests/data/public-api.txt");
    let found = api.to_string();
    assert!(found.lines().count() > 1_000);
    if wish == "write" {
        fs::write(listed, found).expect("a file");
        return;
    }
    let expected = fs::read_to_string(listed).expect("the listing");
    for (sign, these, others) in [("-", &expected, &found), ("+", &found, &expected)] {
        let others: Vec<&str> = others.lines().collect();
        for line in these.lines().filter(|line| !others.contains(line)) {
            println!("{sign} {line}");
        }
    }
    assert!(found == expected, "the public items changed; if that is meant: {}", REMEDY);
}

const REMEDY: &str = "AUDITLINK_API=write cargo test --test api";

#[test]
fn the_default_features_bring_what_the_design_names_and_no_more() {
    let words = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--depth", "1"];
    let tree = cargo(&words, &[]);
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

#[test]
fn no_type_of_an_unstable_crate_is_in_a_public_signature() {
    let listed = fs::read_to_string(root().join("tests/data/public-api.txt")).expect("a listing");
    for line in listed.lines() {
        // an implementation for a trait of theirs is no signature
        if line.starts_with("impl") {
            continue;
        }
        for name in ["netlink_", "nix::", "pcap_file::", "syscalls::", "tokio::", "rustix::"] {
            assert!(!line.contains(name), "{line}");
        }
    }
}
