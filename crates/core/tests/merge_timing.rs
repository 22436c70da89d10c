//! How long merges take, by size and in cases that are meant to be hard.
//!
//! `cargo test --release -p detente-core --test merge_timing -- --ignored --nocapture`

use std::fmt::Write;
use std::time::{Duration, Instant};

use detente_core::json::{Value, object, parse};
use detente_core::merge::{Choices, Merge, Strategies, Strategy, merge};

struct Case {
    name: String,
    sides: [Value; 3],
    strategies: Strategies,
}

#[test]
#[ignore = "prints timings, asserts nothing; meant for a release build"]
fn timings() {
    let all = [
        json_cases(),
        text_cases(),
        hard_json_cases(),
        hard_text_cases(),
    ];
    for case in all.iter().flatten() {
        let (took, found) = best_of(case);
        let conflicts = found.conflicts.len();
        println!("{:48} {took:>12?}  {conflicts} conflicts", case.name);
    }
}

fn best_of(case: &Case) -> (Duration, Merge) {
    let [base, ours, theirs] = &case.sides;
    let once = || {
        let choices = Choices::new();
        let start = Instant::now();
        let found = merge(
            Some(base),
            Some(ours),
            Some(theirs),
            &case.strategies,
            &choices,
        );
        (start.elapsed(), found)
    };
    let (first, found) = once();
    let repetitions = if first > Duration::from_millis(50) {
        2
    } else {
        200
    };
    let best = (0..repetitions).map(|_| once().0).min().unwrap_or(first);
    (best.min(first), found)
}

fn strategies(declared: &[(&str, Strategy)]) -> Strategies {
    let mut strategies = Strategies::default();
    for (place, strategy) in declared {
        strategies.set(&place.parse().unwrap(), strategy.clone());
    }
    strategies
}

fn case(name: impl Into<String>, sides: [String; 3], declared: &[(&str, Strategy)]) -> Case {
    Case {
        name: name.into(),
        sides: sides.map(|side| parse(side.as_bytes()).unwrap()),
        strategies: strategies(declared),
    }
}

/// Members of some 25 bytes; ours changed the first, theirs the last.
fn document(bytes: usize, first: &str, last: &str) -> String {
    let count = bytes / 25;
    let mut text = format!(r#"{{"first":"{first}""#);
    for index in 0..count {
        let _ = write!(text, r#","member{index}":"value {index}""#);
    }
    text + &format!(r#","nested":{{"list":[1,2,3],"last":"{last}"}}}}"#)
}

fn json_cases() -> Vec<Case> {
    let sizes = [
        ("1 KiB", 1 << 10),
        ("100 KiB", 100 << 10),
        ("1 MiB", 1 << 20),
    ];
    let mut cases = Vec::new();
    for (name, bytes) in sizes {
        let sides = || {
            [
                document(bytes, "a", "a"),
                document(bytes, "b", "a"),
                document(bytes, "a", "b"),
            ]
        };
        cases.push(case(format!("JSON {name}, clean"), sides(), &[]));
        let declared = [
            ("/first", Strategy::LastWriter),
            ("/nested/*", Strategy::Set),
        ];
        cases.push(case(
            format!("JSON {name}, clean, strategies"),
            sides(),
            &declared,
        ));
    }
    cases
}

/// Lines of 40 bytes or so, with an edit in some of them.
fn text(bytes: usize, edited: impl Fn(usize) -> bool) -> String {
    let mut text = String::new();
    let mut index = 0;
    while text.len() < bytes {
        let mark = if edited(index) { "!" } else { "" };
        let _ = writeln!(text, "line {index} of a text that people edit{mark}");
        index += 1;
    }
    text
}

fn texts(name: impl Into<String>, sides: [String; 3]) -> Case {
    let document = |text: String| Value::Object(object([("text", text.into())]));
    Case {
        name: name.into(),
        sides: sides.map(document),
        strategies: strategies(&[("/text", Strategy::Text)]),
    }
}

fn text_cases() -> Vec<Case> {
    let sizes = [
        ("1 KiB", 1 << 10),
        ("100 KiB", 100 << 10),
        ("1 MiB", 1 << 20),
    ];
    let mut cases = Vec::new();
    for (name, bytes) in sizes {
        let few = [
            text(bytes, |_| false),
            text(bytes, |index| index == 1),
            text(bytes, |index| index == 20),
        ];
        cases.push(texts(format!("text {name}, two edits"), few));
        let many = [
            text(bytes, |_| false),
            text(bytes, |index| index % 20 == 0),
            text(bytes, |index| index % 20 == 10),
        ];
        cases.push(texts(format!("text {name}, an edit in 20 lines"), many));
        let same = [
            text(bytes, |_| false),
            text(bytes, |_| true),
            text(bytes, |index| index % 2 == 0) + "more\n",
        ];
        cases.push(texts(format!("text {name}, all lines edited"), same));
    }
    cases
}

fn hard_json_cases() -> Vec<Case> {
    let members = |edit: &str| {
        let members = (0..100_000).map(|index| format!(r#""m{index}":{{"v":1}}"#));
        format!("{{{edit}{}}}", members.collect::<Vec<_>>().join(","))
    };
    let elements = |first: usize, last: usize, edited: usize| {
        let items = (first..last).map(|index| {
            let value = if index == edited { 2 } else { 1 };
            format!(r#"{{"id":"e{index}","v":{value}}}"#)
        });
        format!("[{}]", items.collect::<Vec<_>>().join(","))
    };
    let deep = |leaf: &str, filler: &str| {
        (0..126).fold(leaf.to_owned(), |inner, _| {
            format!(r#"{{"filler":"{filler}","in":{inner}}}"#)
        })
    };
    let filler = "x".repeat(8000);
    let list = Strategy::KeyedList {
        key: "/id".parse().unwrap(),
    };
    let lists = |sides: [String; 3]| sides.map(|list| format!(r#"{{"list":{list}}}"#));
    vec![
        case(
            "100,000 members",
            [members(""), members(r#""a":1,"#), members(r#""b":1,"#)],
            &[],
        ),
        case(
            "100,000 elements by key",
            lists([
                elements(0, 100_000, 0),
                elements(0, 100_010, 5),
                elements(10, 100_000, 7),
            ]),
            &[("/list", list.clone())],
        ),
        case(
            "100,000 elements by key, all new",
            lists([
                "[]".into(),
                elements(0, 50_000, 0),
                elements(40_000, 100_000, 7),
            ]),
            &[("/list", list)],
        ),
        case(
            "100,000 elements as a set",
            lists([
                elements(0, 100_000, 0),
                elements(0, 100_010, 5),
                elements(10, 100_000, 7),
            ]),
            &[("/list", Strategy::Set)],
        ),
        case(
            "depth 127, 1 MiB",
            [deep("1", &filler), deep("2", &filler), deep("3", &filler)],
            &[],
        ),
    ]
}

fn hard_text_cases() -> Vec<Case> {
    const MEBIBYTE: usize = 1 << 20;
    let noise = |seed: u64, bytes: usize, letters: u64, width: usize| {
        let mut state = seed;
        let mut text = String::new();
        while text.len() < bytes {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let _ = writeln!(text, "{:0width$}", (state >> 33) % letters);
        }
        text
    };
    let shuffled = |step: usize, lines: usize| {
        let mut text = String::new();
        for index in 0..lines {
            let _ = writeln!(text, "{:07}", index * step % lines);
        }
        text
    };
    let repeated = |line: &str, times: usize| line.repeat(times);
    let alternating =
        |odd: &str, even: &str, times: usize| format!("{odd}\n{even}\n").repeat(times);
    let mut cases = vec![
        texts(
            "1 MiB of one line, other lengths",
            [
                repeated("same\n", MEBIBYTE / 5),
                repeated("same\n", MEBIBYTE / 5 - 1000),
                repeated("same\n", MEBIBYTE / 5 + 1000),
            ],
        ),
        texts(
            "1 MiB of one line, an edit at either end",
            [
                repeated("same\n", MEBIBYTE / 5),
                "first\n".to_owned() + &repeated("same\n", MEBIBYTE / 5),
                repeated("same\n", MEBIBYTE / 5) + "last\n",
            ],
        ),
        texts(
            "1 MiB, every other line edited by each",
            [
                alternating("a", "b", MEBIBYTE / 4),
                alternating("x", "b", MEBIBYTE / 4),
                alternating("a", "y", MEBIBYTE / 4),
            ],
        ),
        texts(
            "1 MiB, a line in 14 edited",
            [
                text(MEBIBYTE, |_| false),
                text(MEBIBYTE, |index| index % 14 == 0),
                text(MEBIBYTE, |index| index % 14 == 7),
            ],
        ),
        texts(
            "1 MiB, lines swapped",
            [1, 2, 3].map(|side| {
                let swap = |index: usize| match (index + 7 * side) % 50 {
                    0 if side > 1 => index + 1,
                    1 if side > 1 => index - 1,
                    _ => index,
                };
                (0..50_000)
                    .map(|index| format!("line number {}\n", swap(index + 50)))
                    .collect()
            }),
        ),
        texts(
            "1 MiB of one line, 1000 others among them",
            ["same", "b", "c"].map(|other| {
                (0..MEBIBYTE / 5)
                    .map(|index| {
                        if index % 200 == 7 {
                            format!("{other}\n")
                        } else {
                            "same\n".into()
                        }
                    })
                    .collect()
            }),
        ),
        texts(
            "1 MiB, 100 regions shuffled by half each",
            [0, 1, 2].map(|side| {
                let region = |region: usize| {
                    let word = |index: usize| {
                        let moved = index < 500 && side == 1 || index > 520 && side == 2;
                        let index = if moved {
                            index / 500 * 521 + index * 7919 % 499
                        } else {
                            index
                        };
                        format!("w{region}.{index}")
                    };
                    (0..1020).map(word).collect::<Vec<_>>().join(" ") + "\nunchanged\n"
                };
                (0..100).map(region).collect()
            }),
        ),
        texts(
            "600 KiB of noise, 1000 edits by each",
            [0, 1, 2].map(|side| {
                let lines = noise(1, 600 << 10, 2, 1);
                let edited = |(index, line): (usize, &str)| match index % 300 {
                    100 if side == 1 => "b\n".to_owned(),
                    200 if side == 2 => format!("{line}\n{line}\n"),
                    _ => format!("{line}\n"),
                };
                lines.lines().enumerate().map(edited).collect()
            }),
        ),
        texts(
            "1 MiB on one line",
            [
                repeated("word ", MEBIBYTE / 5),
                repeated("word ", MEBIBYTE / 5) + "x",
                "y".to_owned() + &repeated("word ", MEBIBYTE / 5),
            ],
        ),
        texts(
            "60 KiB on one line of two words, noise",
            [1, 2, 3].map(|seed| noise(seed, 20 << 10, 2, 1).replace('\n', " ")),
        ),
    ];
    for (name, letters, width) in [("2", 2, 1), ("10", 10, 1), ("1000", 1000, 3)] {
        for (size, bytes) in [
            ("1 MiB", MEBIBYTE),
            ("300 KiB", 300 << 10),
            ("30 KiB", 30 << 10),
        ] {
            cases.push(texts(
                format!("{size} of noise, {name} different lines"),
                [1, 2, 3].map(|seed| noise(seed, bytes, letters, width)),
            ));
        }
    }
    for lines in [131_071, 40_009, 4_001, 1_361] {
        cases.push(texts(
            format!("{lines} lines shuffled"),
            [1, 7_919, 104_729].map(|step| shuffled(step, lines)),
        ));
    }
    cases
}
