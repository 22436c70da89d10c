//! Three-way merging of JSON: base, ours and theirs, with a strategy for each place.
//!
//! Two people began from one document, the *base*. One is about to save (*ours*), the other already
//! has (*theirs*). What only one of them changed keeps that change; where both changed the same
//! place, a [`Strategy`] declared for it joins the two, or the place is reported as a [`Conflict`]
//! that somebody decides with a [`Choice`].
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
//! The same three documents always come to the same result: no clock is read, and neither the order
//! of members nor the way a number is written counts as an edit. Merging is not idempotent, though:
//! to merge an edit again that is already in theirs may change a text, a counter or an appended
//! list once more.

mod conflict; // where ours and theirs cannot both be had
mod strategy; // how two edits of one value are joined

mod mark; // choices, and groups that both sides touched
mod member; // objects, member by member
mod place; // where the walk is
mod settle;
mod side; // base, ours and theirs at one place, and what they came to
mod walk; // the prelude that all strategies share // one value, by its strategy

mod append; // both sides add at the end
mod counter; // both differences count
mod extreme; // the larger, the smaller
mod keyed_list; // arrays of objects that a member tells apart
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
    /// Whether that is ours as it stands. Then members come in the order of ours, else in that of
    /// theirs, and what ours alone has after them.
    pub is_ours: bool,
    /// The places where ours and theirs cannot both be had; empty if the merge is clean.
    pub conflicts: Vec<Conflict>,
    /// Places that both sides changed and that a strategy joined.
    pub joined: Vec<Join>,
    /// Places that both sides changed to the same value, and stayed so. They do not collide; but of
    /// two who count from 5 to 6, one counted in vain.
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
    /// Whether nothing is left for anybody to decide.
    pub fn is_clean(&self) -> bool {
        self.conflicts.is_empty()
    }
}

/// Joins two edits of one base; `None` is absent, which is not null.
///
/// What one side alone changed keeps that change. A place that both changed, differently, is joined
/// by its strategy, or is in conflict. A place with a choice is decided by it, in conflict or not;
/// a choice whose place was not met, because there is no such place in any of the three or a place
/// above it was decided as a whole, is not in [`Merge::chosen`].
///
/// In places, a token below a keyed list is the key of the element: a string as it is, unless it
/// would read as JSON itself, and anything else as its JSON text.
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
