//! Documents and their versions, as fields have them.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use detente_core::json::{self, Object as Members, Value, object};
use detente_core::{Kind, Stored};
use detente_graphql::{CollectionType, Object, Resolved, Selection, Step};
use detente_service::{Done, TouchedVersion};

use super::loaded::Loaded;

/// A version, with what is read of it once and used by several fields.
#[derive(Debug)]
pub(super) struct Content {
    stored: Arc<Stored>,
    of: Arc<CollectionType>,
    document: OnceLock<Option<Value>>,
}

impl Content {
    pub(super) fn of(stored: Arc<Stored>, of: &Arc<CollectionType>) -> Self {
        Self {
            stored,
            of: Arc::clone(of),
            document: OnceLock::new(),
        }
    }

    pub(super) fn stored(&self) -> &Stored {
        &self.stored
    }

    /// The fields that all versions have.
    fn field(&self, step: &Step) -> Resolved<'_> {
        let stored = &self.stored;
        match step.name() {
            "id" => Resolved::text(stored.key.id()),
            "collection" => Resolved::text(stored.key.collection()),
            "version" => Resolved::Number(stored.version),
            "etag" => self.tag().into(),
            "updatedAt" => Resolved::from(stored.at.to_string()),
            "updatedBy" => Resolved::text(&*stored.by),
            "isDeletion" => Resolved::Bool(stored.kind == Kind::Tombstone),
            "merged" => merged(stored).into(),
            "json" => self.json(),
            "data" if self.of.is_typed => {
                let parse = || json::parse(stored.text().as_bytes()).ok();
                self.document.get_or_init(parse).as_ref().into()
            }
            "data" => self.json(),
            _ => Resolved::Null,
        }
    }

    fn json(&self) -> Resolved<'_> {
        match self.stored.kind {
            Kind::Document => Resolved::Json(Cow::Borrowed(self.stored.text())),
            Kind::Tombstone => Resolved::Null,
        }
    }

    fn tag(&self) -> Option<String> {
        let is_document = self.stored.kind == Kind::Document;
        is_document.then(|| self.stored.head().tag().to_entity_tag().to_string())
    }
}

/// A `Versioned`: a document.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    /// Whether who asks may see the document.
    is_shown: bool,
    /// Whether they may have its tag: whoever has it without the document undoes what others wrote into it.
    has_tag: bool,
    outcome: Option<Value>,
    loaded: Loaded,
}

impl Node {
    /// A document that was read.
    pub(super) fn read(stored: Arc<Stored>, of: &Arc<CollectionType>, loaded: Loaded) -> Self {
        Self {
            content: Content::of(stored, of),
            is_shown: true,
            has_tag: true,
            outcome: None,
            loaded,
        }
    }

    /// A document that was written, of which this is wanted. Members of a typed `data` may be any part of it, so
    /// they do not make the tag known.
    pub(super) fn written<'a>(
        done: Done,
        of: &Arc<CollectionType>,
        wanted: impl IntoIterator<Item = &'a Selection>,
        loaded: Loaded,
    ) -> Self {
        let has = |it: &Selection, field| it.has_of(&of.type_name, field);
        let is_whole = |it: &Selection| has(it, "json") || !of.is_typed && has(it, "data");
        let (mut comes_along, mut tells_how) = (false, false);
        for selection in wanted {
            comes_along |= done.is_shown && is_whole(selection);
            tells_how |= selection.has("outcome");
        }
        Self {
            is_shown: done.is_shown,
            has_tag: done.is_known || comes_along,
            outcome: tells_how.then(|| outcome(&done)),
            content: Content::of(done.stored, of),
            loaded,
        }
    }
}

impl Object for Node {
    fn type_name(&self) -> &str {
        &self.content.of.type_name
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        match step.name() {
            "etag" if !self.has_tag => Resolved::Null,
            "json" | "data" if !self.is_shown => Resolved::Null,
            "outcome" => self.outcome.as_ref().into(),
            "conflicts" => {
                let id = self.content.stored.key.id();
                self.loaded.conflicts(step, id)
            }
            _ => self.content.field(step),
        }
    }
}

/// A `ProductVersion`.
#[derive(Debug)]
pub(super) struct Version(pub(super) Content);

impl Object for Version {
    fn type_name(&self) -> &str {
        let of = &self.0.of;
        of.version_type.as_str()
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        self.0.field(step)
    }
}

/// A `Deleted`.
#[derive(Debug)]
pub(super) struct Deleted {
    content: Content,
    outcome: Value,
}

impl Deleted {
    pub(super) fn of(done: Done, of: &Arc<CollectionType>) -> Self {
        Self {
            outcome: outcome(&done),
            content: Content::of(done.stored, of),
        }
    }
}

impl Object for Deleted {
    fn type_name(&self) -> &str {
        "Deleted"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        match step.name() {
            "outcome" => Resolved::from(&self.outcome),
            _ => self.content.field(step),
        }
    }
}

/// What an operation of a batch left: a `BatchResult`.
#[derive(Debug)]
pub(super) struct Written(pub(super) Node);

impl Object for Written {
    fn type_name(&self) -> &str {
        "BatchResult"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        match step.name() {
            "document" if self.0.content.stored.kind == Kind::Document => Resolved::object(&self.0),
            "document" => Resolved::Null,
            _ => self.0.content.field(step),
        }
    }
}

/// A version as it came: a `Change`, or one of a collection's own.
#[derive(Debug)]
pub(super) struct Change {
    type_name: String,
    position: String,
    paths: Option<Value>,
    node: Node,
}

impl Change {
    pub(super) fn of(
        change: &TouchedVersion,
        type_name: &str,
        position: String,
        of: &Arc<CollectionType>,
        loaded: Loaded,
    ) -> Self {
        let paths = change.paths.as_ref().map(|paths| {
            let paths = paths.iter().map(ToString::to_string);
            Value::from(paths.collect::<Vec<_>>())
        });
        Self {
            type_name: type_name.to_owned(),
            position,
            paths,
            node: Node::read(Arc::clone(&change.stored), of, loaded),
        }
    }
}

impl Object for Change {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        let content = &self.node.content;
        match step.name() {
            "position" => Resolved::text(self.position.as_str()),
            "seq" => Resolved::Number(content.stored.seq),
            "paths" => self.paths.as_ref().into(),
            "document" if content.stored.kind == Kind::Document => Resolved::object(&self.node),
            "document" => Resolved::Null,
            _ => content.field(step),
        }
    }
}

/// Where a page stands in its list.
#[derive(Debug)]
pub(super) struct PageInfo {
    pub(super) has_next: bool,
    pub(super) has_previous: bool,
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
}

impl Object for PageInfo {
    fn type_name(&self) -> &str {
        "PageInfo"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        match step.name() {
            "hasNextPage" => Resolved::Bool(self.has_next),
            "hasPreviousPage" => Resolved::Bool(self.has_previous),
            "startCursor" => self.start.as_deref().into(),
            "endCursor" => self.end.as_deref().into(),
            _ => Resolved::Null,
        }
    }
}

/// A `MergedOnto`, where a version was joined from two edits.
fn merged(stored: &Stored) -> Option<Value> {
    stored.base.map(|base| Value::Object(onto(base, stored)))
}

fn onto(base: u64, stored: &Stored) -> Members {
    object([
        ("baseVersion", base.into()),
        ("ontoVersion", (stored.version - 1).into()),
    ])
}

/// A `WriteOutcome`.
fn outcome(done: &Done) -> Value {
    let merged = done.stored.base.map(|base| {
        let places = done.joined.iter().map(|join| {
            object([
                ("path", join.path.to_string().into()),
                ("strategy", join.strategy.into()),
                ("review", join.review.into()),
                ("lost", join.lost.clone().into()),
            ])
        });
        let mut merged = onto(base, &done.stored);
        merged.insert("places".into(), places.collect::<Vec<_>>().into());
        merged
    });
    Value::Object(object([
        ("isCreated", done.created.into()),
        ("isReplayed", done.is_replayed.into()),
        ("merged", merged.into()),
    ]))
}
