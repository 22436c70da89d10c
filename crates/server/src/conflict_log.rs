use axum::body::Body;
use detente_core::json::{self, Object, Pointer, Value, object};
use detente_service::{ConflictDetail, Decided, LogPlace, Reason, Ruled, Ruling};
use detente_store::{Conflicts, LoggedConflict, LostEdit, OutcomeFilter, PageLimit, SettledAs};

use crate::call::{Answer, Call};
use crate::explanation::Refused;
use crate::fields;
use crate::idempotency::OnceField;
use crate::inbound::{Inbound, not_json};
use crate::merging::read_choices;
use crate::operations::IN_DISMISSALS;
use crate::parameters::{DEFAULT_LIMIT, limit, moment, parameters, whole_number};
use crate::problem::Problem;
use crate::representation::{self, Coding};
use crate::resource::JSON;
use crate::site::Site;
use crate::write::{self, mark_replayed};

/// The conflicts of a space, the newest first. Whoever may write but not read sees their own.
pub(crate) async fn list(call: &mut Call) -> Answer {
    let mut wanted = wanted(call.inbound.query())?;
    wanted.space = Some(call.names().space()?.to_owned());
    let page = call.app.service.conflicts(&call.principal, wanted).await?;
    let rows: Vec<Object> = page
        .items
        .iter()
        .map(|it| describe(it, &call.site))
        .collect();
    let next = page.next.map(|next| next.to_string());
    tell(object([("items", rows.into()), ("next", next.into())])).await
}

/// One conflict, with the edit that was lost and where it collided.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let place = place(call)?;
    let detail = call.app.service.conflict(&call.principal, &place).await?;
    tell(report(detail, &call.site)?).await
}

pub(crate) fn report(detail: ConflictDetail, site: &Site) -> Result<Object, Problem> {
    let mut report = describe(&detail.conflict, site);
    if detail.shows_edit {
        report.insert("edit".into(), edit(&detail.conflict.edit)?.into());
    }
    let values = [("base", detail.base), ("current", detail.current)];
    for (name, document) in values {
        if let Some(document) = document {
            report.insert(name.into(), document);
        }
    }
    if let Some(clashes) = detail.clashes {
        let rows: Vec<_> = clashes.iter().map(collision).collect();
        report.insert("conflicts".into(), rows.into());
    }
    Ok(report)
}

/// Stores the edit after all, joined with what is current, or lets it go.
pub(crate) async fn resolve(call: &mut Call) -> Answer {
    let place = place(call)?;
    let conditions = fields::preconditions(call.inbound.headers())?;
    let lock_token = fields::lock_token(call.inbound.headers())?;
    call.inbound.must_be(&[JSON], "accept-post")?;
    let sent = call.inbound.read_json().await?;
    let once = OnceField::read(call.inbound.headers())?;
    let once = once.as_ref().map(|once| once.of(&call.inbound));
    let decided = read_ruling(&sent)?;
    if matches!(decided, Decided::Dismissed(_)) {
        fields::must_be_placed(&IN_DISMISSALS, call.inbound.headers())?;
    }
    let ruling = Ruling {
        place,
        decided,
        conditions,
        lock_token,
        verb: "POST",
        sent,
    };
    match call.app.service.rule(&call.principal, ruling, once).await? {
        Ruled::Conflict {
            conflict,
            is_replayed,
        } => {
            let mut response = tell(describe(&conflict, &call.site)).await?;
            if is_replayed {
                mark_replayed(response.headers_mut());
            }
            Ok(response)
        }
        Ruled::Write(done) => {
            let headers = call.inbound.headers();
            let reply = write::answer(done, &call.inbound.parts.method, headers, &call.site);
            Ok(reply.map(Body::from))
        }
    }
}

/// `{"dismiss": true, "reason": "…"}`, or `{"choices": {…}, "current": …}`
fn read_ruling(body: &[u8]) -> Result<Decided, Refused> {
    let value = json::parse(body).map_err(|error| not_json(&error))?;
    let known = ["dismiss", "reason", "choices", "current"];
    let members = members_of(&value, &known, "")?;
    let reason = read_reason(members)?;
    let decides = ["choices", "current"].map(|name| members.get(name));
    match members.get("dismiss") {
        Some(Value::Bool(true)) if decides == [None, None] => {
            return Ok(Decided::Dismissed(reason));
        }
        Some(Value::Bool(false)) | None => {}
        Some(_) => {
            let what = "must be true, and stand alone or beside a reason";
            return Err(Problem::mistake("/dismiss", what).into());
        }
    }
    if reason.is_some() {
        let what = "must stand beside \"dismiss\": true, and nothing else";
        return Err(Problem::mistake("/reason", what).into());
    }
    let (choices, current) = read_choices(&value)?;
    Ok(Decided::Resolved { choices, current })
}

/// Nothing, or `{"reason": "…"}`.
async fn read_dismissal(inbound: &mut Inbound) -> Result<Option<Reason>, Refused> {
    let sent = inbound.read().await?;
    if sent.is_empty() {
        return Ok(None);
    }
    inbound.must_be(&[JSON], "accept-post")?;
    let value = json::parse(&sent).map_err(|error| not_json(&error))?;
    // Whoever puts filters there would dismiss everything.
    let hint = ". Filters stand in the query, as for the list";
    let members = members_of(&value, &["reason"], hint)?;
    Ok(read_reason(members)?)
}

fn members_of<'a>(value: &'a Value, known: &[&str], hint: &str) -> Result<&'a Object, Problem> {
    let members = value.as_object();
    let members = members.ok_or_else(|| Problem::mistake("", "must be an object"))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(members),
        Some(other) => {
            let what = format!("is not known here: {}{hint}", known.join(", "));
            let place = Pointer::root().child(other.as_str()).to_string();
            Err(Problem::mistake(&place, &what))
        }
    }
}

pub(crate) fn read_reason(members: &Object) -> Result<Option<Reason>, Problem> {
    let Some(value) = members.get("reason") else {
        return Ok(None);
    };
    let reason = value.as_str().and_then(Reason::new);
    let most = Reason::MAX;
    let what = format!(
        "must be a string of 1 to {most} characters, without control characters but line feed and tab"
    );
    let reason = reason.ok_or_else(|| Problem::mistake("/reason", &what))?;
    Ok(Some(reason))
}

/// Lets the open conflicts go that the filters of a list name.
pub(crate) async fn dismiss(call: &mut Call) -> Answer {
    let mut wanted = wanted(call.inbound.query())?;
    wanted.space = Some(call.names().space()?.to_owned());
    let reason = read_dismissal(&mut call.inbound).await?;
    let once = OnceField::read(call.inbound.headers())?;
    let once = once.as_ref().map(|once| once.of(&call.inbound));
    let sent = call.inbound.query();
    let service = &call.app.service;
    let dismissed = service
        .dismiss_all(&call.principal, wanted, reason, once, sent)
        .await?;
    let report = object([
        ("dismissed", (dismissed.count as u64).into()),
        ("more", dismissed.has_more.into()),
    ]);
    let mut response = tell(report).await?;
    if dismissed.is_replayed {
        mark_replayed(response.headers_mut());
    }
    Ok(response)
}

fn place(call: &Call) -> Result<LogPlace, Problem> {
    Ok(LogPlace {
        space: call.names().space()?.to_owned(),
        id: call.path.get("conflict").unwrap_or_default().to_owned(),
    })
}

/// As the log tells it; `None` is open.
pub(crate) fn outcome_name(outcome: Option<SettledAs>) -> &'static str {
    match outcome {
        None => "open",
        Some(SettledAs::Resolved) => "resolved",
        Some(SettledAs::Dismissed) => "dismissed",
    }
}

pub(crate) fn describe(conflict: &LoggedConflict, site: &Site) -> Object {
    let outcome = conflict.settlement.as_ref().map(|it| it.outcome);
    let mut row = object([
        ("id", conflict.id.as_str().into()),
        (
            "href",
            site.conflict(conflict.key.space(), &conflict.id).into(),
        ),
        ("at", conflict.at.to_string().into()),
        ("by", conflict.by.to_string().into()),
        ("method", conflict.method.as_str().into()),
        ("collection", conflict.key.collection().into()),
        ("document", conflict.key.id().into()),
        ("document_href", site.document(&conflict.key).into()),
        ("kind", conflict.kind.as_str().into()),
        ("paths", conflict.paths.clone().into()),
        ("base_version", conflict.base.map(|it| it.version).into()),
        (
            "current_version",
            conflict.current.map(|it| it.version).into(),
        ),
        ("outcome", outcome_name(outcome).into()),
    ]);
    if let Some(agent) = &conflict.agent {
        row.insert("agent".into(), agent.to_string().into());
    }
    if let Some(settled) = &conflict.settlement {
        row.insert("settled_at".into(), settled.at.to_string().into());
        row.insert("settled_by".into(), settled.by.to_string().into());
        row.insert("settled_version".into(), settled.version.into());
        if let Some(reason) = &settled.reason {
            row.insert("settled_reason".into(), reason.to_string().into());
        }
    }
    row
}

fn edit(edit: &LostEdit) -> Result<Object, Problem> {
    let (name, body) = match edit {
        LostEdit::Deletion => return Ok(object([("deletion", true.into())])),
        LostEdit::Document(body) => ("document", body),
        LostEdit::MergePatch(body) => ("merge_patch", body),
        LostEdit::JsonPatch(body) => ("json_patch", body),
    };
    let value = json::parse(body).map_err(Problem::internal)?;
    Ok(object([(name, value)]))
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

async fn tell(body: Object) -> Answer {
    let body = Value::Object(body).to_text();
    representation::json(body, Coding::Identity).await
}

fn wanted(query: &str) -> Result<Conflicts, Problem> {
    let mut wanted = Conflicts {
        limit: PageLimit::rows(DEFAULT_LIMIT),
        ..Conflicts::default()
    };
    for (name, value) in parameters(query) {
        let wrong = |what: &str| {
            let detail = format!("{name} must be {what}.");
            Problem::malformed(detail).with("parameter", &*name)
        };
        let time = || moment(&value).ok_or_else(|| wrong("a time such as 2026-11-22T10:30:00Z"));
        let text = Some(value.to_string());
        match &*name {
            "collection" => wanted.collection = text,
            "document" => wanted.documents = text.map(|id| vec![id]),
            "by" => wanted.by = text,
            "kind" => wanted.kind = text,
            "agent" => wanted.agent = text,
            "not_agent" => wanted.not_agent = text,
            "outcome" => {
                wanted.outcome = Some(match &*value {
                    "open" => OutcomeFilter::Open,
                    "resolved" => OutcomeFilter::Resolved,
                    "dismissed" => OutcomeFilter::Dismissed,
                    _ => return Err(wrong("open, resolved or dismissed")),
                });
            }
            "since" => wanted.since = Some(time()?),
            "until" => wanted.until = Some(time()?),
            "limit" => wanted.limit = PageLimit::rows(limit(&value)?),
            "cursor" => {
                let before = whole_number(&value).filter(|it| *it <= i64::MAX as u64);
                wanted.before = Some(before.ok_or_else(|| wrong("the next of a page"))?);
            }
            other => {
                let detail = format!("The conflict log has no parameter {other:?}.");
                return Err(Problem::malformed(detail).with("parameter", other));
            }
        }
    }
    Ok(wanted)
}
