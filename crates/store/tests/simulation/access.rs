use std::sync::Arc;

use detente_core::Key;
use detente_core::json::{Value, object};
use detente_core::rules::{Access, AccessRule, Deed};

use crate::collection::{is_letter, is_order};
use crate::dice::Dice;

/// Those who write, and their roles.
const PEOPLE: [(&str, &[&str]); 4] = [
    ("ann", &["clerk"]),
    ("bob", &[]),
    ("eve", &[]),
    ("joe", &["chief", "clerk"]),
];

/// In whose name whoever writes is not asked about.
pub(crate) const NOBODY: &str = "nobody";

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PEOPLE.into_iter().map(|(name, _)| name)
}

pub(crate) fn anybody(dice: &mut Dice) -> &'static str {
    dice.pick(&PEOPLE).0
}

/// What access rules know of somebody.
pub(crate) fn caller(name: &str) -> Option<Arc<Value>> {
    let (name, roles) = PEOPLE.into_iter().find(|it| it.0 == name)?;
    let roles: Vec<_> = roles.iter().copied().map(Value::from).collect();
    let known = object([("name", name.into()), ("roles", roles.into())]);
    Some(Arc::new(Value::Object(known)))
}

/// An order is its owner's, but a draft is for everybody.
pub(crate) fn of_orders() -> Access {
    Access {
        read: None,
        create: one("self.owner == caller.name || 'clerk' in caller.roles"),
        update: update(
            "self.owner == caller.name || self.state == 'draft' || 'chief' in caller.roles",
        ),
        delete: one("self.owner == caller.name && 'clerk' in caller.roles"),
    }
}

/// A letter may be to one person, and has a few tags. Two edits that each leave it few may leave it
/// many when they are joined.
pub(crate) fn of_letters() -> Access {
    Access {
        read: one("!has(self.to) || self.to == caller.name || 'chief' in caller.roles"),
        create: None,
        update: update(
            "size(self.tags) <= 3 || size(self.tags) < size(oldSelf.tags) || 'clerk' in caller.roles",
        ),
        delete: one("'clerk' in caller.roles"),
    }
}

fn one(source: &str) -> Option<AccessRule> {
    Some(AccessRule::of_one(source).expect("a rule"))
}

fn update(source: &str) -> Option<AccessRule> {
    Some(AccessRule::of_update(source).expect("a rule"))
}

/// The access rules once more, in plain words: what somebody does that they may not do, where a
/// document becomes another.
pub(crate) fn denied(
    key: &Key,
    name: &str,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Option<Deed> {
    let (name, roles) = PEOPLE.into_iter().find(|it| it.0 == name)?;
    let is = |role: &str| roles.contains(&role);
    let says = |document: &Value, member: &str, text: &str| {
        document.get(member).and_then(Value::as_str) == Some(text)
    };
    let owns = |document: &Value| says(document, "owner", name);
    let reads =
        |letter: &Value| letter.get("to").is_none() || says(letter, "to", name) || is("chief");
    let (deed, may) = match (old, new) {
        (None, None) => return None,
        (None, Some(new)) => (Deed::Create, !is_order(key) || owns(new) || is("clerk")),
        (Some(old), None) if is_order(key) => (Deed::Delete, owns(old) && is("clerk")),
        (Some(old), None) => (Deed::Delete, !is_letter(key) || reads(old) && is("clerk")),
        (Some(old), Some(new)) if is_order(key) => {
            let both = [old, new].into_iter();
            let may = |it: &Value| owns(it) || says(it, "state", "draft") || is("chief");
            (Deed::Update, both.into_iter().all(may))
        }
        (Some(old), Some(new)) => {
            let (before, after) = (tags(old), tags(new));
            let are_few = after.is_some_and(|after| after <= 3);
            let are_fewer = before
                .zip(after)
                .is_some_and(|(before, after)| after < before);
            let may = reads(old) && (are_few || are_fewer || is("clerk"));
            (Deed::Update, !is_letter(key) || may)
        }
    };
    (!may).then_some(deed)
}

fn tags(letter: &Value) -> Option<usize> {
    match letter.get("tags")? {
        Value::Array(tags) => Some(tags.len()),
        _ => None,
    }
}
