use std::fmt;
use std::ops::{Deref, DerefMut};

use detente_core::merge::Choices;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::conflict::Stale;
use crate::document::Document;
use crate::error::Error;
use crate::json::Json;
use crate::resource::Resource;
use crate::save::{Applied, Decide, Decided, Edit, save};
use crate::snapshot::Snapshot;
use crate::view;

/// A document that somebody is working on. [`save`](Self::save) merges the edit with what others
/// saved in the meantime.
pub struct Draft<T = Json> {
    /// The document as edited so far.
    pub value: T,
    base: Snapshot,
    resource: Resource,
    on_conflict: Option<Box<Decide>>,
}

/// The result of saving a draft.
#[derive(Clone, Debug)]
pub struct Saved<T = Json> {
    /// The document as it is stored now.
    pub document: Document<T>,
    /// Whether it contains edits by others that the draft did not have.
    pub merged: bool,
    /// The version that the draft was based on and the one that it was merged with, if the server
    /// merged them.
    pub merged_versions: Option<(u64, u64)>,
}

impl<T: Serialize + DeserializeOwned> Draft<T> {
    pub(crate) fn new(resource: Resource, document: Document<T>) -> Self {
        Self {
            base: document.origin().clone(),
            value: document.value,
            resource,
            on_conflict: None,
        }
    }

    /// Calls `decide` if edits conflict. It returns a choice for every place in
    /// [`Stale::conflicts`], or `None` to leave the decision to the caller of [`save`](Self::save).
    ///
    /// ```
    /// # async fn example(articles: detente_client::Collection) -> Result<(), detente_client::Error> {
    /// use detente_client::Choice;
    ///
    /// let mut draft = articles.edit("45").await?;
    /// draft.on_conflict(|stale| Some(stale.choose_all(&Choice::Ours)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_conflict(
        &mut self,
        decide: impl FnMut(&Stale) -> Option<Choices> + Send + 'static,
    ) -> &mut Self {
        self.on_conflict = Some(Box::new(decide));
        self
    }

    /// The id of the document in its collection.
    pub fn id(&self) -> &str {
        &self.resource.id
    }

    /// The number of the version that the draft is based on; `None` if the server does not count.
    pub fn version(&self) -> Option<u64> {
        self.base.version
    }

    /// Saves the edit, merged with what others have saved since.
    ///
    /// The server merges them, each field by its strategy. If a server cannot merge, the client
    /// does: it merges edits of different places, while edits of one place conflict. The draft then
    /// continues from what was saved. If nothing was edited, nothing is written.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] if edits conflict and nobody decided; the draft is unchanged, and can be
    /// [resolved](Self::resolve). [`Error::Contended`] if others were faster each time.
    pub async fn save(&mut self) -> Result<Saved<T>, Error> {
        let edit = self.edited()?;
        let mut pace = self.resource.pace();
        let applied = save(&self.resource, edit, &mut self.on_conflict, &mut pace).await?;
        self.adopt(applied)
    }

    /// Saves the edit with the choices made for `stale`, the refusal of [`save`](Self::save).
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save); [`Error::Stale`] also if the document has changed again, since the
    /// choices may no longer fit.
    pub async fn resolve(&mut self, stale: &Stale, choices: &Choices) -> Result<Saved<T>, Error> {
        let edit = self.edited()?;
        let (resource, mut pace) = (&self.resource, self.resource.pace());
        let joined = edit.join(resource, stale.clone(), choices, &mut pace);
        let applied = match joined.await? {
            Decided::Applied(applied) => applied,
            Decided::Stale(_, stale) => return Err(Error::Stale(stale)),
            Decided::Rebased(edit) => {
                save(resource, edit, &mut self.on_conflict, &mut pace).await?
            }
        };
        self.adopt(applied)
    }

    fn edited(&self) -> Result<Edit, Error> {
        Ok(Edit {
            ours: view::put_back(&self.base.tree, &self.value)?,
            base: self.base.clone(),
            merged: false,
        })
    }

    /// Continues from what is stored: with the old base, the next save would undo what was merged
    /// in.
    fn adopt(&mut self, applied: Applied) -> Result<Saved<T>, Error> {
        let read = || Document::<T>::written(&self.resource.id, applied.stored.clone());
        let (document, again) = (read()?, read()?);
        self.value = again.value;
        self.base = applied.stored;
        Ok(Saved {
            document,
            merged: applied.merged,
            merged_versions: applied.versions,
        })
    }
}

impl<T> Deref for Draft<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Draft<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Draft<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("id", &self.resource.id)
            .field("value", &self.value)
            .field("version", &self.base.version)
            .finish_non_exhaustive()
    }
}
