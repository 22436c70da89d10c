use std::sync::Arc;

use detente_core::{Key, ROOT, Stored};

use super::transfer::MOST;
use super::tree::{ATTEMPTS, Seen, name_of, pinned_to, present, steward};
use super::{Entry, FileTerms};
use crate::explanation::{Explanation, What};
use crate::{Done, Edited, OnceKey, Outcome, Principal, Service};

impl Service {
    /// The folders that have nothing else in them, from the inmost on. The one that they are in must have what it
    /// had, if others could empty it meanwhile.
    async fn only_for(&self, principal: &Principal, seen: &mut Seen) -> Outcome<Vec<Arc<Stored>>> {
        let (steward, mut bare) = (steward(principal), Vec::new());
        let mut inner = name_of(seen.key.id());
        for folder in seen.folders.iter_mut().skip(1).rev() {
            let Some(stored) = &folder.stored else {
                break;
            };
            let listed = self.list_folder(&steward, &folder.key, None, ATTEMPTS + 1);
            let listed = listed.await?.items;
            if listed.iter().any(|it| it.name != inner) {
                folder.is_pinned = listed.len() <= ATTEMPTS;
                break;
            }
            bare.push(Arc::clone(stored));
            inner = name_of(folder.key.id());
        }
        Ok(bare)
    }

    /// Removes a file; or a folder with all that is in it, in one step.
    ///
    /// # Errors
    ///
    /// Why nothing was removed. A conflict with others is in the conflict log then.
    pub async fn remove_file(
        &self,
        principal: &Principal,
        key: &Key,
        terms: &FileTerms,
        once: Option<OnceKey<'_>>,
    ) -> Outcome<Done> {
        let once = once.map(|it| it.once(&principal.name, b""));
        // Held until there is an answer.
        let _turn = self.enter(once.as_ref())?;
        for _ in 0..ATTEMPTS {
            // The folder itself is looked at before what is in it: what changes there later changes it.
            let mut seen = self.look(key).await?;
            self.admit(terms, &mut [&mut seen])?;
            let is_folder = matches!(seen.target.entry, Some(Entry::Folder));
            if is_folder && key.id() == ROOT {
                return Err(Explanation::of(What::IsTheRoot, key));
            }
            if is_folder && terms.prunes {
                return Err(Explanation::of(What::IsAFolder, key));
            }
            let ask =
                |key: &Key, conditions| terms.ask(key, Edited::Deletion, conditions, "DELETE");
            let mut asks = Vec::new();
            if is_folder {
                let below = self.all_below(key, MOST).await?;
                let below = below
                    .ok_or_else(|| Explanation::of(What::TooMuchBelow { limit: MOST }, key))?;
                asks.extend(below.iter().map(|it| ask(&it.key, present())));
            }
            if terms.prunes {
                let bare = self.only_for(principal, &mut seen).await?;
                asks.extend(bare.into_iter().map(|it| ask(&it.key, pinned_to(&it))));
            }
            let pinned = self.pin(&seen, terms).await?;
            asks.push(ask(key, pinned.conditions.clone()));
            match self
                .write_at(principal, &[(&seen, true)], asks, terms, once)
                .await
            {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                Err(it) if pinned.is_behind(&it) => {}
                Err(explanation) => return Err(explanation.log(self).await),
            }
        }
        Err(What::Busy.into())
    }
}
