//! Replays the corpus of the fuzz targets: each file is an input, each folder belongs to one of the four
//! laws.

#[path = "support/laws.rs"]
mod laws;

use std::fs;
use std::path::Path;

/// Replays a folder of the corpus.
fn replay(folder: &str, law: fn(&[u8])) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus").join(folder);
    let mut files: Vec<_> =
        fs::read_dir(path).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() >= 20, "only {} inputs", files.len());
    for file in files {
        println!("{}", file.display()); // shown if the test fails
        law(&fs::read(file).expect("a file"));
    }
}

#[test]
fn datagrams_of_the_corpus() {
    replay("datagram", laws::datagram);
}

#[test]
fn records_of_the_corpus() {
    replay("record", laws::record);
}

#[test]
fn rules_of_the_corpus() {
    replay("rule", laws::rule);
}

#[test]
fn captures_of_the_corpus() {
    replay("capture", laws::capture);
}
