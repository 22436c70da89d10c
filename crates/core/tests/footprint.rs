//! What a tree takes: a document of a megabyte must not take a hundred.

use detente_core::json::{Value, parse};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// How many times the bytes of its text a tree takes, and a copy of it.
fn factors(text: &str) -> (usize, usize) {
    let before = ALLOCATOR.current_usage();
    let tree = parse(text.as_bytes()).unwrap();
    let parsed = ALLOCATOR.current_usage() - before;
    let copy = tree.clone();
    let copied = ALLOCATOR.current_usage() - before - parsed;
    drop(copy);
    (parsed / text.len(), copied / text.len())
}

/// One test: another thread would be counted as well.
#[test]
fn a_tree_takes_at_most_thirty_times_its_text() {
    assert!(size_of::<Value>() <= 32, "{}", size_of::<Value>());
    let pieces = [
        "0",
        "1.5",
        "true",
        "null",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[0]",
        "[[]]",
        r#"{"a":0}"#,
        r#"{"":[]}"#,
        r#"{"a":0,"b":0}"#,
        r#"{"a":{"b":{"c":0}}}"#,
        "123456789012345678901234567890",
    ];
    for piece in pieces {
        let text = format!("[{}]", vec![piece; 100_000].join(","));
        let (parsed, copied) = factors(&text);
        assert!(
            parsed <= 30 && copied <= 30,
            "{piece}: {parsed} and {copied} times"
        );
    }
    let members: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":0")).collect();
    let (parsed, copied) = factors(&format!("{{{}}}", members.join(",")));
    assert!(
        parsed <= 30 && copied <= 30,
        "members: {parsed} and {copied} times"
    );
}
