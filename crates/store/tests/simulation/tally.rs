use std::collections::BTreeMap;

use detente_core::rules::Deed;
use detente_core::{Edit, LockAction, Prepared};
use detente_store::{Order, Transaction};

use crate::answer::{Answer, Refused, Told, Why};

/// How often what happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(pub(crate) BTreeMap<&'static str, u64>);

impl Tally {
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    pub(crate) fn count_order(&mut self, order: &Order) {
        match order {
            Order::Log(_) => self.count("asked: log"),
            Order::Flush => self.count("asked: flush"),
            Order::Lock(command) => self.count(match command.action {
                LockAction::Take { .. } => "asked: take a lock",
                LockAction::Renew { .. } => "asked: renew a lock",
                LockAction::Release { .. } => "asked: release a lock",
                LockAction::Break => "asked: break a lock",
            }),
            Order::Write(asked) => {
                if asked.writes.len() > 1 {
                    self.count("asked: transaction");
                }
                for (prepared, _) in &asked.writes {
                    let command = &prepared.command;
                    self.count(match command.edit {
                        Edit::Put(_) => "asked: put",
                        Edit::Restore(_) => "asked: restore",
                        Edit::Patch(_) => "asked: patch",
                        Edit::Merge(_) => "asked: merge",
                        Edit::Delete => "asked: delete",
                    });
                    if prepared.ahead.is_some() {
                        self.count("asked: worked out ahead");
                    }
                    if is_judged_ahead(prepared) {
                        self.count("asked: judged ahead");
                    }
                    if matches!(&command.edit, Edit::Merge(it) if !it.choices.is_empty()) {
                        self.count("asked: merge with choices");
                    }
                }
            }
        }
    }

    pub(crate) fn count_answer(&mut self, order: &Order, answer: &Answer) {
        let asked = match order {
            Order::Write(asked) => Some(asked),
            _ => None,
        };
        match answer {
            Answer::Applied(all) => {
                self.count("applied");
                if asked.is_some_and(|asked| asked.writes.len() > 1) {
                    self.count("applied: transaction");
                }
                if asked.is_some_and(|asked| !asked.settles.is_empty()) {
                    self.count("applied: settlement");
                }
                for told in all {
                    self.count_told(told);
                }
            }
            Answer::Refused(all) => {
                all.iter().for_each(|told| self.count_told(told));
                if let Some(asked) = asked {
                    self.count_denied(asked, all);
                }
            }
            Answer::Rehearsed(_) => self.count("rehearsed"),
            Answer::Replayed(_) => self.count("replayed"),
            Answer::KeyReused => self.count("key reused"),
            Answer::NotOpen(Some(_)) => self.count("settled already"),
            Answer::NotOpen(None) => self.count("no such conflict"),
            Answer::Held(_) => self.count("lock held"),
            Answer::Freed(_) => self.count("lock freed"),
            Answer::LockRefused(refused) => self.count(refused.why.name()),
            Answer::Noted => {}
        }
    }

    fn count_denied(&mut self, asked: &Transaction, all: &[Told]) {
        for ((prepared, _), told) in asked.writes.iter().zip(all) {
            let Told::Refused(Refused {
                why: Why::Denied(deed),
                ..
            }) = told
            else {
                continue;
            };
            self.count(match deed {
                Deed::Create => "denied: create",
                Deed::Update => "denied: update",
                Deed::Delete => "denied: delete",
            });
            match prepared.command.edit {
                Edit::Merge(_) => self.count("denied: merge"),
                Edit::Restore(_) => self.count("denied: restore"),
                _ => {}
            }
            if asked.writes.len() > 1 {
                self.count("denied: transaction");
            }
            if is_judged_ahead(prepared) {
                self.count("denied: judged ahead");
            }
        }
    }

    fn count_told(&mut self, told: &Told) {
        match told {
            Told::Applied(version) if version.base.is_some() => self.count("merged"),
            Told::Applied(_) => {}
            Told::Refused(refused) => self.count(refused.why.name()),
            Told::Behind(_) => self.count("behind"),
        }
    }
}

fn is_judged_ahead(prepared: &Prepared) -> bool {
    let ahead = prepared.ahead.as_ref();
    ahead.is_some_and(|ahead| ahead.verdict.is_some())
}
