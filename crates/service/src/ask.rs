use std::sync::Arc;

use bytes::Bytes;
use detente_core::json;
use detente_core::rules::{Deed, Violation};
use detente_core::{
    Condition, Edit, JsonPatch, Key, LockTokens, Patch, Patching, Preconditions, Proposal,
};

use crate::explanation::What;
use crate::offload::offload;
use crate::policy::{Collection, OnConflict};
use crate::{Action, Outcome, Principal};

/// One write, as a face hands it in.
#[derive(Clone, Debug)]
pub struct Ask {
    pub key: Key,
    pub edit: Edited,
    pub conditions: Preconditions,
    /// The tokens of locks that the writer holds, or believes to hold.
    pub lock_tokens: LockTokens,
    /// Whether it only says that something in a folder changed.
    pub is_inner: bool,
    /// What is to become of the edit where it is stale; `None`: what the collection says.
    pub on_conflict: Option<OnConflict>,
    /// How the write was asked for, as its face names it: PUT, PATCH and so on.
    pub verb: &'static str,
}

/// How a document is edited. Texts are as they were sent.
#[derive(Clone, Debug)]
pub enum Edited {
    /// It becomes this.
    Document(Bytes),
    /// RFC 7396.
    MergePatch(Bytes),
    /// RFC 6902.
    JsonPatch(Bytes),
    Deletion,
}

impl Ask {
    /// What its writer has no right to, where only what is stored tells whether the write is that: one
    /// that names no version may create and may replace.
    ///
    /// # Errors
    ///
    /// [`What::Denied`] if they have no right to what it is in any case.
    pub(crate) fn lacks(&self, principal: &Principal) -> Outcome<Option<Deed>> {
        let key = &self.key;
        let replaces = self.conditions.if_match.is_some();
        let creates = matches!(self.conditions.if_none_match, Some(Condition::Any));
        match &self.edit {
            Edited::Deletion => principal.must(Action::Delete, key)?,
            Edited::Document(_) if creates && !replaces => principal.must(Action::Create, key)?,
            Edited::Document(_) if !replaces => {
                let lacks = |deed: &Deed| !principal.may(Action::from(*deed), key);
                let lacking: Vec<_> = [Deed::Create, Deed::Update]
                    .into_iter()
                    .filter(lacks)
                    .collect();
                return match lacking[..] {
                    [] => Ok(None),
                    [deed] => Ok(Some(deed)),
                    _ => principal.must(Action::Create, key).map(|()| None),
                };
            }
            _ => principal.must(Action::Update, key)?,
        }
        Ok(None)
    }
}

impl Edited {
    /// What is sent, as bytes; none for a deletion.
    pub(crate) fn sent(&self) -> Bytes {
        match self {
            Self::Document(body) | Self::MergePatch(body) | Self::JsonPatch(body) => body.clone(),
            Self::Deletion => Bytes::new(),
        }
    }

    /// Whether what is stored is looked into to perform it.
    pub(crate) fn builds_on_what_is_stored(&self, on_conflict: Option<OnConflict>) -> bool {
        match self {
            Self::MergePatch(_) | Self::JsonPatch(_) => true,
            Self::Document(_) => on_conflict == Some(OnConflict::Merge),
            Self::Deletion => false,
        }
    }

    /// Checks all of an edit that does not depend on what is stored.
    ///
    /// # Errors
    ///
    /// [`What::NotJson`], [`What::NotAPatch`] or [`What::Invalid`].
    pub(crate) async fn read(self, collection: &Collection, max_bytes: usize) -> Outcome<Edit> {
        let patching = |patch| {
            let patch = Arc::new(patch);
            Edit::Patch(Patching { patch, max_bytes })
        };
        match self {
            Self::Document(body) => {
                let (rules, size) = (Arc::clone(&collection.rules), body.len());
                let check = move || {
                    if !json::check_object(&body).map_err(What::NotJson)? {
                        return Err(What::Invalid(vec![Violation::no_object()]));
                    }
                    Proposal::check(&rules.rules, body, None).map_err(What::Invalid)
                };
                Ok(Edit::Put(offload(size, check).await??))
            }
            Self::MergePatch(body) => Ok(patching(Patch::Merge(parse(&body)?))),
            Self::JsonPatch(body) => {
                let patch = JsonPatch::from_value(&parse(&body)?);
                Ok(patching(Patch::Json(patch.map_err(What::NotAPatch)?)))
            }
            Self::Deletion => Ok(Edit::Delete),
        }
    }
}

/// A text that must be I-JSON.
pub(crate) fn parse(body: &[u8]) -> Outcome<json::Value> {
    json::parse(body).map_err(|error| What::NotJson(error).into())
}
