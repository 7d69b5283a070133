//! The documents keep up with the code.

use std::{collections::BTreeSet, fs, path::Path};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Every Rust source file of the crates.
fn sources() -> Vec<String> {
    let mut folders = vec![root().join("crates")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                sources.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    sources
}

#[test]
fn every_dependency_says_why() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let document = read("docs/dependencies.md");
    for (name, value) in manifest["workspace"]["dependencies"].as_table().unwrap() {
        let ours = value.get("path").is_some();
        assert!(
            ours || document.contains(&format!("| `{name}` |")),
            "{name} is not in docs/dependencies.md"
        );
    }
    for line in document.lines().filter_map(|l| l.strip_prefix("| `")) {
        let name = line.split('`').next().unwrap();
        let used = manifest["workspace"]["dependencies"].get(name).is_some();
        assert!(
            used || read("fuzz/Cargo.toml").contains(name),
            "{name} is not a dependency any more"
        );
    }
}

#[test]
fn every_rfc_that_the_code_cites_has_a_row() {
    let document = read("docs/conformance.md");
    let rows: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .flat_map(|row| row.split(" |").next().unwrap().split(", "))
        .collect();
    let mut missing = BTreeSet::new();
    for source in sources() {
        for (at, _) in source.match_indices("RFC ") {
            let number: String = source[at + 4..]
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            if !number.is_empty() && !rows.contains(&*number) {
                missing.insert(number);
            }
        }
    }
    assert!(
        missing.is_empty(),
        "cited, but without a row in docs/conformance.md: {missing:?}"
    );
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for source in sources() {
        assert!(
            source.starts_with("//!") && source.len() > 20,
            "a file begins with {source:.60}"
        );
    }
}
