use std::sync::Arc;

use bytes::Bytes;

use crate::json::Value;
use crate::lock::pass_the_lock;
use crate::rules::{Claim, Deed, Duplicate, Forbidden, Rules, StateConflict, Violation};
use crate::{
    Ahead, CollectionRules, Command, Digest, Edit, Field, Head, Kind, LARGE, Lock, LockRefusal,
    Merging, Moment, PatchFailure, Patching, Preconditions, Prepared, Proposal, Selected, Seq,
    State, Stored, Unconditional, Unfit, Unmerged, Verdict, evaluate, shares_its_second,
};

/// What to do about a command.
#[derive(Clone, Debug)]
pub enum Decision {
    Apply(Box<Applied>),
    Refuse(Box<Refusal>),
    /// Neither: what was worked out ahead rests on another version than this, and to work it out
    /// here would hold up others.
    Behind(Head),
}

/// A write that is to be appended to the log, with all that follows from it.
#[derive(Clone, Debug)]
pub struct Applied {
    pub head: Head,
    pub stored: Arc<Stored>,
    /// The document, where somebody had to look into it.
    pub tree: Option<Arc<Value>>,
    /// Whether a document came to be where there was none.
    pub created: bool,
    pub claimed: Vec<Claim>,
    pub released: Vec<Claim>,
}

/// Why a command is not performed. What it names is what was current when it was decided.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// There is no such document to change.
    Missing,
    /// The document was deleted.
    Deleted { head: Head },
    /// If-Match names another version; `None` where there never was one.
    Stale { head: Option<Head> },
    /// Another precondition does not hold.
    PreconditionFailed { field: Field, head: Head },
    /// The command names no version.
    ConditionRequired,
    /// The patch does not fit the document.
    Patch { failure: PatchFailure, head: Head },
    /// The patched document is not one, or breaks its schema.
    Invalid(Vec<Violation>),
    /// Whoever asks may not do it to this document.
    Denied(Deed),
    /// It takes more work than one write may.
    TooCostly(Costly),
    /// The state of the document forbids the step.
    State {
        conflict: StateConflict,
        head: Option<Head>,
    },
    /// Another document holds a unique key.
    Duplicate {
        duplicates: Vec<Duplicate>,
        head: Option<Head>,
    },
    /// The join of two edits breaks what neither of them broke.
    Unmergeable { constraint: Constraint, head: Head },
    /// Somebody else holds the lock.
    Locked { lock: Arc<Lock> },
    /// The token is that of no lock that is held: its time has passed, or it was broken.
    LockLost { head: Option<Head> },
}

/// What takes more work than one write may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Costly {
    /// The rule of this name.
    Rule(String),
    /// A JSON Patch, up to this operation, counted from 0.
    Operation(usize),
}

/// What a joined document may break.
#[derive(Clone, Debug)]
pub enum Constraint {
    Schema(Vec<Violation>),
    State(StateConflict),
    Unique(Vec<Duplicate>),
}

/// Decides one write: what to append, or why not. Nothing is read or written but through `state`.
///
/// `seq` is the place in the log that the write would take, `now` its time.
///
/// # Errors
///
/// Only those of `state`.
pub fn decide<S: State>(
    state: &S,
    collection: &CollectionRules,
    prepared: &Prepared,
    seq: Seq,
    now: Moment,
) -> Result<Decision, S::Error> {
    let command = &*prepared.command;
    let case = Case {
        state,
        rules: &collection.rules,
        unconditional: collection.unconditional,
        prepared,
        command,
        head: state.head(&command.key)?,
    };
    let judged = match case.admit(now) {
        Ok(way) => case.judge(way, seq, now),
        Err(stop) => Err(stop),
    };
    match judged {
        Ok(applied) => Ok(Decision::Apply(Box::new(applied))),
        Err(Stop::Refused(refusal)) => Ok(Decision::Refuse(refusal)),
        Err(Stop::Behind(head)) => Ok(Decision::Behind(head)),
        Err(Stop::State(error)) => Err(error),
    }
}

/// One command and what it meets.
struct Case<'a, S> {
    state: &'a S,
    rules: &'a Rules,
    unconditional: Unconditional,
    prepared: &'a Prepared,
    command: &'a Command,
    head: Option<Head>,
}

/// How an edit that is let through becomes a document.
enum Way<'a> {
    AsAsked,
    /// By joining it with the current version, this one.
    Join(&'a Merging, Head),
}

enum Stop<E> {
    Refused(Box<Refusal>),
    Behind(Head),
    State(E),
}

impl<E> From<Refusal> for Stop<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// What a write leaves: a document, or none.
struct Outcome {
    kind: Kind,
    body: Bytes,
    digest: Digest,
    tree: Option<Arc<Value>>,
    claims: Vec<Claim>,
    /// The number of the version that the edit began from, where it was joined with another.
    base: Option<u64>,
}

impl<'a, S: State> Case<'a, S> {
    /// The head if it is a document, which is what can be selected (RFC 9110, section 3.2).
    fn current(&self) -> Option<Head> {
        self.head.filter(Head::is_document)
    }

    /// Whether locks and preconditions (RFC 9110, section 13.2) let the command through, and how.
    fn admit(&self, now: Moment) -> Result<Way<'a>, Stop<S::Error>> {
        let conditions = &self.command.preconditions;
        let is_merge = matches!(self.command.edit, Edit::Merge(_));
        match (self.current(), self.head) {
            (None, Some(head)) if conditions.if_match.is_some() || is_merge => {
                return Err(Refusal::Deleted { head }.into());
            }
            // Without preconditions this would be 404, so they do not count (section 13.2.1).
            (None, _) if matches!(self.command.edit, Edit::Patch(_) | Edit::Delete) || is_merge => {
                return Err(Refusal::Missing.into());
            }
            _ => {}
        }
        self.must_be_a_right()?;
        self.pass_the_lock(now)?;
        match (self.evaluate(conditions)?, self.current()) {
            (Verdict::Fail(Field::IfMatch), head) => self.fall_back(head),
            (Verdict::Fail(field), Some(head)) => {
                Err(Refusal::PreconditionFailed { field, head }.into())
            }
            (Verdict::Proceed, Some(head)) => match &self.command.edit {
                Edit::Merge(merging) => Ok(Way::Join(merging, head)),
                _ if !self.is_protected() => Err(Refusal::ConditionRequired.into()),
                _ => Ok(Way::AsAsked),
            },
            _ => Ok(Way::AsAsked),
        }
    }

    /// Whoever may only create does not replace, and whoever may only replace does not create. They are
    /// told before they are told of locks and preconditions.
    fn must_be_a_right(&self) -> Result<(), Stop<S::Error>> {
        let deed = match self.current() {
            Some(_) => Deed::Update,
            None => Deed::Create,
        };
        match self.command.lacks == Some(deed) {
            true => Err(Refusal::Denied(deed).into()),
            false => Ok(()),
        }
    }

    fn pass_the_lock(&self, now: Moment) -> Result<(), Stop<S::Error>> {
        let Command {
            key,
            lock_tokens,
            is_inner,
            ..
        } = self.command;
        let passed = pass_the_lock(self.state, key, (lock_tokens, *is_inner), now);
        match passed.map_err(Stop::State)? {
            Ok(()) => Ok(()),
            Err(LockRefusal::Locked(lock)) => Err(Refusal::Locked { lock }.into()),
            Err(_) => Err(Refusal::LockLost { head: self.head }.into()),
        }
    }

    /// What becomes of an edit whose If-Match is stale.
    fn fall_back(&self, head: Option<Head>) -> Result<Way<'a>, Stop<S::Error>> {
        let (Some(merging), Some(current)) = (&self.prepared.fallback, head) else {
            return Err(Refusal::Stale { head }.into());
        };
        let others = Preconditions {
            if_none_match: self.command.preconditions.if_none_match.clone(),
            ..Preconditions::default()
        };
        match self.evaluate(&others)? {
            Verdict::Fail(field) => Err(Refusal::PreconditionFailed {
                field,
                head: current,
            }
            .into()),
            Verdict::Proceed => Ok(Way::Join(merging, current)),
        }
    }

    fn evaluate(&self, conditions: &Preconditions) -> Result<Verdict, Stop<S::Error>> {
        let selected = self.selected().map_err(Stop::State)?;
        Ok(evaluate(conditions, selected.as_ref(), false))
    }

    fn selected(&self) -> Result<Option<Selected>, S::Error> {
        let Some(head) = self.current() else {
            return Ok(None);
        };
        let asks = self.command.preconditions.ask_for_dates();
        Ok(Some(Selected {
            tag: head.tag().to_entity_tag(),
            modified: head.at,
            shares_its_second: asks && shares_its_second(self.state, &head)?,
        }))
    }

    fn is_protected(&self) -> bool {
        self.unconditional == Unconditional::Allow
            || self.command.preconditions.protect_a_write()
            || matches!(&self.command.edit, Edit::Patch(patching) if patching.patch.has_test())
    }

    fn judge(&self, way: Way<'_>, seq: Seq, now: Moment) -> Result<Applied, Stop<S::Error>> {
        let outcome = self.outcome(way)?;
        let old = self.old_document().map_err(Stop::State)?;
        let old = old.as_deref();
        let id = self.command.key.id();
        let is_restored = old.is_none() && matches!(self.command.edit, Edit::Restore(_));
        let new = outcome.tree.as_deref();
        let verdict = self.judged_ahead().cloned();
        verdict
            .unwrap_or_else(|| {
                let caller = self.command.caller.as_deref();
                self.rules
                    .judge(id, old, new, is_restored, caller, self.state.patience())
            })
            .map_err(|forbidden| match forbidden {
                Forbidden::Denied(deed) => Refusal::Denied(deed),
                Forbidden::State(conflict) => self.forbids(&outcome, Constraint::State(conflict)),
                Forbidden::TooCostly { rule } => Refusal::TooCostly(Costly::Rule(rule)),
            })?;
        let held = old.map(|old| self.rules.claims(old)).unwrap_or_default();
        self.check_claims(&outcome)?;
        Ok(self.apply(seq, now, outcome, held))
    }

    /// The refusal of an outcome. What neither writer wrote is nobody's mistake, but a conflict.
    fn forbids(&self, outcome: &Outcome, constraint: Constraint) -> Refusal {
        let head = self.head;
        match (constraint, head.filter(|_| outcome.base.is_some())) {
            (constraint, Some(head)) => Refusal::Unmergeable { constraint, head },
            (Constraint::Schema(violations), None) => Refusal::Invalid(violations),
            (Constraint::State(conflict), None) => Refusal::State { conflict, head },
            (Constraint::Unique(duplicates), None) => Refusal::Duplicate { duplicates, head },
        }
    }

    fn outcome(&self, way: Way<'_>) -> Result<Outcome, Stop<S::Error>> {
        if let Way::Join(merging, head) = way {
            return self.joined(merging, head);
        }
        match &self.command.edit {
            Edit::Put(proposal) | Edit::Restore(proposal) => Ok(proposal.clone().into()),
            Edit::Patch(patching) => Ok(self.patched(patching)?.into()),
            Edit::Delete => Ok(Outcome::tombstone()),
            Edit::Merge(_) => Err(Refusal::Missing.into()),
        }
    }

    fn joined(&self, merging: &Merging, head: Head) -> Result<Outcome, Stop<S::Error>> {
        let is_joined = merging.base.as_ref().map(|base| base.seq) != Some(head.seq);
        let base = is_joined.then_some(merging.base_version());
        let proposal = match self.worked_ahead(&head) {
            Some(ahead) => ahead.outcome.clone(),
            None => {
                let theirs = self.state.stored(head.seq).map_err(Stop::State)?;
                let base_bytes = merging.base.as_ref().map_or(0, |base| base.body.len());
                self.must_be_small(base_bytes.max(theirs.body.len()), head)?;
                let theirs = self.state.document(head.seq).map_err(Stop::State)?;
                merging.outcome(self.rules, &theirs).map_err(|unmerged| {
                    match (unmerged, is_joined) {
                        (Unmerged::Conflicts, _) => Refusal::Stale { head: Some(head) },
                        (Unmerged::Invalid(violations), false) => Refusal::Invalid(violations),
                        (Unmerged::Invalid(violations), true) => Refusal::Unmergeable {
                            constraint: Constraint::Schema(violations),
                            head,
                        },
                    }
                })?
            }
        };
        let outcome = proposal.map_or_else(Outcome::tombstone, Outcome::from);
        Ok(Outcome { base, ..outcome })
    }

    fn worked_ahead(&self, head: &Head) -> Option<&'a Ahead> {
        let ahead = self.prepared.ahead.as_deref()?;
        (ahead.seq == head.seq).then_some(ahead)
    }

    /// What the rules said of what the edit comes to on this head.
    fn judged_ahead(&self) -> Option<&'a Result<(), Forbidden>> {
        let ahead = self.prepared.ahead.as_deref()?;
        let seq = self.current().map_or(0, |head| head.seq);
        ahead.verdict.as_ref().filter(|_| ahead.seq == seq)
    }

    fn must_be_small(&self, bytes: usize, head: Head) -> Result<(), Stop<S::Error>> {
        if bytes > LARGE && !self.prepared.must_decide {
            return Err(Stop::Behind(head));
        }
        Ok(())
    }

    fn patched(&self, patching: &Patching) -> Result<Proposal, Stop<S::Error>> {
        let Some(head) = self.current() else {
            return Err(Refusal::Missing.into());
        };
        if let Some(Ahead {
            outcome: Some(proposal),
            ..
        }) = self.worked_ahead(&head)
        {
            return Ok(proposal.clone());
        }
        let stored = self.state.stored(head.seq).map_err(Stop::State)?;
        let base = stored.body.clone();
        self.must_be_small(base.len(), head)?;
        let result = Proposal::patched(self.rules, &patching.patch, &base, patching.max_bytes);
        result.map_err(|unfit| match unfit {
            Unfit::Patch(PatchFailure::TooCostly { operation, .. }) => {
                Refusal::TooCostly(Costly::Operation(operation)).into()
            }
            Unfit::Patch(failure) => Refusal::Patch { failure, head }.into(),
            Unfit::Invalid(violations) => Refusal::Invalid(violations).into(),
        })
    }

    fn old_document(&self) -> Result<Option<Arc<Value>>, S::Error> {
        match self.current() {
            Some(head) if self.rules.read_documents() => self.state.document(head.seq).map(Some),
            _ => Ok(None),
        }
    }

    fn check_claims(&self, outcome: &Outcome) -> Result<(), Stop<S::Error>> {
        let key = &self.command.key;
        let mut duplicates = Vec::new();
        for claim in &outcome.claims {
            let holder = self.state.holder(key, claim).map_err(Stop::State)?;
            let holder = holder.filter(|holder| holder != key.id());
            if let (Some(holder), Some(document)) = (holder, &outcome.tree) {
                let unique = &self.rules.unique[claim.index];
                duplicates.push(unique.duplicate(key.id(), document, holder));
            }
        }
        if duplicates.is_empty() {
            return Ok(());
        }
        Err(self.forbids(outcome, Constraint::Unique(duplicates)).into())
    }

    fn apply(&self, seq: Seq, now: Moment, outcome: Outcome, held: Vec<Claim>) -> Applied {
        let head = Head {
            seq,
            version: self.head.map_or(1, |head| head.version + 1),
            digest: outcome.digest,
            kind: outcome.kind,
            // A clock that is set back must not make a document older than it was.
            at: self.head.map_or(now, |head| now.max(head.at)),
        };
        let (kept, released) = held
            .into_iter()
            .partition::<Vec<_>, _>(|it| outcome.claims.contains(it));
        Applied {
            head,
            stored: Arc::new(Stored {
                seq,
                key: self.command.key.clone(),
                version: head.version,
                prev: self.head.map(|head| head.seq),
                base: outcome.base,
                by: Arc::clone(&self.command.by),
                at: head.at,
                kind: head.kind,
                body: outcome.body,
                digest: head.digest,
            }),
            tree: outcome.tree,
            created: self.current().is_none(),
            claimed: outcome
                .claims
                .into_iter()
                .filter(|claim| !kept.contains(claim))
                .collect(),
            released,
        }
    }
}

impl Outcome {
    fn tombstone() -> Self {
        Self {
            kind: Kind::Tombstone,
            body: Bytes::new(),
            digest: Digest::of(b""),
            tree: None,
            claims: Vec::new(),
            base: None,
        }
    }
}

impl From<Proposal> for Outcome {
    fn from(proposal: Proposal) -> Self {
        Self {
            kind: Kind::Document,
            body: proposal.body,
            digest: proposal.digest,
            tree: proposal.tree,
            claims: proposal.claims,
            base: None,
        }
    }
}
