use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::condition::Condition;
use crate::document::Document;
use crate::draft::Draft;
use crate::error::{ContentError, Error, TryUpdateError};
use crate::json::Json;
use crate::patch::Patch;
use crate::resource::{JSON, Joining, Outcome, Resource, Settled};
use crate::row::Rows;
use crate::transport::{Repeat, Request, Transport, new_key};
use crate::update;
use crate::view;
use crate::watch::{Since, Watch};

/// Documents of one kind, each with an id. They are read as `T`.
///
/// `T` may have fewer members than a document: [`update`](Self::update), [`edit`](Self::edit) and
/// [`replace`](Self::replace) keep the other members, since they write a changed copy of what was
/// read.
pub struct Collection<T = Json> {
    transport: Arc<Transport>,
    names: Vec<String>,
    shown_as: PhantomData<fn() -> T>,
}

impl<T> Collection<T> {
    /// A name with slashes in it is a path.
    pub(crate) fn new(transport: Arc<Transport>, name: &str) -> Self {
        Self {
            transport,
            names: name.split('/').map(str::to_owned).collect(),
            shown_as: PhantomData,
        }
    }

    fn url(&self, more: &[&str]) -> Result<Url, Error> {
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        self.transport.url(&[&names, more].concat())
    }

    fn resource(&self, id: &str) -> Result<Resource, Error> {
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        Resource::new(Arc::clone(&self.transport), &names, id)
    }
}

/// Reading.
impl<T: DeserializeOwned> Collection<T> {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] or [`Error::Deleted`] if there is no such document.
    pub async fn get(&self, id: &str) -> Result<Document<T>, Error> {
        let resource = self.resource(id)?;
        let snapshot = resource.read(&mut resource.pace()).await?;
        Ok(Document::new(id, snapshot)?)
    }

    /// Reads the document again if it has changed since, and returns whether it has. In that case,
    /// unsaved edits in the copy are lost.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn refresh(&self, document: &mut Document<T>) -> Result<bool, Error> {
        let resource = self.resource(document.id())?;
        let mut pace = resource.pace();
        let newer = match document.tag() {
            Some(tag) => resource.read_unless(tag, &mut pace).await?,
            None => Some(resource.read(&mut pace).await?),
        };
        let changed = newer.is_some();
        if let Some(newer) = newer {
            *document = Document::new(&resource.id, newer)?;
        }
        Ok(changed)
    }

    /// The documents that `query` selects, such as `[("stock.gt", "0"), ("sort", "-price")]`.
    ///
    /// # Errors
    ///
    /// [`Error::Name`]; all others come up as the rows are read.
    pub fn list(&self, query: &[(&str, &str)]) -> Result<Rows<T>, Error> {
        let mut url = self.url(&[])?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Rows::new(Arc::clone(&self.transport), url))
    }

    /// The versions of a document, the newest first; also of one that was deleted.
    ///
    /// # Errors
    ///
    /// [`Error::Name`]; all others come up as the rows are read.
    pub fn history(&self, id: &str) -> Result<Rows<T>, Error> {
        let url = self.url(&[id, "versions"])?;
        Ok(Rows::new(Arc::clone(&self.transport), url))
    }

    /// One version of a document. To bring it back, [`update`](Self::update) the document to its
    /// value.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if there is no such version, [`Error::Deleted`] if it is a deletion.
    pub async fn version(&self, id: &str, number: u64) -> Result<Document<T>, Error> {
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        let path = [&names[..], &[id, "versions"]].concat();
        let version = Resource::new(Arc::clone(&self.transport), &path, &number.to_string())?;
        let snapshot = version.read(&mut version.pace()).await?;
        Ok(Document::new(id, snapshot)?)
    }

    /// The changes of all documents of the collection, as they happen.
    ///
    /// # Errors
    ///
    /// If the server has no such feed. Once this has returned, no change is missed.
    pub async fn watch(&self, since: Since) -> Result<Watch<T>, Error> {
        let url = self.url(&["_changes"])?;
        Watch::open(Arc::clone(&self.transport), url, since).await
    }

    /// The changes of one document, as they happen.
    ///
    /// # Errors
    ///
    /// As [`watch`](Self::watch).
    pub async fn watch_document(&self, id: &str, since: Since) -> Result<Watch<T>, Error> {
        let url = self.url(&[id, "_changes"])?;
        Watch::open(Arc::clone(&self.transport), url, since).await
    }
}

/// Changing what is there.
impl<T: Serialize + DeserializeOwned> Collection<T> {
    /// Changes a document by an intent: "one less", "add this line".
    ///
    /// `change` runs on what is stored, and the result is saved if nobody saved in between. If
    /// somebody did, `change` runs again on what they saved, so it should have no other effects. If
    /// it changes nothing, nothing is written.
    ///
    /// The first retry follows at once, with the document in the refusal; each later one reads the
    /// document again after a random pause. [`crate::Retry`] says how often and how long.
    ///
    /// # Errors
    ///
    /// [`Error::Contended`] if others were faster each time. What a rule refuses
    /// ([`Error::Duplicate`], [`Error::Refused`], [`Error::Invalid`], [`Error::Locked`],
    /// [`Error::Deleted`]) is not retried.
    pub async fn update(
        &self,
        id: &str,
        mut change: impl FnMut(&mut T),
    ) -> Result<Document<T>, Error> {
        let change = |value: &mut T| {
            change(value);
            Ok::<_, Infallible>(())
        };
        self.try_update(id, change).await.map_err(update::unaborted)
    }

    /// Like [`update`](Self::update), but `change` can call the update off.
    ///
    /// # Errors
    ///
    /// [`TryUpdateError::Aborted`] with what `change` returned; nothing was written. Otherwise as
    /// [`update`](Self::update).
    pub async fn try_update<E>(
        &self,
        id: &str,
        change: impl FnMut(&mut T) -> Result<(), E>,
    ) -> Result<Document<T>, TryUpdateError<E>> {
        update::run(&self.resource(id)?, None, change).await
    }

    /// Like [`try_update`](Self::try_update), but starts from a copy that the caller has. If that
    /// is the current version, this saves a request.
    ///
    /// # Errors
    ///
    /// As [`try_update`](Self::try_update).
    pub async fn try_update_from<E>(
        &self,
        document: Document<T>,
        change: impl FnMut(&mut T) -> Result<(), E>,
    ) -> Result<Document<T>, TryUpdateError<E>> {
        let resource = self.resource(document.id())?;
        let known = document.into_origin();
        let known = Some(known).filter(|known| known.tag.is_some());
        update::run(&resource, known, change).await
    }

    /// Starts to edit a document; saving merges the edit with what others saved in the meantime.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn edit(&self, id: &str) -> Result<Draft<T>, Error> {
        let document = self.get(id).await?;
        self.edit_from(document)
    }

    /// Like [`edit`](Self::edit), but starts from a copy that the caller has.
    ///
    /// # Errors
    ///
    /// [`Error::Name`].
    pub fn edit_from(&self, document: Document<T>) -> Result<Draft<T>, Error> {
        Ok(Draft::new(self.resource(document.id())?, document))
    }

    /// Saves the document, unless somebody else has saved since it was read.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] if somebody has.
    pub async fn replace(&self, document: &Document<T>) -> Result<Document<T>, Error> {
        let resource = self.resource(document.id())?;
        let mut pace = resource.pace();
        let (base, ours) = (document.origin(), document.edited()?);
        let condition = Condition::from(base.needed_tag()?);
        let put = resource.put(&ours, &condition, Joining::Unwanted, &mut pace);
        let stored = match put.await? {
            Outcome::Applied(answer) => resource.stored(&answer, Some(&ours), &mut pace).await?,
            Outcome::Refused(refused) => {
                let edit = Some((Some(base), &ours));
                match resource
                    .settle(refused, &condition, edit, &mut pace)
                    .await?
                {
                    Settled::Done(stored) => stored,
                    Settled::Stale(stale) => return Err(Error::Stale(stale)),
                }
            }
        };
        Document::written(&resource.id, stored)
    }
}

/// Writing.
impl<T: Serialize + DeserializeOwned> Collection<T> {
    /// Creates a document with an id that the server chooses.
    ///
    /// # Errors
    ///
    /// [`Error::Uncertain`] if the answer was lost and the server keeps no idempotency keys. If
    /// that matters, [`insert`](Self::insert) with an id that nobody else uses.
    pub async fn create(&self, value: &T) -> Result<Document<T>, Error> {
        self.create_once(&new_key(), value).await
    }

    /// Like [`create`](Self::create), but with the caller's idempotency key: the same key with the
    /// same document creates one document, however often it is sent, even by another process.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create); [`Error::Failed`] if the key was used for another document.
    pub async fn create_once(&self, key: &str, value: &T) -> Result<Document<T>, Error> {
        if !key
            .bytes()
            .all(|byte| matches!(byte, 0x20..=0x7e) && !b"\"\\".contains(&byte))
        {
            return Err(Error::Name(key.to_owned(), "an idempotency key"));
        }
        let sent = view::write(value)?;
        let request = Request {
            method: Method::POST,
            url: self.url(&[])?,
            headers: HeaderMap::new(),
            body: Some((JSON, Bytes::from(sent.to_text()))),
            repeat: Repeat::Keyed(key.to_owned()),
        };
        let mut pace = self.transport.pace();
        let answer = self.transport.send(&request, &mut pace).await?;
        if !answer.status.is_success() {
            return Err(Error::of(answer.problem()));
        }
        let unread = |error: Error| Error::Applied(Box::new(error));
        let id = answer.created_id();
        let id = id.ok_or_else(|| unread(ContentError::Lacks("Location").into()))?;
        let resource = self.resource(&id).map_err(unread)?;
        let stored = resource.stored(&answer, Some(&sent), &mut pace).await?;
        Document::written(&id, stored)
    }

    /// Creates a document with an id that the caller chooses.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    pub async fn insert(&self, id: &str, value: &T) -> Result<Document<T>, Error> {
        let written = self.put(id, value, Condition::Absent).await;
        written.map_err(|error| match error {
            Error::Stale(stale) => Error::Exists(stale),
            error => error,
        })
    }

    /// Reads the document, or creates it with `value` if there is none.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) and [`insert`](Self::insert), except those that say whether the
    /// document exists.
    pub async fn get_or_insert(&self, id: &str, value: &T) -> Result<Document<T>, Error> {
        match self.get(id).await {
            Err(Error::Missing(_) | Error::Deleted(_)) => {}
            found => return found,
        }
        match self.insert(id, value).await {
            Err(Error::Exists(_)) => self.get(id).await,
            inserted => inserted,
        }
    }

    /// Replaces or creates a whole document, if `condition` holds. Nothing that was there before is
    /// kept; [`update`](Self::update) and [`replace`](Self::replace) keep members that `T` does not
    /// have.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] if the condition does not hold.
    pub async fn put(
        &self,
        id: &str,
        value: &T,
        condition: impl Into<Condition>,
    ) -> Result<Document<T>, Error> {
        let (condition, ours) = (condition.into(), view::write(value)?);
        let resource = self.resource(id)?;
        let mut pace = resource.pace();
        let put = resource.put(&ours, &condition, Joining::Unwanted, &mut pace);
        let stored = match put.await? {
            Outcome::Applied(answer) => resource.stored(&answer, Some(&ours), &mut pace).await?,
            Outcome::Refused(refused) => {
                let edit = Some((None, &ours));
                match resource
                    .settle(refused, &condition, edit, &mut pace)
                    .await?
                {
                    Settled::Done(stored) => stored,
                    Settled::Stale(stale) => return Err(Error::Stale(stale)),
                }
            }
        };
        Document::written(id, stored)
    }

    /// Changes parts of a document.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] if the condition does not hold, [`Error::Refused`] if the patch does not
    /// apply.
    pub async fn patch(
        &self,
        id: &str,
        patch: &Patch,
        condition: impl Into<Condition>,
    ) -> Result<Document<T>, Error> {
        let condition = condition.into();
        let resource = self.resource(id)?;
        let mut pace = resource.pace();
        let body = Some(patch.body());
        let sent = resource.write(Method::PATCH, body, &condition, Joining::Default, &mut pace);
        let stored = match sent.await? {
            Outcome::Applied(answer) => resource.stored(&answer, None, &mut pace).await?,
            Outcome::Refused(refused) => {
                match resource
                    .settle(refused, &condition, None, &mut pace)
                    .await?
                {
                    Settled::Done(stored) => stored,
                    Settled::Stale(stale) => return Err(Error::Stale(stale)),
                }
            }
        };
        Document::written(id, stored)
    }

    /// Deletes a document. Its history stays.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] if the condition does not hold.
    pub async fn delete(&self, id: &str, condition: impl Into<Condition>) -> Result<(), Error> {
        let resource = self.resource(id)?;
        resource
            .delete(&condition.into(), &mut resource.pace())
            .await
    }
}

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            names: self.names.clone(),
            shown_as: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Collection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collection")
            .field(&self.names.join("/"))
            .finish()
    }
}
