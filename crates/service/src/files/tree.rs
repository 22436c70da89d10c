use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::{
    Condition, EntityTag, FILES, Field, Key, Once, Preconditions, ROOT, Selected, Stored,
    Unconditional, Verdict, evaluate, is_label,
};

use super::{Entry, FileTerms, Files, Properties, entry};
use crate::batch::OperationRefused;
use crate::explanation::{Explanation, What};
use crate::write::Write;
use crate::{Ask, BatchDone, Done, Edited, Outcome, Principal, Rights, Service};

/// How often a write begins anew because what is around its file changed meanwhile.
pub(super) const ATTEMPTS: usize = 32;

/// The path of a file and what there is along it, as it was a moment ago.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) key: Key,
    pub(super) folders: Vec<Place>,
    pub(super) target: Place,
}

/// A path, and what there is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) key: Key,
    /// The newest version, if that is no tombstone.
    pub(super) stored: Option<Arc<Stored>>,
    pub(super) entry: Option<Entry>,
    /// Whether it must still be in the version that it had.
    pub(super) is_pinned: bool,
}

impl Service {
    /// How files are treated.
    ///
    /// # Errors
    ///
    /// [`What::NoCollection`] if there are none.
    pub fn files(&self) -> Outcome<&Files> {
        let files = self.policy.files.as_ref();
        files.ok_or_else(|| What::NoCollection(FILES.to_owned()).into())
    }

    /// Looks at all along a path, as any node acknowledged it.
    pub(super) async fn look(&self, key: &Key) -> Outcome<Seen> {
        debug_assert!(is_label(key.space()) && key.is_of_files());
        self.fresh(key.space()).await?;
        let mut folders = Vec::new();
        for folder in key.folders() {
            folders.push(self.place(folder).await?);
        }
        Ok(Seen {
            key: key.clone(),
            folders,
            target: self.place(key.clone()).await?,
        })
    }

    pub(super) async fn place(&self, key: Key) -> Outcome<Place> {
        let newest = self.reading.newest(&key).await?;
        let stored = newest.filter(|it| it.head().is_document());
        let entry = stored.as_deref().map(Entry::of).transpose()?;
        Ok(Place {
            key,
            stored,
            entry,
            is_pinned: false,
        })
    }

    /// Writes what is asked for and a version of each folder that it is in, in one step. The last of `asks` is
    /// about the file or the folder that was looked at; `changes` are all that were, and whether each comes to be,
    /// or goes. `None`: what is around them changed meanwhile.
    ///
    /// # Errors
    ///
    /// Why it was not performed.
    pub(super) async fn write_at(
        &self,
        principal: &Principal,
        changes: &[(&Seen, bool)],
        asks: Vec<Ask>,
        terms: &FileTerms,
        once: Option<Once>,
    ) -> Outcome<Option<Done>> {
        let steward = steward(principal);
        let mut touched: Vec<Ask> = Vec::new();
        let all = changes
            .iter()
            .flat_map(|(seen, is_moved)| seen.touched(*is_moved, terms));
        let all = all.filter(|it| asks.iter().all(|ask| ask.key != it.key));
        for ask in all {
            match touched.iter_mut().find(|it| it.key == ask.key) {
                Some(before) => before.is_inner &= ask.is_inner,
                None => touched.push(ask),
            }
        }
        let mut writes = Vec::with_capacity(touched.len() + asks.len());
        for ask in touched {
            writes.push(Write::read(self, &steward, ask).await?);
        }
        for ask in asks {
            writes.push(Write::read(self, principal, ask).await?);
        }
        match self.all_of(principal, writes, once).await? {
            Ok(BatchDone {
                mut writes,
                is_replayed,
            }) => {
                let done = writes.pop();
                let done = done.ok_or_else(|| What::failed("a write left nothing"))?;
                Ok(Some(Done {
                    is_replayed,
                    ..done
                }))
            }
            Err(refused) => self.refused_at(changes, refused).await,
        }
    }

    /// The refusal that stays, whatever is tried again; `None` if there is none.
    /// Whether what was looked at is still in the version that it had.
    pub(super) async fn is_as_looked_at(&self, seen: &Seen) -> Outcome<bool> {
        let seq = |stored: &Option<Arc<Stored>>| stored.as_ref().map(|it| it.seq);
        self.fresh(seen.key.space()).await?;
        let now = self.place(seen.key.clone()).await?;
        Ok(seq(&now.stored) == seq(&seen.target.stored))
    }

    async fn refused_at(
        &self,
        changes: &[(&Seen, bool)],
        mut refused: Vec<OperationRefused<Infallible>>,
    ) -> Outcome<Option<Done>> {
        for (seen, _) in changes {
            if !self.look(&seen.key).await?.is_like(seen) {
                return Ok(None);
            }
        }
        if let Some(explanation) = refused.pop().and_then(cause) {
            return Err(explanation);
        }
        // A folder changed; or something in the folder that is removed may not be.
        match refused.into_iter().rev().find_map(cause) {
            Some(it) if matches!(it.what, What::Locked(_) | What::Denied { .. }) => Err(it),
            _ => Ok(None),
        }
    }
}

/// Why an operation is what the others were not performed for, if it is.
fn cause(refused: OperationRefused<Infallible>) -> Option<Box<Explanation>> {
    let is_cause = refused.is_cause();
    match refused {
        OperationRefused::Explained(explanation) if is_cause => Some(explanation),
        OperationRefused::Explained(_) => None,
        OperationRefused::Unread(never) => match never {},
    }
}

/// Whoever may write a file makes a version of the folders around it, whatever else they may do.
pub(super) fn steward(principal: &Principal) -> Principal {
    Principal {
        rights: Arc::new(Rights::ALL),
        caller: None,
        ..principal.clone()
    }
}

impl Seen {
    /// A version of each folder that it is in. `is_moved`: it comes to be, or goes.
    fn touched(&self, is_moved: bool, terms: &FileTerms) -> impl Iterator<Item = Ask> {
        let inner = self.folders.iter().skip(1).map(|it| it.stored.is_some());
        let inner = inner.chain([!is_moved]);
        self.folders
            .iter()
            .zip(inner)
            .map(move |(folder, is_inner)| Ask {
                is_inner,
                ..folder.touched(terms)
            })
    }

    /// Whether there is the same along another look at the path, whatever its versions are.
    fn is_like(&self, other: &Self) -> bool {
        let kind = |place: &Place| place.entry.as_ref().map(Entry::kind);
        let kinds = |seen: &Self| seen.folders.iter().map(kind).collect::<Vec<_>>();
        kinds(self) == kinds(other) && kind(&self.target) == kind(&other.target)
    }

    /// Whether all along the path is a folder, or nothing.
    ///
    /// # Errors
    ///
    /// [`What::NotAFolder`] names what is none.
    pub(super) fn must_lead_through_folders(&self) -> Outcome<()> {
        for place in &self.folders {
            if let Some(Entry::File(_)) = place.entry {
                return Err(Explanation::of(
                    What::NotAFolder(place.key.id().to_owned()),
                    &self.key,
                ));
            }
        }
        Ok(())
    }
}

/// The conditions of a write of a file or a folder. Whatever they let through, they let through the thing that was
/// looked at alone, in the version that it had: what is there now may be of another kind, and have more below it.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) conditions: Preconditions,
    /// Whether they say more than whoever asked.
    is_pinned: bool,
    has_none_match: bool,
}

impl Service {
    pub(super) async fn pin(&self, seen: &Seen, terms: &FileTerms) -> Outcome<Pinned> {
        let asked = &terms.conditions;
        let files = self.files()?;
        let must_be_protected = !terms.may_be_unconditional
            && files.collection.unconditional() == Unconditional::Reject;
        let mut pinned = Pinned {
            conditions: asked.clone(),
            is_pinned: true,
            has_none_match: asked.if_none_match.is_some(),
        };
        let conditions = &mut pinned.conditions;
        match (&asked.if_match, &seen.target.stored) {
            // What it rests on besides is what was looked at.
            (Some(Condition::Tags(tags)), Some(stored))
                if seen.target.is_pinned && tags.iter().any(|it| it.strong_eq(&tag_of(stored))) =>
            {
                conditions.if_match = Some(Condition::Tags(vec![tag_of(stored)]));
            }
            // A tag names one version.
            (Some(Condition::Tags(_)), _) => pinned.is_pinned = false,
            // There is none, and none that comes is meant.
            (Some(Condition::Any), None) => {
                conditions.if_match = Some(Condition::Tags(Vec::new()));
                pinned.is_pinned = false;
            }
            (None, None) => conditions.if_none_match = Some(Condition::Any),
            // It is refused as it is, and begins with no version; or there is nothing by then.
            (None, Some(_)) if asked.if_none_match == Some(Condition::Any) => {
                pinned.is_pinned = false;
            }
            // It is refused as it is.
            (None, Some(_)) if must_be_protected && !asked.protect_a_write() => {
                pinned.is_pinned = false;
            }
            (_, Some(stored)) => {
                let selected = Selected {
                    tag: tag_of(stored),
                    modified: stored.at,
                    shares_its_second: asked.ask_for_dates()
                        && self.shares_its_second(stored).await?,
                };
                // A date that does not hold for this version does not hold for a later one.
                match evaluate(asked, Some(&selected), false) {
                    Verdict::Fail(Field::IfUnmodifiedSince) => pinned.is_pinned = false,
                    _ => conditions.if_match = Some(Condition::Tags(vec![selected.tag])),
                }
            }
        }
        Ok(pinned)
    }
}

impl Pinned {
    /// Whether a refusal says no more than that what was looked at is not there any more, as whoever asked did
    /// not say that it must be.
    pub(super) fn is_behind(&self, refused: &Explanation) -> bool {
        let is_own = matches!(refused.what, What::PreconditionFailed(..)) && self.has_none_match;
        self.is_pinned && !is_own && refused.is_behind()
    }
}

impl Explanation {
    /// Whether it says no more than that what was looked at changed.
    pub(super) fn is_behind(&self) -> bool {
        matches!(
            self.what,
            What::Stale(..) | What::Deleted(_) | What::PreconditionFailed(_, Field::IfNoneMatch)
        )
    }
}

impl Place {
    /// A new version of a folder, or the folder.
    fn touched(&self, terms: &FileTerms) -> Ask {
        /// Changes nothing, and makes a version.
        const IS_FOLDER: &[u8] = br#"[{"op":"test","path":"/kind","value":"folder"}]"#;
        let (edit, conditions) = match self.stored {
            Some(_) => {
                let edit = Edited::JsonPatch(Bytes::from_static(IS_FOLDER));
                let pinned = self.stored.as_deref().filter(|_| self.is_pinned);
                (edit, pinned.map(pinned_to).unwrap_or_default())
            }
            None => {
                let folder = entry::folder(&Properties::default());
                (Edited::Document(folder), absent())
            }
        };
        terms.ask(&self.key, edit, conditions, "PUT")
    }
}

/// There must be nothing.
pub(super) fn absent() -> Preconditions {
    Preconditions {
        if_none_match: Some(Condition::Any),
        ..Preconditions::default()
    }
}

fn tag_of(stored: &Stored) -> EntityTag {
    stored.head().tag().to_entity_tag()
}

/// This version.
pub(super) fn pinned_to(stored: &Stored) -> Preconditions {
    Preconditions {
        if_match: Some(Condition::Tags(vec![tag_of(stored)])),
        ..Preconditions::default()
    }
}

/// Whatever version there is.
pub(super) fn present() -> Preconditions {
    Preconditions {
        if_match: Some(Condition::Any),
        ..Preconditions::default()
    }
}

/// The name within its folder.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What the paths in a folder begin with.
pub(super) fn prefix_of(folder: &str) -> String {
    match folder {
        ROOT => String::new(),
        folder => format!("{folder}/"),
    }
}
