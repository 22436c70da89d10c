use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use bytes::Bytes;
use detente_core::json::{self, Object, Pointer, Value, object};
use detente_core::merge::Choices;
use detente_core::{
    Command, Condition, Edit, JsonPatch, Merging, Once, Patch, Patching, Preconditions, Proposal,
    Stored,
};
use detente_store::{
    Conflicts, LoggedConflict, LostEdit, Outcome, OutcomeFilter, Reader, Settles, Settling,
    StoreError, Transaction, VersionPlace,
};

use crate::app::App;
use crate::caller::Caller;
use crate::conflict::record::{conflict_href, outcome_name};
use crate::conflict::settled_before;
use crate::inbound::{Inbound, not_json};
use crate::list::{limit, moment, parameters, whole_number};
use crate::merging::{Named, read_choices};
use crate::once::{key_reuse, no_turn, once};
use crate::operation::read_only;
use crate::problem::{Problem, ProblemKind};
use crate::representation::{self, Coding};
use crate::resource::{ACTION, JSON, Names, PathParts, document_href};
use crate::write::{Write, invalid, mark_replayed, not_written};

const DEFAULT_LIMIT: usize = 100;

/// The conflicts of a space, the newest first. Whoever may write but not read sees their own.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    let caller = Caller::of(&app.settings, request.headers())?;
    let mut asked = asked(request.uri().query().unwrap_or_default())?;
    asked.space = Names::of(&path).space()?.to_owned();
    if !caller.may_read() {
        asked.by = Some(caller.name.to_string());
    }
    app.writer.flush().await.map_err(not_written)?;
    let page = app.read(move |reader| reader.conflicts(&asked)).await?;
    let rows: Vec<Object> = page.items.iter().map(describe).collect();
    let next = page.next.map(|next| next.to_string());
    tell(object([("items", rows.into()), ("next", next.into())])).await
}

/// One conflict, with the edit that was lost and where it collided.
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    let caller = Caller::of(&app.settings, request.headers())?;
    let conflict = find(&app, &path, &caller).await?;
    let may_read = caller.may_read();
    let rules = app.settings.collection(conflict.key.collection());
    let rules = rules.map(|collection| Arc::clone(&collection.rules));
    let report = app
        .read(move |reader| {
            let mut report = describe(&conflict);
            report.insert("edit".into(), edit(&conflict.edit).into());
            if may_read {
                let values = [("base", conflict.base), ("current", conflict.current)];
                for (name, place) in values {
                    if let Some(document) = document_at(reader, place)? {
                        report.insert(name.into(), document);
                    }
                }
                if let (Some(rules), Some(base)) = (rules, version_at(reader, conflict.base)?) {
                    let theirs = document_at(reader, conflict.current)?;
                    let merging = crate::write::merging(base, &lost(&conflict), usize::MAX);
                    if let (Some(merging), Some(theirs)) = (merging, theirs) {
                        let joined = merging.join(&rules.rules, &theirs);
                        let rows = joined.conflicts.iter().map(collision).collect::<Vec<_>>();
                        report.insert("conflicts".into(), rows.into());
                    }
                }
            }
            Ok(report)
        })
        .await?;
    tell(report).await
}

/// POST: stores the edit after all, joined with what is current, or lets it go.
pub(crate) async fn resolve(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let mut inbound = Inbound::new(parts, body, app.settings.limits.body_bytes);
    let answer = answer(&app, &path, &mut inbound).await;
    if answer.is_err() {
        inbound.drain().await;
    }
    answer
}

async fn answer(
    app: &Arc<App>,
    path: &PathParts,
    inbound: &mut Inbound,
) -> Result<Response, Problem> {
    if inbound.parts.method != Method::POST {
        return ACTION.otherwise(&inbound.parts.method);
    }
    let caller = Caller::of(&app.settings, inbound.headers())?;
    caller.must_read()?;
    caller.must_write()?;
    let conflict = find(app, path, &caller).await?;
    let preconditions = inbound.preconditions()?;
    let lock_token = inbound.lock_token()?;
    inbound.must_be(&[JSON], "accept-post")?;
    let sent = inbound.read_json().await?;
    let settles = |outcome| Settles {
        id: conflict.id.clone(),
        by: Arc::clone(&caller.name),
        outcome,
    };
    let (choices, current) = match Resolution::read(&sent)? {
        Resolution::Dismissal => {
            let once = once(
                inbound.headers(),
                &caller.name,
                "POST",
                inbound.path(),
                &sent,
            )?;
            return dismiss(app, &conflict, settles(Settling::Dismissed), once).await;
        }
        Resolution::Choices { choices, current } => (choices, current),
    };
    let collection = Arc::clone(app.collection(conflict.key.collection())?);
    let newest = app.newest(&conflict.key).await?;
    let newest = newest.filter(|stored| stored.head().is_document());
    let command = match newest {
        Some(_) => {
            let merging = merging_of(app, &conflict, choices, current).await?;
            let edit = Edit::Merge(Box::new(merging));
            Command {
                preconditions,
                ..Command::new(conflict.key.clone(), edit, Arc::clone(&caller.name))
            }
        }
        None => creation(app, &conflict, &caller)?,
    };
    let command = Command {
        lock_token,
        ..command
    };
    let settles = settles(Settling::Resolved);
    let write = Write::merge(collection, caller, command, inbound.headers(), sent);
    write
        .finish(app, inbound.headers(), inbound.path(), Some(settles))
        .await
}

async fn dismiss(
    app: &Arc<App>,
    conflict: &LoggedConflict,
    settles: Settles,
    once: Option<Once>,
) -> Result<Response, Problem> {
    // Held until there is an answer.
    let _turn = match &once {
        Some(once) => Some(app.writer.enter(once).map_err(no_turn)?),
        None => None,
    };
    let transaction = Transaction {
        once,
        settles: Some(settles),
        ..Transaction::default()
    };
    let outcome = app.writer.transact(transaction).await;
    match outcome.map_err(not_written)? {
        Outcome::Applied(_) => tell_settled(app, conflict).await,
        Outcome::Replayed(_) => {
            app.metrics.replayed();
            let mut response = tell_settled(app, conflict).await?;
            mark_replayed(response.headers_mut());
            Ok(response)
        }
        Outcome::KeyReused => Err(key_reuse()),
        Outcome::NotOpen(settled) => Err(settled_before(settled.as_ref())),
        _ => Err(Problem::internal("a dismissal came to something else")),
    }
}

async fn tell_settled(app: &Arc<App>, conflict: &LoggedConflict) -> Result<Response, Problem> {
    let (space, id) = (conflict.key.space().to_owned(), conflict.id.clone());
    let settled = app.read(move |reader| reader.conflict(&space, &id)).await?;
    tell(describe(settled.as_ref().unwrap_or(conflict))).await
}

/// What is to become of a conflict.
enum Resolution {
    Dismissal,
    Choices {
        choices: Choices,
        /// The version that they were made on.
        current: Option<Named>,
    },
}

impl Resolution {
    /// `{"dismiss": true}`, or `{"choices": {…}, "current": …}`
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let value = json::parse(body).map_err(|error| not_json(&error))?;
        let mistake = |place: &str, what: &str| {
            Problem::malformed(format!("{place} {what}.")).with("member", place)
        };
        let members = value.as_object();
        let members = members.ok_or_else(|| mistake("", "is not an object"))?;
        let known = ["dismiss", "choices", "current"];
        if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
            let what = format!("is not known here: {}", known.join(", "));
            let place = Pointer::root().child(other.as_str()).to_string();
            return Err(mistake(&place, &what));
        }
        match members.get("dismiss") {
            Some(Value::Bool(true)) if members.len() == 1 => return Ok(Self::Dismissal),
            Some(Value::Bool(false)) | None => {}
            Some(_) => return Err(mistake("/dismiss", "is true, and stands alone")),
        }
        let choices = match members.get("choices") {
            Some(choices) => read_choices(choices)?,
            None => Choices::new(),
        };
        let current = members.get("current");
        let current = current.map(|it| Named::read("/current", it)).transpose()?;
        if !choices.is_empty() && current.is_none() {
            return Err(crate::merging::current_required());
        }
        Ok(Self::Choices { choices, current })
    }
}

async fn merging_of(
    app: &Arc<App>,
    conflict: &LoggedConflict,
    choices: Choices,
    current: Option<Named>,
) -> Result<Merging, Problem> {
    let max_bytes = app.settings.limits.body_bytes;
    let seen = match current {
        Some(current) => current
            .find(app, &conflict.key, "/current")
            .await?
            .document(),
        None => None,
    };
    let base = match conflict.base {
        Some(place) => Some(app.version(place.seq).await?.ok_or_else(base_gone)?),
        None => None,
    };
    let edit = lost(conflict);
    let merging = match base.filter(|base| base.head().is_document()) {
        Some(base) => crate::write::merging(base, &edit, max_bytes).ok_or_else(unfit)?,
        None => Merging {
            base: None,
            base_document: None,
            ours: match &edit {
                Edit::Put(proposal) => Some(proposal.document()),
                // Nobody knows what it was made for. A deletion of nothing would change nothing, and
                // count as done.
                _ => return Err(unfit()),
            },
            choices: Choices::new(),
            seen: None,
            max_bytes,
        },
    };
    let merging = Merging {
        choices,
        seen: seen.map(Arc::new),
        ..merging
    };
    crate::merging::must_all_be_places(app, &conflict.key, &merging)?;
    Ok(merging)
}

fn base_gone() -> Problem {
    let detail = "The version that the edit began from is no longer kept. Make the edit anew, and \
                  dismiss this conflict.";
    Problem::new(ProblemKind::BaseGone, detail)
}

fn unfit() -> Problem {
    let detail = "The edit changes or deletes a document, and the version that it was made for is not \
                  known. Make it anew, and dismiss this conflict.";
    Problem::new(ProblemKind::PatchConflict, detail)
}

/// Where the document is gone, or never was: storing the edit brings it there.
fn creation(
    app: &Arc<App>,
    conflict: &LoggedConflict,
    caller: &Caller,
) -> Result<Command, Problem> {
    let LostEdit::Document(body) = &conflict.edit else {
        let detail = "There is no document to change any more. Dismiss this conflict.";
        return Err(Problem::not_found(detail));
    };
    let rules = &app.collection(conflict.key.collection())?.rules.rules;
    let proposal = Proposal::check(rules, body.clone(), None).map_err(invalid)?;
    Ok(Command {
        preconditions: Preconditions {
            if_none_match: Some(Condition::Any),
            ..Preconditions::default()
        },
        ..Command::new(
            conflict.key.clone(),
            Edit::Put(proposal),
            Arc::clone(&caller.name),
        )
    })
}

/// The edit as a command has it. It was checked before it was logged.
fn lost(conflict: &LoggedConflict) -> Edit {
    let patching = |patch| {
        Edit::Patch(Patching {
            patch: Arc::new(patch),
            max_bytes: usize::MAX,
        })
    };
    let read = |body: &[u8]| json::parse(body).unwrap_or(Value::Null);
    match &conflict.edit {
        LostEdit::Deletion => Edit::Delete,
        LostEdit::MergePatch(body) => patching(Patch::Merge(read(body))),
        LostEdit::JsonPatch(body) => match JsonPatch::from_value(&read(body)) {
            Ok(patch) => patching(Patch::Json(patch)),
            Err(_) => Edit::Delete,
        },
        LostEdit::Document(body) => {
            match Proposal::check(&Default::default(), body.clone(), None) {
                Ok(proposal) => Edit::Put(proposal),
                Err(_) => Edit::Delete,
            }
        }
    }
}

async fn find(
    app: &Arc<App>,
    path: &PathParts,
    caller: &Caller,
) -> Result<LoggedConflict, Problem> {
    let space = Names::of(path).space()?.to_owned();
    let id = path.get("conflict").unwrap_or_default().to_owned();
    // Whoever got its address a moment ago may ask before it is written.
    app.writer.flush().await.map_err(not_written)?;
    let found = app.read(move |reader| reader.conflict(&space, &id)).await?;
    let is_shown = |conflict: &LoggedConflict| caller.may_read() || conflict.by == caller.name;
    found
        .filter(is_shown)
        .ok_or_else(|| Problem::not_found("The log has no such conflict."))
}

fn version_at(
    reader: &dyn Reader,
    place: Option<VersionPlace>,
) -> Result<Option<Arc<Stored>>, StoreError> {
    match place {
        Some(place) => reader.version(place.seq),
        None => Ok(None),
    }
}

fn document_at(
    reader: &dyn Reader,
    place: Option<VersionPlace>,
) -> Result<Option<Value>, StoreError> {
    Ok(version_at(reader, place)?.and_then(|stored| stored.document()))
}

fn describe(conflict: &LoggedConflict) -> Object {
    let outcome = conflict.settlement.as_ref().map(|it| it.outcome);
    let mut row = object([
        ("id", conflict.id.as_str().into()),
        (
            "href",
            conflict_href(conflict.key.space(), &conflict.id).into(),
        ),
        ("at", conflict.at.to_string().into()),
        ("by", conflict.by.to_string().into()),
        ("method", conflict.method.as_str().into()),
        ("collection", conflict.key.collection().into()),
        ("document", conflict.key.id().into()),
        ("document_href", document_href(&conflict.key).into()),
        ("kind", conflict.kind.as_str().into()),
        ("paths", conflict.paths.clone().into()),
        ("base_version", conflict.base.map(|it| it.version).into()),
        (
            "current_version",
            conflict.current.map(|it| it.version).into(),
        ),
        ("outcome", outcome_name(outcome).into()),
    ]);
    if let Some(settled) = &conflict.settlement {
        row.insert("settled_at".into(), settled.at.to_string().into());
        row.insert("settled_by".into(), settled.by.to_string().into());
        row.insert("settled_version".into(), settled.version.into());
    }
    row
}

fn edit(edit: &LostEdit) -> Object {
    let (name, body) = match edit {
        LostEdit::Deletion => return object([("deletion", true.into())]),
        LostEdit::Document(body) => ("document", body),
        LostEdit::MergePatch(body) => ("merge_patch", body),
        LostEdit::JsonPatch(body) => ("json_patch", body),
    };
    object([(name, json::parse(body).unwrap_or(Value::Null))])
}

fn collision(conflict: &detente_core::Conflict) -> Object {
    let mut row = object([
        ("path", conflict.path.to_string().into()),
        ("kind", conflict.collision.name().into()),
        ("strategy", conflict.strategy.into()),
    ]);
    let values = [
        ("base", &conflict.base),
        ("yours", &conflict.ours),
        ("current", &conflict.theirs),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            row.insert(name.into(), value.clone());
        }
    }
    row
}

async fn tell(body: Object) -> Result<Response, Problem> {
    let body = Bytes::from(Value::Object(body).to_text());
    representation::json(body, Coding::Identity).await
}

fn asked(query: &str) -> Result<Conflicts, Problem> {
    let mut asked = Conflicts {
        limit: DEFAULT_LIMIT,
        ..Conflicts::default()
    };
    for (name, value) in parameters(query) {
        let wrong =
            |what: &str| Problem::malformed(format!("{name} is {what}.")).with("parameter", &*name);
        let time = || moment(&value).ok_or_else(|| wrong("a time such as 2026-11-22T10:30:00Z"));
        let text = Some(value.to_string());
        match &*name {
            "collection" => asked.collection = text,
            "document" => asked.document = text,
            "by" => asked.by = text,
            "kind" => asked.kind = text,
            "outcome" => {
                asked.outcome = Some(match &*value {
                    "open" => OutcomeFilter::Open,
                    "resolved" => OutcomeFilter::Resolved,
                    "dismissed" => OutcomeFilter::Dismissed,
                    _ => return Err(wrong("open, resolved or dismissed")),
                });
            }
            "since" => asked.since = Some(time()?),
            "until" => asked.until = Some(time()?),
            "limit" => asked.limit = limit(&value)?,
            "cursor" => {
                let before = whole_number(&value).filter(|it| *it <= i64::MAX as u64);
                asked.before = Some(before.ok_or_else(|| wrong("not one of this server's"))?);
            }
            other => {
                let detail = format!(
                    "The conflict log has no parameter {other:?}: collection, document, by, kind, \
                     outcome, since, until, limit, cursor."
                );
                return Err(Problem::malformed(detail).with("parameter", other));
            }
        }
    }
    Ok(asked)
}
