use http::StatusCode;
use serde_json::Value;

use super::{Halt, Nonce, said};
use crate::model::{Exchange, Response};

/// What an entity tag says but for whether it is weak (RFC 9110, section 8.8.3.2).
pub(crate) fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// What a GET saw.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub exchange: Exchange,
    response: Response,
    /// What tells one write from another, as it stands in the representation.
    pub mark: Option<Value>,
    /// The content as JSON, if it is.
    pub document: Option<Value>,
}

impl Reading {
    /// What a GET's answer says, if it says anything of the resource.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if it was not served.
    pub(super) fn of(
        exchange: Exchange,
        mark: impl Fn(&[u8]) -> Option<Value>,
    ) -> Result<Self, Halt> {
        let Some(response) = exchange.response().cloned() else {
            return Err(Halt::Cannot(format!(
                "GET was answered {}",
                said(&exchange)
            )));
        };
        if response.status.is_server_error() || response.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Halt::Cannot(format!(
                "GET was answered {}",
                said(&exchange)
            )));
        }
        let mark = response
            .status
            .is_success()
            .then(|| mark(&response.body))
            .flatten();
        Ok(Self {
            document: response.json(),
            exchange,
            response,
            mark,
        })
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status
    }

    pub(crate) fn is_there(&self) -> bool {
        self.response.status.is_success()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.response.body
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The entity tag, quotes and all. That of an error is the error's own, and none of the resource's.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.header("etag").filter(|_| self.is_there())
    }

    pub(crate) fn has_weak_tag(&self) -> bool {
        self.tag().is_some_and(|tag| tag.starts_with("W/"))
    }

    pub(crate) fn modified(&self) -> Option<&str> {
        self.header("last-modified").filter(|_| self.is_there())
    }

    pub(crate) fn member(&self, pointer: &str) -> Option<Value> {
        self.document.as_ref()?.pointer(pointer).cloned()
    }

    /// Whether what was written with `nonce` is there.
    pub(crate) fn shows(&self, nonce: &Nonce) -> bool {
        self.mark.as_ref().is_some_and(|mark| nonce.is(mark))
    }
}
