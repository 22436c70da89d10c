use std::collections::{BTreeMap, BTreeSet};

use detente_store::{Conflicts, LoggedConflict, Reader};

use crate::model::{Model, same};

/// The conflict log as those know it who handed entries over.
#[derive(Default)]
pub(crate) struct Entries {
    /// All that should be there some day.
    handed_over: BTreeMap<String, LoggedConflict>,
    /// Those that were seen in the store.
    durable: BTreeSet<String>,
}

/// How many of the entries must be in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    All,
    /// All but those that the desk says are waiting.
    Waiting,
    /// What is not there is lost, rightly.
    Some,
}

impl Entries {
    pub(crate) fn hand_over(&mut self, conflict: &LoggedConflict) {
        self.handed_over
            .insert(conflict.id.clone(), conflict.clone());
    }

    /// Compares the store with what was handed over, and forgets what may be lost.
    pub(crate) fn compare(
        &mut self,
        reader: &impl Reader,
        model: &mut Model,
        expected: Expected,
        waiting: u64,
    ) -> Result<(), String> {
        let asked = Conflicts {
            space: "default".into(),
            limit: usize::MAX,
            ..Conflicts::default()
        };
        let page = reader
            .conflicts(&asked)
            .map_err(|error| error.to_string())?;
        let mut found = BTreeSet::new();
        for mut conflict in page.items {
            let id = conflict.id.clone();
            let settlement = conflict.settlement.take();
            let settled = model.conflicts.get(&id).cloned();
            same("what became of a conflict", &Some(settlement), &settled)?;
            same("a conflict", &Some(&conflict), &self.handed_over.get(&id))?;
            if !found.insert(id) {
                return Err("a conflict is there twice".into());
            }
        }
        if !self.durable.is_subset(&found) {
            return Err("a conflict that was durable is lost".into());
        }
        let missing = (self.handed_over.len() - found.len()) as u64;
        match expected {
            Expected::All if missing > 0 => return Err(format!("{missing} conflicts are lost")),
            Expected::Waiting if missing != waiting => {
                return Err(format!("{missing} conflicts are missing, {waiting} wait"));
            }
            Expected::Some => {
                self.handed_over.retain(|id, _| found.contains(id));
                model.conflicts.retain(|id, _| found.contains(id));
            }
            _ => {}
        }
        self.durable = found;
        Ok(())
    }
}
