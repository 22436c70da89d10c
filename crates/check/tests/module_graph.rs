//! The modules at the root of the crate depend on each other in one direction: there is no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

/// A module at the root, and those that it names.
type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn modules_depend_on_each_other_in_no_circle() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut graph = Graph::new();
    for entry in std::fs::read_dir(&source).expect("the source is there") {
        let path = entry.expect("it can be listed").path();
        let name = path.file_stem().expect("it has a name").to_string_lossy();
        if name != "lib" {
            read(&path, graph.entry(name.into_owned()).or_default());
        }
    }
    assert!(graph.len() > 10, "{graph:?}");
    for name in graph.keys() {
        graph_has_own_modules_only(&graph, name);
        let circle = circle(&graph, name);
        assert_eq!(circle, None, "{name} depends on itself");
    }
}

/// Takes note of what a file, or all files of a folder, name at the root.
fn read(path: &Path, named: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("the folder is there") {
            read(&entry.expect("it can be listed").path(), named);
        }
    } else if path.extension().is_some_and(|it| it == "rs") {
        let text = std::fs::read_to_string(path).expect("it is text");
        named.extend(names(&text));
    }
}

/// What stands after `crate::`, in a use or in a path; several in braces.
fn names(text: &str) -> BTreeSet<String> {
    let comment = Regex::new("//[^\n]*").expect("it is an expression");
    let path = Regex::new(r"\bcrate::(\w+|\{[^}]*\})").expect("it is an expression");
    let first = Regex::new(r"(?:^|[{,])\s*(\w+)").expect("it is an expression");
    let code = comment.replace_all(text, "");
    let paths = path.captures_iter(&code);
    let names = paths.flat_map(|it| {
        let all = first.captures_iter(it.get(1).map_or("", |it| it.as_str()));
        all.map(|it| it[1].to_owned()).collect::<Vec<_>>()
    });
    names.collect()
}

/// A name at the root that is no module would hide what it belongs to.
fn graph_has_own_modules_only(graph: &Graph, name: &str) {
    for other in &graph[name] {
        assert!(graph.contains_key(other), "{name} names crate::{other}");
    }
}

/// The way from a module back to itself; `None` if there is none.
fn circle(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut open: Vec<Vec<&str>> = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop() {
        let last = way.last().expect("a way begins somewhere");
        for next in graph.get(*last).into_iter().flatten() {
            let longer = [&way[..], &[next.as_str()]].concat();
            // Within itself a module may go round as it likes.
            if next == start && longer.len() > 2 {
                return Some(longer.into_iter().map(str::to_owned).collect());
            }
            if next != start && seen.insert(next) {
                open.push(longer);
            }
        }
    }
    None
}

#[test]
fn a_circle_is_found() {
    let graph = |edges: &[(&str, &str)]| {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph
                .entry((*from).into())
                .or_default()
                .insert((*to).into());
        }
        graph
    };
    let straight = graph(&[("a", "a"), ("a", "b"), ("a", "c"), ("b", "c")]);
    assert_eq!(circle(&straight, "a"), None);
    let round = graph(&[("a", "b"), ("b", "c"), ("c", "a")]);
    let expected = ["a", "b", "c", "a"].map(str::to_owned).to_vec();
    assert_eq!(circle(&round, "a"), Some(expected));
    let text = "use crate::a::{b, c};\nuse crate::{d, e::f};\n// crate::g\nfn h(_: crate::i::J) {}";
    let found: Vec<_> = names(text).into_iter().collect();
    assert_eq!(found, ["a", "d", "e", "i"]);
}
