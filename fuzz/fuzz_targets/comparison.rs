//! Three-way comparison. A side that changed nothing leaves the say to the other, sides that agree
//! do not collide, and whichever side is called ours, the same places are in conflict.
//!
//! The first three lines of the input are base, ours and theirs; an empty line is no document.

#![no_main]

use detente_core::json::{self, Value};
use detente_core::{Collision, Comparison, Conflict, changed_members, compare, compare_blind};
use libfuzzer_sys::fuzz_target;

type Side<'a> = Option<&'a Value>;

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
    changes(base, ours);
    blind(ours, theirs);
});

fn is_undisputed(found: &Comparison, joined: Side) -> bool {
    found.conflicts.is_empty() && found.joined.as_ref() == joined
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
        assert_eq!(one.joined, other.joined);
        // Who has all changes of both has nothing left to join.
        let joined = one.joined.as_ref();
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
        assert_eq!(at(found.joined.as_ref(), conflict), conflict.theirs);
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
