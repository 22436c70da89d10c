use std::collections::HashMap;
use std::io;
use std::time::Duration;

use url::Url;

use crate::model::{Exchange, Reply, Unsure};
use crate::wire::Origin;

/// Servers that left their latest request without an answer.
#[derive(Default)]
pub(super) struct Silences(HashMap<Origin, Silence>);

/// What a server left without an answer since it last gave one.
#[derive(Clone)]
pub(super) struct Silence {
    /// What it was asked for.
    pub(super) url: Url,
    /// The first request without an answer; `None` if no connection could be opened for it.
    pub(super) first: Option<Exchange>,
    /// Why the latest one has none.
    pub(super) failure: String,
    /// When that was known.
    at: Duration,
}

impl Silences {
    /// Takes note of what came of a request.
    pub(super) fn learn(&mut self, exchange: &Exchange) {
        let is_served = exchange.is_served();
        let is_dropped = matches!(exchange.reply, Reply::Missing(Unsure::Dropped));
        // Mostly nobody is silent.
        if is_dropped || (is_served && self.0.is_empty()) {
            return;
        }
        let url = &exchange.request.url;
        if !is_served {
            let failure = exchange.reply.to_string();
            self.note(url, Some(exchange), failure, exchange.ended);
        } else if let Ok(origin) = Origin::of(url) {
            // What was sent before may have been answered before.
            let is_later = |silence: &mut Silence| silence.at < exchange.begun;
            self.0
                .retain(|it, silence| *it != origin || !is_later(silence));
        }
    }

    /// Takes note of a connection that could not be opened.
    pub(super) fn learn_unreachable(&mut self, url: &Url, error: &io::Error, at: Duration) {
        self.note(url, None, error.to_string(), at);
    }

    fn note(&mut self, url: &Url, exchange: Option<&Exchange>, failure: String, at: Duration) {
        let Ok(origin) = Origin::of(url) else {
            return;
        };
        let first = || Silence {
            url: url.clone(),
            first: exchange.cloned(),
            failure: String::new(),
            at,
        };
        let silence = self.0.entry(origin).or_insert_with(first);
        silence.failure = failure;
        silence.at = at;
    }

    pub(super) fn origins(&self) -> Vec<Origin> {
        self.0.keys().cloned().collect()
    }

    pub(super) fn of(&self, origin: &Origin) -> Option<&Silence> {
        self.0.get(origin)
    }
}
