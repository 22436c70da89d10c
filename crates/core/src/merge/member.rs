use std::borrow::Cow;

use super::place::Place;
use super::side::{Alike, Joined, Objects, Sides};
use super::walk::{At, Walk};
use crate::json::{Object, Value};

/// The members of a result, collected one by one.
struct Members<'a> {
    found: Vec<(&'a String, Cow<'a, Value>)>,
    alike: Alike,
    is_ours: bool,
    is_theirs: bool,
}

impl Walk {
    /// Joins member by member: in the order of theirs, then what only ours has, in the order of
    /// ours.
    pub(super) fn join_members<'a>(
        &mut self,
        at: At<'_, 'a>,
        sides: Sides<'a>,
        objects: Objects<'a>,
    ) -> Joined<'a> {
        let agreed = self.merge.agreements.len();
        let Objects { base, ours, theirs } = objects;
        let mut members = Members {
            found: Vec::with_capacity(theirs.len()),
            alike: Alike {
                ours_base: base.is_some(),
                theirs_base: base.is_some(),
                ours_theirs: true,
            },
            is_ours: true,
            is_theirs: true,
        };
        let (mut in_ours, mut in_base) = (Cursor::on(Some(ours)), Cursor::on(base));
        for (name, value) in theirs {
            let sides = Sides {
                base: in_base.find(name),
                ours: in_ours.find(name),
                theirs: Some(value),
            };
            members.take(name, self.join_member(at, name, sides));
        }
        if in_ours.has_more() {
            for (name, value) in ours.iter().filter(|(name, _)| !theirs.contains_key(*name)) {
                let sides = Sides {
                    base: in_base.find(name),
                    ours: Some(value),
                    theirs: None,
                };
                members.take(name, self.join_member(at, name, sides));
            }
        }
        // What both removed is not in the result, but the agreement must be reported.
        if in_base.has_more() {
            let is_gone = |name: &String| !theirs.contains_key(name) && !ours.contains_key(name);
            for (name, value) in base.into_iter().flatten().filter(|(name, _)| is_gone(name)) {
                let sides = Sides {
                    base: Some(value),
                    ours: None,
                    theirs: None,
                };
                members.take(name, self.join_member(at, name, sides));
            }
        }
        self.shorten_agreements(at, agreed, &members);
        members.joined(sides)
    }

    fn join_member<'a>(&mut self, at: At<'_, 'a>, name: &str, sides: Sides<'a>) -> Joined<'a> {
        let below = At {
            place: Place::In(&at.place, name),
            here: &at.here.below(name),
            mark: at.mark.and_then(|mark| mark.below(name)),
        };
        self.join(below, sides)
    }

    /// If the sides agree in all of an object, reports the object and not each of its members.
    fn shorten_agreements(&mut self, at: At<'_, '_>, agreed: usize, members: &Members<'_>) {
        let agree = members.alike.ours_theirs && !members.alike.theirs_base && members.is_theirs;
        if agree && !at.place.is_root() {
            self.merge.agreements.truncate(agreed);
            self.merge.agreements.push(at.place.pointer());
        }
    }
}

impl<'a> Members<'a> {
    fn take(&mut self, name: &'a String, joined: Joined<'a>) {
        self.alike = self.alike.and(joined.alike);
        self.is_ours &= joined.is_ours;
        self.is_theirs &= joined.is_theirs;
        if let Some(value) = joined.value {
            self.found.push((name, value));
        }
    }

    fn joined(self, sides: Sides<'a>) -> Joined<'a> {
        let value = if self.is_theirs {
            sides.theirs.map(Cow::Borrowed)
        } else if self.is_ours {
            sides.ours.map(Cow::Borrowed)
        } else {
            let owned =
                |(name, value): (&String, Cow<'_, Value>)| (name.clone(), value.into_owned());
            let members: Object = self.found.into_iter().map(owned).collect();
            Some(Cow::Owned(Value::Object(members)))
        };
        Joined {
            value,
            alike: self.alike,
            is_ours: self.is_ours,
            is_theirs: self.is_theirs,
        }
    }
}

/// Finds members by name. Versions of one object mostly have the same order, so the member after
/// the last one found is tried first.
struct Cursor<'a> {
    members: Option<&'a Object>,
    next: usize,
    found: usize,
}

impl<'a> Cursor<'a> {
    fn on(members: Option<&'a Object>) -> Self {
        Self {
            members,
            next: 0,
            found: 0,
        }
    }

    fn find(&mut self, name: &str) -> Option<&'a Value> {
        let members = self.members?;
        let (index, value) = match members.get_index(self.next) {
            Some((found, value)) if found == name => (self.next, value),
            _ => {
                let (index, _, value) = members.get_full(name)?;
                (index, value)
            }
        };
        self.next = index + 1;
        self.found += 1;
        Some(value)
    }

    /// Whether there are members that were not found.
    fn has_more(&self) -> bool {
        self.members.is_some_and(|it| self.found < it.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::value;
    use super::super::{Choices, Merge, Strategies, merge};

    fn join(base: &str, ours: &str, theirs: &str) -> Merge {
        let [base, ours, theirs] = [base, ours, theirs].map(value);
        let (strategies, choices) = (Strategies::default(), Choices::new());
        merge(
            base.as_ref(),
            ours.as_ref(),
            theirs.as_ref(),
            &strategies,
            &choices,
        )
    }

    #[test]
    fn who_changed_what_and_where_they_collide() {
        let cases = [
            // (base, ours, theirs, joined, conflicts)
            (
                r#"{"a":1,"b":1}"#,
                r#"{"a":2,"b":1}"#,
                r#"{"a":1,"b":2}"#,
                r#"{"a":2,"b":2}"#,
                "",
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":2}"#,
                r#"{"a":3}"#,
                r#"{"a":3}"#,
                "/a edit-edit",
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":2}"#,
                r#"{"a":2.0}"#,
                r#"{"a":2.0}"#,
                "",
            ),
            (
                r#"{"a":1}"#,
                r#"{}"#,
                r#"{"a":2}"#,
                r#"{"a":2}"#,
                "/a delete-edit",
            ),
            (r#"{"a":1}"#, r#"{"a":2}"#, "{}", "{}", "/a edit-delete"),
            ("{}", r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":2}"#, "/a add-add"),
            (
                r#"{"a":1}"#,
                r#"{"a":"x"}"#,
                r#"{"a":2}"#,
                r#"{"a":2}"#,
                "/a type",
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":null}"#,
                r#"{}"#,
                "{}",
                "/a edit-delete",
            ),
            (
                "{}",
                r#"{"a":{"x":1}}"#,
                r#"{"a":{"y":1}}"#,
                r#"{"a":{"y":1,"x":1}}"#,
                "",
            ),
            (
                r#"{"a":{"b":1}}"#,
                r#"{"a":{"b":2}}"#,
                r#"{"a":"x"}"#,
                r#"{"a":"x"}"#,
                "/a type",
            ),
            (
                r#"{"a":[1]}"#,
                r#"{"a":[1,2]}"#,
                r#"{"a":[1,3]}"#,
                r#"{"a":[1,3]}"#,
                "/a edit-edit",
            ),
            (
                r#"{"a/b":1}"#,
                r#"{"a/b":2}"#,
                r#"{"a/b":3}"#,
                r#"{"a/b":3}"#,
                "/a~1b edit-edit",
            ),
            (r#"{"a":1}"#, "", r#"{"a":2}"#, r#"{"a":2}"#, " delete-edit"),
            (r#"{"a":1}"#, "", r#"{"a":1}"#, "", ""),
            (r#"{"a":1}"#, r#"{"a":1.0}"#, r#"{"a":1}"#, r#"{"a":1}"#, ""),
        ];
        for (base, ours, theirs, joined, conflicts) in cases {
            let found = join(base, ours, theirs);
            let text = found
                .document
                .map(|value| value.to_text())
                .unwrap_or_default();
            assert_eq!(text, joined, "{base} {ours} {theirs}");
            let named: Vec<_> = found
                .conflicts
                .iter()
                .map(|conflict| format!("{} {}", conflict.path, conflict.collision.name()))
                .collect();
            assert_eq!(named.join(","), conflicts, "{base} {ours} {theirs}");
        }
    }

    #[test]
    fn what_both_changed_alike_is_told() {
        let cases = [
            (r#"{"n":5}"#, r#"{"n":6,"a":1}"#, r#"{"n":6.0,"b":1}"#, "/n"),
            (
                r#"{"n":5,"x":{"y":1}}"#,
                r#"{"n":6,"x":{"y":2}}"#,
                r#"{"n":6,"x":{"y":2}}"#,
                "/n /x",
            ),
            (
                r#"{"x":{"y":1}}"#,
                r#"{"x":{"y":2,"z":1}}"#,
                r#"{"x":{"y":2}}"#,
                "/x/y",
            ),
            (r#"{"n":5}"#, r#"{"n":5}"#, r#"{"n":5}"#, ""),
            (r#"{"n":5}"#, "{}", "{}", "/n"),
        ];
        for (base, ours, theirs, expected) in cases {
            let found = join(base, ours, theirs);
            let named: Vec<_> = found.agreements.iter().map(ToString::to_string).collect();
            assert_eq!(named.join(" "), expected, "{base} {ours} {theirs}");
        }
    }
}
