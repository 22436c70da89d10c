use super::figure;
use crate::model::{Effect, Exchange, Reply, Unsure};

/// How an exchange is marked: by colour, by pattern and by sign, so that none of them is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// `accepted`: the class of what is drawn, and the id of its sign.
    pub class: &'static str,
    /// For who cannot see it.
    pub word: &'static str,
}

pub(super) const ACCEPTED: Mark = mark("accepted", "accepted");
pub(super) const REFUSED: Mark = mark("refused", "refused");
pub(super) const BUSY: Mark = mark("busy", "told to come back later");
pub(super) const UNKNOWN: Mark = mark("unknown", "unknown: it may have been applied");
pub(super) const READ: Mark = mark("read", "read");

const fn mark(class: &'static str, word: &'static str) -> Mark {
    Mark { class, word }
}

impl Mark {
    pub(super) fn of(exchange: &Exchange) -> Self {
        match exchange.effect() {
            Effect::Accepted if !is_write(exchange) => READ,
            Effect::Accepted => ACCEPTED,
            Effect::Refused => REFUSED,
            Effect::Busy => BUSY,
            Effect::Unknown => UNKNOWN,
        }
    }
}

pub(super) fn is_write(exchange: &Exchange) -> bool {
    !exchange.request.method.is_safe()
}

/// What came of it, in few words: `412`, `no answer in 2.00 s`.
pub(super) fn status(exchange: &Exchange) -> String {
    match &exchange.reply {
        Reply::Received(response) => response.status.as_u16().to_string(),
        Reply::Missing(Unsure::TimedOut(after)) => {
            format!("no answer in {}", figure::time(*after))
        }
        Reply::Missing(Unsure::Lost(_)) => "connection lost".to_owned(),
        Reply::Missing(Unsure::Malformed(_)) => "not HTTP".to_owned(),
        Reply::Missing(Unsure::Dropped) => "dropped on purpose".to_owned(),
    }
}

/// The path and the query.
pub(super) fn path(exchange: &Exchange) -> String {
    let url = &exchange.request.url;
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
