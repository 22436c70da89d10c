//! What a naive merge gets wrong, case by case. Where the server decides, this tests only what the
//! engine reports to it.

use std::collections::BTreeSet;

use detente_core::json::{Pointer, Value, parse};
use detente_core::merge::{Choice, Choices, Merge, Strategies, Strategy, merge};

fn value(text: &str) -> Option<Value> {
    let parsed = |text: &str| parse(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"));
    (!text.is_empty()).then(|| parsed(text))
}

fn pointer(text: &str) -> Pointer {
    text.parse().unwrap()
}

fn strategies(declared: &[(&str, Strategy)]) -> Strategies {
    let mut strategies = Strategies::default();
    for (place, strategy) in declared {
        strategies.set(&pointer(place), strategy.clone());
    }
    strategies
}

fn keyed(key: &str) -> Strategy {
    Strategy::KeyedList { key: pointer(key) }
}

/// An empty text means absent.
fn join(sides: [&str; 3], strategies: &Strategies, choices: &Choices) -> Merge {
    let [base, ours, theirs] = sides.map(value);
    merge(
        base.as_ref(),
        ours.as_ref(),
        theirs.as_ref(),
        strategies,
        choices,
    )
}

/// The document and the conflicts, as `{…} | /path kind, …`.
fn told(found: &Merge) -> String {
    let document = found
        .document
        .as_ref()
        .map_or(String::new(), Value::to_text);
    let conflicts: Vec<_> = found
        .conflicts
        .iter()
        .map(|it| format!("{} {}", it.path, it.collision.name()))
        .collect();
    if conflicts.is_empty() {
        document
    } else {
        format!("{document} | {}", conflicts.join(", "))
    }
}

/// Checks rows of (base, ours, theirs, result).
fn judge(declared: &[(&str, Strategy)], rows: &[(&str, &str, &str, &str)]) {
    let strategies = strategies(declared);
    for (base, ours, theirs, expected) in rows {
        let found = join([base, ours, theirs], &strategies, &Choices::new());
        assert_eq!(told(&found), *expected, "{base} {ours} {theirs}");
    }
}

#[test]
fn trap_01_null_set_against_member_removed() {
    judge(
        &[],
        &[
            (r#"{"a":1}"#, r#"{"a":null}"#, "{}", "{} | /a edit-delete"),
            (
                r#"{"a":1}"#,
                "{}",
                r#"{"a":null}"#,
                r#"{"a":null} | /a delete-edit"#,
            ),
            (r#"{"a":null}"#, "{}", r#"{"a":null,"b":1}"#, r#"{"b":1}"#),
        ],
    );
}

#[test]
fn trap_02_delete_against_edit() {
    judge(
        &[],
        &[
            (
                r#"{"a":1}"#,
                "{}",
                r#"{"a":2}"#,
                r#"{"a":2} | /a delete-edit"#,
            ),
            (
                r#"{"a":{"b":1,"c":1}}"#,
                "{}",
                r#"{"a":{"b":2,"c":1}}"#,
                r#"{"a":{"b":2,"c":1}} | /a delete-edit"#,
            ),
            (r#"{"a":1}"#, "", r#"{"a":2}"#, r#"{"a":2} |  delete-edit"#),
            (r#"{"a":1}"#, r#"{"a":2}"#, "", " |  edit-delete"),
            (r#"{"a":1}"#, "", r#"{"a":1}"#, ""),
            (r#"{"a":1}"#, "", "", ""),
        ],
    );
}

#[test]
fn trap_03_both_add_an_object_with_different_children() {
    judge(
        &[],
        &[
            ("{}", r#"{"a":{}}"#, r#"{"a":{"x":1}}"#, r#"{"a":{"x":1}}"#),
            (
                "{}",
                r#"{"a":{"y":1,"z":1}}"#,
                r#"{"a":{"x":1,"z":2}}"#,
                r#"{"a":{"x":1,"z":2,"y":1}} | /a/z add-add"#,
            ),
        ],
    );
}

#[test]
fn trap_04_an_object_becomes_a_string_while_its_child_is_edited() {
    judge(
        &[],
        &[
            (
                r#"{"a":{"b":1}}"#,
                r#"{"a":"x"}"#,
                r#"{"a":{"b":2}}"#,
                r#"{"a":{"b":2}} | /a type"#,
            ),
            (
                r#"{"a":"x"}"#,
                r#"{"a":{"b":1}}"#,
                r#"{"a":{"c":1}}"#,
                r#"{"a":{"c":1}} | /a edit-edit"#,
            ),
        ],
    );
}

#[test]
fn trap_05_two_count_from_five_to_six() {
    let sides = [r#"{"n":5}"#, r#"{"n":6}"#, r#"{"n":6}"#];
    let counted = join(
        sides,
        &strategies(&[("/n", Strategy::Counter)]),
        &Choices::new(),
    );
    assert_eq!(told(&counted), r#"{"n":7}"#);
    assert!(counted.agreements.is_empty());
    // The same inside of an element, although the lists are equal.
    let declared = [("/l", keyed("/id")), ("/l/*/n", Strategy::Counter)];
    let counted = r#"{"l":[{"id":"a","n":6}]}"#;
    judge(
        &declared,
        &[(
            r#"{"l":[{"id":"a","n":5}]}"#,
            counted,
            counted,
            r#"{"l":[{"id":"a","n":7}]}"#,
        )],
    );
    // Undeclared, it stays six, and the agreement is reported.
    let agreed = join(sides, &Strategies::default(), &Choices::new());
    assert_eq!(told(&agreed), r#"{"n":6}"#);
    assert_eq!(agreed.agreements, [pointer("/n")]);
}

/// The schema says that stock is not below 0; it is checked again on the merged document.
#[test]
fn trap_06_of_one_in_stock_two_are_taken() {
    let declared = [("/stock", Strategy::Counter)];
    judge(
        &declared,
        &[(
            r#"{"stock":1}"#,
            r#"{"stock":0}"#,
            r#"{"stock":0}"#,
            r#"{"stock":-1}"#,
        )],
    );
}

/// Merging again counts again: a retry must be recognised by its key.
#[test]
fn trap_07_a_lost_answer_and_a_retry() {
    let declared = [
        ("/n", Strategy::Counter),
        ("/log", Strategy::Append),
        ("/text", Strategy::Text),
    ];
    judge(
        &declared,
        &[
            (r#"{"n":5}"#, r#"{"n":6}"#, r#"{"n":6}"#, r#"{"n":7}"#),
            (
                r#"{"log":[1]}"#,
                r#"{"log":[1,2]}"#,
                r#"{"log":[1,3,2]}"#,
                r#"{"log":[1,3,2,2]}"#,
            ),
            (
                r#"{"text":"a\nb\nc\n"}"#,
                r#"{"text":"b\nc\na\n"}"#,
                r#"{"text":"b\nc\na\nd\n"}"#,
                r#"{"text":"b\nc\na\nd\n"} | /text text"#,
            ),
        ],
    );
}

#[test]
fn trap_08_a_start_and_an_end_that_fit_only_their_own_side() {
    let group = Strategy::Group(vec![pointer("/start"), pointer("/end")]);
    judge(
        &[("/start", group)],
        &[
            (
                r#"{"start":1,"end":5}"#,
                r#"{"start":4,"end":5}"#,
                r#"{"start":1,"end":3}"#,
                r#"{"start":1,"end":3} | /start edit-edit, /end edit-edit"#,
            ),
            (
                r#"{"start":1,"end":5}"#,
                r#"{"start":4,"end":9}"#,
                r#"{"start":1,"end":5,"x":1}"#,
                r#"{"start":4,"end":9,"x":1}"#,
            ),
            (
                r#"{"start":1,"end":5}"#,
                r#"{"start":2,"end":5}"#,
                r#"{"start":2,"end":5}"#,
                r#"{"start":2,"end":5}"#,
            ),
        ],
    );
}

/// A place that was removed with its parent, or that is in a list, counts as changed like any
/// other.
#[test]
fn trap_08_a_group_that_reaches_into_values() {
    let group = Strategy::Group(vec![pointer("/l/0/v"), pointer("/x/y")]);
    let rows = [
        (
            r#"{"x":{"y":1},"z":1}"#,
            r#"{"z":1}"#,
            r#"{"x":{"y":1},"z":2}"#,
            r#"{"x":{"y":1},"z":2} | /x edit-edit, /z edit-edit"#,
        ),
        (
            r#"{"l":[{"id":"a","v":1}],"z":1}"#,
            r#"{"l":[{"id":"a","v":2}],"z":1}"#,
            r#"{"l":[{"id":"a","v":1}],"z":2}"#,
            r#"{"l":[{"id":"a","v":1}],"z":2} | /l edit-edit, /z edit-edit"#,
        ),
        (
            r#"{"l":[{"id":"a","v":1},{"id":"b"}],"z":1}"#,
            r#"{"l":[{"id":"a","v":2},{"id":"b"}],"z":1}"#,
            r#"{"l":[{"id":"a","v":1},{"id":"b","w":1}],"z":2}"#,
            r#"{"l":[{"id":"a","v":1},{"id":"b","w":1}],"z":2} | /l edit-edit, /z edit-edit"#,
        ),
    ];
    judge(&[("/z", group.clone())], &rows);
    judge(&[("/z", group.clone()), ("/l", keyed("/id"))], &rows);
    judge(
        &[
            ("/z", group),
            ("/l", Strategy::Set),
            ("/x", Strategy::Atomic),
        ],
        &rows,
    );
}

#[test]
fn trap_09_an_amount_and_its_currency() {
    let group = Strategy::Group(vec![pointer("/price/currency")]);
    let sides = [
        r#"{"price":{"amount":5,"currency":"EUR"}}"#,
        r#"{"price":{"amount":6,"currency":"EUR"}}"#,
        r#"{"price":{"amount":5,"currency":"USD"}}"#,
    ];
    let strategies = strategies(&[("/price/amount", group)]);
    let found = join(sides, &strategies, &Choices::new());
    assert_eq!(
        told(&found),
        r#"{"price":{"amount":5,"currency":"USD"}} | /price/amount edit-edit, /price/currency edit-edit"#
    );
    assert!(found.conflicts.iter().all(|it| it.strategy == "group"));
    // Undeclared, the result is six dollars, which nobody wrote.
    let naive = join(sides, &Strategies::default(), &Choices::new());
    assert_eq!(told(&naive), r#"{"price":{"amount":6,"currency":"USD"}}"#);
    // A side that removes the object changes what is in it.
    let gone = [sides[0], "{}", sides[2]];
    assert_eq!(join(gone, &strategies, &Choices::new()).conflicts.len(), 1);
    let removed = join([sides[0], "{}", sides[0]], &strategies, &Choices::new());
    assert_eq!(told(&removed), "{}");
}

/// The engine sees values, not versions: a value equal to the base is unchanged, whatever came
/// between.
#[test]
fn trap_10_the_head_went_away_and_came_back() {
    judge(
        &[],
        &[(r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":1.0}"#, r#"{"a":2}"#)],
    );
}

#[test]
fn trap_11_a_set_of_which_one_is_removed_and_to_which_one_is_added() {
    judge(
        &[("/tags", Strategy::Set)],
        &[
            (
                r#"{"tags":["a","b"]}"#,
                r#"{"tags":["b"]}"#,
                r#"{"tags":["a","b","c"]}"#,
                r#"{"tags":["b","c"]}"#,
            ),
            (
                r#"{"tags":["a"]}"#,
                r#"{"tags":["a","c","d"]}"#,
                r#"{"tags":["d","a"]}"#,
                r#"{"tags":["a","c","d"]}"#,
            ),
        ],
    );
}

#[test]
fn trap_12_set_elements_that_differ_in_the_order_of_members_only() {
    judge(
        &[("/s", Strategy::Set)],
        &[(
            r#"{"s":[{"a":1,"b":2}]}"#,
            r#"{"s":[{"b":2,"a":1.0},3]}"#,
            r#"{"s":[{"a":1,"b":2},{"c":1}]}"#,
            r#"{"s":[{"a":1,"b":2},3,{"c":1}]}"#,
        )],
    );
}

#[test]
fn trap_13_an_insert_before_an_element_that_is_edited() {
    judge(
        &[("/l", keyed("/id"))],
        &[(
            r#"{"l":[{"id":"a","v":1},{"id":"b","v":1}]}"#,
            r#"{"l":[{"id":"x"},{"id":"a","v":1},{"id":"b","v":1}]}"#,
            r#"{"l":[{"id":"a","v":2},{"id":"b","v":1}]}"#,
            r#"{"l":[{"id":"x"},{"id":"a","v":2},{"id":"b","v":1}]}"#,
        )],
    );
}

#[test]
fn trap_14_a_new_order_against_edit_delete_and_another_order() {
    let base = r#"{"l":[{"id":"a"},{"id":"b"},{"id":"c"}]}"#;
    let turned = r#"{"l":[{"id":"c"},{"id":"b"},{"id":"a"}]}"#;
    judge(
        &[("/l", keyed("/id"))],
        &[
            (
                base,
                turned,
                r#"{"l":[{"id":"a"},{"id":"b","v":2},{"id":"c"}]}"#,
                r#"{"l":[{"id":"c"},{"id":"b","v":2},{"id":"a"}]}"#,
            ),
            (
                base,
                turned,
                r#"{"l":[{"id":"a"},{"id":"c"}]}"#,
                r#"{"l":[{"id":"c"},{"id":"a"}]}"#,
            ),
            (
                base,
                turned,
                r#"{"l":[{"id":"b"},{"id":"a","v":1},{"id":"c"}]}"#,
                r#"{"l":[{"id":"b"},{"id":"a","v":1},{"id":"c"}]} | /l order"#,
            ),
            (
                base,
                r#"{"l":[{"id":"a"},{"id":"c"}]}"#,
                r#"{"l":[{"id":"a"},{"id":"b","v":2},{"id":"c"}]}"#,
                r#"{"l":[{"id":"a"},{"id":"b","v":2},{"id":"c"}]} | /l/b delete-edit"#,
            ),
        ],
    );
}

#[test]
fn trap_15_keys_renamed_duplicated_missing_and_of_two_types() {
    judge(
        &[("/l", keyed("/id"))],
        &[
            // Renamed: the old one is removed, a new one added.
            (
                r#"{"l":[{"id":"a","v":1},{"id":"b"}]}"#,
                r#"{"l":[{"id":"z","v":1},{"id":"b"}]}"#,
                r#"{"l":[{"id":"a","v":1},{"id":"b","v":2}]}"#,
                r#"{"l":[{"id":"z","v":1},{"id":"b","v":2}]}"#,
            ),
            (
                r#"{"l":[{"id":"a","v":1}]}"#,
                r#"{"l":[{"id":"z","v":1}]}"#,
                r#"{"l":[{"id":"a","v":2}]}"#,
                r#"{"l":[{"id":"a","v":2},{"id":"z","v":1}]} | /l/a delete-edit"#,
            ),
            (
                r#"{"l":[{"id":"a"}]}"#,
                r#"{"l":[{"id":"a"},{"id":"a"}]}"#,
                r#"{"l":[{"id":"a","v":2}]}"#,
                r#"{"l":[{"id":"a","v":2}]} | /l inapplicable"#,
            ),
            (
                r#"{"l":[{"id":"a"}]}"#,
                r#"{"l":[{}]}"#,
                r#"{"l":[{"id":"a","v":2}]}"#,
                r#"{"l":[{"id":"a","v":2}]} | /l inapplicable"#,
            ),
            (
                r#"{"l":[{"id":"a"}]}"#,
                r#"{"l":[{"id":"a","v":1}]}"#,
                r#"{"l":["a"]}"#,
                r#"{"l":["a"]} | /l inapplicable"#,
            ),
            (
                r#"{"l":[{"id":1},{"id":"1"}]}"#,
                r#"{"l":[{"id":1,"v":1},{"id":"1","v":1}]}"#,
                r#"{"l":[{"id":1.0,"v":2},{"id":"1","v":1}]}"#,
                r#"{"l":[{"id":1.0,"v":2},{"id":"1","v":1}]} | /l/1/v add-add"#,
            ),
            (
                r#"{"l":[{"id":1},{"id":"1"}]}"#,
                r#"{"l":[{"id":1},{"id":"1","v":1}]}"#,
                r#"{"l":[{"id":1},{"id":"1","v":2}]}"#,
                r#"{"l":[{"id":1},{"id":"1","v":2}]} | /l/"1"/v add-add"#,
            ),
        ],
    );
}

#[test]
fn trap_16_both_move_one_line() {
    judge(
        &[("/t", Strategy::Text)],
        &[(
            r#"{"t":"m\n1\n2\n3\n4\n"}"#,
            r#"{"t":"1\n2\nm\n3\n4\n"}"#,
            r#"{"t":"1\n2\n3\n4\nm\n"}"#,
            r#"{"t":"1\n2\n3\n4\nm\n"} | /t text"#,
        )],
    );
}

#[test]
fn trap_17_neighbouring_lines() {
    let strategies = strategies(&[("/t", Strategy::Text)]);
    let sides = [
        r#"{"t":"a\nb\n"}"#,
        r#"{"t":"A\nb\n"}"#,
        r#"{"t":"a\nB\n"}"#,
    ];
    let found = join(sides, &strategies, &Choices::new());
    assert_eq!(told(&found), r#"{"t":"A\nB\n"}"#);
    assert!(
        found.joined[0].review,
        "no line between the two is unchanged"
    );
}

#[test]
fn trap_18_no_final_newline_and_crlf_on_one_side() {
    judge(
        &[("/t", Strategy::Text)],
        &[
            (
                r#"{"t":"a\nb"}"#,
                r#"{"t":"a\nb\n"}"#,
                r#"{"t":"A\nb"}"#,
                r#"{"t":"A\nb\n"}"#,
            ),
            (
                r#"{"t":"a\nb\n"}"#,
                r#"{"t":"a\r\nb\r\n"}"#,
                r#"{"t":"a\nB\nc\n"}"#,
                r#"{"t":"a\r\nB\r\nc\r\n"}"#,
            ),
        ],
    );
}

#[test]
fn trap_19_text_that_holds_the_marks_of_a_conflict() {
    judge(
        &[("/t", Strategy::Text)],
        &[(
            r#"{"t":"<<<<<<< ours\n=======\n>>>>>>> theirs\nx\ny\n"}"#,
            r#"{"t":"<<<<<<< mine\n=======\n>>>>>>> theirs\nx\ny\n"}"#,
            r#"{"t":"<<<<<<< ours\n=======\n>>>>>>> theirs\nx\n|||||||\n"}"#,
            r#"{"t":"<<<<<<< mine\n=======\n>>>>>>> theirs\nx\n|||||||\n"}"#,
        )],
    );
}

#[test]
fn trap_20_an_empty_base_and_all_deleted_against_an_edit() {
    judge(
        &[("/t", Strategy::Text), ("/l", keyed("/id"))],
        &[
            (
                r#"{"t":""}"#,
                r#"{"t":"a"}"#,
                r#"{"t":"b"}"#,
                r#"{"t":"b"} | /t text"#,
            ),
            (
                "{}",
                r#"{"t":"a"}"#,
                r#"{"t":"b"}"#,
                r#"{"t":"b"} | /t add-add"#,
            ),
            (
                r#"{"t":"a\nb\n"}"#,
                r#"{"t":""}"#,
                r#"{"t":"a\nb\nc\n"}"#,
                r#"{"t":"a\nb\nc\n"} | /t text"#,
            ),
            ("", r#"{"a":1}"#, r#"{"b":1}"#, r#"{"b":1,"a":1}"#),
            (
                r#"{"l":[]}"#,
                r#"{"l":[{"id":"b"},{"id":"a"}]}"#,
                r#"{"l":[{"id":"c"}]}"#,
                r#"{"l":[{"id":"b"},{"id":"a"},{"id":"c"}]}"#,
            ),
            (
                r#"{"l":[{"id":"a"}]}"#,
                r#"{"l":[]}"#,
                r#"{"l":[{"id":"a","v":1}]}"#,
                r#"{"l":[{"id":"a","v":1}]} | /l/a delete-edit"#,
            ),
        ],
    );
}

#[test]
fn trap_21_emoji_and_accents_stay_whole_and_as_they_were_written() {
    let text = |text: &str| format!(r#"{{"t":"{text}"}}"#);
    let row = |base, ours, theirs, joined| [base, ours, theirs, joined].map(text);
    let rows = [
        row(
            "a 👩\u{200d}👧 c",
            "b 👩\u{200d}👧 c",
            "a 👩\u{200d}👦 c",
            "b 👩\u{200d}👦 c",
        ),
        row(
            "a caf\u{e9} c",
            "b caf\u{e9} c",
            "a cafe\u{301} c",
            "b cafe\u{301} c",
        ),
    ];
    for [base, ours, theirs, joined] in &rows {
        judge(&[("/t", Strategy::Text)], &[(base, ours, theirs, joined)]);
    }
    let [base, ours, theirs, _] = row("👩\u{200d}👧", "👩\u{200d}👦", "👨\u{200d}👧", "");
    let conflict = format!("{theirs} | /t text");
    judge(
        &[("/t", Strategy::Text)],
        &[(&base, &ours, &theirs, &conflict)],
    );
}

#[test]
fn trap_22_one_against_one_point_nought() {
    judge(
        &[],
        &[
            (r#"{"a":1}"#, r#"{"a":1.0}"#, r#"{"a":2}"#, r#"{"a":2}"#),
            (
                r#"{"a":1,"b":1}"#,
                r#"{"a":1.0,"b":1}"#,
                r#"{"a":1,"b":2}"#,
                r#"{"a":1,"b":2}"#,
            ),
            (
                r#"{"a":[1]}"#,
                r#"{"a":[1e0],"b":1}"#,
                r#"{"a":[1.0],"c":1}"#,
                r#"{"a":[1.0],"c":1,"b":1}"#,
            ),
        ],
    );
}

#[test]
fn trap_23_integers_past_two_to_the_53rd() {
    judge(
        &[("/n", Strategy::Counter), ("/m", Strategy::Max)],
        &[
            (
                r#"{"n":9007199254740993}"#,
                r#"{"n":9007199254740994}"#,
                r#"{"n":9007199254740995}"#,
                r#"{"n":9007199254740996}"#,
            ),
            (
                r#"{"m":1}"#,
                r#"{"m":9007199254740993}"#,
                r#"{"m":9007199254740992}"#,
                r#"{"m":9007199254740993}"#,
            ),
            (
                r#"{"i":9007199254740992}"#,
                r#"{"i":9007199254740993}"#,
                r#"{"i":9007199254740992,"x":1}"#,
                r#"{"i":9007199254740993,"x":1}"#,
            ),
        ],
    );
}

#[test]
fn trap_24_members_named_with_a_slash_a_tilde_nothing_and_proto() {
    let sides = [
        r#"{"a/b":1,"~":1,"":1,"__proto__":{"x":1},"*":1}"#,
        r#"{"a/b":2,"~":2,"":2,"__proto__":{"x":2},"*":2}"#,
        r#"{"a/b":3,"~":3,"":3,"__proto__":{"x":3},"*":3}"#,
    ];
    let found = join(sides, &Strategies::default(), &Choices::new());
    let paths: Vec<_> = found
        .conflicts
        .iter()
        .map(|it| it.path.to_string())
        .collect();
    assert_eq!(paths, ["/a~1b", "/~0", "/", "/__proto__/x", "/*"]);
    let choices = paths
        .iter()
        .map(|path| (pointer(path), Choice::Ours))
        .collect();
    let decided = join(sides, &Strategies::default(), &choices);
    assert_eq!(told(&decided), sides[1]);
}

#[test]
fn trap_25_depth_128_and_a_megabyte_of_repeated_lines() {
    let nested = |leaf: &str| format!("{}{leaf}{}", r#"{"a":"#.repeat(127), "}".repeat(127));
    let sides = [nested("{}"), nested(r#"{"x":1}"#), nested(r#"{"y":1}"#)];
    let found = join(
        sides.each_ref().map(String::as_str),
        &Strategies::default(),
        &Choices::new(),
    );
    assert_eq!(told(&found), nested(r#"{"y":1,"x":1}"#));

    let text = |text: String| format!(r#"{{"t":"{text}"}}"#);
    let same = r"same\n".repeat(200_000);
    let sides = [
        text(same.clone()),
        text(format!(r"first\n{same}")),
        text(format!(r"{same}last\n")),
    ];
    let strategies = strategies(&[("/t", Strategy::Text)]);
    let found = join(
        sides.each_ref().map(String::as_str),
        &strategies,
        &Choices::new(),
    );
    assert_eq!(
        found.document,
        value(&text(format!(r"first\n{same}last\n")))
    );

    // If the search for common pieces would take too long, it is a conflict.
    let noise = |factor: u32| {
        let line = |index: u32| {
            if index.wrapping_mul(factor) >> 20 & 1 == 0 {
                r"a\n"
            } else {
                r"b\n"
            }
        };
        text((0..300_000).map(line).collect())
    };
    let sides = [
        noise(2_654_435_761),
        noise(2_246_822_519),
        noise(3_266_489_917),
    ];
    let found = join(
        sides.each_ref().map(String::as_str),
        &strategies,
        &Choices::new(),
    );
    assert_eq!(found.conflicts.len(), 1);
    assert_eq!(found.conflicts[0].collision.name(), "text");
}

/// The strategy is an argument: the one in force when the merge is made applies to all earlier
/// edits.
#[test]
fn trap_26_the_strategy_changed_between_base_and_head() {
    let sides = [r#"{"a":5}"#, r#"{"a":6}"#, r#"{"a":7}"#];
    let cases = [
        (Strategy::Manual, r#"{"a":7} | /a edit-edit"#),
        (Strategy::Counter, r#"{"a":8}"#),
        (Strategy::LastWriter, r#"{"a":6}"#),
        (Strategy::Min, r#"{"a":6}"#),
        // A strategy that does not fit the values is a conflict, not a guess.
        (Strategy::Set, r#"{"a":7} | /a type"#),
        (Strategy::Text, r#"{"a":7} | /a edit-edit"#),
        (keyed("/id"), r#"{"a":7} | /a inapplicable"#),
    ];
    for (strategy, expected) in cases {
        let name = strategy.name();
        let found = join(sides, &strategies(&[("/a", strategy)]), &Choices::new());
        assert_eq!(told(&found), expected, "{name}");
    }
}

/// A choice reports the values it was made on, so that one made on another head is detected.
#[test]
fn trap_27_the_head_moves_while_somebody_resolves() {
    let choices = Choices::from([
        (pointer("/a"), Choice::Ours),
        (pointer("/gone"), Choice::Ours),
    ]);
    let seen = join(
        [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#],
        &Strategies::default(),
        &choices,
    );
    let moved = join(
        [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":4}"#],
        &Strategies::default(),
        &choices,
    );
    assert_eq!(told(&seen), told(&moved));
    let decided_on = |found: &Merge| (found.chosen[0].path.clone(), found.chosen[0].theirs.clone());
    assert_eq!(decided_on(&seen), (pointer("/a"), value("3")));
    assert_eq!(decided_on(&moved), (pointer("/a"), value("4")));
    // A new conflict with the new head is not decided by choices for other places.
    let more = join(
        [r#"{"a":1,"b":1}"#, r#"{"a":2,"b":2}"#, r#"{"a":3,"b":3}"#],
        &Strategies::default(),
        &choices,
    );
    assert_eq!(told(&more), r#"{"a":2,"b":3} | /b edit-edit"#);
}

#[test]
fn trap_28_three_writers_in_all_orders() {
    let strategies = strategies(&[
        ("/n", Strategy::Counter),
        ("/tags", Strategy::Set),
        ("/best", Strategy::Max),
        ("/l", keyed("/id")),
        ("/t", Strategy::Text),
    ]);
    let base = r#"{"n":5,"tags":["a","b"],"best":1,"l":[{"id":"x"},{"id":"y"}],"t":"1\n2\n3\n4\n5\n","title":"T"}"#;
    let writers = [
        r#"{"n":6,"tags":["b"],"best":3,"l":[{"id":"k"},{"id":"x"},{"id":"y"}],"t":"1!\n2\n3\n4\n5\n","title":"T"}"#,
        r#"{"n":8,"tags":["a","b","d"],"best":2,"l":[{"id":"x"},{"id":"y","v":1}],"t":"1\n2\n3!\n4\n5\n","title":"T"}"#,
        r#"{"n":4.5,"tags":["a","b","c"],"best":1,"l":[{"id":"x"},{"id":"m"},{"id":"y"}],"t":"1\n2\n3\n4\n5!\n","title":"U"}"#,
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    let results = orders.map(|order| {
        let mut head = writers[order[0]].to_owned();
        for writer in &order[1..] {
            let found = join(
                [base, writers[*writer], &head],
                &strategies,
                &Choices::new(),
            );
            assert!(found.is_clean(), "{order:?}: {:?}", found.conflicts);
            head = found.document.expect("a document").to_text();
        }
        value(&head).expect("a document").canonical()
    });
    assert_eq!(BTreeSet::from(results).len(), 1);

    // If they conflict, whoever comes later is refused, in every order.
    let titles = [r#"{"title":"A"}"#, r#"{"title":"B"}"#, r#"{"title":"C"}"#];
    for order in orders {
        let mut head = titles[order[0]];
        for writer in &order[1..] {
            let found = join(
                [r#"{"title":"T"}"#, titles[*writer], head],
                &strategies,
                &Choices::new(),
            );
            assert_eq!(found.conflicts.len(), 1, "{order:?}");
            head = titles[order[0]];
        }
    }
}
