mod ahead; // what is worked out before a write is decided
mod done; // what a write left
mod foreseen; // what is refused for certain, before it is decided

use std::sync::Arc;

use bytes::Bytes;
use detente_core::{
    Applied, Command, Decision, Edit, Head, Key, Once, Patch, Prepared, Refusal, Stored,
};
use detente_store::{SettleConflict, Transacted, Transaction};

pub(crate) use ahead::merging;
pub use done::Done;

use crate::explanation::{Attempt, Explanation, Ground, What, explain};
use crate::policy::{Collection, OnConflict};
use crate::service::not_written;
use crate::{Action, Ask, OnceKey, Outcome, Principal, Service};

/// How often an outcome is worked out anew because the head moved, before the decision itself does
/// it, whatever that holds up.
const PATIENCE: usize = 8;

/// On what terms a write is decided.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    pub(crate) once: Option<Once>,
    /// The conflict in the log that it settles.
    pub(crate) settles: Option<SettleConflict>,
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
        // Held until there is an answer.
        let _share = self.budget.edit(self.weigh(&ask).await?).await?;
        let write = Write::read(self, principal, ask).await?;
        let once = once.map(|key| key.once(&principal.name, &sent));
        write.finish(self, principal, once, None).await
    }
}

impl Write {
    /// Checks all of a write that does not depend on what is stored.
    pub(crate) async fn read(service: &Service, principal: &Principal, ask: Ask) -> Outcome<Self> {
        let lacks = ask.lacks(principal)?;
        let collection = Arc::clone(service.collection(ask.key.collection())?);
        let sent = ask.edit.sent();
        let max_bytes = service.policy.max_document_bytes;
        let edit = ask.edit.read(&collection, max_bytes).await?;
        if let Edit::Patch(patching) = &edit {
            must_not_guess(principal, &ask.key, &patching.patch)?;
        }
        let mut write = Self {
            on_conflict: ask.on_conflict.unwrap_or(collection.on_conflict),
            prepared: Prepared::from(Command {
                preconditions: ask.conditions,
                lock_tokens: ask.lock_tokens,
                is_inner: ask.is_inner,
                lacks,
                ..principal.command(&collection, ask.key, edit)
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
        settles: Option<SettleConflict>,
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
            Transacted::Applied(applied) => {
                let applied = applied.into_iter().next();
                let applied = applied.ok_or_else(|| What::failed("a write left nothing"))?;
                Ok(self.done(service, principal, applied).await)
            }
            Transacted::Replayed(receipt) => {
                Box::pin(self.replayed(service, principal, &receipt)).await
            }
            Transacted::KeyReused => Err(What::KeyReused.into()),
            Transacted::NotOpen(settled) => Err(not_open(settled)),
            Transacted::Refused(decisions) | Transacted::Rehearsed(decisions) => {
                let Some(Decision::Refuse(mut refusal)) = decisions.into_iter().next() else {
                    return Err(What::failed("a refused write has no refusal").into());
                };
                if matches!(*refusal, Refusal::Stale { .. }) {
                    Box::pin(service.turns.wait(self.key())).await;
                    refusal = self.stale_by_now(service).unwrap_or(refusal);
                }
                let explained = self.explain(service, principal, *refusal, Ground::Stored);
                let explained = Box::pin(explained).await?;
                // What settles a conflict in the log need not stand there a second time.
                Err(if is_settling {
                    explained.unlogged()
                } else {
                    Box::pin(explained.log(service)).await
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
        explain(service, attempt, principal, refusal, ground).await
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
    pub(crate) async fn submit(&mut self, service: &Service, terms: &Terms) -> Outcome<Transacted> {
        for attempt in 0.. {
            if attempt == PATIENCE {
                self.prepared.must_decide = true;
            }
            let verdict = match self.foreseen(service, terms) {
                Some(decision) => Transacted::Refused(vec![decision]),
                None => self.transact(service, terms).await?,
            };
            let goes_on = match &verdict {
                Transacted::Refused(decisions) | Transacted::Rehearsed(decisions) => {
                    match decisions.first() {
                        Some(Decision::Behind(head)) => {
                            service.metrics.retried();
                            Box::pin(self.work_ahead(service, *head)).await?;
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

    async fn transact(&self, service: &Service, terms: &Terms) -> Outcome<Transacted> {
        service.turns.writes(self.key());
        let transaction = Transaction {
            writes: vec![(self.prepared.clone(), Arc::clone(&self.collection.rules))],
            once: terms.once,
            settles: terms.settles.iter().cloned().collect(),
            is_rehearsal: terms.is_rehearsal,
        };
        let transacted = service.writer.transact(transaction).await;
        if !matches!(transacted, Ok(Transacted::Applied(_))) {
            service.turns.refused(self.key());
        }
        transacted.map_err(not_written)
    }

    fn count(&self, service: &Service, verdict: &Transacted) {
        match verdict {
            Transacted::Applied(all) => all.iter().for_each(|it| self.count_applied(service, it)),
            Transacted::Replayed(_) => service.metrics.replayed(),
            Transacted::Rehearsed(_) => {}
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
        service.turns.wrote(&applied.stored.key);
    }

    pub(crate) fn count_refused(&self, service: &Service) {
        service.metrics.refused(self.label(service));
    }

    /// Whether it makes a document where there is none.
    pub(crate) fn is_put(&self) -> bool {
        matches!(self.prepared.command.edit, Edit::Put(_))
    }

    /// Whether a refusal that was decided on what an earlier operation of the batch would leave of
    /// the document rests on that operation: on what is stored it would have been another one.
    pub(crate) fn rests_on_it(&self, refusal: &Refusal, stored: &Option<Arc<Stored>>) -> bool {
        let current = stored
            .as_ref()
            .map(|it| it.head())
            .filter(Head::is_document);
        match refusal {
            Refusal::Stale { .. } => current.is_some_and(|head| self.names(&head)),
            Refusal::Deleted { .. } => current.is_some(),
            Refusal::PreconditionFailed { .. } => current.is_none(),
            Refusal::State { .. } | Refusal::Patch { .. } | Refusal::Unmergeable { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.prepared.command.key
    }
}

/// Whoever may not read may not ask either: a `test` tells whether a guess is right.
pub(crate) fn must_not_guess(principal: &Principal, key: &Key, patch: &Patch) -> Outcome<()> {
    match patch.has_test() {
        true => principal.must(Action::Read, key),
        false => Ok(()),
    }
}

/// The refusal of a settlement: somebody was faster, or the log keeps the conflict no more.
pub(crate) fn not_open(settled: Option<detente_store::Settlement>) -> Box<Explanation> {
    settled.map_or(What::NoConflict, What::SettledBefore).into()
}
