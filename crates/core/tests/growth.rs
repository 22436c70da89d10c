//! Twice the input is at most 2.2 times the work: by instructions, which valgrind counts, and which repeat.
//!
//! The test runs itself under valgrind, once for each case and size. Only what is measured counts.

use std::hint::black_box;
use std::process::Command;

use detente_core::json::{Value, parse};
use detente_core::merge::{Choices, Strategies, merge};
use detente_core::{
    Contrast, Filter, Item, JsonPatch, Moment, Query, changed_members, compare_blind, merge_patch,
    touched,
};

/// How the test asks itself to be measured: a case and a size.
const ASKED: &str = "DETENTE_GROWTH";

/// The smaller size; what costs the same whatever the size is little beside it.
const SIZE: usize = 2000;
const MOST_GROWTH: f64 = 2.2;

type Work = Box<dyn FnOnce()>;

/// A name, and what is measured for a size.
type Case = (&'static str, fn(usize) -> Work);

const CASES: [Case; 15] = [
    ("parse members", |n| {
        let text = members(n, 0);
        Box::new(move || drop(black_box(parse(text.as_bytes()))))
    }),
    ("parse a number", |n| {
        let text = format!("[{}]", "1".repeat(20 * n));
        Box::new(move || drop(black_box(parse(text.as_bytes()))))
    }),
    ("write members", |n| {
        let value = document(n, 0);
        Box::new(move || drop(black_box(value.to_text())))
    }),
    ("canonical form", |n| {
        let value = document(n, 0);
        Box::new(move || drop(black_box(value.canonical())))
    }),
    ("merge where both changed all", |n| {
        let sides = [0, 1, 2].map(|value| document(n, value));
        Box::new(move || merged(&sides))
    }),
    ("merge of lists", |n| {
        let sides = ["a", "b", "c"].map(|word| {
            let items: Vec<_> = (0..n).map(|index| format!("\"{word}{index}\"")).collect();
            parse(format!(r#"{{"l":[{}]}}"#, items.join(",")).as_bytes()).unwrap()
        });
        Box::new(move || merged(&sides))
    }),
    ("compare without a base", |n| {
        let sides = [document(n, 1), document(n, 2)];
        Box::new(move || drop(black_box(compare_blind(Some(&sides[0]), Some(&sides[1])))))
    }),
    ("members that changed", |n| {
        let sides = [document(n, 1), document(n, 2)];
        Box::new(move || drop(black_box(changed_members(Some(&sides[0]), Some(&sides[1])))))
    }),
    ("places that were touched", |n| {
        let sides = [document(n, 1), document(n, 2)];
        Box::new(move || drop(black_box(touched(Some(&sides[0]), Some(&sides[1])))))
    }),
    ("a merge patch of nulls", |n| {
        let target = document(n, 0);
        let nulls: Vec<_> = (0..n).map(|index| format!("\"m{index}\":null")).collect();
        let patch = parse(format!("{{{}}}", nulls.join(",")).as_bytes()).unwrap();
        Box::new(move || drop(black_box(merge_patch(Some(&target), &patch))))
    }),
    ("a JSON Patch of members", |n| {
        let replace = |index: usize| format!(r#"{{"op":"replace","path":"/m{index}","value":1}}"#);
        let remove = |index: usize| format!(r#"{{"op":"remove","path":"/m{index}"}}"#);
        // From the end: a removal moves what is behind it, and a limit bounds how much that is.
        json_patch(
            document(n, 0),
            (0..n).map(replace).chain((0..n).rev().map(remove)),
        )
    }),
    ("a JSON Patch at the end of a list", |n| {
        let target = parse(br#"{"l":[]}"#).unwrap();
        let add = |index: usize| format!(r#"{{"op":"add","path":"/l/-","value":{index}}}"#);
        json_patch(target, (0..n).map(add))
    }),
    ("documents that differ", |n| {
        let texts = [0, 1, 2].map(|value| members(n, value).into());
        Box::new(move || drop(black_box(Contrast::of(texts))))
    }),
    ("filters on a long number", |n| {
        let data = format!(r#"{{"a":{}}}"#, "1".repeat(20 * n));
        let values = vec!["1"; 100].join(",");
        let filters = vec![Filter::parse("a.in", &values).unwrap()];
        selected(filters, data)
    }),
    ("filters on a list of members", |n| {
        let filters = vec![
            Filter::parse(&format!("m{}", n - 2), "0").unwrap(),
            Filter::parse(&format!("m{}.lt", n - 1), "5").unwrap(),
        ];
        selected(filters, members(n, 0))
    }),
];

fn members(count: usize, value: usize) -> String {
    let members: Vec<_> = (0..count).map(|n| format!("\"m{n}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn document(count: usize, value: usize) -> Value {
    parse(members(count, value).as_bytes()).unwrap()
}

fn merged([base, ours, theirs]: &[Value; 3]) {
    let (strategies, choices) = (Strategies::default(), Choices::default());
    let sides = [base, ours, theirs].map(Some);
    drop(black_box(merge(
        sides[0],
        sides[1],
        sides[2],
        &strategies,
        &choices,
    )));
}

fn json_patch(target: Value, operations: impl Iterator<Item = String>) -> Work {
    let operations: Vec<_> = operations.collect();
    let patch = parse(format!("[{}]", operations.join(",")).as_bytes()).unwrap();
    let patch = JsonPatch::from_value(&patch).unwrap();
    Box::new(move || {
        black_box(patch.apply(&target, usize::MAX)).unwrap();
    })
}

fn selected(filters: Vec<Filter>, data: String) -> Work {
    let query = Query {
        filters,
        ..Query::default()
    };
    Box::new(move || {
        black_box(query.selects(&Item {
            id: "1",
            version: 1,
            at: Moment(0),
            data: &data,
        }));
    })
}

/// By its name valgrind knows what to count.
#[inline(never)]
fn counted_by_valgrind(work: Work) {
    work();
    black_box(());
}

/// The instructions of a case, in millions.
fn instructions(name: &str, size: usize) -> f64 {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--collect-atstart=no",
        ])
        .arg("--toggle-collect=*counted_by_valgrind*")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "twice_the_input_is_at_most_2_2_times_the_work"])
        .env(ASKED, format!("{name}:{size}"))
        .output()
        .expect("valgrind is installed");
    let told = String::from_utf8(output.stderr).unwrap();
    let count = told
        .split("Collected : ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    let count: f64 = count
        .unwrap_or_else(|| panic!("{name}: {told}"))
        .parse()
        .unwrap();
    assert!(output.status.success() && count > 0.0, "{name}: {told}");
    count / 1e6
}

#[test]
fn twice_the_input_is_at_most_2_2_times_the_work() {
    if let Ok(asked) = std::env::var(ASKED) {
        let (name, size) = asked.split_once(':').unwrap();
        let (_, prepare) = CASES.iter().find(|(case, _)| *case == name).unwrap();
        return counted_by_valgrind(prepare(size.parse().unwrap()));
    }
    let mut steep = Vec::new();
    for (name, _) in CASES {
        let [once, twice] = [SIZE, 2 * SIZE].map(|size| instructions(name, size));
        let growth = twice / once;
        println!("{name:36} {once:8.2} M, {twice:8.2} M: {growth:.2}");
        if growth > MOST_GROWTH {
            steep.push(format!("{name}: {growth:.2}"));
        }
    }
    assert!(steep.is_empty(), "{steep:?}");
}
