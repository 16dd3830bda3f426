//! The layers of `docs/architecture.md`: modules depend on lower layers only, and the lower layers use
//! no file descriptor, clock, thread or file.

#![allow(clippy::print_stdout, reason = "it is a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, bottom-up. A module is a file or a directory under `src`.
const LAYERS: &[&[&str]] = &[
    &["macros"],
    &["time", "decode", "message_type", "arch", "bytestr", "setting", "user_db"],
    &["constants"],
    &["record", "rule"],
    &["wire"],
    &["event", "error"],
    &["source", "process"],
    &["host", "capture", "log"],
    &["netlink"],
    &["control"],
    &["receiver", "monitor", "preflight"],
    &["serialize"],
    &["iter"],
];

/// The first layer that may enter the kernel or open a file.
const FIRST_WITH_EFFECTS: usize = 7;

/// Paths and names whose use is an effect. Of nix, everything except the errno names is one.
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

/// State machines in higher layers, which have no effects either.
const ENGINES: &[&str] = &["src/receiver/upkeep/"];

/// `io::Error` is a value, which the error type wraps; so is `SystemTime`, to which timestamps convert. The
/// machine's name never changes.
const EXEMPT: &[(&str, &str)] =
    &[("error", "std::io"), ("time", "SystemTime"), ("arch", "use nix::")];

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
    assert!(files.len() > 40, "only {} files: is src/ elsewhere?", files.len());
    files
}

/// Returns the code of a file without comments and tests.
fn code(path: &Path) -> String {
    if path
        .components()
        .any(|part| part.as_os_str().to_string_lossy().trim_end_matches(".rs").ends_with("tests"))
    {
        return String::new();
    }
    let text = fs::read_to_string(path).expect("a source");
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("{module} is on no layer: add it to LAYERS"))
}

#[test]
fn modules_depend_on_lower_layers_only() {
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
                    layer(name) < layer(&module),
                    "{}: {module} (layer {}) names {name} (layer {})",
                    path.display(),
                    layer(&module),
                    layer(name),
                );
            }
        }
    }
    assert!(uses > 50, "only {uses} uses found: is the code found?");
}

/// A path of a module or an item, from the root of the crate: `["event", "loss", "tracker"]`.
type ModulePath = Vec<String>;

/// Returns the module that a file holds.
fn module_path(file: &Path) -> ModulePath {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = file.strip_prefix(&root).expect("under src").with_extension("");
    let names = inside.components().map(|name| name.as_os_str().to_string_lossy().into_owned());
    names.filter(|name| name != "mod").collect()
}

/// Returns the paths that code names through `crate::`, `super::` or `self::`, each from the root.
fn named_paths(code: &str, module: &ModulePath) -> Vec<ModulePath> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("::") {
        let start =
            code[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |it| it + 1);
        let is_first = !code[..start].ends_with("::");
        let base = match &code[start..at] {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module[..module.len().saturating_sub(1)].to_vec(),
            _ => continue,
        };
        if is_first {
            read_tree(&code[at + 2..], &base, &mut found);
        }
    }
    found
}

/// Reads what follows `::`: a name, a path, or a list in braces; returns what is left.
fn read_tree<'a>(text: &'a str, base: &ModulePath, found: &mut Vec<ModulePath>) -> &'a str {
    let mut text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        text = list;
        while !text.trim_start().starts_with('}') && !text.trim_start().is_empty() {
            text = read_tree(text, base, found).trim_start();
            text = text.trim_start_matches(|c| c != ',' && c != '}');
            text = text.strip_prefix(',').unwrap_or(text);
        }
        return text.trim_start().strip_prefix('}').unwrap_or(text);
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = match name {
        "super" => base[..base.len().saturating_sub(1)].to_vec(),
        "self" | "" => base.clone(),
        _ => base.iter().cloned().chain([name.to_owned()]).collect(),
    };
    match rest.strip_prefix("::") {
        Some(rest) if !name.starts_with(char::is_uppercase) => read_tree(rest, &path, found),
        _ => {
            found.push(path);
            rest
        }
    }
}

/// The dependencies inside one directory: the directory, a file or directory in it, and those that it
/// names.
type Edges = BTreeMap<ModulePath, BTreeMap<String, BTreeSet<String>>>;

fn edges_inside_modules() -> Edges {
    let files: Vec<_> = sources().into_iter().map(|(_, file)| file).collect();
    let modules: BTreeSet<ModulePath> = files.iter().map(|file| module_path(file)).collect();
    // `event::Cause` stands for `event::loss::Cause` if `event/mod.rs` re-exports it
    let mut exports: BTreeMap<ModulePath, ModulePath> = BTreeMap::new();
    for file in files.iter().filter(|file| file.ends_with("mod.rs")) {
        let module = module_path(file);
        for path in named_paths(&code(file), &module) {
            if let Some(name) = path.last().filter(|_| path.len() > module.len() + 1) {
                let exported = module.iter().chain([name]).cloned().collect();
                exports.insert(exported, path.clone());
            }
        }
    }
    let mut edges = Edges::new();
    for file in &files {
        let module = module_path(file);
        for mut path in named_paths(&code(file), &module) {
            while let Some(from) = exports.get(&path).filter(|from| **from != path) {
                path.clone_from(from);
            }
            let shared = module.iter().zip(&path).take_while(|(one, other)| one == other).count();
            let (Some(from), Some(to)) = (module.get(shared), path.get(shared)) else { continue };
            if shared > 0 && modules.iter().any(|known| known.starts_with(&path[..=shared])) {
                let inside = edges.entry(path[..shared].to_vec()).or_default();
                inside.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    edges
}

/// Returns a cycle that can be reached from a module, if one exists.
fn cycle(
    names: &BTreeMap<String, BTreeSet<String>>,
    from: &str,
    way: &mut Vec<String>,
) -> Option<String> {
    if let Some(start) = way.iter().position(|name| name == from) {
        return Some(format!("{} → {from}", way[start..].join(" → ")));
    }
    way.push(from.to_owned());
    let found = names.get(from).into_iter().flatten().find_map(|to| cycle(names, to, way));
    way.pop();
    found
}

#[test]
fn modules_have_no_cycles_inside() {
    let edges = edges_inside_modules();
    let count: usize = edges.values().flat_map(BTreeMap::values).map(BTreeSet::len).sum();
    assert!(count > 60, "only {count} uses between neighbours found: is the code found?");
    let cycles: BTreeSet<String> = edges
        .iter()
        .flat_map(|(folder, names)| {
            let cycles = names.keys().filter_map(|from| cycle(names, from, &mut Vec::new()));
            cycles.map(|cycle| format!("in {}: {cycle}", folder.join("::")))
        })
        .collect();
    assert!(cycles.is_empty(), "cyclic dependencies:\n{}", Vec::from_iter(cycles).join("\n"));
}

#[test]
fn paths_are_parsed_with_lists_and_parents() {
    let module = ["a", "b", "c"].map(str::to_owned).to_vec();
    let code = "use super::d::{E, f::{self, G}}; use crate::h; self::i::J::k(); super::super::l();";
    let found: Vec<String> =
        named_paths(code, &module).into_iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::b::d::E", "a::b::d::f", "a::b::d::f::G", "h", "a::b::c::i::J", "a::l"]);
    let names = BTreeMap::from([
        ("x".to_owned(), BTreeSet::from(["y".to_owned()])),
        ("y".to_owned(), BTreeSet::from(["x".to_owned()])),
    ]);
    assert_eq!(cycle(&names, "x", &mut Vec::new()).as_deref(), Some("x → y → x"));
}

#[test]
fn lower_layers_have_no_effects() {
    let mut found_above = 0;
    for (module, path) in sources() {
        let code = code(&path).replace("std::process::id()", ""); // constant for the process
        for effect in EFFECTS {
            let has = code.contains(effect) && !EXEMPT.contains(&(module.as_str(), effect));
            let is_engine = ENGINES.iter().any(|engine| path.to_string_lossy().contains(engine));
            if layer(&module) >= FIRST_WITH_EFFECTS && !is_engine {
                found_above += usize::from(has);
                continue;
            }
            assert!(
                !has,
                "{}: {effect} is not allowed on layer {}",
                path.display(),
                layer(&module)
            );
        }
    }
    assert!(found_above > 5, "no effects found in the upper layers either: is EFFECTS up to date?");
}

#[test]
fn files_have_at_most_600_lines() {
    for (_, path) in sources() {
        let lines = fs::read_to_string(&path).expect("a source").lines().count();
        assert!(lines <= 600, "{} has {lines} lines", path.display());
    }
}

/// Returns the public types of the listing: each path, with the names of what is public in it.
fn public_types() -> BTreeMap<String, BTreeSet<String>> {
    let listing = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/public-api.txt");
    let listing = fs::read_to_string(listing).expect("the listing");
    let path = |line: &str, keyword: &str| {
        let (_, path) = line.split_once(&format!("pub {keyword} "))?;
        let end = path.find(['<', '(', ' ', ':']).filter(|end| !path[*end..].starts_with("::"));
        let end = end.or_else(|| path.find(['<', '(', ' '])).unwrap_or(path.len());
        Some(path[..end].trim_end_matches(':').to_owned())
    };
    let mut types = BTreeMap::new();
    for line in listing.lines() {
        for keyword in ["struct", "enum", "trait", "union"] {
            if let Some(path) = path(line, keyword) {
                types.insert(path, BTreeSet::new());
            }
        }
    }
    for line in listing.lines().filter(|line| line.starts_with("pub ")) {
        // a member's path is that of its type and its name
        for (at, _) in line.match_indices("::") {
            let Some(start) = line[..at].rfind(' ') else { continue };
            let owner = line[start + 1..at].split('<').next().unwrap_or_default();
            if let Some(members) = types.get_mut(owner) {
                let rest = &line[at + 2..];
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                members.insert(rest[..end.unwrap_or(rest.len())].to_owned());
            }
        }
    }
    types
}

/// Two types may have one name, as `process::Exit` and `event::Exit`; then their members differ. Of a
/// type with two paths, the listing shows the members under one of them.
#[test]
fn every_public_type_has_one_path() {
    let types = public_types();
    assert!(types.len() > 150, "only {} types found: is the listing complete?", types.len());
    let mut twice = Vec::new();
    for (path, members) in &types {
        let name = path.rsplit("::").next().unwrap_or_default();
        let suffix = format!("::{name}");
        for (other, others) in types.range(path.clone()..).skip(1) {
            let is_same = members == others || members.is_empty() || others.is_empty();
            if is_same && other.ends_with(&suffix) {
                twice.push(format!("{path} and {other}"));
            }
        }
    }
    assert!(twice.is_empty(), "types with two public paths: {twice:#?}");
}
