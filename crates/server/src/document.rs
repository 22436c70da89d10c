use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use detente_core::json::{self, Value};
use detente_core::rules::Violation;
use detente_core::{
    Applied, Command, Decision, Edit, EntityTag, Field, Head, JsonPatch, Key, MalformedPatch,
    Patch, Patching, Preconditions, Proposal, Selected, Stored, Verdict, evaluate,
};
use detente_store::WriteError;

use crate::app::{App, crunch};
use crate::caller::Caller;
use crate::conflict::{self, Attempt};
use crate::inbound::{Inbound, not_json};
use crate::preference::Preferences;
use crate::problem::{Problem, ProblemKind};
use crate::representation::{self, Coding, bodiless, field};
use crate::resource::{
    COLLECTION, DOCUMENT, JSON, JSON_PATCH, MERGE_PATCH, Names, PathParts, document_href,
};
use crate::settings::Collection;

/// One document.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let mut inbound = Inbound::new(parts, body, app.settings.limits.body_bytes);
    let answer = answer(&app, &Names::of(&path), &mut inbound).await;
    if answer.is_err() {
        inbound.drain().await;
    }
    answer
}

async fn answer(
    app: &Arc<App>,
    names: &Names<'_>,
    inbound: &mut Inbound,
) -> Result<Response, Problem> {
    match inbound.parts.method {
        Method::GET | Method::HEAD => read(app, names, inbound).await,
        Method::PUT | Method::PATCH | Method::DELETE => {
            let caller = Caller::of(&app.settings, inbound.headers())?;
            caller.must_write()?;
            let key = names.key()?;
            // Boxed: a write's future is large, and a read would have to carry its room around.
            Box::pin(Write::new(app, key, caller, inbound)?.perform(inbound)).await
        }
        ref method => DOCUMENT.otherwise(method),
    }
}

/// A new document in a collection, under an id of the server's choice.
pub(crate) async fn create(
    app: &Arc<App>,
    names: &Names<'_>,
    inbound: &mut Inbound,
) -> Result<Response, Problem> {
    let caller = Caller::of(&app.settings, inbound.headers())?;
    caller.must_write()?;
    let id = uuid::Uuid::now_v7().to_string();
    let key = names.collection()?.key(&id).map_err(Problem::internal)?;
    Box::pin(Write::new(app, key, caller, inbound)?.perform(inbound)).await
}

async fn read(app: &Arc<App>, names: &Names<'_>, inbound: &Inbound) -> Result<Response, Problem> {
    Caller::of(&app.settings, inbound.headers())?.must_read()?;
    let key = names.key()?;
    app.collection(key.collection())?;
    let stored = app.newest(&key).await?.ok_or_else(|| no_document(&key))?;
    if !stored.head().is_document() {
        return Err(gone(&stored));
    }
    respond_conditionally(app, &stored, inbound).await
}

/// A version, or 304 or a refusal if the preconditions say so (RFC 9110, section 13.2.2).
pub(crate) async fn respond_conditionally(
    app: &Arc<App>,
    stored: &Arc<Stored>,
    inbound: &Inbound,
) -> Result<Response, Problem> {
    let conditions = inbound.preconditions()?;
    let selected = Selected {
        tag: stored.head().tag().to_entity_tag(),
        modified: stored.at,
        shares_its_second: conditions.ask_for_dates() && shares_its_second(app, stored).await?,
    };
    match evaluate(&conditions, Some(&selected), true) {
        Verdict::Proceed => {
            representation::document(StatusCode::OK, stored, &selected.tag, inbound.headers()).await
        }
        Verdict::Fail(Field::IfNoneMatch | Field::IfModifiedSince) => {
            Ok(not_modified(stored, &selected.tag, inbound))
        }
        Verdict::Fail(field) => {
            let detail = format!(
                "{} names another version than {}.",
                field.name(),
                selected.tag
            );
            let problem = Problem::new(ProblemKind::PreconditionFailed, detail);
            let problem = problem.with("current_etag", selected.tag.to_string());
            Err(problem
                .with("current_version", stored.version)
                .header(header::ETAG, &selected.tag.to_string()))
        }
    }
}

async fn shares_its_second(app: &Arc<App>, stored: &Stored) -> Result<bool, Problem> {
    let prev = match stored.prev {
        Some(prev) => app.version(prev).await?,
        None => None,
    };
    Ok(prev.is_some_and(|prev| prev.at.second() == stored.at.second()))
}

/// Names the form of the representation that the client has, if it said so, else the one it would get.
fn not_modified(stored: &Stored, tag: &EntityTag, inbound: &Inbound) -> Response {
    let coded = Coding::Gzip.tag(tag).to_string();
    let lines = || inbound.headers().get_all(header::IF_NONE_MATCH).into_iter();
    let names =
        |form: &str| lines().any(|line| line.to_str().is_ok_and(|line| line.contains(form)));
    let is_coded = match (names(&coded), names(&tag.to_string())) {
        (true, false) => true,
        (false, true) => false,
        _ => Coding::negotiate(inbound.headers(), stored.body.len()) == Coding::Gzip,
    };
    let mut response = bodiless(StatusCode::NOT_MODIFIED, stored);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_coded {
        headers.insert(header::ETAG, field(coded));
    }
    response
}

fn no_document(key: &Key) -> Problem {
    let detail = format!("{} has no document {:?}.", key.collection(), key.id());
    Problem::not_found(detail)
}

fn gone(stored: &Stored) -> Problem {
    let detail = format!("{} deleted this document.", stored.by);
    let problem = Problem::new(ProblemKind::Gone, detail);
    problem
        .with("deleted_at", stored.at.to_string())
        .with("deleted_by", stored.by.to_string())
        .with("current_version", stored.version)
}

/// A write, from its request to its answer.
struct Write<'a> {
    app: &'a Arc<App>,
    collection: Arc<Collection>,
    key: Key,
    caller: Caller,
    preconditions: Preconditions,
    preferences: Preferences,
}

impl<'a> Write<'a> {
    fn new(
        app: &'a Arc<App>,
        key: Key,
        caller: Caller,
        inbound: &Inbound,
    ) -> Result<Self, Problem> {
        Ok(Self {
            app,
            collection: Arc::clone(app.collection(key.collection())?),
            key,
            caller,
            preconditions: inbound.preconditions()?,
            preferences: Preferences::of(inbound.headers()),
        })
    }

    async fn perform(self, inbound: &mut Inbound) -> Result<Response, Problem> {
        let edit = match inbound.parts.method {
            Method::POST => Edit::Put(self.proposal(inbound, "accept-post").await?),
            Method::PUT => Edit::Put(self.proposal(inbound, "accept").await?),
            Method::PATCH => Edit::Patch(self.patching(inbound).await?),
            _ => Edit::Delete,
        };
        let command = Command {
            key: self.key.clone(),
            preconditions: self.preconditions.clone(),
            edit: edit.clone(),
            by: Arc::clone(&self.caller.name),
        };
        let rules = Arc::clone(&self.collection.rules);
        match self
            .app
            .writer
            .write(command, rules)
            .await
            .map_err(not_written)?
        {
            Decision::Apply(applied) => self.applied(*applied, inbound).await,
            Decision::Refuse(refusal) => {
                let attempt = Attempt {
                    key: self.key,
                    method: inbound.parts.method.clone(),
                    preconditions: self.preconditions,
                    edit,
                    may_read: self.caller.may_read(),
                    stale_status: self.collection.stale_status,
                };
                Err(conflict::explain(self.app, attempt, *refusal).await?)
            }
        }
    }

    /// Checks all that does not depend on what is stored.
    async fn proposal(
        &self,
        inbound: &mut Inbound,
        answer: &'static str,
    ) -> Result<Proposal, Problem> {
        inbound.must_be(&[JSON], answer)?;
        let body = inbound.read().await?;
        let length = body.len();
        let rules = Arc::clone(&self.collection.rules);
        let check = move || {
            if !json::check_object(&body).map_err(|error| not_json(&error))? {
                return Err(invalid(vec![Violation::no_object()]));
            }
            Proposal::check(&rules.rules, body, None).map_err(invalid)
        };
        crunch(length, check).await?
    }

    async fn patching(&self, inbound: &mut Inbound) -> Result<Patching, Problem> {
        let media_type = inbound.must_be(&[MERGE_PATCH, JSON_PATCH], "accept-patch")?;
        let body = inbound.read_json().await?;
        let patch = Arc::new(read_patch(media_type, &body)?);
        let max_bytes = self.app.settings.limits.body_bytes;
        let ahead = match self.app.newest(&self.key).await? {
            Some(stored) if self.is_worth_working_ahead(&stored.head()) => {
                self.work_ahead(&patch, stored, max_bytes).await?
            }
            _ => None,
        };
        Ok(Patching {
            patch,
            ahead,
            max_bytes,
        })
    }

    fn is_worth_working_ahead(&self, head: &Head) -> bool {
        let tag = head.tag().to_entity_tag();
        let tags = self
            .preconditions
            .if_match
            .as_ref()
            .map(|condition| condition.tags());
        head.is_document() && tags.is_none_or(|tags| tags.is_empty() || tags.contains(&tag))
    }

    /// Applies the patch here rather than on the writer's thread. Should it not fit, or the head
    /// move meanwhile, the decision finds out for itself.
    async fn work_ahead(
        &self,
        patch: &Arc<Patch>,
        stored: Arc<Stored>,
        max_bytes: usize,
    ) -> Result<Option<(u64, Proposal)>, Problem> {
        let (patch, rules) = (Arc::clone(patch), Arc::clone(&self.collection.rules));
        let size = stored.body.len();
        let work = move || {
            let proposal = Proposal::patched(&rules.rules, &patch, &stored.body, max_bytes);
            proposal.ok().map(|proposal| (stored.seq, proposal))
        };
        crunch(size, work).await
    }

    async fn applied(self, applied: Applied, inbound: &Inbound) -> Result<Response, Problem> {
        let stored = &applied.stored;
        if inbound.parts.method == Method::DELETE {
            let mut response = bodiless(StatusCode::NO_CONTENT, stored);
            // There is no representation left that a tag could name.
            response.headers_mut().remove(header::ETAG);
            return Ok(response);
        }
        let status = if applied.created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        // Whoever may not read sees no more than they sent.
        let is_known = inbound.parts.method != Method::PATCH || self.caller.may_read();
        let mut response = if self.preferences.minimal || !is_known {
            let status = if applied.created {
                status
            } else {
                StatusCode::NO_CONTENT
            };
            bodiless(status, stored)
        } else {
            let tag = applied.head.tag().to_entity_tag();
            representation::document(status, stored, &tag, inbound.headers()).await?
        };
        let headers = response.headers_mut();
        if self.preferences.minimal {
            let applied = HeaderValue::from_static("return=minimal");
            headers.insert("preference-applied", applied);
        }
        if inbound.parts.method == Method::POST {
            headers.insert(header::LOCATION, field(document_href(&stored.key)));
        }
        Ok(response)
    }
}

pub(crate) fn invalid(violations: Vec<Violation>) -> Problem {
    let first = violations.first().map(|violation| {
        let place = if violation.path.is_empty() {
            "the document"
        } else {
            &violation.path
        };
        format!("{place}: {}", violation.message)
    });
    let detail = match violations.len() {
        1 => format!("{}.", first.unwrap_or_default()),
        count => format!(
            "{count} violations; the first: {}.",
            first.unwrap_or_default()
        ),
    };
    let rows = violations.into_iter().map(|violation| {
        json::object([
            ("path", violation.path.into()),
            ("keyword", violation.keyword.into()),
            ("message", violation.message.into()),
        ])
    });
    let problem = Problem::new(ProblemKind::InvalidDocument, detail);
    problem.with("violations", rows.collect::<Vec<_>>())
}

fn read_patch(media_type: &str, body: &Bytes) -> Result<Patch, Problem> {
    let value = json::parse(body).map_err(|error| not_json(&error))?;
    if media_type == MERGE_PATCH {
        return Ok(Patch::Merge(value));
    }
    JsonPatch::from_value(&value)
        .map(Patch::Json)
        .map_err(|error| not_a_patch(&error))
}

fn not_a_patch(error: &MalformedPatch) -> Problem {
    let operation = match error {
        MalformedPatch::NoArray => Value::Null,
        MalformedPatch::NoObject { index }
        | MalformedPatch::Member { index, .. }
        | MalformedPatch::Unknown { index, .. }
        | MalformedPatch::Pointer { index, .. } => Value::from(*index as u64),
    };
    Problem::malformed(format!("The body is no JSON Patch: {error}.")).with("operation", operation)
}

fn not_written(error: WriteError) -> Problem {
    match error {
        WriteError::Busy => Problem::unavailable("Too many writes are waiting."),
        WriteError::Closing => Problem::unavailable("The server is shutting down."),
        WriteError::Full => {
            let detail = "The disk is full. Nothing was written; reading goes on.";
            Problem::new(ProblemKind::StorageFull, detail)
        }
        WriteError::Store => Problem::internal("the store failed; see the writer's own line"),
    }
}

/// POST to a collection, whose other methods are for lists.
pub(crate) fn otherwise(method: &Method) -> Result<Response, Problem> {
    COLLECTION.otherwise(method)
}
