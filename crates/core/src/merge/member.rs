use std::borrow::Cow;

use super::place::Place;
use super::side::{Alike, Joined, Objects, Sides};
use super::walk::{At, Walk};
use crate::json::{Object, Value};

/// The members of a result, as they come to be known.
struct Members<'a> {
    found: Vec<(&'a String, Cow<'a, Value>)>,
    alike: Alike,
    is_ours: bool,
    is_theirs: bool,
}

impl Walk {
    /// Member by member: in the order of theirs, then what ours alone has, in the order of ours.
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
        // What both removed: nothing is left of it, but it is to be told.
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

    /// Where sides agree in all of an object, the object is told, and not each member of it.
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

/// Finds members by name. Versions of one object mostly have them in one order, so the member after
/// the last one found is looked at first.
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

    /// Whether there are members that nobody asked for.
    fn has_more(&self) -> bool {
        self.members.is_some_and(|it| self.found < it.len())
    }
}
