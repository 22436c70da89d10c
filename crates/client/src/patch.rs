use bytes::Bytes;
use serde::Serialize;

use crate::error::ContentError;
use crate::view;

/// A change to parts of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    media_type: &'static str,
    text: String,
}

impl Patch {
    /// A JSON Merge Patch (RFC 7396): the members to set; null removes one.
    ///
    /// # Errors
    ///
    /// [`ContentError`] if the value cannot be written as JSON.
    pub fn merge(members: &impl Serialize) -> Result<Self, ContentError> {
        Self::new("application/merge-patch+json", members)
    }

    /// A JSON Patch (RFC 6902): a list of operations, all or none. On Detente, a patch with a
    /// `test` operation needs no other condition.
    ///
    /// # Errors
    ///
    /// [`ContentError`] if the value cannot be written as JSON.
    pub fn operations(operations: &impl Serialize) -> Result<Self, ContentError> {
        Self::new("application/json-patch+json", operations)
    }

    fn new(media_type: &'static str, value: &impl Serialize) -> Result<Self, ContentError> {
        let text = view::write(value)?.to_text();
        Ok(Self { media_type, text })
    }

    pub(crate) fn body(&self) -> (&'static str, Bytes) {
        (self.media_type, Bytes::from(self.text.clone()))
    }
}
