//! Three-way merging of JSON: base, ours and theirs, with a strategy for each place.
//!
//! Two people started from one document, the *base*. One is about to save (*ours*), the other
//! already has (*theirs*). Changes that only one of them made are kept. If both changed the same
//! place, a [`Strategy`] declared for it joins the two, or the place is reported as a [`Conflict`],
//! which somebody decides with a [`Choice`].
//!
//! ```
//! use detente_core::json::parse;
//! use detente_core::merge::{Choice, Choices, Strategies, Strategy, merge};
//!
//! let base = parse(br#"{"title": "Draft", "tags": ["a"], "views": 5}"#)?;
//! let ours = parse(br#"{"title": "Plan", "tags": ["a", "c"], "views": 6}"#)?;
//! let theirs = parse(br#"{"title": "Final", "tags": ["b", "a"], "views": 6}"#)?;
//!
//! let mut strategies = Strategies::default();
//! strategies.set(&"/tags".parse()?, Strategy::Set);
//! strategies.set(&"/views".parse()?, Strategy::Counter);
//!
//! let sides = (Some(&base), Some(&ours), Some(&theirs));
//! let found = merge(sides.0, sides.1, sides.2, &strategies, &Choices::new());
//! assert_eq!(found.conflicts.len(), 1);
//! assert_eq!(found.conflicts[0].path.to_string(), "/title");
//!
//! let choices = Choices::from([("/title".parse()?, Choice::Ours)]);
//! let decided = merge(sides.0, sides.1, sides.2, &strategies, &choices);
//! assert!(decided.is_clean());
//! let document = decided.document.expect("a document is left");
//! assert_eq!(document.to_text(), r#"{"title":"Plan","tags":["a","b","c"],"views":7}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same three documents always have the same result: no clock is read, and neither the order of
//! members nor the notation of a number counts as an edit. Merging is not idempotent, though:
//! merging an edit that is already in theirs may change a text, a counter or an appended list once
//! more.

mod conflict; // a place where ours and theirs exclude each other
mod strategy; // how two edits of one value are joined

mod obstacle; // why a strategy cannot join values

mod mark; // choices, and groups that both sides touched
mod member; // objects, member by member
mod place; // where the walk is
mod settle; // one value, by its strategy
mod side; // base, ours and theirs at one place, and their result
mod walk; // the prelude that all strategies share

mod append; // both sides add at the end
mod counter; // both differences count
mod extreme; // the larger, the smaller
mod keyed_list; // arrays of objects that are identified by a member
mod set; // arrays without order
mod text; // line by line, then word by word

#[cfg(test)]
mod testing; // tables of base, ours and theirs

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::json::{Pointer, Value};
use mark::Mark;
use place::Place;
use side::Sides;
use strategy::Here;
use walk::{At, Walk};

pub use conflict::{Collision, Conflict};
pub use obstacle::{Obstacle, Reason, Side};
pub use strategy::{Finder, Strategies, Strategy};

/// Joins two edits of a text line by line; `None` if both changed the same lines.
pub fn merge_texts(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let joined = text::merge([base, ours, theirs])?;
    (!joined.review).then_some(joined.text)
}

/// What somebody decided about the places in conflict.
pub type Choices = BTreeMap<Pointer, Choice>;

/// Which value a place should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Ours,
    Theirs,
    Base,
    Value(Value),
}

/// The result of a merge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// The merged document, with theirs in all places in conflict. `None` if nothing is left.
    pub document: Option<Value>,
    /// Whether that equals ours. Then its members have the order of ours; otherwise that of theirs,
    /// followed by what only ours has.
    pub is_ours: bool,
    /// The places where ours and theirs exclude each other; empty if the merge is clean.
    pub conflicts: Vec<Conflict>,
    /// Places that both sides changed and that a strategy joined.
    pub joined: Vec<Join>,
    /// Places that both sides changed to the same value, which the result has. They do not
    /// conflict, but if both count from 5 to 6, one count is lost.
    pub agreements: Vec<Pointer>,
    /// The places that a choice decided, with the values to choose from.
    pub chosen: Vec<Chosen>,
}

/// A place that a choice decided, with the values to choose from.
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
    /// Whether a person should look at the result, although it is clean.
    pub review: bool,
    /// The value that was dropped, if there is one.
    pub lost: Option<Value>,
}

impl Merge {
    /// Whether nobody has to decide anything.
    pub fn is_clean(&self) -> bool {
        self.conflicts.is_empty()
    }
}

/// Merges two edits of one base; `None` means absent, which is not null.
///
/// Changes that only one side made are kept. A place that both changed in different ways is joined
/// by its strategy, or is in conflict. A choice decides its place, whether that is in conflict or
/// not. If none of the three documents has the place of a choice, or a place above was decided as a
/// whole, the choice is not in [`Merge::chosen`].
///
/// In places, a token below a keyed list is the key of the element: a string unchanged, unless it
/// looks like JSON, and anything else as its JSON text.
pub fn merge(
    base: Option<&Value>,
    ours: Option<&Value>,
    theirs: Option<&Value>,
    strategies: &Strategies,
    choices: &Choices,
) -> Merge {
    let marks = Mark::all([base, ours, theirs], strategies, choices);
    let at = At {
        place: Place::Root,
        here: &Here::from(strategies),
        mark: marks.as_ref(),
    };
    let mut walk = Walk::default();
    let joined = walk.join(at, Sides { base, ours, theirs });
    let is_ours = joined.is_ours && !joined.is_theirs;
    let document = joined.value.map(Cow::into_owned);
    Merge {
        document,
        is_ours,
        ..walk.merge
    }
}
