use std::collections::{BTreeMap, BTreeSet};

use detente_store::{Conflicts, LoggedConflict, PageLimit, Reader};

use crate::model::{Model, same};
use pollster::FutureExt;

/// The conflict log as those know it who handed entries over, each to one writer.
#[derive(Default)]
pub(crate) struct Entries {
    /// All that should be there some day.
    handed_over: BTreeMap<String, (LoggedConflict, usize)>,
    /// Those that were seen in the store.
    durable: BTreeSet<String>,
}

/// How many of the entries must be in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    All,
    /// All but those that the desk says are waiting.
    Waiting,
    /// Nobody can tell.
    Unknown,
    /// What is not there is lost, rightly.
    Some,
}

impl Entries {
    pub(crate) fn hand_over(&mut self, conflict: &LoggedConflict, writer: usize) {
        self.handed_over
            .insert(conflict.id.clone(), (conflict.clone(), writer));
    }

    /// Compares the store with what was handed over, and forgets what may be lost. For each writer:
    /// what is expected, and how many it says are waiting.
    pub(crate) fn compare(
        &mut self,
        reader: &impl Reader,
        model: &mut Model,
        expected: &[(Expected, u64)],
    ) -> Result<(), String> {
        let asked = Conflicts {
            space: Some("default".into()),
            limit: PageLimit::rows(usize::MAX),
            ..Conflicts::default()
        };
        let page = reader
            .conflicts(&asked)
            .block_on()
            .map_err(|error| error.to_string())?;
        let mut found = BTreeSet::new();
        for mut conflict in page.items {
            let id = conflict.id.clone();
            let settlement = conflict.settlement.take();
            let settled = model.conflicts.get(&id).cloned();
            same("what became of a conflict", &Some(settlement), &settled)?;
            same(
                "a conflict",
                &Some(&conflict),
                &self.handed_over.get(&id).map(|(it, _)| it),
            )?;
            if !found.insert(id) {
                return Err("a conflict is there twice".into());
            }
        }
        if !self.durable.is_subset(&found) {
            return Err("a conflict that was durable is lost".into());
        }
        for (writer, (expected, waiting)) in expected.iter().enumerate() {
            let own = |(_, (_, to)): &(&String, &(LoggedConflict, usize))| *to == writer;
            let own = self.handed_over.iter().filter(own);
            let missing: Vec<_> = own
                .map(|(id, _)| id.clone())
                .filter(|id| !found.contains(id))
                .collect();
            let count = missing.len() as u64;
            match expected {
                Expected::All if count > 0 => return Err(format!("{count} conflicts are lost")),
                Expected::Waiting if count != *waiting => {
                    return Err(format!("{count} conflicts are missing, {waiting} wait"));
                }
                Expected::Some => {
                    for id in missing {
                        self.handed_over.remove(&id);
                        model.forget_conflict(&id);
                    }
                }
                _ => {}
            }
        }
        self.durable = found;
        Ok(())
    }
}
