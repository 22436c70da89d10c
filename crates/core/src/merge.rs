//! Three-way merging of JSON: base, ours and theirs, with a strategy for each place.

mod strategy; // how two edits of one value are joined

use std::collections::BTreeMap;

use crate::json::{Pointer, Value};
use crate::{Comparison, Conflict, compare};

pub use strategy::{Strategies, Strategy};

/// What somebody decided about the places where ours and theirs collide.
pub type Choices = BTreeMap<Pointer, Choice>;

/// Which value a place is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Ours,
    Theirs,
    Base,
    Value(Value),
}

/// What a merge came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// The join; theirs in all places that are in conflict. `None` where nothing is left.
    pub document: Option<Value>,
    /// The places where ours and theirs cannot both be had; empty if the merge is clean.
    pub conflicts: Vec<Conflict>,
    /// Places that both sides changed and that a strategy joined.
    pub joined: Vec<Join>,
    /// Places that both sides changed to the same value, and stayed so.
    pub agreements: Vec<Pointer>,
    /// The places that a choice decided, and what it was decided on.
    pub chosen: Vec<Chosen>,
}

/// A place that a choice decided, with the values it had a choice of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub path: Pointer,
    pub base: Option<Value>,
    pub ours: Option<Value>,
    pub theirs: Option<Value>,
}

/// A place that both sides changed and that a strategy joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    pub path: Pointer,
    /// The strategy's name.
    pub strategy: &'static str,
    /// Clean by the letter; a person had better look at it.
    pub review: bool,
    /// The value that gave way, where one did.
    pub lost: Option<Value>,
}

impl Merge {
    pub fn is_clean(&self) -> bool {
        self.conflicts.is_empty()
    }
}

/// Joins two edits of one base; `None` is absent, which is not null.
pub fn merge(
    base: Option<&Value>,
    ours: Option<&Value>,
    theirs: Option<&Value>,
    _strategies: &Strategies,
    _choices: &Choices,
) -> Merge {
    let Comparison {
        conflicts,
        agreements,
        joined,
    } = compare(base, ours, theirs);
    Merge {
        document: joined,
        conflicts,
        agreements,
        ..Merge::default()
    }
}
