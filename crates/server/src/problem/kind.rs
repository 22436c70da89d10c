use axum::http::StatusCode;

use super::member::Member;
use super::{access, capacity, condition, conflict, content};

/// The kinds of problems: `type` and `error` in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProblemKind {
    StaleVersion,
    Deleted,
    DuplicateEntry,
    StateConflict,
    PathClash,
    PatchConflict,
    BaseGone,
    ConflictSettled,
    RequestInProgress,
    PreconditionFailed,
    LockLost,
    Locked,
    PreconditionRequired,
    InvalidDocument,
    TooCostly,
    KeyReuse,
    NotPerformed,
    Malformed,
    Unauthenticated,
    Forbidden,
    ForeignOrigin,
    Misdirected,
    NotFound,
    MethodNotAllowed,
    Gone,
    VersionGone,
    RequestTimeout,
    ContentTooLarge,
    RangeNotSatisfiable,
    UnsupportedMediaType,
    HeadersTooLarge,
    RateLimited,
    Unavailable,
    StorageFull,
    Damaged,
    Internal,
}

/// One row of the table of problems.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProblemType {
    pub(crate) kind: ProblemKind,
    /// The last part of `type`.
    pub(crate) slug: &'static str,
    pub(crate) error: &'static str,
    /// What the configuration can put into `error` instead, if anything.
    pub(crate) named_by: Option<&'static str>,
    /// Status codes of refusals appear in these rows and nowhere else.
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    /// When to try again, for the table in the guide.
    pub(crate) again: &'static str,
    /// Why the server said no, as HTML.
    pub(crate) why: &'static str,
    /// What to do about it, as HTML.
    pub(crate) what: &'static str,
    /// The members that only this kind of problem has.
    pub(crate) members: &'static [Member],
    /// The names of the members that are always there.
    pub(crate) always: &'static [&'static str],
}

impl ProblemType {
    /// Defaults for the columns.
    pub(super) const BARE: Self = Self {
        kind: ProblemKind::Internal,
        slug: "",
        error: "",
        named_by: None,
        status: StatusCode::INTERNAL_SERVER_ERROR,
        title: "",
        again: "",
        why: "",
        what: "",
        members: &[],
        always: &[],
    };

    /// The `type` of such a problem.
    pub(crate) fn path(&self) -> String {
        format!("/problems/{}", self.slug)
    }
}

/// All rows.
pub(crate) fn problems() -> impl Iterator<Item = &'static ProblemType> {
    let rows = [
        conflict::ROWS,
        condition::ROWS,
        content::ROWS,
        access::ROWS,
        capacity::ROWS,
    ];
    rows.into_iter().flatten()
}

impl ProblemKind {
    pub(crate) fn describe(self) -> &'static ProblemType {
        let found = problems().find(|row| row.kind == self);
        found.expect("every kind of problem has its row")
    }
}
