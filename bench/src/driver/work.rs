//! What a client does in one step.

/// One kind of request, on one of the client's documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// PUT with `If-Match`, one document after the other.
    PutInTurn,
    /// Many PUTs with `If-Match` in one batch, one document after the other.
    PutInBatches,
    /// PUT with `If-Match`, any document.
    PutAtRandom,
    /// PUT with the `If-Match` of a version that is no longer the current one, one document after the other.
    PutStale,
    /// GET, any document.
    Get,
    /// GET with `If-None-Match`, any document; none has changed.
    GetNotModified,
}

impl Work {
    /// Whether a response with this status did what was asked.
    pub(crate) fn is_done(self, status: u16) -> bool {
        match self {
            Work::PutInTurn | Work::PutAtRandom => matches!(status, 200 | 201 | 204),
            Work::PutStale => status == 409,
            Work::Get | Work::PutInBatches => status == 200,
            Work::GetNotModified => status == 304,
        }
    }
}
