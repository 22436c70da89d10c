use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{Pointer, Value};
use detente_core::merge::Choices;
use detente_core::{
    Command, Constraint, Decision, Edit, Key, Merging, Patch, Patching, Preconditions, Proposal,
    Refusal, Stored, VersionTag,
};
use detente_store::Transacted;

use crate::budget::joined_bytes;
use crate::explanation::{Attempt, Divergence, Ground, History, Misplacement, What, explain};
use crate::offload::offload;
use crate::write::{Terms, Write, merging, must_not_guess};
use crate::{Action, Done, OnceKey, Outcome, Principal, Service};

/// An edit of a version that the request names, to be joined with what is current.
#[derive(Clone, Debug)]
pub struct MergeAsk {
    pub key: Key,
    pub base: Named,
    pub edit: MergeEdit,
    pub choices: Choices,
    /// The version that the choices were made on.
    pub current: Option<Named>,
    pub conditions: Preconditions,
    pub lock_token: Option<Arc<str>>,
    pub verb: &'static str,
    /// The request, as it was sent.
    pub sent: Bytes,
}

/// What a writer made of the base.
#[derive(Clone, Debug)]
pub enum MergeEdit {
    Document(Value),
    Patch(Patch),
}

/// A version, as a request names it.
#[derive(Clone, Copy, Debug)]
pub enum Named {
    Tag(VersionTag),
    Number(u64),
    /// A tag that is none of ours.
    Unknown,
}

/// What a merge would come to.
#[derive(Clone, Debug)]
pub struct MergePreview {
    /// How the edit stands to the current version.
    pub divergence: Divergence,
    /// The document that the merge would leave, as far as it goes; `None`: none.
    pub document: Option<Value>,
}

impl Service {
    /// Joins an edit of an older version with the current one.
    ///
    /// # Errors
    ///
    /// As [`Service::write`].
    pub async fn merge(
        &self,
        principal: &Principal,
        ask: MergeAsk,
        once: Option<OnceKey<'_>>,
    ) -> Outcome<Done> {
        principal.must(Action::Update, &ask.key)?;
        let once = once.map(|key| key.once(&principal.name, &ask.sent));
        // Held until there is an answer.
        let _share = self.budget.edit(self.weigh_merge(&ask).await?).await?;
        let write = self.read_merge(principal, ask).await?;
        write.finish(self, principal, once, None).await
    }

    /// What a merge would come to now, by all that a write is judged by. Nothing is written.
    ///
    /// # Errors
    ///
    /// What is no matter of merging: the refusal that the merge itself would have.
    pub async fn preview_merge(
        &self,
        principal: &Principal,
        ask: MergeAsk,
    ) -> Outcome<MergePreview> {
        principal.must(Action::Read, &ask.key)?;
        let ask = MergeAsk {
            lock_token: None,
            ..ask
        };
        // Held until there is an answer.
        let _share = self.budget.edit(self.weigh_merge(&ask).await?).await?;
        let mut write = self.read_merge(principal, ask).await?;
        let terms = Terms {
            is_rehearsal: true,
            ..Terms::default()
        };
        let verdict = write.submit(self, &terms).await?;
        let Transacted::Rehearsed(decisions) = verdict else {
            return Err(What::failed("a rehearsal came to something else").into());
        };
        let decision = decisions.into_iter().next();
        match decision.ok_or_else(|| What::failed("a rehearsal of nothing"))? {
            Decision::Apply(applied) => {
                let document = applied.stored.document();
                let current = applied.stored.prev;
                let attempt = write.into_attempt();
                self.preview(principal, attempt, current, None, Some(document))
                    .await
            }
            Decision::Refuse(refusal) => {
                let attempt = write.into_attempt();
                let key = &attempt.command.key;
                let refusal = self
                    .without_hidden_holders(principal, key, *refusal)
                    .await?;
                match refusal {
                    Refusal::Stale { head: Some(head) } => {
                        self.preview(principal, attempt, Some(head.seq), None, None)
                            .await
                    }
                    Refusal::Unmergeable { constraint, head } => {
                        let broken = Some(constraint);
                        self.preview(principal, attempt, Some(head.seq), broken, None)
                            .await
                    }
                    other => {
                        let ground = Ground::Stored;
                        let explained = explain(self, attempt, principal, other, ground);
                        Err(explained.await?.unlogged())
                    }
                }
            }
            Decision::Behind(_) => Err(What::failed("a rehearsal ended half way").into()),
        }
    }

    async fn preview(
        &self,
        principal: &Principal,
        attempt: Attempt,
        current: Option<u64>,
        constraint: Option<Constraint>,
        left: Option<Option<Value>>,
    ) -> Outcome<MergePreview> {
        let current = match current {
            Some(seq) => {
                self.reading
                    .version(attempt.command.key.space(), seq)
                    .await?
            }
            None => None,
        };
        let history = History::up_to(&self.reading, &attempt, current).await?;
        let key = &attempt.command.key;
        // It was decided on a version that was in sight, but one may have come since.
        let (history, is_shown) = self.history_in_sight(principal, key, history).await?;
        if !is_shown {
            return Err(crate::Explanation::of(What::Missing, key));
        }
        let bytes = history.bytes() + attempt.sent.len();
        let _share = self.budget.explanation(bytes).await;
        offload(bytes, move || {
            let divergence = attempt.preview(history, constraint.as_ref());
            let joined = || {
                let text = divergence.merged.as_ref()?;
                detente_core::json::parse(text).ok()
            };
            let document = left.unwrap_or_else(joined);
            MergePreview {
                divergence,
                document,
            }
        })
        .await
    }

    async fn weigh_merge(&self, ask: &MergeAsk) -> Outcome<usize> {
        let stored = self.reading.newest(&ask.key).await?;
        Ok(joined_bytes(ask.sent.len(), stored.as_ref()))
    }

    async fn read_merge(&self, principal: &Principal, ask: MergeAsk) -> Outcome<Write> {
        let collection = Arc::clone(self.collection(ask.key.collection())?);
        if let MergeEdit::Patch(patch) = &ask.edit {
            must_not_guess(principal, &ask.key, patch)?;
        }
        let merging = self.find_merging(principal, &ask).await;
        // What a patch makes of a base holds the base.
        let shows = principal.may(Action::Read, &ask.key);
        let merging = merging.map_err(|it| Box::new(it.seen(shows)))?;
        let command = Command {
            preconditions: ask.conditions,
            lock_tokens: ask.lock_token.into(),
            ..principal.command(&collection, ask.key, Edit::Merge(Box::new(merging)))
        };
        Ok(Write::merge(collection, command, ask.verb, ask.sent))
    }

    /// The versions that the request names, and the edit on its base.
    async fn find_merging(&self, principal: &Principal, ask: &MergeAsk) -> Outcome<Merging> {
        let max_bytes = self.policy.max_document_bytes;
        let base = self
            .find_named(principal, &ask.key, ask.base, "/base")
            .await?;
        let edit = match &ask.edit {
            MergeEdit::Document(document) => {
                let made = Proposal::made(&Default::default(), document.clone(), max_bytes);
                Edit::Put(made.map_err(What::Invalid)?)
            }
            MergeEdit::Patch(patch) => Edit::Patch(Patching {
                patch: Arc::new(patch.clone()),
                max_bytes,
            }),
        };
        let seen = match ask.current {
            Some(current) => self
                .find_named(principal, &ask.key, current, "/current")
                .await?
                .document(),
            None => None,
        };
        let merging = merging(base, &edit, max_bytes);
        let merging = merging.ok_or_else(|| misplaced("/patch", Misplacement::DoesNotFit))?;
        if let Some(ours) = &merging.ours {
            // A patch may leave something else than an object; the writer is told before any merge.
            let made = Proposal::made(&Default::default(), (**ours).clone(), max_bytes);
            made.map_err(What::Invalid)?;
        }
        let merging = Merging {
            seen: seen.map(Arc::new),
            choices: ask.choices.clone(),
            ..merging
        };
        self.must_all_be_places(&ask.key, &merging)?;
        Ok(merging)
    }

    /// A choice for a place that none of the versions has would change nothing, without a word.
    pub(crate) fn must_all_be_places(&self, key: &Key, merging: &Merging) -> Outcome<()> {
        let has_choices = !merging.choices.is_empty();
        let Some(seen) = merging.seen.as_deref().filter(|_| has_choices) else {
            return Ok(());
        };
        let rules = &self.collection(key.collection())?.rules;
        let joined = merging.join(&rules.rules, seen);
        let is_met = |place: &Pointer| joined.chosen.iter().any(|chosen| chosen.path == *place);
        match merging.choices.keys().find(|place| !is_met(place)) {
            None => Ok(()),
            Some(place) => {
                let path = Pointer::root().child("choices").child(place.to_string());
                Err(misplaced(&path.to_string(), Misplacement::NoPlace).into())
            }
        }
    }

    /// The version that a member of a request names, which must be a document.
    pub(crate) async fn find_named(
        &self,
        principal: &Principal,
        key: &Key,
        named: Named,
        place: &str,
    ) -> Outcome<Arc<Stored>> {
        let reading = &self.reading;
        let missing = || crate::Explanation::of(What::Missing, key);
        let newest = self.newest_in_sight(principal, key).await?;
        let newest = newest.ok_or_else(missing)?;
        let (found, is_past) = match named {
            Named::Tag(tag) => {
                let is_past = tag.version < newest.version
                    && tag.seq < newest.seq
                    && reading.version(key.space(), tag.seq).await?.is_none();
                (reading.newest_named(key, vec![tag]).await?, is_past)
            }
            Named::Number(number) => {
                let found = reading.numbered(&newest, number).await?;
                (found, number < newest.version && number > 0)
            }
            Named::Unknown => (None, false),
        };
        match found.filter(|stored| stored.head().is_document()) {
            Some(stored) if self.is_in_sight(principal, &stored).await? => Ok(stored),
            Some(_) => Err(misplaced(place, Misplacement::NoVersion).into()),
            None if is_past => Err(misplaced(place, Misplacement::VersionGone).into()),
            None => Err(misplaced(place, Misplacement::NoVersion).into()),
        }
    }
}

fn misplaced(place: &str, problem: Misplacement) -> What {
    What::Misplaced {
        place: place.to_owned(),
        problem,
    }
}
