use std::collections::{HashMap, HashSet};

/// The keys of the remaining elements, in the order of each side.
pub(super) struct Orders<'k> {
    pub(super) base: Vec<&'k str>,
    pub(super) ours: Vec<&'k str>,
    pub(super) theirs: Vec<&'k str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrangement<'k> {
    pub(super) order: Vec<&'k str>,
    /// Both sides reordered the elements, in different ways. The order is that of theirs.
    pub(super) is_disputed: bool,
}

impl<'k> Orders<'k> {
    /// The order of the side that changed it. What only one side has comes after its predecessor.
    pub(super) fn arrange(&self) -> Arrangement<'k> {
        let (in_ours, in_theirs) = (set(&self.ours), set(&self.theirs));
        let in_base = set(&self.base);
        let ours = only(&self.ours, &in_theirs);
        let theirs = only(&self.theirs, &in_ours);
        let before = only(&only(&self.base, &in_ours), &in_theirs);
        let moved = |side: &[&'k str]| only(side, &in_base) != before;
        let (backbone, is_disputed) = if ours == theirs {
            (theirs, false)
        } else {
            match (moved(&ours), moved(&theirs)) {
                (false, true) => (theirs, false),
                (true, false) => (ours, false),
                // Neither moved existing elements, but both added the same elements in different
                // places.
                (false, false) | (true, true) => (theirs, true),
            }
        };
        Arrangement {
            order: self.grow(&backbone),
            is_disputed,
        }
    }

    /// The order of one side, whatever the others did.
    pub(super) fn arrange_like(&self, side: &[&'k str]) -> Arrangement<'k> {
        let shared = only(&only(side, &set(&self.ours)), &set(&self.theirs));
        Arrangement {
            order: self.grow(&shared),
            is_disputed: false,
        }
    }

    /// Inserts what the backbone lacks after its nearest predecessor in its own list. Several
    /// elements after one predecessor are ordered by key; a run stays together, since each element
    /// is the predecessor of the next.
    fn grow(&self, backbone: &[&'k str]) -> Vec<&'k str> {
        let mut placed = set(backbone);
        let mut followers: HashMap<Option<&str>, Vec<&'k str>> = HashMap::new();
        for list in [&self.theirs, &self.ours, &self.base] {
            let mut predecessor = None;
            for key in list {
                if placed.insert(key) {
                    followers.entry(predecessor).or_default().push(key);
                }
                predecessor = Some(*key);
            }
        }
        for keys in followers.values_mut() {
            // Taken from the end.
            keys.sort_unstable_by(|one, other| other.cmp(one));
        }
        let mut order = Vec::with_capacity(placed.len());
        let first = followers.remove(&None).unwrap_or_default();
        let mut waiting: Vec<_> = backbone.iter().rev().copied().chain(first).collect();
        while let Some(key) = waiting.pop() {
            order.push(key);
            waiting.extend(followers.remove(&Some(key)).unwrap_or_default());
        }
        order
    }
}

fn set<'k>(keys: &[&'k str]) -> HashSet<&'k str> {
    keys.iter().copied().collect()
}

fn only<'k>(keys: &[&'k str], wanted: &HashSet<&str>) -> Vec<&'k str> {
    let keys = keys.iter().copied();
    keys.filter(|key| wanted.contains(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    #[test]
    fn the_side_that_moved_elements_orders_them() {
        let cases = [
            // (base, ours, theirs, order)
            ("a b c", "a b c", "a b c", "a b c"),
            ("a b c", "c b a", "a b c", "c b a"),
            ("a b c", "a b c", "c b a", "c b a"),
            ("a b c", "c b a", "c b a", "c b a"),
            ("a b c", "c b a", "b c a", "disputed: b c a"),
            ("a b", "x a b", "a y b", "x a y b"),
            ("a b", "a x b", "a w b", "a w x b"),
            ("a b", "a x y b", "a w z b", "a w z x y b"),
            ("a b", "a y x b", "a w z b", "a w z y x b"),
            ("", "x y", "v w", "v w x y"),
            ("a b", "b a x", "a w b", "b a w x"),
            ("a b c", "a c", "b a x c", "a x c"),
            ("a b", "a x b", "a b x", "disputed: a b x"),
            ("a b", "a x b", "b a x", "b a x"),
        ];
        for (base, ours, theirs, expected) in cases {
            let is_left = |key: &&str| expected.split_whitespace().any(|it| it == *key);
            let kept = |text: &'static str| keys(text).into_iter().filter(is_left).collect();
            let orders = Orders {
                base: kept(base),
                ours: kept(ours),
                theirs: kept(theirs),
            };
            let found = orders.arrange();
            let mark = if found.is_disputed { "disputed: " } else { "" };
            let found = format!("{mark}{}", found.order.join(" "));
            assert_eq!(found, expected, "{base} | {ours} | {theirs}");
        }
    }

    #[test]
    fn a_side_that_is_chosen_orders_them_whatever_the_others_did() {
        let orders = Orders {
            base: keys("a b c d"),
            ours: keys("c x b a y"),
            theirs: keys("b w c a y"),
        };
        let cases = [
            (&orders.ours, "c d x b w a y"),
            (&orders.theirs, "b w c d x a y"),
            (&orders.base, "a y b w c d x"),
        ];
        for (side, expected) in cases {
            let found = orders.arrange_like(side).order;
            assert_eq!(found.join(" "), expected, "{side:?}");
        }
    }

    #[test]
    fn a_long_run_is_put_in_place_without_a_deep_stack() {
        let names: Vec<_> = (0..200_000).map(|index| index.to_string()).collect();
        let run: Vec<_> = names.iter().map(String::as_str).collect();
        let orders = Orders {
            base: Vec::new(),
            ours: run.clone(),
            theirs: Vec::new(),
        };
        assert_eq!(orders.arrange().order, run);
    }
}
