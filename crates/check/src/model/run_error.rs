use url::Url;

use super::{Outage, Unsure};

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the budget of requests is spent (--budget)")]
    BudgetSpent,
    #[error("interrupted")]
    Interrupted,
    #[error("{url} cannot be reached")]
    Unreachable { url: Url, source: std::io::Error },
    #[error(
        "{host} is not this machine; the tester writes to it and races writes on purpose, so this needs \
         --allow-remote"
    )]
    RemoteNotAllowed { host: String },
    /// There was never an answer.
    #[error("GET {url} got no answer: {unsure}")]
    Unanswered { url: Url, unsure: Unsure },
    /// It does not answer any more.
    #[error("{}", outage.told("during the run"))]
    Gone { outage: Box<Outage> },
    /// There is nothing to begin with.
    #[error(
        "GET {url} was answered {answer}; give the URL of an existing resource, and the header fields that \
         reading it needs (-H)"
    )]
    Unreadable { url: Url, answer: String },
    #[error("{url} is not an HTTP URL")]
    NotHttp { url: Url },
}
