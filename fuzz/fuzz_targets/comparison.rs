//! Three-way comparison. A side that changed nothing leaves the say to the other, sides that agree
//! do not collide, and whichever side is called ours, the same places are in conflict.
//!
//! The first three lines of the input are base, ours and theirs; an empty line is no document.

#![no_main]

use detente_core::json::{self, Value};
use detente_core::merge::{Choices, Collision, Conflict, Merge, Strategies, Strategy, merge};
use detente_core::{changed_members, compare_blind};
use libfuzzer_sys::fuzz_target;

type Side<'a> = Option<&'a Value>;

fn compare(base: Side, ours: Side, theirs: Side) -> Merge {
    merge(base, ours, theirs, &Strategies::default(), &Choices::new())
}

/// Every strategy at every member of the root. Nothing is asked of the result but the laws that hold
/// for all of them: no side is lost where the other did nothing.
fn strategies(base: Side, ours: Side, theirs: Side) {
    let key = || "/id".parse().expect("a pointer");
    let all = [
        Strategy::Atomic,
        Strategy::LastWriter,
        Strategy::FirstWriter,
        Strategy::Text,
        Strategy::Set,
        Strategy::KeyedList { key: key() },
        Strategy::Counter,
        Strategy::Max,
        Strategy::Min,
        Strategy::Append,
        Strategy::Derived,
    ];
    for strategy in all {
        let mut strategies = Strategies::default();
        strategies.set(&"/*".parse().expect("a pointer"), strategy);
        let join = |ours, theirs| merge(base, ours, theirs, &strategies, &Choices::new());
        join(ours, theirs);
        assert_eq!(join(ours, base).document.as_ref(), ours);
        assert_eq!(join(base, theirs).document.as_ref(), theirs);
    }
}

fuzz_target!(|data: &[u8]| {
    let mut documents = Vec::new();
    for line in data.splitn(3, |byte| *byte == b'\n') {
        match json::parse(line) {
            Ok(value) => documents.push(Some(value)),
            Err(_) if line.is_empty() => documents.push(None),
            Err(_) => return,
        }
    }
    let [base, ours, theirs] = documents.as_slice() else {
        return;
    };
    let (base, ours, theirs) = (base.as_ref(), ours.as_ref(), theirs.as_ref());
    for side in [base, ours, theirs] {
        identity(base, side);
        agreement(base, side);
    }
    symmetry(base, ours, theirs);
    places(base, ours, theirs);
    strategies(base, ours, theirs);
    changes(base, ours);
    blind(ours, theirs);
});

fn is_undisputed(found: &Merge, joined: Side) -> bool {
    found.conflicts.is_empty() && found.document.as_ref() == joined
}

fn identity(base: Side, side: Side) {
    for found in [compare(base, base, side), compare(base, side, base)] {
        assert!(is_undisputed(&found, side));
        assert!(found.agreements.is_empty());
    }
}

fn agreement(base: Side, side: Side) {
    assert!(is_undisputed(&compare(base, side, side), side));
}

fn symmetry(base: Side, ours: Side, theirs: Side) {
    let one = compare(base, ours, theirs);
    let other = compare(base, theirs, ours);
    if one.conflicts.is_empty() {
        assert_eq!(one.document, other.document);
        // Who has all changes of both has nothing left to join.
        let joined = one.document.as_ref();
        assert!(is_undisputed(&compare(base, ours, joined), joined));
    }
    let swap = |conflict: Conflict| Conflict {
        collision: match conflict.collision {
            Collision::DeleteEdit => Collision::EditDelete,
            Collision::EditDelete => Collision::DeleteEdit,
            same => same,
        },
        ours: conflict.theirs,
        theirs: conflict.ours,
        ..conflict
    };
    let swapped = other.conflicts.into_iter().map(swap).collect();
    assert_eq!(sorted(one.conflicts), sorted(swapped));
}

fn sorted(mut conflicts: Vec<Conflict>) -> Vec<Conflict> {
    conflicts.sort_by(|one, other| one.path.cmp(&other.path));
    conflicts
}

/// A conflict lies where base and both sides differ, once, and theirs stands there.
fn places(base: Side, ours: Side, theirs: Side) {
    let found = compare(base, ours, theirs);
    let at = |side: Side, conflict: &Conflict| side.and_then(|it| it.at(&conflict.path)).cloned();
    for conflict in &found.conflicts {
        assert_eq!(at(base, conflict), conflict.base);
        assert_eq!(at(ours, conflict), conflict.ours);
        assert_eq!(at(theirs, conflict), conflict.theirs);
        assert_eq!(at(found.document.as_ref(), conflict), conflict.theirs);
        assert_ne!(conflict.ours, conflict.theirs);
        assert_ne!(conflict.ours, conflict.base);
        assert_ne!(conflict.theirs, conflict.base);
    }
    let conflicts = sorted(found.conflicts);
    let is_apart = |pair: &[Conflict]| !pair[1].path.starts_with(&pair[0].path);
    assert!(conflicts.windows(2).all(is_apart));
}

fn changes(before: Side, after: Side) {
    let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) else {
        return;
    };
    let names = changed_members(before, after);
    assert_eq!(names.is_empty(), old == new);
    for name in old.keys().chain(new.keys()) {
        assert_eq!(names.contains(name), old.get(name) != new.get(name));
    }
}

fn blind(ours: Side, theirs: Side) {
    let conflicts = compare_blind(ours, theirs);
    assert_eq!(conflicts.is_empty(), ours == theirs);
    for conflict in conflicts {
        assert_ne!(conflict.ours, conflict.theirs);
    }
}
