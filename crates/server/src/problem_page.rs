use axum::extract::Request;
use axum::response::{Html, IntoResponse, Response};

use crate::operation::read_only;
use crate::problem::{PROBLEMS, Problem, ProblemKind, ProblemType};
use crate::resource::PathParts;

/// Explains a problem type to people: what `type` in a refusal points to.
pub(crate) async fn handle(path: PathParts, request: Request) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    let slug = path.get("slug").unwrap_or_default();
    let found = PROBLEMS.iter().find(|row| row.slug == slug);
    let row = found.ok_or_else(|| Problem::not_found(format!("There is no problem {slug:?}.")))?;
    Ok(Html(page(row)).into_response())
}

fn page(row: &ProblemType) -> String {
    let (why, what) = explanation(row.kind);
    let link = |other: &ProblemType| format!("<a href=\"/problems/{0}\">{0}</a>", other.slug);
    let others: Vec<_> = PROBLEMS
        .iter()
        .filter(|it| it.slug != row.slug)
        .map(link)
        .collect();
    include_str!("problem_page.html")
        .replace("<!-- title -->", row.title)
        .replace("<!-- slug -->", row.slug)
        .replace("<!-- error -->", row.error)
        .replace("<!-- status -->", &row.status.to_string())
        .replace("<!-- why -->", why)
        .replace("<!-- what -->", what)
        .replace("<!-- others -->", &others.join(" · "))
}

/// Why the server said no, and what to do about it.
fn explanation(kind: ProblemKind) -> (&'static str, &'static str) {
    match kind {
        ProblemKind::StaleVersion => (
            "Your request names, in <code>If-Match</code>, the version that you began from. Somebody saved a newer \
             one since. Writing yours over it would silently destroy their work, so nothing was written.",
            "The answer holds all you need: <code>current</code> is what is stored now, <code>conflicts</code> lists \
             the places that both of you changed with <code>base</code>, <code>yours</code> and <code>current</code>, \
             and <code>changes_since</code> says who did what. Bring the two together (where <code>mergeable</code> \
             is true, <code>merged</code> already is that) and send it again with <code>current_etag</code> in \
             <code>If-Match</code>. <code>already_applied</code> says that what is stored is what you sent, directly \
             on your base: your first answer may have been lost, or somebody else made the same change.",
        ),
        ProblemKind::Deleted => (
            "You changed a document that somebody deleted since you read it.",
            "<code>deleted_by</code> says who, and the history still has every version. To bring the document back, \
             PUT it with <code>If-None-Match: *</code>; its versions go on counting.",
        ),
        ProblemKind::DuplicateEntry => (
            "The collection wants a value, or a combination of values, to be there once. Another document has it.",
            "<code>violations</code> lists every such value with the document that holds it \
             (<code>existing</code>). Choose another value, or change that document instead. Trying again as it is \
             will not help.",
        ),
        ProblemKind::StateConflict => (
            "A rule of the collection, or the lifecycle of its documents, does not allow this change while the \
             document is in its present state.",
            "<code>rule</code> names the rule, <code>current_state</code> the state, and \
             <code>allowed_transitions</code> the states that may come next.",
        ),
        ProblemKind::PatchConflict => (
            "An operation of the JSON Patch does not fit the document: a <code>test</code> found another value, or \
             a path is not there. None of its operations was applied.",
            "<code>operation</code> counts from 0. GET the document, make the patch anew and send it again.",
        ),
        ProblemKind::BaseGone => (
            "Joining your edit with the current version takes the version that you began from, and the server keeps \
             that one no more. It will not guess.",
            "GET the document, make the edit again, and send it with the new <code>ETag</code>.",
        ),
        ProblemKind::ConflictSettled => (
            "The log's conflict was resolved or dismissed already; a second resolution might undo the first.",
            "<code>settled_by</code> and <code>settled_version</code> say what became of it.",
        ),
        ProblemKind::RequestInProgress => (
            "A request with the same <code>Idempotency-Key</code> and the same content has not been answered yet.",
            "Wait as long as <code>Retry-After</code> says, and send it again: you will get the answer of the first.",
        ),
        ProblemKind::LockLost => (
            "Your <code>Lock-Token</code> belongs to no lock that is held. Its time has passed, even if nobody took \
             it since, or it was released or broken. Others may have written while you believed to be alone.",
            "Take a new lock, GET the document, and look at what changed before you write.",
        ),
        ProblemKind::Locked => (
            "Somebody holds the lock of this document, and only they may write it for now.",
            "<code>locked_by</code> and <code>expires_at</code> say who, and until when. Try again after that, or \
             ask them to release it.",
        ),
        ProblemKind::PreconditionFailed => (
            "A precondition of your request does not hold: <code>If-None-Match: *</code> met a document that is \
             there, or the document changed since the date or the version that you named.",
            "As for <a href=\"/problems/stale-version\">stale-version</a>: the answer holds the current document and \
             its tag.",
        ),
        ProblemKind::PreconditionRequired => (
            "The document exists, and your request does not say which version of it you are changing. Then nobody \
             could tell whether you would overwrite somebody's work.",
            "GET the document, and send the <code>ETag</code> of that answer in <code>If-Match</code>. If you mean \
             to overwrite whatever is there, say <code>If-Match: *</code>.",
        ),
        ProblemKind::InvalidDocument => (
            "The document breaks the JSON Schema of its collection, or is not a JSON object.",
            "<code>violations</code> lists every mistake with its path.",
        ),
        ProblemKind::KeyReuse => (
            "An <code>Idempotency-Key</code> stands for one request, so that sending it twice does it once. This key \
             came with other content before.",
            "Use a new key for a new request, and the same key only to repeat one.",
        ),
        ProblemKind::NotPerformed => (
            "A batch is performed as a whole or not at all. Nothing was wrong with this operation; another one was \
             refused.",
            "<code>results</code> has the refusal of each operation. Mend those, and send the batch again.",
        ),
        ProblemKind::Malformed => (
            "The server could not make sense of the request.",
            "<code>detail</code> says what is wrong; <code>offset</code>, <code>header</code> or \
             <code>parameter</code> say where.",
        ),
        ProblemKind::Unauthenticated => (
            "This server wants to know who asks, and the request does not say so in a way that it knows.",
            "Send <code>Authorization: Bearer</code> with a token that the server's configuration lists.",
        ),
        ProblemKind::Forbidden => (
            "The server knows who you are, and your token does not allow this.",
            "Use a token with the right to read or to write, whichever the request needs.",
        ),
        ProblemKind::NotFound => (
            "There is no such document, collection or page.",
            "Check the URL. A server may be set up to know only the collections that it was told of.",
        ),
        ProblemKind::MethodNotAllowed => (
            "The resource exists, but does not know this method.",
            "<code>Allow</code> lists the methods that it knows.",
        ),
        ProblemKind::Gone => (
            "There was such a document, and it was deleted.",
            "Its history is still there under <code>/versions</code>.",
        ),
        ProblemKind::ContentTooLarge => (
            "The body is larger than this server takes.",
            "<code>limit_bytes</code> says how much it takes.",
        ),
        ProblemKind::UnsupportedMediaType => (
            "The body's <code>Content-Type</code> is not one that this resource takes.",
            "A document is <code>application/json</code>; a patch is <code>application/merge-patch+json</code> or \
             <code>application/json-patch+json</code>.",
        ),
        ProblemKind::HeadersTooLarge => (
            "The header fields of the request are larger than this server takes.",
            "<code>limit_bytes</code> says how much it takes. A list of many tags in <code>If-Match</code> can be \
             shortened to the newest.",
        ),
        ProblemKind::Unavailable => (
            "Too many writes are waiting, or the server is shutting down. Nothing was written.",
            "Send the same request again after <code>Retry-After</code> seconds.",
        ),
        ProblemKind::StorageFull => (
            "The disk is full. Nothing was written; everything stored can be read.",
            "Make room; writes go on by themselves.",
        ),
        ProblemKind::Internal => (
            "Something failed that should not have.",
            "The server's log has the cause under the id in <code>X-Request-Id</code>. A write that was answered \
             like this was not applied.",
        ),
    }
}
