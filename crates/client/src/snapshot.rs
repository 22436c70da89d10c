use detente_core::json::{Value, parse};
use detente_core::merge::{Choices, Merge, Strategies, merge};

use crate::error::{ContentError, Error};
use crate::tag::Tag;
use crate::transport::Answer;

/// A document at one version, exactly as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) version: Option<u64>,
    /// `None` if the server did not send one: the document must be read before it is changed.
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

    /// The document after a write; `None` if the answer does not contain it, so it must be read.
    ///
    /// The body is used only if the server is known to answer writes with the document. Other
    /// servers may answer `{"ok":true}` (RFC 9110, section 9.3.4, leaves the content open); if that
    /// were taken for the document, the next save would store it. From such servers, a tag means
    /// that exactly what was sent was stored.
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

    /// The tag to put into the condition of a write.
    pub(crate) fn needed_tag(&self) -> Result<&Tag, Error> {
        self.tag.as_ref().ok_or(Error::Untagged)
    }

    /// Merges `ours` and `theirs`, both based on this snapshot. The client knows no strategies: if
    /// a field has one, the server merges.
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
