use detente_core::json::{Value, parse};
use detente_core::merge::{Choices, Merge, Strategies, merge};

use crate::error::{ContentError, Error};
use crate::tag::Tag;
use crate::transport::Answer;

/// A document at one version, exactly as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) version: Option<u64>,
    /// `None` where the server did not tell: what is there must be read before it is changed.
    pub(crate) tag: Option<Tag>,
    pub(crate) tree: Value,
}

impl Snapshot {
    pub(crate) fn of_read(answer: &Answer) -> Result<Self, Error> {
        Ok(Self {
            version: answer.version(),
            tag: answer.tag(),
            tree: tree(&answer.body)?,
        })
    }

    /// What a write left behind; `None` if the answer does not tell and it must be read.
    ///
    /// A body counts only from a server that is known to answer a write with the document. Others
    /// may say `{"ok":true}` (RFC 9110, section 9.3.4, leaves the content open), and taking that
    /// for the document would overwrite it with that. From those, a tag means that what was sent
    /// was stored as it is.
    pub(crate) fn of_write(answer: &Answer, sent: Option<&Value>) -> Result<Option<Self>, Error> {
        let tree = if answer.version().is_some() && !answer.body.is_empty() {
            tree(&answer.body)?
        } else if let Some(sent) = sent.filter(|_| answer.merged_tag().is_none()) {
            sent.clone()
        } else {
            return Ok(None);
        };
        Ok(Some(Self {
            version: answer.version(),
            tag: answer.tag().or_else(|| answer.merged_tag()),
            tree,
        }))
    }

    /// The tag to make a write conditional on.
    pub(crate) fn needed_tag(&self) -> Result<&Tag, Error> {
        self.tag.as_ref().ok_or(Error::Untagged)
    }

    /// What comes of `ours` and `theirs`, both begun from this one. The client knows no strategies:
    /// where a field has one, the server does this.
    pub(crate) fn merge(&self, ours: &Value, theirs: &Value, choices: &Choices) -> Merge {
        let strategies = Strategies::default();
        merge(
            Some(&self.tree),
            Some(ours),
            Some(theirs),
            &strategies,
            choices,
        )
    }
}

fn tree(body: &[u8]) -> Result<Value, ContentError> {
    parse(body).map_err(ContentError::Syntax)
}
