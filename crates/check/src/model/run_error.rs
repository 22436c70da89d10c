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
        "{host} is not this machine: the tester writes, and races, on purpose; --allow-remote says that it may"
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
        "GET {url} was answered {answer}: it takes the URL of a resource that is there, and the fields that let it be read (-H)"
    )]
    Unreadable { url: Url, answer: String },
    #[error("{url} is no URL of HTTP")]
    NotHttp { url: Url },
}
