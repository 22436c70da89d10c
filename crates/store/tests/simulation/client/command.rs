use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::Value;
use detente_core::merge::{Choice, Choices, merge};
use detente_core::rules::Endless;
use detente_core::{
    Ahead, Command, Condition, Edit, EntityTag, Key, Merging, Moment, Patching, Preconditions,
    Prepared, Proposal, Stored,
};
use detente_store::Reader;

use super::{Board, Client, Surroundings};
use crate::access::{NOBODY, caller};
use crate::collection::rules_of;
use crate::dice::Dice;
use crate::draft;
use pollster::FutureExt;

/// How large a document may be, in bytes: mostly large enough.
fn max_bytes(dice: &mut Dice) -> usize {
    if dice.one_in(10) { 70 } else { 200_000 }
}

pub(super) fn tag(stored: &Stored) -> EntityTag {
    stored.head().tag().to_entity_tag()
}

impl Client {
    /// One write of a document. `is_careful`: so that it should go through.
    pub(super) fn command<R: Reader>(
        &mut self,
        around: &mut Surroundings<'_, R>,
        key: &Key,
        is_careful: bool,
    ) -> Prepared {
        if is_careful || around.dice.one_in(2) {
            self.look(around, key);
        }
        if !is_careful && around.dice.one_in(4) && !self.open.is_empty() {
            return self.decided(around);
        }
        if !is_careful && around.dice.one_in(12) && !self.begun.is_empty() {
            let begun = self.begun.remove(0);
            return self.resumed(around, &begun);
        }
        self.begin(around, key);
        let base = self.seen.get(key).cloned();
        let edit = self.edit(around, key, base.as_deref());
        let wish = self.wish(around, key, edit);
        let lock_token = match around.dice.one_in(10) {
            true if !is_careful => None,
            _ => self.tokens.get(key).cloned(),
        };
        let lock_token = match around.dice.one_in(60) {
            true => self.token(around, key),
            false => lock_token,
        };
        let command = Command {
            preconditions: preconditions(around, base.as_deref(), is_careful),
            lock_tokens: lock_token.into(),
            ..wish
        };
        let mut prepared = Prepared {
            must_decide: around.dice.one_in(2),
            ..command.into()
        };
        if let Some(base) = base
            && around.dice.one_in(2)
        {
            let limit = max_bytes(around.dice);
            prepared.fallback = merging(base, &prepared.command.edit, limit).map(Arc::new);
        }
        prepared.ahead = ahead(around, &prepared).map(Arc::new);
        prepared
    }

    fn edit<R: Reader>(
        &self,
        around: &mut Surroundings<'_, R>,
        key: &Key,
        base: Option<&Stored>,
    ) -> Edit {
        let (dice, serial) = (&mut *around.dice, around.board.serial());
        let document = base.and_then(Stored::document);
        let ours = match &document {
            Some(document) => draft::edited(dice, key, document, serial),
            None => draft::new(dice, key, serial, &self.name),
        };
        match (dice.below(20), document) {
            (0..=1, _) => Edit::Delete,
            (2..=8, Some(document)) => Edit::Patch(Patching {
                patch: draft::patch(dice, &document, &ours),
                max_bytes: max_bytes(dice),
            }),
            (9, _) => Edit::Restore(proposal(key, &ours)),
            (10, None) => Edit::Merge(Box::new(Merging {
                base: None,
                base_document: None,
                ours: Some(Arc::new(ours)),
                choices: Choices::new(),
                seen: None,
                max_bytes: max_bytes(dice),
            })),
            _ => Edit::Put(proposal(key, &ours)),
        }
    }

    /// A command without preconditions or lock; now and then one that no access rule is asked about.
    pub(super) fn wish<R>(
        &self,
        around: &mut Surroundings<'_, R>,
        key: &Key,
        edit: Edit,
    ) -> Command {
        let by = match around.dice.one_in(4) {
            true => NOBODY,
            false => &*self.name,
        };
        Command {
            caller: caller(by),
            ..Command::new(key.clone(), edit, by.into())
        }
    }

    /// An edit that collided, with what somebody decided about the places.
    fn decided<R: Reader>(&mut self, around: &mut Surroundings<'_, R>) -> Prepared {
        let at = around.dice.index(self.open.len());
        let (key, mut merging) = self.open.swap_remove(at);
        self.look(around, &key);
        let seen = self.seen.get(&key).and_then(|stored| stored.document());
        if let Some(theirs) = seen {
            let (base, ours) = (merging.base_document.as_deref(), merging.ours.as_deref());
            let strategies = &rules_of(&key).rules.strategies;
            let found = merge(base, ours, Some(&theirs), strategies, &Choices::new());
            for conflict in found.conflicts {
                let choice = match around.dice.below(8) {
                    0..=2 => Choice::Ours,
                    3..=5 => Choice::Theirs,
                    6 => Choice::Base,
                    _ => Choice::Value(around.board.serial().into()),
                };
                merging.choices.insert(conflict.path, choice);
            }
            merging.seen = (!around.dice.one_in(5)).then(|| Arc::new(theirs));
        }
        let edit = Edit::Merge(Box::new(merging));
        let command = Command {
            lock_tokens: self.tokens.get(&key).cloned().into(),
            ..self.wish(around, &key, edit)
        };
        let mut prepared = Prepared {
            must_decide: around.dice.one_in(2),
            ..command.into()
        };
        prepared.ahead = ahead(around, &prepared).map(Arc::new);
        prepared
    }

    /// A token that may once have been that of the lock.
    pub(super) fn token<R>(&self, around: &mut Surroundings<'_, R>, key: &Key) -> Option<Arc<str>> {
        let own = self.tokens.get(key).filter(|_| !around.dice.one_in(5));
        let known = || Board::late(around.dice, &around.board.tokens);
        own.or_else(known).cloned()
    }
}

fn preconditions<R>(
    around: &mut Surroundings<'_, R>,
    base: Option<&Stored>,
    is_careful: bool,
) -> Preconditions {
    let exactly = |tags: Vec<EntityTag>| Some(Condition::Tags(tags));
    let if_match = |condition| Preconditions {
        if_match: condition,
        ..Preconditions::default()
    };
    let if_none_match = |condition| Preconditions {
        if_none_match: condition,
        ..Preconditions::default()
    };
    let dice = &mut *around.dice;
    let Some(base) = base else {
        return match dice.below(if is_careful { 2 } else { 8 }) {
            0 => if_none_match(Some(Condition::Any)),
            7 => if_match(Some(Condition::Any)),
            6 => if_match(exactly(vec![EntityTag::strong("1-1000000000000")])),
            _ => Preconditions::default(),
        };
    };
    let tag = tag(base);
    match dice.below(if is_careful { 10 } else { 20 }) {
        0..=10 => if_match(exactly(vec![tag])),
        11 => if_match(exactly(vec![EntityTag::strong("other"), tag])),
        12..=13 => if_match(Some(Condition::Any)),
        14 => if_none_match(Some(Condition::Any)),
        15 => if_none_match(exactly(vec![tag])),
        16 => Preconditions {
            if_none_match: exactly(vec![EntityTag::strong("other")]),
            ..if_match(exactly(vec![tag]))
        },
        17 => Preconditions {
            if_unmodified_since: Some(Moment(base.at.0 / 1000 * 1000)),
            ..Preconditions::default()
        },
        _ => Preconditions::default(),
    }
}

pub(super) fn proposal(key: &Key, document: &Value) -> Proposal {
    let rules = rules_of(key);
    let body = Bytes::from(document.to_text());
    Proposal::check(&rules.rules, body, None).expect("these collections have no schema")
}

/// An edit of what the client read; `None` if it is a patch that does not fit.
pub(super) fn merging(base: Arc<Stored>, edit: &Edit, max_bytes: usize) -> Option<Merging> {
    let document = base.document()?;
    let ours = match edit {
        Edit::Put(proposal) | Edit::Restore(proposal) => Some(proposal.document()),
        Edit::Patch(patching) => Some(Arc::new(patching.patch.apply(&document, max_bytes).ok()?)),
        Edit::Delete => None,
        Edit::Merge(merging) => return Some((**merging).clone()),
    };
    Some(Merging {
        base: Some(base),
        base_document: Some(Arc::new(document)),
        ours,
        choices: Choices::new(),
        seen: None,
        max_bytes,
    })
}

/// What the command comes to on what is there now, which may be something else by then.
pub(super) fn ahead<R: Reader>(
    around: &mut Surroundings<'_, R>,
    prepared: &Prepared,
) -> Option<Ahead> {
    let command = &*prepared.command;
    if !around.dice.one_in(3) {
        return None;
    }
    let current = around.reader.current(&command.key).block_on().ok()?;
    let current = current.filter(|stored| stored.head().is_document());
    let theirs = current.as_ref().and_then(|stored| stored.document());
    let rules = &rules_of(&command.key).rules;
    let join = |merging: &Merging| merging.outcome(rules, theirs.as_ref()?).ok();
    let is_stale = match (&command.preconditions.if_match, &current) {
        (Some(Condition::Tags(tags)), Some(current)) => !tags.contains(&tag(current)),
        _ => false,
    };
    let outcome = match (&command.edit, &prepared.fallback) {
        (Edit::Merge(merging), _) => join(merging)?,
        (_, Some(merging)) if is_stale => join(merging)?,
        (Edit::Patch(patching), _) => {
            let (patch, limit) = (&patching.patch, patching.max_bytes);
            Some(Proposal::patched(rules, patch, &current.as_ref()?.body, limit).ok()?)
        }
        (Edit::Put(proposal) | Edit::Restore(proposal), _) => Some(proposal.clone()),
        (Edit::Delete, _) => None,
    };
    let verdict = around.dice.one_in(2).then(|| {
        let new = outcome.as_ref().map(Proposal::document);
        let (old, caller) = (theirs.as_ref(), command.caller.as_deref());
        let is_restored = old.is_none() && matches!(command.edit, Edit::Restore(_));
        let id = command.key.id();
        rules.judge(id, old, new.as_deref(), is_restored, caller, &Endless)
    });
    Some(Ahead {
        seq: current.map_or(0, |current| current.seq),
        outcome,
        verdict,
    })
}
