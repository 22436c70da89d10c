use std::sync::Arc;

use detente_core::{Key, Preconditions, ROOT};

use super::Entry;
use super::tree::{ATTEMPTS, present};
use crate::explanation::{Explanation, What};
use crate::{Ask, Done, Edited, OnceKey, Outcome, Principal, Service};

/// How many files and folders go with a folder at most: all of them in one step.
const MOST_REMOVED: usize = 10_000;

impl Service {
    /// Removes a file; or a folder with all that is in it, in one step.
    ///
    /// # Errors
    ///
    /// Why nothing was removed. A conflict with others is in the conflict log then.
    pub async fn remove_file(
        &self,
        principal: &Principal,
        key: &Key,
        conditions: &Preconditions,
        lock_token: Option<Arc<str>>,
        once: Option<OnceKey<'_>>,
    ) -> Outcome<Done> {
        let once = once.map(|it| it.once(&principal.name, b""));
        // Held until there is an answer.
        let _turn = self.enter(once.as_ref())?;
        for _ in 0..ATTEMPTS {
            // The folder itself is looked at before what is in it: what changes there later changes it.
            let seen = self.look(key).await?;
            let is_folder = matches!(seen.target.entry, Some(Entry::Folder));
            if is_folder && key.id() == ROOT {
                return Err(Explanation::of(What::IsTheRoot, key));
            }
            let ask = |key: Key, conditions| Ask {
                key,
                edit: Edited::Deletion,
                conditions,
                lock_token: lock_token.clone(),
                on_conflict: None,
                verb: "DELETE",
            };
            let mut asks = Vec::new();
            if is_folder {
                let below = self.all_below(key, MOST_REMOVED).await?;
                let below = below.ok_or_else(|| {
                    Explanation::of(
                        What::TooMuchBelow {
                            limit: MOST_REMOVED,
                        },
                        key,
                    )
                })?;
                asks.extend(below.into_iter().map(|key| ask(key, present())));
            }
            let pinned = self.pin(&seen, conditions).await?;
            asks.push(ask(key.clone(), pinned.conditions.clone()));
            match self.write_at(principal, &seen, asks, once).await {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                Err(it) if pinned.is_behind(&it) => {}
                Err(explanation) => return Err(explanation.log(self).await),
            }
        }
        Err(What::Busy.into())
    }
}
