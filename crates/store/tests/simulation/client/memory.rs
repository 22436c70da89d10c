use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::{
    Command, Decision, Edit, Head, Key, Lock, LockDecision, Merging, Patch, Refusal, Stored,
};
use detente_store::{
    LoggedConflict, LostEdit, Order, Reader, Reply, Transacted, Transaction, VersionPlace,
};

use super::Surroundings;
use super::command::merging;
use pollster::FutureExt;

pub(crate) struct Client {
    pub(crate) name: Arc<str>,
    /// The documents as this client last read or wrote them.
    pub(super) seen: BTreeMap<Key, Arc<Stored>>,
    /// The locks that it holds, or believes to hold.
    pub(super) tokens: BTreeMap<Key, Arc<str>>,
    /// Edits that collided, and wait for somebody to decide.
    pub(super) open: Vec<(Key, Merging)>,
    /// What edits were begun from that were left lying.
    pub(super) begun: Vec<Arc<Stored>>,
    pub(super) to_log: Vec<LoggedConflict>,
    /// What it may ask for again.
    pub(super) asked_once: Vec<Transaction>,
}

impl Client {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            seen: BTreeMap::new(),
            tokens: BTreeMap::new(),
            open: Vec::new(),
            begun: Vec::new(),
            to_log: Vec::new(),
            asked_once: Vec::new(),
        }
    }

    /// Reads a document.
    pub(super) fn look<R: Reader>(&mut self, around: &Surroundings<'_, R>, key: &Key) {
        let found = around.reader.current(key).block_on().ok().flatten();
        self.remember(key, found);
    }

    fn remember(&mut self, key: &Key, stored: Option<Arc<Stored>>) {
        match stored.filter(|stored| stored.head().is_document()) {
            Some(stored) => self.seen.insert(key.clone(), stored),
            None => self.seen.remove(key),
        };
    }

    /// Takes in an answer; `None`: there was none.
    pub(crate) fn learn<R: Reader>(
        &mut self,
        around: &mut Surroundings<'_, R>,
        order: &Order,
        reply: Option<&Reply>,
    ) {
        if let Order::Write(asked) = order
            && asked.once.is_some()
            && (reply.is_none() || around.dice.one_in(3))
        {
            self.asked_once.push(asked.clone());
        }
        match (order, reply) {
            (Order::Write(_), Some(Reply::Write(Transacted::Applied(all)))) => {
                for applied in all {
                    let stored = &applied.stored;
                    self.remember(&stored.key, Some(Arc::clone(stored)));
                }
            }
            (Order::Write(asked), Some(Reply::Write(Transacted::Refused(all)))) => {
                for ((prepared, _), decision) in asked.writes.iter().zip(all) {
                    self.learn_refusal(around, &prepared.command, decision);
                }
            }
            (Order::Lock(command), Some(Reply::Lock(LockDecision::Held { own: lock, .. }))) => {
                self.hold(around, &command.key, lock);
            }
            _ => {}
        }
    }

    fn hold<R>(&mut self, around: &mut Surroundings<'_, R>, key: &Key, lock: &Lock) {
        self.tokens.insert(key.clone(), Arc::clone(&lock.token));
        around.board.tokens.push(Arc::clone(&lock.token));
    }

    fn learn_refusal<R: Reader>(
        &mut self,
        around: &mut Surroundings<'_, R>,
        command: &Command,
        decision: &Decision,
    ) {
        let Decision::Refuse(refusal) = decision else {
            return;
        };
        let key = &command.key;
        match &**refusal {
            Refusal::LockLost { .. } if around.dice.one_in(2) => drop(self.tokens.remove(key)),
            Refusal::Stale { head } => {
                let base = self.seen.get(key).cloned();
                if around.dice.one_in(2) {
                    let conflict = self.conflict(around, command, base.as_deref(), head.as_ref());
                    around.board.conflicts.push(conflict.id.clone());
                    self.to_log.push(conflict);
                }
                if around.dice.one_in(2)
                    && let Some(base) = base
                    && let Some(merging) = merging(base, &command.edit, 200_000)
                {
                    self.open.push((key.clone(), merging));
                }
            }
            _ => {}
        }
    }

    fn conflict<R>(
        &self,
        around: &mut Surroundings<'_, R>,
        command: &Command,
        base: Option<&Stored>,
        head: Option<&Head>,
    ) -> LoggedConflict {
        let place = |version: u64, seq: u64| VersionPlace { version, seq };
        LoggedConflict {
            id: format!("c{}", around.board.serial()),
            at: around.now,
            key: command.key.clone(),
            by: Arc::clone(&self.name),
            method: "PUT".into(),
            kind: "stale-version".into(),
            paths: vec!["/title".into()],
            base: base.map(|base| place(base.version, base.seq)),
            current: head.map(|head| place(head.version, head.seq)),
            edit: lost_edit(&command.edit),
            agent: None,
            settlement: None,
        }
    }
}

fn lost_edit(edit: &Edit) -> LostEdit {
    match edit {
        Edit::Put(proposal) | Edit::Restore(proposal) => LostEdit::Document(proposal.body.clone()),
        Edit::Patch(patching) => match &*patching.patch {
            Patch::Merge(patch) => LostEdit::MergePatch(patch.to_text().into()),
            Patch::Json(_) => LostEdit::JsonPatch(Bytes::from_static(b"[]")),
        },
        Edit::Merge(merging) => match &merging.ours {
            Some(ours) => LostEdit::Document(ours.to_text().into()),
            None => LostEdit::Deletion,
        },
        Edit::Delete => LostEdit::Deletion,
    }
}
