//! Dependencies point inward: from the program to the faces, to the service, to the store, to the core.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// What each member may rest on. The program and the benchmark may rest on all.
const ARROWS: [(&str, &[&str]); 13] = [
    ("detente-core", &[]),
    ("detente-store", &["detente-core"]),
    ("detente-sqlite", &["detente-store", "detente-core"]),
    ("detente-postgres", &["detente-store", "detente-core"]),
    ("detente-blobs", &[]),
    (
        "detente-service",
        &["detente-store", "detente-blobs", "detente-core"],
    ),
    ("detente-gate", &["detente-service", "detente-core"]),
    ("detente-graphql", &["detente-core"]),
    (
        "detente-server",
        &[
            "detente-gate",
            "detente-graphql",
            "detente-service",
            "detente-store",
            "detente-blobs",
            "detente-core",
        ],
    ),
    ("detente-judge", &["detente-core"]),
    ("detente-check", &["detente-judge", "detente-core"]),
    ("detente-client", &["detente-core"]),
    ("detente-cluster", &[]),
];

const FREE: [&str; 2] = ["detente", "bench"];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo tells JSON");
    let packages = metadata["packages"].as_array();
    packages.expect("a workspace has packages").clone()
}

/// The members of the workspace that a package rests on, other than for its tests.
fn rests_on<'a>(package: &'a Value, members: &BTreeSet<&str>) -> Vec<&'a str> {
    let dependencies = package["dependencies"].as_array().expect("a list");
    let for_more_than_tests = dependencies.iter().filter(|it| it["kind"] != "dev");
    let names = for_more_than_tests.filter_map(|it| it["name"].as_str());
    names.filter(|name| members.contains(name)).collect()
}

#[test]
fn no_arrow_points_outward() {
    let packages = packages();
    let name = |package: &'_ Value| package["name"].as_str().expect("a name").to_owned();
    let names: Vec<_> = packages.iter().map(name).collect();
    let members: BTreeSet<_> = names.iter().map(String::as_str).collect();
    let mut outward = Vec::new();
    for (package, name) in packages.iter().zip(&names) {
        if FREE.contains(&name.as_str()) {
            continue;
        }
        let row = ARROWS.iter().find(|(it, _)| it == name);
        let (_, inner) = row.unwrap_or_else(|| panic!("{name} has no row in the table of arrows"));
        let rests_on = rests_on(package, &members).into_iter();
        outward.extend(
            rests_on
                .filter(|it| !inner.contains(it))
                .map(|it| format!("{name} → {it}")),
        );
    }
    assert!(outward.is_empty(), "{outward:?}");
}
