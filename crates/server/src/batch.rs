use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use bytes::Bytes;
use detente_core::json::{self, Draft, Members, Pointer, RawText, Value};
use detente_service::{Ask, BatchRefused, OperationRefused};

use crate::audit::HasDenial;
use crate::call::{Answer, Call};
use crate::explanation::Refused;
use crate::idempotency::OnceField;
use crate::parameters::switch_in;
use crate::problem::Problem;
use crate::representation::{self, Coding, Reply};
use crate::resource::{JSON, Names};
use crate::site::Site;
use crate::write::{self, WriteHead, mark_replayed};

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

/// What `atomic` is for.
const ATOMIC: &str = "whether all operations are performed or none";

/// Several writes, all of them or none; with `?atomic=false` each for itself.
pub(crate) async fn perform(call: &mut Call) -> Answer {
    let is_atomic = switch_in(call.inbound.query(), "atomic", ATOMIC)?.unwrap_or(true);
    let space = call.names().space()?.to_owned();
    call.inbound.must_be(&[JSON], "accept-post")?;
    let sent = call.inbound.read_enclosing(LEVELS).await?;
    let mut operations = read_operations(&sent, is_atomic)?;
    for operation in &mut operations {
        // A client may send the link that it was given.
        let path = call.site.path(&operation.path);
        if path.len() < operation.path.len() {
            operation.path = path.to_owned();
        }
    }
    let batch = Batch {
        call,
        space: &space,
    };
    if is_atomic {
        batch.all_or_none(operations, &sent).await
    } else {
        must_have_no_key(batch.call.inbound.headers())?;
        batch.each_for_itself(operations).await
    }
}

/// A key that nobody heeds would promise what it does not keep.
fn must_have_no_key(headers: &HeaderMap) -> Result<(), Problem> {
    if !headers.contains_key(KEY) {
        return Ok(());
    }
    let detail = "Each operation of this batch stands for itself: Idempotency-Key belongs on each.";
    Err(Problem::malformed(detail).with("header", "Idempotency-Key"))
}

/// How deep the documents of a batch are in it: in an operation, in the list of them.
const LEVELS: usize = 3;

/// One write of a batch, as it would have been a request of its own.
struct Operation {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

fn mistake(place: &Pointer, what: &str) -> Problem {
    Problem::mistake(&place.to_string(), what)
}

/// Reads the operations of a body, which must be checked JSON. Their documents stay text.
fn read_operations(body: &Bytes, is_atomic: bool) -> Result<Vec<Operation>, Problem> {
    let place = Pointer::root().child("operations");
    let members = object_in(body.clone());
    let operations = members.as_ref().and_then(|members| {
        let index = members.position("operations")?;
        json::items(members.text(index))
    });
    let (Some(members), Some(operations)) = (&members, operations) else {
        return Err(mistake(&place, "must be a list of operations"));
    };
    let mut names = (0..members.len()).map(|index| members.name(index));
    if let Some(other) = names.find(|name| *name != "operations") {
        let place = Pointer::root().child(other);
        return Err(mistake(&place, "is not known here: operations"));
    }
    if !(1..=MAX_OPERATIONS).contains(&operations.len()) {
        let what = format!("must have 1 to {MAX_OPERATIONS} operations");
        return Err(mistake(&place, &what));
    }
    let numbered = operations.into_iter().enumerate();
    numbered
        .map(|(index, operation)| {
            let place = place.child(index.to_string());
            read_operation(&place, body.slice_ref(operation), is_atomic)
        })
        .collect()
}

/// The members of a text that is checked JSON, if it is an object.
fn object_in(text: Bytes) -> Option<Members> {
    let is_object = text.trim_ascii_start().starts_with(b"{");
    is_object.then(|| Members::of(text))
}

fn read_operation(place: &Pointer, text: Bytes, is_atomic: bool) -> Result<Operation, Problem> {
    let members = object_in(text).ok_or_else(|| mistake(place, "must be an object"))?;
    let known = ["method", "path", "headers", "body"];
    let mut names = (0..members.len()).map(|index| members.name(index));
    if let Some(other) = names.find(|name| !known.contains(name)) {
        let what = format!("is not known here: {}", known.join(", "));
        return Err(mistake(&place.child(other), &what));
    }
    let value = |name| Some(members.value(members.position(name)?));
    let method = match value("method").as_ref().and_then(Value::as_str) {
        Some("PUT") => Method::PUT,
        Some("POST") => Method::POST,
        Some("PATCH") => Method::PATCH,
        Some("DELETE") => Method::DELETE,
        _ => {
            return Err(mistake(
                &place.child("method"),
                "must be PUT, POST, PATCH or DELETE",
            ));
        }
    };
    let Some(Value::String(path)) = value("path") else {
        let what = "must be a path, such as /api/notes/1";
        return Err(mistake(&place.child("path"), what));
    };
    let mut headers = match value("headers") {
        Some(headers) => read_fields(&place.child("headers"), &headers, is_atomic)?,
        None => HeaderMap::new(),
    };
    let body = members.position("body");
    if body.is_some() && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    Ok(Operation {
        method,
        path,
        headers,
        body: body
            .map(|index| members.plain_text(index))
            .unwrap_or_default(),
    })
}

fn read_fields(place: &Pointer, value: &Value, is_atomic: bool) -> Result<HeaderMap, Problem> {
    let members = value.as_object();
    let members = members.ok_or_else(|| mistake(place, "must be an object"))?;
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
        let text = value.as_str();
        let text = text.ok_or_else(|| mistake(&place, "must be a string"))?;
        let value = HeaderValue::from_str(text);
        let value =
            value.map_err(|_| mistake(&place, "must be a field value (RFC 9110, section 5.5)"))?;
        let name = HeaderName::try_from(lower);
        let name = name.map_err(|_| mistake(&place, "must be a field name"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// What all operations have in common.
struct Batch<'a> {
    call: &'a Call,
    space: &'a str,
}

impl Batch<'_> {
    async fn each_for_itself(&self, operations: Vec<Operation>) -> Answer {
        let mut asks = Vec::new();
        let mut refused = Vec::with_capacity(operations.len());
        for operation in &operations {
            let ask = self.ask_alone(operation);
            refused.push(ask.map(|ask| asks.push(ask)).err());
        }
        let keyed = asks
            .iter()
            .zip(operations.iter().zip(&refused).filter(|it| it.1.is_none()));
        let keyed = keyed.map(|((ask, once), (operation, _))| {
            let once = once.as_ref().map(|once| {
                once.at(
                    operation.method.as_str(),
                    &operation.path,
                    &operation.headers,
                )
            });
            (ask.clone(), once)
        });
        let service = &self.call.app.service;
        let mut done = service
            .each(&self.call.principal, keyed.collect())
            .await
            .into_iter();
        let mut rows = Vec::with_capacity(operations.len());
        let mut has_denial = false;
        for (operation, refused) in operations.iter().zip(refused) {
            let answer = match refused {
                Some(problem) => Err(problem),
                None => {
                    let missing = || Problem::internal("an operation has no answer");
                    let done = done.next().ok_or_else(missing)?;
                    let done = done.map_err(Refused::from);
                    done.map(|done| operation.answer(done, &self.call.site))
                }
            };
            let answer = answer.map_err(|refused| refused.told(&self.call.site));
            has_denial |= answer.as_ref().is_err_and(Problem::is_denial);
            rows.push(operation.row(answer.map_err(Refused::from), &self.call.site));
        }
        let mut response = respond(rows).await?;
        if has_denial {
            response.extensions_mut().insert(HasDenial);
        }
        Ok(response)
    }

    async fn all_or_none(&self, operations: Vec<Operation>, sent: &[u8]) -> Answer {
        let Call {
            app,
            principal,
            site,
            inbound,
            ..
        } = self.call;
        let once = OnceField::read(inbound.headers())?;
        let once = once.as_ref().map(|once| once.of(inbound));
        let mut asks = Vec::with_capacity(operations.len());
        for operation in &operations {
            asks.push(self.ask(operation));
        }
        let done = app.service.batch(principal, asks, once, sent).await;
        let done = match done {
            Ok(done) => done,
            Err(BatchRefused::Whole(explanation)) => return Err(explanation.into()),
            Err(BatchRefused::Operations(refused)) => {
                let paths = operations.iter().map(|it| it.path.as_str());
                return Err(tell(paths, refused, &self.call.site).into());
            }
        };
        let mut rows = Vec::with_capacity(operations.len());
        for (operation, mut write) in operations.iter().zip(done.writes) {
            // The batch is what is replayed.
            write.is_replayed = false;
            rows.push(operation.row(Ok(operation.answer(write, site)), site));
        }
        let mut response = respond(rows).await?;
        if done.is_replayed {
            mark_replayed(response.headers_mut());
        }
        Ok(response)
    }

    fn ask_alone(&self, operation: &Operation) -> Result<(Ask, Option<OnceField>), Refused> {
        let ask = self.ask(operation)?;
        Ok((ask, OnceField::read(&operation.headers)?))
    }

    /// The write that an operation is.
    fn ask(&self, operation: &Operation) -> Result<Ask, Refused> {
        let Operation { method, path, .. } = operation;
        let not_here = || {
            let detail = format!(
                "{method} {path:?} is none of a batch's operations: PUT, PATCH and DELETE go to a \
                 document, POST to a collection, all in the space of the batch."
            );
            Refused::from(Problem::malformed(detail))
        };
        // A query is no part of a path; in an id, `?` and `#` are written percent-encoded.
        let is_path = !path.contains(['?', '#']);
        let names = Names::parse(path)
            .filter(|_| is_path)
            .ok_or_else(not_here)?;
        if names.space()? != self.space || names.has_id() == (method == Method::POST) {
            return Err(not_here());
        }
        let key = if names.has_id() {
            names.key()?
        } else {
            let id = uuid::Uuid::now_v7().to_string();
            names.collection()?.key(&id).map_err(Problem::internal)?
        };
        self.call.app.service.collection(key.collection())?;
        let head = WriteHead::read(key, method, &operation.headers)?;
        Ok(head.with(operation.body.clone())?)
    }
}

impl Operation {
    fn answer(&self, done: detente_service::Done, site: &Site) -> Reply {
        write::answer(done, &self.method, &self.headers, site)
    }

    /// An answer as it would have been the answer to a request of its own.
    fn row(&self, answer: Result<Reply, Refused>, site: &Site) -> Draft {
        let render = |refused: Refused| refused.told(site).render(site, &self.path, false);
        row(answer.unwrap_or_else(render))
    }
}

/// The refusal of the batch is that of its first operation that is refused, with what became of
/// all of them: their paths are `paths`.
pub(crate) fn tell<'a>(
    paths: impl Iterator<Item = &'a str>,
    refused: Vec<OperationRefused<Refused>>,
    site: &Site,
) -> Problem {
    let Some(first) = refused.iter().position(OperationRefused::is_cause) else {
        return Problem::internal("a batch was refused for nothing");
    };
    let problems = refused.into_iter().map(|it| match it {
        OperationRefused::Unread(refused) => refused.told(site),
        OperationRefused::Explained(explanation) => Refused::from(explanation).told(site),
    });
    let problems: Vec<Problem> = problems.collect();
    let cause = problems[first].clone();
    let rows = paths.zip(problems);
    let rows: Vec<_> = rows
        .map(|(path, problem)| row(problem.render(site, path, false)))
        .collect();
    cause.with("operation", first as u64).with("results", rows)
}

async fn respond(rows: Vec<Draft>) -> Answer {
    let body = Draft::default().with("results", rows).into_text();
    representation::json(body, Coding::Identity).await
}

/// Fields that say something of an operation's outcome; the rest is about the transfer.
const TOLD_FIELDS: [&str; 10] = [
    "etag",
    "merged-etag",
    "merged-versions",
    "merged-places",
    "document-version",
    "last-modified",
    "location",
    "preference-applied",
    "idempotent-replayed",
    "retry-after",
];

fn row(reply: Reply) -> Draft {
    let (parts, body) = reply.into_parts();
    let mut fields = Draft::default();
    for name in TOLD_FIELDS {
        if let Some(value) = parts.headers.get(name).and_then(|it| it.to_str().ok()) {
            fields.add(name, value);
        }
    }
    let row = Draft::default()
        .with("status", u64::from(parts.status.as_u16()))
        .with("headers", fields);
    match std::str::from_utf8(&body) {
        Ok(text) if !text.is_empty() => row.with("body", RawText(text.trim_end())),
        _ => row,
    }
}
