use crate::model::Exchange;

const MOST_EXCHANGES: usize = 50_000;
const MOST_BYTES: usize = 64 << 20;

/// What was sent, and what came of it; as much as is good to keep.
#[derive(Default)]
pub(super) struct Record {
    exchanges: Vec<Exchange>,
    bytes: usize,
    /// The latest one, where there was no room for it.
    latest: Option<Exchange>,
}

impl Record {
    pub(super) fn keep(&mut self, exchange: &Exchange) {
        let answered = exchange
            .response()
            .map_or(0, |response| response.body.len());
        let bytes = exchange.request.body.len() + answered;
        if self.exchanges.len() < MOST_EXCHANGES && self.bytes + bytes <= MOST_BYTES {
            self.bytes += bytes;
            self.exchanges.push(exchange.clone());
        } else {
            self.latest = Some(exchange.clone());
        }
    }

    /// The latest exchange of some kind, as far as it was kept.
    pub(super) fn last(&self, is_it: impl Fn(&Exchange) -> bool) -> Option<&Exchange> {
        let kept = self.exchanges.iter().rev();
        self.latest
            .iter()
            .chain(kept)
            .find(|exchange| is_it(exchange))
    }

    pub(super) fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }
}
