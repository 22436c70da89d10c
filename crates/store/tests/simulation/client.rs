//! Somebody who reads, edits, locks, asks again, and may know less than there is to know.

mod command; // one write
mod memory; // what a client has seen, and what it learns from answers
mod resumed; // an edit that was left lying

use std::sync::Arc;

use detente_core::{Key, LockAction, LockCommand, LockTerms, Moment, Once};
use detente_store::{Order, Reader, SettleConflict, SettledAs, Transaction};

use crate::collection::rules_of;
use crate::dice::Dice;
pub(crate) use memory::Client;
pub(crate) use resumed::LookUp;

/// What all clients have in common.
pub(crate) struct Surroundings<'a, R> {
    pub(crate) dice: &'a mut Dice,
    pub(crate) reader: R,
    pub(crate) now: Moment,
    pub(crate) board: &'a mut Board,
    /// The documents that it is all about.
    pub(crate) keys: &'a [Key],
}

/// What goes round among clients.
#[derive(Default)]
pub(crate) struct Board {
    serial: u64,
    /// The ids of conflicts that somebody may settle.
    pub(crate) conflicts: Vec<String>,
    /// Tokens of locks, whether they are held or not.
    pub(crate) tokens: Vec<Arc<str>>,
    /// What was found of the versions that old edits began from, since somebody last took note.
    pub(crate) looked_up: Vec<LookUp>,
}

impl Board {
    /// A number that was never used before.
    pub(crate) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// One of the last few.
    fn late<'a, T>(dice: &mut Dice, among: &'a [T]) -> Option<&'a T> {
        let late = &among[among.len().saturating_sub(4)..];
        (!late.is_empty()).then(|| dice.pick(late))
    }
}

#[derive(Clone, Copy)]
enum Wish {
    Write,
    Transaction,
    Lock,
    Settle,
    Again,
    Flush,
}

impl Client {
    /// What this client asks for next.
    pub(crate) fn ask<R: Reader>(&mut self, around: &mut Surroundings<'_, R>) -> Order {
        if let Some(conflict) = self.to_log.pop() {
            return Order::Log(Arc::new(conflict));
        }
        let wish = around.dice.weigh(&[
            (60, Wish::Write),
            (14, Wish::Transaction),
            (12, Wish::Lock),
            (5, Wish::Settle),
            (8, Wish::Again),
            (1, Wish::Flush),
        ]);
        match wish {
            Wish::Write => Order::Write(self.transaction(around, 1)),
            Wish::Transaction => {
                let count = 2 + around.dice.index(4);
                Order::Write(self.transaction(around, count))
            }
            Wish::Lock => Order::Lock(self.lock(around)),
            Wish::Settle => Order::Write(self.settlement(around)),
            Wish::Again => match self.again(around) {
                Some(transaction) => Order::Write(transaction),
                None => Order::Write(self.transaction(around, 1)),
            },
            Wish::Flush => Order::Flush,
        }
    }

    fn transaction<R: Reader>(
        &mut self,
        around: &mut Surroundings<'_, R>,
        count: usize,
    ) -> Transaction {
        // Of many writes one fails easily, and then all do.
        let is_careful = count > 1 && !around.dice.one_in(4);
        let writes = (0..count).map(|_| {
            let key = around.dice.pick(around.keys);
            let prepared = self.command(around, key, is_careful);
            let rules = rules_of(&prepared.command.key);
            (prepared, rules)
        });
        let writes = writes.collect();
        let once = around.dice.one_in(4).then(|| Once {
            scope: digest(around.board.serial()),
            payload: digest(around.board.serial()),
        });
        Transaction {
            writes,
            once,
            settles: Vec::new(),
            is_rehearsal: around.dice.one_in(15),
        }
    }

    fn settlement<R: Reader>(&mut self, around: &mut Surroundings<'_, R>) -> Transaction {
        let known = Board::late(around.dice, &around.board.conflicts).cloned();
        let id = match known {
            Some(id) if !around.dice.one_in(20) => id,
            _ => "nothing".to_owned(),
        };
        let count = around.dice.index(2);
        let outcome = match count {
            0 => SettledAs::Dismissed,
            _ => SettledAs::Resolved,
        };
        let mut ids = vec![id];
        // Several may be dismissed at once.
        let other = Board::late(around.dice, &around.board.conflicts).cloned();
        ids.extend(other.filter(|other| count == 0 && around.dice.one_in(2) && *other != ids[0]));
        let has_reason = outcome == SettledAs::Dismissed && around.dice.one_in(2);
        let reason = has_reason.then(|| Arc::clone(&self.name));
        let settles = |id| SettleConflict {
            space: "default".into(),
            id,
            by: Arc::clone(&self.name),
            outcome,
            reason: reason.clone(),
        };
        Transaction {
            settles: ids.into_iter().map(settles).collect(),
            ..self.transaction(around, count)
        }
    }

    /// What was asked before, under the same key; sometimes something else under the same key.
    fn again<R: Reader>(&mut self, around: &mut Surroundings<'_, R>) -> Option<Transaction> {
        let mut again = Board::late(around.dice, &self.asked_once)?.clone();
        if around.dice.one_in(6)
            && let Some(once) = &mut again.once
        {
            once.payload = digest(around.board.serial());
        }
        Some(again)
    }

    fn lock<R: Reader>(&mut self, around: &mut Surroundings<'_, R>) -> LockCommand {
        let key = around.dice.pick(around.keys);
        let life_ms = 1000 + around.dice.below(40_000);
        let token = self.token(around, key).unwrap_or_else(|| "nobody's".into());
        let action = match around.dice.below(10) {
            0..=4 => LockAction::Take {
                token: format!("t{}", around.board.serial()).into(),
                owner: self.name.to_string(),
                life_ms,
                terms: LockTerms::default(),
            },
            5..=6 => LockAction::Renew { token, life_ms },
            7..=8 => LockAction::Release { token },
            _ => LockAction::Break,
        };
        LockCommand {
            key: key.clone(),
            by: Arc::clone(&self.name),
            action,
        }
    }
}

fn digest(serial: u64) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&serial.to_le_bytes());
    digest
}
