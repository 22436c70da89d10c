use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use detente_core::json::{self, Object, Pointer, Value, object};
use detente_core::{Decision, Receipt};
use detente_store::{Outcome, Transaction};
use futures_util::future::join_all;
use http_body_util::BodyExt;

use crate::app::App;
use crate::caller::Caller;
use crate::conflict;
use crate::inbound::{Inbound, not_json};
use crate::list::parameters;
use crate::once::{key_reuse, no_turn, once};
use crate::problem::{Problem, ProblemKind};
use crate::representation::{self, Coding};
use crate::resource::{ACTION, JSON, Names, PathParts};
use crate::write::{Done, Write, mark_replayed, not_written};

/// How many operations a batch may have.
pub(crate) const MAX_OPERATIONS: usize = 1000;

/// Fields that an operation may have; all others are the batch's.
const OWN_FIELDS: [&str; 6] = [
    "content-type",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "lock-token",
    "prefer",
];

const KEY: &str = "idempotency-key";

/// POST: several writes, all of them or none; with `?atomic=false` each for itself.
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
    caller.must_write()?;
    let space = names.space()?;
    let is_atomic = asks_for_all_or_none(inbound.query())?;
    inbound.must_be(&[JSON], "accept-post")?;
    let sent = inbound.read_json().await?;
    let operations = read_operations(&sent, is_atomic)?;
    let batch = Batch {
        app,
        space,
        caller: &caller,
    };
    if is_atomic {
        batch.all_or_none(operations, inbound, &sent).await
    } else {
        must_not_be_one(inbound)?;
        batch.each_for_itself(operations).await
    }
}

/// A key that nobody heeds would promise what it does not keep.
fn must_not_be_one(inbound: &Inbound) -> Result<(), Problem> {
    if !inbound.headers().contains_key(KEY) {
        return Ok(());
    }
    let detail = "Each operation of this batch stands for itself: Idempotency-Key belongs on each.";
    Err(Problem::malformed(detail).with("header", "Idempotency-Key"))
}

fn asks_for_all_or_none(query: &str) -> Result<bool, Problem> {
    let mut is_atomic = true;
    for (name, value) in parameters(query) {
        match (&*name, &*value) {
            ("atomic", "true" | "false") => is_atomic = value == "true",
            (other, _) => {
                let detail =
                    format!("A batch has no parameter {other:?} of this form: atomic=false.");
                return Err(Problem::malformed(detail).with("parameter", other));
            }
        }
    }
    Ok(is_atomic)
}

/// One write of a batch, as it would have been a request of its own.
struct Operation {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

fn mistake(place: &Pointer, what: &str) -> Problem {
    let path = place.to_string();
    let subject = if path.is_empty() { "The body" } else { &path };
    Problem::malformed(format!("{subject} {what}.")).with("member", path)
}

fn read_operations(body: &[u8], is_atomic: bool) -> Result<Vec<Operation>, Problem> {
    let value = json::parse(body).map_err(|error| not_json(&error))?;
    let place = Pointer::root().child("operations");
    let Some(Value::Array(operations)) = value.get("operations") else {
        return Err(mistake(&place, "is the list of operations"));
    };
    if let Some(other) = value
        .as_object()
        .and_then(|members| members.keys().find(|name| *name != "operations"))
    {
        let place = Pointer::root().child(other.as_str());
        return Err(mistake(&place, "is not known here: operations"));
    }
    if !(1..=MAX_OPERATIONS).contains(&operations.len()) {
        let what = format!("has 1 to {MAX_OPERATIONS} operations");
        return Err(mistake(&place, &what));
    }
    let numbered = operations.iter().enumerate();
    numbered
        .map(|(index, operation)| {
            read_operation(&place.child(index.to_string()), operation, is_atomic)
        })
        .collect()
}

fn read_operation(place: &Pointer, value: &Value, is_atomic: bool) -> Result<Operation, Problem> {
    let members = value.as_object();
    let members = members.ok_or_else(|| mistake(place, "is an object"))?;
    let known = ["method", "path", "headers", "body"];
    if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
        let what = format!("is not known here: {}", known.join(", "));
        return Err(mistake(&place.child(other.as_str()), &what));
    }
    let method = match value.get("method").and_then(Value::as_str) {
        Some("PUT") => Method::PUT,
        Some("POST") => Method::POST,
        Some("PATCH") => Method::PATCH,
        Some("DELETE") => Method::DELETE,
        _ => {
            return Err(mistake(
                &place.child("method"),
                "is PUT, POST, PATCH or DELETE",
            ));
        }
    };
    let path = value.get("path").and_then(Value::as_str);
    let path = path.ok_or_else(|| mistake(&place.child("path"), "is the path of a document"))?;
    let mut headers = match value.get("headers") {
        Some(headers) => read_fields(&place.child("headers"), headers, is_atomic)?,
        None => HeaderMap::new(),
    };
    let body = value.get("body");
    if body.is_some() && method != Method::PATCH && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    Ok(Operation {
        method,
        path: path.to_owned(),
        headers,
        body: body.map(|body| body.to_text().into()).unwrap_or_default(),
    })
}

fn read_fields(place: &Pointer, value: &Value, is_atomic: bool) -> Result<HeaderMap, Problem> {
    let members = value.as_object();
    let members = members.ok_or_else(|| mistake(place, "is an object"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in members {
        let place = place.child(name.as_str());
        let lower = name.to_ascii_lowercase();
        if lower == KEY && is_atomic {
            let what = "belongs on the batch, which is performed as one";
            return Err(mistake(&place, what));
        }
        if !OWN_FIELDS.contains(&lower.as_str()) && lower != KEY {
            let what = format!(
                "is no field of an operation's own: {}; all others are the batch's",
                OWN_FIELDS.join(", ")
            );
            return Err(mistake(&place, &what));
        }
        let text = value.as_str().ok_or_else(|| mistake(&place, "is a text"))?;
        let value = HeaderValue::from_str(text);
        let value = value.map_err(|_| mistake(&place, "is no field value"))?;
        let name = HeaderName::try_from(lower);
        headers.append(
            name.map_err(|_| mistake(&place, "is no field name"))?,
            value,
        );
    }
    Ok(headers)
}

/// What all operations have in common.
struct Batch<'a> {
    app: &'a Arc<App>,
    space: &'a str,
    caller: &'a Caller,
}

/// What became of one operation.
type Answer = Result<Response, Problem>;

impl Batch<'_> {
    async fn each_for_itself(&self, operations: Vec<Operation>) -> Result<Response, Problem> {
        let paths: Vec<_> = operations.iter().map(|it| it.path.clone()).collect();
        let mut writes = Vec::with_capacity(operations.len());
        for operation in operations {
            let (headers, path) = (operation.headers.clone(), operation.path.clone());
            writes.push((self.read(operation).await, headers, path));
        }
        // Sent in their order without a pause in between, so they are decided in that order.
        let perform =
            async |(write, headers, path): (Result<Write, Problem>, HeaderMap, String)| {
                write?.finish(self.app, &headers, &path, None).await
            };
        let answers = join_all(writes.into_iter().map(perform)).await;
        tell(&paths, answers).await
    }

    async fn all_or_none(
        &self,
        operations: Vec<Operation>,
        inbound: &Inbound,
        sent: &[u8],
    ) -> Result<Response, Problem> {
        let caller = &self.caller.name;
        let once = once(inbound.headers(), caller, "POST", inbound.path(), sent)?;
        // Held until there is an answer.
        let _turn = match &once {
            Some(once) => Some(self.app.writer.enter(once).map_err(no_turn)?),
            None => None,
        };
        let mut writes = Vec::with_capacity(operations.len());
        let paths: Vec<_> = operations.iter().map(|it| it.path.clone()).collect();
        let mut fields = Vec::with_capacity(operations.len());
        for operation in operations {
            fields.push(operation.headers.clone());
            writes.push(self.read(operation).await);
        }
        let is_whole = writes.iter().all(Result::is_ok);
        let mut commands = Vec::with_capacity(writes.len());
        for write in writes.iter_mut().flatten() {
            write.make_final(self.app).await?;
            commands.push((write.prepared.clone(), Arc::clone(&write.collection.rules)));
        }
        let transaction = Transaction {
            writes: commands,
            once: once.filter(|_| is_whole),
            settles: None,
            is_rehearsal: !is_whole,
        };
        let outcome = self.app.writer.transact(transaction).await;
        match outcome.map_err(not_written)? {
            Outcome::Applied(applied) => {
                let done = applied.into_iter().map(|applied| Done {
                    stored: applied.stored,
                    created: applied.created,
                });
                let whole = writes.into_iter().flatten().zip(done).zip(&fields);
                let mut answers = Vec::new();
                for ((write, done), headers) in whole {
                    let label = self
                        .app
                        .settings
                        .label(write.prepared.command.key.collection());
                    self.app.metrics.applied(label, &done.stored);
                    answers.push(write.answer(done, headers).await);
                }
                tell(&paths, answers).await
            }
            Outcome::Replayed(receipt) => {
                let answers = self.replay(writes, &fields, &receipt).await?;
                let mut response = tell(&paths, answers).await?;
                mark_replayed(response.headers_mut());
                Ok(response)
            }
            Outcome::KeyReused => Err(key_reuse()),
            Outcome::Refused(decisions) | Outcome::Rehearsed(decisions) => {
                Err(self.refuse(&paths, writes, decisions).await?)
            }
            Outcome::NotOpen(_) => Err(Problem::internal("a batch settles nothing")),
        }
    }

    /// Checks all of an operation that does not depend on what is stored.
    async fn read(&self, operation: Operation) -> Result<Write, Problem> {
        let Operation {
            method,
            path,
            headers,
            body,
        } = operation;
        let not_here = || {
            let detail = format!(
                "{method} {path:?} is none of a batch's operations: PUT, PATCH and DELETE go to a \
                 document, POST to a collection, all in the space of the batch."
            );
            Problem::malformed(detail)
        };
        let names = Names::parse(&path).ok_or_else(not_here)?;
        if names.space()? != self.space || names.has_id() == (method == Method::POST) {
            return Err(not_here());
        }
        let key = if names.has_id() {
            names.key()?
        } else {
            let id = uuid::Uuid::now_v7().to_string();
            names.collection()?.key(&id).map_err(Problem::internal)?
        };
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        let (parts, body) = request.into_parts();
        let mut inbound = Inbound::new(parts, body, self.app.settings.limits.body_bytes);
        Write::read(self.app, key, self.caller.clone(), &mut inbound).await
    }

    async fn replay(
        &self,
        writes: Vec<Result<Write, Problem>>,
        fields: &[HeaderMap],
        receipt: &Receipt,
    ) -> Result<Vec<Answer>, Problem> {
        self.app.metrics.replayed();
        let whole = writes.into_iter().flatten().zip(&receipt.writes);
        let mut answers = Vec::new();
        for ((write, written), headers) in whole.zip(fields) {
            let done = self.app.written(written).await?;
            answers.push(write.answer(done, headers).await);
        }
        Ok(answers)
    }

    /// The refusal of the batch is that of its first operation that is refused, with what became of
    /// all of them.
    async fn refuse(
        &self,
        paths: &[String],
        writes: Vec<Result<Write, Problem>>,
        decisions: Vec<Decision>,
    ) -> Result<Problem, Problem> {
        let mut decisions = decisions.into_iter();
        let mut problems = Vec::with_capacity(writes.len());
        for write in writes {
            problems.push(match write {
                Err(problem) => problem,
                Ok(write) => match decisions.next() {
                    Some(Decision::Refuse(refusal)) => {
                        let attempt = write.into_attempt();
                        let explained = conflict::explain(self.app, attempt, *refusal).await?;
                        explained.log(self.app).await
                    }
                    _ => not_performed(),
                },
            });
        }
        let is_cause = |problem: &Problem| problem.kind != ProblemKind::NotPerformed;
        let first = problems.iter().position(is_cause);
        let first = first.ok_or_else(|| Problem::internal("a batch was refused for nothing"))?;
        let cause = problems[first].clone();
        let rows = rows(paths, problems.into_iter().map(Err).collect()).await?;
        Ok(cause.with("operation", first as u64).with("results", rows))
    }
}

async fn tell(paths: &[String], answers: Vec<Answer>) -> Result<Response, Problem> {
    let rows = rows(paths, answers).await?;
    let body = Value::Object(object([("results", rows.into())])).to_text();
    representation::json(Bytes::from(body), Coding::Identity).await
}

/// Each answer as it would have been the answer to a request of its own.
async fn rows(paths: &[String], answers: Vec<Answer>) -> Result<Vec<Object>, Problem> {
    let mut rows = Vec::with_capacity(answers.len());
    for (path, answer) in paths.iter().zip(answers) {
        let response = answer.unwrap_or_else(|problem| problem.render(path, false));
        rows.push(row(response).await?);
    }
    Ok(rows)
}

fn not_performed() -> Problem {
    let detail = "This operation was not refused; another one of the batch was, so none was \
                  performed.";
    Problem::new(ProblemKind::NotPerformed, detail)
}

/// Fields that say something of an operation's outcome; the rest is about the transfer.
const TOLD_FIELDS: [&str; 9] = [
    "etag",
    "merged-etag",
    "merged-versions",
    "document-version",
    "last-modified",
    "location",
    "preference-applied",
    "idempotent-replayed",
    "retry-after",
];

async fn row(response: Response) -> Result<Object, Problem> {
    let (parts, body) = response.into_parts();
    let told = TOLD_FIELDS.iter().filter_map(|name| {
        let value = parts.headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), Value::from(value)))
    });
    let mut row = object([
        ("status", u64::from(parts.status.as_u16()).into()),
        ("headers", Value::Object(told.collect())),
    ]);
    let body = body.collect().await.map_err(Problem::internal)?.to_bytes();
    if !body.is_empty() && parts.status != StatusCode::NO_CONTENT {
        let body = json::parse(&body).map_err(Problem::internal)?;
        row.insert("body".into(), body);
    }
    Ok(row)
}
