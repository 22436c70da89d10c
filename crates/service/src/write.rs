use std::sync::Arc;

use bytes::Bytes;
use detente_core::{
    Ahead, Applied, Command, Condition, Decision, Edit, Head, Key, LARGE, Merging, Once, Patching,
    Prepared, Proposal, Receipt, Refusal, Stored, VersionTag, Written,
};
use detente_store::{Outcome as Verdict, Settles, Transaction};

use crate::explanation::{Attempt, Explanation, Ground, What, explain};
use crate::offload::offload;
use crate::policy::{Collection, OnConflict};
use crate::reading::Reading;
use crate::service::not_written;
use crate::{Action, Ask, OnceKey, Outcome, Principal, Service};

/// How often an outcome is worked out anew because the head moved, before the decision itself does
/// it, whatever that holds up.
const PATIENCE: usize = 8;

/// A write that was performed.
#[derive(Clone, Debug)]
pub struct Done {
    /// What it left: a document, or a tombstone.
    pub stored: Arc<Stored>,
    /// Whether a document came to be where there was none.
    pub created: bool,
    /// Whether its writer may see the document.
    pub is_shown: bool,
    /// Whether its writer knows the document without being shown it. Nobody else may get its tag
    /// without it: the next edit would undo what others wrote into the document.
    pub is_known: bool,
    /// Whether it was performed before, under the same key.
    pub is_replayed: bool,
}

/// On what terms a write is decided.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    pub(crate) once: Option<Once>,
    /// The conflict in the log that it settles.
    pub(crate) settles: Option<Settles>,
    /// Whether it is only said what would become of it.
    pub(crate) is_rehearsal: bool,
}

/// A write, from what was sent to what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) collection: Arc<Collection>,
    /// Shared with the writer while it decides.
    pub(crate) prepared: Prepared,
    on_conflict: OnConflict,
    verb: &'static str,
    sent: Bytes,
}

impl Service {
    /// Performs one write.
    ///
    /// # Errors
    ///
    /// Why it was not performed. A conflict with others is in the conflict log then.
    pub async fn write(
        &self,
        principal: &Principal,
        ask: Ask,
        once: Option<OnceKey<'_>>,
    ) -> Outcome<Done> {
        let sent = ask.edit.sent();
        let write = Write::read(self, principal, ask).await?;
        let once = once.map(|key| key.once(&principal.name, &sent));
        write.finish(self, principal, once, None).await
    }
}

impl Write {
    /// Checks all of a write that does not depend on what is stored.
    pub(crate) async fn read(service: &Service, principal: &Principal, ask: Ask) -> Outcome<Self> {
        principal.must(ask.edit.action())?;
        let collection = Arc::clone(service.collection(ask.key.collection())?);
        let sent = ask.edit.sent();
        let max_bytes = service.policy.max_document_bytes;
        let edit = ask.edit.read(&collection, max_bytes).await?;
        let mut write = Self {
            on_conflict: ask.on_conflict.unwrap_or(collection.on_conflict),
            prepared: Prepared::from(Command {
                preconditions: ask.conditions,
                lock_token: ask.lock_token,
                ..Command::new(ask.key, edit, Arc::clone(&principal.name))
            }),
            verb: ask.verb,
            collection,
            sent,
        };
        write.prepare(service).await?;
        Ok(write)
    }

    /// A write that joins an edit with what is stored, as [`Edit::Merge`] does.
    pub(crate) fn merge(
        collection: Arc<Collection>,
        command: Command,
        verb: &'static str,
        sent: Bytes,
    ) -> Self {
        Self {
            on_conflict: OnConflict::Merge,
            prepared: command.into(),
            collection,
            verb,
            sent,
        }
    }

    /// Has it decided, and explains a refusal.
    pub(crate) async fn finish(
        mut self,
        service: &Service,
        principal: &Principal,
        once: Option<Once>,
        settles: Option<Settles>,
    ) -> Outcome<Done> {
        // Held until there is an answer.
        let _turn = service.enter(once.as_ref())?;
        let is_settling = settles.is_some();
        let terms = Terms {
            once,
            settles,
            is_rehearsal: false,
        };
        match self.submit(service, &terms).await? {
            Verdict::Applied(applied) => {
                let applied = applied.into_iter().next();
                let applied = applied.ok_or_else(|| What::failed("a write left nothing"))?;
                Ok(self.done(principal, applied))
            }
            Verdict::Replayed(receipt) => self.replayed(service, principal, &receipt).await,
            Verdict::KeyReused => Err(What::KeyReused.into()),
            Verdict::NotOpen(settled) => Err(not_open(settled)),
            Verdict::Refused(decisions) | Verdict::Rehearsed(decisions) => {
                let Some(Decision::Refuse(refusal)) = decisions.into_iter().next() else {
                    return Err(What::failed("a refused write has no refusal").into());
                };
                let ground = Ground::Stored;
                let explained = self.explain(service, principal, *refusal, ground).await?;
                // What settles a conflict in the log need not stand there a second time.
                Err(if is_settling {
                    explained.unlogged()
                } else {
                    explained.log(service).await
                })
            }
        }
    }

    pub(crate) async fn explain(
        self,
        service: &Service,
        principal: &Principal,
        refusal: Refusal,
        ground: Ground,
    ) -> Outcome<Box<Explanation>> {
        let attempt = self.into_attempt();
        explain(&service.reading, attempt, principal, refusal, ground).await
    }

    pub(crate) fn into_attempt(self) -> Attempt {
        Attempt {
            verb: self.verb,
            wants_merge: self.on_conflict == OnConflict::Merge,
            collection: self.collection,
            command: self.prepared.command,
            sent: self.sent,
        }
    }

    /// Has it decided. Where what was worked out ahead rests on a version that is no longer the
    /// newest, or a join turns out to be needed, that is worked out and it is sent again.
    pub(crate) async fn submit(&mut self, service: &Service, terms: &Terms) -> Outcome<Verdict> {
        for attempt in 0.. {
            if attempt == PATIENCE {
                self.prepared.must_decide = true;
            }
            let transaction = Transaction {
                writes: vec![(self.prepared.clone(), Arc::clone(&self.collection.rules))],
                once: terms.once,
                settles: terms.settles.clone(),
                is_rehearsal: terms.is_rehearsal,
            };
            let verdict = service.writer.transact(transaction).await;
            let verdict = verdict.map_err(not_written)?;
            let goes_on = match &verdict {
                Verdict::Refused(decisions) | Verdict::Rehearsed(decisions) => {
                    match decisions.first() {
                        Some(Decision::Behind(head)) => {
                            service.metrics.retried();
                            self.work_ahead(service, *head).await?;
                            true
                        }
                        Some(Decision::Refuse(refusal)) => {
                            self.falls_back(service, refusal).await?
                        }
                        _ => false,
                    }
                }
                _ => false,
            };
            if !goes_on {
                self.count(service, &verdict);
                return Ok(verdict);
            }
        }
        Err(What::failed("a decision never came").into())
    }

    fn count(&self, service: &Service, verdict: &Verdict) {
        match verdict {
            Verdict::Applied(all) => all.iter().for_each(|it| self.count_applied(service, it)),
            Verdict::Replayed(_) => service.metrics.replayed(),
            Verdict::Rehearsed(_) => {}
            _ => self.count_refused(service),
        }
    }

    fn label<'a>(&'a self, service: &'a Service) -> &'a str {
        service.policy.label(self.prepared.command.key.collection())
    }

    pub(crate) fn count_applied(&self, service: &Service, applied: &Applied) {
        service
            .metrics
            .applied(self.label(service), &applied.stored);
    }

    pub(crate) fn count_refused(&self, service: &Service) {
        service.metrics.refused(self.label(service));
    }

    /// Whether the write, refused as stale, has become one that joins.
    async fn falls_back(&mut self, service: &Service, refusal: &Refusal) -> Outcome<bool> {
        if !matches!(refusal, Refusal::Stale { head: Some(_) }) {
            return Ok(false);
        }
        // A merge names its base itself: If-Match then is what it is everywhere.
        let names_its_base = matches!(self.prepared.command.edit, Edit::Merge(_));
        let has_fallen_back = self.prepared.fallback.is_some();
        if self.on_conflict == OnConflict::Reject || names_its_base || has_fallen_back {
            return Ok(false);
        }
        self.add_fallback(service).await?;
        Ok(self.prepared.fallback.is_some())
    }

    /// Works out ahead what can be.
    async fn prepare(&mut self, service: &Service) -> Outcome<()> {
        let is_patch = matches!(self.prepared.command.edit, Edit::Patch(_));
        let joins = self.on_conflict == OnConflict::Merge && self.names_versions();
        if !is_patch && !joins {
            return Ok(());
        }
        let Some(stored) = service.reading.newest(&self.prepared.command.key).await? else {
            return Ok(());
        };
        let head = stored.head();
        if !head.is_document() {
            return Ok(());
        }
        if joins && !self.names(&head) {
            self.add_fallback(service).await?;
            // Small ones are joined where they are decided, on what is newest then.
            if stored.body.len().max(self.sent.len()) > LARGE {
                self.work_ahead(service, head).await?;
            }
            return Ok(());
        }
        if is_patch && (self.names(&head) || !self.names_versions()) {
            self.work_ahead(service, head).await?;
        }
        Ok(())
    }

    /// Makes it ready to be decided once and for all: nothing can be worked out ahead that a write
    /// decided together with it may still change, and nothing after.
    pub(crate) async fn make_final(&mut self, service: &Service) -> Outcome<()> {
        let joins = self.on_conflict == OnConflict::Merge && self.names_versions();
        if joins && self.prepared.fallback.is_none() {
            self.add_fallback(service).await?;
        }
        self.prepared.must_decide = true;
        Ok(())
    }

    /// Whether If-Match lists tags.
    fn names_versions(&self) -> bool {
        let condition = self.prepared.command.preconditions.if_match.as_ref();
        condition.is_some_and(|condition| !condition.tags().is_empty())
    }

    fn names(&self, head: &Head) -> bool {
        let tag = head.tag().to_entity_tag();
        let condition = self.prepared.command.preconditions.if_match.as_ref();
        condition.is_some_and(|condition| condition.tags().contains(&tag))
    }

    /// Makes it a write that joins where it is stale, if the version that it began from is known.
    async fn add_fallback(&mut self, service: &Service) -> Outcome<()> {
        let Some(condition) = &self.prepared.command.preconditions.if_match else {
            return Ok(());
        };
        let strong = condition.tags().iter().filter(|tag| !tag.is_weak());
        let tags = strong.filter_map(|tag| tag.opaque().parse().ok()).collect();
        let named = service
            .reading
            .newest_named(&self.prepared.command.key, tags);
        let Some(base) = named.await? else {
            return Ok(());
        };
        let edit = self.prepared.command.edit.clone();
        let max_bytes = service.policy.max_document_bytes;
        let size = base.body.len().max(self.sent.len());
        let merging = offload(size, move || merging(base, &edit, max_bytes)).await?;
        self.prepared.fallback = merging.map(Arc::new);
        Ok(())
    }

    /// Works out what the edit comes to on a version. Should it come to nothing, or the head move
    /// meanwhile, the decision finds out for itself.
    async fn work_ahead(&mut self, service: &Service, head: Head) -> Outcome<()> {
        let Some(stored) = service.reading.version(head.seq).await? else {
            return Ok(());
        };
        let rules = Arc::clone(&self.collection.rules);
        let prepared = self.prepared.clone();
        let names_it = self.names(&head) || !self.names_versions();
        let bytes = self.sent.len().max(bytes_of(&service.reading, &head));
        let work = move || {
            let rules = &rules.rules;
            let command = &*prepared.command;
            let merging = match (&command.edit, &prepared.fallback) {
                (Edit::Merge(merging), _) => Some(&**merging),
                (_, fallback) => fallback.as_deref().filter(|_| !names_it),
            };
            let outcome = match (merging, &command.edit) {
                (Some(merging), _) => merging.outcome(rules, &stored.document()?).ok()?,
                (None, Edit::Patch(Patching { patch, max_bytes })) => {
                    Some(Proposal::patched(rules, patch, &stored.body, *max_bytes).ok()?)
                }
                _ => return None,
            };
            let seq = stored.seq;
            Some(Arc::new(Ahead { seq, outcome }))
        };
        self.prepared.ahead = offload(bytes, work).await?;
        Ok(())
    }

    /// What was performed before, as it was answered then.
    pub(crate) async fn replayed(
        &self,
        service: &Service,
        principal: &Principal,
        receipt: &Receipt,
    ) -> Outcome<Done> {
        let written = receipt.writes.first();
        let written = written.ok_or_else(|| What::failed("a receipt of nothing"))?;
        self.done_before(service, principal, written).await
    }

    pub(crate) async fn done_before(
        &self,
        service: &Service,
        principal: &Principal,
        written: &Written,
    ) -> Outcome<Done> {
        let found = service.reading.version(written.seq).await?;
        let stored = found.ok_or(What::ReceiptGone)?;
        Ok(Done {
            is_replayed: true,
            ..self.left(principal, stored, written.created)
        })
    }

    pub(crate) fn done(&self, principal: &Principal, applied: Applied) -> Done {
        self.left(principal, applied.stored, applied.created)
    }

    fn left(&self, principal: &Principal, stored: Arc<Stored>, created: bool) -> Done {
        // Whoever may not read sees no more than they sent.
        let is_own = stored.base.is_none() && matches!(self.prepared.command.edit, Edit::Put(_));
        Done {
            is_shown: is_own || principal.may(Action::Read),
            is_known: self.is_known(&stored),
            is_replayed: false,
            stored,
            created,
        }
    }

    /// Whether the writer knows the document that the write left, without being shown it: the
    /// document is what was sent, or what a patch makes of the one version that If-Match names.
    fn is_known(&self, stored: &Stored) -> bool {
        let tags = match &self.prepared.command.preconditions.if_match {
            Some(Condition::Tags(tags)) => tags.as_slice(),
            _ => &[],
        };
        match (&self.prepared.command.edit, tags) {
            _ if stored.base.is_some() => false,
            (Edit::Put(proposal), _) => proposal.body == self.sent,
            (Edit::Patch(_), [tag]) => {
                let named = VersionTag::from_entity_tag(tag);
                named.is_some_and(|named| Some(named.seq) == stored.prev)
            }
            _ => false,
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.prepared.command.key
    }
}

/// The refusal of a settlement: somebody was faster, or the log keeps the conflict no more.
pub(crate) fn not_open(settled: Option<detente_store::Settled>) -> Box<Explanation> {
    settled.map_or(What::NoConflict, What::SettledBefore).into()
}

/// About how large a version is: what memory does not have may be large.
fn bytes_of(reading: &Reading, head: &Head) -> usize {
    let stored = reading.recall(head.seq);
    stored.map_or(usize::MAX, |stored| stored.body.len())
}

/// An edit of `base`, ready to be joined; `None` if it is a patch that does not fit it.
pub(crate) fn merging(base: Arc<Stored>, edit: &Edit, max_bytes: usize) -> Option<Merging> {
    let document = base.document()?;
    let ours = match edit {
        Edit::Put(proposal) | Edit::Restore(proposal) => Some(proposal.document()),
        Edit::Patch(patching) => Some(Arc::new(patching.patch.apply(&document, max_bytes).ok()?)),
        Edit::Delete => None,
        Edit::Merge(merging) => merging.ours.clone(),
    };
    Some(Merging {
        base_document: Some(Arc::new(document)),
        base: Some(base),
        ours,
        choices: Default::default(),
        seen: None,
        max_bytes,
    })
}
