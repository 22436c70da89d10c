use detente_core::json::SyntaxError;

use crate::conflict::Stale;
use crate::problem::Problem;

/// The cause of a failure, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation failed; one variant for each thing that the caller can do next.
///
/// Unless a variant says otherwise, nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else saved in between. Merge the edits: [`crate::Draft::resolve`].
    #[error("{}", .0.problem)]
    Stale(Box<Stale>),
    /// Others were faster each time. Try again later.
    #[error("gave up after {attempts} attempts, each overtaken by another write")]
    Contended { attempts: u32, last: Box<Stale> },
    /// There is no such document.
    #[error("{0}")]
    Missing(Box<Problem>),
    /// The document was deleted; `deleted_by` and `deleted_at` say by whom and when. Tell the user,
    /// or [insert](crate::Collection::insert) it again.
    #[error("{0}")]
    Deleted(Box<Problem>),
    /// The document to be created exists already; the refusal may contain it.
    #[error("the document exists already")]
    Exists(Box<Stale>),
    /// Another document, named by `existing`, has the same unique key. Choose other values.
    #[error("{0}")]
    Duplicate(Box<Problem>),
    /// The state of the document does not allow the step, or a patch does not apply. The same
    /// request would be refused again; `allowed_transitions` may list what is allowed.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The document breaks its schema; `violations` names each place.
    #[error("{0}")]
    Invalid(Box<Problem>),
    /// Somebody holds the lock until `expires_at`.
    #[error("{0}")]
    Locked(Box<Problem>),
    /// Other credentials are needed.
    #[error("{0}")]
    Unauthorized(Box<Problem>),
    /// The server stayed too busy. Send the same request again later.
    #[error("{0}")]
    Unavailable(Box<Problem>),
    /// Any other refusal: the program or the server must be corrected.
    #[error("{0}")]
    Failed(Box<Problem>),
    /// The server could not be reached.
    #[error("the server could not be reached")]
    Unreachable(#[source] Cause),
    /// **A write may or may not have been applied**: it was sent, and its answer was lost. Read the
    /// document before you write again.
    #[error("the write was sent, but it is unknown whether it was applied")]
    Uncertain(#[source] Cause),
    /// **The write was applied**, but its result could not be read. Do not write again; read.
    #[error("the write was applied, but its result could not be read")]
    Applied(#[source] Box<Error>),
    /// The document, the answer or the value has the wrong form.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The server sends no version (`ETag`), so the next write could destroy somebody else's.
    #[error("the server sends no ETag with this document, so it cannot be changed safely")]
    Untagged,
    /// The server's log is another than the one that was followed, and ends at `last`: an older copy of
    /// the store was put back. What was seen may no longer be so. Read everything again:
    /// [`crate::Since::Beginning`].
    #[error("the server's store was put back from an older copy; its log ends at {last}")]
    Reset { last: u64 },
    /// A name that is not valid where it is used: in a URL or a header field.
    #[error("{0:?} cannot be {1}")]
    Name(String, &'static str),
}

/// Why a document cannot be read or written as the type at hand.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    #[error("the text is not I-JSON (RFC 7493)")]
    Syntax(#[source] SyntaxError),
    #[error("the document does not match the type that it is read as")]
    Type(#[source] serde_json::Error),
    #[error("the value cannot be written as JSON")]
    Value(#[source] serde_json::Error),
    #[error("the answer has no {0}")]
    Lacks(&'static str),
}

impl Error {
    /// The refusal behind the error, if there was one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Stale(stale) | Self::Exists(stale) => Some(&stale.problem),
            Self::Contended { last, .. } => Some(&last.problem),
            Self::Missing(problem)
            | Self::Deleted(problem)
            | Self::Duplicate(problem)
            | Self::Refused(problem)
            | Self::Invalid(problem)
            | Self::Locked(problem)
            | Self::Unauthorized(problem)
            | Self::Unavailable(problem)
            | Self::Failed(problem) => Some(problem),
            _ => None,
        }
    }

    /// The error for a refusal that has nothing to do with versions.
    pub(crate) fn of(problem: Problem) -> Self {
        let (status, problem) = (problem.status(), Box::new(problem));
        match (problem.kind(), status) {
            ("deleted" | "gone", _) | (_, 410) => Self::Deleted(problem),
            ("duplicate-entry", _) => Self::Duplicate(problem),
            // The key was used for another request; no rule is involved.
            ("key-reuse", _) => Self::Failed(problem),
            // An earlier attempt of the same request is still in progress.
            ("request-in-progress", _) | (_, 429 | 502..=504) => Self::Unavailable(problem),
            (_, 404) => Self::Missing(problem),
            (_, 409 | 412) => Self::Refused(problem),
            (_, 422) => Self::Invalid(problem),
            (_, 423) => Self::Locked(problem),
            (_, 401 | 403) => Self::Unauthorized(problem),
            _ => Self::Failed(problem),
        }
    }
}

/// Why [`crate::Collection::try_update`] changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum TryUpdateError<E> {
    /// The caller's own function called the update off.
    #[error("the update was called off")]
    Aborted(E),
    #[error(transparent)]
    Failed(#[from] Error),
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    #[test]
    fn every_refusal_says_what_to_do_next() {
        let cases = [
            // (status, type, variant)
            (404, "", "Missing"),
            (410, "gone", "Deleted"),
            (409, "deleted", "Deleted"),
            (409, "duplicate-entry", "Duplicate"),
            (409, "state-conflict", "Refused"),
            (409, "patch-conflict", "Refused"),
            (409, "", "Refused"),
            (409, "request-in-progress", "Unavailable"),
            (422, "invalid-document", "Invalid"),
            (422, "key-reuse", "Failed"),
            (423, "locked", "Locked"),
            (401, "", "Unauthorized"),
            (403, "forbidden", "Unauthorized"),
            (429, "rate-limited", "Unavailable"),
            (503, "unavailable", "Unavailable"),
            (400, "malformed", "Failed"),
            (428, "precondition-required", "Failed"),
            (500, "internal", "Failed"),
            (507, "storage-full", "Failed"),
            (301, "", "Failed"),
        ];
        for (status, kind, variant) in cases {
            let body = format!(r#"{{"type":"/problems/{kind}"}}"#);
            let status = StatusCode::from_u16(status).unwrap();
            let error = Error::of(Problem::new(status, body.as_bytes(), None));
            let told = format!("{error:?}");
            assert!(told.starts_with(variant), "{status} {kind}: {told}");
        }
    }
}
