//! What a refused write rests on: history, and how two edits of it stand to each other.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{Draft, Pointer, Value, parse};
use detente_core::merge::{Choices, Join, Merge, Strategies, merge};
use detente_core::{
    Collision, Condition, Conflict, Contrast, Edit, Field, Head, Kind, Stored, VersionTag,
    changed_members, compare_blind,
};
use detente_store::{Reader, StoreError};

use super::{Attempt, field_name, listed};

/// How many versions between base and current are told one by one, and how much of them is read.
const TOLD_VERSIONS: usize = 100;
const TOLD_BYTES: usize = 4 * 1024 * 1024;

/// What happened between the version that a writer began from and the current one, and what the
/// writer wants. Where all of that are documents, the trees have no more than what is not the same
/// in all of them.
pub(crate) struct Story {
    /// The newest version that If-Match names and the document had.
    pub(crate) base: Option<Arc<Stored>>,
    base_document: Option<Arc<Value>>,
    pub(crate) current: Option<Arc<Stored>>,
    current_document: Option<Arc<Value>>,
    /// Each version after the base, the oldest first, with its document.
    steps: Vec<(Arc<Stored>, Option<Arc<Value>>)>,
    /// Whether there are older steps than the ones above.
    pub(crate) omitted: bool,
    ours: Wanted,
    /// Of base, steps, current and ours; `None`: nothing was set aside.
    contrast: Option<Contrast>,
}

/// What a writer wants a document to be.
enum Wanted {
    Document(Arc<Value>),
    Nothing,
    /// A patch that does not fit what it was made for, at this path.
    Unclear(Pointer),
}

/// The same, before a tree is made of it.
enum Asked {
    Text(Bytes),
    Known(Wanted),
}

/// What a comparison of the writer's edit with the current version came to.
pub(crate) struct Found {
    pub(crate) conflicts: Vec<Conflict>,
    /// What both changed alike.
    pub(crate) agreements: Vec<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) mergeable: bool,
    /// The join as far as it is not set aside; [`Story::whole`] has all of it.
    joined: Option<Value>,
    /// Whether it is ours as it stands.
    is_ours: bool,
    /// The places that a strategy joined.
    pub(crate) joined_places: Vec<Join>,
}

impl Story {
    pub(crate) fn read(
        attempt: &Attempt,
        reader: &dyn Reader,
        head: Option<Head>,
    ) -> Result<Self, StoreError> {
        let current = match head {
            Some(head) => reader.version(head.seq)?,
            None => None,
        };
        let base = match &attempt.command.edit {
            Edit::Merge(merging) => merging.base.clone(),
            _ => find_base(attempt, reader)?,
        };
        let (steps, omitted) = match &base {
            Some(base) => read_steps(base, current.as_ref(), reader)?,
            None => (Vec::new(), false),
        };
        let asked = Asked::by(attempt, base.as_deref(), current.as_deref());
        let is_told = |it: &&Arc<Stored>| steps.last().is_none_or(|last| last.seq != it.seq);
        let versions = base.iter().chain(&steps);
        let versions: Vec<_> = versions.chain(current.iter().filter(is_told)).collect();
        let contrast = contrast(attempt, &versions, &asked);
        let tree = |(index, stored): (usize, &&Arc<Stored>)| match &contrast {
            Some(contrast) => Some(Arc::new(contrast.tree(index))),
            None => stored.document().map(Arc::new),
        };
        let mut trees: Vec<_> = versions.iter().enumerate().map(tree).collect();
        let ours = match asked {
            Asked::Known(wanted) => wanted,
            Asked::Text(text) => Wanted::Document(Arc::new(match &contrast {
                Some(contrast) => contrast.tree(versions.len()),
                None => parse(&text).expect("a body was checked before it came here"),
            })),
        };
        let current_document = trees
            .last()
            .cloned()
            .flatten()
            .filter(|_| current.is_some());
        let base_document = base.as_ref().and_then(|_| trees.remove(0));
        Ok(Self {
            base,
            base_document,
            current,
            current_document,
            steps: steps.into_iter().zip(trees).collect(),
            omitted,
            ours,
            contrast,
        })
    }

    pub(crate) fn tag(&self) -> Option<String> {
        let current = self.current.as_ref()?.head();
        current
            .is_document()
            .then(|| current.tag().to_entity_tag().to_field())
    }

    /// The document before a step; `None` too where that step is the first that was read of many.
    fn before(&self, index: usize) -> Option<&Value> {
        match index.checked_sub(1) {
            Some(before) => self.steps[before].1.as_deref(),
            None if self.omitted => None,
            None => self.base_document.as_deref(),
        }
    }

    pub(crate) fn changes(&self) -> Vec<Draft> {
        let row = |(index, (step, document)): (usize, &(Arc<Stored>, Option<Arc<Value>>))| {
            let mut row = Draft::default()
                .with("version", step.version)
                .with("by", &*step.by)
                .with("at", step.at.to_string());
            if index > 0 || !self.omitted {
                let fields = changed_members(self.before(index), document.as_deref());
                row.add("fields", fields);
            }
            row
        };
        self.steps.iter().enumerate().map(row).collect()
    }

    /// Who last changed the value at a path.
    pub(crate) fn author<'s>(
        &'s self,
        strategies: &Strategies,
        path: &Pointer,
    ) -> Option<&'s Stored> {
        let at =
            |document: Option<&'s Value>| document.and_then(|it| strategies.value_at(it, path));
        let first_known = usize::from(self.omitted);
        let changed =
            |index: &usize| at(self.steps[*index].1.as_deref()) != at(self.before(*index));
        let index = (first_known..self.steps.len()).rev().find(changed)?;
        Some(&self.steps[index].0)
    }

    /// The text of a join with the current version, with all that was set aside.
    pub(crate) fn whole(&self, found: &Found) -> Option<Bytes> {
        let joined = found.joined.as_ref()?;
        Some(match &self.contrast {
            Some(contrast) => {
                // Ours is the last, and the current version before it.
                let ours = contrast.len() - 1;
                contrast.whole(if found.is_ours { ours } else { ours - 1 }, joined)
            }
            None => joined.to_text().into(),
        })
    }

    pub(crate) fn compare(&self, attempt: &Attempt) -> Found {
        let theirs = self.current_document.as_deref();
        let wanted = match &self.ours {
            Wanted::Document(document) => Some(document),
            _ => None,
        };
        let found = match (&self.ours, &self.base_document, theirs) {
            (Wanted::Unclear(path), ..) => Merge {
                conflicts: vec![Conflict {
                    path: path.clone(),
                    collision: Collision::Inapplicable,
                    strategy: "manual",
                    base: None,
                    ours: None,
                    theirs: theirs.and_then(|theirs| theirs.at(path)).cloned(),
                }],
                document: theirs.cloned(),
                ..Merge::default()
            },
            (_, base, Some(theirs)) if base.is_some() || attempt.is_merge() => {
                self.join(attempt, base.as_deref(), wanted, theirs)
            }
            // Where nothing is stored, nothing collides: the document just is not there.
            _ => Merge {
                conflicts: theirs.map_or_else(Vec::new, |theirs| {
                    compare_blind(wanted.map(|wanted| &**wanted), Some(theirs))
                }),
                ..Merge::default()
            },
        };
        let is_known = (self.base_document.is_some() || attempt.is_merge()) && theirs.is_some();
        let mergeable = is_known && found.is_clean();
        Found {
            fields: self.fields(&found.conflicts),
            agreements: found.agreements.iter().map(field_name).collect(),
            mergeable,
            joined: found.document.filter(|_| is_known),
            is_ours: found.is_ours,
            joined_places: found.joined,
            conflicts: found.conflicts,
        }
    }

    fn join(
        &self,
        attempt: &Attempt,
        base: Option<&Value>,
        ours: Option<&Arc<Value>>,
        theirs: &Value,
    ) -> Merge {
        let rules = &attempt.collection.rules.rules;
        match &attempt.command.edit {
            Edit::Merge(merging) => merging.join(rules, theirs),
            _ => merge(
                base,
                ours.map(|ours| &**ours),
                Some(theirs),
                &rules.strategies,
                &Choices::new(),
            ),
        }
    }

    /// The top-level members in conflict. Where whole documents collide, those that were changed.
    fn fields(&self, conflicts: &[Conflict]) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        for conflict in conflicts {
            let names = match conflict.path.tokens().first() {
                Some(name) => vec![name.clone()],
                None => changed_members(
                    self.base_document.as_deref(),
                    self.current_document.as_deref(),
                ),
            };
            fields.extend(names);
        }
        let mut seen = HashSet::new();
        fields.retain(|name| seen.insert(name.clone()));
        fields
    }

    /// Whether the current version is what the writer sent, stored directly on what it began from.
    /// Then its earlier answer was lost, or somebody else made the same change: the server cannot
    /// tell, and for a counter the difference is everything, so the write is refused all the same.
    pub(crate) fn is_already_applied(&self, edit: &Edit) -> bool {
        match (edit, &self.base, &self.current) {
            (Edit::Put(proposal), Some(base), Some(current)) => {
                current.prev == Some(base.seq) && current.body == proposal.body
            }
            _ => false,
        }
    }

    pub(crate) fn tell(&self, found: &Found, failed: Option<Field>) -> String {
        let Some(current) = &self.current else {
            return "There is no such document, and If-Match asks for one.".into();
        };
        let saved = format!("{} saved version {}", current.by, current.version);
        let Some(base) = &self.base else {
            return match failed {
                Some(Field::IfNoneMatch) => {
                    format!("There is such a document already: {saved}.")
                }
                Some(field) => format!("{} does not hold: {saved}.", field.name()),
                None => format!("{saved}; it never had the version that If-Match names."),
            };
        };
        if base.seq == current.seq {
            return "If-Match names the current version, but by a weak tag, which never matches \
                    (RFC 9110, section 13.1.1)."
                .into();
        }
        let begun = format!("{saved}; your edit began from version {}.", base.version);
        format!("{begun} {}", found.tell(base.version))
    }
}

impl Found {
    /// Where the two edits stand to each other.
    fn tell(&self, base: u64) -> String {
        let misfit = self
            .conflicts
            .iter()
            .find(|it| it.collision == Collision::Inapplicable);
        if let Some(misfit) = misfit {
            return format!(
                "Your patch does not fit version {base}: there is no {:?}.",
                misfit.path.to_string()
            );
        }
        match (self.fields.as_slice(), self.agreements.as_slice()) {
            ([], []) => "Your changes and theirs do not overlap.".into(),
            ([], alike) => format!("Both of you changed {} in the same way.", listed(alike)),
            (fields, _) => format!("Both of you changed {}.", listed(fields)),
        }
    }
}

impl Asked {
    /// A patch is applied to the exact base; where that is unknown, to the current version.
    fn by(attempt: &Attempt, base: Option<&Stored>, current: Option<&Stored>) -> Self {
        match &attempt.command.edit {
            Edit::Delete => Self::Known(Wanted::Nothing),
            Edit::Put(proposal) | Edit::Restore(proposal) => Self::Text(proposal.body.clone()),
            Edit::Merge(merging) => Self::Known(match &merging.ours {
                Some(document) => Wanted::Document(Arc::clone(document)),
                None => Wanted::Nothing,
            }),
            Edit::Patch(patching) => {
                let document = |stored: Option<&Stored>| stored.and_then(Stored::document);
                let begun_from = document(base).or_else(|| document(current));
                let patched = begun_from.map(|it| patching.patch.apply(&it, patching.max_bytes));
                match patched {
                    Some(Ok(document)) => Self::Text(document.to_text().into()),
                    Some(Err(failure)) => Self::Known(Wanted::Unclear(failure.place().1.clone())),
                    None => Self::Known(Wanted::Nothing),
                }
            }
        }
    }
}

/// The versions beside what the writer wants, unless something is told of whole documents: where one
/// is not there, where a patch made something else than an object of one, and where something is
/// declared for the root.
fn contrast(attempt: &Attempt, versions: &[&Arc<Stored>], asked: &Asked) -> Option<Contrast> {
    let Asked::Text(ours) = asked else {
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

/// The versions after `base`, up to the current one, the oldest first; and whether there are older
/// ones than those.
fn read_steps(
    base: &Stored,
    current: Option<&Arc<Stored>>,
    reader: &dyn Reader,
) -> Result<(Vec<Arc<Stored>>, bool), StoreError> {
    let mut steps = Vec::new();
    let (mut bytes, mut omitted) = (0, false);
    let mut next = current.cloned();
    while let Some(step) = next.filter(|step| step.seq > base.seq) {
        bytes += step.body.len();
        if steps.len() == TOLD_VERSIONS || (bytes > TOLD_BYTES && !steps.is_empty()) {
            omitted = true;
            break;
        }
        next = match step.prev {
            Some(prev) => reader.version(prev)?,
            None => None,
        };
        steps.push(step);
    }
    steps.reverse();
    Ok((steps, omitted))
}

fn find_base(attempt: &Attempt, reader: &dyn Reader) -> Result<Option<Arc<Stored>>, StoreError> {
    let Some(condition) = &attempt.command.preconditions.if_match else {
        return Ok(None);
    };
    let mut newest: Option<Arc<Stored>> = None;
    for tag in named_versions(condition) {
        let Some(stored) = reader.version(tag.seq)? else {
            continue;
        };
        let is_it = stored.key == attempt.command.key && stored.head().tag() == tag;
        if is_it
            && newest
                .as_ref()
                .is_none_or(|newest| newest.version < stored.version)
        {
            newest = Some(stored);
        }
    }
    Ok(newest)
}

/// A weak tag does not match, but it does tell which version the writer began from.
fn named_versions(condition: &Condition) -> impl Iterator<Item = VersionTag> {
    condition
        .tags()
        .iter()
        .filter_map(|tag| tag.opaque().parse().ok())
}
