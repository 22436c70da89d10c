use super::Exchange;

/// A server that does not answer any more.
#[derive(Clone, Debug)]
pub struct Outage {
    /// The last request that it answered; `None` if it never answered one.
    pub answered: Option<Exchange>,
    /// The first request after that, which got no answer; `None` if none could be sent.
    pub unanswered: Option<Exchange>,
    /// Why the latest attempt failed: `Connection refused`.
    pub failure: String,
}

impl Outage {
    /// Which request it was, and which came before it; `when` says what the tester was doing, such as `during D1`.
    pub(crate) fn told(&self, when: &str) -> String {
        let since = format!("After that, no request got an answer: {}.", self.failure);
        match (&self.unanswered, &self.answered) {
            (Some(lost), Some(before)) => format!(
                "The server stopped answering {when}. The first request without an answer is {}: {}. {since} \
                 The last \
                 request with an answer, {}, was answered {}.",
                title(lost),
                lost.reply,
                title(before),
                before.reply
            ),
            (None, Some(before)) => format!(
                "The server stopped answering {when}. The last request with an answer is {}: {}. {since}",
                title(before),
                before.reply
            ),
            (Some(lost), None) => format!(
                "The server never answered. The first request was {}: {}.",
                title(lost),
                lost.reply
            ),
            (None, None) => format!("The server never answered: {}.", self.failure),
        }
    }
}

/// `PUT http://127.0.0.1:8080/articles/1 of writer 3`
fn title(exchange: &Exchange) -> String {
    format!(
        "{} {} of {}",
        exchange.request.method, exchange.request.url, exchange.actor
    )
}
