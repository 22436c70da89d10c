//! The laws of a three-way merge, tested on documents in which every strategy has a place.

mod aside; // versions less what is the same in all
mod dice; // choices that follow from a seed
mod document; // documents and edits of them
mod kept; // what a clean merge has to hold, place by place
mod prose; // texts and edits of them

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use detente_core::json::Value;
use detente_core::merge::{Choice, Choices, Collision, Merge, Strategies, merge};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use document::{MEMBERS, document, edited, reversed, strategies_without};

/// Base, ours and theirs.
#[derive(Clone)]
struct Three([Value; 3]);

impl fmt::Debug for Three {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([base, ours, theirs]) = self;
        write!(f, "base   {base}\nours   {ours}\ntheirs {theirs}")
    }
}

/// Two edits of one base; sometimes three documents that have nothing in common.
fn three() -> impl Strategy<Value = Three> {
    let edits = || prop::collection::vec(any::<u64>(), 0..8);
    let edited = (any::<u64>(), edits(), edits()).prop_map(|(base, ours, theirs)| {
        let base = document(base);
        let [ours, theirs] = [ours, theirs].map(|edits| edited(&base, &edits, |_| true));
        Three([base, ours, theirs])
    });
    let apart = any::<[u64; 3]>().prop_map(|seeds| Three(seeds.map(document)));
    prop_oneof![5 => edited, 1 => apart]
}

fn join(base: &Value, ours: &Value, theirs: &Value, strategies: &Strategies) -> Merge {
    decide(base, ours, theirs, strategies, &Choices::new())
}

fn decide(
    base: &Value,
    ours: &Value,
    theirs: &Value,
    strategies: &Strategies,
    choices: &Choices,
) -> Merge {
    merge(Some(base), Some(ours), Some(theirs), strategies, choices)
}

/// The conflicts by path, as the side called ours sees them or as the other side does.
fn named(found: &Merge, is_swapped: bool) -> BTreeMap<String, String> {
    let swapped = |collision| match collision {
        Collision::DeleteEdit if is_swapped => Collision::EditDelete,
        Collision::EditDelete if is_swapped => Collision::DeleteEdit,
        same => same,
    };
    let conflicts = found.conflicts.iter().map(|conflict| {
        let name = swapped(conflict.collision).name();
        let side = |value: &Option<Value>| value.as_ref().map(Value::canonical);
        let (ours, theirs) = (side(&conflict.ours), side(&conflict.theirs));
        let sides = if is_swapped {
            [theirs, ours]
        } else {
            [ours, theirs]
        };
        let told = format!("{name} {} {sides:?}", conflict.strategy);
        (conflict.path.to_string(), told)
    });
    conflicts.collect()
}

fn chosen_everywhere(found: &Merge, choice: &Choice) -> Choices {
    let paths = found.conflicts.iter().map(|conflict| conflict.path.clone());
    paths.map(|path| (path, choice.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn identity(Three([base, side, _]) in three()) {
        let all = strategies_without(&[]);
        for found in [join(&base, &base, &side, &all), join(&base, &side, &base, &all)] {
            let joined = found.document.expect("a document is left");
            prop_assert_eq!(&joined, &side);
            prop_assert!(side == base || joined.to_text() == side.to_text());
            prop_assert!(found.conflicts.is_empty() && found.joined.is_empty());
            prop_assert!(found.agreements.is_empty());
        }
    }

    #[test]
    fn agreement(Three([base, side, _]) in three()) {
        let strategies = strategies_without(&["counter", "append"]);
        let found = join(&base, &side, &side, &strategies);
        prop_assert!(found.is_clean() && found.joined.is_empty());
        prop_assert_eq!(found.agreements.is_empty(), base == side);
        prop_assert_eq!(found.document, Some(side));
    }

    #[test]
    fn symmetry(Three([base, ours, theirs]) in three()) {
        let asymmetric = ["last-writer", "first-writer", "append", "derived"];
        let strategies = strategies_without(&asymmetric);
        let one = join(&base, &ours, &theirs, &strategies);
        let other = join(&base, &theirs, &ours, &strategies);
        prop_assert_eq!(named(&one, false), named(&other, true));
        if one.is_clean() {
            prop_assert_eq!(&one.document, &other.document);
        }
        let joined = |found: &Merge| -> BTreeSet<_> {
            found.joined.iter().map(|it| (it.path.clone(), it.strategy, it.review)).collect()
        };
        prop_assert_eq!(joined(&one), joined(&other));
        let agreed = |found: &Merge| -> BTreeSet<_> { found.agreements.iter().cloned().collect() };
        prop_assert_eq!(agreed(&one), agreed(&other));
    }

    #[test]
    fn merging_again(Three([base, ours, theirs]) in three()) {
        let strategies = strategies_without(&["text", "counter", "append"]);
        let found = join(&base, &ours, &theirs, &strategies);
        if let (true, Some(joined)) = (found.is_clean(), &found.document) {
            for again in [
                join(&base, &ours, joined, &strategies),
                join(&base, joined, &theirs, &strategies),
            ] {
                prop_assert_eq!(named(&again, false), BTreeMap::new());
                prop_assert_eq!(again.document.as_ref(), Some(joined));
            }
        }
    }

    #[test]
    fn nothing_is_invented_and_nothing_is_lost(Three([base, ours, theirs]) in three()) {
        let found = join(&base, &ours, &theirs, &strategies_without(&[]));
        let sides = [Some(&base), Some(&ours), Some(&theirs)];
        if let Err(why) = kept::judge(&found, sides) {
            return Err(TestCaseError::fail(why));
        }
    }

    #[test]
    fn locality(
        base in any::<u64>(),
        ours in prop::collection::vec(any::<u64>(), 0..12),
        theirs in prop::collection::vec(any::<u64>(), 0..12),
        side in any::<u64>(),
    ) {
        let is_ours = |index: usize| side >> index & 1 == 1;
        let is_theirs = |index: usize| !is_ours(index);
        let base = document(base);
        let found = join(
            &base,
            &edited(&base, &ours, is_ours),
            &edited(&base, &theirs, is_theirs),
            &strategies_without(&[]),
        );
        prop_assert!(found.is_clean() && found.joined.is_empty());
        let ours_last = edited(&edited(&base, &theirs, is_theirs), &ours, is_ours);
        let theirs_last = edited(&edited(&base, &ours, is_ours), &theirs, is_theirs);
        prop_assert_eq!(found.document.as_ref(), Some(&ours_last));
        prop_assert_eq!(ours_last, theirs_last);
    }

    #[test]
    fn resolution(Three([base, ours, theirs]) in three()) {
        let all = strategies_without(&[]);
        let found = join(&base, &ours, &theirs, &all);
        let choices = chosen_everywhere(&found, &Choice::Theirs);
        let decided = decide(&base, &ours, &theirs, &all, &choices);
        prop_assert!(decided.is_clean());
        prop_assert_eq!(&decided.document, &found.document);
        let expected: BTreeMap<_, _> = found
            .conflicts
            .iter()
            .map(|conflict| (conflict.path.clone(), conflict.theirs.clone()))
            .collect();
        let chosen = decided.chosen.into_iter().map(|chosen| (chosen.path, chosen.theirs));
        prop_assert_eq!(chosen.collect::<BTreeMap<_, _>>(), expected);

        // Choosing ours everywhere is choosing theirs everywhere, seen from the other side.
        let symmetric = strategies_without(&["last-writer", "first-writer", "append", "derived"]);
        let found = join(&base, &ours, &theirs, &symmetric);
        let choices = chosen_everywhere(&found, &Choice::Ours);
        let decided = decide(&base, &ours, &theirs, &symmetric, &choices);
        prop_assert!(decided.is_clean());
        let mirrored = join(&base, &theirs, &ours, &symmetric);
        prop_assert_eq!(decided.document, mirrored.document);
    }

    #[test]
    fn any_choice_settles_its_place(
        Three([base, ours, theirs]) in three(),
        how in 0..4usize,
    ) {
        let all = strategies_without(&[]);
        let found = join(&base, &ours, &theirs, &all);
        let choice = [
            Choice::Ours,
            Choice::Theirs,
            Choice::Base,
            Choice::Value(Value::Array(vec![])),
        ][how].clone();
        let choices = chosen_everywhere(&found, &choice);
        let decided = decide(&base, &ours, &theirs, &all, &choices);
        // Choices below a list whose order was chosen as a value no longer apply to anything.
        let is_value = matches!(choice, Choice::Value(_));
        prop_assert!(decided.is_clean());
        prop_assert!(is_value || decided.chosen.len() == choices.len());
    }

    #[test]
    fn the_order_of_members_does_not_matter(Three(sides) in three()) {
        let all = strategies_without(&[]);
        let [base, ours, theirs] = &sides;
        let [turned_base, turned_ours, turned_theirs] = sides.each_ref().map(reversed);
        let one = join(base, ours, theirs, &all);
        let other = join(&turned_base, &turned_ours, &turned_theirs, &all);
        prop_assert_eq!(named(&one, false), named(&other, false));
        prop_assert_eq!(&one.document, &other.document);
        prop_assert_eq!(&one, &join(base, ours, theirs, &all));
    }
}

/// A law proves nothing unless the documents exercise it.
#[test]
fn the_documents_meet_every_strategy_and_every_kind_of_conflict() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let all = strategies_without(&[]);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |what: String| *seen.entry(what).or_default() += 1;
    for _ in 0..6000 {
        let Three([base, ours, theirs]) = three().new_tree(&mut runner).unwrap().current();
        let found = join(&base, &ours, &theirs, &all);
        let is_easy = ours == base || theirs == base || ours == theirs;
        match (found.is_clean(), is_easy) {
            (true, true) => count("easy".into()),
            (true, false) => count("clean".into()),
            (false, _) => count("in conflict".into()),
        }
        for conflict in &found.conflicts {
            count(format!("{} conflict", conflict.collision.name()));
            count(format!("{} in conflict", conflict.strategy));
        }
        for join in &found.joined {
            count(format!("{} joined", join.strategy));
            if join.review {
                count("review".into());
            }
        }
        if !found.agreements.is_empty() {
            count("agreement".into());
        }
    }
    let kinds = [
        "edit-edit",
        "delete-edit",
        "edit-delete",
        "add-add",
        "type",
        "order",
        "text",
        "inapplicable",
    ];
    let kinds = kinds.iter().map(|kind| format!("{kind} conflict"));
    let joins = MEMBERS
        .iter()
        .filter(|it| !["manual", "atomic", "group"].contains(&it.2));
    let joins = joins.map(|(.., strategy)| format!("{strategy} joined"));
    let conflicts = MEMBERS.iter().filter(|it| !["derived"].contains(&it.2));
    let conflicts = conflicts.map(|(.., strategy)| format!("{strategy} in conflict"));
    let others = ["easy", "clean", "in conflict", "review", "agreement"].map(str::to_owned);
    for what in kinds.chain(joins).chain(conflicts).chain(others) {
        let times = seen.get(&what).copied().unwrap_or(0);
        assert!(times >= 20, "{what}: {times} times, of {seen:#?}");
    }
    assert!(
        seen["clean"] >= 1200 && seen["in conflict"] >= 1200,
        "{seen:#?}"
    );
}
