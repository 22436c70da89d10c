//! What a refused write rests on: history, and how two edits of it stand to each other.

use std::collections::HashSet;
use std::sync::Arc;

use detente_core::json::{self, Object, Pointer, Value, object};
use detente_core::{
    Collision, Comparison, Condition, Conflict, Edit, Field, Head, Stored, VersionTag,
    changed_members, compare, compare_blind,
};
use detente_store::{Reader, SqliteReader, StoreError};

use super::{Attempt, field_name, listed};

/// How many versions between base and current are told one by one, and how much of them is read.
const TOLD_VERSIONS: usize = 100;
const TOLD_BYTES: usize = 4 * 1024 * 1024;

/// What happened between the version that a writer began from and the current one.
pub(super) struct Story {
    /// The newest version that If-Match names and the document had.
    pub(super) base: Option<Arc<Stored>>,
    pub(super) base_document: Option<Value>,
    pub(super) current: Option<Arc<Stored>>,
    pub(super) current_document: Option<Value>,
    /// Each version after the base, the oldest first, with its document.
    pub(super) steps: Vec<(Arc<Stored>, Option<Value>)>,
    /// Whether there are older steps than the ones above.
    pub(super) omitted: bool,
}

/// What a writer wants a document to be.
pub(super) enum Wanted {
    Document(Value),
    Nothing,
    /// A patch that does not fit what it was made for, at this path.
    Unclear(Pointer),
}

/// What a comparison of the writer's edit with the current version came to.
pub(super) struct Found {
    pub(super) conflicts: Vec<Conflict>,
    /// What both changed alike.
    pub(super) agreements: Vec<String>,
    pub(super) fields: Vec<String>,
    pub(super) mergeable: bool,
    pub(super) joined: Option<Value>,
}

impl Story {
    pub(super) fn read(
        attempt: &Attempt,
        reader: &SqliteReader,
        head: Option<Head>,
    ) -> Result<Self, StoreError> {
        let current = match head {
            Some(head) => reader.version(head.seq)?,
            None => None,
        };
        let base = find_base(attempt, reader)?;
        let mut story = Self {
            base_document: base.as_ref().and_then(|base| base.document()),
            current_document: current.as_ref().and_then(|current| current.document()),
            base,
            current,
            steps: Vec::new(),
            omitted: false,
        };
        story.read_steps(reader)?;
        Ok(story)
    }

    fn read_steps(&mut self, reader: &SqliteReader) -> Result<(), StoreError> {
        let Some(base) = self.base.clone() else {
            return Ok(());
        };
        let mut bytes = 0;
        let mut next = self.current.clone();
        while let Some(step) = next.filter(|step| step.seq > base.seq) {
            bytes += step.body.len();
            if self.steps.len() == TOLD_VERSIONS || (bytes > TOLD_BYTES && !self.steps.is_empty()) {
                self.omitted = true;
                break;
            }
            next = match step.prev {
                Some(prev) => reader.version(prev)?,
                None => None,
            };
            let document = step.document();
            self.steps.push((step, document));
        }
        self.steps.reverse();
        Ok(())
    }

    pub(super) fn tag(&self) -> Option<String> {
        let current = self.current.as_ref()?.head();
        current
            .is_document()
            .then(|| current.tag().to_entity_tag().to_string())
    }

    /// The document before a step; `None` too where that step is the first that was read of many.
    fn before(&self, index: usize) -> Option<&Value> {
        match index.checked_sub(1) {
            Some(before) => self.steps[before].1.as_ref(),
            None if self.omitted => None,
            None => self.base_document.as_ref(),
        }
    }

    pub(super) fn changes(&self) -> Vec<Object> {
        let row = |(index, (step, document)): (usize, &(Arc<Stored>, Option<Value>))| {
            let mut row = object([
                ("version", step.version.into()),
                ("by", step.by.to_string().into()),
                ("at", step.at.to_string().into()),
            ]);
            if index > 0 || !self.omitted {
                let fields = changed_members(self.before(index), document.as_ref());
                row.insert("fields".into(), fields.into());
            }
            row
        };
        self.steps.iter().enumerate().map(row).collect()
    }

    /// Who last changed the value at a path.
    pub(super) fn author(&self, path: &Pointer) -> Option<&Stored> {
        let value = |document: Option<&Value>| document.and_then(|it| it.at(path)).cloned();
        let first_known = usize::from(self.omitted);
        let changed =
            |index: &usize| value(self.steps[*index].1.as_ref()) != value(self.before(*index));
        let index = (first_known..self.steps.len()).rev().find(changed)?;
        Some(&self.steps[index].0)
    }

    /// A patch is applied to the exact base; where that is unknown, to the current version.
    pub(super) fn ours(&self, attempt: &Attempt) -> Wanted {
        match &attempt.edit {
            Edit::Delete => Wanted::Nothing,
            Edit::Put(proposal) | Edit::Restore(proposal) => match json::parse(&proposal.body) {
                Ok(document) => Wanted::Document(document),
                Err(_) => Wanted::Nothing,
            },
            Edit::Patch(patching) => {
                let begun_from = self
                    .base_document
                    .as_ref()
                    .or(self.current_document.as_ref());
                let patched = begun_from.map(|it| patching.patch.apply(it, patching.max_bytes));
                match patched {
                    Some(Ok(document)) => Wanted::Document(document),
                    Some(Err(failure)) => Wanted::Unclear(failure.place().1.clone()),
                    None => Wanted::Nothing,
                }
            }
        }
    }

    pub(super) fn compare(&self, ours: &Wanted) -> Found {
        let theirs = self.current_document.as_ref();
        let wanted = match ours {
            Wanted::Document(document) => Some(document),
            _ => None,
        };
        let found = match (ours, &self.base_document) {
            (Wanted::Unclear(path), _) => {
                let conflict = Conflict {
                    path: path.clone(),
                    collision: Collision::Inapplicable,
                    strategy: "manual",
                    base: None,
                    ours: None,
                    theirs: theirs.and_then(|theirs| theirs.at(path)).cloned(),
                };
                let joined = theirs.cloned();
                Comparison {
                    conflicts: vec![conflict],
                    agreements: Vec::new(),
                    joined,
                }
            }
            (_, Some(base)) => compare(Some(base), wanted, theirs),
            // Where nothing is stored, nothing collides: the document just is not there.
            (_, None) => Comparison {
                conflicts: theirs.map_or_else(Vec::new, |it| compare_blind(wanted, Some(it))),
                agreements: Vec::new(),
                joined: None,
            },
        };
        let is_known = self.base_document.is_some() && self.current_document.is_some();
        let mergeable = is_known && found.conflicts.is_empty();
        Found {
            fields: self.fields(&found.conflicts),
            agreements: found.agreements.iter().map(field_name).collect(),
            mergeable,
            joined: found.joined.filter(|_| is_known),
            conflicts: found.conflicts,
        }
    }

    /// The top-level members in conflict. Where whole documents collide, those that were changed.
    fn fields(&self, conflicts: &[Conflict]) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        for conflict in conflicts {
            let names = match conflict.path.tokens().first() {
                Some(name) => vec![name.clone()],
                None => {
                    changed_members(self.base_document.as_ref(), self.current_document.as_ref())
                }
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
    pub(super) fn is_already_applied(&self, edit: &Edit) -> bool {
        match (edit, &self.base, &self.current) {
            (Edit::Put(proposal), Some(base), Some(current)) => {
                current.prev == Some(base.seq) && current.body == proposal.body
            }
            _ => false,
        }
    }

    pub(super) fn tell(&self, found: &Found, failed: Option<Field>) -> String {
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

fn find_base(attempt: &Attempt, reader: &SqliteReader) -> Result<Option<Arc<Stored>>, StoreError> {
    let Some(condition) = &attempt.preconditions.if_match else {
        return Ok(None);
    };
    let mut newest: Option<Arc<Stored>> = None;
    for tag in named_versions(condition) {
        let Some(stored) = reader.version(tag.seq)? else {
            continue;
        };
        let is_it = stored.key == attempt.key && stored.head().tag() == tag;
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
