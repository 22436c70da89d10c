use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{Pointer, Value};
use detente_core::merge::{Join, Obstacle};
use detente_core::{Collision, EntityTag, Moment, Stored};

/// How many places of a kind a refusal names, and a row of the conflict log: an edit of a large document may collide in
/// tens of thousands, which no reader goes through one by one. A preview of the merge names all of them.
pub const MOST_PLACES: usize = 1000;

/// An edit beside what came since its base: who changed what, and where the two collide.
#[derive(Clone, Debug, Default)]
pub struct Divergence {
    /// The version that the writer began from, if that is known.
    pub base: Option<Arc<Stored>>,
    /// The version that is current; a tombstone if the document was deleted.
    pub current: Option<Arc<Stored>>,
    /// The versions after the base, the oldest first.
    pub since: Vec<Change>,
    /// Whether there are older ones than those.
    pub is_cut: bool,
    /// Where the two edits collide, and which demands their join does not meet.
    pub clashes: Vec<Clash>,
    /// The top-level members in which they collide.
    pub fields: Vec<String>,
    /// What both changed alike.
    pub agreements: Vec<Pointer>,
    /// The places that a strategy joined.
    pub joined: Vec<Join>,
    /// Whether the server can join the two.
    pub is_mergeable: bool,
    /// Whether the current version is what the writer sent, stored directly on what it began from.
    /// Its earlier answer was lost, or somebody else made the same change: the server cannot tell.
    pub is_already_applied: bool,
    /// The text of the join, as far as it goes: the current version where they collide.
    pub merged: Option<Bytes>,
    /// How the tags of If-Match stand to the versions.
    pub naming: Naming,
    /// The place of a patch that does not fit the version it was made for.
    pub misfit: Option<Pointer>,
    /// Whether documents and values are shown.
    pub shows: Shows,
}

/// How the tags of If-Match stand to the versions of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// They name the version that the edit began from, if they name any; or there are none.
    #[default]
    Base,
    /// They name the current version, but weakly.
    Weakly,
    /// None of them is a tag of ours.
    Foreign,
    /// The edit began from a version that is named elsewhere, and they do not name the current one.
    Another,
}

/// What of the documents is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shows {
    #[default]
    All,
    /// They are too large to be repeated.
    TooLarge,
    /// Whoever asks may not read.
    Nothing,
}

/// A version between base and current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub version: u64,
    pub by: Arc<str>,
    pub at: Moment,
    /// The top-level members that it changed, if that is known.
    pub fields: Option<Vec<String>>,
}

/// A place where two edits collide.
#[derive(Clone, Debug)]
pub struct Clash {
    pub path: Pointer,
    pub kind: Collision,
    pub strategy: &'static str,
    /// The values of base, yours and current. Absent is not null.
    pub base: Option<Value>,
    pub yours: Option<Value>,
    pub current: Option<Value>,
    /// Why the strategy cannot join such values.
    pub obstacle: Option<Obstacle>,
    /// The demand that the join does not meet there.
    pub broken: Option<Broken>,
    /// Who changed the place last.
    pub author: Option<Author>,
}

/// A demand that a joined document does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub demand: Demand,
    pub message: String,
}

/// What makes a demand, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// A keyword of the schema.
    Keyword(String),
    /// A rule, or the lifecycle.
    Rule(String),
    /// A unique key.
    Constraint(String),
}

/// Who made a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub by: Arc<str>,
    pub version: u64,
}

impl Divergence {
    /// The tag of the current version; `None` where there is no document.
    pub fn current_tag(&self) -> Option<EntityTag> {
        let head = self.current.as_ref()?.head();
        head.is_document().then(|| head.tag().to_entity_tag())
    }

    /// JSON Pointers to where it collides, as the conflict log keeps them.
    pub(super) fn paths(&self) -> Vec<String> {
        let named = self.clashes.iter().take(MOST_PLACES);
        named.map(|it| it.path.to_string()).collect()
    }
}
