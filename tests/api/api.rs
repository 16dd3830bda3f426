//! Checks the public interface against its listing in `tests/data/public-api.txt`.
//!
//! The listing is made from rustdoc's JSON output. After an intended change, run
//! `AUDITLINK_API=write cargo test -p auditlink-api` and read the diff.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The versions of rustdoc's JSON format that produce the same listing.
const KNOWN_FORMATS: std::ops::RangeInclusive<u64> = 57..=59;

#[test]
fn public_items_match_the_listing() {
    let mode = std::env::var("AUDITLINK_API").unwrap_or_default();
    let folder = root().join("target/api");
    let folder = folder.to_str().expect("a plain path");
    // The JSON output is unstable; the variable lets a stable toolchain write it for this crate.
    let args = ["rustdoc", "-p", "auditlink", "--lib", "--all-features", "--locked"];
    let options = ["--", "-Z", "unstable-options", "--output-format", "json"];
    let output = Command::new(env!("CARGO"))
        .args(args)
        .args(["--target-dir", folder])
        .args(options)
        .env("RUSTC_BOOTSTRAP", "auditlink")
        .current_dir(root())
        .output()
        .expect("cargo starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {args:?}: {stderr}");
    let json = Path::new(folder).join("doc/auditlink.json");
    let format: Value =
        serde_json::from_str(&fs::read_to_string(&json).expect("a file")).expect("JSON");
    let version = format["format_version"].as_u64().expect("a version");
    if !KNOWN_FORMATS.contains(&version) {
        assert!(
            mode.is_empty(),
            "this toolchain writes rustdoc JSON format {version}, which is not in KNOWN_FORMATS"
        );
        println!("not compared: this toolchain writes rustdoc JSON format {version}");
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
    if mode == "write" {
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
    assert!(found == expected, "the public items changed; if that is intended: {}", REMEDY);
}

const REMEDY: &str = "AUDITLINK_API=write cargo test -p auditlink-api";

#[test]
fn public_signatures_name_no_type_of_an_unstable_crate() {
    let listed = fs::read_to_string(root().join("tests/data/public-api.txt")).expect("a listing");
    for line in listed.lines() {
        // A trait implementation is not a signature.
        if line.starts_with("impl") {
            continue;
        }
        for name in ["netlink_", "nix::", "pcap_file::", "syscalls::", "tokio::", "rustix::"] {
            assert!(!line.contains(name), "{line}");
        }
    }
}

/// The laws that fuzzing and property tests check call every getter of every view.
#[test]
fn the_laws_call_every_getter_of_every_view() {
    let listed = fs::read_to_string(root().join("tests/data/public-api.txt")).expect("a listing");
    let laws = fs::read_to_string(root().join("tests/support/laws.rs")).expect("the laws");
    let (_, calls) = laws.split_once("call_all! { record,").expect("the list of views");
    let entries = calls.split_once("    }\n").expect("its end").0;
    let calls: Vec<Vec<&str>> =
        entries.split(';').map(|entry| entry.split([':', ' ', '\n']).collect()).collect();
    let mut getters = 0;
    for line in listed.lines() {
        let Some((_, view)) = line.split_once("-> core::option::Option<auditlink::record::view::")
        else {
            continue;
        };
        let Some((_, constructor)) = line.split_once("auditlink::Record<'a>::as_") else {
            continue;
        };
        let constructor = format!("as_{}", constructor.split('(').next().expect("a name"));
        let called = calls.iter().find(|words| words.contains(&constructor.as_str()));
        let called = called.unwrap_or_else(|| panic!("laws.rs does not call {constructor}"));
        let prefix =
            format!("auditlink::record::view::{}::", view.trim_end_matches('>').to_owned() + ">");
        for line in listed.lines().filter(|line| line.contains("(&self) ->")) {
            let Some((_, getter)) = line.split_once(&prefix) else { continue };
            let getter = getter.split('(').next().expect("a name");
            if getter != "record" {
                assert!(called.contains(&getter), "laws.rs does not call {constructor}: {getter}");
                getters += 1;
            }
        }
    }
    assert!(getters > 200, "{getters} getters found");
}
