use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::json::Value;
use crate::merge::{Choices, Chosen, Merge, merge};
use crate::rules::{Rules, Violation};
use crate::{Collision, Conflict, Proposal, Stored};

/// An edit, and all that joining it with a later version takes.
#[derive(Clone, Debug)]
pub struct Merging {
    /// The version that the writer began from; `None`: from nothing.
    pub base: Option<Arc<Stored>>,
    /// Its document.
    pub base_document: Option<Arc<Value>>,
    /// What the writer made of it; `None`: nothing.
    pub ours: Option<Arc<Value>>,
    pub choices: Choices,
    /// The document that the choices were made on. Where it is stored no more, a choice holds only
    /// for what did not change since.
    pub seen: Option<Arc<Value>>,
    /// How large a document may be, in bytes.
    pub max_bytes: usize,
}

/// Why an edit could not be joined.
#[derive(Clone, Debug)]
pub enum Unmerged {
    /// Both sides touched the same places.
    Conflicts,
    /// The join breaks the schema, which neither side did.
    Invalid(Vec<Violation>),
}

impl Merging {
    /// The number of the version that the writer began from; 0: from nothing.
    pub fn base_version(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.version)
    }

    /// Joins the edit with `theirs`.
    pub fn join(&self, rules: &Rules, theirs: &Value) -> Merge {
        let onto = |theirs: &Value, choices: &Choices| {
            let (base, ours) = (self.base_document.as_deref(), self.ours.as_deref());
            merge(base, ours, Some(theirs), &rules.strategies, choices)
        };
        let joined = onto(theirs, &self.choices);
        let Some(seen) = self.seen.as_deref().filter(|_| !self.choices.is_empty()) else {
            return joined;
        };
        let before = onto(seen, &self.choices);
        let before: HashMap<_, _> = before.chosen.iter().map(|it| (&it.path, it)).collect();
        let is_outdated = |chosen: &&Chosen| before.get(&chosen.path) != Some(chosen);
        let outdated: Vec<_> = joined.chosen.iter().filter(is_outdated).cloned().collect();
        if outdated.is_empty() {
            return joined;
        }
        let mut standing = self.choices.clone();
        for chosen in &outdated {
            standing.remove(&chosen.path);
        }
        let mut again = onto(theirs, &standing);
        let mut told: BTreeSet<_> = again.conflicts.iter().map(|it| it.path.clone()).collect();
        for chosen in outdated {
            let next = told.range(&chosen.path..).next();
            if !next.is_some_and(|it| it.starts_with(&chosen.path)) {
                told.insert(chosen.path.clone());
                // No longer a collision; but what was decided was decided on something else.
                again.conflicts.push(Conflict {
                    collision: Collision::EditEdit,
                    strategy: rules.strategies.name_at(&chosen.path),
                    path: chosen.path,
                    base: chosen.base,
                    ours: chosen.ours,
                    theirs: chosen.theirs,
                    obstacle: None,
                });
            }
        }
        again
    }

    /// The document that the join comes to; `None` if nothing is left.
    ///
    /// # Errors
    ///
    /// [`Unmerged`] if it comes to no document that could be stored.
    pub fn outcome(&self, rules: &Rules, theirs: &Value) -> Result<Option<Proposal>, Unmerged> {
        let joined = self.join(rules, theirs);
        if !joined.is_clean() {
            return Err(Unmerged::Conflicts);
        }
        let made = joined
            .document
            .map(|document| Proposal::made(rules, document, self.max_bytes));
        made.transpose().map_err(Unmerged::Invalid)
    }
}
