use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{self, Value};
use detente_core::merge::Choices;
use detente_core::rules::Rules;
use detente_core::{
    CollectionKey, Command, Condition, Conflict, Edit, JsonPatch, Merging, Patch, Patching,
    Preconditions, Proposal, Stored,
};
use detente_store::{
    ConflictPage, Conflicts, CpuTime, LoggedConflict, LostEdit, OutcomeFilter, SettleConflict,
    SettledAs, StoreError, Transacted, Transaction,
};

use crate::budget::joined_bytes;
use crate::explanation::{LogPlace, What};
use crate::offload::offload;
use crate::policy::Collection;
use crate::service::not_written;
use crate::write::{Write, merging, not_open};
use crate::{
    Action, Done, Explanation, Named, OnceKey, Outcome, Place, Principal, Reason, Service,
};

/// A conflict of the log, with what it rests on.
#[derive(Clone, Debug)]
pub struct ConflictDetail {
    pub conflict: LoggedConflict,
    /// Whether its edit may be shown: the edit of a merge holds what its base held.
    pub shows_edit: bool,
    /// The documents that its edit began from and that was current, where they are kept.
    pub base: Option<Value>,
    pub current: Option<Value>,
    /// Where the edit collides with what was current, if that can be told.
    pub clashes: Option<Vec<Conflict>>,
}

/// What somebody decides of a conflict.
#[derive(Debug)]
pub struct Ruling {
    pub place: LogPlace,
    pub decided: Decided,
    pub conditions: Preconditions,
    pub lock_token: Option<Arc<str>>,
    pub verb: &'static str,
    /// The request, as it was sent.
    pub sent: Bytes,
}

/// What becomes of the edit of a conflict.
#[derive(Debug)]
pub enum Decided {
    /// The edit is let go.
    Dismissed(Option<Reason>),
    /// The edit is stored after all, joined with what is current.
    Resolved {
        choices: Choices,
        /// The version that the choices were made on.
        current: Option<Named>,
    },
}

/// What a ruling left.
#[derive(Debug)]
pub enum Ruled {
    /// The conflict, let go.
    Conflict {
        conflict: Box<LoggedConflict>,
        is_replayed: bool,
    },
    /// The write that stored the edit.
    Write(Done),
}

impl Service {
    /// The conflicts of a space, the newest first. Whoever may not read sees only their own.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn conflicts(
        &self,
        principal: &Principal,
        mut wanted: Conflicts,
    ) -> Outcome<ConflictPage> {
        let space = wanted.space.as_deref().unwrap_or_default();
        if !principal.may(Action::Read, Place::Space(space)) {
            wanted.by = Some(principal.name.to_string());
        }
        self.write_waiting().await?;
        let mut page = self.reading.conflicts(&wanted).await?;
        self.keep_visible(principal, &mut page.items).await?;
        Ok(page)
    }

    /// The newest conflicts of each of some documents, the newest first. They are read together.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn conflicts_of(
        &self,
        principal: &Principal,
        collection: &CollectionKey,
        ids: Vec<String>,
        most: usize,
        outcome: Option<OutcomeFilter>,
    ) -> Outcome<HashMap<String, Vec<LoggedConflict>>> {
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        let mut wanted = Conflicts {
            space: Some(collection.space.to_string()),
            collection: Some(collection.collection.to_string()),
            of_each: Some(most),
            documents: Some(ids),
            outcome,
            ..Conflicts::default()
        };
        loop {
            let page = self.conflicts(principal, wanted.clone()).await?;
            for conflict in page.items {
                let of_one = found.entry(conflict.key.id().to_owned()).or_default();
                if of_one.len() < most {
                    of_one.push(conflict);
                }
            }
            let lacks = |id: &String| found.get(id).is_none_or(|it| it.len() < most);
            let ids = wanted.documents.iter().flatten();
            let lacking: Vec<_> = ids.filter(|id| lacks(id)).cloned().collect();
            // A page ends early where much was passed over.
            if page.next.is_none() || lacking.is_empty() {
                return Ok(found);
            }
            wanted.before = page.next;
            wanted.documents = Some(lacking);
        }
    }

    /// Takes out the conflicts that a principal may not know of.
    pub(crate) async fn keep_visible(
        &self,
        principal: &Principal,
        conflicts: &mut Vec<LoggedConflict>,
    ) -> Outcome<()> {
        let mut kept = Vec::with_capacity(conflicts.len());
        for conflict in conflicts.drain(..) {
            if self.shows_conflict(principal, &conflict).await? {
                kept.push(conflict);
            }
        }
        *conflicts = kept;
        Ok(())
    }

    /// Everybody may know of their own edits in collections where they may do anything at all, and of
    /// those of others where they may see the document, the versions that met, and what the edit would
    /// have made of them: a document may have come to somebody who was not to see what it was before.
    async fn shows_conflict(
        &self,
        principal: &Principal,
        conflict: &LoggedConflict,
    ) -> Outcome<bool> {
        if conflict.by == principal.name {
            use Action::{Create, Delete, Read, Resolve, Update};
            let any = [Read, Create, Update, Delete, Resolve];
            return Ok(any
                .iter()
                .any(|action| principal.may(*action, &conflict.key)));
        }
        if !self.sees_document(principal, &conflict.key).await? {
            return Ok(false);
        }
        let Some(sight) = self.sight(principal, conflict.key.collection()) else {
            return Ok(true);
        };
        for place in [conflict.base, conflict.current].into_iter().flatten() {
            let version = self.reading.version_at(&conflict.key, Some(place)).await?;
            if self.if_in_sight(principal, version).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(match &conflict.edit {
            LostEdit::Document(body) => json::parse(body)
                .is_ok_and(|document| sight.has_document(&document, &CpuTime::default())),
            _ => true,
        })
    }

    /// One conflict, with the edit that was lost and where it collided.
    ///
    /// # Errors
    ///
    /// [`What::NoConflict`].
    pub async fn conflict(
        &self,
        principal: &Principal,
        place: &LogPlace,
    ) -> Outcome<ConflictDetail> {
        let conflict = self.find_conflict(principal, place).await?;
        if !self.sees_document(principal, &conflict.key).await? {
            let is_merge = conflict.method == "POST" && conflict.base.is_some();
            return Ok(ConflictDetail {
                shows_edit: !is_merge,
                conflict,
                base: None,
                current: None,
                clashes: None,
            });
        }
        let collection = self.policy.collection(conflict.key.collection());
        let rules = collection.map(|it| Arc::clone(&it.rules));
        let base = self.reading.version_at(&conflict.key, conflict.base);
        let base = self.if_in_sight(principal, base.await?).await?;
        let current = self.reading.version_at(&conflict.key, conflict.current);
        let current = self.if_in_sight(principal, current.await?).await?;
        let size = |stored: &Option<Arc<Stored>>| stored.as_ref().map_or(0, |it| it.body.len());
        let bytes = size(&base) + size(&current) + conflict.edit.body().len();
        let work = move || {
            let rules = rules.as_ref().map(|it| &it.rules);
            ConflictDetail::compare(conflict, base, current, rules)
        };
        let _share = self.budget.explanation(bytes).await;
        offload(bytes, work)
            .await?
            .map_err(|it| What::failed(it).into())
    }

    /// Settles a conflict.
    ///
    /// # Errors
    ///
    /// [`What::NoConflict`], [`What::SettledBefore`], or why the edit cannot be stored.
    pub async fn rule(
        &self,
        principal: &Principal,
        ruling: Ruling,
        once: Option<OnceKey<'_>>,
    ) -> Outcome<Ruled> {
        principal.must(Action::Resolve, Place::Space(&ruling.place.space))?;
        let conflict = self.find_conflict(principal, &ruling.place).await?;
        principal.must(Action::Resolve, &conflict.key)?;
        let once = once.map(|key| key.once(&principal.name, &ruling.sent));
        let settles = |outcome, reason: Option<Reason>| SettleConflict {
            space: conflict.key.space().into(),
            id: conflict.id.clone(),
            by: Arc::clone(&principal.name),
            outcome,
            reason: reason.map(Reason::into_text),
        };
        let (choices, current) = match ruling.decided {
            Decided::Dismissed(reason) => {
                let transaction = Transaction {
                    once,
                    settles: vec![settles(SettledAs::Dismissed, reason)],
                    ..Transaction::default()
                };
                return self.dismiss(&ruling.place, conflict, transaction).await;
            }
            // What versions say of two contents is not joined, and a file is written with its folders.
            Decided::Resolved { .. } if conflict.key.is_of_files() => {
                return Err(What::NotResolvedHere.into());
            }
            Decided::Resolved { choices, current } => (choices, current),
        };
        let collection = Arc::clone(self.collection(conflict.key.collection())?);
        let newest = self.reading.newest(&conflict.key).await?;
        // Held until there is an answer.
        let weight = joined_bytes(conflict.edit.body().len(), newest.as_ref());
        let _share = self.budget.edit(weight).await?;
        let is_there = newest.is_some_and(|stored| stored.head().is_document());
        let action = match is_there {
            true => edited(&conflict.edit),
            false => Action::Create,
        };
        principal.must(action, &conflict.key)?;
        let edit = lost(&conflict.edit).map_err(What::failed)?;
        let command = if is_there {
            let merging = self.merging_of(principal, &conflict, &edit, choices, current);
            let edit = Edit::Merge(Box::new(merging.await?));
            Command {
                preconditions: ruling.conditions,
                ..principal.command(&collection, conflict.key.clone(), edit)
            }
        } else {
            let command = creation(&collection, &conflict, principal)?;
            Command {
                // Nobody may have brought it back meanwhile.
                preconditions: Preconditions {
                    if_none_match: Some(Condition::Any),
                    ..ruling.conditions
                },
                ..command
            }
        };
        let command = Command {
            lock_tokens: ruling.lock_token.into(),
            ..command
        };
        let settles = settles(SettledAs::Resolved, None);
        let write = Write::merge(collection, command, ruling.verb, ruling.sent);
        let done = write.finish(self, principal, once, Some(settles)).await?;
        Ok(Ruled::Write(done))
    }

    async fn dismiss(
        &self,
        place: &LogPlace,
        conflict: LoggedConflict,
        transaction: Transaction,
    ) -> Outcome<Ruled> {
        // Held until there is an answer.
        let once = transaction.once;
        let _turn = self.enter(once.as_ref())?;
        let verdict = self.writer.transact(transaction).await;
        let is_replayed = match verdict.map_err(not_written)? {
            Transacted::Applied(_) => false,
            Transacted::Replayed(_) => {
                self.metrics.replayed();
                true
            }
            Transacted::KeyReused => return Err(What::KeyReused.into()),
            Transacted::NotOpen(settled) => return Err(not_open(settled)),
            _ => return Err(What::failed("a dismissal came to something else").into()),
        };
        let settled = self.reading.conflict(&place.space, &place.id).await?;
        Ok(Ruled::Conflict {
            conflict: Box::new(settled.unwrap_or(conflict)),
            is_replayed,
        })
    }

    /// Has what waits for the log written, so that it is read. Where there is no room for it, it waits
    /// on, and what is there can be read all the same.
    pub(crate) async fn write_waiting(&self) -> Outcome<()> {
        match self.flush().await {
            Err(explanation) if matches!(explanation.what, What::Full) => Ok(()),
            written => written,
        }
    }

    async fn find_conflict(
        &self,
        principal: &Principal,
        place: &LogPlace,
    ) -> Outcome<LoggedConflict> {
        // Whoever got its address a moment ago may ask before it is written.
        self.write_waiting().await?;
        let found = self.reading.conflict(&place.space, &place.id).await?;
        match found {
            Some(found) if self.shows_conflict(principal, &found).await? => Ok(found),
            _ => Err(What::NoConflict.into()),
        }
    }

    async fn if_in_sight(
        &self,
        principal: &Principal,
        version: Option<Arc<Stored>>,
    ) -> Outcome<Option<Arc<Stored>>> {
        match version {
            Some(version) if self.is_in_sight(principal, &version).await? => Ok(Some(version)),
            _ => Ok(None),
        }
    }

    async fn merging_of(
        &self,
        principal: &Principal,
        conflict: &LoggedConflict,
        edit: &Edit,
        choices: Choices,
        current: Option<Named>,
    ) -> Outcome<Merging> {
        let key = &conflict.key;
        let max_bytes = self.policy.max_document_bytes;
        let seen = match current {
            Some(current) => self
                .find_named(principal, key, current, "/current")
                .await?
                .document(),
            None => None,
        };
        let base = match conflict.base {
            Some(place) => {
                let base = self.reading.version(key.space(), place.seq).await?;
                let base = self.if_in_sight(principal, base).await?;
                Some(base.ok_or(What::LoggedBaseGone)?)
            }
            None => None,
        };
        let merging = match base.filter(|base| base.head().is_document()) {
            Some(base) => merging(base, edit, max_bytes).ok_or(What::LoggedBaseUnknown)?,
            None => from_nothing(edit, max_bytes)?,
        };
        let merging = Merging {
            choices,
            seen: seen.map(Arc::new),
            ..merging
        };
        self.must_all_be_places(key, &merging)?;
        Ok(merging)
    }
}

/// What somebody does who stores a logged edit after all.
fn edited(edit: &LostEdit) -> Action {
    match edit {
        LostEdit::Deletion => Action::Delete,
        _ => Action::Update,
    }
}

/// An edit whose base nobody knows. A whole document can be joined all the same; a deletion of
/// nothing would change nothing, and count as done.
fn from_nothing(edit: &Edit, max_bytes: usize) -> Outcome<Merging> {
    let Edit::Put(proposal) = edit else {
        return Err(What::LoggedBaseUnknown.into());
    };
    Ok(Merging {
        base: None,
        base_document: None,
        ours: Some(proposal.document()),
        choices: Choices::new(),
        seen: None,
        max_bytes,
    })
}

/// Where the document is gone, or never was: storing the edit brings it there.
fn creation(
    collection: &Collection,
    conflict: &LoggedConflict,
    principal: &Principal,
) -> Outcome<Command> {
    let LostEdit::Document(body) = &conflict.edit else {
        return Err(Explanation::of(What::NothingToResolve, &conflict.key));
    };
    let proposal =
        Proposal::check(&collection.rules.rules, body.clone(), None).map_err(What::Invalid)?;
    let edit = Edit::Put(proposal);
    Ok(principal.command(collection, conflict.key.clone(), edit))
}

/// The edit as a command has it. It was checked before it was logged: an edit that cannot be read
/// any more is damaged, and must not become another one.
///
/// # Errors
///
/// [`StoreError::Damaged`].
fn lost(edit: &LostEdit) -> Result<Edit, StoreError> {
    let damaged = |what: String| StoreError::Damaged(format!("a logged edit: {what}").into());
    let patching = |patch| {
        Edit::Patch(Patching {
            patch: Arc::new(patch),
            max_bytes: usize::MAX,
        })
    };
    let read = |body: &[u8]| json::parse(body).map_err(|error| damaged(error.to_string()));
    Ok(match edit {
        LostEdit::Deletion => Edit::Delete,
        LostEdit::MergePatch(body) => patching(Patch::Merge(read(body)?)),
        LostEdit::JsonPatch(body) => {
            let patch = JsonPatch::from_value(&read(body)?);
            patching(Patch::Json(patch.map_err(|it| damaged(it.to_string()))?))
        }
        LostEdit::Document(body) => {
            read(body)?;
            let proposal = Proposal::check(&Rules::default(), body.clone(), None);
            Edit::Put(proposal.map_err(|_| damaged("it is no document".into()))?)
        }
    })
}

impl ConflictDetail {
    fn compare(
        conflict: LoggedConflict,
        base: Option<Arc<Stored>>,
        current: Option<Arc<Stored>>,
        rules: Option<&Rules>,
    ) -> Result<Self, StoreError> {
        let document = |stored: &Option<Arc<Stored>>| stored.as_ref().and_then(|it| it.document());
        let (before, current) = (document(&base), document(&current));
        let edit = lost(&conflict.edit)?;
        let clashes = match (rules, base, &current) {
            (Some(rules), Some(base), Some(theirs)) => {
                let merging = merging(base, &edit, usize::MAX);
                merging.map(|merging| merging.join(rules, theirs).conflicts)
            }
            _ => None,
        };
        Ok(Self {
            conflict,
            shows_edit: true,
            base: before,
            current,
            clashes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Such an edit once became a deletion, and resolving it could delete a document.
    #[test]
    fn a_logged_edit_that_cannot_be_read_is_damaged_and_no_other_edit() {
        let damaged = [
            LostEdit::MergePatch(Bytes::from_static(b"{\"a\":")),
            LostEdit::JsonPatch(Bytes::from_static(b"{}")),
            LostEdit::JsonPatch(Bytes::from_static(b"[{\"op\":\"fly\"}]")),
            LostEdit::Document(Bytes::from_static(b"")),
        ];
        for edit in damaged {
            let read = lost(&edit);
            assert!(matches!(read, Err(StoreError::Damaged(_))), "{edit:?}");
        }
        let whole = LostEdit::MergePatch(Bytes::from_static(b"{\"a\":null}"));
        assert!(matches!(lost(&whole), Ok(Edit::Patch(_))));
        assert!(matches!(lost(&LostEdit::Deletion), Ok(Edit::Delete)));
    }
}
