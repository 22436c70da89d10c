//! What a refused write rests on: history, and how two edits of it stand to each other.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{Pointer, Value, parse};
use detente_core::merge::{Choices, Finder, Merge, Strategies, merge};
use detente_core::{
    Collision, Condition, Conflict, Contrast, Edit, EntityTag, Head, Kind, Stored, VersionTag,
    changed_members, compare_blind,
};

use super::bounded::{are_too_large, values};
use super::divergence::{Author, Change, Clash, Divergence, Naming};
use super::{Attempt, REPEAT_LIMIT};
use crate::Outcome;
use crate::reading::{Reading, Steps};

/// What is read before a refusal can be explained.
#[derive(Default)]
pub(crate) struct History {
    /// The newest version that the write names and the document had.
    pub(super) base: Option<Arc<Stored>>,
    pub(super) current: Option<Arc<Stored>>,
    pub(super) steps: Steps,
}

/// What happened between the version that a writer began from and the current one, and what the
/// writer wants. Where all of that are documents, the trees have no more than what is not the same
/// in all of them.
pub(super) struct Story {
    history: History,
    base_document: Option<Arc<Value>>,
    current_document: Option<Arc<Value>>,
    /// The document of each step.
    step_documents: Vec<Option<Arc<Value>>>,
    ours: Ours,
    /// Of base, steps, current and ours; `None`: nothing was set aside.
    contrast: Option<Contrast>,
}

/// What a writer wants a document to be.
enum Ours {
    Document(Arc<Value>),
    Nothing,
    /// A patch that does not fit what it was made for, at this path.
    Misfit(Pointer),
}

/// The same, before a tree is made of it.
enum Source {
    Text(Bytes),
    Known(Ours),
}

impl History {
    /// Reads all that a refusal rests on. `head` is the version that was current.
    pub(super) async fn read(
        reading: &Reading,
        attempt: &Attempt,
        head: Option<Head>,
    ) -> Outcome<Self> {
        let current = match head {
            Some(head) => {
                let space = attempt.command.key.space();
                reading.version(space, head.seq).await?
            }
            None => None,
        };
        Self::up_to(reading, attempt, current).await
    }

    /// The same, up to a version that is at hand.
    pub(crate) async fn up_to(
        reading: &Reading,
        attempt: &Attempt,
        current: Option<Arc<Stored>>,
    ) -> Outcome<Self> {
        let command = &attempt.command;
        let base = match &command.edit {
            Edit::Merge(merging) => merging.base.clone(),
            // A weak tag does not match, but it does tell which version the writer began from.
            _ => {
                let condition = command.preconditions.if_match.iter();
                let tags = condition.flat_map(|it| it.tags());
                let named = tags.filter_map(|tag| tag.opaque().parse::<VersionTag>().ok());
                let named = named.collect();
                reading.newest_named(&command.key, named).await?
            }
        };
        let none = Steps {
            versions: Vec::new(),
            omitted: false,
        };
        let steps = match (&base, &current) {
            (Some(base), Some(current)) => reading.steps(base.seq, current).await?,
            _ => none,
        };
        Ok(Self {
            base,
            current,
            steps,
        })
    }

    /// How many bytes have to be looked into.
    pub(crate) fn bytes(&self) -> usize {
        let versions = self.base.iter().chain(&self.steps.versions);
        let known: usize = versions.map(|version| version.body.len()).sum();
        // Without a base there are no steps, the current version is compared all the same.
        let current = self
            .current
            .as_ref()
            .filter(|_| self.steps.versions.is_empty());
        known + current.map_or(0, |current| current.body.len())
    }
}

impl Story {
    pub(super) fn new(attempt: &Attempt, history: History) -> Self {
        let History {
            base,
            current,
            steps,
        } = &history;
        let source = Source::of(attempt, base.as_deref(), current.as_deref());
        let last = steps.versions.last();
        let is_alone = |it: &&Arc<Stored>| last.is_none_or(|last| last.seq != it.seq);
        let versions = base.iter().chain(&steps.versions);
        let versions: Vec<_> = versions.chain(current.iter().filter(is_alone)).collect();
        let contrast = contrast(attempt, &versions, &source);
        let tree = |(index, stored): (usize, &&Arc<Stored>)| match &contrast {
            Some(contrast) => Some(Arc::new(contrast.tree(index))),
            None => stored.document().map(Arc::new),
        };
        let mut trees: Vec<_> = versions.iter().enumerate().map(tree).collect();
        let ours = match source {
            Source::Known(ours) => ours,
            Source::Text(text) => Ours::Document(Arc::new(match &contrast {
                Some(contrast) => contrast.tree(versions.len()),
                None => parse(&text).expect("a body was checked before it came here"),
            })),
        };
        let newest = trees.last().cloned().flatten();
        let current_document = newest.filter(|_| current.is_some());
        let base_document = base.as_ref().and_then(|_| trees.remove(0));
        trees.truncate(steps.versions.len());
        Self {
            step_documents: trees,
            base_document,
            current_document,
            ours,
            contrast,
            history,
        }
    }

    /// How the writer's edit stands to the current version.
    pub(super) fn diverge(&self, attempt: &Attempt) -> Divergence {
        let found = self.compare(attempt);
        let is_known = self.is_known(attempt);
        let is_large = |text: &Bytes| text.len() > REPEAT_LIMIT;
        let current = self.history.current.as_ref();
        let is_current_large = current.is_some_and(|current| is_large(&current.body));
        let merged = match is_current_large {
            false if is_known => self.whole(&found),
            _ => None,
        };
        let strategies = &attempt.collection.rules.rules.strategies;
        let misfit = match &self.ours {
            Ours::Misfit(path) => Some(path.clone()),
            _ => None,
        };
        let divergence = Divergence {
            naming: self.naming(attempt),
            fields: self.fields(&found.conflicts),
            agreements: found.agreements,
            is_mergeable: is_known && found.conflicts.is_empty(),
            joined: found.joined,
            merged,
            misfit,
            ..self.facts()
        };
        let authors = self.authors(strategies);
        let clash = |conflict: Conflict| Clash {
            author: authors.of(&conflict.path),
            path: conflict.path,
            kind: conflict.collision,
            strategy: conflict.strategy,
            base: conflict.base,
            yours: conflict.ours,
            current: conflict.theirs,
            obstacle: conflict.obstacle,
            broken: None,
        };
        let divergence = Divergence {
            clashes: found.conflicts.into_iter().map(clash).collect(),
            is_already_applied: self.is_already_applied(&attempt.command.edit),
            ..divergence
        };
        let is_too_large = is_current_large
            || divergence.merged.as_ref().is_some_and(is_large)
            || are_too_large(values(&divergence.clashes));
        match is_too_large {
            true => divergence.without_documents(),
            false => divergence,
        }
    }

    /// The text of the join, as far as it goes.
    pub(super) fn merged(&self, attempt: &Attempt) -> Option<Bytes> {
        let is_known = self.is_known(attempt);
        is_known.then(|| self.whole(&self.compare(attempt)))?
    }

    /// The versions alone, without a comparison of the writer's edit with them.
    pub(super) fn facts(&self) -> Divergence {
        Divergence {
            base: self.history.base.clone(),
            current: self.history.current.clone(),
            since: self.changes(),
            is_cut: self.history.steps.omitted,
            ..Divergence::default()
        }
    }

    /// How the tags of If-Match stand to the versions.
    fn naming(&self, attempt: &Attempt) -> Naming {
        let current = self.history.current.as_ref();
        let current = current.map(|it| it.head().tag().to_entity_tag());
        let Some(Condition::Tags(tags)) = &attempt.command.preconditions.if_match else {
            return Naming::Base;
        };
        let is_any = |equals: fn(&EntityTag, &EntityTag) -> bool| {
            let mut tags = tags.iter();
            current
                .as_ref()
                .is_some_and(|current| tags.any(|tag| equals(tag, current)))
        };
        let is_ours = |tag: &EntityTag| tag.opaque().parse::<VersionTag>().is_ok();
        if is_any(EntityTag::strong_eq) {
            Naming::Base
        } else if is_any(EntityTag::weak_eq) {
            Naming::Weakly
        } else if !tags.iter().any(is_ours) {
            Naming::Foreign
        } else if attempt.is_merge() {
            Naming::Another
        } else {
            Naming::Base
        }
    }

    fn is_known(&self, attempt: &Attempt) -> bool {
        (self.base_document.is_some() || attempt.is_merge()) && self.current_document.is_some()
    }

    /// The document before a step; `None` too where that step is the first that was read of many.
    fn before(&self, index: usize) -> Option<&Value> {
        match index.checked_sub(1) {
            Some(before) => self.step_documents[before].as_deref(),
            None if self.history.steps.omitted => None,
            None => self.base_document.as_deref(),
        }
    }

    fn changes(&self) -> Vec<Change> {
        let steps = self.history.steps.versions.iter().enumerate();
        let change = |(index, step): (usize, &Arc<Stored>)| {
            let is_known = index > 0 || !self.history.steps.omitted;
            let after = self.step_documents[index].as_deref();
            Change {
                version: step.version,
                by: Arc::clone(&step.by),
                at: step.at,
                fields: is_known.then(|| changed_members(self.before(index), after)),
            }
        };
        steps.map(change).collect()
    }

    /// Who last changed what.
    pub(super) fn authors<'s>(&'s self, strategies: &'s Strategies) -> Authors<'s> {
        let finder = |document: Option<&'s Value>| document.map(|it| strategies.finder(it));
        let steps = 0..self.step_documents.len();
        Authors {
            steps: &self.history.steps,
            base: finder(self.before(0)),
            documents: steps
                .map(|index| finder(self.step_documents[index].as_deref()))
                .collect(),
        }
    }

    /// The text of a join with the current version, with all that was set aside.
    fn whole(&self, found: &Merge) -> Option<Bytes> {
        let joined = found.document.as_ref()?;
        Some(match &self.contrast {
            Some(contrast) => {
                // Ours is the last, and the current version before it.
                let ours = contrast.len() - 1;
                contrast.whole(if found.is_ours { ours } else { ours - 1 }, joined)
            }
            None => joined.to_text().into(),
        })
    }

    fn compare(&self, attempt: &Attempt) -> Merge {
        let theirs = self.current_document.as_deref();
        let wanted = match &self.ours {
            Ours::Document(document) => Some(&**document),
            _ => None,
        };
        match (&self.ours, &self.base_document, theirs) {
            (Ours::Misfit(path), ..) => Merge {
                conflicts: vec![Conflict {
                    path: path.clone(),
                    collision: Collision::Inapplicable,
                    strategy: "manual",
                    base: None,
                    ours: None,
                    theirs: theirs.and_then(|theirs| theirs.at(path)).cloned(),
                    obstacle: None,
                }],
                document: theirs.cloned(),
                ..Merge::default()
            },
            (_, base, Some(theirs)) if base.is_some() || attempt.is_merge() => {
                self.join(attempt, base.as_deref(), wanted, theirs)
            }
            // Where nothing is stored, nothing collides: the document just is not there.
            _ => Merge {
                conflicts: theirs
                    .map_or_else(Vec::new, |theirs| compare_blind(wanted, Some(theirs))),
                ..Merge::default()
            },
        }
    }

    fn join(
        &self,
        attempt: &Attempt,
        base: Option<&Value>,
        ours: Option<&Value>,
        theirs: &Value,
    ) -> Merge {
        let rules = &attempt.collection.rules.rules;
        match &attempt.command.edit {
            Edit::Merge(merging) => merging.join(rules, theirs),
            _ => {
                let strategies = &rules.strategies;
                merge(base, ours, Some(theirs), strategies, &Choices::new())
            }
        }
    }

    /// The top-level members in conflict. Where whole documents collide, those that were changed.
    fn fields(&self, conflicts: &[Conflict]) -> Vec<String> {
        let names = conflicts.iter().flat_map(|conflict| {
            let base = self.base_document.as_deref();
            match conflict.path.tokens().first() {
                Some(name) => vec![name.clone()],
                None => changed_members(base, self.current_document.as_deref()),
            }
        });
        let mut seen = HashSet::new();
        names.filter(|name| seen.insert(name.clone())).collect()
    }

    /// Whether the current version is what the writer sent, stored directly on what it began from.
    /// For a counter it makes all the difference which it is, so the write is refused all the same.
    fn is_already_applied(&self, edit: &Edit) -> bool {
        match (edit, &self.history.base, &self.history.current) {
            (Edit::Put(proposal), Some(base), Some(current)) => {
                current.prev == Some(base.seq) && current.body == proposal.body
            }
            _ => false,
        }
    }
}

/// Who last changed a value, by its place.
pub(super) struct Authors<'s> {
    steps: &'s Steps,
    /// What the first step changed, if that is known.
    base: Option<Finder<'s>>,
    documents: Vec<Option<Finder<'s>>>,
}

impl Authors<'_> {
    pub(super) fn of(&self, path: &Pointer) -> Option<Author> {
        fn at<'v>(finder: &Option<Finder<'v>>, path: &Pointer) -> Option<&'v Value> {
            finder.as_ref()?.at(path)
        }
        let first_known = usize::from(self.steps.omitted);
        let changed = |index: &usize| {
            let before = match index.checked_sub(1) {
                Some(before) => &self.documents[before],
                None => &self.base,
            };
            at(&self.documents[*index], path) != at(before, path)
        };
        let index = (first_known..self.documents.len()).rev().find(changed)?;
        let step = &self.steps.versions[index];
        Some(Author {
            by: Arc::clone(&step.by),
            version: step.version,
        })
    }
}

impl Source {
    /// A patch is applied to the exact base; where that is unknown, to the current version.
    fn of(attempt: &Attempt, base: Option<&Stored>, current: Option<&Stored>) -> Self {
        match &attempt.command.edit {
            Edit::Delete => Self::Known(Ours::Nothing),
            Edit::Put(proposal) | Edit::Restore(proposal) => Self::Text(proposal.body.clone()),
            Edit::Merge(merging) => Self::Known(match &merging.ours {
                Some(document) => Ours::Document(Arc::clone(document)),
                None => Ours::Nothing,
            }),
            Edit::Patch(patching) => {
                let document = |stored: Option<&Stored>| stored.and_then(Stored::document);
                let begun_from = document(base).or_else(|| document(current));
                let patched = begun_from.map(|it| patching.patch.apply(&it, patching.max_bytes));
                match patched {
                    Some(Ok(document)) => Self::Text(document.to_text().into()),
                    Some(Err(failure)) => Self::Known(Ours::Misfit(failure.place().1.clone())),
                    None => Self::Known(Ours::Nothing),
                }
            }
        }
    }
}

/// The versions beside what the writer wants, unless something is told of whole documents: where one
/// is not there, where a patch made something else than an object of one, and where something is
/// declared for the root.
fn contrast(attempt: &Attempt, versions: &[&Arc<Stored>], source: &Source) -> Option<Contrast> {
    let Source::Text(ours) = source else {
        return None;
    };
    let strategies = &attempt.collection.rules.rules.strategies;
    let are_documents = versions.iter().all(|it| it.kind == Kind::Document);
    let is_object = ours.trim_ascii_start().starts_with(b"{");
    if !are_documents || !is_object || strategies.at(&Pointer::root()).is_some() {
        return None;
    }
    let texts = versions.iter().map(|it| it.body.clone());
    Some(Contrast::of(texts.chain([ours.clone()])))
}
