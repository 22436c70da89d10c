//! Edits: merged with whatever came in between, by the server if it can, otherwise by the client.

use detente_core::json::Value;
use detente_core::merge::Choices;

use crate::condition::Condition;
use crate::conflict::Stale;
use crate::error::Error;
use crate::pace::Pace;
use crate::resource::{Joining, Outcome, Refused, Resource, Settled};
use crate::snapshot::Snapshot;
use crate::transport::Answer;
use crate::update::contended;

/// Called if edits conflict.
pub(crate) type Decide = dyn FnMut(&Stale) -> Option<Choices> + Send;

/// An edit to be saved: its base, and the document as it should be.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) base: Snapshot,
    pub(crate) ours: Value,
    /// Whether it now contains edits by others.
    pub(crate) merged: bool,
}

/// An edit that was applied.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) stored: Snapshot,
    pub(crate) merged: bool,
    pub(crate) versions: Option<(u64, u64)>,
}

/// The outcome of a decision.
#[derive(Debug)]
pub(crate) enum Decided {
    Applied(Applied),
    /// An edit that is now based on what is stored, and must be sent.
    Rebased(Edit),
    /// The document has changed in the meantime.
    Stale(Edit, Box<Stale>),
}

/// Saves `edit`; calls `decide` if it conflicts with another.
pub(crate) async fn save(
    resource: &Resource,
    mut edit: Edit,
    decide: &mut Option<Box<Decide>>,
    pace: &mut Pace,
) -> Result<Applied, Error> {
    while edit.ours != edit.base.tree {
        let condition = Condition::from(edit.base.needed_tag()?);
        let sent = resource.put(&edit.ours, &condition, Joining::Wanted, pace);
        let refused = match sent.await? {
            Outcome::Applied(answer) => return edit.applied(resource, &answer, pace).await,
            Outcome::Refused(refused) => refused,
        };
        let mut stale = match edit.settle(resource, refused, pace).await? {
            Settled::Done(stored) => return Ok(edit.found(stored)),
            Settled::Stale(stale) => stale,
        };
        // While somebody decides, the document may change, and then they must decide again.
        edit = loop {
            let choices = ask(decide, &stale)?;
            match edit.join(resource, *stale, &choices, pace).await? {
                Decided::Applied(applied) => return Ok(applied),
                Decided::Rebased(edit) => break edit,
                Decided::Stale(same, newer) => (edit, stale) = (same, newer),
            }
        };
    }
    let stored = edit.base.clone();
    Ok(edit.found(stored))
}

/// Somebody's choices. None are needed if nothing conflicts.
fn ask(decide: &mut Option<Box<Decide>>, stale: &Stale) -> Result<Choices, Error> {
    if stale.conflicts.is_empty() {
        return Ok(Choices::new());
    }
    let choices = decide.as_mut().and_then(|decide| decide(stale));
    choices.ok_or_else(|| Error::Stale(Box::new(stale.clone())))
}

impl Edit {
    /// Merges the edit with what `stale` contains, using `choices`: on the server if it can, else
    /// here.
    pub(crate) async fn join(
        self,
        resource: &Resource,
        stale: Stale,
        choices: &Choices,
        pace: &mut Pace,
    ) -> Result<Decided, Error> {
        let base = self.base.needed_tag()?;
        if let Some(current) = stale.current_tag.as_ref().filter(|_| stale.is_told()) {
            let merged = resource.merge(base, &self.ours, choices, current, pace);
            match merged.await? {
                Some(Outcome::Applied(answer)) => {
                    let stored = resource.stored(&answer, None, pace).await?;
                    return Ok(Decided::Applied(Applied {
                        stored,
                        merged: true,
                        versions: answer.merged_versions(),
                    }));
                }
                Some(Outcome::Refused(refused)) => {
                    return match self.settle(resource, refused, pace).await? {
                        Settled::Done(stored) => Ok(Decided::Applied(self.found(stored))),
                        Settled::Stale(stale) => Ok(Decided::Stale(self, stale)),
                    };
                }
                None => {}
            }
        }
        let theirs = match stale.snapshot() {
            Some(theirs) => theirs,
            None => resource.read(pace).await?,
        };
        self.rebase(theirs, choices, stale).map(Decided::Rebased)
    }

    fn rebase(self, theirs: Snapshot, choices: &Choices, stale: Stale) -> Result<Self, Error> {
        let merge = self.base.merge(&self.ours, &theirs.tree, choices);
        if !merge.is_clean() {
            return Err(Error::Stale(Stale::found(stale.problem, theirs, merge)));
        }
        let Some(ours) = merge.document else {
            return Err(Error::Deleted(Box::new(stale.problem)));
        };
        Ok(Self {
            base: theirs,
            ours,
            merged: true,
        })
    }

    async fn settle(
        &self,
        resource: &Resource,
        refused: Refused,
        pace: &mut Pace,
    ) -> Result<Settled, Error> {
        let go_on = pace.after_collision().await;
        let condition = Condition::from(self.base.needed_tag()?);
        let edit = Some((Some(&self.base), &self.ours));
        match resource.settle(refused, &condition, edit, pace).await? {
            Settled::Stale(stale) if !go_on => Err(contended(pace, stale)),
            settled => Ok(settled),
        }
    }

    async fn applied(
        &self,
        resource: &Resource,
        answer: &Answer,
        pace: &mut Pace,
    ) -> Result<Applied, Error> {
        let stored = resource.stored(answer, Some(&self.ours), pace).await?;
        let versions = answer.merged_versions();
        let merged = self.merged || versions.is_some() || answer.merged_tag().is_some();
        Ok(Applied {
            stored,
            merged,
            versions,
        })
    }

    /// The result if the edit turns out to be stored.
    fn found(self, stored: Snapshot) -> Applied {
        Applied {
            stored,
            merged: self.merged,
            versions: None,
        }
    }
}
