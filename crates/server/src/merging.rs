use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use bytes::Bytes;
use detente_core::json::{self, Draft, Pointer, Value};
use detente_core::merge::{Choice, Choices};
use detente_core::{
    Command, Constraint, Decision, Edit, EntityTag, Key, Merging, Patch, Patching, Proposal,
    Refusal, Stored, VersionTag,
};
use detente_store::{Outcome, Reader, StoreError};

use crate::app::App;
use crate::caller::Caller;
use crate::conflict::Attempt;
use crate::conflict::collision::joined_rows;
use crate::conflict::story::Story;
use crate::inbound::{Inbound, not_json};
use crate::list::parameters;
use crate::once::once;
use crate::problem::{Problem, ProblemKind};
use crate::representation::{self, Coding};
use crate::resource::{ACTION, JSON, JSON_PATCH, MERGE_PATCH, Names, PathParts};
use crate::write::{Terms, Write, invalid, merging, read_patch};

/// POST: joins an edit of an older version with the current one, or shows what that would come to.
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
    if inbound.parts.method != Method::POST {
        return ACTION.otherwise(&inbound.parts.method);
    }
    let caller = Caller::of(&app.settings, inbound.headers())?;
    let is_preview = asks_for_preview(inbound.query())?;
    if is_preview {
        caller.must_read()?;
    } else {
        caller.must_write()?;
    }
    let key = names.key()?;
    let collection = Arc::clone(app.collection(key.collection())?);
    let preconditions = inbound.preconditions()?;
    let lock_token = inbound.lock_token()?;
    inbound.must_be(&[JSON], "accept-post")?;
    let sent = inbound.read_json().await?;
    let asked = Asked::read(&sent)?;
    let merging = asked.find(app, &key).await?;
    if is_preview {
        // Nothing is performed that a key could be for; one that is none is a mistake all the same.
        once(
            inbound.headers(),
            &caller.name,
            "POST",
            inbound.path(),
            &sent,
        )?;
    }
    let command = Command {
        preconditions,
        lock_token: lock_token.filter(|_| !is_preview),
        ..Command::new(
            key,
            Edit::Merge(Box::new(merging)),
            Arc::clone(&caller.name),
        )
    };
    let write = Write::merge(collection, caller, command, inbound.headers(), sent);
    if is_preview {
        return preview(app, write).await;
    }
    write
        .finish(app, inbound.headers(), inbound.path(), None)
        .await
}

fn asks_for_preview(query: &str) -> Result<bool, Problem> {
    let mut asks = false;
    for (name, value) in parameters(query) {
        match (&*name, &*value) {
            ("dry_run", "true" | "false") => asks = value == "true",
            (other, _) => {
                let detail =
                    format!("A merge has no parameter {other:?} of this form: dry_run=true.");
                return Err(Problem::malformed(detail).with("parameter", other));
            }
        }
    }
    Ok(asks)
}

/// What a merge was asked for.
struct Asked {
    base: Named,
    edit: Wanted,
    choices: Choices,
    /// The version that the choices were made on.
    current: Option<Named>,
}

/// A version, as a request names it.
pub(crate) enum Named {
    Tag(VersionTag),
    Number(u64),
    /// A tag that is none of ours.
    Unknown,
}

enum Wanted {
    Document(Value),
    Patch(Patch),
}

impl Asked {
    fn read(body: &Bytes) -> Result<Self, Problem> {
        let value = json::parse(body).map_err(|error| not_json(&error))?;
        let members = value
            .as_object()
            .ok_or_else(|| mistake("", "is an object"))?;
        let known = ["base", "document", "patch", "choices", "current"];
        if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
            let place = Pointer::root().child(other.as_str()).to_string();
            let what = format!("is not known here: {}", known.join(", "));
            return Err(mistake(&place, &what));
        }
        let base = members.get("base");
        let base = base.ok_or_else(|| mistake("/base", "names the version you began from"))?;
        let edit = match (members.get("document"), members.get("patch")) {
            (Some(document), None) => Wanted::Document(document.clone()),
            (None, Some(patch)) => Wanted::Patch(patch_of(patch)?),
            _ => {
                let what = "and /patch: send one of them, what you made of the base";
                return Err(mistake("/document", what));
            }
        };
        let choices = match members.get("choices") {
            Some(choices) => read_choices(choices)?,
            None => Choices::new(),
        };
        let current = members.get("current");
        let current = current.map(|it| Named::read("/current", it)).transpose()?;
        if !choices.is_empty() && current.is_none() {
            return Err(current_required());
        }
        Ok(Self {
            base: Named::read("/base", base)?,
            edit,
            choices,
            current,
        })
    }

    /// The versions that it names, and the edit on its base.
    async fn find(self, app: &Arc<App>, key: &Key) -> Result<Merging, Problem> {
        let max_bytes = app.settings.limits.body_bytes;
        let base = self.base.find(app, key, "/base").await?;
        let edit = match self.edit {
            Wanted::Document(document) => {
                let document = Proposal::made(&Default::default(), document, max_bytes);
                Edit::Put(document.map_err(invalid)?)
            }
            Wanted::Patch(patch) => Edit::Patch(Patching {
                patch: Arc::new(patch),
                max_bytes,
            }),
        };
        let seen = match self.current {
            Some(current) => current.find(app, key, "/current").await?.document(),
            None => None,
        };
        let merging = merging(base, &edit, max_bytes);
        let merging = merging.ok_or_else(|| mistake("/patch", "does not fit the base"))?;
        if let Some(ours) = &merging.ours {
            // A patch may leave something else than an object; the writer is told before any merge.
            Proposal::made(&Default::default(), (**ours).clone(), max_bytes).map_err(invalid)?;
        }
        let merging = Merging {
            seen: seen.map(Arc::new),
            choices: self.choices,
            ..merging
        };
        must_all_be_places(app, key, &merging)?;
        Ok(merging)
    }
}

pub(crate) fn current_required() -> Problem {
    let detail = "Choices hold for the version that they were made on: name it in \"current\", by \
                  the tag that came with the conflict.";
    Problem::new(ProblemKind::PreconditionRequired, detail).with("member", "/current")
}

/// A choice for a place that none of the versions has would change nothing, without a word.
pub(crate) fn must_all_be_places(
    app: &Arc<App>,
    key: &Key,
    merging: &Merging,
) -> Result<(), Problem> {
    let Some(seen) = merging
        .seen
        .as_deref()
        .filter(|_| !merging.choices.is_empty())
    else {
        return Ok(());
    };
    let rules = &app.collection(key.collection())?.rules;
    let joined = merging.join(&rules.rules, seen);
    let is_met = |place: &Pointer| joined.chosen.iter().any(|chosen| chosen.path == *place);
    match merging.choices.keys().find(|place| !is_met(place)) {
        None => Ok(()),
        Some(place) => {
            let path = Pointer::root().child("choices").child(place.to_string());
            let what = "names a place that no version of the document has";
            Err(mistake(&path.to_string(), what))
        }
    }
}

impl Named {
    /// A tag as ETag has it, or the number of a version.
    pub(crate) fn read(place: &str, value: &Value) -> Result<Self, Problem> {
        let wrong = || {
            mistake(
                place,
                "is an entity tag, in its quotes, or the number of a version",
            )
        };
        match value {
            Value::Number(number) => number.as_whole().map(Self::Number).ok_or_else(wrong),
            Value::String(text) => {
                let mut tags = EntityTag::parse_list(text.as_bytes()).map_err(|_| wrong())?;
                let tag = tags.pop().filter(|_| tags.is_empty()).ok_or_else(wrong)?;
                let (plain, _) = tag.split_coding();
                Ok(VersionTag::from_entity_tag(&plain).map_or(Self::Unknown, Self::Tag))
            }
            _ => Err(wrong()),
        }
    }

    pub(crate) async fn find(
        &self,
        app: &Arc<App>,
        key: &Key,
        place: &str,
    ) -> Result<Arc<Stored>, Problem> {
        let newest = app.newest(key).await?;
        let newest = newest.ok_or_else(|| {
            let detail = format!("{} has no document {:?}.", key.collection(), key.id());
            Problem::not_found(detail)
        })?;
        let (found, is_past) = match *self {
            Self::Tag(tag) => {
                let is_past = tag.version < newest.version
                    && tag.seq < newest.seq
                    && app.version(tag.seq).await?.is_none();
                (app.base_among(key, vec![tag]).await?, is_past)
            }
            Self::Number(number) => {
                let head = Arc::clone(&newest);
                let found = app.read(move |reader| reader.numbered(&head, number));
                (found.await?, number < newest.version && number > 0)
            }
            Self::Unknown => (None, false),
        };
        match found.filter(|stored| stored.head().is_document()) {
            Some(stored) => Ok(stored),
            None if is_past => {
                let detail = format!(
                    "{place} names a version that is no longer kept, so nobody can tell your \
                     changes from theirs. GET the document and make the edit anew."
                );
                Err(Problem::new(ProblemKind::BaseGone, detail).with("member", place))
            }
            None => Err(mistake(place, "names no version of this document")),
        }
    }
}

fn mistake(place: &str, what: &str) -> Problem {
    let subject = if place.is_empty() { "The body" } else { place };
    Problem::malformed(format!("{subject} {what}.")).with("member", place)
}

/// An array is a JSON Patch, anything else a merge patch.
fn patch_of(value: &Value) -> Result<Patch, Problem> {
    let media_type = match value {
        Value::Array(_) => JSON_PATCH,
        _ => MERGE_PATCH,
    };
    read_patch(media_type, value.clone())
}

/// `{"/title": "yours" | "current" | "base" | {"value": …}}`
pub(crate) fn read_choices(value: &Value) -> Result<Choices, Problem> {
    let members = value.as_object();
    let members = members.ok_or_else(|| mistake("/choices", "is an object"))?;
    let mut choices = Choices::new();
    for (name, value) in members {
        let place = Pointer::root().child("choices").child(name.as_str());
        let wrong = |what: &str| mistake(&place.to_string(), what);
        let path = name.parse::<Pointer>();
        let path = path.map_err(|error| wrong(&format!("is no place: {error}")))?;
        let choice = match value {
            Value::String(text) => match text.as_str() {
                "yours" => Some(Choice::Ours),
                "current" => Some(Choice::Theirs),
                "base" => Some(Choice::Base),
                _ => None,
            },
            Value::Object(members) if members.len() == 1 => {
                members.get("value").cloned().map(Choice::Value)
            }
            _ => None,
        };
        let what = "is \"yours\", \"current\", \"base\" or {\"value\": …}";
        choices.insert(path, choice.ok_or_else(|| wrong(what))?);
    }
    Ok(choices)
}

/// What a merge would come to now, by all that a write is judged by. Nothing is written.
async fn preview(app: &Arc<App>, mut write: Write) -> Result<Response, Problem> {
    let terms = Terms {
        is_rehearsal: true,
        ..Terms::default()
    };
    let outcome = write.submit(app, &terms).await?;
    let Outcome::Rehearsed(decisions) = outcome else {
        return Err(Problem::internal("a rehearsal came to something else"));
    };
    let decision = decisions.into_iter().next();
    let decision = decision.ok_or_else(|| Problem::internal("a rehearsal of nothing"))?;
    let attempt = write.into_attempt();
    let report = match decision {
        Decision::Apply(applied) => {
            let current = applied.stored.prev;
            let outcome = applied.stored.document();
            app.read(move |reader| report(reader, &attempt, current, Some(outcome), None))
                .await?
        }
        Decision::Refuse(refusal) => match *refusal {
            Refusal::Stale { head: Some(head) } => {
                app.read(move |reader| report(reader, &attempt, Some(head.seq), None, None))
                    .await?
            }
            Refusal::Unmergeable { constraint, head } => {
                app.read(move |reader| {
                    report(reader, &attempt, Some(head.seq), None, Some(&constraint))
                })
                .await?
            }
            other => {
                // Not a matter of merging: the same answer as the merge itself would have.
                let explained = crate::conflict::explain(app, attempt, other).await?;
                return Err(explained.problem);
            }
        },
        Decision::Behind(_) => return Err(Problem::internal("a rehearsal ended half way")),
    };
    let body = Bytes::from(report.into_text());
    representation::json(body, Coding::Identity).await
}

fn report(
    reader: &dyn Reader,
    attempt: &Attempt,
    current: Option<u64>,
    outcome: Option<Option<Value>>,
    constraint: Option<&Constraint>,
) -> Result<Draft, StoreError> {
    let head = match current {
        Some(seq) => reader.version(seq)?.map(|stored| stored.head()),
        None => None,
    };
    let story = Story::read(attempt, reader, head)?;
    let found = story.compare(attempt);
    let mut rows = attempt.conflicts(&story, &found);
    if let Some(constraint) = constraint {
        rows.extend(attempt.broken_rows(&story, constraint));
    }
    let mergeable = found.mergeable && constraint.is_none();
    let joined = || story.whole(&found).and_then(|text| json::parse(&text).ok());
    let document = outcome.unwrap_or_else(joined);
    let mut report = Draft::default()
        .with("mergeable", mergeable)
        .with("base_version", story.base.as_ref().map(|it| it.version))
        .with(
            "current_version",
            story.current.as_ref().map(|it| it.version),
        )
        .with("current_etag", story.tag())
        .with("joined", joined_rows(&found.joined_places))
        .with("agreements", &found.agreements)
        .with("conflicts", rows)
        .with("changes_since", story.changes());
    if let Some(document) = document {
        report.add("document", document);
    }
    Ok(report)
}
