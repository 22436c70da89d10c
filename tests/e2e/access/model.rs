//! Rights and rules, worked out by hand: nothing of the server's own code is asked.

use super::who::Who;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Read,
    Create,
    Update,
    Delete,
    Resolve,
    BreakLock,
    Operate,
}

impl Action {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Resolve => "resolve",
            Self::BreakLock => "break-lock",
            Self::Operate => "operate",
        }
    }
}

/// A collection of a space; `""`: any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) space: &'static str,
    pub(super) collection: &'static str,
}

/// Whether somebody may act in a space at all.
pub(super) fn has_space(who: &Who, space: &str) -> bool {
    who.spaces.is_none_or(|spaces| spaces.contains(&space))
}

pub(super) fn may(who: &Who, action: Action, spot: &Spot) -> bool {
    who.is_known && has_space(who, spot.space) && has_right(who, action, spot.collection)
}

/// What concerns the whole server needs the right everywhere.
pub(super) fn may_of_server(who: &Who, action: Action) -> bool {
    let usual = ["read", "write", "resolve"];
    let rights = who.rights.unwrap_or(&usual);
    let everywhere = rights.iter().filter(|it| !it.contains(':'));
    who.is_known && who.spaces.is_none() && everywhere.into_iter().any(|it| means(it, action))
}

fn has_right(who: &Who, action: Action, collection: &str) -> bool {
    let usual = ["read", "write", "resolve"];
    let rights = who.rights.unwrap_or(&usual);
    rights.iter().any(|right| match right.split_once(':') {
        None => means(right, action),
        Some((word, place)) => {
            (collection.is_empty() || collection == place) && means(word, action)
        }
    })
}

fn means(word: &str, action: Action) -> bool {
    use Action::{Create, Delete, Update};
    match word {
        "all" => true,
        "write" => matches!(action, Create | Update | Delete),
        word => word == action.word(),
    }
}

/// Whether the rule of a collection is for somebody, about a document of `owner`. All actions have the
/// same rule.
pub(super) fn passes(who: &Who, collection: &str, owner: &str) -> bool {
    let is_admin = who.roles.contains(&"admin");
    match collection {
        "notes" => owner == who.name || is_admin,
        "secret" => is_admin,
        _ => true,
    }
}
