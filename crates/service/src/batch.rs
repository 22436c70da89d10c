use std::convert::Infallible;
use std::sync::Arc;

use detente_core::{CollectionRules, Constraint, Decision, Key, Once, Prepared, Refusal, Stored};
use detente_store::{Transacted, Transaction};
use futures_util::future::join_all;

use crate::budget::{MAX_BATCH, Room, Share};
use crate::explanation::{Explanation, Ground, What};
use crate::service::not_written;
use crate::write::Write;
use crate::{Ask, Done, OnceKey, Outcome, Principal, Service};

/// A batch that was performed.
#[derive(Clone, Debug)]
pub struct BatchDone {
    /// In the order of the operations.
    pub writes: Vec<Done>,
    /// Whether it was performed before, under the same key.
    pub is_replayed: bool,
}

/// Why a batch was not performed.
#[derive(Debug)]
pub enum BatchRefused<E> {
    /// At least one operation was refused. What became of each, in their order.
    Operations(Vec<OperationRefused<E>>),
    /// It is none of an operation's.
    Whole(Box<Explanation>),
}

/// Why an operation of a batch was not performed.
#[derive(Debug)]
pub enum OperationRefused<E> {
    /// Its face could not read it.
    Unread(E),
    /// It was refused; or, as [`What::NotPerformed`], another one was.
    Explained(Box<Explanation>),
}

impl<E> From<Box<Explanation>> for BatchRefused<E> {
    fn from(explanation: Box<Explanation>) -> Self {
        Self::Whole(explanation)
    }
}

impl<E> OperationRefused<E> {
    /// Whether it is why the batch was not performed.
    pub fn is_cause(&self) -> bool {
        let Self::Explained(explanation) = self else {
            return true;
        };
        !matches!(explanation.what, What::NotPerformed)
    }
}

impl Service {
    /// Performs each write for itself, in their order.
    pub async fn each(
        &self,
        principal: &Principal,
        asks: Vec<(Ask, Option<OnceKey<'_>>)>,
    ) -> Vec<Outcome<Done>> {
        let room = Room::new();
        let mut done = Vec::with_capacity(asks.len());
        let mut asks = asks.into_iter().peekable();
        while asks.peek().is_some() {
            // As many as may be worked on at one time; one in any case.
            let (mut some, mut bytes) = (Vec::new(), 0);
            while let Some((ask, _)) = asks.peek() {
                let weight = self.weigh(ask).await.unwrap_or(0);
                if !some.is_empty() && bytes + weight > MAX_BATCH {
                    break;
                }
                bytes += weight;
                some.extend(asks.next());
            }
            match self.budget.edit(bytes).await {
                Ok(_share) => done.extend(self.each_of(principal, some, &room).await),
                Err(_) => {
                    let rest = some.len() + asks.len();
                    done.extend((0..rest).map(|_| Err(What::Busy.into())));
                    return done;
                }
            }
        }
        done
    }

    async fn each_of(
        &self,
        principal: &Principal,
        asks: Vec<(Ask, Option<OnceKey<'_>>)>,
        room: &Room,
    ) -> Vec<Outcome<Done>> {
        let mut writes = Vec::with_capacity(asks.len());
        for (ask, once) in asks {
            let once = once.map(|key| key.once(&principal.name, &ask.edit.sent()));
            writes.push((Write::read(self, principal, ask).await, once));
        }
        // Sent in their order without a pause in between, so they are decided in that order.
        let perform = async |(write, once): (Outcome<Write>, _)| {
            let done = write?.finish(self, principal, once, None).await;
            done.map_err(|explanation| room.fit(explanation))
        };
        join_all(writes.into_iter().map(perform)).await
    }

    /// Performs all writes or none. Those that their face could not read have its error: then it is
    /// only said what would become of the others.
    ///
    /// `sent` is the whole batch as it was sent, for `once` to recognize it by.
    ///
    /// # Errors
    ///
    /// [`BatchRefused`]; nothing was performed.
    pub async fn batch<E>(
        &self,
        principal: &Principal,
        asks: Vec<Result<Ask, E>>,
        once: Option<OnceKey<'_>>,
        sent: &[u8],
    ) -> Result<BatchDone, BatchRefused<E>> {
        let once = once.map(|key| key.once(&principal.name, sent));
        let _share = self.share_of(asks.iter().flatten(), once.as_ref()).await?;
        // Held until there is an answer.
        let _turn = self.enter(once.as_ref())?;
        self.perform(Batch::read(self, principal, asks).await, once)
            .await
    }

    /// Performs all of some writes or none. What was refused is not in the conflict log yet.
    ///
    /// # Errors
    ///
    /// Why that could not be decided.
    pub(crate) async fn all_of(
        &self,
        principal: &Principal,
        writes: Vec<Write>,
        once: Option<Once>,
    ) -> Outcome<Result<BatchDone, Vec<OperationRefused<Infallible>>>> {
        let batch = Batch {
            service: self,
            principal,
            operations: writes.into_iter().map(Ok).collect(),
            is_logged: false,
        };
        match self.perform(batch, once).await {
            Ok(done) => Ok(Ok(done)),
            Err(BatchRefused::Operations(refused)) => Ok(Err(refused)),
            Err(BatchRefused::Whole(explanation)) => Err(explanation),
        }
    }

    async fn perform<E>(
        &self,
        mut batch: Batch<'_, E>,
        once: Option<Once>,
    ) -> Result<BatchDone, BatchRefused<E>> {
        let principal = batch.principal;
        let is_whole = batch.operations.iter().all(Result::is_ok);
        let transaction = Transaction {
            writes: batch.commands().await?,
            once: once.filter(|_| is_whole),
            settles: Vec::new(),
            is_rehearsal: !is_whole,
        };
        let verdict = self.writer.transact(transaction).await;
        match verdict.map_err(not_written)? {
            Transacted::Applied(applied) => {
                let mut writes = Vec::with_capacity(applied.len());
                for (write, applied) in batch.operations.iter().flatten().zip(applied) {
                    write.count_applied(self, &applied);
                    writes.push(write.done(self, principal, applied).await);
                }
                Ok(BatchDone {
                    writes,
                    is_replayed: false,
                })
            }
            Transacted::Replayed(receipt) => {
                self.metrics.replayed();
                let mut writes = Vec::with_capacity(receipt.writes.len());
                for (write, written) in batch.operations.iter().flatten().zip(&receipt.writes) {
                    let done = write.done_before(self, principal, written).await?;
                    writes.push(done);
                }
                Ok(BatchDone {
                    writes,
                    is_replayed: true,
                })
            }
            Transacted::KeyReused => Err(Box::<Explanation>::from(What::KeyReused).into()),
            Transacted::Refused(decisions) | Transacted::Rehearsed(decisions) => {
                let refused = batch.refused(decisions).await?;
                Err(BatchRefused::Operations(refused))
            }
            Transacted::NotOpen(_) => {
                let what = What::failed("a batch settles nothing");
                Err(Box::<Explanation>::from(what).into())
            }
        }
    }
}

impl Service {
    /// A share for all operations of a batch, to be held until there is an answer.
    async fn share_of(
        &self,
        asks: impl Iterator<Item = &Ask>,
        once: Option<&Once>,
    ) -> Outcome<Share> {
        let mut bytes = 0;
        for ask in asks {
            bytes += self.weigh(ask).await?;
            if bytes > MAX_BATCH {
                // Documents may have grown since it was performed.
                if self.was_performed(once).await? {
                    break;
                }
                return Err(What::BatchTooLarge { limit: MAX_BATCH }.into());
            }
        }
        self.budget.edit(bytes).await
    }

    /// Whether a request was performed before, or another one under its key.
    async fn was_performed(&self, once: Option<&Once>) -> Outcome<bool> {
        let Some(once) = once else {
            return Ok(false);
        };
        let nothing = Transaction {
            once: Some(*once),
            is_rehearsal: true,
            ..Transaction::default()
        };
        let verdict = self.writer.transact(nothing).await.map_err(not_written)?;
        Ok(matches!(
            verdict,
            Transacted::Replayed(_) | Transacted::KeyReused
        ))
    }
}

/// The operations of a batch, read as far as they could be.
struct Batch<'a, E> {
    service: &'a Service,
    principal: &'a Principal,
    operations: Vec<Result<Write, OperationRefused<E>>>,
    /// Whether the conflict log has what is refused.
    is_logged: bool,
}

impl<'a, E> Batch<'a, E> {
    async fn read(
        service: &'a Service,
        principal: &'a Principal,
        asks: Vec<Result<Ask, E>>,
    ) -> Self {
        let mut operations = Vec::with_capacity(asks.len());
        for ask in asks {
            operations.push(match ask {
                Ok(ask) => {
                    let write = Write::read(service, principal, ask).await;
                    write.map_err(OperationRefused::Explained)
                }
                Err(error) => Err(OperationRefused::Unread(error)),
            });
        }
        Self {
            service,
            principal,
            operations,
            is_logged: true,
        }
    }

    async fn commands(&mut self) -> Outcome<Vec<(Prepared, Arc<CollectionRules>)>> {
        let mut commands = Vec::with_capacity(self.operations.len());
        for write in self.operations.iter_mut().flatten() {
            write.make_final(self.service).await?;
            let rules = Arc::clone(&write.collection.rules);
            commands.push((write.prepared.clone(), rules));
        }
        Ok(commands)
    }

    /// What became of each operation of a batch that was not performed.
    async fn refused(self, decisions: Vec<Decision>) -> Outcome<Vec<OperationRefused<E>>> {
        let mut decisions = decisions.into_iter();
        let mut before = Before::default();
        let room = Room::new();
        let mut refused = Vec::with_capacity(self.operations.len());
        for (index, operation) in self.operations.into_iter().enumerate() {
            let write = match operation {
                Ok(write) => write,
                Err(error) => {
                    refused.push(error);
                    continue;
                }
            };
            let decision = decisions.next();
            refused.push(OperationRefused::Explained(match decision {
                Some(Decision::Refuse(refusal)) => {
                    let explained = before
                        .explain(self.service, self.principal, write.clone(), *refusal)
                        .await?;
                    if !matches!(explained.what, What::NotPerformed) {
                        write.count_refused(self.service);
                    }
                    before.refused(write);
                    room.fit(match self.is_logged {
                        true => explained.log(self.service).await,
                        false => explained,
                    })
                }
                Some(Decision::Apply(applied)) => {
                    before.left.push(Left {
                        index,
                        stored: applied.stored,
                    });
                    What::NotPerformed.into()
                }
                _ => What::NotPerformed.into(),
            }));
        }
        if refused.iter().any(OperationRefused::is_cause) {
            Ok(refused)
        } else {
            Err(What::failed("a batch was refused for nothing").into())
        }
    }
}

/// What earlier operations of a batch did, or would have done.
#[derive(Default)]
struct Before {
    left: Vec<Left>,
    refused: Vec<Write>,
}

/// What an operation would have left of a document.
struct Left {
    index: usize,
    stored: Arc<Stored>,
}

impl Before {
    fn refused(&mut self, write: Write) {
        self.refused.push(write);
    }

    /// Explains the refusal of an operation. Where it rests on an earlier one, that was not
    /// performed either: the explanation names it, and holds against what is stored.
    async fn explain(
        &self,
        service: &Service,
        principal: &Principal,
        write: Write,
        mut refusal: Refusal,
    ) -> Outcome<Box<Explanation>> {
        let would_create = |refused: &Write| refused.key() == write.key() && refused.is_put();
        if matches!(refusal, Refusal::Missing) && self.refused.iter().any(would_create) {
            return Ok(What::NotPerformed.into());
        }
        let own = self.left_of(write.key());
        let taken = self.take_own_keys(service, &write, &mut refusal).await?;
        let ground = match own.or(taken) {
            None => Ground::Stored,
            Some(_) => {
                let current = service.reading.newest(write.key()).await?;
                let rests = taken.or(own.filter(|_| write.rests_on_it(&refusal, &current)));
                Ground::Operation {
                    index: rests.map(|left| left.index),
                    left: own.map(|left| Arc::clone(&left.stored)),
                    current,
                }
            }
        };
        write.explain(service, principal, refusal, ground).await
    }

    /// A key that an earlier operation would have taken has no holder yet: nobody finds it there.
    /// Returns what the first operation that takes such a key would have left.
    async fn take_own_keys(
        &self,
        service: &Service,
        write: &Write,
        refusal: &mut Refusal,
    ) -> Outcome<Option<&Left>> {
        let duplicates = match refusal {
            Refusal::Duplicate { duplicates, .. } => duplicates,
            Refusal::Unmergeable {
                constraint: Constraint::Unique(duplicates),
                ..
            } => duplicates,
            _ => return Ok(None),
        };
        let mut first = None;
        for duplicate in duplicates {
            let holder = beside(write.key(), &duplicate.holder);
            let Some(left) = self.left_of(&holder) else {
                continue;
            };
            let stored = service.reading.newest(&holder).await?;
            if !has_one_key(
                write,
                &duplicate.constraint,
                &left.stored,
                stored.as_deref(),
            ) {
                duplicate.holder.clear();
                let index = left.index;
                duplicate.message = format!("Operation {index} of this batch takes it first");
                first = first.or(Some(left));
            }
        }
        Ok(first)
    }

    /// What the last earlier operation on a document would have left of it.
    fn left_of(&self, key: &Key) -> Option<&Left> {
        self.left.iter().rev().find(|left| left.stored.key == *key)
    }
}

/// Whether two versions of a document have the same unique key.
fn has_one_key(write: &Write, constraint: &str, one: &Stored, other: Option<&Stored>) -> bool {
    let mut unique = write.collection.rules.rules.unique.iter();
    let Some(unique) = unique.find(|it| it.name == constraint) else {
        return true;
    };
    let key = |version: &Stored| unique.claim(0, &version.document()?);
    let found = other.and_then(key);
    found.is_some() && found == key(one)
}

/// The key of another document of the same collection.
fn beside(key: &Key, id: &str) -> Key {
    Key::from_parts(key.space(), key.collection(), id)
}
