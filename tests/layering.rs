//! The floor plan of `docs/architecture.md`, enforced: modules name modules on lower floors only,
//! and below the effects there is no file descriptor, clock, thread or file.

#![allow(clippy::print_stdout, reason = "it is a test")]

use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the ground up. A module is a file or a folder under `src`.
const FLOORS: &[&[&str]] = &[
    &["number"],
    &["time", "cursor", "message_type", "arch"],
    &["time", "cursor", "message_type", "arch"],
    &["names"],
    &["record", "rule"],
    &["wire"],
    &["event", "error"],
    &["source", "process"],
    &["link", "capture", "log"],
    &["serialize"],
    &["events", "pump"],
    &["processes", "stream"],
];

/// The first floor that may enter the kernel or a file.
const FIRST_WITH_EFFECTS: usize = 8;

/// What has effects. `std::fs` and `std::io` have; of nix, everything has but the errno names.
const EFFECTS: &[&str] = &[
    "std::fs",
    "std::io",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os::fd",
    "std::process",
    "std::thread",
    "std::sync::mpsc",
    "std::env",
    "Instant",
    "SystemTime",
    "use nix::",
    "netlink_sys",
    "pcap_file",
    "println!",
    "eprintln!",
];

/// `io::Error` is a value: the error type wraps one.
const EXEMPT: &[(&str, &str)] = &[("error", "std::io")];

fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).expect("under src");
                let first = inside.components().next().expect("a name");
                let module = Path::new(first.as_os_str()).with_extension("");
                files.push((module.to_string_lossy().into_owned(), path));
            }
        }
    }
    files.retain(|(module, _)| module != "lib");
    assert!(files.len() > 40, "only {} files: is the tree where it is looked for?", files.len());
    files
}

/// Returns the code of a file without comments and tests.
fn code(path: &Path) -> String {
    if path.to_string_lossy().ends_with("tests.rs") {
        return String::new();
    }
    let text = fs::read_to_string(path).expect("a source");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn floor(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("{module} is on no floor: add it to the plan"))
}

#[test]
fn modules_name_lower_floors_only() {
    let mut uses = 0;
    for (module, path) in sources() {
        for (at, _) in code(&path).match_indices("crate::") {
            let code = code(&path);
            let rest = &code[at + "crate::".len()..];
            let named: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
                None => vec![rest],
            };
            for name in named {
                let name = name.trim();
                let end =
                    name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
                let name = &name[..end];
                if name == module || name.starts_with(char::is_uppercase) {
                    assert_eq!(name, module, "{}: name a type by its module", path.display());
                    continue;
                }
                uses += 1;
                assert!(
                    floor(name) < floor(&module),
                    "{}: {module} (floor {}) names {name} (floor {})",
                    path.display(),
                    floor(&module),
                    floor(name),
                );
            }
        }
    }
    assert!(uses > 50, "only {uses} uses found: is the code read at all?");
}

#[test]
fn nothing_below_the_line_has_effects() {
    let mut found_above = 0;
    for (module, path) in sources() {
        let code = code(&path);
        for effect in EFFECTS {
            let has = code.contains(effect) && !EXEMPT.contains(&(module.as_str(), effect));
            if floor(&module) >= FIRST_WITH_EFFECTS {
                found_above += usize::from(has);
                continue;
            }
            assert!(!has, "{}: {effect} has no place on floor {}", path.display(), floor(&module));
        }
    }
    assert!(found_above > 5, "the words that are looked for are not found where they must be");
}

#[test]
fn files_are_small_enough_to_be_read() {
    for (_, path) in sources() {
        let lines = fs::read_to_string(&path).expect("a source").lines().count();
        assert!(lines <= 600, "{} has {lines} lines", path.display());
    }
}
