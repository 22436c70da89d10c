//! What the result of a merge must contain, checked place by place without the engine: where there
//! is no conflict, each value comes from ours or theirs, and changes that only one side made are
//! kept.

use std::collections::{BTreeMap, BTreeSet};

use detente_core::json::{Number, Value};
use detente_core::merge::Merge;

type Side<'a> = Option<&'a Value>;

struct Judge<'a> {
    found: &'a Merge,
}

pub(crate) fn judge(found: &Merge, sides: [Side<'_>; 3]) -> Result<(), String> {
    let judge = Judge { found };
    judge.place("", "manual", sides, found.document.as_ref())
}

impl Judge<'_> {
    fn is_in_conflict(&self, path: &str) -> bool {
        let mut conflicts = self.found.conflicts.iter();
        conflicts.any(|it| it.path.to_string() == path)
    }

    fn is_in_review(&self, path: &str) -> bool {
        let mut joined = self.found.joined.iter();
        joined.any(|it| it.path.to_string() == path && it.review)
    }

    fn place(
        &self,
        path: &str,
        strategy: &str,
        sides @ [base, ours, theirs]: [Side<'_>; 3],
        joined: Side<'_>,
    ) -> Result<(), String> {
        let tell = |what: &str| {
            let text = |it: Side<'_>| it.map_or("absent".to_owned(), Value::to_text);
            Err(format!(
                "{path}: {what}\n  base   {}\n  ours   {}\n  theirs {}\n  joined {}",
                text(base),
                text(ours),
                text(theirs),
                text(joined)
            ))
        };
        if self.is_in_conflict(path) {
            let is_list = strategy == "keyed-list" && joined != theirs;
            return if joined == theirs || is_list {
                Ok(())
            } else {
                tell("no draft of theirs")
            };
        }
        if theirs == base || ours == base {
            let changed = if theirs == base { ours } else { theirs };
            return if joined == changed {
                Ok(())
            } else {
                tell("an edit is lost")
            };
        }
        let is_kept = match (strategy, ours, theirs, joined) {
            (
                "counter",
                Some(Value::Number(ours)),
                Some(Value::Number(theirs)),
                Some(Value::Number(joined)),
            ) if matches!(base, None | Some(Value::Number(_))) => {
                let zero = Number::from(0u64);
                let base = match base {
                    Some(Value::Number(base)) => base,
                    _ => &zero,
                };
                Number::total(&[ours, theirs], &[]) == Number::total(&[joined, base], &[])
            }
            ("append", Some(ours), Some(theirs), Some(joined)) => {
                has_the_tails(base, ours, theirs, joined)
                    .unwrap_or(ours == theirs && joined == theirs)
            }
            ("set", Some(Value::Array(_)), Some(Value::Array(_)), Some(Value::Array(_)))
                if ours != theirs =>
            {
                has_the_elements([base, ours, theirs], joined)
            }
            (
                "text",
                Some(Value::String(ours)),
                Some(Value::String(theirs)),
                Some(Value::String(joined)),
            ) if ours != theirs => {
                let base = base.and_then(Value::as_str).unwrap_or_default();
                has_the_words([base, ours, theirs], joined)
                    && (self.is_in_review(path) || has_the_lines([base, ours, theirs], joined))
            }
            ("keyed-list", Some(_), Some(_), Some(Value::Array(_)))
                if [base, ours, theirs].into_iter().all(has_single_keys) =>
            {
                return self.elements(path, sides, joined);
            }
            ("manual", Some(Value::Object(_)), Some(Value::Object(_)), Some(Value::Object(_)))
                if matches!(base, None | Some(Value::Object(_))) =>
            {
                return self.members(path, sides, joined);
            }
            ("last-writer", ..) => joined == ours,
            ("first-writer" | "derived", ..) => joined == theirs,
            ("max" | "min", ..) => joined == ours || joined == theirs,
            _ => ours == theirs && joined == theirs,
        };
        if is_kept {
            Ok(())
        } else {
            tell("not what was to be had")
        }
    }

    fn members(&self, path: &str, sides: [Side<'_>; 3], joined: Side<'_>) -> Result<(), String> {
        let [base, ours, theirs] = sides;
        let all = [base, ours, theirs, joined].into_iter().flatten();
        let names: BTreeSet<&String> = all
            .filter_map(Value::as_object)
            .flat_map(|it| it.keys())
            .collect();
        for name in names {
            let child = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
            let of = |side: Side<'_>| side.and_then(|it| it.get(name)).cloned();
            let sides = sides.map(of);
            let sides = [sides[0].as_ref(), sides[1].as_ref(), sides[2].as_ref()];
            self.place(&child, strategy_at(&child), sides, of(joined).as_ref())?;
        }
        Ok(())
    }

    fn elements(&self, path: &str, sides: [Side<'_>; 3], joined: Side<'_>) -> Result<(), String> {
        let by_key = |side: Side<'_>| -> BTreeMap<String, Value> {
            let Some(Value::Array(items)) = side else {
                return BTreeMap::new();
            };
            let keyed = |item: &Value| (item.get("id").expect("a key").to_text(), item.clone());
            items.iter().map(keyed).collect()
        };
        let sides = sides.map(by_key);
        let joined = by_key(joined);
        let keys: BTreeSet<_> = sides
            .iter()
            .chain([&joined])
            .flat_map(BTreeMap::keys)
            .collect();
        for key in keys {
            // Of the keys in use, these two look like JSON; other strings are written without
            // quotes.
            let token = match key.as_str() {
                r#""1""# => r#""1""#.to_owned(),
                other => other.trim_matches('"').replace('/', "~1"),
            };
            let [base, ours, theirs] = sides.each_ref().map(|side| side.get(key));
            let child = format!("{path}/{token}");
            self.place(&child, "manual", [base, ours, theirs], joined.get(key))?;
        }
        Ok(())
    }
}

fn strategy_at(path: &str) -> &'static str {
    match path {
        "/list" => return "keyed-list",
        "/end" => return "group",
        _ if path.starts_with("/list/") && path.ends_with("/n") => return "counter",
        _ if path.starts_with("/list/") && path.ends_with("/tags") => return "set",
        _ => {}
    }
    let mut members = crate::MEMBERS.iter();
    let found = members.find(|(name, ..)| path.strip_prefix('/') == Some(name));
    found.map_or("manual", |(.., strategy)| strategy)
}

fn has_single_keys(list: Side<'_>) -> bool {
    let Some(Value::Array(items)) = list else {
        return list.is_none();
    };
    let mut keys = BTreeSet::new();
    items.iter().all(|item| {
        item.get("id")
            .is_some_and(|key| keys.insert(key.canonical()))
    })
}

/// Each element that all have or that one side added, once, and nothing else.
fn has_the_elements(sides: [Side<'_>; 3], joined: Side<'_>) -> bool {
    let set = |side: Side<'_>| -> BTreeSet<String> {
        match side {
            Some(Value::Array(items)) => items.iter().map(Value::canonical).collect(),
            _ => BTreeSet::new(),
        }
    };
    let [base, ours, theirs] = sides.map(set);
    let is_in = |it: &String| match (base.contains(it), ours.contains(it), theirs.contains(it)) {
        (true, ours, theirs) => ours && theirs,
        (false, ours, theirs) => ours || theirs,
    };
    let all = base.iter().chain(&ours).chain(&theirs);
    let expected: BTreeSet<_> = all.filter(|it| is_in(it)).cloned().collect();
    set(joined) == expected
}

/// `None` if a side does anything but add at the end.
fn has_the_tails(base: Side<'_>, ours: &Value, theirs: &Value, joined: &Value) -> Option<bool> {
    let pieces = |value: &Value| -> Option<Vec<String>> {
        match value {
            Value::Array(items) => Some(items.iter().map(Value::canonical).collect()),
            Value::String(text) => Some(text.chars().map(String::from).collect()),
            _ => None,
        }
    };
    if base.is_some_and(|base| base.type_of() != ours.type_of()) {
        return None;
    }
    let base = base.map_or(Some(Vec::new()), pieces)?;
    let (ours, theirs) = (pieces(ours)?, pieces(theirs)?);
    let (ours, theirs) = (ours.strip_prefix(&*base)?, theirs.strip_prefix(&*base)?);
    Some(pieces(joined)? == [&base, theirs, ours].concat())
}

fn has_the_words(sides: [&str; 3], joined: &str) -> bool {
    let words: BTreeSet<_> = sides
        .iter()
        .flat_map(|side| side.split_whitespace())
        .collect();
    joined.split_whitespace().all(|word| words.contains(word))
}

/// What only one side added is there, and nothing is there more often than the edits explain.
fn has_the_lines(sides: [&str; 3], joined: &str) -> bool {
    let count = |text: &str, line: &str| text.lines().filter(|it| *it == line).count();
    let lines: BTreeSet<_> = sides.iter().flat_map(|side| side.lines()).collect();
    let is_known = joined.lines().all(|line| lines.contains(line));
    is_known
        && lines.into_iter().all(|line| {
            let [base, ours, theirs] = sides.map(|side| count(side, line));
            let joined = count(joined, line);
            // A line that was there before may have been moved, which counts cannot show.
            match (base, ours, theirs) {
                (0, added, 0) | (0, 0, added) => joined == added,
                _ => {
                    joined
                        <= base
                            .max(ours)
                            .max(theirs)
                            .max((ours + theirs).saturating_sub(base))
                }
            }
        })
}
