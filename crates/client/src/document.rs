use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ContentError, Error};
use crate::json::Json;
use crate::snapshot::Snapshot;
use crate::tag::Tag;
use crate::view;

/// A document as it was at one version.
///
/// Change [`value`](Self::value) and pass the document to [`replace`](crate::Collection::replace):
/// members that `T` does not have stay as they were.
#[derive(Clone)]
pub struct Document<T = Json> {
    pub value: T,
    id: String,
    origin: Snapshot,
}

impl<T: DeserializeOwned> Document<T> {
    pub(crate) fn new(id: &str, origin: Snapshot) -> Result<Self, ContentError> {
        Ok(Self {
            id: id.to_owned(),
            value: view::read(&origin.tree)?,
            origin,
        })
    }

    /// The result of a write. If it cannot be read, the write was still applied.
    pub(crate) fn written(id: &str, stored: Snapshot) -> Result<Self, Error> {
        Self::new(id, stored).map_err(|error| Error::Applied(Box::new(error.into())))
    }
}

impl<T> Document<T> {
    /// The id of the document in its collection.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// 1, 2, 3 and so on; `None` on servers that do not count versions.
    pub fn version(&self) -> Option<u64> {
        self.origin.version
    }

    /// `None` if the server did not send one, as after some writes: then read the document again
    /// before you change it.
    pub fn tag(&self) -> Option<&Tag> {
        self.origin.tag.as_ref()
    }

    /// The document as it was read, including the members that `T` does not have.
    pub fn whole(&self) -> Json {
        Json(self.origin.tree.clone())
    }

    pub(crate) fn into_origin(self) -> Snapshot {
        self.origin
    }

    pub(crate) fn origin(&self) -> &Snapshot {
        &self.origin
    }
}

impl<T: Serialize + DeserializeOwned> Document<T> {
    /// The document with the changes made in `value`.
    pub(crate) fn edited(&self) -> Result<detente_core::json::Value, ContentError> {
        view::put_back(&self.origin.tree, &self.value)
    }
}

impl<T> Deref for Document<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Document<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Document<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("id", &self.id)
            .field("version", &self.origin.version)
            .field("tag", &self.origin.tag)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}
