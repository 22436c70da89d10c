use std::sync::Arc;

use bytes::Bytes;

use crate::command::{claims, parse_checked};
use crate::json::Value;
use crate::rules::{Claim, Duplicate, Rules, StateConflict, Violation};
use crate::{
    Command, Digest, Edit, Field, Head, Kind, Moment, PatchFailure, Patching, Proposal, Selected,
    Seq, State, Stored, Unconditional, Unfit, Verdict, evaluate, shares_its_second,
};

/// What to do about a command.
#[derive(Clone, Debug)]
pub enum Decision {
    Apply(Box<Applied>),
    Refuse(Box<Refusal>),
}

/// A write that is to be appended to the log, with all that follows from it.
#[derive(Clone, Debug)]
pub struct Applied {
    pub head: Head,
    pub stored: Arc<Stored>,
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
    rules: &Rules,
    unconditional: Unconditional,
    command: &Command,
    seq: Seq,
    now: Moment,
) -> Result<Decision, S::Error> {
    let case = Case {
        state,
        rules,
        unconditional,
        command,
        head: state.head(&command.key)?,
    };
    let judged = match case.admit() {
        Ok(()) => case.judge(seq, now),
        Err(stop) => Err(stop),
    };
    match judged {
        Ok(applied) => Ok(Decision::Apply(Box::new(applied))),
        Err(Stop::Refused(refusal)) => Ok(Decision::Refuse(refusal)),
        Err(Stop::State(error)) => Err(error),
    }
}

/// One command and what it meets.
struct Case<'a, S> {
    state: &'a S,
    rules: &'a Rules,
    unconditional: Unconditional,
    command: &'a Command,
    head: Option<Head>,
}

enum Stop<E> {
    Refused(Box<Refusal>),
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
}

impl<S: State> Case<'_, S> {
    /// The head if it is a document, which is what can be selected (RFC 9110, section 3.2).
    fn current(&self) -> Option<Head> {
        self.head.filter(Head::is_document)
    }

    /// Whether the preconditions let the command through (RFC 9110, section 13.2).
    fn admit(&self) -> Result<(), Stop<S::Error>> {
        let conditions = &self.command.preconditions;
        match (self.current(), self.head) {
            (None, Some(head)) if conditions.if_match.is_some() => {
                return Err(Refusal::Deleted { head }.into());
            }
            // Without preconditions this would be 404, so they do not count (section 13.2.1).
            (None, _) if matches!(self.command.edit, Edit::Patch(_) | Edit::Delete) => {
                return Err(Refusal::Missing.into());
            }
            _ => {}
        }
        let selected = self.selected().map_err(Stop::State)?;
        match (
            evaluate(conditions, selected.as_ref(), false),
            self.current(),
        ) {
            (Verdict::Fail(Field::IfMatch), head) => Err(Refusal::Stale { head }.into()),
            (Verdict::Fail(field), Some(head)) => {
                Err(Refusal::PreconditionFailed { field, head }.into())
            }
            (Verdict::Proceed, Some(_)) if !self.is_protected() => {
                Err(Refusal::ConditionRequired.into())
            }
            _ => Ok(()),
        }
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

    fn judge(&self, seq: Seq, now: Moment) -> Result<Applied, Stop<S::Error>> {
        let outcome = self.outcome()?;
        let old = self.old_document().map_err(Stop::State)?;
        let id = self.command.key.id();
        let head = self.head;
        let is_restored = old.is_none() && matches!(self.command.edit, Edit::Restore(_));
        self.rules
            .judge(id, old.as_ref(), outcome.tree.as_deref(), is_restored)
            .map_err(|conflict| Refusal::State { conflict, head })?;
        let held = old
            .as_ref()
            .map(|old| claims(self.rules, old))
            .unwrap_or_default();
        self.check_claims(&outcome)?;
        Ok(self.apply(seq, now, outcome, held))
    }

    fn outcome(&self) -> Result<Outcome, Stop<S::Error>> {
        let proposal = match &self.command.edit {
            Edit::Put(proposal) | Edit::Restore(proposal) => proposal.clone(),
            Edit::Patch(patching) => self.patched(patching)?,
            Edit::Delete => return Ok(Outcome::tombstone()),
        };
        Ok(Outcome {
            kind: Kind::Document,
            body: proposal.body,
            digest: proposal.digest,
            tree: proposal.tree,
            claims: proposal.claims,
        })
    }

    fn patched(&self, patching: &Patching) -> Result<Proposal, Stop<S::Error>> {
        let Some(head) = self.current() else {
            return Err(Refusal::Missing.into());
        };
        match &patching.ahead {
            Some((seq, proposal)) if *seq == head.seq => return Ok(proposal.clone()),
            _ => {}
        }
        let base = self
            .state
            .stored(head.seq)
            .map_err(Stop::State)?
            .body
            .clone();
        let result = Proposal::patched(self.rules, &patching.patch, &base, patching.max_bytes);
        result.map_err(|unfit| match unfit {
            Unfit::Patch(failure) => Refusal::Patch { failure, head }.into(),
            Unfit::Invalid(violations) => Refusal::Invalid(violations).into(),
        })
    }

    fn old_document(&self) -> Result<Option<Value>, S::Error> {
        match self.current() {
            Some(head) if self.rules.read_documents() => {
                Ok(Some(parse_checked(&self.state.stored(head.seq)?.body)))
            }
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
        let head = self.head;
        Err(Refusal::Duplicate { duplicates, head }.into())
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
                by: Arc::clone(&self.command.by),
                at: head.at,
                kind: head.kind,
                body: outcome.body,
                digest: head.digest,
            }),
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
        }
    }
}
