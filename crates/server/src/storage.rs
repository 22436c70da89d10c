//! The files of a space for applications that bring their own storage: remoteStorage
//! (draft-dejong-remotestorage-26). A user is a space. What a token may do with a module, the first folder of a
//! path, is what it may do with a collection of that name.

mod finger; // WebFinger: where somebody's storage is
mod listing; // what is in a folder

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use detente_core::{Condition, EntityTag, FILES, Key, Preconditions, ROOT, VersionTag};
use detente_service::{
    Action, Entry, Explanation, FileTerms, OnCollision, Principal, Rights, StaleAnswer, What,
};

use crate::call::{Answer, Call};
use crate::explanation::Refused;
use crate::file::{self, Target};
use crate::problem::{Problem, ProblemKind};
use crate::representation::bodiless;
use crate::resource::Module;

pub(crate) use finger::finger;

/// What the version of the draft is called.
const VERSION: &str = "draft-dejong-remotestorage-26";

/// A document or a folder, and somebody who may do with it what they may do with its module.
struct Place {
    key: Key,
    is_folder: bool,
    principal: Principal,
}

impl Place {
    fn of(call: &Call) -> Result<Self, Refused> {
        let files = call.app.service.files()?;
        if !files.has_remote_storage {
            return Err(Problem::not_found("This server has no remoteStorage.").into());
        }
        let Target { key, means_folder } = Target::of(call)?;
        let module = Module::of(call.path.get("path").unwrap_or_default());
        let may = |action: &Action| {
            let is_public = *action == Action::Read && module.is_open;
            is_public || call.principal.may(*action, module.place(key.space()))
        };
        let actions = [Action::Read, Action::Create, Action::Update, Action::Delete];
        let rights = Rights::in_collection(key.space(), FILES, actions.into_iter().filter(may));
        Ok(Self {
            key,
            is_folder: means_folder,
            principal: Principal {
                rights: Arc::new(rights),
                ..call.principal.clone()
            },
        })
    }
}

/// The content of a document, or what is in a folder.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let place = Place::of(call)?;
    let conditions = conditions(call.inbound.headers())?;
    let service = &call.app.service;
    let read = service
        .read(&place.principal, &place.key, &conditions)
        .await;
    let read = read.map_err(|refused| told(refused, false))?;
    let entry = Entry::of(&read.stored)?;
    if entry.file().is_some() == place.is_folder {
        return Err(nothing_here(&place.key).into());
    }
    if read.is_known {
        let reply = bodiless(StatusCode::NOT_MODIFIED, &read.stored, &call.site);
        return Ok(reply.map(Body::from));
    }
    match entry {
        Entry::Folder => listing::of(call, &place, &read.stored).await,
        Entry::File(facts) => file::sending::file(call, &read.stored, &facts).await,
    }
}

/// A document, and the folders that it is in.
pub(crate) async fn put(call: &mut Call) -> Answer {
    let Place {
        key,
        is_folder,
        principal,
    } = Place::of(call)?;
    if is_folder {
        let detail = "A path that ends with a slash is that of a folder, which is there as soon as it has a document.";
        return Err(Problem::malformed(detail).into());
    }
    call.principal = principal;
    let terms = terms(call.inbound.headers())?;
    let stored = file::receive(call, key, ("PUT", terms), OnCollision::Refuse).await;
    let stored = stored.map_err(|refused| match refused {
        Refused::Explained(explanation) => told(explanation, true),
        problem => problem,
    })?;
    let status = match stored.done.created {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok(bodiless(status, &stored.done.stored, &call.site).map(Body::from))
}

/// No document, nor a folder that has none without it.
pub(crate) async fn delete(call: &mut Call) -> Answer {
    let place = Place::of(call)?;
    if place.is_folder {
        let detail = "A folder is there as long as it has a document: delete those.";
        return Err(Problem::malformed(detail).into());
    }
    let terms = FileTerms {
        prunes: true,
        ..terms(call.inbound.headers())?
    };
    let is_conditional = terms.conditions.if_match.is_some();
    let service = &call.app.service;
    let removed = service
        .remove_file(&place.principal, &place.key, &terms, None)
        .await;
    let removed = removed.map_err(|refused| told(refused, is_conditional))?;
    let mut reply = bodiless(StatusCode::OK, &removed.stored, &call.site);
    // There is no representation left that a tag could name.
    reply.headers_mut().remove(header::ETAG);
    Ok(reply.map(Body::from))
}

fn nothing_here(key: &Key) -> Problem {
    let detail = match key.id() {
        ROOT => "There is nothing in this storage.".to_owned(),
        path => format!("There is nothing at {path:?}."),
    };
    Problem::not_found(detail)
}

/// A refusal as the draft has it: 412 where a condition does not hold, and 404 for what was deleted.
fn told(mut explanation: Box<Explanation>, is_conditional: bool) -> Refused {
    let key = explanation.key.clone();
    explanation.what = match explanation.what {
        What::Stale(it, _) | What::Deleted(it) => What::Stale(it, StaleAnswer::PreconditionFailed),
        What::Missing if is_conditional => {
            let detail = "There is no such document, and If-Match says that there is.";
            let problem = Problem::new(ProblemKind::PreconditionFailed, detail);
            return problem.with("header", "If-Match").into();
        }
        What::Missing | What::Gone(_) => {
            return match key {
                Some(key) => nothing_here(&key).into(),
                None => explanation.into(),
            };
        }
        other => other,
    };
    explanation.into()
}

fn terms(headers: &HeaderMap) -> Result<FileTerms, Problem> {
    Ok(FileTerms {
        conditions: conditions(headers)?,
        // Applications that mind send a condition; what the others replace stays in the history.
        may_be_unconditional: true,
        ..FileTerms::default()
    })
}

/// The conditions of a request. Tags may lack their quotes: some applications leave them out.
fn conditions(headers: &HeaderMap) -> Result<Preconditions, Problem> {
    let condition = |name: HeaderName| {
        let value = headers.get(name)?;
        let text = String::from_utf8_lossy(value.as_bytes());
        if text.trim() == "*" {
            return Some(Condition::Any);
        }
        let tags = text.split(',').map(str::trim).flat_map(|tag| {
            let quoted = match tag.ends_with('"') {
                true => tag.to_owned(),
                false => format!("\"{tag}\""),
            };
            // What is no tag is the tag of nothing.
            EntityTag::parse_list(quoted.as_bytes()).unwrap_or_default()
        });
        Some(Condition::Tags(
            tags.map(VersionTag::without_suffix).collect(),
        ))
    };
    Ok(Preconditions {
        if_match: condition(header::IF_MATCH),
        if_none_match: condition(header::IF_NONE_MATCH),
        ..Preconditions::default()
    })
}
