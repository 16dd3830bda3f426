//! Replays the corpus of the fuzz targets: each file is an input, each directory one of four properties.

#[path = "support/laws.rs"]
mod laws;

use std::fs;
use std::path::Path;

/// Replays a directory of the corpus.
fn replay(directory: &str, property: fn(&[u8])) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus").join(directory);
    let mut files: Vec<_> = fs::read_dir(path)
        .expect("a directory")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    assert!(files.len() >= 20, "only {} inputs", files.len());
    for file in files {
        println!("{}", file.display()); // shown if the test fails
        property(&fs::read(file).expect("a file"));
    }
}

#[test]
fn datagrams() {
    replay("datagram", laws::datagram);
}

#[test]
fn records() {
    replay("record", laws::record);
}

#[test]
fn rules() {
    replay("rule", laws::rule);
}

#[test]
fn captures() {
    replay("capture", laws::capture);
}
