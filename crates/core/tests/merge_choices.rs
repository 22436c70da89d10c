//! Choices in a merge, and what is reported about them.

use detente_core::json::{Pointer, Value, parse};
use detente_core::merge::{Choice, Choices, Merge, Strategies, Strategy, merge};

fn value(text: &str) -> Value {
    parse(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"))
}

fn pointer(text: &str) -> Pointer {
    text.parse().unwrap()
}

/// `/path ours; /path base; /path =JSON`
fn choices(text: &str) -> Choices {
    let choice = |row: &str| {
        let (path, choice) = row.split_once(' ').unwrap();
        let choice = match choice {
            "ours" => Choice::Ours,
            "theirs" => Choice::Theirs,
            "base" => Choice::Base,
            other => Choice::Value(value(other.strip_prefix('=').unwrap())),
        };
        (pointer(path), choice)
    };
    text.split("; ").map(choice).collect()
}

/// The document, the conflicts, and the choices that applied.
fn told(found: &Merge) -> String {
    let document = found
        .document
        .as_ref()
        .map_or("nothing".into(), Value::to_text);
    let conflicts = found.conflicts.iter().map(|it| format!(" !{}", it.path));
    let chosen = found
        .chosen
        .iter()
        .map(|chosen| format!(" ?{}", chosen.path));
    document + &conflicts.chain(chosen).collect::<String>()
}

fn strategies() -> Strategies {
    let mut strategies = Strategies::default();
    let declared = [
        ("/n", Strategy::Counter),
        ("/tags", Strategy::Set),
        ("/whole", Strategy::Atomic),
        ("/start", Strategy::Group(vec![pointer("/end")])),
        (
            "/l",
            Strategy::KeyedList {
                key: pointer("/id"),
            },
        ),
        ("/l/*/n", Strategy::Counter),
        (
            "/deep",
            Strategy::KeyedList {
                key: pointer("/meta/id"),
            },
        ),
        (
            "/deep/*/l",
            Strategy::KeyedList {
                key: pointer("/id"),
            },
        ),
    ];
    for (place, strategy) in declared {
        strategies.set(&pointer(place), strategy);
    }
    strategies
}

#[test]
fn a_choice_decides_its_place() {
    let list = r#"{"l":[{"id":"a","n":1},{"id":"b"},{"id":"c"}]}"#;
    let ours = r#"{"l":[{"id":"c"},{"id":"b","t":1},{"id":"a","n":2}]}"#;
    let theirs = r#"{"l":[{"id":"b","t":2},{"id":"a","n":5},{"id":"c"}]}"#;
    let cases = [
        // (base, ours, theirs, choices, result)
        (
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a":3}"#,
            "/a ours",
            r#"{"a":2} ?/a"#,
        ),
        (
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a":3}"#,
            "/a theirs",
            r#"{"a":3} ?/a"#,
        ),
        (
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a":3}"#,
            "/a base",
            r#"{"a":1} ?/a"#,
        ),
        (
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a":3}"#,
            "/a =[4]",
            r#"{"a":[4]} ?/a"#,
        ),
        (r#"{"a":1}"#, "{}", r#"{"a":3}"#, "/a ours", "{} ?/a"),
        ("{}", r#"{"a":2}"#, r#"{"a":3}"#, "/a base", "{} ?/a"),
        // Both removed it; somebody wants it back.
        (
            r#"{"a":1,"b":1}"#,
            r#"{"b":1}"#,
            r#"{"b":1}"#,
            "/a base",
            r#"{"b":1,"a":1} ?/a"#,
        ),
        // The whole document.
        (
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a":3}"#,
            " base",
            r#"{"a":1} ?"#,
        ),
        // A clean edit is undone, although there is nothing else to merge.
        (
            r#"{"a":1,"b":1}"#,
            r#"{"a":2,"b":2}"#,
            r#"{"a":1,"b":1}"#,
            "/a base",
            r#"{"a":1,"b":2} ?/a"#,
        ),
        (
            r#"{"x":{"a":1,"b":1}}"#,
            r#"{"x":{"a":2,"b":2}}"#,
            r#"{"x":{"a":2,"b":2}}"#,
            "/x/a base",
            r#"{"x":{"a":1,"b":2}} ?/x/a"#,
        ),
        (
            r#"{"whole":{"a":1,"b":1}}"#,
            r#"{"whole":{"a":2,"b":2}}"#,
            r#"{"whole":{"a":1,"b":1}}"#,
            "/whole/a base",
            r#"{"whole":{"a":1,"b":2}} ?/whole/a"#,
        ),
        // A choice below a place that is in conflict as a whole does not apply, nor does one below
        // another choice.
        (
            r#"{"whole":{"a":1}}"#,
            r#"{"whole":{"a":2}}"#,
            r#"{"whole":{"a":3}}"#,
            "/whole/a ours",
            r#"{"whole":{"a":3}} !/whole"#,
        ),
        (
            r#"{"x":{"a":1}}"#,
            r#"{"x":{"a":2}}"#,
            r#"{"x":{"a":3}}"#,
            "/x ours; /x/a base",
            r#"{"x":{"a":2}} ?/x"#,
        ),
        (
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a":1}"#,
            "/b ours; /a/c ours",
            r#"{"a":2}"#,
        ),
        // A strategy would have joined it.
        (
            r#"{"n":5}"#,
            r#"{"n":6}"#,
            r#"{"n":7}"#,
            "/n theirs",
            r#"{"n":7} ?/n"#,
        ),
        // One place of a group, then all.
        (
            r#"{"start":1,"end":5}"#,
            r#"{"start":2,"end":5}"#,
            r#"{"start":1,"end":4}"#,
            "/start ours",
            r#"{"start":2,"end":4} !/end ?/start"#,
        ),
        (
            r#"{"start":1,"end":5}"#,
            r#"{"start":2,"end":5}"#,
            r#"{"start":1,"end":4}"#,
            "/start ours; /end ours",
            r#"{"start":2,"end":5} ?/start ?/end"#,
        ),
        // A list: a choice for the list decides the order, choices for keys decide elements.
        (
            list,
            ours,
            theirs,
            "/l ours",
            r#"{"l":[{"id":"c"},{"id":"b","t":2},{"id":"a","n":6}]} !/l/b/t ?/l"#,
        ),
        (
            list,
            ours,
            theirs,
            "/l base; /l/b/t ours",
            r#"{"l":[{"id":"a","n":6},{"id":"b","t":1},{"id":"c"}]} ?/l/b/t ?/l"#,
        ),
        (
            list,
            ours,
            theirs,
            "/l theirs; /l/b base; /l/a/n =0",
            r#"{"l":[{"id":"b"},{"id":"a","n":0},{"id":"c"}]} ?/l/b ?/l/a/n ?/l"#,
        ),
        (list, ours, theirs, "/l =[]", r#"{"l":[]} ?/l"#),
        // A list whose elements are not identified by keys is chosen as a whole.
        (
            r#"{"l":[]}"#,
            r#"{"l":[{"id":1},{"id":1}]}"#,
            r#"{"l":[{"id":2}]}"#,
            "/l ours",
            r#"{"l":[{"id":1},{"id":1}]} ?/l"#,
        ),
        // Nobody changed the list, but there is a choice for an element.
        (
            list,
            list,
            list,
            "/l/b =null",
            r#"{"l":[{"id":"a","n":1},null,{"id":"c"}]} ?/l/b"#,
        ),
        (
            r#"{"deep":[{"meta":{"id":"1"},"l":[{"id":true,"t":1}]}]}"#,
            r#"{"deep":[{"meta":{"id":"1"},"l":[{"id":true,"t":2}]}]}"#,
            r#"{"deep":[{"meta":{"id":"1"},"l":[{"id":true,"t":3}]}]}"#,
            r#"/deep/"1"/l/true/t ours"#,
            r#"{"deep":[{"meta":{"id":"1"},"l":[{"id":true,"t":2}]}]} ?/deep/"1"/l/true/t"#,
        ),
    ];
    for (base, ours, theirs, decided, expected) in cases {
        let [base_value, ours_value, theirs_value] = [base, ours, theirs].map(value);
        let found = merge(
            Some(&base_value),
            Some(&ours_value),
            Some(&theirs_value),
            &strategies(),
            &choices(decided),
        );
        assert_eq!(told(&found), expected, "{base} {ours} {theirs}: {decided}");
    }
}

#[test]
fn a_choice_tells_what_it_was_made_on() {
    let [base, ours, theirs] = [r#"{"a":1,"b":1}"#, r#"{"a":2,"b":2}"#, r#"{"a":3}"#].map(value);
    let decided = choices("/a ours; /b ours");
    let found = merge(
        Some(&base),
        Some(&ours),
        Some(&theirs),
        &Strategies::default(),
        &decided,
    );
    let expected = [(pointer("/a"), Some(value("3"))), (pointer("/b"), None)];
    let chosen = found.chosen.into_iter().map(|it| (it.path, it.theirs));
    assert_eq!(chosen.collect::<Vec<_>>(), expected);
}

/// A long pointer does not overflow the stack.
#[test]
fn a_choice_deeper_than_any_document_is_passed_over() {
    let deep = "/a".repeat(1_000_000);
    let decided = Choices::from([(pointer(&deep), Choice::Ours)]);
    let document = value(r#"{"a":{"a":{}}}"#);
    let side = Some(&document);
    let found = merge(side, side, side, &Strategies::default(), &decided);
    assert_eq!((found.chosen, found.document), (vec![], Some(document)));
}

#[test]
fn what_was_joined_agreed_and_lost_is_told() {
    let mut strategies = strategies();
    strategies.set(&pointer("/last"), Strategy::LastWriter);
    strategies.set(&pointer("/first"), Strategy::FirstWriter);
    strategies.set(&pointer("/sum"), Strategy::Derived);
    strategies.set(&pointer("/t"), Strategy::Text);
    let base =
        value(r#"{"last":1,"first":1,"sum":1,"n":1,"tags":[],"t":"a b","l":[],"x":{"y":1},"z":1}"#);
    let ours = value(
        r#"{"last":2,"first":2,"sum":2,"n":2,"tags":[1],"t":"A b","l":[{"id":"a"}],"x":{"y":2}}"#,
    );
    let theirs =
        value(r#"{"last":3,"first":3,"n":2,"tags":[2],"t":"a B","l":[{"id":"b"}],"x":{"y":2}}"#);
    let found = merge(
        Some(&base),
        Some(&ours),
        Some(&theirs),
        &strategies,
        &Choices::new(),
    );
    assert!(found.is_clean());
    let joined: Vec<_> = found
        .joined
        .iter()
        .map(|it| {
            let lost = it
                .lost
                .as_ref()
                .map_or(String::new(), |lost| format!(" lost {lost}"));
            let review = if it.review { " review" } else { "" };
            format!("{} {}{lost}{review}", it.path, it.strategy)
        })
        .collect();
    let expected = [
        "/last last-writer lost 3",
        "/first first-writer lost 2",
        "/n counter",
        "/tags set",
        "/t text review",
        "/l keyed-list",
        "/sum derived lost 2",
    ];
    assert_eq!(joined, expected);
    assert_eq!(found.agreements, [pointer("/x"), pointer("/z")]);
    let document = found.document.map(|it| it.to_text());
    let expected = r#"{"last":2,"first":3,"n":3,"tags":[1,2],"t":"A B","l":[{"id":"a"},{"id":"b"}],"x":{"y":2}}"#;
    assert_eq!(document.as_deref(), Some(expected));
}
